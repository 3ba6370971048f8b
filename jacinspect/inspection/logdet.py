"""A claim for log|det J|, of the whole Jacobian or of each item of a batch, compared with what was found.

In: what people's code or number says, and the numeric Jacobian as entries with bars. Out: a LogdetReport, and J016 with
the likely cause where the claim is wrong. Next: report.
"""

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from jacinspect.errors import FunctionFailedError, JacinspectError, raised
from jacinspect.functions.function import Function
from jacinspect.inspection.codes import Finding, finding
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.spectra.determinant import Determinant
from jacinspect.jacobian.spectra.interval import Interval, written
from jacinspect.jacobian.spectra.parts import ROUNDING, Entries
from jacinspect.records import dataclass
from jacinspect.wording import counted, format_shape, jsonable

__all__ = ["ClaimedLogdet", "Determined", "LogdetReport", "claimed_logdet", "compared_logdet"]

_CLAIM = 4  # roundings of each term that a claim may be off by
_NEAR = 4  # roundings of x by which it is moved, to see how much the claim scatters
_TRIES = 4
_SCATTER = 4  # times what those few show
_WIDE = 1e-4  # of log|det J|, and at least of 1: an interval that is wider decides nothing
_DIMENSIONS = 2  # times the dimensions of an item: the most factors 2 that a hint counts


@dataclass(frozen=True, eq=False)
class ClaimedLogdet:
    """What is claimed, in the shape in which it came, and how far each number may be off by rounding alone.

    `epsilon` is the rounding of the precision in which it was computed.
    """

    values: Array
    scatter: Array
    epsilon: float


@dataclass(frozen=True, eq=False)
class LogdetReport:
    """A claim for log|det J| beside what was found: a number of the whole, or one for each item of a batch."""

    claimed: Array
    found: Interval | None
    verdict: str

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON-ready objects."""
        ends = {name: None if self.found is None else getattr(self.found, name) for name in ("value", "low", "high")}
        return jsonable({"claimed": self.claimed.ravel(), **ends, "verdict": self.verdict})  # type: ignore[no-any-return]


def claimed_logdet(function: Function, x: Array) -> ClaimedLogdet | None:
    """Evaluate a function's claim for log|det J| at x, and nearby; None where it has none."""
    if function.logdet is None:
        return None
    call = function.logdet.at([x])

    def value(at: Array) -> tuple[Array, float]:
        try:
            with np.errstate(all="ignore"):
                given = call(at.copy())
        except JacinspectError:
            raise
        except Exception as error:
            raise FunctionFailedError(f"log|det J| raised {raised(error)}") from error
        array = np.asarray(given)
        if array.dtype.kind not in "fiu":
            raise FunctionFailedError(f"log|det J| is not a number, or one for each item of a batch: {given!r:.60}")
        single = array.dtype.kind == "f" and array.dtype.itemsize < np.dtype(float).itemsize
        return array.astype(float), float(np.finfo(array.dtype).eps) if single else ROUNDING

    values, epsilon = value(x)
    scatter, rng = np.zeros(values.shape), np.random.default_rng(0)
    for _ in range(0 if function.logdet.numbers else _TRIES):
        near = x * (1 + _NEAR * epsilon * rng.uniform(-1, 1, x.shape))
        with np.errstate(all="ignore"):
            scatter = np.fmax(scatter, np.abs(value(near.astype(x.dtype))[0] - values))
    return ClaimedLogdet(values, _SCATTER * scatter, epsilon)


@dataclass(frozen=True, eq=False)
class Determined:
    """A determinant, and the matrix that it is of; `outputs` and `inputs` are the flat indices of rows and columns."""

    entries: Entries
    product: Determinant
    outputs: Array
    inputs: Array


