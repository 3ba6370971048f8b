"""The real program in a process of its own: one environment and one runner for all tests of the command line."""

import json
import os
import pty
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"

# What a developer's terminal may set, and what would change the program's output; and at the end, what would have
# each of the hundreds of programs compile all its modules, which takes as long as the rest of its start.
UNSET = (
    "COLUMNS",
    "LINES",
    "FORCE_COLOR",
    "NO_COLOR",
    "TERM",
    "PYTHONUTF8",
    "LC_ALL",
    "LANG",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONUNBUFFERED",
)
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in UNSET}
ENVIRONMENT |= {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}

# A shell's job in the background ignores Ctrl-C, and so would every program that these tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

PATIENCE = 180  # seconds before a run counts as hanging; one takes half a second, and three with torch


@dataclass(frozen=True)
class Run:
    """The exit status and both streams of a run that has ended."""

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def report(self) -> dict[str, Any]:
        """The object that standard output holds as JSON."""
        return strict_json(self.out)


def strict_json(text: str | bytes) -> dict[str, Any]:
    """Parse an object as RFC 8259 has it: without NaN and Infinity, and with no key twice."""
    loaded: dict[str, Any] = json.loads(text, parse_constant=refuse, object_pairs_hook=without_repeats)
    return loaded


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not RFC 8259")


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({name for name, _ in pairs}) == len(pairs), f"a key stands twice in {pairs}"
    return dict(pairs)


PROGRAM = [sys.executable, "-m", "jacinspect"]  # what the tests of signals, of imports and of closed streams start

STARTING = Lock()  # held while a server is started, as tests run programs in threads


def command(*args: str) -> list[str]:
    """Give the words that run the program."""
    return [*runner(" ".join(args)), *args]


def runner(typed: str) -> list[str]:
    """Give the words that run the program in a fork of one that has imported it, and torch if it is typed."""
    if sys.platform != "linux":
        return PROGRAM
    with STARTING:
        address, _ = server(*re.findall(r"\btorch(?=[._])", typed)[:1])
    return [sys.executable, "-IS", str(ROOT / "tests" / "client.py"), address]


@cache
def server(*further: str) -> tuple[str, "subprocess.Popen[bytes]"]:
    """Start `tests/server.py`, which imports these modules besides; return its address, and the process."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind("")  # to an address that Linux chooses, which is no file
        listener.listen(64)  # clients that come before the server is ready wait
        words = [sys.executable, str(ROOT / "tests" / "server.py"), *further]
        process = subprocess.Popen(words, stdin=listener.fileno(), cwd=ROOT, env=ENVIRONMENT, start_new_session=True)
        return listener.getsockname()[1:].decode(), process


def execute(
    words: Sequence[str], *, cwd: Path = ROOT, stdin: bytes = b"", variables: Mapping[str, str] | None = None
) -> Run:
    """Run any command in the environment of these tests, with some variables set besides."""
    environment = {**ENVIRONMENT, **(variables or {})}
    done = subprocess.run(words, input=stdin, capture_output=True, cwd=cwd, env=environment, timeout=PATIENCE)
    return Run(done.returncode, done.stdout, done.stderr.decode())


def run(*args: str, cwd: Path = ROOT, stdin: bytes = b"", **variables: str) -> Run:
    """Run the program with these arguments."""
    return execute(command(*args), cwd=cwd, stdin=stdin, variables=variables)


@cache
def ran(typed: str, cwd: Path = ROOT, **variables: str) -> Run:
    """Run once what several tests look at; no word of what is typed has a blank, and no file is changed by it."""
    return execute(command(*typed.split()), cwd=cwd, variables=variables)


def run_side_by_side(typed: Iterable[str], cwd: Path = ROOT) -> None:
    """Fill the cache of `ran`: most of a run is the start of a process, and there is more than one processor."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda each: ran(each, cwd), typed))


def install(folder: Path, typed: str = "") -> str:
    """Put the command `jacinspect`, which is to run what is typed, into a folder; return a search path that has it."""
    script = folder / "jacinspect"
    script.write_text(f'#!/bin/sh\nexec {shlex.join(runner(typed))} "$@"\n')
    script.chmod(0o755)
    return f"{folder}:{ENVIRONMENT['PATH']}"


def in_shell(typed: str) -> Run:
    """Run the program as a shell does, `typed` being its arguments and redirections."""
    return execute(["sh", "-c", f'exec "$0" "$@" {typed}', *PROGRAM])


@contextmanager
def started(
    *args: str, cwd: Path = ROOT, err: int = subprocess.PIPE, **variables: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """Start the program as a terminal does, in a process group of its own, which is killed on leaving."""
    environment = {**ENVIRONMENT, **variables}
    with subprocess.Popen(
        [*PROGRAM, *args], stdout=subprocess.PIPE, stderr=err, cwd=cwd, env=environment, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def on_a_terminal(*args: str, cwd: Path = ROOT, err: bool = False, **variables: str) -> Run:
    """Run with standard input and output on a terminal, and standard error if wanted; `out` is what it showed there."""
    near, far = pty.openpty()
    environment = {**ENVIRONMENT, "TERM": "xterm-256color", "COLUMNS": "80", **variables}
    errors = far if err else subprocess.DEVNULL  # progress is reported there, and is not part of the output
    with subprocess.Popen(command(*args), stdin=far, stdout=far, stderr=errors, cwd=cwd, env=environment) as process:
        os.close(far)
        shown = b"".join(pieces(near))
    os.close(near)
    return Run(process.returncode, shown, "")


def pieces(terminal: int) -> Iterator[bytes]:
    """Read what a terminal shows until its other end is closed."""
    with suppress(OSError):  # which is how Linux reports that end
        while piece := os.read(terminal, 65536):
            yield piece
