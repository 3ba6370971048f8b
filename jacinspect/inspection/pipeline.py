"""The pipeline: a function and an operand in, a Report out. It reads in the order in which the data travels."""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jacinspect._version import __version__
from jacinspect.errors import InputError, JacinspectError
from jacinspect.functions.catalogue.lookup import neighbours
from jacinspect.functions.function import Array, Function, Parameter
from jacinspect.functions.resolve import resolve, with_derivative
from jacinspect.inspection import findings as find
from jacinspect.inspection.codes import ordered
from jacinspect.inspection.diagnosis import Suspicion, diagnose
from jacinspect.inspection.entries import of_entries
from jacinspect.inspection.evidence import Result, agreement_report, jacobian_report
from jacinspect.inspection.expectations import of_expectations
from jacinspect.inspection.report import Report
from jacinspect.inspection.sections import DetectionReport, OperandReport
from jacinspect.inspection.settings import Settings
from jacinspect.inspection.subject import analytic_at, black_box, declared
from jacinspect.jacobian.agreement import (
    compare,
    suspicious,
)
from jacinspect.jacobian.analytic import Analytic
from jacinspect.jacobian.blackbox import BlackBox
from jacinspect.jacobian.detection import Detection, detect, detect_again
from jacinspect.jacobian.directions import Direction, along_directions, measure_directions
from jacinspect.jacobian.hadamard import chain_rule, hadamard
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.noise import rounding_noise, significant_epsilon
from jacinspect.jacobian.numeric import numeric_jacobian, refine
from jacinspect.jacobian.tracing import Budget, Spent
from jacinspect.jacobian.unresolved import ENTRY_BYTES, affordable_rows, colored, with_samples
from jacinspect.wording import format_shape

__all__ = ["inspect", "inspect_function", "uninspected"]


_SINGLE = 2.0**-23
_OTHER_CALLS = 50  # to confirm a pattern, to measure the noise, and along the directions
_ARRAYS = 14  # of the operand's size, that an inspection holds at once
_CALLS_PER_COLOR = 8  # six for the first pass, the rest towards the ladders
_CALLS_PER_VJP = 4  # what a vjp takes


def inspect(
    function: str | Function | Callable[..., Any],
    X: Any,
    derivative: str | Callable[..., Any] | None = None,
    *,
    derivative_kind: str | None = None,
    backend: str | None = None,
    parameters: Mapping[str, Parameter] | None = None,
    others: Sequence[Any] | Mapping[str, Any] = (),
    wrt: int | str = 1,
    direction: Any = None,
    **settings: Any,
) -> Report:
    """Inspect the Jacobian of a function at X.

    Parameters
    ----------
    function
        A catalogue name, an expression ("x * sigmoid(x)"), a reference to code ("module:function",
        "path/file.py:function"), or a callable of numpy, torch or jax arrays: from one of X's shape, and of those of
        `others`, to one.
    X
        The operand: real numbers of any shape. float32 stays float32, everything else is taken as float64.
    derivative
        A derivative by `wrt`, to be checked in place of the function's own: an expression, a reference, or a callable
        of the same operands. It returns f'(X) in the output's shape, the gradient of a scalar function in the
        operand's, or the Jacobian: M×N, a tensor of output shape + operand shape, or a scipy sparse matrix or
        LinearOperator. Of several operands it may return a tuple with one for each.
    derivative_kind
        "elementwise", "gradient" or "jacobian" where the shape should not decide; "jvp" for a callable (X, dX) -> dA,
        "vjp" for (X, dA) -> dX.
    backend
        "numpy", "torch" or "jax": which arrays a function of somebody's own takes; found out by trying if None.
    parameters
        Values for the function's parameters.
    others
        The operands after X, of a function of several, in order or by name.
    wrt
        Which operand to differentiate by: its place, X being 1, or its name (x, y, …). The others are fixed.
    direction
        dX, of the shape of the operand that `wrt` names, for the Hadamard comparison; random if left out.
    **settings
        The fields of `Settings`: seed, vec, layout, expect, rtol, atol, strict_kinks, memory, max_evaluations, noise.

    Returns
    -------
    Report
        With `verdict`, `findings`, `jacobian` …, `to_dict()` and `to_json()`.

    Raises
    ------
    InputError
        When the name, an operand, the direction or a setting cannot be used.
    FunctionFailedError
        When the function or the derivative raises, or does not return an array of real numbers of one shape.
    """
    unknown = sorted(set(settings) - set(Settings.__dataclass_fields__))
    if unknown:
        raise InputError(f"unknown setting {unknown[0]!r}; there are {', '.join(Settings.__dataclass_fields__)}")
    checked = Settings(**settings)
    further = list(others) if isinstance(others, Mapping) else [None] * len(others)
    found = resolve(function, parameters, further, backend)
    if derivative is not None:
        found = with_derivative(found, derivative, derivative_kind, backend)
    elif derivative_kind is not None:
        raise InputError("derivative_kind: says what derivative is; give that too")
    operands = [_real(X, "X"), *_in_order(found, others)]
    of_one = found.by(wrt, operands)
    return inspect_function(of_one, operands[found.position(wrt) - 1], checked, direction=direction)


