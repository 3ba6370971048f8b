"""The catalogue's listing, to the letter; the functions are made up, so that the catalogue may grow."""

import re
from io import StringIO
from math import inf
from typing import Any

import pytest
from rich.console import Console

from jacinspect.functions.catalogue.listing import Listed, Listing
from jacinspect.views.listing import render


def made_up(name: str, **declared: Any) -> Listed:
    plain: dict[str, Any] = {
        "aliases": (), "kind": "elementwise", "operands": ("x",), "parameters": {}, "formula": "x", "derivative": "1",
        "partials": {}, "latex": "", "kinks": (), "jumps": (), "domain": {}, "properties": (), "source": "", "note": "",
    }  # fmt: skip
    return Listed(name=name, **(plain | declared))


SLOPED = made_up(
    "sloped",
    aliases=("bent", "bent_line"),
    parameters={"slope": 0.01, "axis": None, "strict": False},
    formula="x if x > 0 else slope * x",
    derivative="1 if x > 0 else slope",
)
FULL = made_up(
    "full",
    aliases=("whole",),
    parameters={"beta": 1.0},
    formula="sqrt(1 - x**2) if x > -1 / 2 else 0",
    derivative="-x / sqrt(1 - x**2)",
    latex=r"\sqrt{1 - x^2}",
    kinks=(-1.0, 1.0),
    jumps=(-0.5,),
    domain={"x": (-1.0, 1.0)},
    properties=("even",),
    source="Somebody 1999",
    note="torch has another.",
)
PRODUCT = made_up(
    "product", kind="binary", operands=("x", "y"), formula="x * y", derivative="", partials={"x": "y", "y": "x"}
)


def lines(listing: Listing, width: int) -> list[str]:
    return printed(listing, width).splitlines()


def printed(listing: Listing, width: int, colors: bool = False) -> str:
    system = "standard" if colors else None
    file = StringIO()
    Console(file=file, width=width, force_terminal=colors, color_system=system, highlight=False).print(  # type: ignore[arg-type]
        render(listing, width)
    )
    return file.getvalue()


def test_by_kind_in_the_order_in_which_they_come() -> None:
    listing = Listing("", (SLOPED, PRODUCT, made_up("plain")))
    assert lines(listing, 80) == [
        "elementwise",
        "  sloped   x if x > 0 else slope * x",
        "           slope=0.01, axis=none, strict=false; also bent, bent_line",
        "  plain    x",
        "",
        "binary",
        "  product  x * y",
        "",
        "3 functions; jacinspect list NAME says all about one",
    ]


def test_beside_the_formula_where_there_is_room() -> None:
    listing = Listing("b", (SLOPED, made_up("plain", formula=" + ".join(["x * x"] * 10))))
    assert lines(listing, 110) == [
        "elementwise",
        f"  sloped  x if x > 0 else slope * x{' ' * 37}slope=0.01, axis=none, strict=false;",
        f"{' ' * 72}also bent, bent_line",
        "  plain   x * x + x * x + x * x + x * x + x * x + x * x + x * x + x *",
        "          x + x * x + x * x",
    ]


def test_below_the_name_where_there_is_little() -> None:
    assert lines(Listing("b", (SLOPED, SLOPED)), 28)[:6] == [
        "elementwise",
        "  sloped",
        "    x if x > 0 else slope *",
        "    x",
        "    slope=0.01, axis=none,",
        "    strict=false; also bent,",
    ]


def test_the_whole_of_one() -> None:
    assert lines(Listing("full", (FULL,), is_exact=True), 80) == [
        "full  elementwise",
        "f(x)  = sqrt(1 - x**2) if x > -1 / 2 else 0",
        "f'(x) = -x / sqrt(1 - x**2)",
        "",
        "also         whole",
        "parameters   beta=1",
        "kinks        x = -1, 1",
        "jumps        x = -0.5",
        "domain       -1 ≤ x ≤ 1",
        "properties   even",
        r"LaTeX        \sqrt{1 - x^2}",
        "source       Somebody 1999",
        "note         torch has another.",
    ]


def test_nothing_is_said_of_what_is_not_declared() -> None:
    assert lines(Listing("plain", (made_up("plain"),), is_exact=True), 80) == [
        "plain  elementwise",
        "f(x)  = x",
        "f'(x) = 1",
    ]


def test_one_derivative_for_each_operand_or_a_differential() -> None:
    assert lines(Listing("product", (PRODUCT,), is_exact=True), 80)[1:] == [
        "f(x, y) = x * y",
        "∂f/∂x   = y",
        "∂f/∂y   = x",
    ]
    summed = made_up("sum", kind="reduction", formula="x_1 + ... + x_n", derivative="dx_1 + ... + dx_n")
    assert lines(Listing("sum", (summed,), is_exact=True), 80)[1:] == [
        "f(x) = x_1 + ... + x_n",
        "df   = dx_1 + ... + dx_n",
    ]


def test_others_stand_below_the_one_that_was_named() -> None:
    listing = Listing("plain", (made_up("plain"), made_up("plainer"), PRODUCT), is_exact=True)
    assert lines(listing, 80)[3:] == [
        "",
        "others with 'plain':",
        "",
        "elementwise",
        "  plainer  x",
        "",
        "binary",
        "  product  x * y",
    ]


def test_what_was_found_elsewhere_than_in_a_name_is_said_to_be() -> None:
    found = Listing("slope", (SLOPED, made_up("other")), in_names=False)
    assert lines(found, 80)[:3] == ["no name has 'slope', but formula, parameters, source or note:", "", "elementwise"]
    alone = Listing("Somebody", (FULL,), is_exact=True, in_names=False)
    assert lines(alone, 80)[:3] == [
        "no name has 'Somebody', but formula, parameters, source or note:",
        "",
        "full  elementwise",
    ]


@pytest.mark.parametrize(
    ("interval", "written"),
    [((0.0, inf), "x ≥ 0"), ((-inf, 0.5), "x ≤ 0.5"), ((-inf, inf), "all x"), ((0.0, 1e300), "0 ≤ x ≤ 1e+300")],
)
def test_a_domain(interval: tuple[float, float], written: str) -> None:
    of = made_up("f", domain={"x": interval})
    assert lines(Listing("f", (of,), is_exact=True), 80)[-1] == f"domain       {written}"


@pytest.mark.parametrize("width", [20, 24, 28, 33, 40, 60, 80, 109, 110, 140, 200])
@pytest.mark.parametrize("exact", [False, True])
def test_no_line_is_too_long_or_ends_in_blanks(width: int, exact: bool) -> None:
    for line in lines(Listing("f", (FULL, SLOPED, PRODUCT), is_exact=exact), width):
        assert len(line) <= width
        assert line == line.rstrip()


def test_colors_change_no_letter() -> None:
    listing = Listing("", (SLOPED, PRODUCT, FULL))
    for width in (80, 140):
        colored = printed(listing, width, colors=True)
        assert "\x1b[1msloped\x1b[0m" in colored
        assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == printed(listing, width)


def test_a_formula_is_not_broken_at_an_equation() -> None:
    mean = made_up("spread", formula="sum((x - m)**2) / (n - correction), m = mean(x), n = size(x)")
    for width in range(45, 90):
        assert not any(re.search(r"(^ *=|=$)", line) for line in lines(Listing("", (mean,)), width))
