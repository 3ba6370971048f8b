"""Calls on a real scheduler of dask with workers of its own, on this machine."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from socket import socket
from threading import Timer
from time import monotonic
from typing import Any

import dask
import numpy as np
import pytest
from distributed import Client, LocalCluster

from jacinspect import InputError, inspect
from jacinspect.checks.remote import RemotePool
from jacinspect.checks.suite import load_suite
from jacinspect.checks.workers import Pool
from jacinspect.errors import FunctionFailedError
from jacinspect.executors.cluster import _require_open, connected
from jacinspect.jacobian.calls.evaluation import workers_of
from tests.executors.cases import CASES, FILE, serial

X = np.array([1.0, 2.0, 3.0])


def cluster_of(workers: int) -> Any:
    with dask.config.set({"distributed.scheduler.allowed-failures": 1}):  # a call is made twice, and not four times
        return LocalCluster(
            n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0", silence_logs=50
        )


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with cluster_of(2) as cluster:
        yield cluster


def test_a_cluster_makes_the_same_reports(cluster: Any) -> None:
    with connected(f"dask:{cluster.scheduler_address}") as executor:
        assert workers_of(executor) == 2
        for name in ("rows", "raises", "several outputs", "parameters", "second order of a claim"):
            assert CASES[name].report(executor=executor) == serial(name)
        closure = 2.0
        assert inspect(lambda x: closure * x, X, executor=executor).calls == inspect(lambda x: closure * x, X).calls


def test_a_file_is_found_from_any_folder(cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text("import helpers\n\ndef f(x):\n    return helpers.twice(x)\n")
    (tmp_path / "helpers.py").write_text("def twice(x):\n    return 2 * x\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    with connected(f"dask:{cluster.scheduler_address}") as executor:
        assert inspect("mine.py:f", X, executor=executor).jacobian is not None


def test_what_is_wrong_with_a_suite_is_told_by_a_worker(cluster: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("")
    file = tmp_path / "jacinspect.toml"
    file.write_text('[checks.f]\nfunction = "mine.py:nothing"\nshapes = ["2"]\n')
    with (
        connected(f"dask:{cluster.scheduler_address}") as executor,
        pytest.raises(InputError, match="has no 'nothing'"),
        RemotePool(load_suite(file), executor),
    ):
        pass


@pytest.mark.parametrize("number", [1, 2])
def test_workers_that_are_killed_lose_no_inspection(cluster: Any, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """With all of them, f and its operands are lost, which the cluster kept."""
    # As it is by default: a call that goes from one of two that are killed to the other is made a third time.
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 3)
    with connected(f"dask:{cluster.scheduler_address}") as executor:
        serially = inspect(f"{FILE}:slow", X).to_json()
        for worker in [*cluster.workers.values()][:number]:
            Timer(1.0, os.kill, (worker.pid, signal.SIGKILL)).start()
        report = inspect(f"{FILE}:slow", X, executor=executor)
        assert report.to_json() == serially


def test_a_function_that_kills_workers_is_told(cluster: Any) -> None:
    with (
        connected(f"dask:{cluster.scheduler_address}") as executor,
        pytest.raises(
            FunctionFailedError, match=r"at a point .* the function ended its worker 2 times in a row \(KilledWorker\)$"
        ) as caught,
    ):
        inspect(f"{FILE}:ends", X, executor=executor)
    assert "Attempted to run task" in str(caught.value.__cause__)


def test_a_suite_is_checked_on_a_cluster(cluster: Any, tmp_path: Path) -> None:
    # What a worker has made is lost with it, and dask does not say so, unless it was fetched before: so g waits.
    (tmp_path / "mine.py").write_text(
        "import os, time\n\ndef f(x):\n    return x**2\n\ndef g(x):\n    time.sleep(2)\n    os._exit(3)\n"
    )
    file = tmp_path / "jacinspect.toml"
    file.write_text(
        '[checks.f]\nfunction = "mine.py:f"\nderivative = "2*x"\nshapes = ["2", "1x3"]\n'
        '[checks.g]\nfunction = "mine.py:g"\nshapes = ["2"]\n'
    )
    suite = load_suite(file)
    with connected(f"dask:{cluster.scheduler_address}") as executor, RemotePool(suite, executor) as pool:
        outcomes = list(pool.outcomes())
        with Pool(suite) as local:
            expected = list(local.outcomes())
        assert [o.report.to_json() for o in outcomes[:2]] == [o.report.to_json() for o in expected[:2]]
        assert [o.name for o in outcomes] == [o.name for o in expected]
        (found,) = outcomes[2].report.findings
        assert found.code == "J011"
        assert found.message == "the function ended its worker 2 times in a row (KilledWorker)"
        assert outcomes[2].report.function == expected[2].report.function
        assert outcomes[2].place("J011") == expected[2].place("J011")


def test_a_cluster_that_goes_away_is_told() -> None:
    cluster = cluster_of(1)
    with connected(f"dask:{cluster.scheduler_address}") as executor:
        Timer(0.5, cluster.close).start()
        with pytest.raises(FunctionFailedError, match=r"the executor failed after \d+ calls? of the function: \w+"):
            inspect(f"{FILE}:slow", np.ones(20), executor=executor)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("tcp://127.0.0.1:1", r"name a scheduler of dask, such as dask:tcp://127\.0\.0\.1:1"),
        ("dask:tcp://127.0.0.1:1", "no scheduler answers there, .* start one there: dask scheduler --port 1"),
        ("dask:127.0.0.1:1", "the port is closed"),
        ("dask:tcp://127.0.0.1", r"name a scheduler of dask, such as dask:tcp://127\.0\.0\.1:8786"),
        ("dask:tcp://127.0.0.1:99999", "name a scheduler of dask"),
        ("dask:", "name a scheduler of dask"),
    ],
)
def test_an_address_that_is_none(address: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jacinspect.executors.cluster._STARTING", 0.2)
    with pytest.raises(InputError, match=message), connected(address):
        pass


def test_a_scheduler_that_opens_its_port_a_moment_later_is_waited_for() -> None:
    with socket() as later:
        later.bind(("127.0.0.1", 0))  # nobody may connect before it listens
        Timer(0.3, later.listen).start()
        began = monotonic()
        _require_open("dask:…", later.getsockname())
        assert monotonic() - began >= 0.2


def test_a_cluster_without_workers_is_told_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jacinspect.jacobian.calls.evaluation._STARTING", 0.3)
    with (
        cluster_of(0) as cluster,
        Client(cluster, set_as_default=False) as client,
        pytest.raises(FunctionFailedError, match=r"no workers; start some: dask worker tcp://127\.0\.0\.1:\d+, or"),
    ):
        inspect("tanh", X, executor=client.get_executor())


def test_a_cluster_that_starts_workers_on_demand_starts_some() -> None:
    with cluster_of(0) as cluster, Client(cluster, set_as_default=False) as client:
        cluster.adapt(minimum=0, maximum=1)
        assert inspect("sin", X, executor=client.get_executor(pure=False)).to_json() == inspect("sin", X).to_json()
