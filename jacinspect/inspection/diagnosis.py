"""What may be wrong with a derivative that disagrees: the simplest explanation that fits every entry, or none.

In: the claim and the numeric Jacobian with its bars. Out: a few words for J001's message, after "consistent with".

Explanations are a table. Some predict what the claim would be, and are tried on every entry (suspicion.py); the others
are properties of the claim, or say where it is wrong.
"""

from collections.abc import Callable, Iterable, Iterator
from math import log10

import numpy as np

from jacinspect.inspection.constraints import right_along
from jacinspect.inspection.factors import chain_factors, factors
from jacinspect.inspection.place import few_entries, place, side_of_zero
from jacinspect.inspection.quotients import difference_quotients
from jacinspect.inspection.rearrangements import by_free_entries, other_orders, permuted_axes, transposes
from jacinspect.inspection.suspicion import Prediction, Suspicion
from jacinspect.jacobian.agreement.analytic import is_linear
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.values.differences import ROUNDING
from jacinspect.records import dataclass

__all__ = ["Hypothesis", "diagnose"]

_IN_FLOAT32 = 2.0**-21  # relative: four roundings of float32, of 2⁻²³ each
_TOLERANCES = (1e-12, 1e-7)  # relative: solvers are stopped at these; a derivative that is off by more has a mistake
_SEEN = 8  # times less than the largest difference: an even noise is below in one of eight entries
_SAME = 1e-6  # relative: values as near to another function's, where f loses digits, are that function's


@dataclass(frozen=True)
class Hypothesis:
    """A kind of mistake: what the claim would be if it had been made, or what shows it otherwise.

    `predicts` yields predictions that are tried on every entry; `finds` yields words for what is so. `of_entries` is
    whether it needs entries that disagree, and not only a random direction that refutes the claim.
    """

    name: str
    predicts: Callable[[Suspicion], Iterable[Prediction]] | None = None
    finds: Callable[[Suspicion], Iterable[str]] | None = None
    of_entries: bool = True

    def explanations(self, s: Suspicion) -> Iterator[str]:
        """Yield the words of each explanation of this kind that fits every entry."""
        if self.of_entries and not s.wrong.any():
            return
        if self.predicts is not None:
            yield from (prediction.words for prediction in self.predicts(s) if s.fits(prediction))
        if self.finds is not None:
            yield from filter(None, self.finds(s))


def diagnose(suspicion: Suspicion) -> str:
    """Return the first explanation that fits every entry, such as "the opposite sign", or nothing."""
    if not suspicion.judged.any():
        return ""
    return next((words for each in HYPOTHESES for words in each.explanations(suspicion)), "")


# --- Properties of the claim ------------------------------------------------------------------------------------------


def _nonlinear(s: Suspicion) -> Iterator[str]:
    if not is_linear(s.analytic, s.pattern.operand_shape, s.y0.size):
        of = "tangent" if s.analytic.push is not None else "cotangent"
        yield f"a rule that is not linear in the {of}: its result has to be multiplied by it"


def _straight_through(s: Suspicion) -> Iterator[str]:
    if not s.value.any() and s.in_steps():
        yield "a straight-through rule: f moves in steps, and its derivative is 0 on each"


def _single(s: Suspicion) -> Iterator[str]:
    claimed = s.claim.data[s.judged]
    with np.errstate(all="ignore"):
        narrow = claimed.astype(np.float32) == claimed
    if np.all(narrow) and _is_close(s):
        yield "a derivative computed in float32"


def _constants(s: Suspicion) -> Iterator[str]:
    """Test whether all is off by roundings of float32, as by what is computed of a module's weights alone.

    What is off by far less may be due to a tolerance.
    """
    claimed, value = s.claim.data[s.judged], s.value[s.judged]
    if _is_close(s) and not np.all(np.abs(claimed - value) <= _IN_FLOAT32 / 32 * np.abs(value)):
        yield "a derivative with constants in float32"


def _is_close(s: Suspicion) -> bool:
    """Whether all is off by no more than roundings of float32."""
    claimed, value = s.claim.data[s.judged], s.value[s.judged]
    with np.errstate(all="ignore"):
        return bool(np.all(np.abs(claimed - value) <= _IN_FLOAT32 * np.abs(value) + s.bar[s.judged]))


def _at_output(s: Suspicion) -> Iterator[str]:
    """Test whether the claim is right at f(X) in place of X; a single number is too little to tell."""
    there = s.at_output() if _is_varied(s) else None
    if there is not None and _is_right(there, s):
        yield s.names.own("a derivative in terms of f(x): it is right where it is given f(X) for X")


def _other_operand(s: Suspicion) -> Iterator[str]:
    """Test whether what a tuple has for another operand is right, as in (gradient, Hessian) of the second of two."""
    for number, name, entries in s.of_others():
        if _is_right(entries, s):
            alone = "; of a gradient and what follows it, return the gradient alone" if number == 0 else ""
            yield f"a tuple in another order: its entry by {name} is right for {s.names.x}{alone}"


def _is_right(entries: Array, s: Suspicion) -> bool:
    """Whether these are the entries of f's Jacobian, and not all 0."""
    with np.errstate(all="ignore"):
        close = np.abs(entries - s.value) <= s.bar + ROUNDING * np.abs(entries)
    return bool(close[s.judged].all() and entries[s.judged].any())


def _as_if_elementwise(s: Suspicion) -> Iterator[str]:
    """Test whether the claim is right where an element-wise function would have its derivative, and 0 elsewhere."""
    pattern = s.pattern
    if pattern.sources is None:
        return
    off = (pattern.sources[pattern.rows] != pattern.indices) & s.judged
    if off.any() and not s.claim.data[off].any() and not s.disagrees[~off].any():
        yield "an element-wise derivative, while f is not element-wise: the entries off the diagonal are missing"


