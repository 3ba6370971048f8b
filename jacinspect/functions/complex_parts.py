"""Functions of complex numbers as functions of real ones: each complex operand in two, its real and imaginary parts.

In: the value and the rules of a function, and which of its operands are complex. Out: the same of the parts, z.re and
z.im. The gradient of a real L by z is ∂L/∂re + i ∂L/∂im throughout, as torch has it; jax's is the conjugate, which
backends.py turns. A claimed f'(z) is that of a holomorphic function: the parts' Jacobian is [[re, −im], [im, re]].
Next: function.py.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from jacinspect.functions.code.trees import items
from jacinspect.functions.rules import Array, Claim, Jvp, Rule, Second, Vjp
from jacinspect.operands.bundle import Bundle, names_of_parts, whole
from jacinspect.records import dataclass, replace

__all__ = ["ComplexParts", "joined"]


@dataclass(frozen=True)
class ComplexParts:
    """The operands of a function, in order: their names, and whether each is complex."""

    operands: tuple[str, ...]
    is_complex: tuple[bool, ...]

    @classmethod
    def of(cls, operands: Sequence[str], arrays: Sequence[Array]) -> "ComplexParts | None":
        """Look which operands are complex; None if none is."""
        found = tuple(array.dtype.kind == "c" for array in arrays)
        return cls(tuple(operands), found) if any(found) else None

    @classmethod
    def of_parts(cls, bundle: Bundle) -> "ComplexParts":
        """Look which parts of a bundle stand for complex arrays."""
        real, imaginary = ({pair[k].name for pair in bundle.complex_pairs} for k in (0, 1))
        found = [(part.name, part.name in real) for part in bundle.parts if part.name not in imaginary]
        return cls(tuple(whole(name) if two else name for name, two in found), tuple(two for _, two in found))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the real operands: z.re and z.im of a complex z."""
        pairs = zip(self.operands, self.is_complex, strict=True)
        return tuple(chain.from_iterable(names_of_parts(name) if two else (name,) for name, two in pairs))

    def opened(self, wrt: Any) -> Any:
        """Return what is to be differentiated by with the parts of a complex operand for its name or its place."""
        if isinstance(wrt, str):
            wrt = [each.strip() for each in wrt.split(",")]
        if isinstance(wrt, int):
            wrt = [wrt]
        return list(chain.from_iterable(map(self._opened, wrt)))

    def _opened(self, one: int | str) -> Iterable[int | str]:
        place = int(one) - 1 if isinstance(one, int) or one.isdecimal() else -1
        name = self.operands[place] if 0 <= place < len(self.operands) else one
        if name in self.operands and self.is_complex[self.operands.index(str(name))]:
            return names_of_parts(str(name))
        return [name]

    def split(self, arrays: Iterable[Any]) -> list[Any]:
        """Return the real operands of given ones."""
        return list(chain.from_iterable(map(_split, arrays, self.is_complex)))

    def join(self, parts: Iterable[Any]) -> list[Any]:
        """Return the operands of given real ones; the inverse of `split`."""
        left = iter(parts)
        return [joined(next(left), next(left)) if two else next(left) for two in self.is_complex]

    def either(self, parts: Iterable[bool]) -> list[bool]:
        """Say of each operand whether one of its real ones is said to be something."""
        left = iter(parts)
        return [next(left) | next(left) if two else next(left) for two in self.is_complex]

    def value(self, value: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function of the operands as one of the real ones."""
        return lambda *given: value(*self.join(given))

    def autodiff(self, rule: Jvp | Vjp) -> Jvp | Vjp:
        """Return a rule of the operands as one of the real ones."""
        if isinstance(rule, Jvp):
            return replace(rule, push=self._push(rule.push))
        return replace(rule, pull=self._pull(rule.pull))

    def second(self, rule: Second) -> Second:
        """Return a second-order rule of the operands as one of the real ones."""

        def product(*given: Any) -> Any:
            number = len(self.names)
            found = rule.product(*self.join(given[:number]), given[number], *self.join(given[number + 1 :]))
            return tuple(self.split(found if isinstance(found, tuple) else (found,)))

        return replace(rule, product=product)

    def rule(self, rule: Rule | None, output: Callable[[], Bundle | None]) -> Rule | None:
        """Return a rule or a claim; `output` is what the function returns, in real parts."""
        if isinstance(rule, Jvp | Vjp):
            return self.autodiff(rule)
        return self._claim(rule, output) if isinstance(rule, Claim) else None

    def _push(self, push: Callable[..., Any], opened: Sequence[int] | None = None) -> Callable[..., Any]:
        number = len(self.names)
        return lambda *given: push(*self.join(given[:number]), *self._tangents(given[number:], opened))

    def _tangents(self, parts: Sequence[Any], opened: Sequence[int] | None = None) -> list[Any]:
        """Join the tangents of the real operands at the places `opened`, from 0, or of all."""
        places = range(len(self.names)) if opened is None else opened
        found, owners = dict(zip(places, parts, strict=True)), self._owners()
        each = [[found.get(place) for place, of in enumerate(owners) if of == moves] for moves in self._moving(places)]
        return [pair[0] if len(pair) == 1 else _joined_if_both(*pair) for pair in each]

    def _moving(self, places: Sequence[int]) -> list[int]:
        """Return the places of the operands whose real ones are at these places, in their order."""
        owners = self._owners()
        return list(dict.fromkeys(owners[place] for place in places))

    def _owners(self) -> list[int]:
        """Return the place of the operand that each real one is of."""
        return [place for place, two in enumerate(self.is_complex) for _ in range(1 + two)]

    def _pull(self, pull: Callable[..., Any]) -> Callable[..., Any]:
        def pulled(*given: Any) -> Any:
            found = pull(*self.join(given[:-1]), given[-1])
            found = found if isinstance(found, tuple) else (found,) * len(self.operands)
            return tuple(self.split(found))

        return pulled

    def _claim(self, claim: Claim, output: Callable[[], Bundle | None], opened: Sequence[int] | None = None) -> Claim:
        """Return a claim, the tangents of which are those of the real operands at the places `opened`, or of all."""

        def restricted(derivative: Callable[..., Any]) -> Callable[..., Any]:
            if claim.kind == "jvp":
                return self._push(derivative, opened)
            if claim.kind == "vjp":
                return self._pull(derivative)
            return lambda *given: self._blocks(derivative(*self.join(given)), output())

        def adapt(arguments: Sequence[Array]) -> Callable[..., Any]:
            point, rest = arguments[: len(self.names)], list(arguments[len(self.names) :])
            if claim.kind == "jvp":
                rest = self._tangents(rest, opened)
            return restricted(claim.at([*self.join(point), *rest]))

        def of(places: Sequence[int]) -> Claim:
            return self._claim(claim.at_places(self._moving(places)), output, places)

        made = Claim(restricted(claim.derivative), claim.kind, claim.adapt and adapt)
        return replace(made, of=of) if claim.kind == "jvp" and opened is None else made

    def _blocks(self, given: Any, output: Bundle | None) -> Any:
        """Return the derivative of each part of the output by each real operand, by their names.

        A linear operator, which has no parts, is returned as it is.
        """
        if hasattr(given, "matvec"):
            return given
        if isinstance(given, tuple) and len(given) == len(self.operands):
            by_operand = list(given)
        else:
            named = dict(items(given) or [])
            by_operand = [named.get(name, given) for name in self.operands]
        pairs = [] if output is None else output.complex_pairs
        if not pairs:
            real = zip(self.operands, by_operand, self.is_complex, strict=True)
            return dict(chain.from_iterable(_gradient(name, each, two) for name, each, two in real))
        rows: dict[str, dict[str, Any]] = {}
        for re, im in pairs:
            rows[re.name], rows[im.name] = {}, {}
            for name, each, two in zip(self.operands, by_operand, self.is_complex, strict=True):
                a, b = np.real(each), np.imag(each)
                x, y = names_of_parts(name) if two else (name, "")
                rows[re.name] |= {x: a} | ({y: -b} if two else {})
                rows[im.name] |= {x: b} | ({y: a} if two else {})
        return rows


def _gradient(name: str, given: Any, two: bool) -> list[tuple[str, Any]]:
    """Return the derivative of a real output by the parts of an operand."""
    return list(zip(names_of_parts(name) if two else [name], _split(given, two), strict=True))


def _split(array: Any, two: bool) -> list[Any]:
    return [np.real(array), np.imag(array)] if two else [np.real(array)]


def _joined_if_both(re: Any, im: Any) -> Array:
    """Return the tangent of a complex operand, of whose parts one may not move."""
    return joined(np.zeros_like(im) if re is None else re, np.zeros_like(re) if im is None else im)


def joined(re: Any, im: Any) -> Array:
    """Return re + i·im, whose parts are these, also where they are not finite."""
    re, im = np.asarray(re), np.asarray(im)
    joined = np.empty(np.broadcast_shapes(re.shape, im.shape), np.result_type(re, im, np.complex64))
    joined.real, joined.imag = re, im
    return joined
