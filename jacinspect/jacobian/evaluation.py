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
from pickle import PicklingError
from time import monotonic
from traceback import format_exception
from typing import Any, TypeAlias
from uuid import uuid4
from weakref import finalize

import numpy as np
from numpy.typing import NDArray

from jacinspect.errors import FunctionFailedError, InputError, RaisedElsewhereError, WorkerDiedError, raised
from jacinspect.records import dataclass

__all__ = ["Called", "Elsewhere", "workers_of"]

Array: TypeAlias = NDArray[Any]
Called = tuple[Array, Callable[[], Any], Array | None]  # x, what returns f(x) or raises, f(X) of a worker seen first

_AHEAD = 2  # calls in flight for each worker: one that is made, and one that waits for it
_ATTEMPTS = 3  # a second time on another worker, and once more if that was about to end anyway
_LONGER = 20.0  # times the longest call so far: a solver takes more steps at one point than at others, but not so many
_KEPT = 4  # functions that a worker keeps, each with its operands: one is in use, few more by users of a shared cluster

_known: dict[str, Callable[[Array], Any]] = {}  # in each worker, and here for threads and for processes forked later


@dataclass(frozen=True, eq=False)
class _Failure:
    """What a call of f raised: an error worded for the user, one of f's contract, or f's own exception, as text."""

    kind: type[Exception]
    text: str
    trace: str


@dataclass(frozen=True, eq=False)
class _Reply:
    """What a worker gives: f(x) or a failure, and how long it took; nothing if the function is not `known` there.

    `reference` is f at the reference point, flat, where one was given.
    """

    value: Any = None
    failure: _Failure | None = None
    seconds: float = 0.0
    reference: Array | None = None
    known: bool = True

    def result(self) -> Any:
        """Return f(x), or raise what it raised."""
        if self.failure is not None:
            raise self.failure.kind(self.failure.text) from RaisedElsewhereError(self.failure.text, self.failure.trace)
        return self.value


def _called(
    key: str, _number: int, x: Array, f: Callable[[Array], Any] | None = None, reference: Array | None = None
) -> _Reply:
    """Call the function of a key at x, in a worker; f comes with its first call there, and with a reference point.

    The number of the call is for dask, which makes no call twice.
    """
    if f is not None:
        while len(_known) >= _KEPT:
            _known.pop(next(iter(_known)), None)
        _known[key] = f
    known = _known.get(key)
    if known is None:
        return _Reply(known=False)
    before = None if reference is None else _outcome(known, reference.copy())
    at_reference = None
    if before is not None and before.failure is None:
        at_reference = np.asarray(before.value, dtype=np.float64).ravel()
    began = monotonic()
    reply = _outcome(known, x)
    return _Reply(reply.value, reply.failure, monotonic() - began, at_reference)


def _outcome(f: Callable[[Array], Any], x: Array) -> _Reply:
    try:
        with np.errstate(all="ignore"):
            return _Reply(f(x))
    except InputError as error:
        return _failed(InputError, str(error), error)
    except FunctionFailedError as error:
        return _failed(FunctionFailedError, str(error), error)
    except (Exception, SystemExit) as error:
        return _failed(RaisedElsewhereError, raised(error), error)


def _failed(kind: type[Exception], text: str, error: BaseException) -> _Reply:
    return _Reply(failure=_Failure(kind, text, "".join(format_exception(error))))


@dataclass(eq=False)
class _Call:
    """A call that was sent: where, what stands for its reply, and how often it was made."""

    x: Array
    future: "Future[_Reply]"
    attempts: int = 1
    reply: _Reply | None = None


