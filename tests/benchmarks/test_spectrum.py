"""Whether the true value lies in every interval of a spectrum, and whether wrong log-determinants are found.

`pytest tests/benchmarks/test_spectrum.py -s` shows the tables. Seeds are 3, or as many as JACINSPECT_SEEDS says.
"""

import os
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import jacinspect
from jacinspect.jacobian.spectra.determinant import determinant
from jacinspect.jacobian.spectra.parts import Entries
from jacinspect.jacobian.spectra.spectrum import Spectrum, singular_values
from samples.flows import flows

SEEDS = int(os.environ.get("JACINSPECT_SEEDS", "3"))
MATRICES = min(15 * SEEDS, 150)  # in each precision
GAPS = 10.0 ** -np.arange(0, 15, 2)  # of the smallest singular value; and 0
DIGITS = 30


def planted(seed: int, dtype: Any) -> tuple[Any, float]:
    """Return a matrix with planted singular values, rounded to a precision, and the gap to the smallest of them."""
    rng = np.random.default_rng([21, seed])
    gap = float([*GAPS, 0.0][seed % (GAPS.size + 1)])
    m, n = rng.integers(2, 5, 2)
    sigma = np.sort(10.0 ** rng.uniform(-1, 0, min(m, n)))[::-1]
    sigma[-1] = gap
    u, v = (np.linalg.qr(rng.standard_normal((k, k)))[0][:, : sigma.size] for k in (m, n))
    return ((u * sigma) @ v.T).astype(dtype), gap


def true_singular_values(matrix: Any) -> Any:
    with mpmath.workdps(DIGITS):
        found = mpmath.svd_r(mpmath.matrix(matrix.astype(float).tolist()), compute_uv=False)
        return np.sort([float(each) for each in found])[::-1]


def inspected(matrix: Any) -> Spectrum:
    x = np.random.default_rng(1).standard_normal(matrix.shape[1]).astype(matrix.dtype)
    report = jacinspect.inspect(lambda x: matrix @ x.astype(matrix.dtype), x, spectrum=True)
    assert report.spectrum is not None
    assert report.spectrum.numeric is not None
    return report.spectrum.numeric


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_true_value_lies_in_every_interval(dtype: str) -> None:
    rows: dict[float, Counter[str]] = {}
    for seed in range(MATRICES):
        matrix, gap = planted(seed, dtype)
        found, true = inspected(matrix), true_singular_values(matrix)
        row = rows.setdefault(gap, Counter())
        assert found.singular is not None
        inside = np.all((found.singular.low <= true) & (true <= found.singular.high))
        row["matrices"] += 1
        row["outside"] += not inside
        rank = int(np.count_nonzero(true > 10.0 ** (5 - DIGITS)))
        low, high = found.rank or (0, 0)
        row["rank wrong"] += not low <= rank <= high
        row["rank decided"] += low == high
        if found.determinant is not None:
            with np.errstate(divide="ignore"):
                log = float(np.log(true).sum())
            row["log|det| outside"] += (
                not found.determinant.log.low <= log + 1e-13 and log - 1e-13 <= found.determinant.log.high
            )
    print(f"\n  {dtype:<10}{'smallest σ':>12}" + "".join(f"{name:>20}" for name in rows[1.0]))
    for gap, row in sorted(rows.items(), reverse=True):
        print(f"  {'':<10}{gap:>12.0e}" + "".join(f"{row[name]:>20}" for name in rows[1.0]))
    assert all(not row["outside"] and not row["rank wrong"] and not row["log|det| outside"] for row in rows.values())
    assert rows[1.0]["rank decided"] == rows[1.0]["matrices"]


def _pairs(rows: Any, columns: Any) -> tuple[Any, Any]:
    pairs = np.broadcast_arrays(rows, columns)
    return pairs[0].ravel(), pairs[1].ravel()


def test_cost_by_structure_and_size() -> None:
    rng = np.random.default_rng(0)
    line: Any
    block: Any
    line, block = np.arange(10**6), np.arange(4096)[:, None, None] * 8 + np.arange(8)[:, None]
    cases: dict[str, tuple[int, Any, Any]] = {
        "diagonal, 10⁶": (10**6, line, line),
        "permutation, 10⁶": (10**6, line, rng.permutation(line)),
        "4096 blocks of 8×8": (4096 * 8, *_pairs(block, block.swapaxes(1, 2))),
        "triangular, 200×200": (200, *np.tril_indices(200)),
        "dense, 200×200": (200, *_pairs(np.arange(200)[:, None], np.arange(200))),
    }
    print(f"\n  {'J':<22}{'singular values, s':>20}{'log|det|, s':>14}")
    for name, (n, rows, columns) in cases.items():
        values = rng.standard_normal(rows.size)
        entries = Entries((n, n), rows, columns, values, 1e-12 * np.abs(values))
        start = time.perf_counter()
        assert singular_values(entries, 2**32)[0] is not None
        middle = time.perf_counter()
        assert determinant(entries, 2**32) is not None
        print(f"  {name:<22}{middle - start:>20.2f}{time.perf_counter() - middle:>14.2f}")
        assert time.perf_counter() - start < 60


FAULTS: dict[str, Callable[[Any], Any]] = {
    "the sign": lambda logdet: -logdet,
    "no log 2": lambda logdet: logdet - 6 * np.log(2),
    "the mean": lambda logdet: logdet / 3,
    "a factor for the dimensions": lambda logdet: 3 * logdet,
    "summed over the batch": lambda logdet: np.full(logdet.shape, logdet.sum()),
    "no logarithm": np.exp,
    "off by 1e-6": lambda logdet: logdet + 1e-6,
}
FLOWS = (
    (flows.coupling, flows.coupling_logdet, 4),
    (flows.planar, flows.planar_logdet, 3),
    (flows.squash, flows.squash_logdet, 3),
)


def test_a_wrong_log_determinant_is_found_and_no_right_one_is_accused() -> None:
    found: Counter[str] = Counter()
    for seed in range(SEEDS):
        for f, logdet, width in FLOWS:
            x = np.random.default_rng([22, seed]).standard_normal((4, width))
            found["right, accepted"] += jacinspect.inspect(f, x, logdet=logdet).verdict == "pass"
        for name, fault in FAULTS.items():
            f, logdet, width = FLOWS[seed % 3]
            x = np.random.default_rng([23, seed]).standard_normal((4, width))
            report = jacinspect.inspect(f, x, logdet=lambda x, logdet=logdet, fault=fault: fault(logdet(x)))
            found[name] += [each.code for each in report.findings if each.severity == "error"] == ["J016"]
    print(f"\n  found in {SEEDS} seeds, and accepted in {3 * SEEDS}:")
    for name, number in found.items():
        print(f"  {name:<30}{number:>6}")
    assert found.pop("right, accepted") == 3 * SEEDS
    assert set(found.values()) == {SEEDS}
