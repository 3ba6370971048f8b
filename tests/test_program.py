"""How these tests run the program: a fork of a server gives what a start of the program gives, and ends as it ends."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.program import ENVIRONMENT, PATIENCE, PROGRAM, command, execute, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each run is a start")

CODE = """
import os, signal, sys, time
from pathlib import Path

def parent(x):
    print(Path(f"/proc/{os.getppid()}/cmdline").read_bytes().replace(b"\\0", b" "))
    return x

def killed(x):
    os.kill(os.getppid(), signal.SIGKILL)  # the run, which has forked a process for code
    time.sleep(100)

def waits(x):
    Path("waits.part").write_text(str(os.getpid()))
    Path("waits.part").rename("waits")
    time.sleep(100)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "code.py").write_text(CODE)
    return tmp_path


@pytest.mark.parametrize(
    "typed", ["sigmoid -s 2x2 --details", "list swish --json", "relu -i -", "sigmoid --shap 3", "sigmiod -s 3", "-h"]
)
def test_a_fork_gives_what_a_start_gives(typed: str, tmp_path: Path) -> None:
    words, variables = typed.split(), {"FORCE_COLOR": "1", "COLUMNS": "70"}
    for given in ({}, variables):
        forked, started = (
            execute([*first, *words], cwd=tmp_path, stdin=b"1 0 -2\n", variables=given)
            for first in (command(), PROGRAM)
        )
        assert forked == started


def test_it_is_a_fork_unless_python_would_start_otherwise(folder: Path) -> None:
    assert "tests/server.py" in run("code.py:parent", "-s", "2", cwd=folder).err
    assert "tests/server.py" not in run("code.py:parent", "-s", "2", cwd=folder, PYTHONHASHSEED="1").err


def test_a_run_that_is_killed_is_killed(folder: Path) -> None:
    assert run("code.py:killed", "-s", "2", cwd=folder).status == -signal.SIGKILL


def test_no_run_outlives_its_client(folder: Path) -> None:
    with subprocess.Popen(command("code.py:waits", "-s", "2"), cwd=folder, env=ENVIRONMENT) as client:
        end = time.monotonic() + PATIENCE
        while not (folder / "waits").exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        client.kill()
    run_itself = int((folder / "waits").read_text())
    while Path(f"/proc/{run_itself}").exists():
        assert time.monotonic() < end
        time.sleep(0.01)
