"""Factors that have a name: a parameter of f, a length of A or X, a fraction, π. Next: diagnosis, place."""

from collections.abc import Iterator, Mapping
from math import e, gcd, isqrt, log, pi, prod, sqrt

from jacinspect.inspection.naming import Names
from jacinspect.jacobian.compact import Pattern

__all__ = ["chain_factors", "factors", "written"]

_LARGEST = 10  # numerator and denominator of the fractions that are tried: with more, some fraction fits by chance
_NO_FACTORS = ("axis", "dim", "correction")  # parameters that multiply nothing
_DIGITS = 3  # of a decimal, or of the inverse of one, that counts as a number that a person wrote
_KNOWN = 1e-5  # relative: with fewer digits than five, one of the short numbers fits by chance
_CONSTANTS = (
    *(("π", pi), ("1/π", 1 / pi), ("2π", 2 * pi), ("1/(2π)", 1 / (2 * pi)), ("π/2", pi / 2), ("2/π", 2 / pi)),
    *(("√π", sqrt(pi)), ("√(2π)", sqrt(2 * pi)), ("1/√(2π)", 1 / sqrt(2 * pi)), ("√(2/π)", sqrt(2 / pi))),
    *(("e", e), ("1/e", 1 / e), ("ln 2", log(2)), ("1/ln 2", 1 / log(2)), ("ln 10", log(10)), ("1/ln 10", 1 / log(10))),
    *(("π/180", pi / 180), ("180/π", 180 / pi)),
)


def chain_factors(parameters: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """Yield what a forgotten, or a superfluous, factor of the chain rule does, for each parameter of f."""
    for name, number in parameters.items():
        if abs(number) in (0.0, 1.0) or name in _NO_FACTORS:
            continue
        yield f"a missing chain factor: it is right times {name}={number:g}", 1 / number
        yield f"a chain factor too many: it is {name}={number:g} times what is right", number


def factors(pattern: Pattern, names: Names) -> Iterator[tuple[str, float]]:
    """Yield factors with their names: sizes and their roots, as in a mean or a scale; fractions; and constants."""
    for called, factor in _positive(pattern, names):
        yield called, factor
        yield f"−{called}", -factor


def _positive(pattern: Pattern, names: Names) -> Iterator[tuple[str, float]]:
    for of, shape in ((names.a, pattern.output_shape), (names.x, pattern.operand_shape)):
        for size in dict.fromkeys([*shape, prod(shape)]):
            if size > 1:
                of_what = f"{size} is {'the' if size == prod(shape) else 'a'} size of {of}"
                root = isqrt(size)
                name = f"√{size} ({of_what})" if root**2 != size else f"{root} (√{size}, and {of_what})"
                yield f"{size} ({of_what})", size
                yield f"1/{size} ({of_what})", 1 / size
                yield name, sqrt(size)
                yield f"1/{name}", 1 / sqrt(size)
    for above in range(1, _LARGEST + 1):
        for below in range(1, _LARGEST + 1):
            if gcd(above, below) == 1 and above != below:
                yield f"{above}/{below}" if below > 1 else f"{above}", above / below
    for n in (2, 3, 5):
        yield f"√{n}", sqrt(n)
        yield f"1/√{n}", 1 / sqrt(n)
    yield from _CONSTANTS


def written(factor: float, known_to: float) -> str:
    """Write a factor that is known to a relative error: as a fraction of small numbers, a short decimal, 1 over one.

    One that is known to few digits is written with those, for some short number always fits it.
    """
    if known_to > _KNOWN:
        return f"{factor:.{_DIGITS}g}"
    for above in range(1, _LARGEST + 1):
        for below in range(1, _LARGEST + 1):
            if gcd(above, below) == 1 and _close(abs(factor), above / below, known_to):
                return f"{'−' * (factor < 0)}{above}{f'/{below}' * (below > 1)}"
    if _close(factor, float(f"{factor:.{_DIGITS}g}"), known_to):
        return f"{factor:.{_DIGITS}g}".replace("-", "−")
    if _close(1 / factor, float(f"{1 / factor:.{_DIGITS}g}"), known_to):
        return f"{'−' * (factor < 0)}1/{abs(1 / factor):.{_DIGITS}g}"
    return f"{factor:.10g}"


def _close(factor: float, other: float, known_to: float) -> bool:
    return abs(factor - other) <= known_to * abs(other)
