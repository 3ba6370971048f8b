"""Kinds of functions that lose digits, move in steps, or bend. pytest FILE --benchmark-only -s.

For each kind, by numpy, torch and jax, at normal numbers of deviations 0.3 to 10, times 1e-6, 1 and 1e6: is no right
derivative accused, and does none pass that is off by a factor? Seeds are 3, or as many as JACINSPECT_SEEDS says.
"""

import os
from collections import Counter
from typing import Any

import pytest

from tests.kinds import cases, inspected

SEEDS = int(os.environ.get("JACINSPECT_SEEDS", "3"))
FIRST = int(os.environ.get("JACINSPECT_FIRST_SEED", "1000"))  # not one that constants were chosen with
_LEAST_PASSED = 0.9  # of the operands of kinds that keep their digits near enough
_COLUMNS = ("pass", "inconclusive", "fail", "wrong found", "wrong open", "wrong passed")
_OF_WRONG = {"fail": "wrong found", "inconclusive": "wrong open", "pass": "wrong passed"}

Table = dict[tuple[str, str, float, float], Counter[str]]


def table() -> Table:
    """Count verdicts for each kind, backend, deviation and scale; the wrong derivative is inspected at one seed."""
    counts: Table = {}
    for case in cases(range(FIRST, FIRST + SEEDS)):
        row = counts.setdefault((case.kind.name, case.backend, case.deviation, case.scale), Counter())
        right = inspected(case)
        if right is None:
            continue
        row[right.verdict] += 1
        if right.verdict == "fail":
            print(case, [each.message for each in right.findings if each.severity == "error"])
        wrong = inspected(case, case.kind.wrong) if case.seed == FIRST else None
        if wrong is not None:
            row[_OF_WRONG[wrong.verdict]] += 1
            if wrong.verdict == "pass":
                print(case, "passes although it is wrong")
    return counts


def shown(counts: Table) -> dict[str, Counter[str]]:
    """Print the table, with the sums over deviations and scales; return those over all but the kind."""
    print(f"\n{'kind':<30}{'backend':<8}{'sd':>5}{'scale':>7}" + "".join(f"{column:>14}" for column in _COLUMNS))
    kinds: dict[str, Counter[str]] = {}
    for (kind, backend, deviation, scale), row in counts.items():
        kinds.setdefault(kind, Counter()).update(row)
        print(f"{kind:<30}{backend:<8}{deviation:>5g}{scale:>7g}" + "".join(f"{row[each]:>14}" for each in _COLUMNS))
    for kind, row in (*kinds.items(), ("all", sum(kinds.values(), Counter()))):
        print(f"{kind:<50}" + "".join(f"{row[each]:>14}" for each in _COLUMNS))
    return kinds


@pytest.mark.benchmark(group="kinds")
def test_no_right_derivative_is_accused_and_no_wrong_one_passes(benchmark: Any) -> None:
    counts = benchmark.pedantic(table, rounds=1)
    rows = shown(counts).values()
    assert sum(row["fail"] for row in rows) == 0
    assert sum(row["wrong passed"] for row in rows) == 0
    gelu: Counter[str] = Counter()
    for (kind, _, deviation, _), row in counts.items():
        gelu.update(row if (kind, deviation) == ("gelu", 3) else {})
    assert gelu["pass"] >= _LEAST_PASSED * (gelu["pass"] + gelu["inconclusive"])
