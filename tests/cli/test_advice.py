"""Mistakes that are told with what would work: lists left open, labels, one of several outputs, random numbers."""

from pathlib import Path

import pytest

from tests.conftest import RunHere

CODE = """
import numpy as np


def two(x):
    return x**2, x.sum()


def picked(x, labels):
    return x[np.arange(len(labels)), labels].sum()


def root(x):
    return np.sqrt(x)
"""


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["picked", "-s", "3x4", "--with", "labels=[0,2"], "[0,2: is a list that is not closed: write it as JSON"),
        (
            ["picked", "-s", "3x4", "--with", 'labels={"a":1}'],
            '{"a":1}: is a JSON object, not an array; for a parameter, write -p NAME=',
        ),
        (
            ["picked", "-s", "3x4", "--with", "labels=[0,2,1]", "--wrt", "labels"],
            "has no derivative by labels: it takes whole numbers there, as indices; leave out labels in --wrt",
        ),
        (["two", "-s", "3", "-d", "2*x"], "it may be that of A0 alone: --take 0"),
    ],
)
def test_a_mistake_is_told_with_what_works(typed: list[str], message: str, run_here: RunHere, tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(CODE)
    done = run_here(f"{tmp_path}/code.py:{typed[0]}", *typed[1:])
    assert done.status == 2
    assert message in done.err


def test_what_works_does(run_here: RunHere, tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(CODE)
    assert run_here(f"{tmp_path}/code.py:two", "-s", "3", "-d", "2*x", "--take", "0").status == 0
    assert run_here(f"{tmp_path}/code.py:picked", "-s", "3x4", "--with", "labels=[0,2,1]").status == 0


def test_a_domain_is_suggested_where_f_is_not_finite(run_here: RunHere, tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(CODE)
    found = run_here(f"{tmp_path}/code.py:root", "-s", "3", "--json").text
    assert "J004" in found
    assert "X was drawn at random; inside of an interval it works: --domain 0:" in found
    assert "J004" not in run_here(f"{tmp_path}/code.py:root", "-s", "3", "--json", "--domain", "0:").text
