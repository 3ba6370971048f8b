"""Sums, products and powers of Python's syntax trees, without the 0 and 1 that differentiation leaves behind."""

import ast

__all__ = ["is_number", "less_one", "literal", "negative", "over", "plus", "power", "times"]


def plus(a: ast.expr, b: ast.expr) -> ast.expr:
    """Add, or subtract if b is negative."""
    m, n = _number(a), _number(b)
    if isinstance(m, int) and isinstance(n, int):
        return ast.Constant(m + n)
    return ast.BinOp(a, ast.Sub(), negative(b)) if _is_negative(b) else ast.BinOp(a, ast.Add(), b)


def times(a: ast.expr, b: ast.expr) -> ast.expr:
    """Multiply, with the sign first and the factors in one row."""
    if is_number(a, 0) or is_number(b, 0):
        return ast.Constant(0)
    if is_number(a, 1) or is_number(b, 1):
        return b if is_number(a, 1) else a
    if _is_minus(a) or _is_negative(b):  # the sign comes first
        flipped = [negative(each) if _is_negative(each) else each for each in (a, b)]
        product = times(*flipped)
        return product if _is_negative(a) and _is_negative(b) else negative(product)
    m, n = _number(a), _number(b)
    if isinstance(m, int) and isinstance(n, int):
        return ast.Constant(m * n)
    if isinstance(b, ast.BinOp) and isinstance(b.op, ast.Mult):
        return times(times(a, b.left), b.right)
    if isinstance(b, ast.BinOp) and isinstance(b.op, ast.Div):
        return over(times(a, b.left), b.right)
    return ast.BinOp(a, ast.Mult(), b)


def over(a: ast.expr, b: ast.expr) -> ast.expr:
    """Divide."""
    return a if is_number(a, 0) or is_number(b, 1) else ast.BinOp(a, ast.Div(), b)


def power(a: ast.expr, exponent: ast.expr) -> ast.expr:
    """Raise to a power."""
    if is_number(exponent, 0):
        return ast.Constant(1)
    return a if is_number(exponent, 1) else ast.BinOp(a, ast.Pow(), exponent)


def less_one(a: ast.expr) -> ast.expr:
    """Subtract 1, which of a number leaves a number."""
    number = _number(a)
    if isinstance(a, ast.UnaryOp) and _is_minus(a):
        magnitude = _number(a.operand)
        number = None if magnitude is None else -magnitude
    return ast.BinOp(a, ast.Sub(), ast.Constant(1)) if number is None else literal(number - 1)


def literal(number: float) -> ast.expr:
    """Write a number down."""
    magnitude = ast.Constant(int(abs(number)) if float(number).is_integer() else abs(number))
    return ast.UnaryOp(ast.USub(), magnitude) if number < 0 else magnitude


def negative(a: ast.expr) -> ast.expr:
    """Turn the sign, that of the first factor in a product."""
    if isinstance(a, ast.UnaryOp) and _is_minus(a):
        return a.operand
    if isinstance(a, ast.BinOp) and isinstance(a.op, ast.Mult | ast.Div | ast.MatMult):
        return ast.BinOp(negative(a.left), a.op, a.right)
    return ast.UnaryOp(ast.USub(), a)


def _is_negative(a: ast.expr) -> bool:
    if isinstance(a, ast.BinOp) and isinstance(a.op, ast.Mult | ast.Div | ast.MatMult):
        return _is_negative(a.left)
    return _is_minus(a)


def _is_minus(a: ast.expr) -> bool:
    return isinstance(a, ast.UnaryOp) and isinstance(a.op, ast.USub)


def is_number(a: ast.expr, number: int) -> bool:
    """Whether a is this number, written out."""
    return _number(a) == number


def _number(a: ast.expr) -> int | float | None:
    return a.value if isinstance(a, ast.Constant) and isinstance(a.value, int | float) else None
