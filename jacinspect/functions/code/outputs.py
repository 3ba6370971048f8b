"""What a function of people's own returns, as one array: the real arrays in it, laid end to end.

In: each result. Out: one array of the framework, made of the same leaves every time; the first result says which they
are. A complex leaf is two arrays, its real and imaginary parts. Next: callables.py.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from jacinspect.errors import FunctionRaisedError, InputError
from jacinspect.functions.code.backends import Call, Framework
from jacinspect.functions.code.trees import is_tree, items, leaves
from jacinspect.functions.floats import in_floats, is_number
from jacinspect.operands.bundle import Bundle, names_of_parts
from jacinspect.records import dataclass
from jacinspect.wording import did_you_mean, format_shape

__all__ = ["Joined"]

_KINDS = {"i": "integers", "u": "integers", "b": "booleans"}
_ALONE = "A"  # the name of the only array


@dataclass
class Joined:
    """A function whose result is one array: of several, those that `take` names, or all real ones, end to end.

    It has a name or a number, or several with commas between them, which are laid in this order.

    Of several, those at the paths `unfollowed` are left out, which the framework's autodiff does not follow; and so are
    containers beside as many arrays as a claimed vjp takes `cotangents`: a cache beside the output. Those beside one
    array are not, where it `takes_all` cotangents in one tuple.

    `bundle` has their names and shapes after the first call; it is None where the result is one array as it is: an
    array, a number, or nested lists of numbers.
    """

    function: str
    call: Call
    framework: Framework
    take: str | None
    unfollowed: Collection[str] = ()
    cotangents: int = 0
    takes_all: Callable[[Sequence[Any]], bool] = lambda _: False
    bundle: Bundle | None = None
    _complex: frozenset[str] = frozenset()  # the paths of the leaves that are complex
    _called: bool = False

    def __call__(self, *operands: Any) -> Any:
        """Return one array of the framework.

        Raises
        ------
        InputError
            If there is nothing that `take` names, no real array in the result, or that is a structured array.
        FunctionRaisedError
            If an array has another shape than at the first call.
        """
        result = in_floats(self.call(*operands))
        if not self._called:
            self.bundle, self._called = self._chosen(result), True
        if self.bundle is None:
            return result
        found = {_ALONE: result} if self.bundle.names == names_of_parts(_ALONE) else self._leaves(result)
        for path in self._complex & set(found):
            leaf = found[path] if hasattr(found[path], "imag") else np.asarray(found[path])
            found |= zip(names_of_parts(path), (leaf.real, leaf.imag), strict=True)
        arrays = [found.get(name) for name in self.bundle.names]
        for part, array in zip(self.bundle.parts, arrays, strict=True):
            shape = None if array is None else tuple(np.shape(array))
            if shape != part.shape:
                now = "nothing" if shape is None else f"shape {format_shape(shape)}"
                raise FunctionRaisedError(
                    f"the function returned {now} for its output {part.name} after shape {format_shape(part.shape)}"
                )
        return arrays[0] if self.bundle.is_single else self.framework.join(arrays)

    def _beside_a_cache(self, result: Any) -> list[str]:
        """Name the arrays beside containers, where a vjp takes a cotangent for each of them; else none."""
        arrays = [name for name, item in items(result) or [] if not is_tree(item)]
        if len(arrays) != self.cotangents:
            return []
        real = [np.shape(leaf) for leaf in self._leaves(result).values() if not _fault(leaf, self.framework)]
        return [] if len(arrays) == 1 < len(real) and self.takes_all([*map(np.ones, real)]) else arrays

    @property
    def _takes(self) -> list[str]:
        """What `take` may be: a name that has commas, first, and the names between them."""
        return [] if self.take is None else [self.take, *(take.strip() for take in self.take.split(","))]

    def _taken(self, result: Any, found: Collection[str]) -> list[str]:
        """Return the names of the outputs that `take` has, in its order."""
        takes = {take: _name(take, result) for take in self._takes}
        there = {take for take, name in takes.items() if any(_names(name, path) for path in found)}
        if self.take in there:
            return [takes[self.take]]
        for take in self._takes[1:]:
            if take not in there:
                raise InputError(
                    f"--take {take}: {self.function} has no such output; "
                    f"it returns {', '.join(found)}{did_you_mean(take, found)}"
                )
        return [takes[take] for take in self._takes[1:]]

    def _chosen(self, result: Any) -> Bundle | None:
        if not is_tree(result):
            self._require_plain(result)
            if self.take is not None:
                raise InputError(f"{self.function} returns one array: leave out --take {self.take}")
            return self._alone(result)
        found = self._leaves(result)
        if not found or "" in found:  # which is its own only leaf
            return self._alone(result)
        takes = self._taken(result, found) or self._beside_a_cache(result)
        chosen = {path: found[path] for take in takes for path in found if _names(take, path)} or found
        faults = {path: _fault(leaf, self.framework) for path, leaf in chosen.items()}
        left_out = [f"{path} ({fault})" for path, fault in faults.items() if fault]
        if takes and self.take is None:
            left_out += [f"{name} (no cotangent)" for name, _ in items(result) or [] if name not in takes]
        numbers = {path: leaf for path, leaf in chosen.items() if not faults[path]}
        if not numbers:
            raise InputError(f"{self.function} returns no array of real numbers: {', '.join(left_out)}")
        followed = {path: leaf for path, leaf in numbers.items() if path not in self.unfollowed}
        if followed:
            left_out += [
                f"{path} (no derivative by {self.framework.autodiff})" for path in numbers if path not in followed
            ]
            numbers = followed
        self._complex = frozenset(path for path, leaf in numbers.items() if self.framework.kind(leaf) == "c")
        named = ((path, np.shape(leaf)) for path, leaf in numbers.items())
        return Bundle.of(
            (
                (name, tuple(shape))
                for path, shape in named
                for name in (names_of_parts(path) if path in self._complex else (path,))
            ),
            left_out,
        )

    def _require_plain(self, result: Any) -> None:
        """Refuse a structured array of numpy's, of which a dict of its fields is several outputs."""
        fields = getattr(getattr(result, "dtype", None), "names", None)
        if fields:
            raise InputError(
                f"{self.function} returns a structured array, whose fields are {', '.join(fields)}: let it return one, "
                f"as A[{fields[0]!r}], or a dict of them, {{name: A[name] for name in A.dtype.names}}"
            )

    def _leaves(self, result: Any) -> dict[str, Any]:
        """Return the leaves by their paths; numpy's nested lists are one array, unless `take` is of what is in one.

        So are tuples that are all that is returned; in other containers, the items of a tuple are several outputs.
        """

        def is_leaf(path: str, tree: Any) -> bool:
            within = any(not path or take.startswith(f"{path}.") for take in self._takes)
            one = self.framework.name == "numpy" and not within and (not path or isinstance(tree, list))
            return one and _shape(tree) is not None

        return {path: in_floats(leaf) for path, leaf in leaves(result, is_leaf=is_leaf)}

    def _alone(self, result: Any) -> Bundle | None:
        """Return the two parts of the only array, if it is complex."""
        if self.framework.kind(result) != "c":
            return None
        self._complex = frozenset([_ALONE])
        return Bundle.of((name, tuple(np.shape(result))) for name in names_of_parts(_ALONE))


