"""The public `inspect`, which resolves what a caller gives, and the Report that it returns, which shows itself.

In: a function, arrays, settings. Next: inspection.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from jacinspect.choices import AnyBackend, AnyDerivativeKind, AnyExpectation, AnyForm, AnyMode, Mode, SmallRank
from jacinspect.errors import InputError
from jacinspect.functions.function import Array, Function, Parameter, Wrt
from jacinspect.functions.numbers import Sparse, numbers_of
from jacinspect.functions.resolve import configured, resolve
from jacinspect.functions.with_claims import with_derivative, with_hessian, with_logdet, with_pattern
from jacinspect.inspection import report as inspected
from jacinspect.inspection.elsewhere import inspect_at_points
from jacinspect.inspection.given import Given
from jacinspect.inspection.settings import Keywords, Settings
from jacinspect.inspection.sparsity import Pattern, found_pattern
from jacinspect.inspection.subject import array_of, called_by
from jacinspect.records import dataclass, replace

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ["Report", "inspect", "sparsity"]

_WIDTH = 80  # columns of `print(report)`, as of a terminal


@dataclass(frozen=True, eq=False)
class Report(inspected.Report):
    """Everything that an inspection found; it prints as on the terminal, and shows itself in a notebook.

    In `to_markdown` and the like, `form` is the arrangement of the numbers, and `full` shows arrays whatever their
    size. They raise InputError for a form that has no place for the output's axes; with `full`, when a dense matrix
    exceeds the memory budget.
    """

    def __str__(self) -> str:
        from jacinspect.views.text import plain

        return plain(self, _WIDTH)

    def __repr__(self) -> str:
        from jacinspect.views.text import plain_headline

        return f"<jacinspect.Report: {plain_headline(self)}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the terminal's text and colours."""
        from jacinspect.views.text import as_html

        return as_html(self, _WIDTH)

    def to_markdown(self, full: bool = False, form: AnyForm = "vec") -> str:
        """Return it as Markdown, for pull requests and notebooks."""
        return self._written("markdown", full, form)

    def to_latex(self, full: bool = False, form: AnyForm = "vec") -> str:
        """Return it as a fragment of LaTeX (amsmath)."""
        return self._written("latex", full, form)

    def to_html(self, full: bool = False, form: AnyForm = "vec") -> str:
        """Return it as a page that needs nothing else."""
        return self._written("html", full, form)

    def to_csv(self) -> str:
        """Return the stored entries: output, input, analytic, numeric, bar, status; InputError if not known."""
        return self._written("csv", False, "vec")

    def save(self, file: str | PathLike[str]) -> None:
        """Save the Jacobian as sparse .npz (scipy) or Matrix Market .mtx, or its picture as .svg or .png.

        An old file is replaced by a complete new one.

        Raises
        ------
        InputError
            For another extension, a file that cannot be written, and where not all values were taken.
        """
        from jacinspect.views.files import require_savable, save_jacobian

        path = Path(file)
        require_savable("save", path)
        save_jacobian("save", self, path)

    def _written(self, to: str, full: bool, form: AnyForm) -> str:
        return str(import_module(f"jacinspect.views.{to}").render(self, full, form))


