"""Processes of our own that make calls. One that dies loses the call that it makes alone, and another replaces it."""

import sys
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from jacinspect.errors import WorkerDiedError
from jacinspect.executors.processes import become_worker, end, interrupts_ignored
from jacinspect.wording import how_it_ended

__all__ = ["Processes"]

_CONTEXT = get_context("spawn")  # a fork would inherit locks that other threads hold, as those of torch and of BLAS
_GRACE = 1.0  # seconds to wait for a process whose pipe is closed, which takes milliseconds


def _serve(connection: Any) -> None:
    """Run a worker: make each call that is received, and send its result or what it raised, until the pipe closes."""
    become_worker()
    with suppress(EOFError):
        while True:
            try:
                call, arguments = connection.recv()
                result = call(*arguments)
                for stream in filter(None, (sys.stdout, sys.stderr)):
                    stream.flush()  # what f prints would be lost with the process
                connection.send((result, None))
            except EOFError:
                raise
            except Exception as error:  # what is sent cannot be read here, or what is returned cannot be pickled
                connection.send((None, RuntimeError(f"{type(error).__name__}: {error}")))


class Processes(Executor):
    """So many processes, each with a thread here that gives it one call after the other.

    They are started at once, import what they need with their first call, and are killed by `shutdown`.
    """

    def __init__(self, number: int) -> None:
        self._max_workers = number  # as other executors call it
        self._calls: SimpleQueue[tuple[Future[Any], tuple[Any, ...]] | None] = SimpleQueue()
        self._making: dict[BaseProcess, Future[Any] | None] = {}
        self._closed, self._starting = False, Lock()
        try:
            for started in [self._start() for _ in range(number)]:
                Thread(target=self._give, args=(started,), daemon=True).start()
        except BaseException:  # such as Ctrl-C: at its end, Python would wait for those that were started
            self.shutdown()
            raise

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a function called with arguments by position."""
        if self._closed:
            raise RuntimeError("the processes have been ended")
        assert not kwargs
        future = Future[Any]()
        self._calls.put((future, (fn, args)))
        return future

    def end(self, future: Future[Any]) -> None:
        """End the process that makes a call, as it takes too long; the call fails with WorkerDiedError."""
        future.cancel()
        for process, making in list(self._making.items()):
            if making is future:
                end(process)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 (nothing to wait for)
        """End all processes; calls that have not returned fail."""
        with self._starting:
            self._closed = True
        for process in list(self._making):
            end(process)
        for _ in range(self._max_workers):
            self._calls.put(None)

    def _start(self) -> tuple[BaseProcess, Any] | None:
        """Start a process, unless all are being ended: nobody would end one that is started after that."""
        with self._starting:
            if self._closed:
                return None
            ours, theirs = _CONTEXT.Pipe()
            process = _CONTEXT.Process(target=_serve, args=(theirs,))
            with interrupts_ignored():
                process.start()
            theirs.close()
            self._making[process] = None
            return process, ours

    def _give(self, started: tuple[BaseProcess, Any] | None) -> None:
        """Give a process calls, and another one after it when it has died; runs in a thread of its own."""
        while started is not None and (waiting := self._calls.get()) is not None:
            process, connection = started
            future, call = waiting
            if not future.set_running_or_notify_cancel():
                continue
            self._making[process] = future
            try:
                connection.send(call)
                result, error = connection.recv()
            except (EOFError, OSError):
                process.join(_GRACE)
                future.set_exception(WorkerDiedError(how_it_ended(process.exitcode)))
                del self._making[process]
                end(process)  # with what it has started
                started = self._start()
                continue
            except Exception as cause:  # it cannot be sent
                error = cause
            self._making[process] = None
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
