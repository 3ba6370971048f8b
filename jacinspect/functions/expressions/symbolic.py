"""The derivative of an expression, written down for people; evaluation.py computes it, and no number comes from here.

In: the tree of grammar.py and the operand to differentiate by. Out: a short formula, or none. Of an element-wise
expression it is f', in which sigmoid' is the derivative of sigmoid; of any other it is the differential, in which dx
is the tangent of x: ``dx @ w``, ``sum(2 * x * dx)``.
"""

import ast
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from jacinspect.functions.catalogue import lookup as catalogue
from jacinspect.functions.expressions.evaluation import ELEMENTWISE, Part, is_elementwise
from jacinspect.functions.expressions.simplification import (
    is_number,
    less_one,
    literal,
    negative,
    over,
    plus,
    power,
    times,
)
from jacinspect.functions.function import Function, Parameter

__all__ = ["derivative_formula", "written_out"]

_LONGEST, _LONGEST_SLOPE = 72, 16  # characters: a line of a report; a longer slope is written as sigmoid'(x)
_LINEAR = {"sum", "mean", "cumsum", "transpose", "trace"}  # not element-wise, and linear: df is the function of dx
# of all entries, the parameters left out: the catalogue's formulas are entry by entry
_REDUCED = {
    "norm": ("sum(x * dx) / norm(x)",),
    "l1_norm": ("sum(sign(x) * dx)",),
    "mse": ("2 * mean((x - y) * dx)", "-2 * mean((x - y) * dy)"),
}


class _NoFormError(Exception):
    """A part's derivative has no closed form, or none that holds for all shapes."""


class _Change(NamedTuple):
    """What a part changes by, and the operands and products that its shape is broadcast from."""

    formula: ast.expr
    shape: frozenset[str]


def derivative_formula(tree: Part, wrt: str) -> str:
    """Write the derivative of an expression by one operand; "" if it has no closed form or none of 72 characters."""
    tangent = ast.Constant(1) if is_elementwise(tree) else ast.Name(f"d{wrt}")
    try:
        change = _Differential(wrt, tangent).of(tree)
        written = "0" if change is None else ast.unparse(change.formula).replace(" ** ", "**")
    except (_NoFormError, RecursionError):  # what is nested so deeply is longer, too
        return ""
    return written if len(written) <= _LONGEST else ""


class _Differential:
    """The rules of differentiation, a tangent in place of dx; None is what does not change."""

    def __init__(self, wrt: str, tangent: ast.expr) -> None:
        self._wrt = wrt
        self._tangent = tangent

    def of(self, part: Part) -> _Change | None:
        """Differentiate a part."""
        if isinstance(self._tangent, ast.Name) and isinstance(part.node, ast.Name) and part.node.id == self._tangent.id:
            raise _NoFormError  # an operand or a parameter of the tangent's name
        if part.function is None:
            return _Change(self._tangent, _shape(part)) if part.operand == self._wrt else None
        changes = [self.of(argument) for argument in part.arguments]
        if all(change is None for change in changes):
            return None
        match part.node:
            case ast.UnaryOp():
                change = changes[1]
                return change and _Change(negative(change.formula), change.shape)
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow()):
                return _sum(_operator(part.node.op, part.arguments, changes))
            case ast.BinOp(op=ast.MatMult()):
                return _sum(_matrix_product(part, changes))
            case ast.Subscript() | ast.List():
                return _of_entries(part, part.node, changes)
            case ast.Attribute():
                return _Change(ast.Attribute(_whole(part.arguments[0], changes[0]), "T"), _shape(part))
            case ast.Call():
                return _call(part, part.node, part.function, changes)
        raise AssertionError(part.node)


def _operator(
    operator: ast.operator, operands: tuple[Part, ...], changes: list[_Change | None]
) -> Iterable[_Change | None]:
    """Differentiate u ∘ v: a term for each of the two."""
    (u, v), (du, dv) = (operands[0].node, operands[1].node), changes
    shape = _shape(*operands)
    match operator:
        case ast.Add() | ast.Sub():
            yield du
            if dv is not None:
                yield _Change(dv.formula if isinstance(operator, ast.Add) else negative(dv.formula), dv.shape)
        case ast.Mult():
            yield du and _Change(times(du.formula, v), du.shape | _shape(operands[1]))
            yield dv and _Change(times(u, dv.formula), dv.shape | _shape(operands[0]))
        case ast.Div():
            yield du and _Change(over(du.formula, v), du.shape | _shape(operands[1]))
            yield dv and _Change(negative(over(times(u, dv.formula), power(v, ast.Constant(2)))), shape)
        case ast.Pow():
            slope = times(v, power(u, less_one(v)))
            of_slope = frozenset() if _is_one(operands[1]) else shape
            yield du and _Change(times(slope, du.formula), du.shape | of_slope)
            growth: ast.expr = ast.BinOp(u, ast.Pow(), v)
            if not (isinstance(u, ast.Name) and u.id == "e"):
                growth = times(growth, ast.Call(ast.Name("log"), [u], []))
            yield dv and _Change(times(growth, dv.formula), shape)


def _is_one(part: Part) -> bool:
    return part.constant is not None and bool(np.all(part.constant == 1))


def _sum(changes: Iterable[_Change | None]) -> _Change | None:
    total: _Change | None = None
    for change in changes:
        if change is None or is_number(change.formula, 0):
            continue
        total = change if total is None else _Change(plus(total.formula, change.formula), total.shape | change.shape)
    return total


