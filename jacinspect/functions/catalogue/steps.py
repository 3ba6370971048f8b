"""The piecewise constant functions, element by element: f' is 0 wherever it exists, and at the jumps too.

entry.py makes a Function of each row. People ask for these because a derivative of 0 is what stops a gradient from
flowing; at a jump the libraries give 0 as well.
"""

import numpy as np

from jacinspect.functions.catalogue.entry import Entry, at
from jacinspect.functions.function import Array

__all__ = ["STEPS"]


def _heaviside(x: Array, *, at_zero: float = 0.5) -> Array:
    return np.where(x > 0, 1.0, np.where(x == 0, at_zero, 0.0))


def _flat(x: Array, **_: float) -> Array:
    return np.zeros_like(x)


STEPS = (
    Entry(
        name="sign",
        aliases=("sgn",),
        formula="sign(x)",
        latex=r"\operatorname{sgn}(x)",
        value=np.sign,
        derivative=_flat,
        derivative_formula="0",
        jumps=at(0.0),
        properties=("odd",),
    ),
    Entry(
        name="heaviside",
        aliases=("step",),
        formula="1 if x > 0 else at_zero if x == 0 else 0",
        latex=r"\begin{cases} 1 & x > 0 \\ \mathit{at\_zero} & x = 0 \\ 0 & x < 0 \end{cases}",
        value=_heaviside,
        derivative=_flat,
        derivative_formula="0",
        jumps=at(0.0),
        note="numpy and torch want the value at 0 said, and have no default",
    ),
    Entry(
        name="floor",
        formula="floor(x)",
        latex=r"\lfloor x \rfloor",
        value=np.floor,
        derivative=_flat,
        derivative_formula="0",
        jumps=at(-2.0, -1.0, 0.0, 1.0, 2.0),
        note="jumps at every integer",
    ),
    Entry(
        name="ceil",
        aliases=("ceiling",),
        formula="ceil(x)",
        latex=r"\lceil x \rceil",
        value=np.ceil,
        derivative=_flat,
        derivative_formula="0",
        jumps=at(-2.0, -1.0, 0.0, 1.0, 2.0),
        note="jumps at every integer",
    ),
    Entry(
        name="round",
        aliases=("rint",),
        formula="round(x)",
        latex=r"\operatorname{round}(x)",
        value=np.rint,
        derivative=_flat,
        derivative_formula="0",
        jumps=at(-1.5, -0.5, 0.5, 1.5),
        properties=("odd",),
        note="jumps at every half of an odd integer, and is there the even one of its neighbours",
    ),
    Entry(
        name="trunc",
        aliases=("fix",),
        formula="trunc(x)",
        latex=r"\operatorname{trunc}(x)",
        value=np.trunc,
        derivative=_flat,
        derivative_formula="0",
        jumps=at(-2.0, -1.0, 1.0, 2.0),
        properties=("odd",),
        note="jumps at every integer but 0",
    ),
)
