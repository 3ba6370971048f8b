"""The grammar of an expression: a text comes in, a tree of parts goes out, each the application of one function.

Every node of Python's syntax tree, from reading.py, is compared with the list below, and the tree is never run; any
other node is refused with the piece underlined. evaluation.py computes the parts.

    part       = number | "pi" | "e" | name | ("+" | "-") part | part operator part | part ".T" | call | "(" part ")"
               | part "[" index {"," index} "]" | "[" part {"," part} "]"
    index      = integer | [integer] ":" [integer] [":" [integer]] | "..."
    operator   = "+" | "-" | "*" | "/" | "**" | "@"
    call       = function "(" part {"," part} {"," parameter "=" constant} ")"
               | "where" "(" comparison "," part "," part ")"
    comparison = part {("<" | "<=" | ">" | ">=" | "==" | "!=") part}

What people write for these on paper (2x, x^2, a·b, |x|, xᵀ) is spelled so before, by spelling.py. A function is a name
of the catalogue; a constant is a part without operands, True, False or None; [u, v] stacks parts of one shape.
"""

import ast
import math
from collections.abc import Mapping
from sys import float_info
from types import EllipsisType
from typing import Any

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.catalogue import lookup as catalogue
from jacinspect.functions.expressions.evaluation import MATMUL, STACK, Index, Part, apply, entries, where
from jacinspect.functions.expressions.reading import read
from jacinspect.functions.expressions.refusals import NO_OPERATORS, NO_PARTS
from jacinspect.functions.expressions.source import Typed
from jacinspect.functions.function import Array, Function, Parameter
from jacinspect.records import dataclass

__all__ = ["Parsed", "parse"]

_LARGEST = int(float_info.max)  # as an integer, it compares with integers of any size
_CONSTANTS = {"pi": math.pi, "e": math.e}

_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.Pow: "pow",
}
_OF_TWO = {"max": "maximum", "min": "minimum"}
_COMPARISONS: dict[type[ast.cmpop], np.ufunc] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}
_INDEX = "an index is an integer or a slice, counted from 0: x[0], x[-1], x[1:3], X[1,:], X[:,0]"
_LONGEST_AXIS = 2**62  # an index beyond it is in no array


@dataclass(frozen=True)
class Parsed:
    """An expression read: the tree, and its names in order of appearance."""

    tree: Part
    operands: tuple[str, ...]
    parameters: tuple[str, ...]


def parse(typed: Typed, parameters: Mapping[str, float]) -> Parsed:
    """Read an expression, in which the names of `parameters` stand for numbers.

    Raises
    ------
    InputError
        If it is anything but the grammar above, with the offending piece underlined; or if a part without operands is
        not finite.
    """
    parser = _Parser(typed, parameters)
    tree = parser.part(read(typed))
    bound = tuple(name for name in parser.names if name in parameters)
    return Parsed(tree, tuple(name for name in parser.names if name not in parameters), bound)


