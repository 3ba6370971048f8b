"""A Pool of processes: what hangs, dies, raises or prints in one of them, and the order of what comes of it.

They are spawned here, as where a fork is not safe: pytest has threads, and what other tests imported. The program forks
them on Linux, which tests/cli/test_check.py holds.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from jacinspect.checks import workers
from jacinspect.checks.outcomes import Outcome
from jacinspect.checks.suite import load_suite
from jacinspect.checks.workers import Pool
from jacinspect.errors import InputError

CODE = r"""
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
import numpy as np

def double(x):
    return 2 * x

def slow_first(x):
    if x.shape == (2,):
        time.sleep(0.004)
    return 2 * x

def loops(x):
    while True:
        pass

def grandchild(x):
    child = subprocess.Popen(["sleep", "60"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    Path("grandchild").write_text(str(child.pid))
    child.wait()
    return x

def exits(x):
    os._exit(3)

def killed(x):
    os.kill(os.getpid(), signal.SIGKILL)

def dies_midway(x):
    if not np.array_equal(x, np.random.default_rng(0).standard_normal(3)):
        os._exit(4)
    return 2 * x

def raises(x):
    raise ValueError("never \x1b[31m again")

def leaves(x):
    sys.exit(5)

def closes(x):
    os.closerange(3, 64)
    return 2 * x

def pools(x):
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return np.asarray(pool.map(abs, list(x)))

def interrupts(x):
    raise KeyboardInterrupt

def steps(x):
    return np.abs(x)
"""


@pytest.fixture(scope="module", autouse=True)
def spawned() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "_CONTEXT", get_context("spawn"))
        yield


def configured(folder: Path, text: str) -> Path:
    (folder / "code_of_workers.py").write_text(CODE, encoding="utf-8")
    file = folder / "jacinspect.toml"
    file.write_text(text, encoding="utf-8")
    return file


def table(name: str, more: str = "") -> str:
    return f'[checks.{name}]\nfunction = "code_of_workers.py:{name}"\n{more}\n'


def inspected(file: Path, jobs: int = 1, timeout: float | None = None, *names: str) -> list[Outcome]:
    with Pool(load_suite(file).selected(names), jobs, timeout) as pool:
        return list(pool.outcomes())


def codes(outcome: Outcome) -> list[tuple[str, str]]:
    return [(finding.code, finding.message) for finding in outcome.report.findings]


# --- What ends badly, and leaves the others alone ---------------------------------------------------------------------

NAMES = ["exits", "double", "killed", "dies_midway", "raises", "leaves", "interrupts", "closes", "steps"]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    tables = "".join(table(name) for name in NAMES)
    file = configured(tmp_path_factory.mktemp("ended"), f"shapes = 3\n{tables}")
    outcomes = inspected(file, 2)
    assert [each.check for each in outcomes] == NAMES
    return {each.check: each for each in outcomes}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("exits", "the function ended its process with exit status 3"),
        ("killed", "the function ended its process with SIGKILL"),
        ("dies_midway", "the function ended its process with exit status 4"),
        ("closes", "the function ended its process with exit status 1"),
    ],
)
def test_a_function_that_ends_its_process(ended: dict[str, Outcome], name: str, message: str) -> None:
    assert codes(ended[name]) == [("J011", message)]
    assert ended[name].report.verdict == "fail"


def test_what_was_not_made_is_said_of_as_much_as_is_known(ended: dict[str, Outcome]) -> None:
    outcome = ended["exits"]
    report = outcome.report
    assert (report.function.name, outcome.name) == ("code_of_workers.py:exits", "exits [3, seed 0]")
    assert (Path(outcome.file).name, outcome.line) == ("code_of_workers.py", 29)
    assert np.array_equal(report.operand.values, ended["double"].report.operand.values)
    assert (report.output, report.jacobian, report.agreement) == (None, None, None)


def test_a_function_that_raises_or_leaves(ended: dict[str, Outcome]) -> None:
    ((code, message),) = codes(ended["raises"])
    assert code == "J011"
    assert "raised ValueError: never \x1b[31m again\n  code_of_workers.py:41: raise ValueError(" in message
    ((code, message),) = codes(ended["leaves"])
    assert code == "J011"
    assert "raised SystemExit: 5\n  code_of_workers.py:44: sys.exit(5)" in message


def test_a_function_that_raises_keyboard_interrupt(ended: dict[str, Outcome]) -> None:
    ((code, message),) = codes(ended["interrupts"])
    assert code == "J011"
    assert message.startswith("the code raised KeyboardInterrupt\n  code_of_workers.py:")


def test_the_others_are_made(ended: dict[str, Outcome]) -> None:
    assert {name for name in NAMES if ended[name].report.verdict == "pass"} == {"double", "steps"}


def test_a_function_with_processes_of_its_own(tmp_path: Path) -> None:
    (outcome,) = inspected(configured(tmp_path, f"shapes = 3\n{table('pools')}"))
    assert codes(outcome) == []


# --- Time -------------------------------------------------------------------------------------------------------------


def is_alive(process: int) -> bool:
    """Whether a process is still at something; one that has ended may be listed until somebody asks how."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# Operands are drawn and read before any function is called, which may take long, or fail, as well.
PATCH = """
import time
from jacinspect.checks.preparation import PreparedCheck
from jacinspect.errors import InputError

drawn = PreparedCheck._operands

def operands(self, case, settings):
    if case.check == "unbegun":
        time.sleep(60)
    if case.check == "unread":
        raise InputError("x.csv: there is no such file")
    return drawn(self, case, settings)

PreparedCheck._operands = operands

def f(x):
    return x
"""


@dataclass(frozen=True)
class Late:
    """What came of a suite of which two do not end, and whether a process that one of those started is alive."""

    outcomes: dict[str, Outcome]
    seconds: float
    alive: bool


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> Late:
    folder = tmp_path_factory.mktemp("late")
    allow = 'allow = ["J010", "J011"]'
    tables = [table("double"), table("loops"), table("grandchild", allow), table("exits", allow), table("steps")]
    (folder / "patch_of_workers.py").write_text(PATCH)
    tables += [f'[checks.{name}]\nfunction = "patch_of_workers.py:f"\n' for name in ("unbegun", "unread", "last")]
    file = configured(folder, "shapes = 3\n" + "".join(tables))
    started = time.monotonic()
    outcomes = inspected(file, 2, 3.0)
    seconds = time.monotonic() - started
    process = int((folder / "grandchild").read_text())
    alive = is_alive(process)
    if alive:
        os.kill(process, signal.SIGKILL)
    return Late({each.check: each for each in outcomes}, seconds, alive)


def test_what_does_not_end_in_time_is_ended_and_the_others_are_made(late: Late) -> None:
    assert late.seconds < 30
    assert list(late.outcomes) == ["double", "loops", "grandchild", "exits", "steps", "unbegun", "unread", "last"]
    for name in ("loops", "grandchild", "unbegun"):
        (finding,) = (each for each in late.outcomes[name].report.findings if each.code != "J006")
        assert (finding.code, finding.name) == ("J010", "timeout")
        assert finding.message.startswith("the inspection took longer than 3 s (--timeout) and was ended")
    assert late.outcomes["loops"].report.verdict == "inconclusive"
    assert [late.outcomes[name].report.verdict for name in ("double", "steps", "last")] == ["pass"] * 3
    assert 3 < late.outcomes["loops"].seconds < 10
    assert late.outcomes["double"].seconds < 3


def test_what_had_not_begun_is_named_as_far_as_the_configuration_does(late: Late) -> None:
    unbegun, unread = late.outcomes["unbegun"], late.outcomes["unread"]
    assert (unbegun.name, unbegun.report.function.name) == ("unbegun [3, seed 0]", "patch_of_workers.py:f")
    assert (Path(unbegun.file).name, unbegun.report.verdict) == ("jacinspect.toml", "inconclusive")
    assert codes(unread) == [("J011", "x.csv: there is no such file")]


def test_what_a_late_function_has_started_is_ended_too(late: Late) -> None:
    assert not late.alive


@pytest.mark.parametrize("name", ["grandchild", "exits"])
def test_the_end_of_a_process_is_allowed_and_yet_no_evidence(late: Late, name: str) -> None:
    assert late.outcomes[name].report.verdict == "inconclusive"
    assert len(late.outcomes[name].allowed) == 1


# --- Order ------------------------------------------------------------------------------------------------------------


def test_the_order_is_that_of_the_configuration_however_many_jobs(tmp_path: Path) -> None:
    text = 'shapes = ["2", "3", "4"]\nseeds = [0, 1]\n' + table("slow_first") + table("double")
    file = configured(tmp_path, text)
    alone, together = inspected(file), inspected(file, 3)
    expected = [
        f"{check} [{n}, seed {seed}]" for check in ("slow_first", "double") for n in (2, 3, 4) for seed in (0, 1)
    ]
    assert [each.name for each in alone] == [each.name for each in together] == expected
    assert [each.report.to_json() for each in alone] == [each.report.to_json() for each in together]


def test_an_outcome_comes_as_soon_as_those_before_it_are_there(tmp_path: Path) -> None:
    text = "shapes = 3\n" + table("double") + table("loops")
    with Pool(load_suite(configured(tmp_path, text)), 2) as pool:
        assert next(pool.outcomes()).check == "double"


def test_leaving_ends_all_processes(tmp_path: Path) -> None:
    text = "shapes = 3\n" + table("double") + table("loops") + table("steps")
    with Pool(load_suite(configured(tmp_path, text)), 2) as pool:
        outcomes: Iterator[Outcome] = pool.outcomes()
        next(outcomes)
        processes = [worker.process for worker in pool._workers]
    assert len(processes) == 2
    assert [process.exitcode for process in processes] == [-9, -9]


# --- What is refused before anything runs -----------------------------------------------------------------------------


def refused(file: Path, timeout: float | None = None) -> str:
    with pytest.raises(InputError) as caught:
        inspected(file, 1, timeout)
    return str(caught.value)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import os; os._exit(7)", "importing the checked code ended its process with exit status 7"),
        ("import os; os.kill(os.getpid(), 11)", "importing the checked code ended its process with SIGSEGV"),
        ("while True: pass", "importing the checked code took longer than --timeout"),
    ],
)
def test_code_that_ends_its_process_or_hangs_when_imported(tmp_path: Path, code: str, message: str) -> None:
    (tmp_path / "bad.py").write_text(f"{code}\n")
    file = configured(tmp_path, 'shapes = 3\n[checks.a]\nfunction = "bad.py:f"\n')
    assert refused(file, 2.0 if "while" in code else None) == f"{file}: {message}"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write a configuration in one folder, while the current folder is another, with modules of the same names."""
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    (tmp_path / "here" / "code_of_workers.py").write_text("def double(x): return 3 * x\n")
    (tmp_path / "here" / "x.csv").write_text("9,9\n")
    (tmp_path / "there" / "x.csv").write_text("1,2\n")
    monkeypatch.chdir(tmp_path / "here")
    return lambda text: configured(tmp_path / "there", text)


def test_references_and_files_are_those_of_the_configurations_folder(elsewhere: Callable[[str], Path]) -> None:
    text = """
    [checks.module]
    function = "code_of_workers:double"
    operands = { x = "x.csv" }
    derivative = "2"
    [checks.file]
    function = "code_of_workers.py:double"
    operands = { x = "x.csv" }
    derivative = "2"
    """
    file = Path(os.path.relpath(elsewhere(text)))
    for outcome in inspected(file):
        assert outcome.report.verdict == "pass"
        assert outcome.report.operand.values.tolist() == [1, 2]
        assert (outcome.label, outcome.report.operand.source) == ("seed 0", "x.csv")
        assert Path(outcome.file).resolve() == (file.parent / "code_of_workers.py").resolve()
