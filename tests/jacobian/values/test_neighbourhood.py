"""f around a point: what rounding does to its outputs, by plain loops, and the stencils it is differenced along."""

from collections.abc import Callable

import numpy as np
import pytest

from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.colors.coloring import by_color
from jacinspect.jacobian.colors.seeds import colors_of
from jacinspect.jacobian.compact import Jacobian, Pattern
from jacinspect.jacobian.magnitudes import Magnitudes
from jacinspect.jacobian.values.neighbourhood import Neighbourhood
from tests.oracles import Array

DOUBLE, HALF = 2.0**-52, 2.0**-10
X = np.array([0.5, -300.0, 0.0, 2e-3, 7.0])
# Of five outputs, one of which reads nothing, and five inputs, of which the third is 0.
ENTRIES = {(0, 0): 2.0, (0, 1): -1e-3, (0, 4): 0.25, (1, 2): 1e5, (1, 3): -40.0, (3, 3): np.inf, (3, 4): 3.0}
ENTRIES |= {(4, 0): 1.0, (4, 1): 1.0}
WIDE = {(0, 4), (4, 0)}
ROWS, COLUMNS = (np.array(index) for index in zip(*ENTRIES, strict=True))
PATTERN = Pattern.from_pairs(ROWS, COLUMNS, (5,), (5,))
J = Jacobian(PATTERN, np.array([*ENTRIES.values()]))
BAR = np.array([1e3 if entry in WIDE else 0.0 for entry in ENTRIES])


def f(x: Array) -> Array:
    """Return outputs that read as many inputs as in ENTRIES."""
    return np.array([x[0] * x[1] + x[4], x[2] - x[3] ** 2, 5.0, x[3] + x[4] * 3, np.sin(x[0]) * x[1]])


def near(of: Callable[[Array], Array] = f, x: Array = X, epsilon: float = DOUBLE) -> Neighbourhood:
    box = BlackBox(of, x)
    return Neighbourhood(box, x, epsilon, Magnitudes(box.y0.size))


def unit(column: int) -> float:
    return max(1.0, abs(float(X[column])))


def counts(entry: tuple[int, int]) -> bool:
    return entry not in WIDE and bool(np.isfinite(ENTRIES[entry]))


@pytest.mark.parametrize("factor", [1.0, 0.125])
def test_rounding_is_the_sum_of_what_each_input_does_to_an_output(factor: float) -> None:
    expected = [0.0] * 5
    for (row, column), slope in ENTRIES.items():
        if counts((row, column)):
            expected[row] += factor * abs(slope * float(X[column]))
    rounding = near().rounding(J, BAR, factor)[:]
    assert np.all((rounding >= expected) & (rounding <= 1.1 * np.array(expected)))


def test_in_a_band_of_outputs_each_entry_has_the_terms_of_the_others_in_its_row() -> None:
    for rows in (slice(0, 5), slice(1, 4), slice(2, 3)):
        band = near().band(J, rows)
        wide = band.is_wide(BAR[band.entries])
        within = [entry for entry in ENTRIES if rows.start <= entry[0] < rows.stop]
        terms = {entry: abs(ENTRIES[entry] * float(X[entry[1]])) for entry in within if counts(entry)}
        others = [
            sum(terms.get(each, 0) for each in within if each[0] == row and each != (row, at)) for row, at in within
        ]
        np.testing.assert_allclose(band.others(wide), others, rtol=1e-12, atol=1e-12)


def test_the_largest_of_a_row_is_told_in_units_of_the_entry_s_own_input() -> None:
    band = near().band(J, slice(0, 5))
    wide = band.is_wide(BAR) | ~np.isfinite(J.data)
    moved = {(row, at): abs(ENTRIES[row, at]) * unit(at) for row, at in ENTRIES if counts((row, at))}
    largest = [max(moved.get((row, each), 0.0) for each in range(5)) / unit(at) for row, at in ENTRIES]
    np.testing.assert_allclose(band.largest(wide), largest, rtol=1e-12)


