"""What the matrix says, as labelled sentences: rank, singular values and a picture of them, log|det J|. Pure functions.

Next: text, details, markdown, the page.
"""

from collections.abc import Iterator

import numpy as np

from jacinspect.inspection.logdet import LogdetReport
from jacinspect.inspection.report import Report
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.spectra.interval import Interval, Within, written
from jacinspect.jacobian.spectra.spectrum import Spectrum
from jacinspect.views.outcome import SIGNS

__all__ = ["picture", "spectrum"]

_BARS = "▁▂▃▄▅▆▇█"
_WIDEST = 40  # bars of the picture, beside the largest and the smallest value in 80 columns
_SAME = 0.05  # decades: values that are nearer to each other than 12 % are drawn alike
_ORTHOGONAL = 1e-4  # of a defect within the bars, that is small enough to say so


def spectrum(report: Report) -> Iterator[tuple[str, str]]:
    """Yield what was found of the spectrum, where it was asked for: of the numeric J, and of a claim that differs."""
    found = report.spectrum
    if found is None:
        return
    if found.numeric is None:
        yield "spectrum", found.message or "not known"
        return
    yield from _facts(found.numeric)
    if found.logdet is not None:
        yield "logdet", _claimed(found.logdet)
    if found.analytic is not None and report.is_refuted:
        said = "; ".join(f"{label} {text}" for label, text in _facts(found.analytic) if label != "spectrum")
        yield "analytic J", said


def _claimed(claim: LogdetReport) -> str:
    """Say what is claimed for log|det J|, and what came out."""
    signs = {"pass": "it is right", "fail": "it is wrong", "inconclusive": "the bars do not decide"}
    numbers = claim.claimed.ravel().tolist()
    of = f" of each of {len(numbers)} items" if len(numbers) > 1 else "".join(f" = {number:.8g}" for number in numbers)
    return f"{SIGNS[claim.verdict]} log|det J|{of}: {signs[claim.verdict]}"


def _facts(s: Spectrum) -> Iterator[tuple[str, str]]:
    if s.singular is None:
        yield "rank", f"not known: {s.unknown}" if s.rank is None else f"{s.rank[0]} of {s.rank[1]}, full"
        if s.norm is not None:
            yield "norm", f"‖J‖ between {s.norm.low:.5g} and {s.norm.high:.5g}"
        if s.least is not None:
            yield "least σ", f"between {s.least.low:.5g} and {s.least.high:.5g}"
        if s.condition is not None:
            yield "condition", f"between {s.condition.low:.5g} and {s.condition.high:.5g}"
    elif s.singular.value.size:
        yield "rank", _rank(s.singular, s.shape)
        yield "spectrum", _singular(s.singular)
        assert s.condition is not None
        yield "condition", _open(s.condition)
    if s.determinant is not None:
        sign = {1: ", det J > 0", -1: ", det J < 0", 0: ": det J = 0", None: ", sign not known"}[s.determinant.sign]
        yield "log|det J|", f"{_open(s.determinant.log)}{sign}"
    if s.eigenvalues is not None and s.eigenvalues.value.size:
        yield "eigenvalues", _eigenvalues(s.eigenvalues, s.definiteness)
    if s.radius is not None and s.shape[0] > 1:
        yield "radius", f"{_open(s.radius)}, the largest |eigenvalue|"
    if s.defect is not None and s.shape[0] == s.shape[1]:
        yield "orthogonal", _orthogonal(s.defect)


def _rank(sigma: Interval, shape: tuple[int, int]) -> str:
    low, high = sigma.sure, sigma.possible
    if low == high:
        return f"{low} of {min(shape)}" + (", full" if low == min(shape) else "")
    between = "or" if high == low + 1 else "to"
    return f"{low} {between} {high}: σ_{low + 1} = {written(sigma.at(low))} may be 0"


def _singular(sigma: Interval) -> str:
    if sigma.value.size == 1:
        return f"σ = {written(sigma.at(0))}"
    return f"σ from {written(sigma.at(0))} to {written(sigma.at(-1))}  {picture(sigma.value)}"


def picture(values: Array) -> str:
    """Draw descending values of at least 0 as bars of their logarithms; one that is 0 as a blank bar."""
    places = np.unique(np.linspace(0, values.size - 1, min(values.size, _WIDEST)).round().astype(int))
    chosen = values[places]
    known = (chosen > 0) & np.isfinite(chosen)
    logs = np.log10(np.where(known, chosen, 1.0))
    least, most = (float(end(logs[known])) if known.any() else 0.0 for end in (np.min, np.max))
    heights = (logs - least) / (most - least) if most - least > _SAME else np.ones(logs.size)
    drawn = (_BARS[round(float(height) * (len(_BARS) - 1))] for height in np.where(known, heights, 0))
    return "".join(bar if on else "·" for bar, on in zip(drawn, known, strict=True))


def _open(number: Within) -> str:
    """Write a number with its bar, or that it is infinite."""
    return "infinite" if number.low == np.inf else written(number)


def _eigenvalues(lam: Interval, definiteness: str | None) -> str:
    ends = f"from {written(lam.at(0))} to {written(lam.at(-1))}" if lam.value.size > 1 else written(lam.at(0))
    return f"{ends}: J is {definiteness or 'symmetric, and its definiteness is within the bars'}"


def _orthogonal(defect: Within) -> str:
    said = "yes" if defect.low == 0 and defect.high < _ORTHOGONAL else "not decided" if defect.low == 0 else "no"
    return f"{said}: ‖JᵀJ − I‖ = {written(defect)}"
