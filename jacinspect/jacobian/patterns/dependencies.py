"""Which output reads which input: the pairs found so far, and what a budget left open. Next: codewords, bisection."""

from dataclasses import field
from typing import Literal

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Pattern
from jacinspect.records import dataclass

__all__ = ["PAIR_BYTES", "Budget", "Dependencies", "PointPair", "Spent", "Unresolved"]

PAIR_BYTES = 64  # memory of a pair (output, input) while it is searched for: two indices, and sorting copies of them

Spent = Literal["evaluations", "memory"]


@dataclass(frozen=True)
class Budget:
    """How many calls of f, and how many bytes, detection may spend."""

    evaluations: int
    memory: int


@dataclass(frozen=True, eq=False)
class PointPair:
    """Two points between which inputs are moved, and f's flat outputs there."""

    base: Array
    y_base: Array
    flip: Array
    y_flip: Array

    @property
    def reversed(self) -> "PointPair":
        """The same two points, moved from the second to the first."""
        return PointPair(self.flip, self.y_flip, self.base, self.y_base)


@dataclass(frozen=True, eq=False)
class Unresolved:
    """Outputs that are known to read several inputs along some axes, but not which: each may read the whole line there.

    Output outputs[i] may read the inputs bases[i] + line, all flat row-major integers. `spent` is the budget that ran
    out, or None if none did but every search found another pattern.
    """

    outputs: Array
    bases: Array
    line: Array
    spent: Spent | None = None

    @property
    def entries(self) -> int:
        """How many entries of the Jacobian this leaves open."""
        return int(self.outputs.size * self.line.size)

    def sampled(self, positions: Array) -> tuple[Array, Array]:
        """Return the pairs (output, input) at some positions along the line."""
        inputs = self.bases[:, None] + self.line[positions]
        return np.repeat(self.outputs, positions.size), inputs.ravel()


@dataclass(eq=False)
class Dependencies:
    """The pairs (output, input) found so far, as arrays in the order in which they were found, and what is open.

    `faint` has, for each of those arrays, booleans where the output changed by so little that it may be rounding; None
    where it is nowhere so.
    """

    outputs: list[Array] = field(default_factory=list)
    inputs: list[Array] = field(default_factory=list)
    faint: list[Array | None] = field(default_factory=list)
    unresolved: list[Unresolved] = field(default_factory=list)

    def add(self, outputs: Array, inputs: Array, faint: Array | None = None) -> None:
        """Add the pairs (outputs[i], inputs[i])."""
        if outputs.size:
            self.outputs.append(outputs)
            self.inputs.append(inputs)
            self.faint.append(faint if faint is not None and faint.any() else None)

    def join(self, others: "Dependencies") -> None:
        """Add all pairs of others, and what they leave open."""
        self.outputs += others.outputs
        self.inputs += others.inputs
        self.faint += others.faint
        self.unresolved += others.unresolved

    def pattern(self, output_shape: tuple[int, ...], operand_shape: tuple[int, ...]) -> Pattern:
        """Return the pattern of all pairs so far."""
        none = np.zeros(0, np.int64)
        outputs = self.outputs[0] if len(self.outputs) == 1 else np.concatenate([none, *self.outputs])
        inputs = self.inputs[0] if len(self.inputs) == 1 else np.concatenate([none, *self.inputs])
        return Pattern.from_pairs(outputs, inputs, output_shape, operand_shape)

    def faint_entries(self, pattern: Pattern) -> Array | None:
        """Return which entries of the pattern were faint whenever they were found; None if there are none."""
        if all(faint is None for faint in self.faint):
            return None
        entries = np.zeros(pattern.stored, bool)
        found = list(zip(self.outputs, self.inputs, self.faint, strict=True))
        for outputs, inputs, faint in found:
            if faint is not None:
                entries[pattern.places(outputs[faint], inputs[faint])] = True
        for outputs, inputs, faint in found:
            plain = slice(None) if faint is None else ~faint
            entries[pattern.places(outputs[plain], inputs[plain])] = False
        return entries if entries.any() else None
