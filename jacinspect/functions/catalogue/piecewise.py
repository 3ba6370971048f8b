"""The activations made of two straight pieces, or of three: a table in which value and derivative stand together.

entry.py makes a Function of each row. As in elementwise.py, a row's formulas take one-dimensional float64 arrays. At a
kink the derivative is that of the arm which the value's own comparison takes, as torch has it.
"""

import numpy as np

from jacinspect.functions.catalogue.entry import Entry, at
from jacinspect.functions.function import Array

__all__ = ["PIECEWISE"]


def _relu(
    x: Array,
    *,
    negative_slope: float | None = None,
    max_value: float | None = None,
    threshold: float | None = None,
) -> Array:
    start = threshold or 0.0
    below = negative_slope * (x - start) if negative_slope else 0.0  # 0 · -inf is not 0
    return np.where(x > start, x if max_value is None else np.minimum(x, max_value), below)


def _relu_derivative(
    x: Array, *, negative_slope: float | None, max_value: float | None, threshold: float | None
) -> Array:
    above = 1.0 if max_value is None else np.where(x < max_value, 1.0, 0.0)
    return np.where(x > (threshold or 0.0), above, negative_slope or 0.0)


def _kinks_of_relu(
    *, negative_slope: float | None, max_value: float | None, threshold: float | None
) -> tuple[float, ...]:
    start, end = threshold or 0.0, np.inf if max_value is None else max_value
    bends = start == 0 and (negative_slope or 0.0) != (1.0 if end > 0 else 0.0)
    return (0.0,) * bends + ((end,) if start < end < np.inf else ())


def _objection_to_relu(*, max_value: float | None, threshold: float | None, **_: object) -> str:
    if threshold is not None and threshold < 0:
        return f"threshold must not be negative, and {threshold:g} is"
    if max_value is not None and max_value < (threshold or 0.0):
        return f"max_value must not be below {f'threshold, {threshold:g}' if threshold else '0'}, and {max_value:g} is"
    return ""


def _written_relu(*, negative_slope: float | None, max_value: float | None, threshold: float | None) -> dict[str, str]:
    if not negative_slope and max_value is None and not threshold:
        return {}
    start, tex_start = ("threshold", r"\theta") if threshold else ("0", "0")
    shifted, tex_shifted = ("(x - threshold)", r"(x - \theta)") if threshold else ("x", "x")
    top, tex_top = ("x", "x") if max_value is None else ("min(x, max_value)", r"\min(x, m)")
    below, tex_below = (f"negative_slope * {shifted}", f"a {tex_shifted}") if negative_slope else ("0", "0")
    slope, slope_below = (
        "1" if max_value is None else "(1 if x < max_value else 0)",
        "negative_slope" if negative_slope else "0",
    )
    return {
        "formula": f"{top} if x > {start} else {below}",
        "derivative_formula": f"{slope} if x > {start} else {slope_below}",
        "latex": rf"\begin{{cases}} {tex_top} & x > {tex_start} \\ {tex_below} & \text{{otherwise}} \end{{cases}}",
    }


def _bent(x: Array, slope: float) -> Array:
    return np.where(x > 0, x, slope * x if slope else 0.0)


def _leaky_relu(x: Array, *, negative_slope: float = 0.01) -> Array:
    return _bent(x, negative_slope)


def _prelu(x: Array, *, weight: float = 0.25) -> Array:
    return _bent(x, weight)


def _rrelu(x: Array, *, lower: float = 1 / 8, upper: float = 1 / 3) -> Array:
    return _bent(x, (lower + upper) / 2)


def _kink_of_bent(slope: float) -> tuple[float, ...]:
    return () if slope == 1 else (0.0,)


def _threshold(x: Array, *, threshold: float = 0.1, value: float = 20.0) -> Array:
    return np.where(x > threshold, x, value)


PIECEWISE = (
    Entry(
        name="relu",
        formula="max(x, 0)",
        latex=r"\max(x, 0)",
        value=_relu,
        derivative=_relu_derivative,
        derivative_formula="1 if x > 0 else 0",
        rewritten=_written_relu,
        objection=_objection_to_relu,
        kinks=_kinks_of_relu,
        jumps=lambda *, threshold, **_: (threshold,) if threshold else (),
        source="Fukushima 1969; Nair & Hinton 2010",
        note="negative_slope, max_value and threshold are those of keras; torch and jax have none of them; with a"
        " threshold other than 0 it jumps, and at the threshold itself it is 0",
    ),
    Entry(
        name="leaky_relu",
        aliases=("lrelu",),
        formula="x if x > 0 else negative_slope * x",
        latex=r"\begin{cases} x & x > 0 \\ a x & \text{otherwise} \end{cases}",
        value=_leaky_relu,
        derivative=lambda x, *, negative_slope: np.where(x > 0, 1.0, negative_slope),
        derivative_formula="1 if x > 0 else negative_slope",
        kinks=lambda *, negative_slope: _kink_of_bent(negative_slope),
        source="Maas, Hannun & Ng 2013",
        note="the slope is 0.01 in torch and jax; keras.activations and tf have 0.2, keras.layers.LeakyReLU 0.3",
    ),
    Entry(
        name="prelu",
        formula="x if x > 0 else weight * x",
        latex=r"\begin{cases} x & x > 0 \\ w x & \text{otherwise} \end{cases}",
        value=_prelu,
        derivative=lambda x, *, weight: np.where(x > 0, 1.0, weight),
        derivative_formula="1 if x > 0 else weight",
        kinks=lambda *, weight: _kink_of_bent(weight),
        source="He, Zhang, Ren & Sun 2015",
        note="one weight, a fixed one; it starts at 0.25 in torch and at 0 in keras, which has one for every feature",
    ),
    Entry(
        name="rrelu",
        formula="x if x > 0 else (lower + upper) / 2 * x",
        latex=r"\begin{cases} x & x > 0 \\ \frac{l + u}{2} x & \text{otherwise} \end{cases}",
        value=_rrelu,
        derivative=lambda x, *, lower, upper: np.where(x > 0, 1.0, (lower + upper) / 2),
        derivative_formula="1 if x > 0 else (lower + upper) / 2",
        objection=lambda *, lower, upper: "" if lower <= upper else f"lower, {lower:g}, is above upper, {upper:g}",
        kinks=lambda *, lower, upper: _kink_of_bent((lower + upper) / 2),
        source="Xu, Wang, Chen & Li 2015",
        note="as in evaluation; in training the slope is drawn between lower and upper",
    ),
    Entry(
        name="threshold",
        formula="x if x > threshold else value",
        latex=r"\begin{cases} x & x > \theta \\ v & \text{otherwise} \end{cases}",
        value=_threshold,
        derivative=lambda x, *, threshold, value: np.where(x > threshold, 1.0, 0.0),  # noqa: ARG005
        derivative_formula="1 if x > threshold else 0",
        kinks=lambda *, threshold, value: (threshold,) if threshold == value else (),
        jumps=lambda *, threshold, value: (threshold,) if threshold != value else (),
        note="no library has defaults for threshold and value; these are those of torch's examples",
    ),
    Entry(
        name="abs",
        aliases=("absolute",),
        formula="abs(x)",
        latex=r"|x|",
        value=np.abs,
        derivative=np.sign,
        derivative_formula="sign(x)",
        kinks=at(0.0),
        properties=("even",),
        note="at 0 its derivative is 0, as in torch and tf; jax has 1",
    ),
)
