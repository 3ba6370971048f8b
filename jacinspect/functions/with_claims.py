"""What a user claims of a function, to the Function that has it: a derivative, a Hessian, log|det J|, or a pattern.

In: a Function, and an expression, a reference, a callable or numbers. Next: claims.py, which reads what they give.
"""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from jacinspect.choices import DerivativeKind
from jacinspect.errors import InputError
from jacinspect.functions.function import Function
from jacinspect.functions.numbers import Numbers
from jacinspect.functions.resolve import as_given_in, code_of, is_reference
from jacinspect.functions.rules import Claim
from jacinspect.records import replace

# What reads expressions, and what imports code, is imported when there is some: numbers need neither.

__all__ = ["with_derivative", "with_hessian", "with_logdet", "with_pattern"]


def with_derivative(
    function: Function,
    derivative: str | Callable[..., Any] | Numbers,
    kind: str | None = None,
    backend: str | None = None,
) -> Function:
    """Return the function with a derivative to be checked: an expression, a reference, a callable or numbers at X.

    An expression is in its operands and parameters; code takes the operands, and for a rule the tangent (jvp) or the
    cotangent (vjp) after them. It is read by its result's shape, unless `kind`, one of `choices.DerivativeKind`, is
    given; `backend` is as for `resolve`.

    Raises
    ------
    InputError
        If it cannot be found, or an expression has names that are neither operands nor parameters.
    """
    from jacinspect.functions.code.value_and_grad import of_first

    if kind is not None:
        DerivativeKind.require(kind, "derivative kind")
    claim = _claim(derivative, function, kind, backend)
    if claim.outputs and function.take is None:
        function = replace(function, take=",".join(map(str, range(claim.outputs))))
    formula = derivative.strip() if isinstance(derivative, str) else getattr(derivative, "file", "")
    return replace(
        of_first(function, code_of(derivative)),
        rule=claim,
        others=(),
        second=(),
        derivative_formula=formula,
        derivative_place=_place(derivative),
        partial_formulas=(),
        claimed=partial(_claimed_from, str(Path.cwd()), derivative, kind, backend),
    )


def _claimed_from(
    folder: str,
    derivative: str | Callable[..., Any] | Numbers,
    kind: str | None,
    backend: str | None,
    function: Function,
) -> Function:
    """Give a function the derivative, in another process, that was given in a folder."""
    return with_derivative(function, as_given_in(folder, derivative), kind, backend)


def with_hessian(
    function: Function, hessian: str | Callable[..., Any] | Numbers, backend: str | None = None
) -> Function:
    """Return the function with a Hessian to be checked: an expression, a reference, a callable or numbers at X.

    It takes the operands and gives an N×N matrix, the tensor of operand shape + operand shape, or f'' in the operand's
    shape where that is diagonal; or it takes a vector after the operands and gives the product with that.

    Raises
    ------
    InputError
        As `with_derivative`.
    """
    from jacinspect.functions.code.hand_written import takes_vector

    given = code_of(hessian)
    product = callable(given) and takes_vector(given, function)
    return replace(function, hessian=_claim(hessian, function, "jvp" if product else None, backend, "hessian"))


def with_logdet(function: Function, logdet: str | Callable[..., Any] | Numbers, backend: str | None = None) -> Function:
    """Return the function with a claim for log|det J|: a number, an expression, a reference or a callable.

    It takes the operands and gives a number, or one for each item of a batch; or a pair whose last entry that is.

    Raises
    ------
    InputError
        As `with_derivative`.
    """
    claim = _claim(logdet, function, None, backend, "logdet")
    # Before an operand is opened: the pair would be an entry for each of two.
    last = claim.then(lambda given: given[-1] if isinstance(given, tuple | list) else given)
    return replace(function, logdet=last)


def with_pattern(function: Function, pattern: Any) -> Function:
    """Return the function with a declared sparsity pattern: Numbers, a matrix of them, whose entries are declared.

    Raises
    ------
    InputError
        Where it is no matrix.
    """
    if not isinstance(pattern, Numbers):
        raise InputError(
            f"expected pattern {pattern!r:.60}: is no matrix; name a file (.npz, .mtx, .npy, .csv), or give one"
        )
    return replace(function, declared=pattern.claim("jacobian"))


def _claim(
    derivative: str | Callable[..., Any] | Numbers,
    function: Function,
    kind: str | None,
    backend: str | None,
    key: str = "derivative",
) -> Claim:
    """Find what a derivative stands for: an expression, a reference, a callable or numbers; messages name the key."""
    from jacinspect.functions.code.hand_written import claim_of
    from jacinspect.functions.code.references import load

    if isinstance(derivative, Numbers):
        return derivative.claim(kind)
    if not isinstance(derivative, str):
        name = getattr(derivative, "__name__", type(derivative).__name__)
        return claim_of(derivative, name, function, kind, backend)
    formula = derivative.strip()
    if is_reference(formula):
        return claim_of(load(formula), formula, function, kind, backend)
    if kind in ("jvp", "vjp"):
        raise InputError(f"{key} {formula!r}: a {kind} is code that takes a tangent too, not an expression")
    return Claim(_expressed(formula, function, key), kind)


def _place(derivative: str | Callable[..., Any] | Numbers) -> tuple[str, int] | None:
    """Find the file and the line of a derivative that is code."""
    from jacinspect.functions.code.callables import place_of

    given = code_of(derivative)
    return None if isinstance(given, str | Numbers) else place_of(given)


def _beside(function: Function, name: str, key: str) -> str:
    """Suggest the function of a name that stands beside people's own code in its file or module."""
    place, colon, _ = function.name.rpartition(":")
    there = getattr(function.origin, "__globals__", {}).get(name)
    option = "-d" if key == "derivative" else f"--{key}"
    return f"; did you mean {option} {place}:{name}?" if colon and callable(there) else ""


def _expressed(text: str, function: Function, key: str) -> Callable[..., Any]:
    """Return an expression in a function's operands and parameters as a callable of its operands, in their order."""
    from jacinspect.functions.expressions.expression import expression

    found = expression(text, known=function.parameters)
    operands, read = function.operands, found.operands
    if read == ("x",) and (len(operands) == 1 or re.search(r"\bx\b", text) is None):
        operands = read + operands[1:]  # x stands for the only operand; in "1", for none
    for name in read:
        if name not in operands:
            known = [*function.operands, *function.parameters]
            has = f"{function.name} has no {name}; it has {', '.join(known)}"
            raise InputError(f"{key} {text!r}: {has}{_beside(function, name, key)}")
    places = [operands.index(name) for name in read]
    return lambda *given: found.value(*(given[place] for place in places))
