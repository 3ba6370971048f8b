"""How long a start takes, over the imports that no start can do without: pytest tests/benchmarks/test_start.py -s."""

import os
import sys
from statistics import median
from typing import Any

import pytest

from tests.program import ENVIRONMENT

FLOOR = "import numpy, typer, rich.console, rich.table"
PAIRS = 15  # alternating, for a machine that is not ours alone


def processor_time(*arguments: str) -> float:
    """Run Python; return the seconds of processor time that it took."""
    silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    line = [sys.executable, *arguments]
    _, status, used = os.wait4(os.posix_spawn(sys.executable, line, ENVIRONMENT, file_actions=silent), 0)
    assert status == 0
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize(
    ("line", "most"),
    [("sigmoid --shape 2x2", 1.25), ("list sigmoid", 1.1), ("--help", 0.4), ("explain J001", 0.4)],
)
def test_a_start_takes_little_more_than_its_imports(benchmark: Any, line: str, most: float) -> None:
    run = ["-m", "jacinspect", *line.split()]
    processor_time(*run)  # compiles what is not yet compiled
    pairs = [(processor_time(*run), processor_time("-c", FLOOR)) for _ in range(PAIRS)]
    benchmark.pedantic(lambda: processor_time(*run), rounds=1)
    ratio = median(ours / floor for ours, floor in pairs)
    print(f"\n  jacinspect {line:<24}{ratio:>6.2f} of {FLOOR!r} (at most {most})")
    assert ratio <= most