def test_without_any_entry_there_is_nothing_to_sum_or_compare() -> None:
    pattern = Pattern.from_pairs(ROWS[:0], COLUMNS[:0], (5,), (5,))
    band = near().band(Jacobian(pattern, np.zeros(0)), slice(0, 5))
    none = np.zeros(0, bool)
    assert [part.size for part in (band.terms(none), band.others(none), band.largest(none))] == [0, 0, 0]
    assert near().rounding(Jacobian(pattern, np.zeros(0)), np.zeros(0))[:].tolist() == [0] * 5


def test_a_noise_that_is_named_is_of_values_alone() -> None:
    around = near(epsilon=1e-6)
    assert around.x_epsilon == 1e-6
    assert Neighbourhood(around.box, X, 1e-6, around.noise, DOUBLE).x_epsilon == DOUBLE


@pytest.mark.parametrize(("scale", "terms"), [(0.25, 1.0), (1 / 3, 1 / 3), (2000.0, 2000.0)])
def test_the_terms_of_half_precision_are_as_large_as_what_it_is_scaled_by(scale: float, terms: float) -> None:
    """By 1/4 no bits are added: so scaled, half precision is all that there is."""

    def half(x: Array) -> Array:
        return scale * np.tanh(x.astype(np.float16)).astype(float)

    assert near(half, epsilon=HALF).terms == terms
    assert near(half, epsilon=DOUBLE).terms == 1  # which is not known to work so
    assert near(lambda x: np.full(3, np.inf) * x[0] / 3, epsilon=HALF).terms == 0


def test_along_a_direction_all_outputs_are_differenced_with_their_noise() -> None:
    around, v = near(), np.array([0.3, -2.0, 0.5, 1.0, 0.0])
    stencil = around.along(v, Magnitudes.of(np.full(5, 3.0)))
    np.testing.assert_allclose(stencil.step(0.25), f(X + 0.25 * v))
    assert stencil.summed().tolist() == [3] * 5
    assert stencil.y0.tolist() == f(X).tolist()


def test_along_a_color_each_entry_has_its_own_output_input_and_unit() -> None:
    colors = np.array([0, 1, 0, 1, 2])
    for rounding in (None, Magnitudes.of(np.array([1.0, 2.0, 4.0, 8.0, 16.0]))):
        for number, color in enumerate(colors_of(PATTERN, colors, 3)):
            stencil = near().of_color(color, rounding)
            entries = [entry for entry in ENTRIES if colors[entry[1]] == number]
            moved = X + 0.5 * np.array([unit(at) if colors[at] == number else 0.0 for at in range(5)])
            assert stencil.step(0.5).tolist() == [f(moved)[row] for row, _ in entries]
            np.testing.assert_allclose(stencil.width(0.5), [0.5 * unit(at) for _, at in entries])
            expected = [0.0] * len(entries) if rounding is None else [2.0**row for row, _ in entries]
            assert np.broadcast_to(stencil.summed(), len(entries)).tolist() == expected


def test_the_entries_of_all_colors_are_differenced_by_one_call_for_each_that_has_some() -> None:
    colors = np.array([0, 1, 0, 1, 2])
    order, bounds = by_color(colors[PATTERN.indices], 3)
    for chosen in (order, order[colors[COLUMNS[order]] != 1]):  # all of them, and those of two colors
        bounds = np.searchsorted(colors[COLUMNS[chosen]], np.arange(4))
        around = near()
        stencil, before = around.of_entries(PATTERN, colors, chosen, bounds), around.box.evaluations
        y = stencil.step(0.5)
        assert around.box.evaluations - before == np.unique(colors[COLUMNS[chosen]]).size
        for value, row, column in zip(y.tolist(), ROWS[chosen].tolist(), COLUMNS[chosen].tolist(), strict=True):
            alike = colors == colors[column]
            assert value == f(X + 0.5 * np.where(alike, np.fmax(1, np.abs(X)), 0))[row]