def _of_entries(part: Part, node: ast.Subscript | ast.List, changes: list[_Change | None]) -> _Change:
    """Differentiate x[0] and [u, v], which are linear."""
    if isinstance(node, ast.Subscript):
        return _Change(ast.Subscript(_whole(part.arguments[0], changes[0]), node.slice), _shape(part))
    entries = [
        _whole(argument, change) if change else ast.Constant(0)
        for argument, change in zip(part.arguments, changes, strict=True)
    ]
    return _Change(ast.List(entries), _shape(part))


def _matrix_product(part: Part, changes: list[_Change | None]) -> Iterable[_Change | None]:
    x, y = part.arguments
    if changes[0] is not None:
        yield _Change(ast.BinOp(_whole(x, changes[0]), ast.MatMult(), y.node), _shape(part))
    if changes[1] is not None:
        yield _Change(ast.BinOp(x.node, ast.MatMult(), _whole(y, changes[1])), _shape(part))


def _call(part: Part, node: ast.Call, function: Function, changes: list[_Change | None]) -> _Change | None:
    """Differentiate a call: by its linearity, its slope, or a where's arms."""
    if function.name == "where":
        arms = [ast.Constant(0) if change is None else change.formula for change in changes[-2:]]
        moving = [change.shape for change in changes[-2:] if change is not None]
        compared = _shape(*part.arguments[:-2])
        return _Change(ast.Call(node.func, [node.args[0], *arms], []), compared.union(*moving)) if moving else None
    if function.name in _LINEAR:
        return _Change(ast.Call(node.func, [_whole(part.arguments[0], changes[0])], node.keywords), _shape(part))
    if not is_elementwise(Part(node, function)):
        return _sum(_differential(part, node, function, changes))
    if len(node.args) == 1:
        slope = (
            written_out(function.operands, function.parameters, function.derivative_formula, node.args)
            if _is_short(function)
            else None
        )
        slopes = [slope or ast.Call(ast.Name(f"{ast.unparse(node.func)}'"), node.args, node.keywords)]
    else:  # there is no primed name for the derivative by one of several
        slopes = [
            _required(written_out(function.operands, function.parameters, formula, node.args))
            for formula in function.partial_formulas
        ]
    return _sum(
        change and _Change(times(slope, change.formula), change.shape | _read(part, slope))
        for slope, change in zip(slopes, changes, strict=True)
    )


def _differential(
    part: Part, node: ast.Call, function: Function, changes: list[_Change | None]
) -> Iterable[_Change | None]:
    """Differentiate a function of whole arrays by the catalogue's formula, as inv's -inv(x) @ dx @ inv(x)."""
    formulas = function.partial_formulas or (function.derivative_formula,)
    if function.parameters:
        if function.name not in _REDUCED or node.keywords:
            raise _NoFormError
        formulas = _REDUCED[function.name]
    if len(formulas) != len(function.operands):
        raise _NoFormError
    for name, argument, formula, change in zip(function.operands, part.arguments, formulas, changes, strict=True):
        if change is not None:
            names, operands = (*function.operands, f"d{name}"), [*node.args, _whole(argument, change)]
            yield _Change(_required(written_out(names, {}, formula, operands)), _shape(part))


def _is_short(function: Function) -> bool:
    return len(function.derivative_formula) <= _LONGEST_SLOPE


def _read(part: Part, slope: ast.expr) -> frozenset[str]:
    """Return the shape of a slope: that of the operands, or none if it is a number."""
    return frozenset() if isinstance(slope, ast.Constant) else _shape(part)


def _required(formula: ast.expr | None) -> ast.expr:
    if formula is None:
        raise _NoFormError
    return formula


# --- Shapes: a formula that sums or multiplies must have all of them -------------------------------------------------


def _shape(*parts: Part) -> frozenset[str]:
    """Name what the shape of parts is broadcast from: operands, and parts that have a shape of their own."""
    shape: frozenset[str] = frozenset()
    for part in parts:
        if part.operand:
            shape |= {part.operand}
        elif part.function is not None and part.function.kind in ELEMENTWISE:
            shape |= _shape(*part.arguments)
        elif part.function is not None or (part.constant is not None and part.constant.ndim):
            shape |= {ast.unparse(part.node)}
    return shape


def _whole(part: Part, change: _Change | None) -> ast.expr:
    """Require that a change has the part's shape: that of x + w is dx, which is no more than broadcast to it."""
    if change is None or not _shape(part) <= change.shape:
        raise _NoFormError
    return change.formula


# --- The catalogue's formulas ----------------------------------------------------------------------------------------


def written_out(
    names: Sequence[str], parameters: Mapping[str, Parameter], formula: str, operands: Sequence[ast.expr]
) -> ast.expr | None:
    """Put operands, for their names, and parameters into a formula of the catalogue; None if it has any other name."""
    known = dict(zip(names, operands, strict=True))
    for name, value in parameters.items():
        if isinstance(value, int | float):
            known[name] = literal(value)
    try:
        read = ast.parse(formula, mode="eval").body
    except SyntaxError:
        return None
    called = {node.func for node in ast.walk(read) if isinstance(node, ast.Call)}
    for node in ast.walk(read):
        if isinstance(node, ast.Name):
            there_is = catalogue.knows(node.id) if node in called else node.id in {*known, "pi", "e"}
            if not there_is:
                return None
    written: ast.expr = _Substitution(known).visit(read)
    return written


class _Substitution(ast.NodeTransformer):
    """Expressions for names, and where for if … else."""

    def __init__(self, known: dict[str, ast.expr]) -> None:
        self._known = known

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._known.get(node.id, node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        parts: list[ast.expr] = [self.visit(part) for part in (node.test, node.body, node.orelse)]
        return ast.Call(ast.Name("where"), parts, [])
