"""What an entry of the catalogue declares, held against what the function does."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from jacinspect.functions.catalogue import function
from jacinspect.functions.distribution import DISTRIBUTION
from jacinspect.functions.elementary import ELEMENTARY
from jacinspect.functions.entry import Entry, at
from jacinspect.functions.steps import STEPS
from jacinspect.functions.trigonometric import TRIGONOMETRIC
from tests.oracles import Array

DECLARED = [*ELEMENTARY, *TRIGONOMETRIC, *DISTRIBUTION, *STEPS]
GRID = np.arange(-2.0, 2.0625, 0.0625)
each = pytest.mark.parametrize("entry", DECLARED, ids=lambda entry: entry.name)


def remaining(f: Callable[[Any], Array], x: Array, least: float) -> Array:
    """Whether f changes across x no less if one looks 16 times nearer: not by a 16th, as it does where it is smooth."""

    def change(h: float) -> Array:
        beside = np.stack([f(x - h), f(x), f(x + h)])
        with np.errstate(invalid="ignore"):
            return np.asarray(np.ptp(beside, axis=0))

    far, near = change(2.0**-20), change(2.0**-24)
    return np.asarray((near >= far / 2) & (near > least))


def broken(entry: Entry, kinks: Callable[..., Any], jumps: Callable[..., Any]) -> tuple[list[float], list[float]]:
    """The points of [-2, 2], those that are declared among them, where the function has a kink and where a jump."""
    f = entry.bind({})
    assert f.derivative is not None
    low, high = entry.domain.get("x", (-np.inf, np.inf))
    x = np.unique(np.concatenate([GRID, kinks(**f.parameters), jumps(**f.parameters)]))
    x = x[(x > low) & (x < high)]
    jumping, two_slopes = remaining(f.value, x, 1e-9), remaining(f.derivative, x, 1e-6)
    two_slopes &= np.isfinite(f.derivative(x))  # a vertical tangent is one
    return x[two_slopes & ~jumping].tolist(), x[jumping].tolist()


@each
def test_the_domain_is_where_the_function_is_a_number(entry: Entry) -> None:
    low, high = entry.domain.get("x", (-np.inf, np.inf))
    ends = [low, high, np.nextafter(low, high), np.nextafter(high, low)]
    x = np.array([*GRID, -1e300, -1e3, 1e3, 1e300, *ends, np.nextafter(low, -np.inf), np.nextafter(high, np.inf)])
    x = x[np.isfinite(x)]
    np.testing.assert_array_equal(np.isnan(function(entry.name)(x)), (x < low) | (x > high))


@each
def test_symmetry(entry: Entry) -> None:
    f, low_high = function(entry.name), entry.domain.get("x", (-1.0, 1.0))
    x = np.concatenate([GRID, np.random.default_rng(0).normal(size=50) * 3, [1e3, 1e-200]])
    x = x[x != 0]
    found = {
        name
        for name, mirrored in (("even", f(x)), ("odd", -f(x)))
        if low_high[0] == -low_high[1] and np.array_equal(f(-x), mirrored, equal_nan=True)
    }
    assert found == set(entry.properties) & {"even", "odd"}


@each
def test_kinks_and_jumps(entry: Entry) -> None:
    f = entry.bind({})
    kinks, jumps = broken(entry, entry.kinks, entry.jumps)
    assert kinks == sorted(entry.kinks(**f.parameters))
    assert jumps == sorted(entry.jumps(**f.parameters))


@each
def test_infinitely_many_jumps_are_told_of(entry: Entry) -> None:
    low, high = entry.domain.get("x", (-np.inf, np.inf))
    x = np.array([2.5, 3.0, 7.0, 7.5])
    x = x[(x > low) & (x < high)]
    assert bool(np.any(remaining(function(entry.name).value, x, 1e-9))) == ("jumps at every" in entry.note)


@each
def test_what_is_for_people(entry: Entry) -> None:
    assert entry.latex
    for opening, closing in (("{", "}"), (r"\left", r"\right"), (r"\begin", r"\end")):
        assert entry.latex.count(opening) == entry.latex.count(closing)


def test_a_wrong_declaration_is_found() -> None:
    kinked = Entry(name="abs", formula="", value=np.abs, derivative=np.sign)
    assert broken(kinked, kinked.kinks, kinked.jumps) == ([0.0], [])
    smooth = Entry(name="sin", formula="", value=np.sin, derivative=np.cos)
    assert broken(smooth, at(0.5), at(0.3)) == ([], [])
    (floor,) = (entry for entry in STEPS if entry.name == "floor")
    assert broken(floor, at(), at(0.0)) == ([], [-2.0, -1.0, 0.0, 1.0, 2.0])
