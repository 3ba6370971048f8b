"""What a caller of `inspect` gives as operands: containers and objects with labels, made into arrays. Next: api.

A container of arrays becomes a parameter of the function, whose leaves are operands by their paths. Of an object with
labels, units or a mask, an array is taken, and the callables are given such objects of other numbers.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from jacinspect.functions.code.arguments import with_names
from jacinspect.functions.code.frameworks import signature_of
from jacinspect.functions.code.labelled import of_plain_arrays
from jacinspect.functions.code.trees import is_tree, of_arrays
from jacinspect.functions.code.units import Units, magnitude
from jacinspect.functions.function import Wrt, patterns_of
from jacinspect.records import dataclass, replace

__all__ = ["Given"]

Others = Sequence[Any] | Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Given:
    """The function, its derivative, its first operand, the others, its parameters, and what to differentiate by."""

    function: Any
    derivative: Any
    X: Any
    others: Others
    parameters: Mapping[str, Any]
    wrt: Wrt | None

    def as_arrays(self, kind: str | None = None) -> "Given":
        """Return the same with operands that are arrays; X is None where it was a container.

        `kind` is that of the derivative, where its user says it.
        """
        if not callable(self.function):
            return self
        apart = self._without_trees()
        if isinstance(apart.others, Mapping) or apart.X is None:
            return apart
        operands = [apart.X, *apart.others]
        function, derivative = (of_plain_arrays(call, operands) for call in (apart.function, apart.derivative))
        units = Units(operands, _names(apart.function, apart.parameters))
        if not units:
            return replace(apart, function=function, derivative=derivative)
        x, *others = map(magnitude, operands)
        derivative = units.of_derivative(derivative, kind, apart._place())
        return replace(apart, function=units.of_function(function), derivative=derivative, X=x, others=others)

    def _place(self) -> int | None:
        """Return the place, from 0, of the operand to differentiate by; None if they are several."""
        if self.wrt is None or not self.others:
            return 0
        patterns = [str(self.wrt)] if isinstance(self.wrt, int) else patterns_of(self.wrt)
        numbers = range(1 + len(self.others))
        places = dict(zip(_names(self.function, self.parameters), numbers, strict=False))
        places |= {str(number + 1): number for number in numbers}
        return places.get(patterns[0]) if len(patterns) == 1 else None

    def _without_trees(self) -> "Given":
        keys = list(self.others) if isinstance(self.others, Mapping) else [None] * len(self.others)
        function = with_names(self.function, [None, *keys])
        names = _names(function, self.parameters)
        if isinstance(self.others, Mapping):
            first = next((name for name in names if name not in self.others), "x")
            given = {first: self.X, **self.others}
        else:
            given = dict(zip(names, [self.X, *self.others], strict=False))
        first = next(iter(given), "")  # of a builtin without a signature, no name is known
        trees = {
            name: value
            for name, value in given.items()
            if _is_tree(value) or ((name != first or self.wrt is not None) and _is_no_array(value))
        }
        if not trees or len(given) != 1 + len(self.others):
            return self
        if first in trees:
            heads = [pattern.partition(".")[0] for pattern in patterns_of(self.wrt)]
            if not heads or any(fnmatchcase(first, head) for head in heads):
                trees[first] = of_arrays(trees[first])
            if self.wrt is None:
                from jacinspect.functions.code.boxed import require_numbers

                require_numbers(trees[first], first, self.function, [each for each in names if each in given])
        left = {name: value for name, value in given.items() if name not in trees}
        return replace(
            self,
            function=function,
            X=left.pop(first, None),
            others=left if isinstance(self.others, Mapping) else list(left.values()),
            parameters={**self.parameters, **trees},
            wrt=f"{first}.*" if self.wrt is None and first in trees else self.wrt,
        )


def _names(function: Any, parameters: Mapping[str, Any]) -> list[str]:
    """Name a function's arguments that are no parameters."""
    signature = signature_of(function)
    places = signature.parameters.values() if signature else ()
    return [p.name for p in places if p.name not in parameters and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


def _is_tree(value: Any) -> bool:
    """Whether a value is a container of arrays, and not nested lists or tuples that numpy makes one array of."""
    if not is_tree(value):
        return False
    if not isinstance(value, list | tuple) or hasattr(value, "_fields"):
        return True
    try:
        return np.asarray(value).dtype.kind == "O"
    except ValueError:
        return True


def _is_no_array(value: Any) -> bool:
    """Whether a value refuses to be an array of numpy's, as a random key of jax does."""
    try:
        np.asarray(magnitude(value))
    except TypeError:
        return True
    except (ValueError, RuntimeError):  # lists of several lengths; a tensor with a graph
        return False
    return False
