from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jacinspect.functions.catalogue.arithmetic.rounding import difference, product

NUMBERS = st.floats(-1e100, 1e100).filter(lambda x: x == 0 or abs(x) > 1e-100)


@given(NUMBERS, NUMBERS)
def test_a_difference_and_what_it_lacks(a: float, b: float) -> None:
    rounded, rest = difference(np.array([a]), np.array([b]))
    assert rounded[0] == a - b
    assert Fraction(float(rounded[0])) + Fraction(float(rest[0])) == Fraction(a) - Fraction(b)


@given(NUMBERS, NUMBERS)
def test_a_product_and_what_it_lacks(a: float, b: float) -> None:
    rounded, rest = product(np.array(a), np.array([b]))
    exact = Fraction(a) * Fraction(b)
    assert rounded[0] == a * b
    assert abs(Fraction(float(rounded[0])) + Fraction(float(rest[0])) - exact) <= abs(exact) / 2**104


def test_the_rest_is_seldom_zero() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 1000))
    assert np.mean(product(x, y)[1] != 0) > 0.9
    assert np.mean(difference(x, y * 1e-3)[1] != 0) > 0.5
