"""Findings about expected properties of J's values: J002 with a witness where one does not hold, J006 if undecided.

In: the spectrum of the numeric Jacobian. A property holds, or does not, for every matrix within the error bars; one
that is an equality (orthogonal, volume-preserving, a rank below the full one) holds within narrow bars. Next: report.
"""

from collections.abc import Callable, Iterator, Sequence
from math import prod

import numpy as np

from jacinspect.choices import is_spectral
from jacinspect.inspection.codes import Finding, finding
from jacinspect.inspection.evidence import Evidence
from jacinspect.inspection.expectations import asymmetric_entry
from jacinspect.inspection.logdet import ClaimedLogdet, Determined, compared_logdet
from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.naming import Names, input_name, output_name
from jacinspect.inspection.settings import Settings
from jacinspect.inspection.spectrum import SpectrumReport, measured_entries, spectrum_report
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import vec_positions
from jacinspect.jacobian.spectra.interval import Within, written
from jacinspect.jacobian.spectra.parts import Entries
from jacinspect.jacobian.spectra.spectrum import Spectrum, eigenvector, singular_vector
from jacinspect.records import dataclass, replace
from jacinspect.wording import format_shape

__all__ = ["spectrum_and_findings"]

_NARROW = 1e-4  # bars of an equality that holds, relative: as of an entry that is judged
_SAME = 6  # decimals: components that are equal but for rounding are named in their order, on every machine
_NAMED = 4  # components of a vector that are written out
_SQUARE = ("invertible", "orthogonal", "positive-definite", "volume-preserving")


@dataclass(frozen=True, eq=False)
class _Matrix:
    """The numeric Jacobian as entries with bars, in numerator layout, and its spectrum.

    `inputs` and `outputs` are the flat index of each of its columns and rows; `why_asymmetric` is empty where it is
    symmetric within its bars.
    """

    entries: Entries
    spectrum: Spectrum
    outputs: Array
    inputs: Array
    names: Names
    settings: Settings
    why_asymmetric: str

    @property
    def tolerance(self) -> float:
        """The user's, of what has to be equal."""
        return (self.settings.rtol or 0.0) + (self.settings.atol or 0.0)

    def vector(self, v: Array) -> str:
        """Write a unit vector by its largest components: 0.707·X[0] − 0.707·X[1]."""
        largest = np.argsort(-np.abs(v).round(_SAME), kind="stable")[:_NAMED]
        largest = largest[np.abs(v[largest]) > _NARROW]
        sign = np.sign(v[largest[0]])
        terms = [f"{abs(v[k]):.3g}·{input_name(self.names, int(self.inputs[k]))}" for k in largest]
        signs = ["" if k == largest[0] else " + " if sign * v[k] > 0 else " − " for k in largest]
        more = " …" if np.count_nonzero(np.abs(v) > _NARROW) > largest.size else ""
        return "".join(sign + term for sign, term in zip(signs, terms, strict=True)) + more

    def stretched(self, sigma: Within) -> str:
        """Say by which unit vector a singular value is taken."""
        if sigma.high == 0:
            return f"a singular value is 0{self.unread()}"
        v = singular_vector(self.entries, self.settings.memory, sigma.value)
        return f"‖J·v‖ = {written(sigma)} for v = {self.vector(v)}"

    def curved(self, lam: Within) -> str:
        """Say by which unit vector an eigenvalue is taken."""
        if lam.low == lam.high == 0:
            return f"an eigenvalue is 0{self.unread()}"
        return (
            f"vᵀJv = {written(lam)} for v = {self.vector(eigenvector(self.entries, self.settings.memory, lam.value))}"
        )

    def unread(self) -> str:
        """Name a row or a column without entries, if there is one."""
        for lines, flat, name, said in (
            (self.entries.columns, self.inputs, input_name, "no output reads {}"),
            (self.entries.rows, self.outputs, output_name, "{} reads no input"),
        ):
            empty = np.flatnonzero(np.bincount(lines, minlength=flat.size) == 0)
            if empty.size:
                return f": {said.format(name(self.names, int(flat[empty[0]])))}"
        return ", by its pattern alone"


Judged = tuple[bool | None, str]  # whether a property holds, None if the bars do not decide; and what speaks against it


def spectrum_and_findings(
    jacobian: JacobianReport, evidence: Evidence, settings: Settings, names: Names, claim: ClaimedLogdet | None = None
) -> tuple[SpectrumReport | None, list[Finding]]:
    """Find the spectrum; judge the properties of it that are expected, and a claim for log|det J|.

    Its `logdet` is what came out for the claim.
    """
    expected = [name for name in settings.expect if is_spectral(name)]
    if settings.order == 2 and prod(_shapes(evidence)[0]) == 1:  # a gradient: it is the Hessian that is asked for
        expected = [name for name in expected if name != "positive-definite"]
    if not settings.spectrum and not expected and claim is None:
        return None, []
    entries = measured_entries(evidence.numeric, jacobian)
    report = spectrum_report(evidence, jacobian, entries, settings.memory)
    shapes = _shapes(evidence)
    outputs, inputs = (np.argsort(vec_positions(shape, jacobian.vec)) for shape in shapes)
    matrix, product = None, None
    if entries is not None and report.numeric is not None:
        why = asymmetric_entry(jacobian, evidence.numeric, names)
        matrix = _Matrix(entries, report.numeric, outputs, inputs, names, settings, why)
        product = report.numeric.determinant
    findings = list(_of_spectrum(expected, matrix))
    if claim is None:
        return report, findings
    found = None if entries is None or product is None else Determined(entries, product, outputs, inputs)
    compared, wrong = compared_logdet(claim, found, shapes, settings.atol or 0.0)
    return replace(report, logdet=compared), [*findings, *wrong]


