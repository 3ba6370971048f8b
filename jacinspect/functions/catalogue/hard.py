"""The hard activations, clipped and shrunk: a table in which value and derivative stand together.

entry.py makes a Function of each row. As in elementwise.py, a row's formulas take one-dimensional float64 arrays. At a
kink the derivative is that of the arm which the value's own comparison takes, as torch has it.
"""

import numpy as np

from jacinspect.functions.catalogue.entry import Entry, at, not_negative
from jacinspect.functions.function import Array

__all__ = ["HARD"]


def _ramp(x: Array, bound: float) -> Array:
    """Rise from 0 at -bound to 1 at bound, float64; all digits are right beside -bound."""
    return np.where(x >= bound, 1.0, (0.5 * np.clip(x, -bound, bound) + 0.5 * bound) / bound)


def _within(x: Array, low: float, high: float) -> Array:
    """Whether low < x < high, where a clipped function has a slope."""
    return np.asarray((low < x) & (x < high))


def _hard_tanh(x: Array, *, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    return np.clip(x, min_val, max_val)


def _hard_swish(x: Array) -> Array:
    return np.where(x >= 3, x, np.clip(x, -3.0, 3.0) * _ramp(x, 3.0))


def _hard_swish_derivative(x: Array) -> Array:
    return np.where(x <= -3, 0.0, np.where(x >= 3, 1.0, (np.clip(x, -3.0, 3.0) + 1.5) / 3.0))


def _smelu(x: Array, *, beta: float = 1.0) -> Array:
    half = 0.5 * np.clip(x, -beta, beta) + 0.5 * beta
    return np.where(x >= beta, x, half * (half / beta))


def _hard_shrink(x: Array, *, lambd: float = 0.5) -> Array:
    return np.where(np.abs(x) > lambd, x, 0.0)


def _soft_shrink(x: Array, *, lambd: float = 0.5) -> Array:
    return np.where(np.abs(x) > lambd, x - np.clip(x, -lambd, lambd), 0.0)


def _shrink_derivative(x: Array, *, lambd: float) -> Array:
    return np.where((np.abs(x) > lambd) | (lambd == 0), 1.0, 0.0)  # 0 shrinks nothing, and not even 0 is a kink


HARD = (
    Entry(
        name="hard_tanh",
        aliases=("clip", "clamp", "clip_by_value"),
        formula="min(max(x, min_val), max_val)",
        latex=r"\min(\max(x, l), u)",
        value=_hard_tanh,
        derivative=lambda x, *, min_val, max_val: np.where(_within(x, min_val, max_val), 1.0, 0.0),
        derivative_formula="1 if min_val < x < max_val else 0",
        objection=lambda *, min_val, max_val: (
            "" if min_val <= max_val else f"min_val, {min_val:g}, is above max_val, {max_val:g}"
        ),
        kinks=lambda *, min_val, max_val: (min_val, max_val) if min_val < max_val else (),
        source="Collobert 2004",
        note="min_val and max_val are torch's; jax and keras have -1 and 1",
    ),
    Entry(
        name="relu6",
        formula="min(max(x, 0), 6)",
        latex=r"\min(\max(x, 0), 6)",
        value=lambda x: np.clip(x, 0.0, 6.0),
        derivative=lambda x: np.where(_within(x, 0.0, 6.0), 1.0, 0.0),
        derivative_formula="1 if 0 < x < 6 else 0",
        kinks=at(0.0, 6.0),
        source="Krizhevsky 2010",
    ),
    Entry(
        name="hard_sigmoid",
        formula="min(max(x + 3, 0), 6) / 6",
        latex=r"\min\left(\max\left(\frac{x + 3}{6}, 0\right), 1\right)",
        value=lambda x: _ramp(x, 3.0),
        derivative=lambda x: np.where(_within(x, -3.0, 3.0), 1 / 6, 0.0),
        derivative_formula="1 / 6 if -3 < x < 3 else 0",
        kinks=at(-3.0, 3.0),
        source="Howard et al. 2019",
        note="as in torch, jax and Keras 3; Keras 2 and ONNX have hard_sigmoid_keras2",
    ),
    Entry(
        name="hard_sigmoid_keras2",
        formula="min(max(x + 2.5, 0), 5) / 5",
        latex=r"\min\left(\max\left(\frac{x}{5} + \frac{1}{2}, 0\right), 1\right)",
        value=lambda x: _ramp(x, 2.5),
        derivative=lambda x: np.where(_within(x, -2.5, 2.5), 0.2, 0.0),
        derivative_formula="1 / 5 if -2.5 < x < 2.5 else 0",
        kinks=at(-2.5, 2.5),
        note="Keras's hard_sigmoid up to version 2, and ONNX's HardSigmoid",
    ),
    Entry(
        name="sparse_sigmoid",
        formula="min(max(x + 1, 0), 2) / 2",
        latex=r"\min\left(\max\left(\frac{x + 1}{2}, 0\right), 1\right)",
        value=lambda x: _ramp(x, 1.0),
        derivative=lambda x: np.where(_within(x, -1.0, 1.0), 0.5, 0.0),
        derivative_formula="1 / 2 if -1 < x < 1 else 0",
        kinks=at(-1.0, 1.0),
        note="the derivative of sparse_plus; at its kinks jax has 1/4",
    ),
    Entry(
        name="hard_swish",
        aliases=("hard_silu",),
        formula="x * min(max(x + 3, 0), 6) / 6",
        latex=r"x \min\left(\max\left(\frac{x + 3}{6}, 0\right), 1\right)",
        value=_hard_swish,
        derivative=_hard_swish_derivative,
        derivative_formula="0 if x <= -3 else (1 if x >= 3 else (2 * x + 3) / 6)",
        kinks=at(-3.0, 3.0),
        source="Howard et al. 2019",
    ),
    Entry(
        name="smelu",
        formula="x if x >= beta else max(x + beta, 0)**2 / (4 * beta)",
        latex=r"\begin{cases} x & x \ge \beta \\ \frac{\max(x + \beta, 0)^2}{4 \beta} & \text{otherwise} \end{cases}",
        value=_smelu,
        derivative=lambda x, *, beta: _ramp(x, beta),
        derivative_formula="min(max(x + beta, 0), 2 * beta) / (2 * beta)",
        positive=("beta",),
        source="Shamir, Lin & Coviello 2020",
        note="with beta=1 it is sparse_plus",
    ),
    Entry(
        name="sparse_plus",
        formula="x if x >= 1 else max(x + 1, 0)**2 / 4",
        latex=r"\begin{cases} x & x \ge 1 \\ \frac{\max(x + 1, 0)^2}{4} & \text{otherwise} \end{cases}",
        value=lambda x: _smelu(x, beta=1.0),
        derivative=lambda x: _ramp(x, 1.0),
        derivative_formula="min(max(x + 1, 0), 2) / 2",
        note="smelu with beta=1; its derivative is sparse_sigmoid",
    ),
    Entry(
        name="hard_shrink",
        formula="x if abs(x) > lambd else 0",
        latex=r"\begin{cases} x & |x| > \lambda \\ 0 & \text{otherwise} \end{cases}",
        value=_hard_shrink,
        derivative=_shrink_derivative,
        derivative_formula="1 if abs(x) > lambd else 0",
        objection=not_negative("lambd"),
        jumps=lambda *, lambd: (-lambd, lambd) if lambd else (),
        properties=("odd",),
        source="Donoho & Johnstone 1994",
        note="Keras calls lambd threshold",
    ),
    Entry(
        name="soft_shrink",
        formula="sign(x) * max(abs(x) - lambd, 0)",
        latex=r"\operatorname{sign}(x) \max(|x| - \lambda, 0)",
        value=_soft_shrink,
        derivative=_shrink_derivative,
        derivative_formula="1 if abs(x) > lambd else 0",
        objection=not_negative("lambd"),
        kinks=lambda *, lambd: (-lambd, lambd) if lambd else (),
        properties=("odd",),
        source="Donoho & Johnstone 1994",
        note="Keras calls lambd threshold",
    ),
)
