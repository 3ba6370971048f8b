"""A Check made ready: its function is found, its operands and settings are validated. Next: workers.

Every mistake in the configuration is reported here, before anything is computed.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from jacinspect.checks.outcomes import Outcome
from jacinspect.checks.suite import Case, Check, Suite
from jacinspect.choices import Dtype, Mode
from jacinspect.errors import FunctionFailedError, InputError, JacinspectError, raised
from jacinspect.functions.function import Array, Function
from jacinspect.functions.numbers import numbers_of
from jacinspect.functions.resolve import configured, resolve
from jacinspect.functions.with_claims import with_derivative, with_hessian, with_logdet, with_pattern
from jacinspect.inspection.codes import CODES
from jacinspect.inspection.elsewhere import inspect_at_points
from jacinspect.inspection.findings import crashed
from jacinspect.inspection.pipeline import uninspected
from jacinspect.inspection.settings import Settings
from jacinspect.operands.branches import reaching
from jacinspect.operands.defined import where_defined
from jacinspect.operands.files import read_operand
from jacinspect.operands.further import is_shape
from jacinspect.operands.shapes import parse_shape, parse_size, random_operand, require_fits
from jacinspect.records import dataclass, replace

__all__ = ["PreparedCheck", "not_begun", "prepare"]


@dataclass(frozen=True, eq=False)
class PreparedCheck:
    """A check with its function, and its settings without the seed; `file` and `line` are where it is defined."""

    check: Check
    function: Function
    settings: dict[str, Any]
    file: str
    line: int

    @property
    def derivative_place(self) -> tuple[str, int] | None:
        """Where the derivative that is checked is defined."""
        return self.function.derivative_place if self.check.hessian is None else None

    def outcome(self, case: Case, started: Callable[[Outcome], None]) -> Outcome:
        """Inspect one case.

        `started` is called before any of the user's code runs, with the outcome that stands if the process dies.
        """
        settings = Settings(seed=case.seed, **self.settings)
        operands, sources = self._operands(case, settings)
        places = self.function.positions(case.wrt, operands)
        x, source = operands[places[0] - 1], sources[places[0] - 1]
        if x.dtype.kind == "c":
            x = np.concatenate([x.real.ravel(), x.imag.ravel()])
        report = uninspected(self.function, case.wrt, x, settings, source)
        label = case.label(",".join(self.function.operands[k - 1] for k in places))
        derivative = self.derivative_place
        begun = Outcome(self.check.name, label, report, self.file, self.line, self.check.allow, derivative=derivative)
        started(begun)
        try:
            found, x = self.function.opened(case.wrt, operands, self.check.dtype)
            report = inspect_at_points(found, x, settings, source=source)
        except JacinspectError as error:
            report = replace(report, findings=(crashed(str(error)),))
        except Exception:
            raise
        except BaseException as error:  # such as KeyboardInterrupt: a worker ignores Ctrl-C
            report = replace(report, findings=(crashed(f"the code raised {raised(error)}"),))
        return begun.concluded(report)

    def _operands(self, case: Case, settings: Settings) -> tuple[list[Array], list[str]]:
        """Draw or read the operands; return them with the source of each."""
        check, names = self.check, self.function.operands
        operands, sources, domains = [], [], []
        number = 0  # of those that are no weights of the code's own
        for name in names:
            if name in self.function.own and name not in check.operands:
                operands.append(self.function.own[name])
                sources.append("the code")
                continue
            number += 1
            text = check.operands.get(name, case.shape)
            assert text is not None
            domain = self.function.domain_of(name)
            if is_shape(text):
                drawn = random_operand(parse_shape(text), check.dtype, case.seed, settings.memory, number, domain)
                drawn = reaching(drawn, self.function.bends, domain, case.seed)
            else:
                drawn = read_operand(text, check.dtype, settings.memory, None, whole=True)
            operands.append(drawn)
            sources.append("random" if is_shape(text) else text)
            domains.append(domain if is_shape(text) else None)
        if self.function.source == "expression":
            operands = where_defined(self.function.value, operands, domains)
        return operands, sources


def not_begun(suite: Suite, case: Case) -> Outcome:
    """Return the outcome of a case of which no more is known than the configuration says."""
    check = next(each for each in suite.checks if each.name == case.check)
    function = Function(check.function, "unknown", lambda x: x, source="unknown")
    report = uninspected(function, 1, np.zeros(0), Settings(seed=case.seed), "unknown")
    return Outcome(check.name, case.label(), report, str(suite.file), check.line or 1, check.allow)


def prepare(suite: Suite) -> list[PreparedCheck]:
    """Find the functions of all checks of a suite and validate their settings, in the folder of its file.

    Raises
    ------
    InputError
        If something cannot be found or is invalid; the message names the file and the key.
    """
    return [_prepared(suite, check) for check in suite.checks]


def _prepared(suite: Suite, check: Check) -> PreparedCheck:
    settings = dict(check.settings)
    if check.hessian is not None:
        settings.setdefault("order", 2)
    if "memory" in settings:
        settings["memory"] = _naming(suite, check, "memory", lambda: parse_size(str(settings["memory"])))
    function = _function(suite, check, settings.get("memory", Settings.memory))
    for name, value in settings.items():
        _naming(suite, check, name, partial(Settings, **{name: value}))
    for seed in check.seeds:
        _naming(suite, check, "seeds", partial(Settings, seed=seed))
    for wrt in check.wrt:
        _naming(suite, check, "wrt", partial(function.positions, wrt))
    for code in check.allow:
        if code not in CODES:
            raise InputError(f"{suite.key(check, 'allow')}: {code!r} is not one of {', '.join(CODES)}")
    Dtype.require(check.dtype, f"{suite.key(check, 'dtype')}:")
    _require_operands_fit(suite, check, settings.get("memory", Settings.memory))
    file, line = function.place or (str(suite.file), check.line or 1)
    return PreparedCheck(check, function, settings, file, line)


def _naming(suite: Suite, check: Check, key: str, run: Callable[[], Any]) -> Any:
    """Call `run`; an error that it raises is raised again with the file and the key in front."""
    try:
        return run()
    except (InputError, FunctionFailedError) as error:
        raise InputError(f"{suite.key(check, key)}: {error}") from error
    except Exception:
        raise
    except BaseException as error:  # such as KeyboardInterrupt: a worker ignores Ctrl-C
        raise InputError(f"{suite.key(check, key)}: the code raised {raised(error)}") from error


def _function(suite: Suite, check: Check, memory: int) -> Function:
    further = [name for name in check.operands if name != "x"]  # which is the first, of what has no names of its own
    operands = [None, *further] if check.shapes or "x" in check.operands else further
    found = partial(resolve, check.function, check.parameters, operands, check.backend, check.wrt)
    function: Function = _naming(suite, check, "function", found)
    function = function.including(check.wrt if function.operands else "all", further)
    if check.mode is not None:
        Mode.require(check.mode, f"{suite.key(check, 'mode')}:")
    function = configured(replace(function, mode=check.mode), take=check.take)
    function = _naming(suite, check, "domain", partial(configured, function, domain=check.domain))
    function = _naming(suite, check, "reseed", partial(configured, function, reseed=check.reseed))
    _require_operands(suite, check, function)
    if check.derivative is None:
        if check.derivative_kind is not None:
            raise InputError(f"{suite.key(check)}.derivative_kind: says what derivative is; give that too")
    else:
        given = _naming(suite, check, "derivative", partial(numbers_of, check.derivative, memory))
        claim = partial(with_derivative, function, given, check.derivative_kind, check.backend)
        function = _naming(suite, check, "derivative", claim)
    for key, value, claimed in (("hessian", check.hessian, with_hessian), ("logdet", check.logdet, with_logdet)):
        if value is not None:
            given = _naming(suite, check, key, partial(numbers_of, value, memory))
            function = _naming(suite, check, key, partial(claimed, function, given, check.backend))
    if check.expect_pattern is not None:
        given = _naming(suite, check, "expect_pattern", partial(numbers_of, check.expect_pattern, memory))
        function = _naming(suite, check, "expect_pattern", partial(with_pattern, function, given))
    return function


def _require_operands(suite: Suite, check: Check, function: Function) -> None:
    """Raise InputError where the check's operands are not those that the function takes."""
    unknown = [name for name in check.operands if name not in function.operands]
    needed = [name for name in function.operands if name not in function.own]
    missing = [name for name in needed[1:] if name not in check.operands]
    key = f"{suite.key(check)}.operands"
    takes = f"{function.name} takes {', '.join(function.operands)}"
    if unknown:
        raise InputError(f"{key}.{unknown[0]}: there is no such operand; {takes}")
    if missing:
        raise InputError(f"{key}: {', '.join(missing)} is missing; {takes}")


def _require_operands_fit(suite: Suite, check: Check, memory: int) -> None:
    """Read the operands that are files, and raise InputError where a shape exceeds the memory budget."""
    given = [(f"operands.{name}", text) for name, text in check.operands.items()]
    for key, text in [*(("shapes", shape) for shape in check.shapes), *given]:
        _naming(suite, check, key, partial(_require_operand, text, key == "shapes", check.dtype, memory))


def _require_operand(text: str, drawn: bool, dtype: str, memory: int) -> None:
    if drawn or is_shape(text):
        require_fits(parse_shape(text), dtype, memory, "random operand")
    else:
        read_operand(text, dtype, memory, None)
