"""What to suggest: shapes for operands that are missing, and a domain or another option where a function fails.

In: a function, and what was typed or drawn for its operands. Next: requests.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import islice, product
from typing import TYPE_CHECKING

from jacinspect.errors import InputError
from jacinspect.records import replace

if TYPE_CHECKING:
    from jacinspect.functions.function import Array, Function
    from jacinspect.inspection.report import Report

__all__ = ["domain_that_fits", "meant", "shapes_that_fit", "with_domain"]

_TRIED = 64  # combinations of shapes, each a call of the function on a few numbers
_USUAL = (2, 3)  # where nothing is known


def shapes_that_fit(function: "Function", known: Mapping[str, str], lacking: Sequence[str]) -> list[str]:
    """Return a shape for each lacking operand with which the function can be called; the usual ones if none is found.

    `known` are the texts of the other operands, of which those that are no shapes are not looked at.
    """
    import numpy as np

    shapes = {name: shape for name, text in known.items() if (shape := _shape(text)) is not None}
    first = next(iter(shapes.values()), _USUAL)
    rng = np.random.default_rng(0)
    for found in islice(product(*(_candidates(first, name) for name in lacking)), _TRIED):
        drawn = {**shapes, **dict(zip(lacking, found, strict=True))}
        values = [
            function.own[name]
            if name in function.own and name not in drawn
            else rng.uniform(0.5, 1, drawn.get(name, _USUAL))
            for name in function.operands
        ]
        try:
            with np.errstate(all="ignore"):
                function.value(*values)
        except Exception:  # of any kind, for it is people's code: another shape is tried then
            continue
        return [_written(shape) for shape in found]
    return [_written(first)] * len(lacking)


def _candidates(shape: tuple[int, ...], name: str) -> list[tuple[int, ...]]:
    """List shapes that go with another one in sums, products, dense layers and reductions; that of W is a matrix's."""
    if not shape:
        return [(), (2,), (2, 3)]
    n = shape[-1]
    matrix = [(n, n)] if len(shape) == 1 and name.isupper() else []
    return list(
        dict.fromkeys([*matrix, shape, (*shape[:-2], n, n + 1), (n,), (n + 1,), shape[:1], shape[:-1], (), (n, n)])
    )


def _shape(text: str) -> tuple[int, ...] | None:
    from jacinspect.operands.further import is_shape
    from jacinspect.operands.shapes import parse_shape

    try:
        return parse_shape(text) if is_shape(text) else None
    except InputError:
        return None


def _written(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"


def with_domain(report: "Report", function: "Function", x: "Array", vec: str | None) -> "Report":
    """Suggest a domain in the finding that f is not finite at random numbers, if it is finite in one."""
    import numpy as np

    if report.output is None or np.isfinite(report.output).all():
        return report
    advice = domain_that_fits(function, x, vec).replace("\n", "; ")
    told = (
        replace(found, message=found.message + advice) if found.code == "J004" and found.severity == "error" else found
        for found in report.findings
    )
    return replace(report, findings=tuple(told))


def domain_that_fits(function: "Function", x: "Array", vec: str | None) -> str:
    """Suggest a domain for a function that fails at random numbers, if it and its derivative do not fail there.

    Where f itself fails at x, its own domain helps, also if the derivative fails everywhere, which is told next.
    """
    import numpy as np

    from jacinspect.functions.derivative import derivative_at
    from jacinspect.functions.domain import written
    from jacinspect.operands.defined import interval_of, works_at

    def both(point: "Array") -> "Array":
        value = function(point)
        derivative = derivative_at(function, point, value.shape, vec)
        if derivative is not None and derivative.form in ("jvp", "vjp"):
            derivative.of(np.ones(point.shape if derivative.form == "jvp" else value.shape))
        return value

    # Whatever failed where these do not is another thing, as a Hessian, and its domain is not known.
    interval = None if works_at(both, x) else interval_of(both, x)
    if interval is None and not works_at(function, x):
        interval = interval_of(function, x)
    if interval is None:
        return ""
    return f"\nX was drawn at random; inside of an interval it works: --domain {written(interval)}"


def meant(further: Sequence[str], containers: Mapping[str, str]) -> str:
    """Say what an operand may be meant for: a number, where a size was given, or one array of a file of several."""
    advice = ""
    size = next((text.strip() for text in further if re.fullmatch(r"[^=]+=\s*[0-9]+\s*", text)), None)
    if size:
        advice += f"\n--with {size} gives so many random numbers; the number itself is -p {size}, without --with"
    for name, file in containers.items():
        advice += f"\n{name} is a dict of all arrays in {file}; one of them is {file}:KEY"
    return advice
