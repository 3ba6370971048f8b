"""Inspections in worker processes, which may hang, die or print. In: a Suite. Out: Outcomes. Next: views/checks.

The parent imports no code of the user's. A worker that misses its deadline is killed; a new one replaces it, or one
that died, and goes on with the rest.
"""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import field
from multiprocessing import get_context
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import monotonic, time
from typing import IO, Any

from jacinspect.checks.outcomes import Outcome
from jacinspect.checks.preparation import not_begun, prepare
from jacinspect.checks.suite import Case, Suite
from jacinspect.errors import InputError, JacinspectError
from jacinspect.executors.processes import become_worker, end, interrupts_ignored
from jacinspect.records import dataclass, replace
from jacinspect.wording import how_it_ended

__all__ = ["Pool"]

# A fork has all that the parent has imported, at once; elsewhere than on Linux, system libraries do not survive one.
_CONTEXT: Any = get_context("fork") if sys.platform == "linux" else get_context("spawn")
_POLL = 0.2  # seconds between looks at `stopped`: short for a person who pressed Ctrl-C, long for the processor
_LAST_LINES = 5  # of what code wrote that ended its process while it was imported
_AGAIN = 10.0  # times --timeout, in which code is imported again: once it was in time, but other work may slow it
_GRACE = 1.0  # seconds to wait for a process that was killed or closed its pipe, which takes milliseconds


def _serve(connection: Any, suite: Suite, errors: str) -> None:
    """Run a worker: prepare the suite, then inspect each case received, until None comes or the pipe is closed.

    What checked code writes on standard error goes to a file, of which the parent shows what is about a failure.
    """
    become_worker()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what checked code prints is not part of a report
    os.dup2(os.open(errors, os.O_WRONLY | os.O_APPEND), 2)
    os.chdir(suite.file.parent)
    try:
        prepared = {each.check.name: each for each in prepare(suite)}
    except JacinspectError as error:
        connection.send(("refused", str(error)))
        return
    connection.send(("ready", {name: each.function.operands for name, each in prepared.items()}))
    with suppress(EOFError):
        while (case := connection.recv()) is not None:
            try:
                outcome = prepared[case.check].outcome(case, lambda begun: connection.send(("started", begun)))
            except JacinspectError as error:
                connection.send(("refused", str(error)))
            else:
                connection.send(("done", outcome))


@dataclass(eq=False)
class _Worker:
    """A process and its state: the index of its case, its deadline, and the outcome that stands if it dies.

    `ready` is whether it has prepared the suite, `errors` the file that has what it writes on standard error, and
    `since` when it was given its case.
    """

    process: BaseProcess
    connection: Any  # multiprocessing's, of another class on each platform
    errors: IO[bytes]
    task: int | None = None
    deadline: float | None = None
    begun: Outcome | None = None
    ready: bool = False
    since: float = 0.0

    def completed(self, outcome: Outcome) -> Outcome:
        """Return the outcome of its case with what was written on standard error meanwhile, and how long it took."""
        seconds = monotonic() - self.since
        return replace(outcome, stderr=self.written(), started=time() - seconds, seconds=seconds)

    def written(self) -> str:
        """Return what the process has written on standard error since the last call."""
        return self.errors.read().decode(errors="replace")

    def end(self) -> None:
        """Kill the process and those that it started."""
        end(self.process)
        self.connection.close()
        self.errors.close()
        with suppress(OSError):  # where a process of the code's still has it open, on Windows
            Path(self.errors.name).unlink()


