"""For test suites: an assertion that a derivative is right, whose message has the findings."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from jacinspect.api import Report, inspect
from jacinspect.choices import AnyBackend, AnyDerivativeKind, AnyExpectation, AnyMode, SmallRank
from jacinspect.functions.function import Array, Parameter, Wrt
from jacinspect.functions.numbers import Sparse
from jacinspect.inspection.settings import Keywords
from jacinspect.views.brief import render

if TYPE_CHECKING:
    from concurrent.futures import Executor

__all__ = ["Options", "assert_jacobian"]


class Options(Keywords, total=False):
    """The other keywords of `inspect`."""

    derivative_kind: AnyDerivativeKind | None
    backend: AnyBackend | None
    parameters: Mapping[str, Parameter] | None
    others: Sequence[Any] | Mapping[str, Any]
    wrt: Wrt | None
    take: int | str | None
    mode: AnyMode | None
    domain: str | Sequence[float] | None
    reseed: int | None
    direction: Any
    hessian: str | Callable[..., Any] | None
    logdet: str | Callable[..., Any] | float | None
    expect_pattern: str | Array | Sparse | None
    executor: "Executor | None"


def assert_jacobian(
    function: str | Callable[..., Any],
    X: Any = None,
    derivative: str | Callable[..., Any] | Array | Sparse | None = None,
    *,
    expect: AnyExpectation | SmallRank | Sequence[AnyExpectation | SmallRank] = (),
    **options: Unpack[Options],
) -> Report:
    """Assert that a derivative is right at X, and that the Jacobian has the properties expected of it.

    Parameters
    ----------
    function, X, derivative
        As for `inspect`; without a derivative, and where the function has none of its own, only the structure is
        compared with `expect`.
    expect
        One of `choices.Expectation`, such as "diagonal", or several of them.
    **options
        The other keywords of `inspect`: those of `Options`, settings among them.

    Returns
    -------
    Report
        The report of the inspection.

    Raises
    ------
    AssertionError
        When the verdict is not "pass"; the message has the findings and the worst entries. Also when there is neither a
        derivative nor an expectation, since nothing was asserted then.
    InputError, FunctionFailedError
        As for `inspect`.
    """
    __tracebackhide__ = True  # pytest then shows the line that called
    report = inspect(function, X, derivative, expect=expect, **options)
    if report.verdict != "pass":
        raise AssertionError(render(report))
    if not report.expected and report.logdet is None and report.agreement is not None and not report.agreement.checked:
        raise AssertionError("nothing was asserted: give derivative=, for the function has none of its own, or expect=")
    return report
