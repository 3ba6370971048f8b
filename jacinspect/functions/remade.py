"""A function that is made anew in another process from what was typed: code cannot be sent there, names can.

In: a Function as it was found, and how it is opened. Out: a callable of the open operand that can be pickled wherever
what was given can be. Next: function.py.
"""

from collections.abc import Callable, Sequence
from copy import copy
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from jacinspect.records import replace

__all__ = ["Remade"]

Array: TypeAlias = NDArray[Any]


class Remade:
    """The value of a Function at its open operands, made where it is first called, and once there.

    `make` gives the Function as it was found. It then gets the settings of `like`, and is opened at `wrt`.
    """

    def __init__(
        self, like: Any, make: Callable[[], Any], wrt: Sequence[str], operands: Sequence[Array], dtype: str
    ) -> None:
        settings = {"mode": like.mode, "take": like.take, "bounds": like.bounds, "reseed": like.reseed}
        self._arguments = make, settings, like.operands, tuple(wrt), tuple(operands), dtype
        self._claimed, self._has_rules = like.claimed, False

    def __call__(self, x: Array) -> Array:
        """f(x), an array."""
        return np.asarray(self._function(x))

    def with_rules(self) -> "Remade":
        """Return one whose function has its derivative as well; a claimed one has to be sent with it."""
        other = copy(self)  # as it would be sent
        other._claimed, other._has_rules = self._claimed, True
        return other

    def function(self) -> Any:
        """Return the Function, of the open operands."""
        return self._function

    @cached_property
    def _function(self) -> Any:
        make, settings, names, wrt, operands, dtype = self._arguments
        made = replace(make().including(None, names), **settings)
        if not self._has_rules:
            made = replace(made, rule=None, others=(), second=())
        elif self._claimed is not None:
            made = self._claimed(made)
        found, x = made.opened(wrt, operands, dtype)
        if self._has_rules:
            found(x.copy())  # which arrays it returns, and so what its derivative is of, is known after a call
        return found

    def __getstate__(self) -> dict[str, Any]:
        claimed = self._claimed if self._has_rules else None
        return {"_arguments": self._arguments, "_claimed": claimed, "_has_rules": self._has_rules}