def compared_logdet(
    claim: ClaimedLogdet, found: Determined | None, shapes: tuple[tuple[int, ...], tuple[int, ...]], atol: float
) -> tuple[LogdetReport, list[Finding]]:
    """Compare a claim with the determinant that was found; `shapes` are those of the output and the operand.

    `atol` is a tolerance of the user's, which is added to the bars. Without a determinant nothing can be said.
    """
    values = claim.values
    if prod(shapes[0]) != prod(shapes[1]):
        sizes = format_shape((prod(shapes[0]), prod(shapes[1])))
        return _wrong(values, None, f"there is no log|det J|: J is {sizes}, not square")
    if found is None:
        message = "log|det J| could not be found: only a sample of J has values (J007), or a part of J is too large"
        return LogdetReport(values, None, "inconclusive"), [finding("J006", message)]
    case = _Case(claim, found, *shapes, atol)
    if values.size != 1 and values.size != case.items:
        return _wrong(values, None, case.misshapen())
    if values.size > 1 and not case.is_apart:
        message = f"log|det J| is claimed for each of {case.items} items, and some item reads another one: J has one"
        return _wrong(values, None, message)
    true, off = case.true(), case.off()
    if np.any(off > 0):
        return _wrong(values, true, case.message(true, off))
    wide = np.flatnonzero(true.high - true.low > _WIDE * np.maximum(1, np.abs(true.value)))
    if wide.size:
        message = f"the error bars leave log|det J|{case.item(int(wide[0]))} open: {written(true.at(int(wide[0])))}"
        return LogdetReport(values, true, "inconclusive"), [finding("J006", message)]
    return LogdetReport(values, true, "pass"), []


def _wrong(values: Array, true: Interval | None, message: str) -> tuple[LogdetReport, list[Finding]]:
    return LogdetReport(values, true, "fail"), [finding("J016", message)]


