"""More values, or more calls, than there is a budget for: what is proved, and a sample. pytest tests/benchmarks -s."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.benchmarks.measured import GIB, Measured, command

LONGEST = 60.0  # seconds
EVEN_SO = 180.0  # seconds that one may take before it is ended: to learn by how much it is too slow

OWN = """\
import numpy as np


def gram(x):
    return x @ x.T


def ordered(x):
    return np.sort(x, axis=None)


def every(x):
    return np.tanh(x.mean()) * x + x
"""


class Case(NamedTuple):
    """What is typed, within which budget, and whether the budget is too small for it all."""

    line: str
    memory: float  # GiB
    evaluations: int | None = None
    sampled: bool = True

    @property
    def arguments(self) -> list[str]:
        budget = ["--memory", f"{self.memory:g}GiB"]
        if self.evaluations is not None:
            budget += ["--max-evaluations", str(self.evaluations)]
        return [*self.line.split(), "--json", *budget]

    def __str__(self) -> str:
        calls = "" if self.evaluations is None else f", {self.evaluations} calls"
        return f"{self.line.replace(' --shape ', ' ')} [{self.memory:g} GiB{calls}]"


CASES = (
    Case("softmax --shape 2048x2048", 1),
    Case("softmax --shape 4096x4096", 2),
    Case("sum --shape 1000x1000", 1),
    Case("sum --shape 4096x4096", 2),
    Case("logsumexp --shape 1000x1000", 1),
    Case("cumsum --shape 100000", 1),
    Case("cumsum --shape 3000", 0.5, sampled=False),
    Case("x@y --shape 300x300 --with 300x300", 0.5),
    Case("x@y --shape 1000x1000 --with 1000x1000", 1),
    Case("own.py:gram --shape 300x300", 0.5),
    Case("own.py:ordered --shape 1000000", 1),
    Case("own.py:every --shape 3000x3000", 2),
    Case("softmax --shape 64x64", 1, 100),
    Case("sum --shape 1000x1000", 1, 100),
    Case("sigmoid --shape 1000x1000", 1, 90, sampled=False),
    Case("cumsum --shape 3000", 1, 200),
    Case("own.py:ordered --shape 10000", 1, 150),
)


def show(case: Case, took: Measured, coverage: float | None, notes: Iterable[str]) -> None:
    share = "-" if coverage is None else f"{coverage:.3g}"
    print(
        f"\n  {case!s:<54}{took.seconds:>7.1f} s{took.calls:>7} calls, {took.in_f:.1f} s in f"
        f"{took.peak / GIB:>8.2f} GiB{share:>11} compared  {took.status}"
    )
    for note in notes:
        print(f"    {note}")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_budget_is_kept(benchmark: Any, tmp_path: Path, case: Case) -> None:
    (tmp_path / "own.py").write_text(OWN)
    took = benchmark.pedantic(lambda: command(*case.arguments, timeout=EVEN_SO, cwd=tmp_path), rounds=1)
    report = took.report
    findings = {finding["code"]: finding["message"] for finding in report.get("findings", ())}
    coverage = report["agreement"]["coverage"] if report.get("agreement") else None
    show(case, took, coverage, [f"{code} {message}" for code, message in findings.items() if code != "J009"])
    assert took.status in (0, 1), took.errors[-2000:]
    assert report["verdict"] != "fail", findings  # it may be inconclusive: sort has a kink wherever two numbers meet
    assert ("J007" in findings) == case.sampled
    assert coverage is not None
    assert (coverage < 1) == case.sampled
    missed = {
        "seconds": (took.seconds, LONGEST),
        "peak, GiB": (took.peak / GIB, case.memory),
        "calls": (took.calls, case.evaluations or took.calls),
    }
    assert not {what: both for what, both in missed.items() if both[0] > both[1]}
