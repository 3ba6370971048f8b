"""What of Python's syntax no expression has, with the words of the error, which say what to write. Next: grammar."""

import ast

from jacinspect.functions.expressions.advice import LAMBDA

__all__ = ["NO_OPERATORS", "NO_PARTS"]

NO_OPERATORS: dict[type[ast.operator], tuple[str, str]] = {
    ast.BitAnd: ("&", "& is no operator here: chain a comparison, as in 0 < x < 1, or put one where into another"),
    ast.BitOr: ("|", "| is no operator here: put one where into another"),
    ast.Mod: ("%", "% is no operator here; there are + - * / ** @"),
    ast.FloorDiv: ("//", "// is no operator here: a quotient is written /"),
    ast.LShift: ("<<", "<< is no operator here: less than is written <"),
    ast.RShift: (">>", ">> is no operator here: greater than is written >"),
}

_LOOPS = "there are no loops: a function takes whole arrays"
_BRACES = "{ } cannot be read: write ( ) around a part, [ ] around the entries of an array"
NO_PARTS: dict[type[ast.expr], str] = {
    ast.IfExp: "there is no if … else: write where(condition, a, b)",
    ast.BoolOp: "there is no and, or: chain the comparison, as in 0 < x < 1, or put one where into another",
    ast.Compare: "a comparison can only be the condition of a where: where(condition, a, b)",
    ast.Lambda: LAMBDA,
    ast.NamedExpr: "nothing can be given a name with :=; write the part where it is needed",
    ast.ListComp: _LOOPS,
    ast.SetComp: _LOOPS,
    ast.DictComp: _LOOPS,
    ast.GeneratorExp: _LOOPS,
    ast.Tuple: "a comma can only stand between the operands of a function",
    ast.List: "there is nothing in [ ]: write its entries, as in [x[0]^2, x[0]*x[1]]",
    ast.Set: _BRACES,
    ast.Dict: _BRACES,
    ast.JoinedStr: "a text in quotes is not a number",
    ast.Starred: "operands are written one by one, without *",
    ast.Await: "there is no await: write the formula alone",
    ast.Yield: "there is no yield: write the formula alone",
    ast.YieldFrom: "there is no yield: write the formula alone",
}
