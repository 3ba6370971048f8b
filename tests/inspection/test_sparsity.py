"""`jacinspect.sparsity`: the pattern alone, for scipy's solvers."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import least_squares
from scipy.optimize._numdiff import approx_derivative, group_columns

import jacinspect
from jacinspect.errors import FunctionFailedError, InputError
from samples.brusselator import brusselator, start


def stencil(x: Any) -> Any:
    return np.sin(x) + np.r_[0, x[:-1]] ** 2 - np.r_[x[1:], 0]


def test_the_pattern_is_that_of_an_inspection_at_fewer_calls() -> None:
    x, calls = np.linspace(0.1, 2, 30), [0]

    def f(x: Any) -> Any:
        calls[0] += 1
        return stencil(x)

    pattern = jacinspect.sparsity(f, x)
    alone = calls[0]
    report = jacinspect.inspect(f, x)
    assert report.jacobian is not None
    assert report.jacobian.arrangement is not None
    assert_array_equal(pattern.to_scipy().toarray(), report.jacobian.arrangement.pattern.to_scipy().toarray())
    assert alone <= report.detection.evaluations + 2 < report.calls


@pytest.mark.parametrize("vec", ["column", "row"])
def test_groups_are_those_that_scipy_takes(vec: Any) -> None:
    pattern = jacinspect.sparsity("softmax", np.ones((2, 3)))
    matrix, groups = pattern.to_scipy(vec), pattern.groups(vec)
    assert groups.max() + 1 == group_columns(matrix).max() + 1 == 3
    for color in range(3):
        assert (matrix.toarray()[:, groups == color].sum(axis=1) <= 1).all()
    unread = jacinspect.sparsity(lambda x: x[:2] * 1.0, np.ones(4))
    assert unread.groups().tolist() == [0, 0, 0, 0]


def test_scipy_takes_both() -> None:
    x = np.linspace(0.1, 2, 12)
    pattern = jacinspect.sparsity(stencil, x)
    found = approx_derivative(stencil, x, method="2-point", sparsity=(pattern.to_scipy(), pattern.groups()))
    assert_allclose(found.toarray(), approx_derivative(stencil, x), atol=1e-6)
    assert least_squares(stencil, x, jac_sparsity=pattern.to_scipy(), max_nfev=3).x.shape == (12,)


def test_a_system_of_differential_equations_by_its_state() -> None:
    y = start(10)
    pattern = jacinspect.sparsity(brusselator, 0.0, others={"y": y}, wrt="y")
    assert pattern.shape == (20, 20)
    assert pattern.stored == 20 + 20 + 2 * 18  # each reads itself, its partner, and two neighbours but at the ends
    assert pattern.groups().max() + 1 == 5


def test_what_has_no_pattern_is_said() -> None:
    draws = np.random.default_rng(0)
    with pytest.raises(FunctionFailedError, match="the same input gave different outputs"):
        jacinspect.sparsity(lambda x: x + draws.standard_normal(3), np.ones(3))
    with pytest.raises(InputError, match="ended before the pattern was proved"):
        jacinspect.sparsity("softmax", np.ones(200), max_evaluations=20)
