"""Random operands moved to where a function is defined."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from jacinspect.functions.resolve import resolve
from jacinspect.operands.defined import where_defined
from jacinspect.operands.shapes import Interval, random_operand

EVERYWHERE = (-np.inf, np.inf)


def drawn(number: int, seed: int = 0, dtype: str = "float64") -> list[np.ndarray[Any, Any]]:
    return [random_operand((3, 3), dtype, seed, 2**30, place) for place in range(1, number + 1)]


def moved(f: Callable[..., Any], operands: list[Any], domain: Interval = EVERYWHERE) -> list[Any]:
    return where_defined(f, operands, [domain] * len(operands))


@pytest.mark.parametrize(
    "text",
    [
        "ln(x)", "sqrt(x)", "x**0.5", "log(1-x)", "acos(x)", "acosh(x)", "log(-x)", "log(x/(1-x))", "sqrt(1-4*x*x)",
        "sqrt(A @ A.T)", "log(x*y)", "acosh(x) * acos(y)", "sqrt(log(x))", "exp(1e3*x*x)",
    ],
)  # fmt: skip
@pytest.mark.parametrize("seed", range(5))
def test_an_expression_is_finite_at_what_is_drawn_for_it(text: str, seed: int) -> None:
    f = resolve(text)
    operands = moved(f.value, drawn(len(f.operands), seed))
    with np.errstate(all="ignore"):
        assert np.isfinite(f.value(*operands)).all()
    for operand, again in zip(operands, moved(f.value, drawn(len(f.operands), seed)), strict=True):
        assert operand.tobytes() == again.tobytes()


def test_a_draw_that_works_stays_as_it_is() -> None:
    operands = drawn(2, dtype="float32")
    kept = moved(np.add, operands)
    assert all(one is other for one, other in zip(kept, operands, strict=True))
    (x,) = moved(np.log, operands[:1])
    assert (x.dtype, x.shape) == (np.float32, (3, 3))
    assert np.array_equal(x, np.abs(operands[0]))


def test_what_was_not_drawn_stays_and_what_was_stays_in_its_domain() -> None:
    x, y = drawn(2)
    found, kept = where_defined(lambda x, y: np.log(x) + y, [x, y], [EVERYWHERE, None])
    assert np.array_equal(found, np.abs(x))
    assert kept is y
    (found,) = moved(np.arccos, [np.array([3.5, 4.5])], (0.5, np.inf))
    assert ((found >= 0.5) & (found <= 1)).all()


def test_where_nothing_helps_a_draw_stays() -> None:
    def fails(x: Any) -> Any:
        raise ValueError

    for f in (lambda x: x * np.nan, fails):
        (x,) = operands = drawn(1)
        assert moved(f, operands)[0] is x
