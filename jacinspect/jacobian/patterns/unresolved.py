"""A pattern that a budget left open in part: a sample of it, its colors, the blocks that are known. Next: numeric."""

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.colors.coloring import color_columns
from jacinspect.jacobian.compact import Pattern, vec_positions
from jacinspect.jacobian.forms.structure import Blocks, diagonal_blocks
from jacinspect.jacobian.patterns.detection import Detection
from jacinspect.records import replace

__all__ = ["ENTRY_BYTES", "affordable_rows", "colored", "known_blocks", "with_samples"]

ENTRY_BYTES = 96  # of a stored entry: its values, bar, status and indices, and copies of them while they are compared
_SAMPLE_SHARE = 4  # a quarter of the memory at most is for sampled entries, the rest for known ones
_SAMPLE = 16  # inputs sampled of each open line: each takes a color, and so calls, of its own


def with_samples(detection: Detection, memory: int, rng: np.random.Generator) -> tuple[Pattern, int]:
    """Add to the pattern a sample of the open entries, as many as fit; return it and the number of all entries."""
    pattern = detection.pattern
    if detection.proved:
        return pattern, pattern.stored
    outputs, inputs = [pattern.rows.astype(np.int64)], [pattern.indices.astype(np.int64)]
    for group in detection.unresolved:
        affordable = memory // (_SAMPLE_SHARE * ENTRY_BYTES * max(group.outputs.size, 1))
        number = int(min(max(affordable, 1), _SAMPLE, group.line.size))
        sample = group.sampled(np.sort(rng.choice(group.line.size, number, replace=False)))
        outputs.append(sample[0])
        inputs.append(sample[1])
    total = pattern.stored + sum(group.entries for group in detection.unresolved)
    sampled = Pattern.from_pairs(
        np.concatenate(outputs), np.concatenate(inputs), pattern.output_shape, pattern.operand_shape
    )
    return sampled, total


def colored(pattern: Pattern, detection: Detection) -> tuple[Array, int]:
    """Color the columns; a column read by an output that is open has a color to itself.

    The other inputs of that output may be in any column, and with two of them in one seed the difference would be the
    sum of two derivatives.
    """
    if detection.proved:
        return pattern.coloring
    rows, columns, width = pattern.rows, pattern.indices, pattern.shape[1]
    open_ = np.zeros(pattern.shape[0], bool)
    for group in detection.unresolved:
        open_[group.outputs] = True
    alone = np.zeros(width, bool)
    alone[columns[open_[rows]]] = True
    together = ~alone[columns]
    colors, number = color_columns(rows[together], columns[together], width)
    number = number if together.any() else 0
    colors = colors.astype(np.int32)
    colors[alone] = number + np.arange(np.count_nonzero(alone))
    return colors, max(number + int(np.count_nonzero(alone)), 1)


def affordable_rows(pattern: Pattern, affordable: int, rng: np.random.Generator) -> Pattern:
    """Keep the rows of at most `affordable` colors of a row coloring, chosen at random: one vjp is made for each."""
    transposed = pattern.T
    colors, number = transposed.coloring
    if number <= affordable:
        return pattern
    kept = np.sort(rng.choice(number, affordable, replace=False))
    return transposed.restricted(np.isin(colors, kept)).T


def known_blocks(detection: Detection, vec: str, layout: str) -> Blocks | None:
    """Return the diagonal blocks of a pattern that is open in part, with each open line taken as read in full."""
    pattern = detection.pattern
    height, width = pattern.shape
    for order in (vec, "row" if vec == "column" else "column"):
        rows, columns = vec_positions(pattern.output_shape, order), vec_positions(pattern.operand_shape, order)
        first, last = np.full(height, width), np.full(height, -1)
        np.minimum.at(first, rows[pattern.rows], columns[pattern.indices])
        np.maximum.at(last, rows[pattern.rows], columns[pattern.indices])
        for group in detection.unresolved:  # vec positions of base and offset add
            bases, line = columns[group.bases], columns[group.line]
            np.minimum.at(first, rows[group.outputs], bases + line.min())
            np.maximum.at(last, rows[group.outputs], bases + line.max())
        blocks = diagonal_blocks(first, last, width, order)
        if blocks is not None:
            shape = blocks.shape if blocks.shape is None or layout == "numerator" else blocks.shape[::-1]
            return replace(blocks, shape=shape)
    return None
