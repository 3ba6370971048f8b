"""--format csv: a row per stored entry, read back by the standard library."""

import csv
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

import jacinspect
from jacinspect.errors import InputError
from jacinspect.views.csv import render
from tests.program import run


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text)))


def test_every_entry_with_its_numbers_to_the_last_bit() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3))
    report = jacinspect.inspect("softmax", x)
    rows = read(render(report))
    assert list(rows[0]) == ["output", "input", "analytic", "numeric", "bar", "status"]
    assert len(rows) == 18
    assert report.jacobian is not None
    assert report.jacobian.analytic is not None
    tensor = report.jacobian.analytic.tensor()
    for row in rows:
        index = tuple(int(axis) for axis in f"{row['output']},{row['input']}".split(","))
        assert float(row["analytic"]) == tensor[index]
        assert row["status"] == "agrees"
        assert abs(float(row["numeric"]) - float(row["analytic"])) <= float(row["bar"])


def test_a_wrong_entry_a_kink_and_what_is_not_finite() -> None:
    report = jacinspect.inspect("relu", np.array([0.0, 1.0, -1.0]), lambda x: np.array([0.5, np.nan, 1.0]))
    assert [row["status"] for row in read(render(report))] == ["kink", "nonfinite", "disagrees"]
    assert read(render(report))[1]["analytic"] == "nan"


def test_without_a_derivative_its_columns_are_empty() -> None:
    rows = read(render(jacinspect.inspect(lambda x: np.sum(x**2), np.arange(1.0, 4.0))))
    assert [(row["output"], row["input"], row["analytic"], row["status"]) for row in rows] == [
        ("", str(k), "", "") for k in range(3)
    ]


def test_no_entries_is_the_head_alone() -> None:
    assert render(jacinspect.inspect("sigmoid", np.zeros(0))) == "output,input,analytic,numeric,bar,status\n"


def test_what_is_not_known_is_told() -> None:
    noisy = jacinspect.inspect(lambda x: x + np.random.default_rng().normal(size=x.shape), np.zeros(3))
    with pytest.raises(InputError, match="the stored entries are not known"):
        render(noisy)


def test_the_program_writes_it_by_the_extension(tmp_path: Path) -> None:
    done = run("sigmoid", "-s", "2", "-o", str(tmp_path / "J.csv"))
    assert (done.status, done.out, done.err) == (0, b"", "")
    assert (tmp_path / "J.csv").read_text() == run("sigmoid", "-s", "2", "--format", "csv").text
