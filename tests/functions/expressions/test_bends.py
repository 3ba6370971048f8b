"""The thresholds of expressions, so that random operands reach both sides of them."""

import pytest

from jacinspect.functions.expressions.expression import expression


@pytest.mark.parametrize(
    ("text", "bends"),
    [
        ("where(x > 6, 6, x)", (6,)),
        ("where(x > 6, 6, where(x < -1, -1, x))", (-1, 6)),
        ("where(-3 < x < 3, x, 0)", (-3, 3)),
        ("where(2 * x - 1 > x + 4, x, 0)", (5,)),
        ("max(x, 0)", (0,)),
        ("min(max(x, 0), 6)", (0, 6)),
        ("where(x > 6.1, 1, x)", (6.1,)),
        ("max(max(x, 0), 0)", (0,)),
        ("where(x**3 > 0.125, 1, x)", (0.5,)),
        ("min(x, 6)", (6,)),
        ("abs(x - 2)", (2,)),
        ("relu(1 - 4 * x)", (0.25,)),
        ("relu6(2 * x)", (0, 3)),
        ("x * relu(x) + abs(x)", (0,)),
        ("tanh(x)", ()),
        ("relu(x**2 - 2)", (-1.41421356237, 1.41421356237)),
        ("relu(sin(40 * x))", ()),  # too many
        ("relu(x - y)", ()),
        ("softmax(relu(x))", ()),
        ("where(x > x, 1, 2)", ()),
        ("where(1 > 0, x, 2)", ()),
        ("abs(x / 0)", ()),
    ],
)
def test_thresholds(text: str, bends: tuple[float, ...]) -> None:
    assert expression(text).bends == bends


def test_a_parameter_is_a_threshold() -> None:
    assert expression("where(x > t, 1, 0)", {"t": 2.5}).bends == (2.5,)
