"""Shapes that do not broadcast: what is wrong with them, and which would work. Checked before anything is computed."""

from collections.abc import Sequence
from itertools import combinations

from jacinspect.errors import InputError

__all__ = ["clash", "require_broadcastable"]

Shape = tuple[int, ...]


def require_broadcastable(function: str, names: Sequence[str], shapes: Sequence[Shape]) -> None:
    """Refuse operands that numpy would not broadcast: axes are matched from the last one, and 1 goes with any size.

    Raises
    ------
    InputError
        It names the two operands, the sizes that clash, and the shapes that would do.
    """
    for first, second in combinations(range(len(shapes)), 2):
        words = clash(shapes[first], shapes[second])
        if words is None:
            continue
        # the one with fewer axes is the likelier mistake
        wrong, right = (second, first) if len(shapes[second]) <= len(shapes[first]) else (first, second)
        raise InputError(
            f"{function}: {names[first]} of shape {_typed(shapes[first])} and {names[second]} of shape "
            f"{_typed(shapes[second])} are incompatible: {words};\n"
            f"give {names[wrong]} as {_advice(shapes[wrong], shapes[right])}"
        )


def clash(a: Shape, b: Shape) -> str | None:
    """Say along which axes, counted from the end, the sizes differ and neither is 1; None if the shapes broadcast."""
    for back, (m, n) in enumerate(zip(a[::-1], b[::-1], strict=False), 1):
        if m != n and 1 not in (m, n):
            place = {1: "last axes", 2: "second last axes"}.get(back, f"axes number {back} from the end")
            return f"their {place} have sizes {m} and {n}, and neither is 1"
    return None


def _advice(wrong: Shape, right: Shape) -> str:
    if len(right) == 1:
        return f"{right[0]} for one value per entry, or as 1 for one for all"
    if len(right) == 2:
        m, n = right
        advice = f"{m}x1 for one value per row, as {n} or 1x{n} for one per column"
        return advice + (f", as {m}x{n} for one per entry" if len(wrong) == 2 else "")
    padded = _padded(wrong, right)
    return f"{f'{_typed(padded)}, or as ' if padded else ''}{_typed(right)}, any of whose sizes may be 1"


def _padded(wrong: Shape, right: Shape) -> Shape | None:
    """Put the sizes of `wrong`, in order, where `right` has them, and 1 elsewhere; None if it has not got them."""
    left = list(wrong)
    padded = tuple(left.pop(0) if left and left[0] in (size, 1) else 1 for size in right)
    return None if left else padded


def _typed(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "()"
