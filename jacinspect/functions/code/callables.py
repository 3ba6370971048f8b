"""People's own callables to Functions.

In: a callable of numpy, torch or jax arrays, its parameters, and which operands are given. Out: a Function
that is adapted to the framework of its arrays (frameworks.py) once its operands are known.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from jacinspect.errors import InputError, is_own_file
from jacinspect.functions.code.arguments import apart, called_with, divided, in_order, with_documented_names
from jacinspect.functions.code.by_number import ByNumber
from jacinspect.functions.code.double import rules_for_second, second_rules
from jacinspect.functions.code.frameworks import autograd_function, following, plain, signature_of
from jacinspect.functions.code.in_place import returning
from jacinspect.functions.code.layers import from_the_start, made, own_backward
from jacinspect.functions.code.outputs import Joined
from jacinspect.functions.code.precision import accepted
from jacinspect.functions.code.seeding import reseeded
from jacinspect.functions.code.trees import leaves
from jacinspect.functions.code.weights import Weights, weights_of
from jacinspect.functions.function import Array, Function, Parameter
from jacinspect.functions.rules import Claim
from jacinspect.records import dataclass, replace

__all__ = ["callable_of", "of_callable", "place_of"]


def of_callable(
    f: Callable[..., Any],
    name: str | None = None,
    parameters: Mapping[str, Parameter] | None = None,
    named: Sequence[str | None] = (None,),
    backend: str | None = None,
) -> Function:
    """Make a Function of a callable of numpy, torch or jax arrays; `parameters` and `backend` are as for `resolve`.

    Its positional arguments without a default are its operands; one with a default, or by keyword alone, is an operand
    where `named` has it, one with a default also where that has an operand for it. All others are parameters. A
    torch.autograd.Function and an instance of an nn.Module are callables too.

    Raises
    ------
    InputError
        If it is a class, takes no operand, or has no such parameter.
    """
    name = name or str(getattr(f, "__name__", type(f).__name__))
    f, given = made(f, name, dict(parameters or {}))
    called = with_documented_names(callable_of(f, name), given)

    def bound(g: Any, values: Mapping[str, Parameter]) -> Callable[..., Any]:
        return called_with(from_the_start(g), operands, values, signature_of(g))

    found = weights_of(called, f, given, bound)
    operands, values = divided(called, name, given, named, needs_one=found is None)
    unbound = bound(called, given)
    weights = Weights({}, lambda _, __: unbound) if found is None else found
    return _Called(f, called, name, given, operands, values, unbound, weights, backend).function()


@dataclass(frozen=True, eq=False)
class _Called:
    """A callable, of which a Function is made, and what it is called with."""

    f: Any  # what a user named, or an instance of that class
    called: Callable[..., Any]
    name: str
    given: Mapping[str, Parameter]
    operands: tuple[str, ...]
    parameters: Mapping[str, Parameter]  # those that were given, and defaults
    value: Callable[..., Any]  # of the operands alone
    weights: Weights
    backend: str | None

    def function(self, names: Sequence[str] = ()) -> Function:
        """Make the Function of the operands and of the weights of these names."""
        operands = in_order(self.called, self.operands, names)
        backward = own_backward(self.called, operands, names, self.given)
        arguments = (*self.operands, *self.parameters)  # where a weight is called as one of them, that has the name
        owner: Any = getattr(self.called, "__self__", self.f)
        return Function(
            self.name,
            "unknown",
            self.value,
            rule=backward,
            source="python",
            operands=operands,
            parameters=self.parameters,
            defaults=self.parameters.keys() - self.given.keys(),
            origin=self.called,
            place=place_of(self.f),
            derivative_place=None if backward is None else place_of(owner.backward),
            adapt=partial(self._adapt, names, backward),
            own={key: value for key, value in self.weights.values.items() if key not in arguments},
            buffers=self.weights.buffers,
            enlarged=self.function,
            note=self.weights.note,
        )

    def _adapt(
        self,
        names: Sequence[str],
        backward: Claim | None,
        function: Function,
        point: Sequence[Array],
        moves: Sequence[bool],
    ) -> tuple[Function, Sequence[Array]]:
        """Adapt the Function, as it was configured since it was made."""
        if function.mode is not None and not self.weights.note:
            raise InputError(f"{self.name} has no torch module: leave out --mode {function.mode}")
        operands = in_order(self.called, self.operands, names)

        def call(*values: Any) -> Any:
            new, rest = apart(names, operands, values)
            return self.weights.bind(new, function.mode == "train")(*rest)

        by_number = ByNumber(returning(call, self.name, operands))
        rule = function.rule
        if backward is not None and rule is backward:  # which calls f, to keep what it needs
            rule = replace(backward, derivative=reseeded(backward.derivative, function.reseed))
        ready = replace(
            function,
            value=reseeded(by_number, function.reseed),
            rule=rule,
            is_by_number=lambda: by_number.needed,
            note=f"in {function.mode or 'eval'} mode, {function.note}" if function.note else "",
        )
        return _adapted(ready, self.called, point, moves, self.backend)


def _adapted(
    function: Function, f: Callable[..., Any], given: Sequence[Array], moves: Sequence[bool], backend: str | None
) -> tuple[Function, Sequence[Array]]:
    """Adapt a function to the framework whose arrays it takes; f is the callable, for what it is and mentions."""
    followed = following(function.value, moves)
    framework, stays, call, tried = accepted(f, followed, given, backend)
    differentiated = function.rule is None and stays
    # Elsewhere a detached output may be a mistake.
    marks = differentiated and autograd_function(f) is not None
    unfollowed = framework.unfollowed(function.value, tried) if marks else ()
    claim = function.rule if isinstance(function.rule, Claim) and function.rule.kind == "vjp" else None
    vectors = 0 if claim is None else claim.takes - len(function.operands)
    ready = framework.ready(call, tried)
    takes_all = partial(_takes_all, claim, given)
    joined = Joined(function.name, ready, framework, function.take, unfollowed, vectors, takes_all)
    note = function.note if call is followed else "called in single precision, for it takes no double"
    convention = framework.gradient if any(operand.dtype.kind == "c" for operand in given) else ""
    rules = framework.rules(joined, tried) if differentiated else ()
    adapted = replace(
        function,
        value=framework.value(joined),
        rule=rules[0] if rules else function.rule,  # a claim, if any
        others=(*rules[1:], *(rules_for_second(framework.name, joined) if rules else ())),
        second=second_rules(framework.name, joined) if rules else (),
        approximates=cache(lambda: bool(rules) and framework.approximates(joined, tried)),
        output=lambda: joined.bundle,
        take=None,
        mode=None,
        derivative_formula=function.derivative_formula or framework.autodiff * stays,
        note="; ".join(filter(None, (note, convention))),
        source="python" if framework.name == "numpy" else framework.name,
        adapt=None,
    )
    # Integers are as f accepts them, and real operands in the precision in which they were given.
    return adapted, [
        as_tried if operand.dtype.kind in "iu" else operand for as_tried, operand in zip(tried, given, strict=True)
    ]


def _takes_all(claim: Claim | None, operands: Sequence[Array], cotangents: Sequence[Array]) -> bool:
    """Whether a vjp takes several cotangents in one tuple: what it returns for them is as large as operands are."""
    arguments: list[Any] = [*(operand.copy() for operand in operands), tuple(cotangents)]
    if claim is None:
        return False
    try:
        found = [np.size(leaf) for _, leaf in leaves(claim.at(arguments)(*arguments))]
    except Exception:  # it calculates with the only one
        return False
    return {*found} <= {operand.size for operand in operands}


def place_of(f: Any) -> tuple[str, int] | None:
    """Find the file and the line at which a function or its class is defined; None of what nobody here wrote."""
    f = inspect.unwrap(f.func if isinstance(f, partial) else f)
    owner = getattr(f, "__self__", None)
    for definition in (owner if isinstance(owner, type) else f, type(f)):
        try:
            file = inspect.getsourcefile(definition)
            code = getattr(definition, "__code__", None)  # without it, source text has to be searched
            line = code.co_firstlineno if code else inspect.getsourcelines(definition)[1]
            is_own = file is not None and is_own_file(file) and Path(file).is_file()  # a notebook's cells are in none
            return (str(file), max(line, 1)) if is_own else None
        except (OSError, TypeError):
            continue
    return None


def callable_of(f: Any, name: str) -> Callable[..., Any]:
    """Return what is to be called of an object that a user named: of one with a `forward`, that.

    Raises
    ------
    InputError
        If it is a class, no function at all, or a method without its object.
    """
    called = plain(f)
    if isinstance(called, type):
        raise InputError(f"{name}: is a class; name an instance of it, or a function")
    if not callable(called):
        called = getattr(called, "forward", called)
    if not callable(called):
        raise InputError(f"{name}: is a {type(f).__name__}, not a function")
    if inspect.isfunction(called) and called.__code__.co_varnames[:1] == ("self",):
        raise InputError(f"{name}: is a method of a class, without an object; name the method of an instance of it")
    return called  # type: ignore[no-any-return]
