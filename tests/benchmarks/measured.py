"""One inspection in a process of its own, with what it took. `python measured.py RESULT MODE …` is that process."""

import atexit
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

__all__ = ["GIB", "Measured", "command", "inspection"]

GIB = 2**30
_ROOT = Path(__file__).parents[2]
_MOST = 16 * GIB  # of addresses: the process is to fail by itself, not to be shot, nor the tests with it


@dataclass(frozen=True)
class Measured:
    """What a process took: seconds from start to end, and its peak of memory in bytes, the interpreter included.

    `calls` of f took `in_f` seconds; `once` is the shortest of a few more calls of the first f on an operand of
    that shape, made at the end. `inside` is without start and imports. `status` is None for a process that had to be
    ended; `bare` is the peak of one that only imports.
    """

    seconds: float
    inside: float
    calls: int
    in_f: float
    once: float
    peak: int
    bare: int
    status: int | None
    output: str
    errors: str

    @property
    def report(self) -> Any:
        """What it printed, where that is JSON."""
        return json.loads(self.output) if self.status in (0, 1) else {}


def command(*arguments: str, timeout: float = 200, cwd: Path | None = None) -> Measured:
    """Run `jacinspect ARGUMENTS`."""
    return _measured(["command", *arguments], timeout, cwd)


def inspection(shape: str) -> Measured:
    """Run `jacinspect.inspect` on a numpy sigmoid with its derivative, after one on 2×2 that imports what is needed."""
    return _measured(["inspect", shape], 200, None)


def _measured(arguments: list[str], timeout: float, cwd: Path | None) -> Measured:
    with TemporaryDirectory() as scratch:
        result = Path(scratch) / "result.json"
        # One thread: on a machine that is not ours alone, two wait for each other, 60 times as long as a product takes.
        environment = os.environ | {"PYTHONPATH": str(_ROOT), "OPENBLAS_NUM_THREADS": "1"}
        line = [sys.executable, __file__, str(result), *arguments]
        start = perf_counter()
        try:
            ended = subprocess.run(line, capture_output=True, text=True, timeout=timeout, cwd=cwd, env=environment)
            status, output, errors = ended.returncode, ended.stdout, ended.stderr
        except subprocess.TimeoutExpired:
            status, output, errors = None, "", f"over {timeout} s"
        seconds = perf_counter() - start
        told: dict[str, Any] = json.loads(result.read_text()) if result.exists() else {}
    names = {"inside": 0.0, "calls": 0, "in_f": 0.0, "once": 0.0, "peak": 0, "bare": 0}
    return Measured(
        seconds, status=status, output=output, errors=errors, **{n: told.get(n, d) for n, d in names.items()}
    )


# --- Inside the process ---------------------------------------------------------------------------------------------


class _Watched:
    """A function that notes how often it is called, and for how long it runs."""

    calls, seconds = 0, 0.0
    first: "tuple[Callable[[Any], Any], tuple[int, ...]] | None" = None  # no operand: it would be held for good

    def __init__(self, f: Callable[[Any], Any]) -> None:
        self.f = f

    def __call__(self, x: Any) -> Any:
        if _Watched.first is None:
            _Watched.first = self.f, x.shape
        start = perf_counter()
        try:
            return self.f(x)
        finally:
            _Watched.seconds += perf_counter() - start
            _Watched.calls += 1

    @staticmethod
    def reset() -> None:
        _Watched.calls, _Watched.seconds, _Watched.first = 0, 0.0, None


def _peak() -> int:
    """Return this process's peak of memory.

    On Linux ru_maxrss begins at the peak of the process that started this one, a test run with torch in it, and VmHWM
    does not.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _watch() -> None:
    """Let every BlackBox wrap a function that is watched: it is the one way by which the program calls f."""
    from jacinspect.jacobian.calls.blackbox import BlackBox

    begin = BlackBox.__init__

    def watched(self: BlackBox, f: Callable[[Any], Any], x: Any, *rest: Any) -> None:
        begin(self, _Watched(f), x, *rest)

    BlackBox.__init__ = watched  # type: ignore[assignment, method-assign]


def _once() -> float:
    if _Watched.first is None:
        return 0.0
    import numpy as np

    f, shape = _Watched.first
    x = np.random.default_rng(0).standard_normal(shape)
    best = float("inf")
    for _ in range(5):
        start = perf_counter()
        f(x)
        best = min(best, perf_counter() - start)
    return best


def _inspect(result: str, shape: str) -> None:
    import numpy as np

    import jacinspect

    def sigmoid(x: Any) -> Any:
        return 1 / (1 + np.exp(-x))

    def derivative(x: Any) -> Any:
        y = sigmoid(x)
        return y * (1 - y)

    jacinspect.inspect(sigmoid, np.ones((2, 2)), derivative=derivative)
    _Watched.reset()
    x = np.random.default_rng(0).standard_normal([int(n) for n in shape.split("x")])
    start, bare = perf_counter(), _peak() - x.nbytes
    report = jacinspect.inspect(sigmoid, x, derivative=derivative)
    _tell(result, perf_counter() - start, bare)
    assert report.verdict == "pass"


def _tell(result: str, inside: float, bare: int) -> None:
    told = {"inside": inside, "calls": _Watched.calls, "in_f": _Watched.seconds, "peak": _peak(), "bare": bare}
    Path(result).write_text(json.dumps({**told, "once": _once()}))


def _run(result: str, mode: str, arguments: list[str]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MOST, resource.RLIM_INFINITY))
    import numpy  # noqa: F401 (so that `bare` has it)

    import jacinspect.cli
    import jacinspect.inspection.pipeline  # noqa: F401
    from jacinspect.__main__ import main

    _watch()
    if mode == "inspect":
        _inspect(result, *arguments)
        return
    start, bare = perf_counter(), _peak()
    atexit.register(lambda: _tell(result, perf_counter() - start, bare))
    sys.argv[1:] = arguments
    main()


if __name__ == "__main__":
    _run(sys.argv[1], sys.argv[2], sys.argv[3:])
