"""What a worker does with the points that are sent to it: it calls f, which it keeps by a key. Next: evaluation."""

from collections.abc import Callable, Sequence
from time import monotonic
from traceback import format_exception
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from jacinspect.errors import FunctionFailedError, InputError, RaisedElsewhereError, raised
from jacinspect.records import dataclass

__all__ = ["Failure", "Known", "Reply", "called", "known_here"]

Array: TypeAlias = NDArray[Any]

_KEPT = 4  # functions that a worker keeps, each with its operands: one is in use, few more by users of a shared cluster

known_here: dict[str, "Known"] = {}  # in each worker, and here for threads and for processes forked later


@dataclass(frozen=True, eq=False)
class Failure:
    """What a call of f raised: an error worded for the user, one of f's contract, or f's own exception, as text."""

    kind: type[Exception]
    text: str
    trace: str


@dataclass(frozen=True, eq=False)
class Reply:
    """What a worker gives: f(x) or a failure, and how long it took.

    `at_reference` is f at a reference point, flat, and the number of that point, if the worker has not told it yet.
    """

    value: Any = None
    failure: Failure | None = None
    seconds: float = 0.0
    at_reference: tuple[int, Array] | None = None

    def result(self) -> Any:
        """Return f(x), or raise what it raised."""
        if self.failure is not None:
            raise self.failure.kind(self.failure.text) from RaisedElsewhereError(self.failure.text, self.failure.trace)
        return self.value


@dataclass(eq=False)
class Known:
    """A function that a worker has, and its value there at a reference point, until that has been told."""

    f: Callable[[Array], Any]
    at_reference: tuple[int, Array] | None = None


def called(
    key: str,
    _number: int,
    points: Sequence[Array],
    f: Callable[[Array], Any] | None = None,
    reference: tuple[int, Array] | None = None,
) -> list[Reply] | None:
    """Call the function of a key at a batch of points, in a worker; None where it is not known there.

    f comes with its first batch there, which may be empty, and a worker that it is new to is asked for its value at a
    reference point. The number of the batch is for dask, which makes no call twice.
    """
    if f is not None and key not in known_here:
        while len(known_here) >= _KEPT:
            known_here.pop(next(iter(known_here)), None)
        known_here[key] = Known(f)
        if reference is not None:
            known_here[key].at_reference = _told(f, *reference)
    known = known_here.get(key)
    if known is None:
        return None
    replies = []
    for x in points:
        began = monotonic()
        reply = _outcome(known.f, x)
        replies.append(Reply(reply.value, reply.failure, monotonic() - began, known.at_reference))
        known.at_reference = None
    return replies


def _told(f: Callable[[Array], Any], number: int, x: Array) -> tuple[int, Array] | None:
    """Return f(x), flat, with the number of x; None where f raises."""
    reply = _outcome(f, x.copy())
    return None if reply.value is None else (number, np.asarray(reply.value, dtype=np.float64).ravel())


def _outcome(f: Callable[[Array], Any], x: Array) -> Reply:
    try:
        with np.errstate(all="ignore"):
            return Reply(f(x))
    except InputError as error:
        return _failed(InputError, str(error), error)
    except FunctionFailedError as error:
        return _failed(type(error), str(error), error)
    except (Exception, SystemExit) as error:
        return _failed(RaisedElsewhereError, raised(error), error)


def _failed(kind: type[Exception], text: str, error: BaseException) -> Reply:
    return Reply(failure=Failure(kind, text, "".join(format_exception(error))))
