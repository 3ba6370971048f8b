"""Processes as on Windows, which has no sessions, groups, fork or SIGKILL: none of these is there in these tests."""

import ctypes
import importlib.util
import os
import signal
import sys
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from jacinspect.checks import workers
from jacinspect.checks.suite import load_suite
from jacinspect.checks.workers import Pool
from jacinspect.cli.child import go_on_in_a_child
from jacinspect.executors import processes

JOB, ITSELF = 0x1234, 2**64 - 1


class Function:
    """A function of kernel32 that notes what it is called with."""

    def __init__(self, result: int, calls: list[tuple[Any, ...]]) -> None:
        self.result, self.calls, self.restype = result, calls, None

    def __call__(self, *arguments: Any) -> int:
        self.calls.append(arguments)
        return self.result


class Kernel:
    def __init__(self, name: str) -> None:
        assert name == "kernel32"
        self.calls: dict[str, list[tuple[Any, ...]]] = {}
        for function, result in (
            ("CreateJobObjectW", JOB),
            ("GetCurrentProcess", ITSELF),
            ("SetInformationJobObject", 1),
            ("AssignProcessToJobObject", 1),
        ):
            setattr(self, function, Function(result, self.calls.setdefault(function, [])))


class Process:
    ended = False
    pid = 1

    def kill(self) -> None:
        self.ended = True

    def join(self, timeout: float) -> None:
        assert self.ended


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import the module as Windows does."""
    monkeypatch.setattr(sys, "platform", "win32")
    spec = importlib.util.spec_from_file_location("processes_on_windows", processes.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.undo()
    for owner, name in ((os, "setsid"), (os, "killpg"), (os, "fork"), (signal, "SIGKILL")):
        monkeypatch.delattr(owner, name)
    return module


def test_a_process_leads_a_job_that_ends_with_it(windows: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    kernels: list[Kernel] = []

    def load(name: str) -> Kernel:
        kernels.append(Kernel(name))
        return kernels[-1]

    monkeypatch.setattr(ctypes, "WinDLL", load, raising=False)
    windows.lead()
    (kernel,) = kernels
    ((job, kind, limits, size),) = kernel.calls["SetInformationJobObject"]
    assert (job.value, kind, size, len(limits)) == (JOB, 9, 144, 144)
    assert int.from_bytes(limits.raw[16:20], "little") == 0x2000
    assert sum(limits.raw) == 0x20
    ((job, process),) = kernel.calls["AssignProcessToJobObject"]
    assert (job.value, process.value) == (JOB, ITSELF)


def test_a_process_is_ended(windows: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    process = Process()
    windows.end(process)
    assert process.ended
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *call: sent.append(call))
    windows.end_here()
    assert sent == [(os.getpid(), signal.SIGTERM)]


def test_code_is_run_in_this_process_where_there_is_no_fork(
    windows: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert go_on_in_a_child("code.py:f") is None


def test_a_worker_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what multiprocessing has on every platform; no file is left."""
    (tmp_path / "hanging.py").write_text("import time\n\ndef f(x):\n    time.sleep(60)\n")
    (tmp_path / "jacinspect.toml").write_text('[checks.f]\nfunction = "hanging.py:f"\nshapes = "2"\n')
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    monkeypatch.setattr(workers, "_CONTEXT", get_context("spawn"))
    monkeypatch.delattr(os, "killpg")
    monkeypatch.setattr(workers, "end", lambda process: (process.kill(), process.join(1)))
    with Pool(load_suite(tmp_path / "jacinspect.toml"), timeout=6) as pool:
        (outcome,) = pool.outcomes()
        processes_of = [worker.process for worker in pool._workers]
    assert [finding.code for finding in outcome.report.findings] == ["J010"]
    assert not any(process.is_alive() for process in processes_of)
    assert not [*(tmp_path / "scratch").glob("jacinspect-*")]
