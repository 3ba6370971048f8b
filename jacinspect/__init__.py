"""Is this derivative right, and what does its Jacobian look like.

import jacinspect
report = jacinspect.inspect("sigmoid", X)
report.verdict, report.jacobian.structure, report.to_json()
"""

from typing import TYPE_CHECKING

from jacinspect.errors import FunctionFailedError, FunctionRaisedError, InputError, JacinspectError

__all__ = [
    "FunctionFailedError",
    "FunctionRaisedError",
    "InputError",
    "JacinspectError",
    "Report",
    "__version__",
    "assert_jacobian",
    "function",
    "inspect",
    "sparsity",
]

__version__ = "0.1.0"

if TYPE_CHECKING:  # so that a type checker knows these names and no others
    from jacinspect.api import Report, inspect, sparsity
    from jacinspect.functions.catalogue.lookup import function
    from jacinspect.testing import assert_jacobian
else:
    _HOMES = {
        "Report": "jacinspect.api",
        "assert_jacobian": "jacinspect.testing",
        "function": "jacinspect.functions.catalogue.lookup",
        "inspect": "jacinspect.api",
        "sparsity": "jacinspect.api",
    }

    def __getattr__(name):
        """Import what is asked for, and numpy with it, only now: `jacinspect --help` needs neither."""
        if name in _HOMES:
            from importlib import import_module

            return getattr(import_module(_HOMES[name]), name)
        raise AttributeError(f"module 'jacinspect' has no attribute {name!r}")

    def __dir__():
        return sorted(__all__)
