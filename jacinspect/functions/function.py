"""A function with its analytic rule: what the catalogue, an expression or people's code is for the inspection.

Of several operands, `by` makes a function of the one, or of those laid end to end, that its Jacobian is taken by.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import field
from itertools import chain, repeat
from typing import Any

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.broadcasting import require_broadcastable
from jacinspect.functions.by_operand import Operands, fix
from jacinspect.functions.complex_parts import ComplexParts
from jacinspect.functions.domain import EVERYWHERE, Interval, common, require_inside
from jacinspect.functions.opened import Opened, claimed_together
from jacinspect.functions.remade import Remade
from jacinspect.functions.rules import Array, Claim, Jvp, Rule, Second, Slopes, Vjp
from jacinspect.functions.wrt import Wrt, in_pattern, named_by, patterns_of, singly
from jacinspect.operands.bundle import Bundle
from jacinspect.records import dataclass, replace
from jacinspect.wording import format_shape

__all__ = ["Array", "Function", "Parameter", "Wrt", "patterns_of"]

Parameter = Any  # a number, a word, true, false or none; of people's own code, anything
Shape = tuple[int, ...]
_LISTED = 12  # weights that a message lists


@dataclass(frozen=True)
class Function:
    """A differentiable function of one array or of several, its parameters bound.

    `value(x, y, …)` takes all operands and gives the output array; `rule` is the analytic derivative, in one of the
    forms of rules.py. An element-wise function, with broadcasting, has `Slopes`. The declared `kind` is for people to
    read; no measurement uses it.

    Only what `by` makes of it, a function of one operand, the others being `fixed`, can be inspected. People's own code
    may be written for numpy, torch or jax: `adapt`, given operands to try it on, and which of them are to be open,
    returns the function with a value and a rule of numpy arrays, and the operands as it takes them.
    """

    name: str
    kind: str  # "elementwise", "binary" (element-wise of several operands), "row-wise", "reduction", …
    value: Callable[..., Array]
    rule: Rule | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)  # all of them, in declared order
    defaults: Collection[str] = ()  # those of them that nobody gave a value: a claimed derivative has its own defaults
    formula: str = ""
    derivative_formula: str = ""
    latex: str = ""  # the formula, as LaTeX has it
    domain: Mapping[str, Interval] = field(default_factory=dict)  # the interval of an operand, if not all
    bounds: Interval = EVERYWHERE  # of all operands, as whoever inspects the function demands
    bends: tuple[float, ...] = ()  # where an element-wise function has a kink or a jump, as far as that is declared
    source: str = "catalogue"
    operands: tuple[str, ...] = ("x",)
    partial_formulas: tuple[str, ...] = ()  # of a function of several operands, one by each
    fixed: Mapping[str, Array] = field(default_factory=dict)  # the values of all operands but one, by name
    origin: Any = None  # the callable itself, of people's own code
    place: tuple[str, int] | None = None  # the file and line of the definition, of people's own code
    derivative_place: tuple[str, int] | None = None  # those of the claimed derivative
    adapt: Callable[["Function", Sequence[Array], Sequence[bool]], "tuple[Function, Sequence[Array]]"] | None = None
    own: Mapping[str, Array] = field(default_factory=dict)  # weights that the code holds itself, by their names
    buffers: Collection[str] = ()  # those of them that a pattern of names leaves out
    enlarged: Callable[[Sequence[str]], "Function"] | None = None  # the function with these of its weights as operands
    note: str = ""  # what was done to the code's own objects
    mode: str | None = None  # "train" or "eval", of torch modules
    take: str | None = None  # of a function that returns several arrays: the name or number of the one to inspect
    reseed: int | None = None  # of people's own code: the seed of all generators at every call
    is_by_number: Callable[[], bool] = lambda: False  # whether, so far, it refused arrays, and was given numbers
    approximates: Callable[[], bool] = lambda: False  # whether the rule may approximate, as a framework's own
    output: Callable[[], Bundle | None] = lambda: None  # where it returns several arrays, these, after its first call
    operand: Bundle | None = None  # the open operands, where they are several
    others: tuple[Jvp | Vjp, ...] = ()  # the function's own rules beside `rule`: forward mode beside a backward
    second: tuple[Second, ...] = ()  # its own second-order rules, the one that people call first
    hessian: Claim | None = None  # a claim for the second derivative, which is checked in place of these
    logdet: Claim | None = None  # a claim for log|det J|, a number or one for each item of a batch
    declared: Claim | None = None  # a matrix whose entries are declared to be all that may not be 0: a sparsity pattern
    make: Callable[[], "Function"] | None = None  # makes it anew in another process, before anything is set or opened
    claimed: Callable[["Function"], "Function"] | None = None  # gives one that is made anew the claimed derivative
    remade: Remade | None = None  # of one operand: the same value, made anew where it is first called
    elsewhere: Any = None  # an Elsewhere that calls it on an executor; None to call it here
    gradient_of: str = ""  # of the gradient of another function, as it is written in ∂²f/∂x∂y: that function

    def __call__(self, *operands: Array) -> Array:
        """f(x) or f(x, y, …), an array; operands are any real arrays."""
        return self.value(*map(np.asarray, operands))

    @property
    def derivative(self) -> Callable[..., Array] | None:
        """The derivative f' of an element-wise function of one operand: f'(x) has the output's shape. Else None."""
        return self.rule.partials[0] if isinstance(self.rule, Slopes) and len(self.rule.partials) == 1 else None

    def including(self, wrt: Wrt | None, given: Collection[str] = ()) -> "Function":
        """Return the function with those of its own weights as operands that `wrt` asks for, or that are `given`."""
        patterns = patterns_of(wrt)
        names = [
            name
            for name in self.own
            if name in (*given, *patterns)
            or (name not in self.buffers and any(in_pattern(name, pattern) for pattern in patterns))
        ]
        if not names or self.enlarged is None:
            return self
        return replace(self.enlarged(names), mode=self.mode, make=self.make)

    def positions(self, wrt: Wrt, operands: Sequence[Array] = ()) -> list[int]:
        """Find the places, from 1, of the operands that `wrt` names, in its order.

        Parameters
        ----------
        wrt
            A name, a place, "all", or a pattern of names with `*`, `?` and `[…]`; several in a list, or in a text with
            commas between them. The name of a container, or of a module, stands for all in it.
        operands
            Where their values are known, a pattern leaves out those that are not of real numbers, such as labels.

        Raises
        ------
        InputError
            If there is no such operand.
        """
        found: list[int] = []
        for one in singly(wrt, self.operands):
            places = [self.operands.index(name) + 1 for name in named_by(one, self.operands)]
            if not places:
                named = (f"{name} ({place})" for place, name in enumerate(self.operands, 1))
                *first, last = [*named, *list(self.own)[:_LISTED]]
                known = f"{', '.join(first)} and {last}" if first else last
                raise InputError(f"{self.name} has no operand {one!r} to differentiate by; it has {known}")
            real = [place for place in places if place > len(operands) or operands[place - 1].dtype.kind in "fc"]
            found += real or places
        return list(dict.fromkeys(found))

    @property
    def open(self) -> tuple[str, ...]:
        """The names of the operands that are not fixed."""
        return (
            self.operand.names if self.operand is not None else tuple(n for n in self.operands if n not in self.fixed)
        )

    def bundles(self, operand: Shape, output: Shape) -> tuple[Bundle, Bundle]:
        """Return the open operand and the output, of these shapes, as bundles."""
        name = self.open[0] if self.open else "x"
        return self.operand or Bundle.of([(name, operand)]), self.output() or Bundle.of([("A", output)])

    def domain_of(self, operand: int | str) -> Interval:
        """Return the closed interval of an operand, by its place from 1 or by name: where f is defined."""
        name = self.operands[operand - 1] if isinstance(operand, int) else operand
        return common(name, self.domain.get(name, EVERYWHERE), self.bounds)

    def opened(self, wrt: Wrt, operands: Sequence[Array], dtype: str = "float64") -> "tuple[Function, Array]":
        """Fix all operands but those that `wrt` names; gives a function of one array, and that array.

        One operand keeps its shape; several are laid end to end. What is differentiated by becomes real numbers, of
        `dtype` where they are integers; among the other operands of people's own code, integers stay what they are.
        Where a claimed derivative is by more operands than `wrt` names, all of them are opened.
        """
        found, x = self._opened(wrt, operands, dtype)
        return replace(found, remade=self.make and Remade(self, self.make, found.open, operands, dtype)), x

    def _opened(self, wrt: Wrt, operands: Sequence[Array], dtype: str) -> "tuple[Function, Array]":
        self._require_number(operands)
        values = [*map(np.asarray, operands)]
        apart = ComplexParts.of(self.operands, values)
        if apart is not None:
            return self._real(apart)._opened(apart.opened(wrt), apart.split(values), dtype)
        places = self.positions(wrt, values if self.adapt else ())
        values = [
            _real(operand, name, dtype) if place in places or self.adapt is None else operand
            for place, (name, operand) in enumerate(zip(chain(self.operands, repeat("")), values, strict=False), 1)
        ]
        found = self.by(places, values)
        arrays = [values[place - 1] for place in places]
        for place, array in zip(places, arrays, strict=True):
            require_inside(self.operands[place - 1], array, self.bounds)
        whole = [self.operands[place - 1] for place in places if np.asarray(operands[place - 1]).dtype.kind in "iu"]
        if whole and self.adapt is not None:
            found = replace(found, value=_no_indices(found.value, self.name, whole))
        x = arrays[0] if found.operand is None else found.operand.join(arrays)
        wider = claimed_together(self.rule, values, [place - 1 for place in places], lambda: found(x.copy()))
        if wider:
            found, x = self._opened([place + 1 for place in wider], operands, dtype)
            note = f"the derivative is by {' and '.join(found.open)}, and so it is compared"
            return replace(found, note="; ".join(filter(None, (found.note, note)))), x
        return found, x

    def _real(self, apart: ComplexParts) -> "Function":
        """Return the function of the real and imaginary parts of its complex operands."""
        if self.adapt is None:
            raise InputError(f"{self.name} is inspected at real numbers; name code for complex ones, as numpy:exp")
        if self.hessian is not None:
            raise InputError(f"{self.name}: a Hessian is checked by real operands; leave it out, and say --order 2")
        if self.logdet is not None:
            raise InputError(f"{self.name}: log|det J| is checked by real operands; leave --logdet out")
        adapt = self.adapt

        def adapted(
            function: Function, point: Sequence[Array], moves: Sequence[bool]
        ) -> tuple[Function, Sequence[Array]]:
            whole = replace(function, operands=self.operands, rule=self.rule)
            ready, point = adapt(whole, apart.join(point), apart.either(moves))
            real = replace(
                ready,
                value=apart.value(ready.value),
                rule=apart.rule(ready.rule, ready.output),
                others=tuple(map(apart.autodiff, ready.others)),
                second=tuple(map(apart.second, ready.second)),
                operands=apart.names,
            )
            return real, apart.split(point)

        return replace(self, operands=apart.names, adapt=adapted)

    def by(self, wrt: Wrt, operands: Sequence[Array]) -> "Function":
        """Fix all operands but those that `wrt` names; gives a function of the one, or of several laid end to end.

        Parameters
        ----------
        wrt
            The operands that stay open, as for `positions`.
        operands
            A value for every operand, in order; of an open one, only the shape counts.

        Raises
        ------
        InputError
            If there is no such operand, there are more or fewer values than operands, or the operands of an
            element-wise function cannot be broadcast to one shape.
        """
        places = tuple(place - 1 for place in self.positions(wrt, operands))
        self._require_number(operands)
        if self.adapt is not None:
            adapted, operands = self.adapt(self, operands, [place in places for place in range(len(operands))])
            return adapted.by(wrt, operands)
        self._require_no_options_of_code()
        if len(operands) == 1:
            only = Operands(operands)
            second = tuple(rule.by(0, only) for rule in self.second)
            return replace(self, rule=self.rule and self.rule.by(0, only), second=second)
        if self.kind == "binary":
            require_broadcastable(self.name, self.operands, [np.shape(operand) for operand in operands])
        fixed = Operands([np.asarray(operand).view() for operand in operands])
        for operand in fixed.arrays:  # a function that writes into one of these would be another at the next call
            operand.flags.writeable = False
        found = self._by_one(*places, fixed) if len(places) == 1 else self._by_several(places, fixed)
        still = {name: operands[place] for place, name in enumerate(self.operands) if place not in places}
        return replace(found, partial_formulas=(), fixed=still)

    def _by_one(self, place: int, fixed: Operands) -> "Function":
        """Return the function of the operand at a place."""
        return replace(
            self,
            value=fix(self.value, place, fixed),
            rule=self.rule and self.rule.by(place, fixed),
            others=tuple(rule.by(place, fixed) for rule in self.others),
            second=tuple(rule.by(place, fixed) for rule in self.second),
            hessian=self.hessian and self.hessian.by(place, fixed),
            logdet=self.logdet and self.logdet.by(place, fixed),
            derivative_formula=self.partial_formulas[place] if self.partial_formulas else self.derivative_formula,
        )

    def _by_several(self, places: tuple[int, ...], fixed: Operands) -> "Function":
        """Return the function of the operands at some places, laid end to end."""
        bundle = Bundle.of((self.operands[place], fixed.arrays[place].shape) for place in places)
        opened = Opened(fixed, places, bundle)
        return replace(
            self,
            value=opened.value(self.value),
            rule=opened.rule(self.rule),
            others=tuple(map(opened.autodiff, self.others)),
            second=tuple(map(opened.second, self.second)),
            hessian=self.hessian and opened.claim(self.hessian),
            logdet=self.logdet and opened.claim(self.logdet),
            derivative_formula="" if self.partial_formulas else self.derivative_formula,  # that of x alone
            operand=bundle,
        )

    def _require_no_options_of_code(self) -> None:
        for option, value in (("mode", self.mode), ("reseed", self.reseed)):
            if value is not None and self.enlarged is None:
                raise InputError(f"{self.name} is not Python code: leave out --{option} {value}")
        if self.take is not None:
            raise InputError(f"{self.name} returns one array: leave out --take {self.take}")

    def _require_number(self, operands: Sequence[Array]) -> None:
        if len(operands) != len(self.operands):
            takes = "one operand" if len(self.operands) == 1 else f"the operands {' and '.join(self.operands)}"
            raise InputError(f"{self.name} takes {takes}; the number given is {len(operands)}")

    def push(self, operands: Sequence[Array], tangents: Sequence[Array | None]) -> Array:
        """Push a tangent of each operand (its shape; None where it does not move) through f; gives the output's shape.

        At least one operand moves.

        Raises
        ------
        TypeError
            If the function has no rule that pushes tangents.
        """
        if not isinstance(self.rule, Slopes | Jvp):
            raise TypeError(f"{self.name} has no analytic derivative")
        return self.rule.jvp(operands, tangents)

    def jvp(self, x: Array, dx: Array) -> Array:
        """Push the tangent dx (x's shape) through f at x; gives the output's shape.

        Raises
        ------
        InputError
            If the shapes of x and dx differ.
        TypeError
            If the function has no rule that pushes tangents.
        """
        x, dx = np.asarray(x), np.asarray(dx)
        if dx.shape != x.shape:
            raise InputError(
                f"a tangent of shape {format_shape(dx.shape)} does not fit the operand's {format_shape(x.shape)}"
            )
        return self.push([x], [dx])


def _no_indices(value: Callable[..., Array], function: str, names: Sequence[str]) -> Callable[..., Array]:
    """Return a function that says so where it takes whole numbers, which were made real ones, for indices."""

    def called(*operands: Array) -> Array:
        try:
            return value(*operands)
        except (IndexError, TypeError) as error:
            if not re.search(r"ind(ex|ic)", str(error), re.I):
                raise
            which = " and ".join(names)
            raise InputError(
                f"{function} has no derivative by {which}: it takes whole numbers there, as indices; "
                f"leave out {which} in --wrt"
            ) from error

    return called


def _real(array: Array, name: str, dtype: str) -> Array:
    if array.dtype.kind not in "fiu":
        raise InputError(f"{name}: an array of real numbers is needed, not of {array.dtype}")
    return array if array.dtype.kind == "f" else array.astype(np.empty(0, dtype).real.dtype)
