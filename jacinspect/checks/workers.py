"""Inspections in processes of their own, which may hang, die or print as they like. In: a Suite. Out: Outcomes.

The parent imports nothing of the user's. A worker that does not answer in time is ended, one that dies is missed, and
a new one goes on with the rest.
"""

import os
import signal
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from threading import Thread
from time import monotonic
from typing import Any

from jacinspect.checks.outcomes import Outcome
from jacinspect.checks.suite import Inspection, Suite
from jacinspect.errors import InputError, JacinspectError

__all__ = ["Pool"]

_SPAWN = get_context("spawn")  # a fork would inherit the parent's threads and what it has imported
_LOOK = 0.2  # seconds, after which it is seen whether to stop
_GRACE = 1.0  # seconds for a worker that was told to end


def _serve(connection: Connection, suite: Suite) -> None:
    """Be a worker: prepare the suite, then inspect what is asked for, until there is nothing more."""
    os.setsid()  # what the code starts goes with it
    Thread(target=_follow_parent, daemon=True).start()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what checked code prints never mixes into a report
    os.chdir(suite.file.parent)
    from jacinspect.checks.preparation import prepare

    try:
        prepared = {each.check.name: each for each in prepare(suite)}
    except JacinspectError as error:
        connection.send(("refused", str(error)))
        return
    connection.send(("ready", {name: each.function.operands[0] for name, each in prepared.items()}))
    with suppress(EOFError):
        while (inspection := connection.recv()) is not None:
            try:
                outcome = prepared[inspection.check].outcome(
                    inspection, lambda begun: connection.send(("started", begun))
                )
            except JacinspectError as error:
                connection.send(("refused", str(error)))
            else:
                connection.send(("done", outcome))


def _follow_parent() -> None:
    """End the worker, and what it has started, when its parent is gone, however that ended."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.killpg(0, signal.SIGKILL)


@dataclass(eq=False)
class _Worker:
    """A process, and what it is at: the number of an inspection, when it has to have done, and its outcome so far."""

    process: BaseProcess
    connection: Connection
    task: int | None = None
    deadline: float | None = None
    begun: Outcome | None = None
    ready: bool = False

    def end(self) -> None:
        """End the process, whatever it is at."""
        try:
            assert self.process.pid is not None
            os.killpg(self.process.pid, signal.SIGKILL)
        except OSError:  # it has not come so far as to lead a group, or is gone
            self.process.kill()
        self.process.join(_GRACE)
        self.connection.close()


@dataclass(eq=False)
class Pool:
    """`jobs` worker processes over a suite; an inspection that takes longer than `timeout` seconds is ended."""

    suite: Suite
    jobs: int = 1
    timeout: float | None = None
    inspections: list[Inspection] = field(default_factory=list)
    stopped: bool = False  # may be set at any time, such as by a handler of Ctrl-C
    _workers: list[_Worker] = field(default_factory=list)

    def __enter__(self) -> "Pool":
        """Start the first worker, which finds out whether the configuration makes sense.

        Raises
        ------
        InputError
            If it does not; or where importing the code ended the process, or did not end in time.
        """
        try:
            first = self._start()
            what, told = self._answer(first)
            if what == "refused":
                raise InputError(told)
            self.inspections = self.suite.inspections(told)
            first.ready = True
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.end()
        self._workers = []

    def outcomes(self) -> Iterator[Outcome]:
        """Make all inspections; give the outcome of each, in their order, as soon as those before it are there."""
        todo = deque(range(len(self.inspections)))
        done: dict[int, Outcome] = {}
        following = 0
        while following < len(self.inspections) and not self.stopped:
            while len(self._workers) < min(self.jobs, len(todo) + sum(w.task is not None for w in self._workers)):
                self._start()
            for worker in self._workers:
                if worker.ready and worker.task is None and todo:
                    self._give(worker, todo.popleft())
            for worker in self._heard():
                self._listen(worker, done)
            while following in done:
                yield done.pop(following)
                following += 1

    def _start(self) -> _Worker:
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=_serve, args=(theirs, self.suite))
        with _interrupts_ignored():
            process.start()
        theirs.close()
        worker = _Worker(process, ours, deadline=self._from_now())
        self._workers.append(worker)
        return worker

    def _from_now(self) -> float | None:
        return None if self.timeout is None else monotonic() + self.timeout

    def _give(self, worker: _Worker, task: int) -> None:
        worker.task, worker.begun, worker.deadline = task, None, self._from_now()
        with suppress(OSError):  # it has died, and is missed when it is listened to
            worker.connection.send(self.inspections[task])

    def _heard(self) -> list[_Worker]:
        """Wait for workers that have something to say, have died, or are late."""
        deadlines = [
            w.deadline for w in self._workers if w.deadline is not None and (w.task is not None or not w.ready)
        ]
        left = min(max(min(deadlines) - monotonic(), 0.0), _LOOK) if deadlines else _LOOK
        said = wait([worker.connection for worker in self._workers], left)
        now = monotonic()
        return [w for w in self._workers if w.connection in said or (w.deadline in deadlines and w.deadline <= now)]

    def _answer(self, worker: _Worker) -> tuple[str, Any]:
        """Return what a worker says, or ("late", None), or ("died", how)."""
        left = None if worker.deadline is None else max(worker.deadline - monotonic(), 0.0)
        if not worker.connection.poll(left):
            if not worker.ready:
                raise InputError(f"{self.suite.file}: importing the checked code took longer than --timeout")
            return "late", None
        try:
            what, told = worker.connection.recv()
            return what, told
        except (EOFError, OSError):
            worker.process.join(_GRACE)
            how = _how_it_ended(worker.process.exitcode)
            if not worker.ready:
                raise InputError(f"{self.suite.file}: importing the checked code {how}") from None
            return "died", how

    def _listen(self, worker: _Worker, done: dict[int, Outcome]) -> None:
        what, told = self._answer(worker)
        if what == "ready":
            worker.ready, worker.deadline = True, None
        elif what == "started":
            worker.begun = told
        elif what == "done":
            assert worker.task is not None
            done[worker.task] = told
            worker.task = worker.deadline = None
        elif what == "refused":
            raise InputError(told)
        else:
            self._workers.remove(worker)
            worker.end()
            if worker.task is not None:
                done[worker.task] = self._lost(worker, told)

    def _lost(self, worker: _Worker, how: str | None) -> Outcome:
        """Return the outcome of an inspection whose process ended, or was ended because it was late."""
        from jacinspect.inspection.findings import crashed, timed_out

        assert self.timeout is not None or how is not None
        if worker.begun is None:
            raise InputError(f"{self.suite.file}: a worker {how or 'was late'} before its inspection began")
        finding = timed_out(self.timeout or 0.0) if how is None else crashed(f"the function {how}")
        return worker.begun.concluded(replace(worker.begun.report, findings=(finding,)))


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Start a process that ignores Ctrl-C from its first moment; its parent hears of it, and decides."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _how_it_ended(code: int | None) -> str:
    if code is not None and code < 0:
        with suppress(ValueError):
            return f"ended its process with {signal.Signals(-code).name}"
    return f"ended its process with exit status {code}"
