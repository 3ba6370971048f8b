"""Points go to an executor in batches: long ones of a quick function, short ones of a slow one, some to each worker."""

from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest

from jacinspect.jacobian.calls.evaluation import Elsewhere
from tests.oracles import Array


class Noting(ThreadPoolExecutor):
    """Notes how many points each batch has."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers)
        self.sent: list[int] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> "Future[Any]":
        self.sent.append(len(args[2]))
        return super().submit(fn, *args, **kwargs)


@pytest.mark.parametrize(
    ("seconds", "points", "size", "sent"),
    [
        (0.0, 40, 1, [7, 7, 7, 7, 6, 3, 2, 1]),
        (0.0, 100, 1, [8] * 10 + [5, 8, 4, 2, 1]),
        (0.1, 6, 1, [2, 2, 2]),
        (1.0, 5, 1, [1] * 5),
        (0.0, 6, 1, [3, 3]),
        (0.0, 3, 2**17, [1] * 3),
    ],
    ids=["quick", "many points", "a tenth of a second", "slow", "few points", "large points"],
)
def test_batches(seconds: float, points: int, size: int, sent: list[int]) -> None:
    def f(x: Array) -> Array:
        return 2 * x

    with Noting(2) as executor:
        elsewhere = Elsewhere(f, executor, f)
        elsewhere.latest = seconds
        given = [np.full(size, float(k)) for k in range(points)]
        values = [result() for _, result, _ in elsewhere(given)]
        assert executor.sent == sent
        assert np.array_equal(values, [2 * x for x in given])


def test_what_is_not_asked_for_is_not_counted() -> None:
    with Noting(2) as executor:
        elsewhere = Elsewhere(np.sin, executor, np.sin)
        calls = elsewhere(np.full(1, float(k)) for k in range(100))
        for _ in range(3):
            next(calls)
        assert elsewhere.done == 3
        assert sum(executor.sent) <= 32


def test_what_a_worker_gave_at_an_earlier_reference_point_is_not_compared() -> None:
    """As of `points=2`, where the first needs fewer calls than there are workers."""
    with ProcessPoolExecutor(1, get_context("spawn")) as executor:
        elsewhere = Elsewhere(np.sin, executor, np.sin)
        elsewhere.begin(np.zeros(1))
        assert [at.tolist() for _, _, at in elsewhere([np.ones(1)]) if at is not None] == [[0.0]]
        other = Elsewhere(np.sin, executor, np.sin)
        other.begin(np.zeros(1))
        other.begin(np.ones(1))
        assert [at for _, _, at in other([np.ones(1)])] == [None]
