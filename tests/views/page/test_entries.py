"""Entries of a Jacobian for the page: sampled and summed up by tiles as a plain loop does it."""

import numpy as np
import pytest

import jacinspect
from jacinspect.inspection.matrix import JacobianReport
from jacinspect.inspection.report import Report
from jacinspect.jacobian.agreement.comparison import Status
from jacinspect.views.page import entries as module
from jacinspect.views.page.entries import Entries, rounded

X = np.array([[0.5, -1.25, 0.0], [2.0, -0.75, 1.5]])


def jacobian(report: Report) -> JacobianReport:
    assert report.jacobian is not None
    return report.jacobian


def test_entries_outside_the_pattern_stand_beside_a_zero() -> None:
    claimed = np.ones((3, 3))
    entries = Entries.of_report(jacobian(jacinspect.inspect("cumsum", X[0], derivative=lambda _: claimed)))
    assert entries.number == 9
    off = entries.outputs < entries.inputs
    assert entries.analytic is not None
    assert entries.numeric is not None
    assert entries.status is not None
    assert entries.analytic.tolist() == [1.0] * 9
    assert not entries.numeric[off].any()
    assert set(entries.status[off]) == {Status.DISAGREES}
    assert set(entries.status[~off]) == {Status.AGREES}


def test_a_kink_is_not_judged_by_its_difference() -> None:
    entries = Entries.of_report(jacobian(jacinspect.inspect("relu", X)))
    assert entries.ratio is not None
    assert np.isnan(entries.ratio).tolist() == [False, False, True, False, False, False]
    assert entries.listed()["ratio"][2] is None


def test_a_sample_has_the_ends_and_what_does_not_agree() -> None:
    x = np.linspace(-1, 1, 400)
    x[123] = 0
    entries = Entries.of_report(jacobian(jacinspect.inspect("relu", x)))
    places = entries.sample(40)
    assert {0, 9, 123, 390, 399} <= set(places.tolist())
    assert places.size <= 40
    assert entries.sample(400).tolist() == list(range(400))


@pytest.mark.parametrize("most", [4096, 200, 10])
def test_tiles_sum_up_what_is_in_them(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TILES", most)
    monkeypatch.setattr(module, "_FINEST", 16)
    x = np.random.default_rng(0).standard_normal((5, 7))
    report = jacinspect.inspect("softmax", x)
    form, j = report.form("stacked"), jacobian(report)
    assert form is not None
    entries = Entries.of_report(j)
    placed = form.placed_at(entries.outputs, entries.inputs)
    tiles = entries.tiles(placed)
    assert len(tiles["at"]) <= max(most, 64)
    expected: dict[int, list[float]] = {}
    assert entries.analytic is not None
    for row, column, value in zip(placed.rows, placed.columns, entries.analytic, strict=True):
        key = row // tiles["tile"][0] * tiles["grid"][1] + column // tiles["tile"][1]
        expected.setdefault(int(key), []).append(value)
    assert tiles["at"] == sorted(expected)
    assert tiles["count"] == [len(expected[key]) for key in tiles["at"]]
    assert tiles["largest"] == rounded(np.array([max(expected[key], key=abs) for key in tiles["at"]]))
    assert set(tiles["status"]) == {Status.AGREES}


def test_a_tile_shows_the_worst_that_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FINEST", 2)
    x = np.linspace(0.5, 1, 64)
    slopes = 2 * x
    slopes[40] += 1
    report = jacinspect.inspect(lambda z: z * z, x, derivative=lambda z: slopes + 0 * z)
    entries, form = Entries.of_report(jacobian(report)), report.form("vec")
    assert form is not None
    tiles = entries.tiles(form.placed_at(entries.outputs, entries.inputs))
    assert tiles["status"] == [Status.AGREES, Status.DISAGREES]
    assert tiles["ratio"][0] < 1 < tiles["ratio"][1]


def test_numbers_that_are_not_finite_are_json() -> None:
    assert rounded(np.array([np.nan, np.inf, -np.inf, 1 / 3])) == [None, "+∞", "-∞", 0.333]
    assert rounded(None) is None
