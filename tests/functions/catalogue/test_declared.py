"""What an entry declares, held against experiment: kinks, jumps, domain and symmetry; the shape of its Jacobian."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from jacinspect.functions.catalogue.entry import Entry, at, nowhere
from jacinspect.functions.catalogue.tables import ENTRIES
from jacinspect.functions.function import Function, Parameter
from jacinspect.inspection.pipeline import inspect_function
from jacinspect.inspection.report import Report
from jacinspect.inspection.settings import Settings

DECLARED = {entry.name: entry for entry in ENTRIES}
ELEMENTWISE = [entry.name for entry in ENTRIES if entry.derivative]
OF_TWO = [entry.name for entry in ENTRIES if entry.partials]
COUPLED = [entry.name for entry in ENTRIES if entry.jvp]
CASES: list[tuple[str, dict[str, Parameter]]] = [
    *[(name, {}) for name in ELEMENTWISE],
    ("relu", {"negative_slope": 0.2}),
    ("relu", {"negative_slope": 1.0}),
    ("relu", {"max_value": 6.0}),
    ("relu", {"negative_slope": -0.3, "max_value": 2.0, "threshold": 1.0}),
    ("relu", {"max_value": 2.5, "threshold": 2.5}),
    ("relu", {"max_value": 0.0}),
    ("relu", {"max_value": 0.0, "negative_slope": 1.0}),
    ("leaky_relu", {"negative_slope": 1.0}),
    ("prelu", {"weight": -2.0}),
    ("rrelu", {"lower": 0.5, "upper": 1.5}),
    ("threshold", {"threshold": 1.0, "value": 1.0}),
    ("threshold", {"threshold": -3.0, "value": 0.0}),
    ("hard_tanh", {"min_val": -0.5, "max_val": 2.0}),
    ("hard_tanh", {"min_val": 2.0, "max_val": 2.0}),
    ("hard_shrink", {"lambd": 0.0}),
    ("hard_shrink", {"lambd": 3.0}),
    ("soft_shrink", {"lambd": 0.0}),
    ("soft_shrink", {"lambd": 3.0}),
    ("elu", {"alpha": 0.5}),
    ("celu", {"alpha": 0.5}),
    ("softplus", {"beta": 2.0, "threshold": 1.0}),
    ("smelu", {"beta": 0.5}),
    ("silu", {"beta": -1.5}),
    ("silu", {"beta": 0.0}),
    ("gelu", {"approximate": "tanh"}),
    ("isrlu", {"alpha": 2.0}),
    ("snake", {"alpha": -0.5}),
    ("heaviside", {"at_zero": 1.0}),
]
# wherever a function of the catalogue may bend or break, and elsewhere
POINTS = sorted({*np.arange(-26, 27) / 2, *np.arange(-6, 6, 0.37), 0.1, 20.0, -20.0})
PARITY = np.concatenate([np.logspace(-320, 308, 300), np.logspace(-3, 2, 200), np.arange(60) / 2])
ODD_BY_CHANCE = {"hard_tanh"}  # with its defaults
EVERYWHERE = (-np.inf, np.inf)
ENDLESS = "jumps at every"  # what a note says of a function that declares only those of its jumps that are in [-2, 2]


def slopes(f: Function, x: float, h: float = 1e-5) -> tuple[float, float]:
    """The slopes of f to the left and to the right of x, by differences close to it."""
    h *= max(1.0, abs(x))
    below, here, above = f(np.array([x - h, x, x + h])).tolist()
    return (here - below) / h, (above - here) / h


def bends(f: Function, x: float) -> bool:
    """Whether the two slopes differ, and from nearer no less: what a curvature makes them differ shrinks with h."""

    def gap(h: float) -> float:
        left, right = slopes(f, x, h)
        return abs(right - left) / max(1.0, abs(left), abs(right))

    return gap(1e-6) >= max(1e-3, gap(1.6e-5) / 2)


def breaks(f: Function, x: float) -> bool:
    """Whether the values on the two sides of x differ, and from nearer no less: what a slope does shrinks with h."""

    def gap(h: float) -> float:
        h *= max(1.0, abs(x))
        beside = f(np.array([x - h, x, x + h]))
        with np.errstate(invalid="ignore"):
            return float(np.ptp(beside))

    return gap(2.0**-28) >= max(1e-9, gap(2.0**-24) / 2)


def check_kinks_and_jumps(entry: Entry, parameters: dict[str, Parameter]) -> None:
    f = entry.bind(parameters)
    assert f.derivative is not None
    kinks, jumps = entry.kinks(**f.parameters), entry.jumps(**f.parameters)
    low, high = entry.domain.get("x", EVERYWHERE)
    inside = [x for x in POINTS if low < x < high]
    if ENDLESS in entry.note:
        assert {x for x in inside if breaks(f, x)} > set(jumps)
        inside = [x for x in inside if abs(x) <= 2]
    found_jumps = {x for x in {*inside, *jumps, *kinks} if breaks(f, x)}
    assert found_jumps == set(jumps)
    assert {x for x in {*inside, *kinks} - found_jumps if bends(f, x)} == set(kinks)
    for kink in kinks:
        (left, right), slope = slopes(f, kink), float(f.derivative(np.array(kink)))
        assert min(left, right) - 1e-4 <= slope <= max(left, right) + 1e-4


def check_domain(entry: Entry, parameters: dict[str, Parameter]) -> None:
    f, (low, high) = entry.bind(parameters), entry.domain.get("x", EVERYWHERE)
    assert f.derivative is not None
    x = np.array(POINTS)
    inside = (low < x) & (x < high)
    ends = np.array([end for end in (low, high) if np.isfinite(end)])
    beyond = np.array(
        [np.nextafter(end, side) for end, side in zip((low, high), EVERYWHERE, strict=True) if end != side]
    )
    for g in (f, f.derivative):
        assert not np.isnan(g(x[inside])).any()
        assert np.isnan(g(x[(x < low) | (x > high)])).all()
        assert np.isnan(g(beyond)).all()
        assert not np.isnan(g(ends)).any()


def check_parity(entry: Entry, parameters: dict[str, Parameter]) -> None:
    f = entry.bind(parameters)
    assert f.derivative is not None
    for value, sign in ((f, 1.0), (f.derivative, -1.0)):
        mirrored, straight = value(-PARITY), value(PARITY)
        even = np.array_equal(mirrored, sign * straight, equal_nan=True)
        odd = np.array_equal(mirrored, -sign * straight, equal_nan=True)
        declared = [name for name in ("even", "odd") if name in entry.properties]
        held = {"even": even, "odd": odd}
        assert all(held[name] for name in declared)
        if value is f and not parameters and entry.name not in ODD_BY_CHANCE:
            assert declared == [name for name in held if held[name]]


def check_words(entry: Entry, parameters: dict[str, Parameter]) -> None:
    f = entry.bind(parameters)
    assert f.formula
    assert all(f.partial_formulas) if f.partial_formulas else f.derivative_formula
    assert f.latex
    assert not entry.note.endswith(".")
    assert not entry.source or re.search(r"[\w.] \d{4}$", entry.source)
    depth = 0
    for brace in re.sub(r"\\[{}]", "", f.latex):
        depth += (brace == "{") - (brace == "}")
        assert depth >= 0
    assert depth == 0
    assert f.latex.count(r"\left") - f.latex.count(r"\leftarrow") == f.latex.count(r"\right")
    assert f.latex.count(r"\begin") == f.latex.count(r"\end")
    assert not re.search(r"[\a\b\f\t\n\r]", f.latex), "a backslash that was not written twice"


def check_inspection(entry: Entry, parameters: dict[str, Parameter]) -> None:
    f = entry.bind(parameters)
    points = {*entry.kinks(**f.parameters), *entry.jumps(**f.parameters)}
    low, high = entry.domain.get("x", EVERYWHERE)
    rng = np.random.default_rng(5)

    def generic(*shape: int) -> Any:
        x = 2 * rng.standard_normal(shape)
        if np.isfinite(high):
            x = low + (high - low) * (0.5 + 0.3 * np.tanh(x))
        elif np.isfinite(low):
            x = low + 0.3 + np.abs(x)
        if ENDLESS in entry.note:
            x = np.trunc(x) + 0.3
        for point in points:
            x = np.where(np.abs(x - point) < 0.05, x + 0.1, x)
        return x

    turn = [*DECLARED].index(entry.name) + len(parameters)  # every function at two of the shapes
    for shape in ((2, 3), ((4,), (1, 1), (0, 3), (2, 3, 2))[turn % 4]):
        report = inspect_function(f, generic(*shape), Settings())
        assert report.verdict == "pass", report.findings
        assert kinks_of(report) == set()
        assert report.jacobian is not None
        assert report.jacobian.is_diagonal
    kinks = entry.kinks(**f.parameters)
    if kinks:
        x = np.concatenate([kinks, generic(3)])
        report = inspect_function(f, x, Settings())
        assert report.verdict == "pass", report.findings
        assert kinks_of(report) == {(place,) for place in range(len(kinks))}


def kinks_of(report: Report) -> set[tuple[int, ...]]:
    found = [finding for finding in report.findings if finding.code == "J003"]
    assert all(finding.severity == "note" for finding in found)
    return {tuple(place) for finding in found for place in finding.at}


def check_domain_of_two(entry: Entry, _: dict[str, Parameter]) -> None:
    """At all pairs: NaN where an operand is outside of its domain, and a number where none of them is."""
    f = entry.bind({})
    numbers = np.array([*np.arange(1, 8) / 2, *-np.arange(1, 8) / 2])
    x, y = (grid.ravel() for grid in np.meshgrid(numbers, numbers))
    within = np.ones(x.shape, bool)
    for name, (low, high) in entry.domain.items():
        operand = {"x": x, "y": y}[name]
        within &= (low <= operand) & (operand <= high)
        end = np.array([low])
        beside = [
            f(*(side if other == name else np.ones(1) for other in entry.operands))
            for side in (end, np.nextafter(end, -np.inf), np.nextafter(end, np.inf))
        ]
        assert [bool(np.isnan(value)[0]) for value in beside] == [False, True, False]
    if entry.name == "pow":  # of a negative x where y is an integer: no interval
        assert "a negative x has a power where y is an integer" in entry.note
        within &= (x > 0) | (y == np.rint(y))
    assert np.array_equal(np.isnan(f(x, y)), ~within)


def check_jacobian(entry: Entry, _: dict[str, Parameter]) -> None:
    """Of a square matrix all is declared that holds; a diagonal one is triangular in both ways, which goes unsaid."""
    rows = 4 if entry.name in ("inv", "det", "logdet", "solve") else 3
    x, z = np.random.default_rng(8).normal(size=(2, rows, 4))
    x, z = (x[0], z[0]) if entry.name == "outer" else (x, z)
    f = entry.bind({})
    if len(entry.operands) > 1:
        f = f.by(1, (x, z.T if entry.name == "matmul" else z))
    report = inspect_function(f, x, Settings(vec="row"))
    assert report.verdict == "pass", report.findings
    found = report.jacobian
    assert found is not None
    assert found.arrangement is not None
    holds = {
        "symmetric": found.is_symmetric,
        "lower-triangular": found.arrangement.is_lower_triangular and not found.is_diagonal,
        "upper-triangular": found.arrangement.is_upper_triangular and not found.is_diagonal,
        "permutation": found.arrangement.is_permutation,
    }
    assert {name for name, held in holds.items() if held} == set(entry.properties)


Check = Callable[[Entry, dict[str, Parameter]], None]
CHECKS: list[Check] = [check_kinks_and_jumps, check_domain, check_parity, check_inspection]


def test_every_entry_is_checked() -> None:
    assert len(ELEMENTWISE) + len(OF_TWO) + len(COUPLED) == len(ENTRIES)
    for entry in ENTRIES:
        if not entry.derivative:
            assert (entry.kinks, entry.jumps) == (nowhere, nowhere), "which nothing checks"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_what_is_declared_is_what_there_is(check: Check, name: str, parameters: dict[str, Parameter]) -> None:
    check(DECLARED[name], parameters)


@pytest.mark.parametrize("name", OF_TWO)
def test_the_domain_of_two_operands(name: str) -> None:
    check_domain_of_two(DECLARED[name], {})


@pytest.mark.parametrize("name", COUPLED)
def test_what_is_declared_of_a_jacobian(name: str) -> None:
    check_jacobian(DECLARED[name], {})


@pytest.mark.parametrize(("name", "parameters"), [*CASES, *[(name, {}) for name in (*OF_TWO, *COUPLED)]])
def test_words(name: str, parameters: dict[str, Parameter]) -> None:
    check_words(DECLARED[name], parameters)


@pytest.mark.parametrize(
    ("check", "name", "wrong"),
    [
        (check_kinks_and_jumps, "relu", {"kinks": nowhere}),
        (check_kinks_and_jumps, "relu", {"kinks": at(0.0, 1.0)}),
        (check_kinks_and_jumps, "relu", {"kinks": at(1e-3)}),
        (check_kinks_and_jumps, "relu6", {"kinks": at(0.0)}),
        (check_kinks_and_jumps, "relu6", {"kinks": at(0.0, 6.1)}),
        (check_kinks_and_jumps, "tanh", {"kinks": at(0.0)}),
        (check_kinks_and_jumps, "elu", {"kinks": at(0.0)}),
        (check_kinks_and_jumps, "softsign", {"kinks": at(0.0)}),
        (check_kinks_and_jumps, "soft_shrink", {"kinks": nowhere, "jumps": at(-0.5, 0.5)}),
        (check_kinks_and_jumps, "hard_shrink", {"kinks": at(-0.5, 0.5), "jumps": nowhere}),
        (check_kinks_and_jumps, "hard_shrink", {"jumps": nowhere}),
        (check_kinks_and_jumps, "threshold", {"jumps": at(0.2)}),
        (check_kinks_and_jumps, "abs", {"derivative": lambda x: np.where(x > 0, 1.0, -1.01)}),
        (check_kinks_and_jumps, "abs", {"derivative": lambda x: np.where(x == 0, 1.01, np.sign(x))}),
        (check_domain, "log1mexp", {"domain": {}}),
        (check_domain, "log1mexp", {"domain": {"x": (1.0, np.inf)}}),
        (check_domain, "tanh", {"domain": {"x": (0.0, np.inf)}}),
        (check_domain, "tanh", {"domain": {"x": (-1.0, 1.0)}}),
        (check_parity, "tanh", {"properties": ("even",)}),
        (check_parity, "tanh", {"properties": ()}),
        (check_parity, "gaussian", {"properties": ("odd",)}),
        (check_parity, "sigmoid", {"properties": ("odd",)}),
        (check_parity, "gelu", {"properties": ("even",)}),
        (check_parity, "lisht", {"derivative": np.abs}),
        (check_words, "tanh", {"latex": ""}),
        (check_words, "tanh", {"latex": "\tanh(x)"}),
        (check_words, "tanh", {"latex": r"\frac{x}{1 + e^{-x}"}),
        (check_words, "tanh", {"latex": r"}\frac{x}{1 + e^{-x}"}),
        (check_words, "tanh", {"formula": ""}),
        (check_words, "tanh", {"source": "Somebody"}),
        (check_words, "add", {"partial_formulas": ("1", "")}),
        (check_kinks_and_jumps, "floor", {"jumps": at(0.0)}),
        (check_kinks_and_jumps, "floor", {"note": ""}),
        (check_kinks_and_jumps, "sign", {"jumps": nowhere}),
        (check_kinks_and_jumps, "sign", {"jumps": nowhere, "kinks": at(0.0)}),
        (check_kinks_and_jumps, "sign", {"note": "jumps at every integer"}),
        (check_kinks_and_jumps, "reciprocal", {"jumps": nowhere}),
        (check_kinks_and_jumps, "cbrt", {"kinks": at(0.0)}),
        (check_kinks_and_jumps, "tan", {"jumps": at(11.0)}),
        (check_domain, "sqrt", {"domain": {}}),
        (check_domain, "acosh", {"domain": {"x": (0.0, np.inf)}}),
        (check_domain, "acosh", {"domain": {"x": (1.5, np.inf)}}),
        (check_domain, "asin", {"domain": {"x": (-1.0, 2.0)}}),
        (check_parity, "asin", {"properties": ()}),
        (check_parity, "cos", {"properties": ("odd",)}),
        (check_parity, "ceil", {"properties": ("odd",)}),
        (check_domain_of_two, "xlogy", {"domain": {}}),
        (check_domain_of_two, "xlogy", {"domain": {"x": (0.0, np.inf)}}),
        (check_domain_of_two, "xlog1py", {"domain": {"y": (0.0, np.inf)}}),
        (check_domain_of_two, "add", {"domain": {"y": (0.0, np.inf)}}),
        (check_domain_of_two, "pow", {"note": ""}),
        (check_jacobian, "softmax", {"properties": ()}),
        (check_jacobian, "log_softmax", {"properties": ("symmetric",)}),
        (check_jacobian, "cumsum", {"properties": ("upper-triangular",)}),
        (check_jacobian, "cumsum", {"properties": ()}),
        (check_jacobian, "softmax", {"properties": ("symmetric", "lower-triangular")}),
        (check_jacobian, "roll", {"properties": ("permutation", "symmetric")}),
        (check_jacobian, "transpose", {"properties": ()}),
        (check_jacobian, "sum", {"properties": ("permutation",)}),
        (check_jacobian, "dot", {"properties": ("symmetric",)}),
        (check_inspection, "tanh", {"derivative": lambda x: 1.001 - np.tanh(x) ** 2}),
        (check_inspection, "tanh", {"kinks": at(0.0)}),
        (check_inspection, "abs", {"derivative": np.ones_like}),
    ],
)
def test_what_is_declared_wrongly_is_found(check: Check, name: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        check(replace(DECLARED[name], **wrong), {})
