"""Calls of a function on threads and on processes, of our own and of others: the same report, and what goes wrong."""

import os
import re
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect import InputError, inspect
from jacinspect.errors import FunctionFailedError
from jacinspect.executors.own import Processes
from jacinspect.functions.resolve import resolve
from jacinspect.inspection.subject import called_by
from jacinspect.jacobian.calls.blackbox import BlackBox
from jacinspect.jacobian.calls.evaluation import Elsewhere, workers_of
from tests.executors.cases import CASES, FILE, drawn, serial
from tests.executors.functions import be_odd, slope

X = np.array([1.0, 2.0, 3.0])


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    executor = Processes(2)
    yield executor
    executor.shutdown()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("workers", [1, 3])
def test_threads_make_the_same_report(name: str, workers: int) -> None:
    with ThreadPoolExecutor(workers) as executor:
        assert CASES[name].report(executor=executor) == serial(name)


@pytest.mark.parametrize("name", CASES)
def test_processes_make_the_same_report(name: str, processes: Processes) -> None:
    assert CASES[name].report(executor=processes) == serial(name)


def test_the_gradient_of_the_second_order_is_called_by_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACINSPECT_TEST_NOTES", str(tmp_path / "notes"))
    with Processes(1) as executor:
        report = inspect(f"{FILE}:quartic", X, derivative=f"{FILE}:slope", order=2, executor=executor)
    assert report.second_order is not None
    assert report.second_order.gradient is not None
    calls = report.second_order.gradient.calls
    there = [pid for pid in (tmp_path / "notes").read_text().split() if pid != str(os.getpid())]
    assert len(there) >= calls - 1


def test_a_gradient_that_cannot_be_sent_is_called_here(processes: Processes) -> None:
    def of(executor: Executor | None) -> str:
        return inspect(f"{FILE}:quartic", X, lambda x: slope(x), order=2, executor=executor).to_json()

    assert of(processes) == of(None)


def test_those_of_python_make_it_too() -> None:
    with ProcessPoolExecutor(2, get_context("spawn")) as executor:
        assert [CASES[name].report(executor=executor) for name in ("dense", "rows")] == [
            serial("dense"),
            serial("rows"),
        ]
        leaky = jacinspect.function("leaky_relu", negative_slope=0.2)
        assert inspect(leaky, X, executor=executor).to_json() == inspect(leaky, X).to_json()
        with pytest.raises(
            InputError, match=r"cannot be sent to another process: .*\ndefine it at the top of a module"
        ):
            inspect(lambda x: x, X, executor=executor)


@pytest.mark.parametrize("given", ["dask:tcp://127.0.0.1:1", ThreadPoolExecutor, 2])
def test_what_is_no_executor_is_told(given: Any) -> None:
    with pytest.raises(InputError, match=r"executor: \w+ is none; give one of concurrent.futures, such as"):
        inspect("sin", X, executor=given)


def test_a_script_without_a_guard_is_told_what_it_needs() -> None:
    class Broken(ThreadPoolExecutor):
        def submit(self, *_: Any, **__: Any) -> Any:
            raise BrokenExecutor("a child died while it was started")

    with Broken(1) as executor, pytest.raises(FunctionFailedError, match='if __name__ == "__main__":'):
        inspect("sin", X, executor=executor)


def test_a_pattern_is_found_by_threads_as_well() -> None:
    with ThreadPoolExecutor(3) as executor:
        here, there = (jacinspect.sparsity("softmax", drawn(3, 4), executor=each) for each in (None, executor))
    assert (here.indptr.tolist(), here.indices.tolist()) == (there.indptr.tolist(), there.indices.tolist())


def test_threads_take_any_callable() -> None:
    with ThreadPoolExecutor(2) as executor:
        assert inspect(lambda x: x**2, X, executor=executor).calls == inspect(lambda x: x**2, X).calls