class Elsewhere:
    """Calls a function on an executor, in whatever processes or threads that has.

    `f` is what is sent, `here` what threads of this process call; `longest` is the longest call so far, in seconds, and
    `reference` a point at which each worker that f is sent to is asked for its value as well. A call that takes
    `_LONGER` times the longest, and `patience` seconds, is made again elsewhere. An executor may have a method
    `end(future)` to end the worker that makes a call.

    What is not seen: a function that gives different results on different workers at other points alone.
    """

    def __init__(
        self, f: Callable[[Array], Any], executor: Executor, here: Callable[[Array], Any], patience: float = 60.0
    ) -> None:
        self._f, self._executor, self._patience = f, executor, patience  # a minute: workers import f, and torch with it
        self._key, self._numbers, self.workers = uuid4().hex, count(), workers_of(executor)
        self.reference: Array | None = None
        self.longest, self.done = 0.0, 0
        _known[self._key] = here
        finalize(self, _known.pop, self._key, None)

    def __call__(self, points: Iterable[Array]) -> Iterator[Called]:
        """Yield what f gives at points, in their order; what was sent and is not asked for is cancelled.

        Raises
        ------
        InputError
            Where f cannot be sent to a process.
        FunctionFailedError
            Where the executor is gone.
        """
        points, waiting = iter(points), deque[_Call]()
        try:
            while True:
                for x in islice(points, _AHEAD * self.workers - len(waiting)):
                    waiting.append(_Call(x, self._sent(x)))
                if not waiting:
                    return
                reply = self._first(waiting)
                call = waiting.popleft()
                self.longest, self.done = max(self.longest, reply.seconds), self.done + 1
                yield call.x, reply.result, reply.reference
        finally:
            for call in waiting:
                call.future.cancel()

    def _first(self, waiting: deque[_Call]) -> _Reply:
        """Wait for the reply to the first of some calls; meanwhile, those that are lost are made again."""
        head, since = waiting[0], monotonic()
        while True:
            for call in waiting:
                if call.reply is None and call.future.done():
                    self._look_at(call)
            if head.reply is not None:
                return head.reply
            limit = max(self._patience, _LONGER * self.longest)
            left = since + limit - monotonic()  # workers take calls in their order: it is not waiting for another
            if left <= 0:
                getattr(self._executor, "end", Future.cancel)(head.future)
                self._again(head, f"had not returned after {limit:.3g} s (calls before took {self.longest:.2g} s)")
                since = monotonic()
            wait([call.future for call in waiting if call.reply is None], max(left, 0), FIRST_COMPLETED)

    def _look_at(self, call: _Call) -> None:
        """Take the reply to a call that was made, or make it again."""
        try:
            reply = call.future.result()
        except (BrokenExecutor, CancelledError) as error:
            raise self._gone(error) from error
        except WorkerDiedError as error:
            self._again(call, str(error))
        except Exception as error:
            if isinstance(error, PicklingError) or "pickle" in str(error):
                raise _unsendable(error) from error
            call.reply = _lost(f"the executor failed: {_described(error)}")  # dask makes calls again by itself
        else:
            if reply.known:
                call.reply = reply
            else:
                call.future = self._sent(call.x, self._f, self.reference)

    def _again(self, call: _Call, how: str) -> None:
        """Make a call again that was lost, or say how it was if it has been made often enough."""
        if call.attempts < _ATTEMPTS:
            call.attempts, call.future = call.attempts + 1, self._sent(call.x)
        else:
            call.reply = _lost(f"the function {how}, at the last of {_ATTEMPTS} attempts")

    def _sent(self, x: Array, *function: Any) -> "Future[_Reply]":
        try:
            return self._executor.submit(_called, self._key, next(self._numbers), x, *function)
        except (RuntimeError, OSError) as error:  # it is broken or shut down, which are RuntimeErrors, or disconnected
            raise self._gone(error) from error

    def _gone(self, error: BaseException) -> FunctionFailedError:
        done = f"after {self.done} of the function"
        return FunctionFailedError(f"the executor makes no more calls, {done}: {_described(error)}")


def _lost(how: str) -> _Reply:
    return _Reply(failure=_Failure(FunctionFailedError, how, ""))


def _described(error: BaseException) -> str:
    return ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])


def _unsendable(error: BaseException) -> InputError:
    return InputError(
        f"the function cannot be sent to another process: {error}\n"
        "define it at the top of a module, and name it: inspect('module:function', …) or inspect('file.py:function', …)"
    )


def workers_of(executor: Executor) -> int:
    """Return how many calls an executor makes side by side, as far as it says so; else as many as there are cores."""
    client = getattr(executor, "_client", None)  # of dask's, whose workers may have several threads
    if client is not None:
        return max(int(sum(client.nthreads().values())), 1)
    return int(getattr(executor, "_max_workers", None) or os.cpu_count() or 1)  # threads, processes and loky have it
