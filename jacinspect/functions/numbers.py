"""A derivative as numbers at X, in place of code: an array, a sparse matrix, or a file with one. Next: with_claims."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.rules import Claim
from jacinspect.records import dataclass

__all__ = ["Numbers", "Sparse", "numbers_of"]


class Sparse(Protocol):
    """What a sparse matrix of scipy has."""

    @property
    def shape(self) -> Any:
        """(M, N)."""

    def tocoo(self) -> Any:
        """Return it with row, col and data."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """The Jacobian, the gradient or the slopes at one X, and the file that they are from.

    `read` makes them numbers when they are needed: units are those of f, which are known after it was called.
    """

    values: Any
    file: str = ""
    read: Callable[[Any], Any] = lambda values: values

    def claim(self, kind: str | None) -> Claim:
        """Return the claim that the derivative at X is this.

        Raises
        ------
        InputError
            If the kind is one of code.
        """
        name = self.file or type(self.values).__name__
        if kind in ("jvp", "vjp"):
            raise InputError(f"derivative {name}: is numbers, and a {kind} is code that takes a tangent too")
        return Claim(lambda *_: self.read(self.values), kind, numbers=name)


def numbers_of(derivative: Any, memory: int, told: Callable[[str], None] = lambda _: None) -> Any:
    """Return the Numbers that a derivative is, or that the file of that name holds; anything else as it is.

    `told` is a callback for what is left out of a file, in words.

    Raises
    ------
    InputError
        If the file cannot be read, or does not fit in `memory` bytes.
    """
    if isinstance(derivative, str):
        from jacinspect.operands.files import is_file, read_claim

        file = derivative.strip()
        return Numbers(read_claim(file, memory, told), file) if is_file(file) else derivative
    if hasattr(derivative, "tocoo") or (hasattr(derivative, "__array__") and not callable(derivative)):
        return Numbers(derivative.detach().cpu() if hasattr(derivative, "detach") else derivative)  # a torch tensor
    if hasattr(derivative, "matvec") or isinstance(derivative, list | float | int):
        return Numbers(derivative if hasattr(derivative, "matvec") else np.asarray(derivative))
    return derivative