class _Parser:
    """Translates nodes to parts, and collects the names."""

    def __init__(self, typed: Typed, parameters: Mapping[str, float]) -> None:
        self._typed = typed
        self._parameters = parameters
        self.names: dict[str, None] = {}

    def part(self, node: ast.expr) -> Part:
        """Translate a node, and what is below it."""
        match node:
            case ast.Constant():
                return self._number(node, node.value)
            case ast.Name():
                return self._name(node)
            case ast.UnaryOp():
                return self._signed(node)
            case ast.BinOp():
                return self._applied(node, self._operator(node), [node.left, node.right])
            case ast.Attribute():
                return self._attribute(node)
            case ast.Subscript():
                whole = self.part(node.value)
                return self._applied(node, entries(self._index(node.slice)), [whole])
            case ast.List(elts=[_, *_]):
                return self._applied(node, STACK, list(node.elts))
            case ast.Call():
                return self._call(node)
        raise self._typed.refuse(NO_PARTS.get(type(node), "this is no part of an expression"), node)

    def _applied(self, node: ast.expr, function: Function, operands: list[Any]) -> Part:
        """Apply a function to parts or nodes; what has no operand in it is computed at once, and must be finite."""
        arguments = tuple(each if isinstance(each, Part) else self.part(each) for each in operands)
        part = Part(node, function, arguments)
        if any(argument.constant is None for argument in arguments):
            return part
        value = np.asarray(apply(self._typed, part, [_constant(argument) for argument in arguments]), np.float64)
        if not np.isfinite(value).all():
            raise self._typed.refuse(f"a constant must be finite, and this is {value[~np.isfinite(value)][0]:g}", node)
        return Part(node, constant=value)

    def _number(self, node: ast.expr, value: Any) -> Part:
        if isinstance(value, bool) or value is None:
            words = f"{value} is not a number; it can only be a parameter's value, as in keepdims=True"
        elif isinstance(value, str | bytes):
            words = "a text in quotes is not a number"
        elif isinstance(value, complex):
            words = "numbers are real: there is no imaginary unit j"
        elif not isinstance(value, int | float):
            words = "this is not a number"
        elif abs(value) > _LARGEST:
            words = "this number is too large: float64 ends at 1.8e308"
        elif float(value) != value:
            words = f"float64 cannot hold this integer; the nearest that it can is {int(float(value))}"
        else:
            return Part(node, constant=np.array(float(value)))
        raise self._typed.refuse(words, node)

    def _signed(self, node: ast.UnaryOp) -> Part:
        if isinstance(node.op, ast.UAdd):
            return self.part(node.operand)
        if isinstance(node.op, ast.USub):
            return self._applied(node, catalogue.function("mul"), [Part(node, constant=np.array(-1.0)), node.operand])
        sign = "~" if isinstance(node.op, ast.Invert) else "not"
        raise self._typed.refuse(f"there is no {sign}: turn the comparison round", node)

    def _name(self, node: ast.Name) -> Part:
        self._require_plain(node)
        if node.id in self._parameters:
            self.names[node.id] = None
            return Part(node, constant=np.array(self._parameters[node.id]))
        if node.id in _CONSTANTS:
            return Part(node, constant=np.array(_CONSTANTS[node.id]))
        if node.id == "where":
            raise self._typed.refuse("where is a function: write where(condition, a, b)", node)
        if catalogue.knows(node.id):
            raise self._typed.refuse(f"{node.id} is a function: write {node.id}(x)", node)
        self.names[node.id] = None
        return Part(node, operand=node.id)

    def _require_plain(self, node: ast.Name) -> None:
        if node.id.startswith("_"):
            raise self._typed.refuse("a name cannot begin with an underscore", node)

    def _operator(self, node: ast.BinOp) -> Function:
        kind = type(node.op)
        if kind in _OPERATORS:
            return catalogue.function(_OPERATORS[kind])
        if kind is ast.MatMult:
            return MATMUL
        symbol, words = NO_OPERATORS[kind]
        start = self._typed.line.index(symbol, self._typed.span(node.left)[1])
        raise self._typed.refuse(words, (start, start + len(symbol)))

    def _attribute(self, node: ast.Attribute) -> Part:
        if node.attr == "T":
            return self._applied(node, catalogue.function("transpose"), [node.value])
        words, piece = "only .T may follow a dot", self._typed.piece(node)
        if (
            piece == self._typed.line
            and not piece.startswith("x.")
            and all(name.isidentifier() for name in piece.split("."))
        ):
            module, _, name = piece.rpartition(".")
            words += f"; for Python code, write MODULE:FUNCTION, as in {module}:{name}"
        raise self._typed.refuse(words, node)

    def _index(self, node: ast.expr) -> Index:
        """Read what stands between [ and ]: integers and slices."""
        parts = node.elts if isinstance(node, ast.Tuple) else [node]
        index: list[int | slice | EllipsisType] = []
        for part in parts:
            if isinstance(part, ast.Slice):
                index.append(slice(*(each and self._integer(each) for each in (part.lower, part.upper, part.step))))
            elif isinstance(part, ast.Constant) and part.value is ...:
                index.append(...)
            else:
                index.append(self._integer(part))
        if index.count(...) > 1 or any(isinstance(each, slice) and each.step == 0 for each in index):
            raise self._typed.refuse(_INDEX, node)
        return tuple(index)

    def _integer(self, node: ast.expr) -> int:
        if isinstance(node, ast.Tuple | ast.List | ast.Slice | ast.Starred | ast.Compare):
            raise self._typed.refuse(_INDEX, node)
        constant = self.part(node).constant
        if constant is None or constant.ndim or abs(constant) >= _LONGEST_AXIS or float(constant) % 1:
            raise self._typed.refuse(_INDEX, node)
        return int(constant)

    # --- Calls ---------------------------------------------------------------------------------------------------

    def _call(self, node: ast.Call) -> Part:
        called = node.func
        if isinstance(called, ast.Attribute) and catalogue.knows(called.attr):
            words = f"only .T may follow a dot: write {called.attr}(…), by its plain name"
            raise self._typed.refuse(words, called)
        if isinstance(called, ast.Attribute):
            raise self._typed.refuse("only .T may follow a dot; for Python code, write MODULE:FUNCTION", called)
        if not isinstance(called, ast.Name):
            words = "only a function of the catalogue can be called, by its name; to multiply, write *"
            raise self._typed.refuse(words, called)
        self._require_plain(called)
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                raise self._typed.refuse(NO_PARTS[ast.Starred], argument)
        if called.id == "where":
            return self._where(node)
        name = self._known(called, len(node.args))
        function = catalogue.function(name, **self._keywords(node, name))
        takes, given = len(function.operands), len(node.args)
        if takes != given and called.id.lower() in _OF_TWO:
            words = f"{called.id} takes one operand or 2; put one {called.id} into another"
            raise self._typed.refuse(words, node)
        if takes != given:
            words = f"{called.id} takes {_count(takes)}, and here are {given}"
            if function.parameters and given > takes:
                words += f"; parameters are written name=value: {', '.join(function.parameters)}"
            raise self._typed.refuse(words, node)
        return self._applied(node, function, list(node.args))

    def _known(self, called: ast.Name, operands: int) -> str:
        """Find the catalogue's name; max and min of two operands are the operators of two."""
        if called.id.lower() in _OF_TWO and operands == 2:
            return _OF_TWO[called.id.lower()]
        if called.id in _CONSTANTS:
            raise self._typed.refuse(f"{called.id} is a number; to multiply, write {called.id} * (…)", called)
        if len(called.id) == 1 and not catalogue.knows(called.id):
            raise self._typed.refuse(f"{called.id} is not a function; to multiply, write {called.id} * (…)", called)
        if not catalogue.knows(called.id):
            raise self._typed.refuse(_unknown(called.id), called)
        return called.id

    def _keywords(self, node: ast.Call, name: str) -> dict[str, Parameter]:
        """Read a call's parameters; the catalogue says of each whether there is one, and what it may be."""
        given: dict[str, Parameter] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise self._typed.refuse("parameters are written one by one, without **", keyword)
            if keyword.arg in given:
                raise self._typed.refuse(f"{keyword.arg} is given twice", keyword)
            given[keyword.arg] = self._constant(keyword.arg, keyword.value)
            try:
                catalogue.function(name, **{keyword.arg: given[keyword.arg]})
            except InputError as error:
                raise self._typed.refuse(str(error), keyword) from None
        return given

    def _constant(self, name: str, node: ast.expr) -> Parameter:
        if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, bool)):
            return node.value
        constant = self.part(node).constant
        if constant is None or constant.ndim:
            raise self._typed.refuse(f"{name} must be a constant: a number, True, False or None", node)
        number = float(constant)
        return int(number) if number.is_integer() else number

    def _where(self, node: ast.Call) -> Part:
        if len(node.args) != 3 or node.keywords:
            raise self._typed.refuse("where takes three: where(condition, a, b)", node)
        condition = node.args[0]
        if isinstance(condition, ast.BoolOp):
            raise self._typed.refuse(NO_PARTS[ast.BoolOp], condition)
        if not isinstance(condition, ast.Compare):
            raise self._typed.refuse("the condition of where must be a comparison, such as x > 0", condition)
        for comparison in condition.ops:
            if type(comparison) not in _COMPARISONS:
                raise self._typed.refuse("a comparison is one of < <= > >= == !=", condition)
        compared = [self.part(each) for each in (condition.left, *condition.comparators)]
        comparisons = [_COMPARISONS[type(comparison)] for comparison in condition.ops]
        return self._applied(node, where(comparisons), [*compared, *node.args[1:]])


def _constant(part: Part) -> Array:
    assert part.constant is not None
    return part.constant


def _unknown(name: str) -> str:
    try:
        catalogue.function(name)
    except InputError as error:
        return str(error)
    raise AssertionError(name)


def _count(operands: int) -> str:
    return "one operand" if operands == 1 else f"{operands} operands"
