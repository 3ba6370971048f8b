"""Shapes to suggest for operands that are missing: a function and the known shapes come in. Next: requests."""

from collections.abc import Mapping, Sequence
from itertools import islice, product
from typing import TYPE_CHECKING

from jacinspect.errors import InputError

if TYPE_CHECKING:
    from jacinspect.functions.function import Function

__all__ = ["shapes_that_fit"]

_TRIED = 64  # combinations of shapes, each a call of the function on a few numbers
_USUAL = (2, 3)  # where nothing is known


def shapes_that_fit(function: "Function", known: Mapping[str, str], lacking: Sequence[str]) -> list[str]:
    """Return a shape for each lacking operand with which the function can be called; the usual ones if none is found.

    `known` are the texts of the other operands, of which those that are no shapes are not looked at.
    """
    import numpy as np

    shapes = {name: shape for name, text in known.items() if (shape := _shape(text)) is not None}
    first = next(iter(shapes.values()), _USUAL)
    rng = np.random.default_rng(0)
    for found in islice(product(*(_candidates(first, name) for name in lacking)), _TRIED):
        drawn = {**shapes, **dict(zip(lacking, found, strict=True))}
        values = [
            function.own[name]
            if name in function.own and name not in drawn
            else rng.uniform(0.5, 1, drawn.get(name, _USUAL))
            for name in function.operands
        ]
        try:
            with np.errstate(all="ignore"):
                function.value(*values)
        except Exception:  # of any kind, for it is people's code: another shape is tried then
            continue
        return [_written(shape) for shape in found]
    return [_written(first)] * len(lacking)


def _candidates(shape: tuple[int, ...], name: str) -> list[tuple[int, ...]]:
    """List shapes that go with another one in sums, products, dense layers and reductions; that of W is a matrix's."""
    if not shape:
        return [(), (2,), (2, 3)]
    n = shape[-1]
    matrix = [(n, n)] if len(shape) == 1 and name.isupper() else []
    return list(
        dict.fromkeys([*matrix, shape, (*shape[:-2], n, n + 1), (n,), (n + 1,), shape[:1], shape[:-1], (), (n, n)])
    )


def _shape(text: str) -> tuple[int, ...] | None:
    from jacinspect.operands.further import is_shape
    from jacinspect.operands.shapes import parse_shape

    try:
        return parse_shape(text) if is_shape(text) else None
    except InputError:
        return None


def _written(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "scalar"
