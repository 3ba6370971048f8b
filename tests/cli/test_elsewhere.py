"""--jobs and --executor: the function is called elsewhere, and how long that takes is told before."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from jacinspect.cli.streams import Progress
from jacinspect.inspection.plan import Plan
from tests.executors.cases import FILE
from tests.program import Run, run, started


def test_processes_make_the_same_report_and_print_where_the_program_prints(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text("def f(x):\n    print('called')\n    return x**2\n")
    typed = ("loud.py:f", "-s", "2", "-d", "2*x", "--json")
    here, elsewhere = run(*typed, cwd=tmp_path), run(*typed, "--jobs", "2", cwd=tmp_path)
    assert (elsewhere.status, elsewhere.out) == (here.status, here.out) == (0, here.out)
    for err in (here.err, elsewhere.err):
        assert err.startswith("jacinspect: the inspected code printed:\n  called\n  called\n")


LEAVES = """
import numpy as np
def f(x, p={"w": np.array([[0.5, -1, 2], [1.5, 0.25, -0.75]]), "b": np.array([0.3, -0.7])}):
    return p["w"] @ x + p["b"] ** 2
def df(x, p):
    return p["w"], {"w": np.einsum("ij,k->ijk", np.eye(2), x), "b": np.diag(2 * p["b"])}
"""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrt", ["p.*", "x,p.b", "all"])
def test_leaves_of_a_container_are_operands_in_other_processes(wrt: str, dtype: str, tmp_path: Path) -> None:
    (tmp_path / "leaves.py").write_text(LEAVES)
    typed = ("leaves.py:f", "-s", "3", "-d", "leaves.py:df", "--wrt", wrt, "--dtype", dtype, "--json")
    here, elsewhere = run(*typed, cwd=tmp_path), run(*typed, "--jobs", "2", cwd=tmp_path)
    assert (elsewhere.status, elsewhere.out) == (here.status, here.out) == (0, here.out)


def test_a_cluster_cannot_be_told_when_to_end(tmp_path: Path) -> None:
    (tmp_path / "jacinspect.toml").write_text('[checks.sin]\nfunction = "sin"\nshapes = ["3"]\n')
    told = run("check", "--executor", "dask:tcp://127.0.0.1:1", "--timeout", "5", cwd=tmp_path)
    assert told.status == 2
    assert "leave out --timeout, or name --jobs in place of --executor" in told.err
    assert run("check", "--jobs", "2", "--timeout", "500", cwd=tmp_path).status == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--jobs", "0"], "--jobs 0: a number of processes above 0, or auto, is needed"),
        (
            ["--executor", "tcp://h:1"],
            "--executor tcp://h:1: name a scheduler of dask, such as dask:tcp://h:1",
        ),
        (
            ["--jobs", "2", "--executor", "dask:tcp://h:1"],
            "--jobs starts processes here, and --executor names workers elsewhere: give one of them",
        ),
    ],
)
def test_what_cannot_be_started_is_told_before_the_function_is_called(
    options: list[str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "loud.py").write_text("def f(x):\n    print('called')\n    return x**2\n")
    assert run("loud.py:f", "-s", "2", *options, cwd=tmp_path) == Run(2, b"", f"jacinspect: {message}\n")


def test_how_a_process_ended_is_told() -> None:
    told = run(f"{FILE}:ends", "--input", "[1, 2]", "--jobs", "2")
    assert (told.status, told.out) == (2, b"")
    assert "the function ended its process with exit status 3, at the last of 3 attempts" in told.err


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc which processes there are")
def test_an_interrupt_ends_the_processes_and_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("old")
    typed = (f"{FILE}:slow", "--shape", "200", "--jobs", "2", "--output", "old.txt")
    with started(*typed, cwd=tmp_path, STARTED_FOR=str(tmp_path)) as process:
        deadline = time.monotonic() + 30
        while len(processes_for(tmp_path)) < 4 and time.monotonic() < deadline:  # it, its child, and two of that
            time.sleep(0.1)
        time.sleep(1)
        assert process.poll() is None, "it is to be interrupted while it works"
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, b"", b"")
    assert (tmp_path / "old.txt").read_text() == "old"
    deadline = time.monotonic() + 10
    while processes_for(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not processes_for(tmp_path)


def processes_for(folder: Path) -> set[int]:
    """Find the processes that have inherited the name of a folder."""
    found = set()
    for place in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"STARTED_FOR={folder}\0".encode() in place.read_bytes():
                found.add(int(place.parent.name))
        except OSError:
            continue
    return found


def test_how_long_a_slow_function_takes_is_told_once_before(capsys: pytest.CaptureFixture[str]) -> None:
    progress, plan = Progress(serial=False), Plan.at_most(1000, 100_000, 0.5, 8)
    progress.planned(plan)
    progress.planned(plan.with_colors(30, 5))
    told = capsys.readouterr().err
    assert told == (
        "jacinspect: a call takes 0.5 s; if outputs read all inputs, about 1,045 calls to find the pattern, 3,000 for "
        "the values: 4.2 min on 8 workers; --max-evaluations N samples, --order 2 and --points multiply\n"
    )
    Progress().planned(Plan.at_most(4, 100_000, 0.5, 1))
    assert "on 1 worker; --jobs N makes them side by side, --max-evaluations" in capsys.readouterr().err
    Progress().planned(Plan.at_most(1000, 100_000, 0.01, 1))
    assert capsys.readouterr().err == ""


def test_a_plan_stays_within_the_budget_and_knows_the_colors() -> None:
    plan = Plan.at_most(10**6, 1000, 0.5, 2)
    assert (plan.pattern, plan.values, plan.calls, plan.duration) == (500, 500, 1000, 250)
    assert plan.with_colors(40, 3) == Plan(40, 18, 0.5, 2, found=True)


def test_progress_shows_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    progress = Progress()
    monkeypatch.setattr(progress, "show", shown.append)
    monkeypatch.setattr(progress, "_due", -1.0)
    monkeypatch.setattr(progress, "_began", time.monotonic() - 10)
    progress(5)
    progress.planned(Plan.at_most(10, 1000, 0.01, 1))
    progress(10)
    progress.planned(Plan.at_most(10, 1000, 0.01, 1).with_colors(20, 5))
    progress(20)
    progress.after(20)(40)
    assert shown == [
        "5 calls of the function",
        "10 of at most 115 calls of the function, 1.8 min left",
        "20 of about 50 calls of the function, 15 s left",
        "60 calls of the function",
    ]
