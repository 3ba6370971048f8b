"""Functions that put a line in another order, against plain loops."""

import numpy as np
import pytest
from mpmath import mpf

from jacinspect.functions.catalogue.lookup import function
from jacinspect.functions.function import Parameter
from tests.functions.catalogue.lines import SHAPES, Row, Textbook, errors, jacobian

inf, nan = np.inf, np.nan


def taking(order: list[int]) -> list[Row]:
    return [[mpf(j == k) for j in range(len(order))] for k in order]


def ascending(row: Row) -> list[int]:
    return sorted(range(len(row)), key=lambda k: (row[k], k))


def descending(row: Row) -> list[int]:
    return sorted(range(len(row)), key=lambda k: (-row[k], k))


def textbook(name: str, parameters: dict[str, Parameter]) -> Textbook:
    def order(row: Row) -> list[int]:
        n = len(row)
        if name == "sort":
            return descending(row) if parameters else ascending(row)
        return [n - 1 - k if name == "flip" else (k - int(parameters.get("shift") or 0)) % n for k in range(n)]

    return lambda row: [row[k] for k in order(row)], lambda row: taking(order(row))


CASES: list[tuple[str, dict[str, Parameter]]] = [
    ("sort", {}),
    ("sort", {"descending": True}),
    ("flip", {}),
    ("roll", {"shift": 1}),
    ("roll", {"shift": -4}),
]


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_value_and_jacobian_line_by_line(
    name: str, parameters: dict[str, Parameter], shape: tuple[int, ...], axis: int
) -> None:
    x = np.random.default_rng(3).integers(-3, 3, size=shape).astype(float)  # with ties
    assert errors(function(name, axis=axis, **parameters), x, axis, textbook(name, parameters)) == (0, 0)


def test_roll_rolls_by_one() -> None:
    assert function("roll")(np.array([1.0, 2, 3])).tolist() == [3, 1, 2]


@pytest.mark.parametrize("down", [False, True])
def test_equal_entries_stay_in_their_order(down: bool) -> None:
    x = np.array([2.0, 1, 2, 1, 2])
    order = [0, 2, 4, 1, 3] if down else [1, 3, 0, 2, 4]
    np.testing.assert_array_equal(jacobian(function("sort", descending=down), x), np.eye(5)[order])


def test_infinities_have_a_place_and_nan_has_none() -> None:
    x = np.array([[inf, 0, -inf], [1, nan, 0]])
    np.testing.assert_array_equal(function("sort")(x), [[-inf, 0, inf], [nan] * 3])
    np.testing.assert_array_equal(function("flip")(x), [[-inf, 0, inf], [0, nan, 1]])
    assert np.isnan(jacobian(function("sort"), x)[3:, 3:]).all()
