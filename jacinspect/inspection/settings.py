"""The settings of an inspection, validated. Next: pipeline."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from jacinspect.choices import AnyLayout, AnyVec, Expectation, Layout, Vec
from jacinspect.errors import InputError
from jacinspect.jacobian.agreement.comparison import Tolerance
from jacinspect.records import dataclass

__all__ = ["Keywords", "Settings"]


class Keywords(TypedDict, total=False):
    """The settings as keywords, `expect` aside, typed as callers give them: the fields of `Settings`."""

    seed: int
    vec: AnyVec | None
    layout: AnyLayout
    rtol: float | None
    atol: float | None
    strict_kinks: bool
    memory: int
    max_evaluations: int | None
    noise: float | None
    points: int | None
    order: int
    spectrum: bool


@dataclass(frozen=True)
class Settings:
    """The settings of an inspection; the defaults are those of the command line.

    With `vec` None matrices are shown in "column", and a hand-written M×N derivative that would differ in "row" is an
    error. `memory` is a budget in bytes; `max_evaluations` is a budget of calls, chosen by the operand's size if None.
    `noise` is the relative noise of the function's values in place of rounding. `rtol` and `atol` are added to the
    error bars. `points` is at how many operands to inspect, see elsewhere.py. With `order` 2 the gradient is inspected
    as a function as well, see second_order.py. With `spectrum` its singular values are found, see spectrum.py.
    """

    seed: int = 0
    vec: str | None = None
    layout: str = "numerator"
    expect: Sequence[str] = ()
    rtol: float | None = None
    atol: float | None = None
    strict_kinks: bool = False
    memory: int = 4 * 2**30
    max_evaluations: int | None = None
    noise: float | None = None
    points: int | None = None
    order: int = 1
    spectrum: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.expect, str):
            object.__setattr__(self, "expect", (self.expect,))
        self._require_integers()
        Vec.require(self.vec_order, "vec:")
        Layout.require(self.layout, "layout:")
        for expected in self.expect:
            Expectation.require(expected, "expect:")
        for name in ("rtol", "atol", "noise"):
            number = getattr(self, name)
            if number is not None and not (np.isfinite(number) and number >= 0):
                raise InputError(f"{name}: {number} is not a finite number of at least 0")
        if self.max_evaluations is not None and self.max_evaluations < 1:
            raise InputError(f"max_evaluations: {self.max_evaluations} is not at least 1")
        if self.points is not None and self.points < 1:
            raise InputError(f"points: {self.points} is not at least 1")
        if self.order not in (1, 2):
            raise InputError(f"order: {self.order} is not 1 or 2")
        if self.seed < 0:
            raise InputError(f"seed: {self.seed} is negative; a seed is 0 or more")

    def _require_integers(self) -> None:
        for name in ("seed", "memory", "max_evaluations", "points", "order"):
            number = getattr(self, name)
            if number is not None and not isinstance(number, int):
                raise InputError(f"{name}: {number!r} is not an integer")

    @property
    def vec_order(self) -> str:
        """The order of vec in which matrices are shown."""
        return self.vec or "column"

    @property
    def tolerance(self) -> Tolerance | None:
        """The tolerance given by the user, or None to compare with the error bars."""
        return None if self.rtol is None and self.atol is None else Tolerance(self.rtol or 0.0, self.atol or 0.0)

    def calls(self, size: int) -> int:
        """Return the budget of calls of a function of `size` numbers.

        It is a number of calls, not of seconds, so that equal runs stay equal: about 10⁹ numbers in all.
        """
        return self.max_evaluations or min(max(10**9 // max(size, 1), 200), 100_000)