@dataclass(eq=False)
class Pool:
    """`jobs` worker processes over a suite; an inspection that takes longer than `timeout` seconds is killed.

    `waiting` is called again and again while outcomes are waited for.
    """

    suite: Suite
    jobs: int = 1
    timeout: float | None = None
    cases: list[Case] = field(default_factory=list)
    stopped: bool = False
    waiting: Callable[[], None] = lambda: None
    _workers: list[_Worker] = field(default_factory=list)

    def __enter__(self) -> "Pool":
        """Start the first worker, which validates the configuration.

        Raises
        ------
        InputError
            If it is invalid; or where importing the code ended the process, or missed the deadline.
        """
        try:
            first = self._start()
            kind, content = self._receive(first)
            if kind == "refused":
                raise InputError(content)
            self.cases = self.suite.cases(content)
            first.ready = True
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()
        self._workers = []

    def stop(self) -> None:
        """Give no more outcomes; may be called at any time, such as by a signal handler."""
        self.stopped = True

    def outcomes(self) -> Iterator[Outcome]:
        """Inspect all cases; yield the outcome of each, in their order, as soon as those before it are there."""
        todo = deque(range(len(self.cases)))
        done: dict[int, Outcome] = {}
        following = 0
        while following < len(self.cases) and not self.stopped:
            while len(self._workers) < min(self.jobs, len(todo) + sum(w.task is not None for w in self._workers)):
                self._start()
            for worker in self._workers:
                if worker.ready and worker.task is None and todo:
                    self._give(worker, todo.popleft())
            for worker in self._responding():
                self._handle(worker, done)
            while following in done:
                yield done.pop(following)
                following += 1

    def _start(self) -> _Worker:
        ours, theirs = _CONTEXT.Pipe()
        # Windows lets nobody open it a second time while it is to be deleted when it is closed.
        errors = NamedTemporaryFile(prefix="jacinspect-", delete=False)  # noqa: SIM115 (closed with the worker)
        process = _CONTEXT.Process(target=_serve, args=(theirs, self.suite, errors.name))
        with interrupts_ignored():
            process.start()
        theirs.close()
        worker = _Worker(process, ours, errors, deadline=self._from_now(_AGAIN if self.cases else 1.0))
        self._workers.append(worker)
        return worker

    def _from_now(self, times: float = 1.0) -> float | None:
        return None if self.timeout is None else monotonic() + times * self.timeout

    def _give(self, worker: _Worker, task: int) -> None:
        worker.task, worker.begun, worker.deadline, worker.since = task, None, self._from_now(), monotonic()
        with suppress(OSError):  # it has died, which _receive finds
            worker.connection.send(self.cases[task])

    def _responding(self) -> list[_Worker]:
        """Wait for workers that have sent a message, have died, or have missed their deadline."""
        deadlines = [
            w.deadline for w in self._workers if w.deadline is not None and (w.task is not None or not w.ready)
        ]
        left = min(max(min(deadlines) - monotonic(), 0.0), _POLL) if deadlines else _POLL
        self.waiting()
        said = wait([worker.connection for worker in self._workers], left)
        now = monotonic()
        return [w for w in self._workers if w.connection in said or (w.deadline in deadlines and w.deadline <= now)]

    def _receive(self, worker: _Worker) -> tuple[str, Any]:
        """Return a worker's message, or ("late", None), or ("died", how)."""
        left = None if worker.deadline is None else max(worker.deadline - monotonic(), 0.0)
        if not worker.connection.poll(left):
            if not worker.ready:
                raise InputError(f"{self.suite.file}: importing the checked code took longer than --timeout")
            return "late", None
        try:
            kind, content = worker.connection.recv()
            return kind, content
        except (EOFError, OSError):
            worker.process.join(_GRACE)
            how = how_it_ended(worker.process.exitcode)
            if not worker.ready:
                written = "".join(f"\n  {line}" for line in worker.written().splitlines()[-_LAST_LINES:])
                raise InputError(f"{self.suite.file}: importing the checked code {how}{written}") from None
            return "died", f"the function {how}"

    def _handle(self, worker: _Worker, done: dict[int, Outcome]) -> None:
        kind, content = self._receive(worker)
        if kind == "ready":
            worker.ready, worker.deadline = True, None
        elif kind == "started":
            worker.begun = content
        elif kind == "refused" and worker.task is None:
            raise InputError(content)
        else:
            if worker.task is not None:
                outcome = content if kind == "done" else self._ended(worker, self.cases[worker.task], kind, content)
                done[worker.task] = worker.completed(outcome)
                worker.task = worker.deadline = None
            if kind in ("late", "died"):
                self._workers.remove(worker)
                worker.end()

    def _ended(self, worker: _Worker, case: Case, kind: str, how: str) -> Outcome:
        """Return the outcome of a case that was not inspected to its end, with a finding that says why."""
        from jacinspect.inspection.findings import crashed, timed_out

        begun = worker.begun or not_begun(self.suite, case)
        finding = timed_out(self.timeout or 0.0) if kind == "late" else crashed(how)
        return begun.concluded(replace(begun.report, findings=(finding,)))
