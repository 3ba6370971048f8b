"""f called on an executor, at many points side by side. In: f, an Executor, points. Out: what f gives. Next: blackbox.

The points do not depend on values of f at each other, and what f gives comes in their order: a report is the same for
any number of workers. f is sent to each worker once, and kept there by a key. A worker that dies, or does not return,
loses its call, which is made again on another: of our own processes, and of dask's; other pools break as a whole.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from itertools import count, islice
from math import ceil
from pickle import PicklingError
from time import monotonic
from traceback import format_exception
from typing import Any, TypeAlias
from uuid import uuid4
from weakref import finalize

from numpy.typing import NDArray

from jacinspect.errors import FunctionFailedError, UnsendableError, WorkerDiedError
from jacinspect.jacobian.calls.worker import Failure, Known, Reply, called, known_here
from jacinspect.records import dataclass
from jacinspect.wording import counted, how_it_failed

__all__ = ["Called", "Elsewhere", "workers_of"]

Array: TypeAlias = NDArray[Any]
Called = tuple[Array, Callable[[], Any], Array | None]  # x, what returns f(x) or raises, f(X) of a worker seen first

_AHEAD = 2  # batches of calls in flight for each worker: one that is made, and one that waits for it
_BATCH = 0.25  # seconds that a batch takes, where one call takes less: to send one to a cluster takes 0.02
_MOST, _MOST_BYTES = 8, 2**20  # points of a batch, which all wait in memory
_ATTEMPTS = 3  # a second time on another worker, and once more if that was about to end anyway
_LONGER = 20.0  # times the longest call so far: a solver takes more steps at one point than at others, but not so many
_WARMED = 16  # workers that import f at the beginning; the others of a large cluster do so with their first call
_STARTING = 10.0  # seconds for a cluster to have a first worker: one that was just started takes two or three

_UNGUARDED = '\na script that starts processes has to begin its work below: if __name__ == "__main__":'


@dataclass(eq=False)
class _Batch:
    """Points that were sent: where, what stands for the replies, and how often they were sent."""

    points: list[Array]
    future: "Future[list[Reply] | None]"
    attempts: int = 1
    replies: list[Reply] | None = None


class Elsewhere:
    """Calls a function on an executor, in whatever processes or threads that has.

    `f` is what is sent, `here` what threads of this process call; `longest` and `latest` are what the longest and the
    latest call so far took, in seconds. A call that takes `_LONGER` times the longest, and `patience` seconds, is made
    again elsewhere. An executor may have a method `end(future)` to end the worker that makes a call.

    What is not seen: a function that gives different results on different workers at other points alone.
    """

    def __init__(
        self, f: Callable[[Array], Any], executor: Executor, here: Callable[[Array], Any], patience: float = 60.0
    ) -> None:
        self._f, self._executor, self._patience = f, executor, patience  # a minute: workers import f, and torch with it
        self._client: Any = getattr(executor, "_client", None)  # of dask's executor
        self._scattered: Any = None
        self._key, self._numbers, self.workers = uuid4().hex, count(), workers_of(executor)
        self._reference: tuple[int, Array] | None = None
        self.longest, self.latest, self.done = 0.0, 0.0, 0
        known_here[self._key] = Known(here)
        finalize(self, known_here.pop, self._key, None)

    def calling(self, f: Callable[[Array], Any], here: Callable[[Array], Any]) -> "Elsewhere":
        """Return one that calls another function on the same executor."""
        return Elsewhere(f, self._executor, here, self._patience)

    def begin(self, reference: Array) -> None:
        """Have each worker that is new to f call it at a point; all import it, with what it needs, at the same time."""
        self._reference = next(self._numbers), reference
        if self._client is not None:
            self._wait_for_workers()
        for _ in range(0 if self.done else min(self.workers, _WARMED)):
            self._sent([])

    def _wait_for_workers(self) -> None:
        """Raise FunctionFailedError where a cluster has no workers: it would wait for some as long as it is there."""
        self._executor.submit(int)  # for which a cluster that starts workers on demand starts one
        try:
            self._client.wait_for_workers(1, timeout=_STARTING)
        except TimeoutError as error:
            address = self._client.scheduler.address
            line = f"start some: dask worker {address}, or cluster.scale(2) in Python"
            raise FunctionFailedError(f"the cluster has no workers; {line}") from error
        self.workers = workers_of(self._executor)

    def __call__(self, points: Iterable[Array]) -> Iterator[Called]:
        """Yield what f gives at points, in their order; what was sent and is not asked for is cancelled.

        Raises
        ------
        UnsendableError
            Where f cannot be sent to a process.
        FunctionFailedError
            Where the executor is gone.
        """
        points, ahead, waiting = iter(points), deque[Array](), deque[_Batch]()
        try:
            while True:
                for batch in self._batches(points, ahead, _AHEAD * self.workers - len(waiting)):
                    waiting.append(_Batch(batch, self._sent(batch)))
                if not waiting:
                    return
                replies = self._first(waiting)
                for x, reply in zip(waiting.popleft().points, replies, strict=True):
                    self.longest, self.latest = max(self.longest, reply.seconds), reply.seconds
                    self.done += 1
                    number, at_reference = reply.at_reference or (None, None)
                    is_current = self._reference is not None and number == self._reference[0]
                    yield x, reply.result, at_reference if is_current else None
        finally:
            for each in waiting:
                each.future.cancel()

    def _batches(self, points: Iterator[Array], ahead: deque[Array], number: int) -> Iterator[list[Array]]:
        """Take points for a number of batches at most, by way of some that are taken `ahead`.

        Where the end is seen, batches are so short that all workers have the same number of points.
        """
        ahead.extend(islice(points, 0 if ahead else number))
        if not ahead:
            return
        length = int(min(_BATCH / max(self.latest, _BATCH / _MOST), _MOST_BYTES / max(ahead[0].nbytes, 1))) or 1
        wanted = (number + self.workers) * length if length > 1 else number
        ahead.extend(islice(points, max(wanted - len(ahead), 0)))
        if len(ahead) < wanted:
            rounds = ceil(len(ahead) / (self.workers * length))
            length = ceil(len(ahead) / (self.workers * rounds))
        for _ in range(min(number, ceil(len(ahead) / length))):
            yield [ahead.popleft() for _ in range(min(length, len(ahead)))]

    def _first(self, waiting: deque[_Batch]) -> list[Reply]:
        """Wait for the replies to the first of some batches; meanwhile, those that are lost are sent again."""
        head, since = waiting[0], monotonic()
        while True:
            for batch in waiting:
                if batch.replies is None and batch.future.done():
                    self._look_at(batch)
            if head.replies is not None:
                return head.replies
            limit = max(self._patience, _LONGER * self.longest)
            left = since + limit - monotonic()  # workers take calls in their order: it is not waiting for another
            if left <= 0:
                getattr(self._executor, "end", Future.cancel)(head.future)
                self._again(head, f"had not returned after {limit:.3g} s (calls before took {self.longest:.2g} s)")
                since = monotonic()
            wait([batch.future for batch in waiting if batch.replies is None], max(left, 0), FIRST_COMPLETED)

    def _look_at(self, batch: _Batch) -> None:
        """Take the replies to a batch, or send it again."""
        try:
            replies = batch.future.result()
        except (BrokenExecutor, CancelledError) as error:
            if getattr(self._client, "status", "") != "running":
                raise self._gone(error) from error
            self._again(batch, "was lost with the workers of the cluster")
        except WorkerDiedError as error:
            self._again(batch, str(error))
        except Exception as error:
            if isinstance(error, PicklingError) or "pickle" in str(error):
                raise _unsendable(error) from error
            batch.replies = _lost(batch, how_it_failed(error), error)  # dask has sent it again itself
        else:
            batch.replies = replies
            if replies is None:
                batch.future = self._sent(batch.points, with_f=True)

    def _again(self, batch: _Batch, how: str) -> None:
        """Send a batch again that was lost, or say how it was if it has been sent often enough."""
        if batch.attempts < _ATTEMPTS:
            batch.attempts, batch.future = batch.attempts + 1, self._sent(batch.points)
        else:
            batch.replies = _lost(batch, f"the function {how}, at the last of {_ATTEMPTS} attempts")

    def _sent(self, points: list[Array], with_f: bool = False) -> "Future[list[Reply] | None]":
        try:
            function = self._function() if with_f or not self.done else ()
            return self._executor.submit(called, self._key, next(self._numbers), points, *function)
        except (RuntimeError, OSError) as error:  # it is broken or shut down, which are RuntimeErrors, or disconnected
            raise self._gone(error) from error
        except Exception as error:
            raise _unsendable(error) from error

    def _function(self) -> tuple[Any, ...]:
        """Return f, with its operands, or what stands for it on a cluster once it was sent; and the reference point."""
        if self._client is None:
            return self._f, self._reference
        if self._scattered is None or self._scattered.status != "finished":
            self._scattered = self._client.scatter(self._f, broadcast=True, hash=False)
        return self._scattered, self._reference

    def _gone(self, error: BaseException) -> FunctionFailedError:
        advice = "" if self.done else _UNGUARDED
        when = f" after {counted(self.done, 'call')} of the function"
        return FunctionFailedError(f"{how_it_failed(error, when)}{advice}")


def _lost(batch: _Batch, how: str, error: BaseException | None = None) -> list[Reply]:
    trace = "" if error is None else "".join(format_exception(error))
    return [Reply(failure=Failure(FunctionFailedError, how, trace))] * len(batch.points)


def _unsendable(error: BaseException) -> UnsendableError:
    return UnsendableError(
        f"the function cannot be sent to another process: {error}\n"
        "define it at the top of a module, and name it: inspect('module:function', …) or inspect('file.py:function', …)"
    )


def workers_of(executor: Executor) -> int:
    """Return how many calls an executor makes side by side, as far as it says so; else as many as there are cores."""
    client = getattr(executor, "_client", None)  # of dask's, whose workers may have several threads
    if client is not None:
        return max(int(sum(client.nthreads().values())), 1)
    return int(getattr(executor, "_max_workers", None) or os.cpu_count() or 1)  # threads, processes and loky have it
