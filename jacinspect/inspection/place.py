"""Where a derivative is wrong, if that is one column, row, block, diagonal or triangle of J. Next: diagnosis.

The place is named where the entries that disagree are exactly its own, and with it the factor, if one fits them all.
"""

from collections.abc import Iterator

import numpy as np

from jacinspect.inspection.factors import written
from jacinspect.inspection.naming import entry_name
from jacinspect.inspection.suspicion import Suspicion
from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import vec_positions
from jacinspect.jacobian.values.differences import ROUNDING
from jacinspect.operands.bundle import Bundle
from jacinspect.wording import format_index

__all__ = ["few_entries", "place", "side_of_zero"]

_FEW = 4  # entries that may be named one by one: more would fill the line
_ORDINALS = ("", "first ", "second ", "third ")

Place = tuple[str, Array]  # its name, and which of the claim's entries are in it


def place(s: Suspicion) -> str:
    """Name the place of two or more entries that disagree while all others agree."""
    if not _is_somewhere(s) or not s.complete or np.count_nonzero(s.wrong) < 2:
        return ""
    nothing = (np.abs(s.value) <= s.bar) & (np.abs(s.claim.data) <= s.bar)
    for name, inside in _places(s):
        expected = inside & ~nothing & s.judged
        if np.array_equal(expected, s.wrong & ~nothing) and np.any(s.judged & ~inside & ~nothing):
            return f"a derivative that is right except in {name}{_factor(s)}"
    return ""


def _is_somewhere(s: Suspicion) -> bool:
    """Whether some entries are wrong, and others, on kinks too, are right."""
    right = s.judged & ~s.wrong
    return bool(s.wrong.any() and right.any() and not np.any(s.disagrees & ~s.judged))


def _places(s: Suspicion) -> Iterator[Place]:
    """Yield the places that hold every entry that disagrees: slices of A and X, then parts of the square matrix."""
    yield from _slices(s)
    if s.pattern.shape[0] != s.pattern.shape[1] or s.is_elementwise:
        return
    order = s.vec or "column"
    down = vec_positions(s.pattern.output_shape, order)[s.pattern.rows].astype(np.int64)
    below = down - vec_positions(s.pattern.operand_shape, order)[s.pattern.indices]
    offsets = np.unique(below[s.wrong])
    if offsets.size == 1:
        yield _diagonal(int(offsets[0])), below == offsets[0]
    for name, inside in (
        ("the lower triangle, below the diagonal", below > 0),
        ("the upper triangle, above the diagonal", below < 0),
        ("all entries off the diagonal", below != 0),
    ):
        if inside[s.wrong].all():
            yield name, inside


def _diagonal(offset: int) -> str:
    if not offset:
        return "the diagonal"
    ordinal = _ORDINALS[abs(offset)] if abs(offset) < len(_ORDINALS) else f"{abs(offset)}th "
    return f"the {ordinal}{'sub' if offset > 0 else 'super'}-diagonal"


def _slices(s: Suspicion) -> Iterator[Place]:
    """Yield the smallest slice of the tensor ∂A/∂X that holds every entry that disagrees, by its slices of A and X."""
    of_a, outputs = _slice(s.pattern.rows, s.names.output, s.names.a, s.wrong)
    of_x, inputs = _slice(s.pattern.indices, s.names.operand, s.names.x, s.wrong)
    row, column = _lines("row", s.pattern.rows[outputs]), _lines("column", s.pattern.indices[inputs])
    lines = [(f"{line} {of}", inside) for line, of, inside in ((column, of_x, inputs), (row, of_a, outputs)) if of]
    yield from (line for line in lines if not line[0].startswith(("rows", "columns")))
    if of_a and of_x:
        yield f"the block ∂{of_a}/∂{of_x}", outputs & inputs
    yield from lines


def _lines(of: str, flat: Array) -> str:
    return of + "s" * bool(np.any(flat != flat[0]))


def _slice(flat: Array, bundle: Bundle, letter: str, wrong: Array) -> Place:
    """Return the smallest slice of A, or of X, with the wrong entries; its name is "" where that is all of it.

    `flat` is each entry's place in it; a slice of a bundle is in one of its parts.
    """
    part, first = bundle.place(int(flat[wrong][0]))
    inside = (flat >= part.offset) & (flat < part.offset + part.size)
    if not inside[wrong].all():
        return "", np.ones(flat.size, bool)
    index: list[int | str] = []
    there = np.clip(flat.astype(np.int64) - part.offset, 0, part.size - 1)
    for axis, along in enumerate(np.unravel_index(there, part.shape) if part.shape else ()):
        held = bool(np.all(along[wrong] == first[axis]))
        index.append(first[axis] if held else ":")
        inside &= (along == first[axis]) | (not held)
    name = letter if bundle.is_single else part.label(letter)
    whole = not bundle.is_single and set(index) == {":"}
    return "" if inside.all() else name + format_index([] if whole else index), inside


def _factor(s: Suspicion) -> str:
    """Say by which factor the entries that disagree are off, if one fits them all."""
    claimed, value, bar = (part[s.wrong] for part in (s.claim.data, s.value, s.bar))
    if not claimed.any():
        return ", where it is 0"
    certain = s.certain[s.wrong[s.certain]]
    if certain.size < 2:
        return ""
    factor = float(s.claim.data[certain[0]] / s.value[certain[0]])
    allowed = abs(factor) * bar + ROUNDING * np.abs(claimed)
    if not np.all(np.abs(claimed - factor * value) <= allowed):
        return ""
    return f", times {written(factor, float(s.bar[certain[0]] / abs(s.value[certain[0]])) + ROUNDING)}"


def side_of_zero(s: Suspicion) -> str:
    """Find that an element-wise derivative is wrong where x < 0, or where x > 0, and only there."""
    if not s.is_elementwise or not _is_somewhere(s):
        return ""
    at, right = s.x[s.pattern.indices], s.judged & ~s.wrong
    for where, sign in (("x < 0", -1), ("x > 0", 1)):
        on = np.sign(at) == sign
        if np.all(on[s.wrong]) and not np.any(on[right]):
            return f"a derivative that is right except where {where}"
    return ""


def few_entries(s: Suspicion) -> str:
    """List the entries that disagree, where they are few of many; those that f has not are named without this."""
    number, pattern = int(np.count_nonzero(s.wrong)), s.pattern
    if (
        not _is_somewhere(s)
        or s.outside[s.wrong].all()
        or number > _FEW
        or 4 * number > int(np.count_nonzero(s.judged))
    ):
        return ""
    pairs = zip(pattern.rows[s.wrong], pattern.indices[s.wrong], strict=True)
    places = [entry_name(s.names, int(row), int(column)) for row, column in pairs]
    return f"a derivative that is right except in {', '.join(places)}"