@dataclass(frozen=True, eq=False)
class _Case:
    """A claim and what it is compared with."""

    claim: ClaimedLogdet
    found: Determined
    output_shape: tuple[int, ...]
    operand_shape: tuple[int, ...]
    atol: float

    @property
    def items(self) -> int:
        """How many items a batch along the first axis has; 1 where there is none."""
        output, operand = self.output_shape, self.operand_shape
        return output[0] if output and operand and output[0] == operand[0] and output[0] else 1

    @property
    def is_apart(self) -> bool:
        """Whether the outputs of each item read its own inputs alone."""
        entries, size = self.found.entries, self.found.outputs.size // self.items
        return np.array_equal(self.found.outputs[entries.rows] // size, self.found.inputs[entries.columns] // size)

    def along(self, axis: int) -> Interval:
        """Return log|det J| apart for each index of an axis of the output."""
        index = np.unravel_index(self.found.outputs, self.output_shape)[axis]
        return self.found.product.by_item(index, self.output_shape[axis])

    def true(self) -> Interval:
        """Return log|det J| of the whole, or of each item, as the claim is."""
        if self.claim.values.size > 1:
            return self.along(0)
        return Interval(*(np.array([number]) for number in self.found.product.log))

    def allowed(self) -> Array:
        """Return what the claim may be off by: how it scatters, and the rounding of the logarithms that it sums."""
        product, values = self.found.product, self.claim.values.ravel()
        known = np.where(np.isfinite(product.value), np.abs(product.value), 0) + 1
        terms = Determinant(None, product.rows, known, known, known)
        index = (
            np.unravel_index(self.found.outputs, self.output_shape)[0] if values.size > 1 else 0 * self.found.outputs
        )
        size = terms.by_item(index, values.size).value
        return self.atol + self.claim.scatter.ravel() + _CLAIM * self.claim.epsilon * (size + np.abs(values))

    def off(self) -> Array:
        """Return by how much each number is outside of what it may be; infinite where it is not a number."""
        values, true = self.claim.values.ravel(), self.true()
        with np.errstate(invalid="ignore"):
            off = np.maximum(values - true.high, true.low - values) - self.allowed()
        off[(values == true.low) | (values == true.high)] = 0  # infinite ones
        return np.where(np.isnan(off), np.inf, off)

    def item(self, number: int) -> str:
        """Name an item of the batch; nothing where there is a single number."""
        return f" of item {number}" if self.claim.values.size > 1 else ""

    def message(self, true: Interval, off: Array) -> str:
        """Say how far the claim is off, and of what that is the sign."""
        worst, values = int(np.argmax(off)), self.claim.values.ravel()
        others = f"; {np.count_nonzero(off > 0)} of {counted(off.size, 'item')} are off" if off.size > 1 else ""
        cause = self.cause()
        return (
            f"log|det J|{self.item(worst)} is claimed to be {values[worst]:.8g}, and it is {written(true.at(worst))}"
            f"{others}{cause and f'; {cause}'}"
        )

    def cause(self) -> str:
        """Return what explains all numbers that are claimed, or nothing."""
        values, true = self.claim.values.ravel(), self.true()
        with np.errstate(all="ignore"):
            near = self.allowed() + (true.high - true.low)
            for said, predicted in self._causes(true.value):
                if np.all(np.abs(values - predicted) <= near * np.maximum(1, np.abs(predicted / true.value))):
                    return said
            twos = (values - true.value) / np.log(2)
            number = round(float(twos[0])) if np.isfinite(twos[0]) else 0
            if number and np.all(np.abs(twos - number) <= near) and abs(number) <= _DIMENSIONS * self._dimensions:
                each, rest = divmod(abs(number), self._dimensions)
                times = f"{each}·log 2" if rest == 0 else f"{abs(number)}·log 2"
                of = f" for each of {self._dimensions} dimensions" if rest == 0 and self._dimensions > 1 else ""
                return f"{times} {'too much' if number > 0 else 'is missing'}{of}"
        return ""

    @property
    def _dimensions(self) -> int:
        return self.found.outputs.size // self.claim.values.size

    def _causes(self, true: Array) -> Iterator[tuple[str, Array]]:
        """Yield likely mistakes, with what they give in place of the true numbers."""
        n, items = self._dimensions, self.items
        yield "the sign is turned, as for the inverse", -true
        if true.size == 1 and items > 1:
            yield f"it is the mean over {items} items, and not the sum", true / items
            yield "it is that of the first item alone", self.along(0).value[:1]
        if true.size > 1:
            yield "it is the sum over all items, for each of them", np.full(true.size, true.sum())
            if len(self.output_shape) > 1 and self.output_shape[-1] == true.size:
                yield "it is summed over the batch, in place of the dimensions", self.along(-1).value
        yield f"it is the mean over {n} dimensions, and not the sum", true / n
        yield f"it is {n} times as much: a factor for the {n} dimensions that the sum has already", true * n
        yield "it is twice as much, as log det(JᵀJ) is", true * 2
        yield "it is half as much", true / 2
        yield "it is |det J|, without the logarithm", np.exp(true)
        yield "the logarithm is to base 10", true / np.log(10)
        yield "the logarithm is to base 2", true / np.log(2)

    def misshapen(self) -> str:
        """Say which shape the claim should have, and which axis was not summed over."""
        shape, values = self.claim.values.shape, self.claim.values
        batch = f", or one for each of {self.items} items" if self.items > 1 else ""
        hint = ""
        if shape == self.output_shape:
            hint = "; it is not summed over the dimensions"
        elif len(self.output_shape) > 1 and len(shape) == 1:
            found = self.along(-1).value
            found = found if found.size == values.size else found[np.abs(found) > _WIDE]
            summed = found.size == values.size and np.allclose(found, values, rtol=_WIDE, atol=_WIDE)
            hint = "; it is summed over the batch, in place of the dimensions" if summed else ""
        return f"log|det J| is claimed to be an array of {format_shape(shape)}, and has to be a number{batch}{hint}"