def _name(take: str, result: Any) -> str:
    """Return the name of the output that a number stands for, in a container whose items have names."""
    names = [name for name, _ in items(result) or []]
    return names[int(take)] if take.isdecimal() and take not in names and int(take) < len(names) else take


def _names(take: str, path: str) -> bool:
    """Whether what --take was given stands for an output, or for a container that it is in."""
    return path == take or path.startswith(f"{take}.")


def _shape(result: Any) -> tuple[int, ...] | None:
    """Return the shape of a number, or of the array that nested plain lists or tuples of numbers make; else None.

    Tuples of several shapes are several arrays. Lists of several shapes are meant as one, which they are not: they have
    the shape of an array of lists, which is refused where its numbers are read.
    """
    if not isinstance(result, list | tuple) or hasattr(result, "_fields"):
        alone = isinstance(result, int | float | complex) or is_number(result)
        return () if alone or getattr(result, "shape", None) == () else None
    shapes = {*map(_shape, result)}
    if None in shapes or not shapes or (len(shapes) > 1 and isinstance(result, tuple)):
        return None
    return (len(result), *(shapes.pop() or ())) if len(shapes) == 1 else (len(result),)


def _fault(leaf: Any, framework: Framework) -> str:
    """Say why a leaf is no array of real or complex numbers of the framework; nothing if it is one."""
    kind = framework.kind(leaf)
    if kind in ("f", "c"):
        return ""
    return "None" if leaf is None else _KINDS.get(kind, type(leaf).__name__)