def _shapes(evidence: Evidence) -> tuple[tuple[int, ...], tuple[int, ...]]:
    pattern = evidence.numeric.jacobian.pattern
    return pattern.output_shape, pattern.operand_shape


def _of_spectrum(expected: Sequence[str], matrix: "_Matrix | None") -> Iterator[Finding]:
    """J002 for every expected property of the values that does not hold, J006 for one that the bars leave open."""
    for name in expected:
        if matrix is None:
            yield finding("J006", f"expected {name}, which could not be established from a sample of the values (J007)")
            continue
        holds, said = _judged(name, matrix)
        if holds is None:
            yield finding("J006", f"expected {name}, which the error bars leave open: {said}")
        elif not holds:
            yield finding("J002", f"expected {name}, but {said}")


def _judged(name: str, matrix: _Matrix) -> Judged:
    shape, found = matrix.spectrum.shape, matrix.spectrum
    if name in _SQUARE and shape[0] != shape[1]:
        return False, f"the matrix is {format_shape(shape)}, not square"
    if name == "volume-preserving":
        return _volume_preserving(matrix)
    if name == "contraction":
        return _contraction(matrix)
    if found.singular is None:
        return _large(name, matrix)
    if name.startswith("rank="):
        return _rank(int(name.removeprefix("rank=")), matrix)
    if not found.singular.value.size:
        return True, ""
    return _JUDGES[name](matrix)


def _large(name: str, matrix: _Matrix) -> Judged:
    """Judge what a part that is too large for its singular values leaves: of full rank or not known."""
    found = matrix.spectrum
    if found.rank is not None and (name == "invertible" or name.startswith("rank=")):
        rank = found.rank[0]
        return name in ("invertible", f"rank={rank}"), f"its rank is {rank}"
    return None, found.unknown


def _invertible(matrix: _Matrix) -> Judged:
    found = matrix.spectrum
    assert found.singular is not None
    low, high = found.singular.sure, found.singular.possible
    product = found.determinant
    if low == found.shape[0] or (product is not None and product.sign):
        return True, ""
    if high < found.shape[0] or (product is not None and product.sign == 0):
        return False, f"its rank is below {found.shape[0]}{matrix.unread()}"
    return None, f"{matrix.stretched(found.singular.at(-1))}, which may be 0"


def _orthogonal(matrix: _Matrix) -> Judged:
    sigma = matrix.spectrum.singular
    assert sigma is not None
    off = np.maximum(sigma.low - 1, 1 - sigma.high)
    if np.any(off > matrix.tolerance):
        return False, matrix.stretched(sigma.at(int(np.argmax(off))))
    wide = int(np.argmax(sigma.high - sigma.low))
    if sigma.high[wide] - sigma.low[wide] > _NARROW:
        return None, f"{matrix.stretched(sigma.at(wide))}, which may be 1"
    return True, ""


def _positive_definite(matrix: _Matrix) -> Judged:
    lam = matrix.spectrum.eigenvalues
    if matrix.why_asymmetric or lam is None:
        return False, f"J is not symmetric: {matrix.why_asymmetric}"
    least = lam.at(-1)
    if least.low > 0:
        return True, ""
    return (False if least.high <= 0 else None), matrix.curved(least)


def _volume_preserving(matrix: _Matrix) -> Judged:
    product = matrix.spectrum.determinant
    if product is None:
        return None, "a part of J is too large for its determinant to be found"
    said = f"log|det J| = {written(product.log)}"
    if product.log.low > matrix.tolerance or product.log.high < -matrix.tolerance:
        return False, said
    return (True, "") if product.log.bar <= _NARROW else (None, said)


def _contraction(matrix: _Matrix) -> Judged:
    norm = matrix.spectrum.norm
    if norm is None or norm.high < 1:
        return True, ""
    whole = matrix.spectrum.singular is not None
    said = matrix.stretched(norm) if whole else f"its norm is between {norm.low:.6g} and {norm.high:.6g}"
    return (False if norm.low >= 1 else None), said


def _rank(expected: int, matrix: _Matrix) -> Judged:
    """Judge a rank: a value that may be 0 counts as 0 where it is far below those that are not."""
    sigma = matrix.spectrum.singular
    assert sigma is not None
    low, high = int(np.count_nonzero(sigma.low > matrix.tolerance)), sigma.possible
    if low > expected:
        return False, f"its rank is {low} at least: {matrix.stretched(sigma.at(expected))}"
    if high < expected:
        unread = matrix.unread() if expected <= min(matrix.spectrum.shape) else ""
        return False, f"its rank is {high} at most{unread}"
    least = max(_NARROW * (sigma.low[low - 1] if low else 1.0), matrix.tolerance)
    if low == expected and (high == low or sigma.high[low] <= least):
        return True, ""
    return None, f"its rank is {low} to {high}: {matrix.stretched(sigma.at(low))}, which may be 0"


_JUDGES: dict[str, Callable[[_Matrix], Judged]] = {
    "invertible": _invertible,
    "orthogonal": _orthogonal,
    "positive-definite": _positive_definite,
}
