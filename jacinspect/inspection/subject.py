"""What is inspected, as the engine sees it: a Function at a point as a black box, and its analytic derivative there.

Neither depends on the other. Next: pipeline, identities.
"""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import ref

import numpy as np

from jacinspect.errors import FunctionFailedError, InputError, near_path
from jacinspect.functions.derivative import derivative_at
from jacinspect.functions.function import Array, Function
from jacinspect.inspection.sections import FunctionReport
from jacinspect.jacobian.agreement.analytic import Analytic, from_entries, from_jvp, from_slopes, from_vjp
from jacinspect.jacobian.calls.blackbox import BlackBox, Domain
from jacinspect.records import replace

if TYPE_CHECKING:
    from concurrent.futures import Executor  # which takes some milliseconds to import, and few inspections need

__all__ = [
    "analytic_at",
    "array_of",
    "black_box",
    "called_by",
    "declared",
    "domain_of",
    "operand_epsilon",
    "real_array",
]


def declared(function: Function) -> FunctionReport:
    """Describe what a function is declared to be; nothing of it is measured."""
    return FunctionReport(
        function.name,
        function.kind,
        dict(function.parameters),
        function.source,
        function.formula or None,
        function.derivative_formula or None,
        function.operands,
        function.latex or None,
        function.note,
        function.is_by_number(),
        _near(function.place),
        _near(function.derivative_place),
    )


def _near(place: tuple[str, int] | None) -> tuple[str, int] | None:
    return place and (near_path(place[0]), place[1])


def black_box(function: Function, x: Array, progress: Callable[[int], None]) -> tuple[BlackBox, Array]:
    """Wrap f, and return it with x in double precision where f accepts that: float32 leaves differences few digits.

    Raises
    ------
    FunctionFailedError
        When f raises, or does not return an array of real numbers of one shape.
    """
    domain = domain_of(function)
    if x.dtype != np.float64:
        try:
            wide = x.astype(np.float64)
            return BlackBox(function, wide, progress, domain, function.elsewhere), wide
        except FunctionFailedError:
            pass
    return BlackBox(function, x, progress, domain, function.elsewhere), x


def called_by(function: Function, executor: "Executor | None") -> Function:
    """Return a function of one operand that is called on an executor, many points at a time; here, if None."""
    if executor is None:
        return function
    from jacinspect.jacobian.calls.evaluation import Elsewhere

    if isinstance(executor, type) or not hasattr(executor, "submit"):
        given = executor.__name__ if isinstance(executor, type) else type(executor).__name__
        raise InputError(
            f"executor: {given} is none; give one of concurrent.futures, such as ProcessPoolExecutor(4), or dask's "
            "Client(ADDRESS).get_executor()"
        )
    return replace(function, elsewhere=Elsewhere(function.remade or function, executor, function))


def domain_of(function: Function) -> Domain:
    """Return the interval in which the open operands are declared to be defined; where they differ, f itself says."""
    domains = {function.domain_of(name) for name in function.open}
    return domains.pop() if len(domains) == 1 else (-np.inf, np.inf)


def operand_epsilon(x: Array) -> float:
    """Return the relative noise that a float32 operand gives values of f at least; 0 for float64, which sets none."""
    return float(np.finfo(np.float32).eps) if x.dtype == np.float32 else 0.0


def analytic_at(function: Function, x: Array, output_shape: tuple[int, ...], vec: str | None = None) -> Analytic | None:
    """Take the analytic derivative at x in whichever form the function has it; see `derivative_at`."""
    derivative = derivative_at(function, x, output_shape, vec)
    if derivative is None:
        return None
    if derivative.form == "entries":
        return from_entries(derivative.of, output_shape, x.shape)
    if derivative.form == "slopes":
        del derivative  # as large as A; computed anew when it is needed
        return from_slopes(_remembered(lambda: _slopes(function, x, output_shape, vec)))
    return from_jvp(derivative.of) if derivative.form == "jvp" else from_vjp(derivative.of)


def _slopes(function: Function, x: Array, output_shape: tuple[int, ...], vec: str | None) -> Array:
    derivative = derivative_at(function, x, output_shape, vec)
    assert derivative is not None
    slopes: Array = derivative.of
    return slopes


def _remembered(compute: Callable[[], Array]) -> Callable[[], Array]:
    """Compute an array when it is asked for, unless the last one is still in use."""
    last: ref[Array] | None = None

    def array() -> Array:
        nonlocal last
        values = None if last is None else last()
        if values is None:
            values = compute()
            last = ref(values)
        return values

    return array


def real_array(given: Any, name: str) -> Array:
    """Convert an operand to a new array: float32 stays float32, everything else becomes float64; see `array_of`."""
    array = array_of(given, name, "fiu")
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def array_of(given: Any, name: str, kinds: str = "fiuc") -> Array:
    """Convert an operand to a new array: single precision and integers stay what they are, other floats become double.

    Raises
    ------
    InputError
        When it is not an array of real or complex numbers, or of another of numpy's `kinds`; the message begins with
        `name`.
    """
    try:
        array = np.asarray(_untracked(given))
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: {error}") from None
    if array.dtype.kind not in kinds:
        raise InputError(f"{name}: an array of real numbers is needed, not of {array.dtype}")
    narrow = array.dtype in (np.float32, np.complex64) or array.dtype.kind not in "fc"
    wide = np.complex128 if array.dtype.kind == "c" else np.float64
    return np.array(array, array.dtype.newbyteorder("=") if narrow else wide, order="C")


def _untracked(operand: Any) -> Any:
    """Return an operand as numpy can read it: a torch tensor without its graph, on the CPU; anything else as it is."""
    torch: Any = sys.modules.get("torch")
    return operand.detach().cpu() if torch is not None and isinstance(operand, torch.Tensor) else operand