def _in_order(function: Function, others: Sequence[Any] | Mapping[str, Any]) -> list[Array]:
    """Return the operands after the first in the function's order."""
    if not isinstance(others, Mapping):
        return [_real(other, f"others[{k}]") for k, other in enumerate(others)]
    names = function.operands[1:]
    if set(names) != set(others):
        raise InputError(
            f"others: {function.name} takes {', '.join(names) or 'no more'}; given are {', '.join(others)}"
        )
    return [_real(others[name], name) for name in names]


def inspect_function(
    function: Function,
    x: Array,
    settings: Settings,
    *,
    source: str = "array",
    direction: Any = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """Inspect a Function of one operand, or with all others fixed, at a float array x; see `inspect`.

    `source` says where x came from, `progress` hears of every call of the function, by their number so far.
    """
    rng = np.random.default_rng([settings.seed, 1])  # not the stream that a random operand is drawn from
    dx = None if direction is None else _real(direction, "direction")
    if dx is not None and dx.shape != x.shape:
        raise InputError(
            f"direction: shape {format_shape(dx.shape)} does not fit the operand's shape {format_shape(x.shape)}"
        )
    box, point = black_box(function, x, progress)
    (name,) = (name for name in function.operands if name not in function.fixed)
    base = replace(
        uninspected(function, name, x, settings, source),
        output=box.y0.reshape(_output_shape(box)),
        detection=DetectionReport(box.evaluations, 1, False, box.deterministic, None),
    )
    if box.mutates or not box.deterministic:
        return replace(base, findings=(find.mutates_input() if box.mutates else find.not_deterministic(),))
    analytic = analytic_at(function, point, _output_shape(box), settings.vec)
    return _Inspection(function, point, box, analytic, settings, rng).report(base, dx)


def uninspected(function: Function, wrt: int | str, x: Array, settings: Settings, source: str = "array") -> Report:
    """Return the Report of an inspection that has not begun: a function, and the operand to inspect it by."""
    place = function.position(wrt)
    return Report(
        version=__version__,
        function=declared(function),
        operand=OperandReport(function.operands[place - 1], place, x, source, settings.seed),
        output=None,
        jacobian=None,
        detection=DetectionReport(0, 0, False, True, None),
        agreement=None,
        hadamard=None,
        hadamard_valid=False,
        chain_rule=None,
        findings=(),
        memory=settings.memory,
        fixed=dict(function.fixed),
    )


def _untracked(operand: Any) -> Any:
    """Return an operand as numpy can read it: a torch tensor without its graph, on the CPU; anything else as it is."""
    torch: Any = sys.modules.get("torch")
    return operand.detach().cpu() if torch is not None and isinstance(operand, torch.Tensor) else operand


def _real(given: Any, name: str) -> Array:
    try:
        array = np.asarray(_untracked(given))
    except ValueError as error:
        raise InputError(f"{name}: {error}") from None
    if array.dtype.kind not in "fiu":
        raise InputError(f"{name}: an array of real numbers is needed, not of {array.dtype}")
    return np.array(array, np.float32 if array.dtype == np.float32 else np.float64, order="C")


def _output_shape(box: BlackBox) -> tuple[int, ...]:
    assert box.output_shape is not None
    return box.output_shape


@dataclass(eq=False)
class _Inspection:
    """One inspection on its way: the function, the point, and what does not change between the steps."""

    function: Function
    x: Array
    box: BlackBox
    analytic: Analytic | None
    settings: Settings
    rng: np.random.Generator

    def report(self, base: Report, dx: Array | None) -> Report:
        """Detect, color, build both Jacobians, compare, refute; if a pattern was refuted, once more from the start."""
        size = max(self.x.size, self.box.y0.size)
        calls = self.settings.calls(size)
        # What an inspection holds besides pairs and entries; a quarter of the memory is for those, come what may.
        memory = max(self.settings.memory - _ARRAYS * 8 * size, self.settings.memory // 4)
        budget = Budget(max(calls - _OTHER_CALLS, 0) // 2, memory)
        detection = detect(self.box, self.x, self.rng, budget)
        single = _SINGLE if self.x.dtype == np.float32 else 0.0
        epsilon = self.settings.noise or max(significant_epsilon(self.box, self.x), single)
        noise = rounding_noise(self.box, self.x)
        measured = _Measured(epsilon, noise, measure_directions(self.box, self.x, self.rng, epsilon, noise))
        result = self._values(detection, measured, calls, memory)
        unresolved: Array = np.zeros(0, np.int64)
        if result.directions.pattern_refuted.size:
            limit = self.box.evaluations + calls // 2  # for all of the second look
            budget = Budget(limit, memory)
            detection = detect_again(self.box, self.x, detection, result.directions.pattern_refuted, self.rng, budget)
            result = self._values(detection, measured, limit, memory)
            unresolved = result.directions.pattern_refuted
            result.comparison.leave_open(unresolved)
        del measured  # as large as the output
        return self._finish(base, detection, result, unresolved, dx)

    def _values(self, detection: Detection, measured: "_Measured", limit: int, memory: int) -> Result:
        """Build the analytic and the numeric Jacobian on what was detected, and hold each against the other.

        `limit` is the number of calls, all that were made before included, at which to have done.
        """
        pattern, total = with_samples(detection, memory, self.rng)
        colors, number = colored(pattern, detection)
        by_calls = max((limit - self.box.evaluations) // _CALLS_PER_COLOR, 1)
        by_memory = max(memory * number // (ENTRY_BYTES * max(pattern.stored, 1)), 1)
        spent: Spent = "memory" if by_memory < min(by_calls, number) else "evaluations"
        if number > min(by_calls, by_memory):
            kept = np.sort(self.rng.choice(number, min(by_calls, by_memory), replace=False))
            pattern = pattern.restricted(np.isin(colors, kept))
            colors, number = colored(pattern, detection)
        if self.analytic is not None and self.analytic.push is None:
            pattern = affordable_rows(pattern, max(limit // _CALLS_PER_VJP, 1), self.rng)
            colors, number = colored(pattern, detection)
        coverage = pattern.stored / total if total else 1.0
        numeric = numeric_jacobian(self.box, self.x, pattern, colors, number, measured.epsilon, measured.noise)
        analytic = None if self.analytic is None else self.analytic.on(pattern, colors, number)
        if analytic is not None:
            suspects = suspicious(analytic, numeric)
            numeric.doubtful |= suspects
            numeric.credible &= ~suspects
        numeric.forget_infinite(self.x, self.box.y0)
        refine(numeric, self.box, self.x, colors, number, limit - self.box.evaluations)
        comparison = compare(
            analytic, numeric, self.x, self.box.y0, self.settings.tolerance, self.settings.strict_kinks
        )
        directions = along_directions(
            measured.directions, self.box, self.x, comparison, self.analytic, self.rng, coverage
        )
        return Result(analytic, numeric, comparison, directions, number, coverage, spent)

    def _finish(
        self, base: Report, detection: Detection, result: Result, unresolved: Array, dx: Array | None
    ) -> Report:
        """Describe what was found."""
        jacobian = jacobian_report(detection, result, self.settings.order, self.settings.layout)
        cause = self._cause(detection, result)
        found = [
            *of_entries(result.comparison, result.analytic, result.numeric, self.x, self.box.y0, cause),
            *find.of_directions(
                result.directions, result.comparison, result.numeric, unresolved, cause, result.coverage == 1
            ),
            *of_expectations(self.settings.expect, jacobian, result.numeric),
            *find.of_coverage(detection, result.coverage, jacobian, self._budget(detection, result)),
        ]
        values, product, chain = result.best, None, None
        pattern = values.pattern
        if result.coverage == 1:
            dx = self.rng.standard_normal(self.x.shape) if dx is None else dx
            product = hadamard(values, dx)
            chain = chain_rule(values, self.rng.standard_normal(_output_shape(self.box)))
        valid = pattern.is_elementwise
        found += [] if valid else [find.hadamard_invalid(product, pattern)]
        return replace(
            base,
            jacobian=jacobian,
            detection=DetectionReport(
                detection.evaluations, detection.points, detection.proved, True, result.directions.miss_probability
            ),
            agreement=agreement_report(result, found),
            hadamard=product,
            hadamard_valid=valid,
            chain_rule=chain,
            findings=ordered(found),
        )

    def _budget(self, detection: Detection, result: Result) -> str:
        ended = {group.spent for group in detection.unresolved} or {result.spent}
        return find.budgets(ended, self.settings.calls(max(self.x.size, self.box.y0.size)), self.settings.memory)

    def _cause(self, detection: Detection, result: Result) -> str:
        """Say what may have gone wrong with a derivative that disagrees, if one thing explains every entry."""
        if self.analytic is None or result.analytic is None or not result.is_refuted:
            return ""
        numbers = {
            name: float(value)
            for name, value in self.function.parameters.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }

        def at_output() -> Array | None:
            pattern = result.numeric.jacobian.pattern
            if pattern.output_shape != self.x.shape:
                return None
            with suppress(JacinspectError, ValueError):
                there = analytic_at(self.function, self.box.y0.reshape(self.x.shape), self.x.shape)
                return None if there is None else there.on(pattern, np.zeros(self.x.size, np.int32), 1).data
            return None

        return diagnose(
            Suspicion(
                analytic=self.analytic,
                claimed=result.analytic,
                numeric=result.numeric,
                comparison=result.comparison,
                complete=detection.proved and result.coverage == 1,
                whole=self.box.whole,
                x=self.x.ravel(),
                y0=self.box.y0,
                parameters=numbers,
                neighbours=lambda: neighbours(self.x, numbers),
                at_output=at_output,
            )
        )


@dataclass(frozen=True, eq=False)
class _Measured:
    """What differences of f say before anything is known of its Jacobian: its noise, relative and for each output."""

    epsilon: float
    noise: Magnitudes
    directions: list[Direction]
