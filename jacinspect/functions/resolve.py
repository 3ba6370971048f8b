"""What a person types or passes, to a Function: a catalogue name, an expression, a reference, or a callable.

In: the text or callable, values of parameters, and which operands are given. Out: a Function; and, for a
derivative, that Function with it as its rule.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from keyword import iskeyword
from pathlib import Path
from typing import Any

from jacinspect.choices import Backend, DerivativeKind
from jacinspect.errors import InputError
from jacinspect.functions.catalogue import lookup as catalogue
from jacinspect.functions.domain import parse_interval
from jacinspect.functions.function import Function, Parameter, Wrt
from jacinspect.functions.numbers import Numbers
from jacinspect.functions.rules import Claim, Second, Vjp
from jacinspect.records import replace

# What reads expressions, and what imports code, is imported when there is some: the catalogue needs neither.

__all__ = ["configured", "is_reference", "resolve", "with_derivative", "with_hessian", "with_logdet", "with_pattern"]

_SEEDS = 2**32  # how many there are of numpy's global generator


def is_reference(text: str) -> bool:
    """Whether a text is meant as a reference to code: a module or a .py file, a colon, and a dotted name."""
    place, colon, name = text.rpartition(":")
    if not colon:
        return text.endswith(".py") and not text.startswith(("'", '"'))
    dotted = all(part.isidentifier() and not iskeyword(part) for part in place.split("."))
    return place.endswith(".py") or (dotted and all(part.isidentifier() for part in name.split(".")))


def resolve(
    function: str | Function | Callable[..., Any],
    parameters: Mapping[str, Parameter] | None = None,
    operands: Sequence[str | None] = (None,),
    backend: str | None = None,
    wrt: Wrt | None = None,
) -> Function:
    """Find the Function that a name, a text or a callable stands for.

    Parameters
    ----------
    function
        A name of the catalogue, an expression, "module:function", "file.py:function", or a callable.
    parameters
        Values for its parameters, by name.
    operands
        The operands that are given, each with its name where it was given one.
    backend
        "numpy", "torch" or "jax", for code; found by trying if None.
    wrt
        What it is to be differentiated by: such numbers in parameters become arrays.

    Raises
    ------
    InputError
        If it names nothing, or a parameter cannot be set.
    FunctionFailedError
        If importing the code raises.
    """
    given = dict(parameters or {})
    if backend is not None:
        Backend.require(backend, "backend:")
    if isinstance(function, Function):
        if given:
            raise InputError(f"{function.name} has its parameters already; {next(iter(given))!r} cannot be set")
        return function
    if any(isinstance(value, Mapping) for value in given.values()):
        from jacinspect.functions.code.containers import with_numbers_opened

        given = with_numbers_opened(_code(function), given, wrt)
    make = partial(_resolved_from, str(Path.cwd()), function, given, tuple(operands), backend)
    return replace(_resolved(function, given, operands, backend), make=make)


def _code(function: Any) -> Any:
    """Return the code that a reference is to; anything else as it is."""
    from jacinspect.functions.code.references import load

    return load(function) if isinstance(function, str) and is_reference(function) else function


def _resolved_from(folder: str, function: str | Callable[..., Any], *others: Any) -> Function:
    """Resolve, in another process, what was given in a folder."""
    return resolve(_as_given_in(folder, function), *others)


def _as_given_in(folder: str, given: Any) -> Any:
    """Return what was given in a folder as it can be found from where this process is."""
    if not isinstance(given, str) or not is_reference(given.strip()):
        return given
    from jacinspect.functions.code.references import typed_in

    return typed_in(folder, given.strip())


def _resolved(
    function: str | Callable[..., Any], given: dict[str, Parameter], operands: Sequence[str | None], backend: str | None
) -> Function:
    if not isinstance(function, str):
        from jacinspect.functions.code.callables import of_callable

        return of_callable(function, None, given, operands, backend)
    if is_reference(function):
        from jacinspect.functions.code.callables import of_callable
        from jacinspect.functions.code.references import load

        return of_callable(load(function), function, given, operands, backend)
    if backend is not None:
        raise InputError(f"backend {backend}: is for people's own code, and {function!r} is none")
    name = re.fullmatch(r"(?![xX]$|\d)\w*", function) is not None
    dashed = re.fullmatch(r"[^\W\d_]{2,}([ -][^\W\d_]{2,})+", function) is not None and not operands[1:] and not given
    if name or catalogue.knows(function) or (dashed and catalogue.similar(function)):
        return _with_reverse(catalogue.function(function, **given))
    from jacinspect.functions.expressions.expression import expression

    return expression(function, given)


def _with_reverse(function: Function) -> Function:
    """Return a function of the catalogue with its reverse mode and second derivative, imported when they are called."""

    def pull(*given: Any) -> Any:
        from jacinspect.functions.expressions.partials import pulled

        return tuple(pulled(function, given[:-1], given[-1], [True] * (len(given) - 1)))

    def product(*given: Any) -> Any:
        from jacinspect.functions.expressions.partials import bent

        half = len(given) // 2
        return tuple(bent(function, given[:half], given[half + 1 :], given[half], [True] * half))

    if function.source != "catalogue" or function.second:
        return function
    return replace(function, others=(Vjp(pull, "reverse", order=2),), second=(Second(product, "forward over reverse"),))


def configured(
    function: Function,
    take: int | str | None = None,
    domain: str | Sequence[float] | None = None,
    reseed: int | None = None,
) -> Function:
    """Return the function as it is to be inspected; what is None stays as it is.

    Parameters
    ----------
    take
        Which of several outputs to inspect: its name or its number.
    domain
        The interval in which every operand is drawn and moved, "LOW:HIGH" or a pair.
    reseed
        The seed of all generators at every call of the function and its derivative.

    Raises
    ------
    InputError
        If the domain is no interval, or has none of an operand's own, or the seed is none.
    """
    if take is not None:
        function = replace(function, take=str(take))
    if domain is not None:
        function = replace(function, bounds=parse_interval(domain))
        for name in function.operands:
            function.domain_of(name)
    if reseed is not None:
        if not (isinstance(reseed, int) and 0 <= reseed < _SEEDS):
            raise InputError(f"reseed: {reseed!r} is no seed of numpy's generator: an integer from 0 to {_SEEDS - 1}")
        function = replace(function, reseed=reseed)
    return function


def with_derivative(
    function: Function,
    derivative: str | Callable[..., Any] | Numbers,
    kind: str | None = None,
    backend: str | None = None,
) -> Function:
    """Return the function with a derivative to be checked: an expression, a reference, a callable or numbers at X.

    Parameters
    ----------
    function
        The function, of any number of operands.
    derivative
        An expression in its operands and parameters, or code that takes the operands, and for a rule the tangent (jvp)
        or the cotangent (vjp) after them. It is read by its result's shape, unless `kind` is given.
    kind
        One of `choices.DerivativeKind`, or None.
    backend
        As for `resolve`.

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
        of_first(function, _code(derivative.strip() if isinstance(derivative, str) else derivative)),
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
    return with_derivative(function, _as_given_in(folder, derivative), kind, backend)


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
    from jacinspect.functions.code.references import load

    given = load(hessian.strip()) if isinstance(hessian, str) and is_reference(hessian.strip()) else hessian
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
    from jacinspect.functions.code.references import load

    if isinstance(derivative, str):
        return place_of(load(derivative.strip())) if is_reference(derivative.strip()) else None
    return None if isinstance(derivative, Numbers) else place_of(derivative)


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
