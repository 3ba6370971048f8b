"""What the matrix says: rank, singular values, log|det J|, definiteness of the numeric and of the analytic Jacobian.

In: the evidence, and where its entries are in the matrix. Out: a SpectrumReport. Next: spectral expectations, report.
"""

from typing import Any

import numpy as np

from jacinspect.inspection.evidence import Evidence
from jacinspect.inspection.logdet import LogdetReport
from jacinspect.inspection.matrix import JacobianReport, Shown
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.spectra.interval import Interval, Within
from jacinspect.jacobian.spectra.parts import Entries
from jacinspect.jacobian.spectra.spectrum import Spectrum, spectrum
from jacinspect.jacobian.values.differences import ROUNDING
from jacinspect.jacobian.values.numeric import Numeric
from jacinspect.jacobian.values.stencil import Kind
from jacinspect.records import dataclass
from jacinspect.wording import jsonable

__all__ = ["SpectrumReport", "measured_entries", "spectrum_report"]

_LISTED = 128  # values in JSON; of more, half as many from either end


@dataclass(frozen=True, eq=False)
class SpectrumReport:
    """The spectrum of the numeric Jacobian, and that of the analytic one if there is one; or why there is none."""

    numeric: Spectrum | None
    analytic: Spectrum | None = None
    message: str | None = None
    logdet: LogdetReport | None = None  # where log|det J| is claimed

    def to_dict(self, show: Shown) -> dict[str, Any]:
        """Return the spectra as JSON-ready objects, of many values the ends."""
        return {
            "message": self.message,
            "numeric": self.numeric and _spectrum(self.numeric, show),
            "analytic": self.analytic and _spectrum(self.analytic, show),
            "logdet": self.logdet and self.logdet.to_dict(),
        }


def spectrum_report(
    evidence: Evidence, jacobian: JacobianReport, entries: Entries | None, memory: int
) -> SpectrumReport:
    """Find the spectra of both Jacobians, the numeric one as entries, with dense parts within the memory."""
    if entries is None:
        return SpectrumReport(None, message="not known: only a sample of J has values (J007)")
    symmetric = bool(jacobian.is_symmetric)
    claim = evidence.claim
    return SpectrumReport(
        spectrum(entries, symmetric, memory),
        None
        if claim is None
        else spectrum(_entries(claim, ROUNDING * np.abs(claim.data), jacobian), symmetric, memory),
    )


def measured_entries(numeric: Numeric, jacobian: JacobianReport) -> Entries | None:
    """Return the numeric Jacobian as a matrix with bars; None where not all of its values are known.

    On a kink an entry is anything between the two slopes; where no step size gave a derivative, it is anything.
    """
    if jacobian.numeric is None or jacobian.arrangement is None:
        return None
    value, bar, kinks, stairs = numeric.jacobian.data.copy(), numeric.bar.copy(), numeric.kinks, numeric.stairs
    value[kinks.entries] = (kinks.low + kinks.high) / 2
    bar[kinks.entries] += (kinks.high - kinks.low) / 2
    apart = np.abs(value[stairs.entries] - stairs.other) + stairs.bar
    bar[stairs.entries] = np.maximum(bar[stairs.entries], apart)
    bar[np.isin(numeric.kind, (Kind.JUMP, Kind.UNRESOLVED, Kind.NONFINITE))] = np.inf
    return _entries(Jacobian(numeric.jacobian.pattern, value), bar, jacobian)


def _entries(values: Jacobian, bars: Array, jacobian: JacobianReport) -> Entries:
    """Place entries in the matrix, in numerator layout: rows are outputs."""
    arrangement = jacobian.arranged(values)
    rows, columns = arrangement.rows, arrangement.columns
    if jacobian.layout != "numerator":
        rows, columns = columns, rows
    return Entries(values.shape, rows, columns, values.data, bars)


def _spectrum(found: Spectrum, show: Shown) -> dict[str, Any]:
    product = found.determinant
    return {
        "rank": found.rank and {"low": found.rank[0], "high": found.rank[1]},
        "singular_values": _listed(found.singular, show),
        "norm": _within(found.norm),
        "least_singular_value": _within(found.least),
        "condition": _within(found.condition),
        "determinant": product and {"sign": product.sign, "log_abs": _within(product.log)},
        "eigenvalues": _listed(found.eigenvalues, show),
        "definiteness": found.definiteness,
        "orthogonality_defect": _within(found.defect),
        "spectral_radius": _within(found.radius),
        "too_large": [list(shape) for shape in found.large[:_LISTED]],
    }


def _within(number: Within | None) -> Any:
    return None if number is None else jsonable(number._asdict())


def _listed(values: Interval | None, show: Shown) -> Any:
    if values is None:
        return None
    number = values.value.size
    half = number if show.full or number <= _LISTED else _LISTED // 2
    places = np.arange(number)
    places = places[(places < half) | (places >= number - half)]
    listed = {name: getattr(values, name)[places].tolist() for name in ("value", "low", "high")}
    return {"number": number, "position": (places + 1).tolist(), **jsonable(listed)}
