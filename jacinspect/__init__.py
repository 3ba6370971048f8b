"""Is this derivative right, and what does its Jacobian look like.

import jacinspect
report = jacinspect.inspect("sigmoid", X)
report.verdict, report.jacobian.structure, report.to_json()
"""

from typing import TYPE_CHECKING, Any

from jacinspect._version import __version__

if TYPE_CHECKING:
    from jacinspect.functions.catalogue.lookup import function
    from jacinspect.inspection.api import inspect
    from jacinspect.inspection.report import Report
    from jacinspect.testing import assert_jacobian

__all__ = ["Report", "__version__", "assert_jacobian", "function", "inspect"]

_HOMES = {
    "Report": "jacinspect.inspection.report",
    "assert_jacobian": "jacinspect.testing",
    "function": "jacinspect.functions.catalogue.lookup",
    "inspect": "jacinspect.inspection.api",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for, and numpy with it, only now: `jacinspect --help` needs neither."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'jacinspect' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
