"""For test suites: an assertion that a derivative is right, whose message has the findings."""

from collections.abc import Callable, Sequence
from typing import Any

from jacinspect.inspection.api import inspect
from jacinspect.inspection.report import Report
from jacinspect.views.brief import render

__all__ = ["assert_jacobian"]


def assert_jacobian(
    function: str | Callable[..., Any],
    X: Any,
    derivative: str | Callable[..., Any] | None = None,
    *,
    expect: str | Sequence[str] = (),
    **options: Any,
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
        Other arguments of `inspect`: derivative_kind, backend, parameters, others, wrt, domain, reseed, direction, and
        settings.

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
    if not expect and report.agreement is not None and not report.agreement.checked:
        raise AssertionError("nothing was asserted: give derivative=, for the function has none of its own, or expect=")
    return report
