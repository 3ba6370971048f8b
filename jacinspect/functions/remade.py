"""A function that is made anew in another process from what was typed: code cannot be sent there, names can.

In: a Function as it was found, and how it is opened. Out: a callable of the open operand that can be pickled wherever
what was given can be. Next: function.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

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

    def __call__(self, x: Array) -> Array:
        """f(x), an array."""
        return np.asarray(self._function(x))

    @cached_property
    def _function(self) -> Callable[[Array], Array]:
        make, settings, names, wrt, operands, dtype = self._arguments
        made = replace(make().including(None, names), rule=None, others=(), second=(), **settings)
        found, _ = made.opened(wrt, operands, dtype)
        return found  # type: ignore[no-any-return]

    def __getstate__(self) -> dict[str, Any]:
        return {"_arguments": self._arguments}