def inspect(
    function: str | Function | Callable[..., Any],
    X: Any = None,
    derivative: str | Callable[..., Any] | Array | Sparse | None = None,
    *,
    derivative_kind: AnyDerivativeKind | None = None,
    backend: AnyBackend | None = None,
    parameters: Mapping[str, Parameter] | None = None,
    others: Sequence[Any] | Mapping[str, Any] = (),
    wrt: Wrt | None = None,
    take: int | str | None = None,
    mode: AnyMode | None = None,
    domain: str | Sequence[float] | None = None,
    reseed: int | None = None,
    direction: Any = None,
    hessian: str | Callable[..., Any] | Array | Sparse | None = None,
    logdet: str | Callable[..., Any] | Array | float | None = None,
    expect_pattern: str | Array | Sparse | None = None,
    expect: AnyExpectation | SmallRank | Sequence[AnyExpectation | SmallRank] = (),
    executor: "Executor | None" = None,
    **settings: Unpack[Keywords],
) -> Report:
    """Inspect the Jacobian of a function at X.

    Parameters
    ----------
    function
        A catalogue name, an expression ("x * sigmoid(x)"), a reference to code ("module:function",
        "path/file.py:function"), or a callable of numpy, torch or jax arrays: from one of X's shape, and of those of
        `others`, to one.
    X
        The operand: real or complex numbers of any shape. float32 stays float32; what else is differentiated by
        becomes float64. A container of arrays or of plain numbers (a dict, a pytree), whose leaves are operands; or an
        object of pandas, xarray or pint, such as the function takes. A derivative with pint's units is converted to
        those of the output by those of X. None for a function of its own weights alone.
    derivative
        A derivative by `wrt`, to be checked in place of the function's own: an expression, a reference, a callable of
        the same operands, or numbers at X: an array, a scipy sparse matrix, a file ("J.npz"). These, and what the other
        three give, are f'(X) in the output's shape, the gradient of a scalar function in the operand's, or the
        Jacobian: M×N, a tensor of output shape + operand shape, or a scipy sparse matrix or LinearOperator. A tensor
        without the operand's first axis has a block for each sample along that, as vmap gives. Of several operands a
        callable may return a tuple with one for each, or a dict of blocks by (output, operand) names, as OpenMDAO's
        partials are, or by output and then by operand: a pair that is left out is 0.
    derivative_kind
        "elementwise", "gradient" or "jacobian" where the shape should not decide; "jvp" for a callable (X, dX) -> dA,
        "vjp" for (X, dA) -> dX.
    backend
        "numpy", "torch" or "jax": which arrays a function of your own takes; found out by trying if None.
    parameters
        Values for the function's parameters, and for those of the same names that the derivative has. A default is not
        passed on: the derivative has its own.
    others
        The other operands of a function of several: in order after X, or by name; X is the first that is not named.
        Labels and indices stay integers.
    wrt
        Which operands to differentiate by: a place, from 1, a name (x, y, …, or a container's, for its leaves), "all",
        a pattern ("*.weight"), or several of these, laid end to end; X if None. The others are fixed.
    take
        Which output of a function that returns several: its name, or its number as in f(x)[0], or several of these with
        commas between them; all real arrays among them, end to end, if None.
    mode
        "train" or "eval", of torch modules; eval if None.
    domain
        The interval in which the operands are moved, "LOW:HIGH", "0:" or (0, 1): f is called nowhere else.
    reseed
        Seed numpy's, Python's and torch's generators with it before every call, for a function that draws.
    direction
        dX, of the shape of the operand that `wrt` names, for the Hadamard comparison; random if left out.
    hessian
        A second derivative by `wrt`, to be checked in place of the function's own: f(X) -> an N×N matrix, the tensor of
        operand shape + operand shape, or f''(X) where that is diagonal; or (X, v) -> its product with v. Implies
        order=2.
    logdet
        A claim for log|det J| by `wrt`, to be checked: f(X) -> a number, or one for each item of a batch along the
        first axis, or a pair whose last entry that is; an expression, a reference, or numbers.
    expect_pattern
        A declared sparsity pattern, as of a solver's jac_sparsity: a matrix, sparse or not, or a file of one. What f
        reads besides is an error; what is declared and not read, a note. Of a sparse one, stored zeros are declared.
    expect
        What must hold: one of `choices.Expectation`, such as "diagonal", a rank, "rank=3", or several.
    executor
        A `concurrent.futures.Executor` that calls the function, many times side by side: threads, processes, loky,
        mpi4py, or dask's `Client.get_executor()`. The report is the same. The function is sent to processes as it was
        given: as text, or pickled (of a function, its module and name). The derivative is called here, but for the
        gradient of order=2 where it can be sent as well.
    **settings
        The fields of `Settings`: seed, vec, layout, rtol, atol, strict_kinks, memory, max_evaluations, noise,
        points, order, spectrum.

    Returns
    -------
    Report
        With `verdict`, `findings`, `jacobian` …, `to_dict()`, `to_json()`, `to_markdown()` …

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
    if hessian is not None:
        settings.setdefault("order", 2)
    checked = Settings(expect=expect, **settings)
    if mode is not None:
        Mode.require(mode, "mode:")
    given = Given(function, derivative, X, others, parameters or {}, wrt).as_arrays(derivative_kind)
    derivative = given.derivative
    found = configured(_resolved(given, backend), take, domain, reseed)
    found = found if mode is None else replace(found, mode=mode)
    if derivative is not None:
        found = with_derivative(found, numbers_of(derivative, checked.memory), derivative_kind, backend)
    elif derivative_kind is not None:
        raise InputError("derivative_kind: says what derivative is; give that too")
    if hessian is not None:
        found = with_hessian(found, numbers_of(hessian, checked.memory), backend)
    if logdet is not None:
        found = with_logdet(found, numbers_of(logdet, checked.memory), backend)
    if expect_pattern is not None:
        found = with_pattern(found, numbers_of(expect_pattern, checked.memory))
    of_one, x = _opened(found, given)
    report = inspect_at_points(called_by(of_one, executor), x, checked, direction=direction)
    return Report(**{name: getattr(report, name) for name in report.__match_args__})


def sparsity(
    function: str | Function | Callable[..., Any],
    X: Any = None,
    *,
    backend: AnyBackend | None = None,
    parameters: Mapping[str, Parameter] | None = None,
    others: Sequence[Any] | Mapping[str, Any] = (),
    wrt: Wrt | None = None,
    take: int | str | None = None,
    executor: "Executor | None" = None,
    **settings: Unpack[Keywords],
) -> Pattern:
    """Find which inputs each output of a function reads, at the cost of detection alone; see `inspect`.

    Returns
    -------
    Pattern
        `.to_scipy()` is a sparse matrix of ones, for jac_sparsity of `least_squares` and `solve_ivp`; `.groups()` are
        the colors of its columns, for `approx_derivative`.

    Raises
    ------
    InputError
        As `inspect`, and where a budget ended the work before the pattern was proved.
    FunctionFailedError
        As `inspect`, and where the function is not deterministic, or changes its argument.
    """
    given = Given(function, None, X, others, parameters or {}, wrt).as_arrays()
    of_one, x = _opened(configured(_resolved(given, backend), take), given)
    return found_pattern(called_by(of_one, executor), x, Settings(**settings))


def _resolved(given: Given, backend: AnyBackend | None) -> Function:
    """Find the function that is given, with its operands and weights."""
    further = list(given.others) if isinstance(given.others, Mapping) else [None] * len(given.others)
    operands = further if given.X is None else [None, *further]
    found = resolve(given.function, given.parameters, operands, backend, given.wrt)
    return found.including(given.wrt, [name for name in operands if name])


def _opened(found: Function, given: Given) -> tuple[Function, Array]:
    """Return the function of the operands to differentiate by, and these."""
    if not found.operands:
        found = found.including("all")
    name, operands = _in_order(found, given.X, given.others)
    return found.opened(name if given.wrt is None else given.wrt, operands)


def _in_order(function: Function, X: Any, others: Sequence[Any] | Mapping[str, Any]) -> tuple[str, list[Array]]:
    """Return the name of the operand that X is, and all operands in the function's order."""
    if X is None and isinstance(others, Mapping):
        others = [others[name] for name in function.operands if name in others]
    if not isinstance(others, Mapping):
        further = [array_of(other, f"others[{k}]", "fiubc") for k, other in enumerate(others)]
        apart = [name for name in function.operands if name not in function.own]
        if X is None:
            from jacinspect.functions.code.in_place import require_all

            require_all(function.origin, function.name, apart[len(further) :])
        values = iter([*([] if X is None else [array_of(X, "X")]), *further])
        found = [function.own[name] if name in function.own else next(values, None) for name in function.operands]
        in_order = [*(each for each in found if each is not None), *values]
        return next(iter(apart), "all") if X is not None else "all", in_order
    unnamed = [name for name in function.operands if name not in others and name not in function.own]
    if len(unnamed) != 1 or set(others) - set(function.operands):
        names = ", ".join(function.operands)
        raise InputError(f"others: {function.name} takes {names}; given are X and {', '.join(others) or 'no more'}")
    given = {unnamed[0]: array_of(X, "X"), **{name: array_of(other, name, "fiubc") for name, other in others.items()}}
    return unnamed[0], [given[name] if name in given else function.own[name] for name in function.operands]
