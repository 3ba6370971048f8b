"""What a larger operand takes, in time and in memory, each in a process of its own: pytest tests/benchmarks -s."""

from collections.abc import Iterable
from math import log
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.measured import Measured, command, inspection

SHAPES = {"100x100": 10**4, "1000x100": 10**5, "1000x1000": 10**6, "4096x4096": 2**24}
LARGEST = "4096x4096"
BYTES = 8
NOISE = 1.5  # of a machine that is not ours alone, and of arrays that no longer fit its caches

SIGMOID = """\
import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def derivative(x):
    y = sigmoid(x)
    return y * (1 - y)
"""


def show(rows: Iterable[tuple[str, int, Measured]]) -> None:
    print(f"\n  {'operand':<44}{'s':>8}{'ns/entry':>10}{'calls':>7}{'in f':>6}{'wall/calls·f':>14}{'peak/input':>12}")
    for what, entries, took in rows:
        print(
            f"  {what:<44}{took.inside:>8.3f}{1e9 * took.inside / entries:>10.0f}{took.calls:>7}"
            f"{took.in_f / took.inside:>6.0%}{passes(took):>14.2f}{memory(took, entries):>12.1f}"
        )


def passes(took: Measured) -> float:
    """Wall time of the whole process over (calls × one call of f)."""
    return took.seconds / (took.calls * took.once)


def memory(took: Measured, entries: int) -> float:
    """Peak over the operand's size, without what the imports take."""
    return (took.peak - took.bare) / (BYTES * entries)


def test_time_per_entry_grows_like_a_logarithm(benchmark: Any) -> None:
    measured = benchmark.pedantic(lambda: {shape: inspection(shape) for shape in SHAPES}, rounds=1)
    show((f"inspect(sigmoid, {shape})", entries, measured[shape]) for shape, entries in SHAPES.items())
    assert all(took.status == 0 for took in measured.values())
    smallest = SHAPES["100x100"]
    for shape, entries in SHAPES.items():
        growth = (measured[shape].inside / entries) / (measured["100x100"].inside / smallest)
        assert growth <= NOISE * log(entries) / log(smallest), shape


@pytest.mark.parametrize("which", ["catalogue", "file"])
def test_sixteen_million_entries_from_the_command_line(benchmark: Any, tmp_path: Path, which: str) -> None:
    (tmp_path / "own.py").write_text(SIGMOID)
    line = ["sigmoid"] if which == "catalogue" else ["own.py:sigmoid", "--derivative", "own.py:derivative"]
    line += ["--shape", LARGEST, "--json"]
    took = benchmark.pedantic(lambda: command(*line, timeout=600, cwd=tmp_path), rounds=1)
    show([(f"jacinspect {line[0]} --shape {LARGEST} --json", SHAPES[LARGEST], took)])
    assert took.status == 0, took.errors
    assert took.report["jacobian"]["is_diagonal"]
    assert took.report["detection"]["proved"]
    missed = {
        "calls": (took.calls, 70),
        "wall / (calls × one call)": (passes(took), 4),
        "peak / input": (memory(took, SHAPES[LARGEST]), 13.6),
    }
    assert not {what: both for what, both in missed.items() if both[0] > both[1]}
