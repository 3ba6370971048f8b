"""The Cauchy–Riemann equations: whether a function of complex numbers, inspected by their parts, is holomorphic.

In: a Jacobian of real and imaginary parts by such, and its error bars. Out: which entries contradict the equations
∂A.re/∂z.re = ∂A.im/∂z.im and ∂A.re/∂z.im = −∂A.im/∂z.re. Next: evidence, expectations.
"""

import numpy as np

from jacinspect.inspection.naming import Names
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian
from jacinspect.operands.bundle import Bundle

__all__ = ["against_cauchy_riemann", "is_complex", "other_part"]


def is_complex(names: Names) -> bool:
    """Whether all operands that f is differentiated by, and all outputs, are complex."""
    return all(2 * len(bundle.complex_pairs) == len(bundle.parts) for bundle in (names.output, names.operand))


def against_cauchy_riemann(jacobian: Jacobian, bars: Array, names: Names) -> Array:
    """Return which stored entries differ from what the equations demand, given the other parts, by more than the bars.

    Both sides of an equation are compared with their own bars; what is not stored is 0.
    """
    pattern = jacobian.pattern
    row, from_im = other_part(names.output)
    column, by_im = other_part(names.operand)
    rows, columns = pattern.rows, pattern.indices
    places = pattern.places(row[rows], column[columns])
    signs = np.where(from_im[rows] == by_im[columns], 1.0, -1.0)
    demanded, wide = (np.append(values, 0.0)[places] for values in (jacobian.data, bars))
    with np.errstate(invalid="ignore"):
        return np.asarray(~(np.abs(jacobian.data - signs * demanded) <= bars + wide))


def other_part(bundle: Bundle) -> tuple[Array, Array]:
    """Return for each entry of a bundle of complex arrays the entry that is its other part, and whether it is an im."""
    entries = np.arange(sum(part.size for part in bundle.parts))
    is_im = np.zeros(entries.size, bool)
    other = entries.copy()
    for re, im in bundle.complex_pairs:
        other[re.span], other[im.span], is_im[im.span] = entries[im.span], entries[re.span], True
    return other, is_im