def _at_a_tolerance(s: Suspicion) -> Iterator[str]:
    """Test whether a tolerance at which f stops, or a small term, could make all of the difference, in most entries.

    No tolerance explains an entry by an input that f does not read.
    """
    if not s.iterates or not s.judged.all() or s.outside.any():
        return
    size = np.maximum(np.abs(s.value), np.abs(s.y0[s.pattern.rows]))
    with np.errstate(all="ignore"):
        relative, bar = np.abs(s.claim.data - s.value) / size, s.bar / size
    off = float(np.max(relative, initial=0, where=s.wrong))
    still = np.mean(np.maximum(relative, bar) < off / _SEEN)
    if _TOLERANCES[0] <= off <= _TOLERANCES[1] and still <= 1 / 2:
        steps = f"a function that stops at a tolerance or takes steps (--noise {off:.0e})"
        yield f"{steps}, or with a small term that is left out: off by a relative {off:.0e}"


# --- Predictions ------------------------------------------------------------------------------------------------------


def _times(s: Suspicion, named: Iterable[tuple[str, float]]) -> Iterator[Prediction]:
    """Predict multiples of the Jacobian, by those factors that fit the entry whose ratio to the claim is best known."""
    if not s.wrong[s.certain].any():
        return
    best = s.certain[0]
    claimed, value, bar = s.claim.data[best], s.value[best], s.bar[best]
    for words, factor in named:
        if np.isfinite(factor) and abs(claimed - factor * value) <= abs(factor) * bar + ROUNDING * abs(claimed):
            with np.errstate(all="ignore"):
                prediction = s.prediction(words, factor * s.value, abs(factor) * s.bar)
            yield prediction


def _sign(s: Suspicion) -> Iterator[Prediction]:
    return _times(s, [("the opposite sign", -1.0)])


def _chain_factor(s: Suspicion) -> Iterator[Prediction]:
    return _times(s, chain_factors(s.parameters))


def _named_factor(s: Suspicion) -> Iterator[Prediction]:
    return _times(s, ((f"a constant factor of {name}", factor) for name, factor in factors(s.pattern, s.names)))


def _factor(s: Suspicion) -> Iterator[Prediction]:
    """Predict a constant factor without a name; two entries of different size are needed to call it constant."""
    value, bar = np.abs(s.value[s.certain]), s.bar[s.certain]
    if not np.all(np.abs(value - value[:1]) <= bar + bar[:1]):
        factor = float(s.claim.data[s.certain[0]] / s.value[s.certain[0]])
        name = f"{factor:.10g}"
        yield from _times(s, [(f"a constant factor of {name}", factor)] if name != "1" else [])


def _zero(s: Suspicion) -> Iterator[Prediction]:
    nothing = np.zeros(s.pattern.stored)
    yield s.prediction(s.names.own("a derivative cut off from X: it is 0 in every entry"), nothing, nothing)


def _other_function(s: Suspicion) -> Iterator[str]:
    """Try f itself, and the derivatives of other functions; a single number is the derivative of too many."""
    if not _is_varied(s):
        return
    if s.fits(s.prediction("", s.y0, s.bar)):
        yield "f itself in place of its derivative"
    for name, slopes, function in s.neighbours():
        if s.fits(s.prediction("", slopes[s.pattern.indices], s.bar)):
            yield f"the derivative of {name}{_and_f_is(name, function, s)}"


def _and_f_is(name: str, function: Callable[[Array], Array], s: Suspicion) -> str:
    """Say that f is the function whose derivative is claimed, if it is: then not the claim may be wrong, but f."""
    x = s.x.reshape(s.pattern.operand_shape)
    with np.errstate(all="ignore"):
        values = np.broadcast_to(function(x), s.pattern.output_shape).ravel()
        if not np.all(np.abs(s.y0 - values) <= _SAME * np.abs(values)):
            return ""
    return f", and f is {name} at {s.names.x} to {-log10(_SAME):.0f} digits: look at f before the derivative"


def _is_varied(s: Suspicion) -> bool:
    return s.is_elementwise and np.unique(s.claim.data[s.judged]).size > 1


HYPOTHESES = (
    Hypothesis("not linear", finds=_nonlinear, of_entries=False),
    Hypothesis("straight-through", finds=_straight_through),
    Hypothesis("float32", finds=_single),
    Hypothesis("sign", _sign),
    Hypothesis("chain factor", _chain_factor),
    Hypothesis("named factor", _named_factor),
    Hypothesis("transposed", transposes, of_entries=False),
    Hypothesis("order of vec", other_orders, of_entries=False),
    Hypothesis("zero", _zero),
    Hypothesis("other operand", finds=_other_operand),
    Hypothesis("other function", finds=_other_function),
    Hypothesis("at f(X)", finds=_at_output),
    Hypothesis("as if element-wise", finds=_as_if_elementwise),
    Hypothesis("difference quotient", finds=difference_quotients),
    Hypothesis("factor", _factor),
    Hypothesis("constants in float32", finds=_constants),
    Hypothesis("tolerance", finds=_at_a_tolerance),
    Hypothesis("free entries", by_free_entries),
    Hypothesis("order of axes", permuted_axes),
    Hypothesis("right along", finds=right_along),
    Hypothesis("side of 0", finds=lambda s: [side_of_zero(s)]),
    Hypothesis("place", finds=lambda s: [place(s)]),
    Hypothesis("few entries", finds=lambda s: [few_entries(s)]),
)
