"""How much faster calls on several workers are, as ratios in one run: pytest tests/benchmarks/test_executors.py -s."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from distributed import LocalCluster

from jacinspect import Report, inspect
from jacinspect.executors.cluster import connected
from jacinspect.executors.own import Processes
from tests.executors.cases import FILE

WARM = np.ones(2)


@contextmanager
def dask(workers: int) -> Iterator[Any]:
    options = {"threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": ":0", "silence_logs": 50}
    with LocalCluster(n_workers=workers, **options) as cluster, connected(f"dask:{cluster.scheduler_address}") as here:
        yield here


def timed(function: Callable[..., Report], *arguments: Any, **keywords: Any) -> tuple[Report, float]:
    began = perf_counter()
    return function(*arguments, **keywords), perf_counter() - began


@pytest.mark.parametrize(
    ("name", "workers", "start", "least"), [("processes", 2, Processes, 1.8), ("dask", 4, dask, 3.5)]
)
def test_a_function_that_sleeps(benchmark: Any, name: str, workers: int, start: Any, least: float) -> None:
    x = np.random.default_rng(1).standard_normal(200)
    with start(workers) as executor:
        inspect("sin", WARM, executor=executor)  # starts the workers, and imports what they need
        benchmark.pedantic(lambda: None, rounds=1)
        report, seconds = timed(inspect, f"{FILE}:sleeps", x, executor=executor)
    serial, here = timed(inspect, f"{FILE}:sleeps", x)
    assert report.to_json() == serial.to_json()
    ratio = here / seconds
    print(
        f"\n  50 ms a call, dense 200×200, {report.calls} calls: {ratio:.2f} times on {workers} {name} (least {least})"
    )
    assert ratio >= least


def test_a_function_that_works(benchmark: Any) -> None:
    x = np.random.default_rng(1).standard_normal(200)
    with Processes(2) as executor:
        inspect("sin", WARM, executor=executor)
        benchmark.pedantic(lambda: None, rounds=1)
        pairs = [
            (timed(inspect, f"{FILE}:works", x)[1], timed(inspect, f"{FILE}:works", x, executor=executor)[1])
            for _ in range(3)
        ]
    ratio = max(here / there for here, there in pairs)
    print(f"\n  20 ms of work a call, dense 200×200: {ratio:.2f} times on 2 processes (at least 1.7)")
    assert ratio >= 1.7


def test_what_a_call_costs_elsewhere(benchmark: Any) -> None:
    """Told, so that nobody chooses it for a fast function."""
    x = np.random.default_rng(1).standard_normal(200)
    benchmark.pedantic(lambda: None, rounds=1)
    report, here = timed(inspect, f"{FILE}:dense", x[:6])
    for name, start in (("processes", Processes), ("dask", dask)):
        with start(2) as executor:
            inspect(f"{FILE}:dense", x[:6], executor=executor)
            _, there = timed(inspect, f"{FILE}:dense", x[:6], executor=executor)
        more, own = 1e3 * (there - here) / report.calls, 1e3 * here / report.calls
        print(f"\n  a call on {name}: {more:.2f} ms more than {own:.2f}")
