"""Random operands reach both sides of every declared kink, and stay as they are where they do already."""

from itertools import pairwise
from math import inf

import numpy as np
import pytest

from jacinspect.functions.catalogue.tables import ENTRIES
from jacinspect.operands.branches import reaching
from jacinspect.operands.shapes import random_operand

EVERYWHERE = (-inf, inf)
BENT = [entry.name for entry in ENTRIES if entry.bind({}).bends]


def normal(*shape: int, seed: int = 0) -> "np.typing.NDArray[np.floating]":
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("name", BENT)
@pytest.mark.parametrize("seed", range(3))
def test_each_side_of_each_kink_has_an_entry(name: str, seed: int) -> None:
    (function,) = (entry.bind({}) for entry in ENTRIES if entry.name == name)
    domain = function.domain_of(1)
    x = reaching(random_operand((3, 2), np.float64, seed, 2**30, 1, domain), function.bends, domain, seed)
    for low, high in pairwise([-inf, *function.bends, inf]):
        assert np.any((low < x) & (x < high)), (low, high, x)


def test_what_reaches_all_sides_stays_as_it_is() -> None:
    x = normal(4, 4)
    assert reaching(x, (0.0,), EVERYWHERE, 0) is not None
    np.testing.assert_array_equal(reaching(x, (0.0,), EVERYWHERE, 0), x)
    np.testing.assert_array_equal(reaching(x, (), EVERYWHERE, 0), x)


def test_as_few_entries_move_as_there_are_sides_without_one() -> None:
    x = normal(4, 4)
    moved = reaching(x, (0.0, 6.0), EVERYWHERE, 0)
    assert np.count_nonzero(moved != x) == 1
    assert moved.max() > 6
    np.testing.assert_array_equal(moved, reaching(x, (0.0, 6.0), EVERYWHERE, 0))


@pytest.mark.parametrize("size", [0, 1])
def test_an_operand_without_the_entries_for_it_stays_as_it_is(size: int) -> None:
    x = normal(size)
    np.testing.assert_array_equal(reaching(x, (0.0, 6.0), EVERYWHERE, 0), x)


def test_nothing_moves_out_of_the_domain() -> None:
    x = np.abs(normal(5))
    np.testing.assert_array_equal(reaching(x, (0.0,), (0.0, inf), 0), x)
    inside = reaching(x / 10, (1.0,), (0.0, 2.0), 0)
    assert 1 < inside.max() < 2
