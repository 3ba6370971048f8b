"""Names for outputs, inputs and entries in messages: ``A[0,1]``, ``∂A[0,1]/∂X[2]``. Next: findings."""

import re
from functools import cached_property

import numpy as np

from jacinspect.jacobian.calls.blackbox import Array
from jacinspect.jacobian.compact import Jacobian
from jacinspect.operands.bundle import Bundle, index_of
from jacinspect.records import dataclass
from jacinspect.wording import format_index

__all__ = ["Names", "entry_name", "input_name", "listed", "output_name", "worst_outside"]

_LONGEST = 8  # characters of an operand's name that formulas can hold; one of a longer name is X in them
_INPUTS = ("X", "Z", "U", "P")  # operands laid end to end are the first of these that is none of them
_OUTPUTS = ("A", "Y", "F", "B")  # the output is the first of these that is no operand
# A, X, dA and dX in a text of ours, and neither in words nor in LaTeX's commands
_LETTER = re.compile(r"(?<![A-Za-z\\])(d?)([AX])(?![A-Za-z0-9])")
_LISTED = 16  # places that a finding lists; its message has their number


@dataclass(frozen=True)
class Names:
    """The arrays that outputs and inputs are entries of: A and X, or the parts of bundles, by their own names.

    Of the gradient of a function that is written `gradient_of`, the outputs are derivatives by the inputs themselves.
    `fixed` names the operands that are no inputs.
    """

    output: Bundle
    operand: Bundle
    gradient_of: str = ""
    fixed: tuple[str, ...] = ()

    @cached_property
    def x(self) -> str:
        """The operand in formulas: by its own name, unless that is x or a long one; it is X then, as several are."""
        name = self.operand.names[0]
        own = self.operand.is_single and name.isidentifier() and len(name) <= _LONGEST
        if own and (name != "x" or "X" in self.fixed):
            return name
        return next((letter for letter in _INPUTS if letter not in (*self.operand.names, *self.fixed)), _INPUTS[0])

    @cached_property
    def a(self) -> str:
        """The output in formulas: A, or another letter where an operand has that."""
        taken = {self.x, self.x.upper(), *self.operand.names, *self.fixed}
        return next((letter for letter in _OUTPUTS if letter not in taken), _OUTPUTS[0])

    def own(self, text: str, a: str = "", x: str = "") -> str:
        """Write a text about A and X with the letters of this output and this operand, or with these."""
        a, x = a or self.a, x or self.x

        def letter(found: re.Match[str]) -> str:
            name = a if found[2] == "A" else x
            indexed = "_" in name and text[found.end() : found.end() + 1] == "_"  # ∂(x_1)_p
            return found[1] + (f"({name})" if indexed else name)

        return text if (a, x) == ("A", "X") else _LETTER.sub(letter, text)


def output_name(names: Names, row: int) -> str:
    """Name an output by its flat index: ``A[0,1]``, ``A`` where there is one alone, ``loss``, ``∂f/∂X[0,1]``."""
    if names.gradient_of:
        return f"∂{names.gradient_of}/∂{input_name(names, row)}"
    return _name(names.output, row, names.a)


def input_name(names: Names, column: int) -> str:
    """Name an input by its flat index: ``X[0,1]``, in a bundle ``fc1.weight[0,1]``."""
    return _name(names.operand, column, names.x)


def entry_name(names: Names, row: int, column: int) -> str:
    """Name an entry of the Jacobian: ``∂A[0,1]/∂X[2]``, ``∂h[0,1]/∂w[3,2]``, of the second order ``∂²f/∂X[0]∂X[1]``."""
    if names.gradient_of:
        return f"∂²{names.gradient_of}/∂{input_name(names, row)}∂{input_name(names, column)}"
    return f"∂{output_name(names, row)}/∂{input_name(names, column)}"


def _name(bundle: Bundle, flat: int, alone: str) -> str:
    part, index = bundle.place(flat)
    name = alone if bundle.is_single else part.label(alone)
    return f"{name}{format_index(index)}"


def worst_outside(spurious: Jacobian, names: Names) -> str:
    """Name the largest of the entries that a derivative has where the function has none."""
    worst = int(np.argmax(np.abs(spurious.data)))
    entry = entry_name(names, int(spurious.pattern.rows[worst]), int(spurious.indices[worst]))
    return f"worst {entry}: analytic {spurious.data[worst]:.8g}, numeric 0"


def listed(flat: Array, shape: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Return the first places of a list of flat indices as indices into an array of this shape."""
    return tuple(index_of(int(k), shape) for k in flat[:_LISTED])
