"""The arguments of people's own code that are containers of operands: made of the operands' values, and the inverse.

In: a Function, some of whose operands are leaves of its arguments, as "params.w" is of params. Out: the same function
by its own arguments, and callables of these as callables of the operands. Next: hand_written.py.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from math import prod
from typing import Any

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.by_operand import is_by, shape_of
from jacinspect.functions.code.arguments import called_with
from jacinspect.functions.code.frameworks import signature_of
from jacinspect.functions.code.trees import converted, is_real, is_tree, leaves, of_arrays, rebuilt
from jacinspect.functions.function import Function, Parameter, Wrt, patterns_of
from jacinspect.functions.returned import Shape, broadcasts, by_sample
from jacinspect.records import dataclass, replace

__all__ = ["Containers", "may_be_by", "with_numbers_opened"]

_SAME = 1e-6  # relative: rounding, as of sums in another order, in float32 too


def with_numbers_opened(f: Any, parameters: Mapping[str, Parameter], wrt: Wrt | None) -> dict[str, Parameter]:
    """Return parameters, with arrays for the plain numbers of containers that are differentiated by, as by "p.*".

    Lists of numbers in them are an array each, unless a number in one is asked for, as by "p.w.0", or f is another
    function of lists: + joins them.
    """
    patterns = patterns_of(wrt)
    heads = {pattern.partition(".")[0] for pattern in patterns}

    def opened(of_lists: bool, moved: Callable[[Any], Any] = lambda tree: tree) -> dict[str, Parameter]:
        return {
            name: of_arrays(moved(value), of_lists) if name in heads and is_tree(value) else value
            for name, value in parameters.items()
        }

    def nearby(of_lists: bool) -> dict[str, Parameter]:  # where no two functions are the same by chance
        factors = np.random.default_rng(0)

        def step(leaf: Any) -> Any:
            return leaf * factors.uniform(0.99, 1) if type(leaf) in (int, float) else leaf

        return opened(of_lists, lambda tree: converted(tree, step))

    keeps_lists = any("." in pattern and pattern.rpartition(".")[2].isdecimal() for pattern in patterns)
    return opened(not (keeps_lists or any(_is_of_lists(f, at(False), at(True)) for at in (opened, nearby))))


def _is_of_lists(f: Any, lists: Mapping[str, Any], arrays: Mapping[str, Any]) -> bool:
    """Whether f takes these lists, and is not the same of arrays; one that has further operands is taken to be."""
    if [path for path, _ in leaves(lists)] == [path for path, _ in leaves(arrays)]:  # there are no lists
        return False
    try:
        expected = dict(leaves(f(**lists)))
    except Exception:  # as a list has no shape, and as an operand is missing; reported when f is called
        return False
    try:
        found = dict(leaves(f(**arrays)))
        return found.keys() != expected.keys() or not all(_are_close(found[key], expected[key]) for key in found)
    except Exception:
        return True


def _are_close(a: Any, b: Any) -> bool:
    """Whether two results are the same but for rounding."""
    return np.shape(a) == np.shape(b) and bool(np.allclose(a, b, rtol=_SAME, atol=0, equal_nan=True))


def _has_numbers(tree: Any) -> bool:
    return is_tree(tree) and any(is_real(leaf) for _, leaf in leaves(tree))


@dataclass(frozen=True, eq=False)
class Containers:
    """Containers among the arguments of a function, by name, and the names of its operands, some of which they hold."""

    trees: Mapping[str, Any]
    operands: Sequence[str]
    arguments: Sequence[str]  # the containers that hold operands, and the other operands, in the function's order
    returned: Sequence[str]  # those, and the containers that are fixed: what a derivative's tuple has entries for

    @classmethod
    def of(cls, function: Function) -> "Containers":
        """Find the containers among the arguments of a function: parameters, given or with a default."""
        signature = None if function.origin is None else signature_of(function.origin)
        defaults = {} if signature is None else {name: place.default for name, place in signature.parameters.items()}
        heads = {name.partition(".")[0] for name in function.operands if name in function.own and "." in name}
        given = {**defaults, **function.parameters}
        trees = {name: tree for name, tree in given.items() if name in heads or _has_numbers(tree)}
        apart = [name for name in function.operands if name.partition(".")[0] not in trees]
        known = [name for name in defaults if name in trees or name in apart]
        returned = [*known, *(name for name in apart if name not in known)]
        arguments = [name for name in returned if name in heads or name not in trees]
        return cls(trees, function.operands, arguments, returned)

    @classmethod
    def none(cls, function: Function, arguments: Sequence[str]) -> "Containers":
        """Return no containers, where a derivative takes the operands themselves, in an order of its own."""
        return cls({}, function.operands, arguments, arguments)

    @property
    def are_taken(self) -> bool:
        """Whether there are any that hold operands."""
        return not self.trees.keys().isdisjoint(self.arguments)

    def whole(self, function: Function) -> Function:
        """Return the function with its own arguments for operands."""
        if not self.are_taken:

            def value(*given: Any) -> Any:
                return function.value(*map(dict(zip(self.arguments, given, strict=True)).get, self.operands))

            return replace(function, value=value, operands=tuple(self.arguments))
        parameters = {name: value for name, value in function.parameters.items() if name not in self.arguments}
        value = called_with(function.origin, self.arguments, parameters)
        return replace(function, value=value, operands=tuple(self.arguments), parameters=parameters)

    def moved(self, opened: Sequence[int]) -> list[str]:
        """Name the arguments that the operands at some places are, or are in."""
        names = [self.operands[place] for place in opened]
        heads = {name.partition(".")[0] for name in names}
        return [name for name in self.arguments if name in (heads if name in self.trees else names)]

    def of_operands(
        self, call: Callable[..., Any], opened: Sequence[int] = (), moving: Sequence[str] = ()
    ) -> Callable[..., Any]:
        """Return a callable of the function's own arguments, and of what follows them, as a callable of its operands.

        Tangents of the operands at the places `opened` follow as those of the arguments `moving`, if any, that they are
        in. Of a tuple that is returned with an entry for each argument, one with an entry for each operand is made.
        """

        def called(*given: Any) -> Any:
            values, rest = given[: len(self.operands)], given[len(self.operands) :]
            point = dict(zip(self.operands, values, strict=True))
            if moving:
                still = {name: np.zeros_like(value) for name, value in point.items()}
                tangents = still | dict(zip((self.operands[place] for place in opened), rest, strict=True))
                made = self._gathered(tangents, lambda leaf: np.zeros(np.shape(leaf)))
                rest = tuple(made[self.arguments.index(name)] for name in moving)
            return self._by_operand(call(*self._gathered(point, lambda leaf: leaf), *rest), point, self.moved(opened))

        return called

    def with_entries(self, output: Shape, rest: Sequence[Any], given: Sequence[Any]) -> Sequence[Any]:
        """Return what follows an output, of which a list with an entry for each of several is made a tuple.

        A list that may be a derivative itself stays: by one of the arguments, or the rows of a matrix by all.
        """
        if len(rest) != 1 or type(rest[0]) is not list:
            return rest
        parts = [self._parts(name, value) for name, value in zip(self.arguments, given, strict=True)]
        rows = (prod(output), sum(map(_size, parts)))
        is_one = shape_of(rest[0]) == rows or any(may_be_by(rest[0], part, output) for part in parts)
        return rest if is_one else (tuple(rest[0]),)

    def is_apart(self, output: Shape, rest: Sequence[Any], given: Sequence[Any]) -> bool:
        """Whether what follows an output in a tuple is its derivative, and the tuple itself may be none.

        It is by one of the arguments, or by one array in them, or has an entry for each of several, or is a tuple or a
        dict of such. A pair may be by an array of two entries, or by a number and what follows it, where integers may
        be left out.
        """
        arguments = [self._parts(name, value) for name, value in zip(self.arguments, given, strict=True)]
        arrays = [{"": leaf} for each in arguments for leaf in each.values()]
        if not output and len(rest) == 1 and _size_of(rest[0]) == 1:  # which would be broadcast to all of an array
            return [*map(_size, arrays)] == [1]
        real = [[each for each in parts if any(map(is_real, each.values()))] for parts in (arguments, arrays)]
        readings = (arguments, arrays, *real)

        def are_by(parts: Sequence[Mapping[str, Any]], *entries: Any) -> bool:
            both = zip(entries, parts, strict=False)
            return len(parts) == len(entries) and all(may_be_by(entry, part, output) for entry, part in both)

        if any("" in parts[0] and are_by(parts, np.empty(output), *rest) for parts in readings if parts):
            return False
        if len(rest) > 1:
            return any(are_by(parts, *rest) for parts in readings)

        def fits(each: Any) -> bool:
            return any(may_be_by(each, part, output) for part in (*arguments, *arrays))

        if isinstance(rest[0], Mapping) and not self.trees:  # by names
            return True
        return fits(rest[0]) or (type(rest[0]) is tuple and any(map(fits, rest[0])))  # others may be by what is fixed

    def _parts(self, name: str, value: Any) -> dict[str, Any]:
        """Return the arrays of an argument that are operands, by their paths in it; one that is an array has none."""
        if name not in self.trees:
            return {"": value}
        return {path: leaf for path, leaf in leaves(value) if f"{name}.{path}" in self.operands}

    def _by_operand(self, given: Any, point: Mapping[str, Any], moved: Sequence[str]) -> Any:
        """Return the entries for the operands of a tuple that has them by arguments; anything else as it is."""
        names = self._named(given, point, moved) if isinstance(given, tuple) else None
        if names is None:
            return given
        found = {
            path: leaf
            for name, each in zip(names, given, strict=True)
            for path, leaf in (leaves(each, name) if name in self.trees else [(name, each)])
        }
        return tuple(found.get(name) for name in self.operands)

    def _named(self, given: Sequence[Any], point: Mapping[str, Any], moved: Sequence[str]) -> Sequence[str] | None:
        """Name the arguments that the entries of a derivative's tuple are for, in order; None where it is of no such.

        Some may be left out, as by jax.grad's argnums. Of arguments that are alike, it is told which by those that are
        differentiated by, which have an entry.
        """

        def are_by(names: Sequence[str], has_shapes: bool = False) -> bool:
            return len(names) == len(given) and all(
                (entry is None and name not in moved) or self._is_by(entry, name, point if has_shapes else None)
                for name, entry in zip(names, given, strict=True)
            )

        if are_by(self.returned):
            return self.returned
        fitting = [
            names
            for names in combinations(self.returned, len(given))
            if {*moved} <= {*names} and not self.trees.keys().isdisjoint(names)  # Operands tells arrays apart
            if are_by(names, has_shapes=True)
        ]
        first = {tuple(map(names.index, moved)): names for names in reversed(fitting)}
        if len(first) > 1:
            one, other = (" and ".join(names) for names in [*first.values()][-2:][::-1])
            raise InputError(
                f"the derivative returned a tuple of {len(given)}, which can be by {one} or by {other}: return an "
                f"entry for each of {', '.join(self.returned)}, which is None for what it leaves out"
            )
        return next(iter(first.values()), self.arguments if are_by(self.arguments) else None)

    def _is_by(self, entry: Any, name: str, point: Mapping[str, Any] | None) -> bool:
        """Whether an entry of a derivative's tuple may be for an argument: it is such a container, or no other.

        At a point, arrays are told by their shapes.
        """
        if name not in self.trees:
            return point is None or is_by(entry, point[name])
        known, found = (dict(leaves(tree, name)) for tree in (self.trees[name], entry))
        needed = known.keys() & {*self.operands}
        if not is_tree(entry) or not (needed <= found.keys() if needed else found.keys() <= known.keys()):
            return False
        return point is None or all(is_by(found[path], point[path]) for path in needed)

    def _gathered(self, point: Mapping[str, Any], other: Callable[[Any], Any]) -> list[Any]:
        """Return the arguments, made of the operands; `other` makes the leaves that are no operands."""
        return [
            rebuilt(tree, iter([point[path] if path in point else other(leaf) for path, leaf in leaves(tree, name)]))
            if (tree := self.trees.get(name)) is not None
            else point[name]
            for name in self.arguments
        ]


def _size(parts: Mapping[str, Any]) -> int:
    return sum(prod(np.shape(leaf)) for leaf in parts.values())


def _size_of(entry: Any) -> int | None:
    shape = shape_of(entry)
    return None if shape is None else prod(shape)


def may_be_by(entry: Any, parts: Mapping[str, Any], output: Shape) -> bool:
    """Whether this may be the derivative of an output by these parts of an argument: by its shape, or their names."""
    if _size_of(entry) == prod(output) * _size(parts):
        return True
    if "" not in parts:
        return parts.keys() <= dict(leaves(entry)).keys()
    shape, operand = shape_of(entry), np.shape(parts[""])
    is_slopes = shape == output and broadcasts(operand, output)
    return is_slopes or (shape is not None and shape in (by_sample(operand, output), by_sample(operand, output, -1)))
