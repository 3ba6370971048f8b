"""Whole inspections on an executor, as on a cluster. In: a Suite, an Executor. Out: Outcomes. Next: views/checks.

A worker reads the checked code from the suite's folder, which has to be there for it as well.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import chdir
from dataclasses import field
from time import monotonic, time
from typing import Any
from uuid import uuid4

from jacinspect.checks.outcomes import Outcome
from jacinspect.checks.preparation import PreparedCheck, not_begun, prepare
from jacinspect.checks.suite import Case, Suite
from jacinspect.errors import InputError, JacinspectError
from jacinspect.inspection.sections import FunctionReport
from jacinspect.inspection.subject import declared
from jacinspect.records import dataclass, replace
from jacinspect.wording import how_it_failed

__all__ = ["RemotePool"]

_POLL = 0.2  # seconds between looks at `stopped`: short for a person who pressed Ctrl-C, long for the processor
_KEPT = 4  # suites that a worker keeps prepared: a shared cluster has few users at a time

_prepared: dict[str, dict[str, PreparedCheck]] = {}  # in each worker, by the key of a suite


def _checks(key: str, suite: Suite) -> dict[str, PreparedCheck]:
    if key not in _prepared:
        while len(_prepared) >= _KEPT:
            _prepared.pop(next(iter(_prepared)), None)
        _prepared[key] = {each.check.name: each for each in prepare(suite)}
    return _prepared[key]


@dataclass(frozen=True)
class _Known:
    """What a worker knows of a check before it is made: its operands, its function, and where that is defined."""

    operands: tuple[str, ...]
    function: FunctionReport
    file: str
    line: int
    derivative: tuple[str, int] | None


def _known(key: str, suite: Suite) -> dict[str, _Known] | str:
    """Return what is known of each check, or what is wrong with the suite; in a worker."""
    try:
        with chdir(suite.file.parent):
            return {
                name: _Known(
                    each.function.operands, declared(each.function), each.file, each.line, each.derivative_place
                )
                for name, each in _checks(key, suite).items()
            }
    except (JacinspectError, OSError) as error:
        return str(error)


def _inspected(key: str, suite: Suite, case: Case) -> Outcome | str:
    """Inspect a case, or return what cannot be used; in a worker."""
    began, since = time(), monotonic()
    try:
        with chdir(suite.file.parent):
            outcome = _checks(key, suite)[case.check].outcome(case, lambda _: None)
    except (JacinspectError, OSError) as error:
        return str(error)
    return replace(outcome, started=began, seconds=monotonic() - since)


def _is_lost(error: BaseException | None) -> bool:
    """Whether an inspection ended with its worker, and not with the whole executor."""
    return error is not None and not isinstance(error, BrokenExecutor)


@dataclass(eq=False)
class RemotePool:
    """The inspections of a suite on an executor; as Pool, which makes them in processes of its own.

    A case whose worker dies as often as the executor allows is reported as crashed (J011).
    """

    suite: Suite
    executor: Executor
    cases: list[Case] = field(default_factory=list)
    known: dict[str, _Known] = field(default_factory=dict)
    stopped: bool = False
    waiting: Callable[[], None] = lambda: None
    key: str = field(default_factory=lambda: uuid4().hex)

    def __enter__(self) -> "RemotePool":
        """Prepare the suite on a worker, which validates the configuration.

        Raises
        ------
        InputError
            If it is invalid, or there is no such folder for the worker.
        """
        try:
            self.known = self._usable(self.executor.submit(_known, self.key, self.suite).result())
        except JacinspectError:
            raise
        except Exception as error:
            raise InputError(f"{self.suite.file}: {how_it_failed(error)}") from error
        self.cases = self.suite.cases({name: known.operands for name, known in self.known.items()})
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is to be ended here."""

    def stop(self) -> None:
        """Give no more outcomes; may be called at any time, such as by a signal handler."""
        self.stopped = True

    def outcomes(self) -> Iterator[Outcome]:
        """Inspect all cases; yield the outcome of each, in their order, as soon as those before it are there."""
        made, again = deque((case, self._submitted(case)) for case in self.cases), set[Case]()
        try:
            while made and not self.stopped:
                case, future = made[0]
                self.waiting()
                if not wait([future], _POLL).done:
                    continue
                if case not in again and not future.cancelled() and _is_lost(future.exception()):
                    if not wait([other for _, other in made], _POLL).not_done:
                        again.add(case)
                        made[0] = case, self._submitted(case)  # by itself: another one may have ended its worker
                    continue
                made.popleft()
                yield self._outcome(case, future)
        finally:
            for _, future in made:
                future.cancel()

    def _submitted(self, case: Case) -> "Future[Outcome | str]":
        return self.executor.submit(_inspected, self.key, self.suite, case)

    def _outcome(self, case: Case, future: "Future[Outcome | str]") -> Outcome:
        from jacinspect.inspection.findings import crashed

        try:
            outcome: Outcome = self._usable(future.result())
        except JacinspectError:
            raise
        except (BrokenExecutor, CancelledError) as error:
            raise InputError(how_it_failed(error, f" before {case.name} was inspected")) from error
        except Exception as error:
            begun = self._begun(case)
            return begun.concluded(replace(begun.report, findings=(crashed(how_it_failed(error)),)))
        return outcome

    def _begun(self, case: Case) -> Outcome:
        """Return the outcome of a case of which no more is known than before it was made."""
        known, begun = self.known[case.check], not_begun(self.suite, case)
        report = replace(begun.report, function=known.function)
        return replace(begun, report=report, file=known.file, line=known.line, derivative=known.derivative)

    @staticmethod
    def _usable(given: Any) -> Any:
        if isinstance(given, str):
            raise InputError(given)
        return given