def ours(name: str, executor: Executor, patience: float = 60.0, **parameters: str) -> BlackBox:
    """Return a function of the file as a black box that is called on an executor."""
    function, x = resolve(f"{FILE}:{name}", parameters).opened("x", [X])
    assert function.remade is not None
    return BlackBox(function, x, elsewhere=Elsewhere(function.remade, executor, function, patience))


def test_a_call_whose_process_ends_is_made_again(processes: Processes, tmp_path: Path) -> None:
    box = ours("ends_once", processes, marker=str(tmp_path / "ended"))
    assert [y.tolist() for y in box.many(np.array([k, 2.0, 3.0]) for k in (5, 6, 7))] == [
        [k**2, 4, 9] for k in (5, 6, 7)
    ]
    assert box.evaluations == 5
    assert (tmp_path / "ended").exists()


def test_one_that_ends_every_process_is_told(processes: Processes) -> None:
    how = "a point that was moved by .* the function ended its process with exit status 3, at the last of 3 attempts"
    with pytest.raises(FunctionFailedError, match=how):
        inspect(f"{FILE}:ends", X, executor=processes)
    assert CASES["rows"].report(executor=processes) == serial("rows")  # on new processes


def test_a_call_that_does_not_return_is_made_again(processes: Processes, tmp_path: Path) -> None:
    box = ours("hangs_once", processes, 2.0, marker=str(tmp_path / "hung"))
    assert box(np.array([5.0, 2, 3])).tolist() == [25, 4, 9]
    assert (tmp_path / "hung").exists()


class Alternating(Executor):
    """Two processes that take calls in turns; the second is odd."""

    _max_workers = 2

    def __init__(self) -> None:
        context = get_context("spawn")
        self._pools = [ProcessPoolExecutor(1, context), ProcessPoolExecutor(1, context, initializer=be_odd)]

    def submit(self, *call: Any, **_: Any) -> Any:
        self._pools.append(self._pools.pop(0))
        return self._pools[-1].submit(*call)

    def shutdown(self, *_: Any, **__: Any) -> None:
        for pool in self._pools:
            pool.shutdown()


def test_a_function_that_differs_from_worker_to_worker_is_not_deterministic() -> None:
    with Alternating() as executor:
        report = inspect(f"{FILE}:differs_where_odd", X, executor=executor)
    (found,) = report.findings
    assert found.code == "J005"
    assert re.match("two workers gave different outputs for the same input, apart by 0.001", found.message)


def test_workers_that_round_differently_from_this_process_agree_with_each_other(processes: Processes) -> None:
    parameters = {"home": os.getpid()}
    report = inspect(f"{FILE}:rounds_elsewhere", X, "2*x", parameters=parameters, executor=processes)
    assert (report.verdict, report.findings, report.detection.deterministic) == ("pass", (), True)
    assert report.output is not None
    assert report.output.tolist() == np.nextafter(X**2, np.inf).tolist()


def test_an_executor_that_is_gone_is_told() -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(FunctionFailedError, match=r"the executor failed after 0 calls of the function: Runtime"):
        inspect(np.sin, X, executor=executor)


def test_a_process_of_others_that_ends_takes_its_pool_with_it() -> None:
    how = r"the executor failed after \d+ calls? of the function: BrokenProcessPool"
    with ProcessPoolExecutor(1, get_context("spawn")) as executor, pytest.raises(FunctionFailedError, match=how):
        inspect(f"{FILE}:ends", X, executor=executor)


def test_what_is_not_asked_for_is_cancelled(processes: Processes) -> None:
    box = ours("slow", processes)
    values = box.many(np.array([k, 2.0, 3.0]) for k in range(20))
    assert next(values).tolist() == [0, 4, 9]
    values.close() if hasattr(values, "close") else None
    del values
    assert box.evaluations == 3
    assert box(X).tolist() == [1, 4, 9]


def test_how_many_workers_there_are() -> None:
    with ThreadPoolExecutor(3) as executor:
        assert workers_of(executor) == 3
    assert workers_of(Executor()) >= 1
    assert called_by(resolve("sin"), None).elsewhere is None
