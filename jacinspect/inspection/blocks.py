"""The Jacobian of bundles by its blocks: which part of the output reads which operand, and in which structure.

In: the pattern and the names of its parts. Out: a BlockReport for every pair that is not zero. Next: evidence.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from jacinspect.inspection.naming import Names
from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.forms.structure import Arrangement
from jacinspect.records import dataclass

__all__ = ["BlockReport", "blocks_of"]


@dataclass(frozen=True)
class BlockReport:
    """∂(a part of the output)/∂(an operand): its structure, and how many entries its pattern has."""

    output: str
    operand: str
    structure: str
    stored: int

    def to_dict(self) -> dict[str, Any]:
        """Return the block as JSON-ready objects."""
        return {
            "output": self.output,
            "operand": self.operand,
            "structure": self.structure,
            "stored": self.stored,
        }


def blocks_of(pattern: Pattern, names: Names, vec: str, layout: str) -> tuple[BlockReport, ...]:
    """Describe every block that is not zero; nothing where the whole is the only block."""
    if names.output.is_single and names.operand.is_single:
        return ()
    return tuple(_blocks(pattern, names, vec, layout))


def _blocks(pattern: Pattern, names: Names, vec: str, layout: str) -> Iterator[BlockReport]:
    operands = names.operand.parts
    of_column = np.repeat(np.arange(len(operands)), [part.size for part in operands])
    for output in names.output.parts:
        entries = slice(pattern.indptr[output.offset], pattern.indptr[output.offset + output.size])
        rows, columns = pattern.rows[entries] - output.offset, pattern.indices[entries]
        home = of_column[columns]
        for place in np.unique(home):
            operand, own = operands[place], home == place
            block = Pattern.from_pairs(rows[own], columns[own] - operand.offset, output.shape, operand.shape)
            structure = Arrangement(block, vec, layout).structure
            yield BlockReport(output.name, operand.name, structure, block.stored)
