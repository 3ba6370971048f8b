"""What was typed, as dataclasses -> a function, its operands, the inspection. Next: showing.

Mistakes are reported before any computing. numpy is imported only when an inspection starts, so that help, version and
completion are quick.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jacinspect.choices import Backend, DerivativeKind, Detail, Dtype, Form, Format, Mode, Vec
from jacinspect.cli.calls import executor_of, require_possible
from jacinspect.cli.containers import may_be_containers, read_containers
from jacinspect.cli.garbage import resume
from jacinspect.cli.parameters import parameter
from jacinspect.cli.streams import Progress, show_note
from jacinspect.cli.suggestions import domain_that_fits, meant, shapes_that_fit, with_domain
from jacinspect.errors import FunctionRaisedError, InputError
from jacinspect.records import dataclass, replace
from jacinspect.views.files import require_savable, require_writable

if TYPE_CHECKING:
    from jacinspect.functions.function import Array, Function
    from jacinspect.identities.report import IdentityReport
    from jacinspect.inspection.report import Report
    from jacinspect.inspection.settings import Settings

__all__ = ["FunctionRequest", "OperandRequest", "OutputRequest", "inspected", "verified"]


@dataclass(frozen=True)
class FunctionRequest:
    """A function as it was typed, and the derivative that is to be checked."""

    name: str
    parameters: list[str] | None
    derivative: str | None
    kind: DerivativeKind | None
    backend: Backend | None
    take: str | None = None
    domain: str | None = None
    reseed: int | None = None
    mode: Mode | None = None
    hessian: str | None = None
    logdet: str | None = None
    pattern: str | None = None
    containers: Mapping[str, Any] = field(default_factory=dict)  # parameters that were files of several arrays

    def function(
        self, operands: Sequence[str | None] = (None,), wrt: str | None = None, memory: int = sys.maxsize
    ) -> "Function":
        """Find the function of operands, each with its name where it was given one; `wrt` is what --wrt was."""
        from jacinspect.functions.numbers import numbers_of
        from jacinspect.functions.resolve import configured, resolve
        from jacinspect.functions.with_claims import with_derivative, with_hessian, with_logdet, with_pattern

        resume()
        backend = self.backend and self.backend.value
        parameters = {**dict(map(parameter, self.parameters or [])), **self.containers}
        found = resolve(self.name, parameters, operands, backend, wrt)
        found = found.including(wrt or (None if found.operands else "all"), [name for name in operands if name])
        found = replace(found, mode=self.mode and self.mode.value)
        found = configured(found, self.take, self.domain, self.reseed)
        if self.derivative is not None:
            claim = numbers_of(self.derivative, memory, show_note)
            found = with_derivative(found, claim, self.kind and self.kind.value, backend)
        elif self.kind is not None:
            raise InputError("--derivative-kind says what --derivative is; give that too")
        if self.hessian is not None:
            found = with_hessian(found, numbers_of(self.hessian, memory), backend)
        if self.logdet is not None:
            found = with_logdet(found, numbers_of(self.logdet, memory), backend)
        return found if self.pattern is None else with_pattern(found, numbers_of(self.pattern, memory, show_note))


@dataclass(frozen=True)
class OperandRequest:
    """The operands as they were typed: the first one's shape or file, those of --with, which to differentiate by."""

    shape: str | None
    source: str | None
    dtype: Dtype
    further: Sequence[str] = ()
    wrt: str | None = None
    direction: str | None = None
    containers: Mapping[str, str] = field(default_factory=dict)  # the files of arguments that are several arrays

    @property
    def first(self) -> str | None:
        """What was typed for the first operand: a shape or else a file."""
        if self.shape is not None and self.source is not None:
            raise InputError("give the operand's shape (--shape 2x2) or a file with it (--input x.csv), not both")
        return self.source if self.shape is None else self.shape

    @property
    def names(self) -> list[str | None]:
        """The operands that were typed, each with its name where it was given one."""
        from jacinspect.operands.further import name_of

        return [*([] if self.first is None else [None]), *map(name_of, self.further)]

    def texts(self, function: "Function") -> dict[str, str]:
        """Return what was typed for each operand of the function; the one of --shape or --input comes first."""
        from jacinspect.operands.further import place

        names = self._drawable(function)
        if self.first is None and len(names) == 1 and not self.further:
            raise InputError("give the operand's shape (--shape 2x2) or a file with it (--input x.csv)")
        fitting = partial(shapes_that_fit, function)
        return place(function.name, names, self.first, self.further, fitting) if names else {}

    def operands(self, function: "Function", settings: "Settings") -> "dict[str, Operand]":
        """Draw or read all operands of the function, in the order of `texts`."""
        from jacinspect.operands.defined import where_defined
        from jacinspect.operands.further import is_shape

        texts = self.texts(function)
        if [*texts.values(), self.direction].count("-") > 1:
            raise InputError("standard input (-) can be read only once; name a file for the others")
        drawn = {name: is_shape(text) for name, text in texts.items()}
        if self.first is not None:
            drawn[next(iter(texts))] = self.source is None
        operands = {
            name: Operand(self._drawn(text, name, function, settings), "random")
            if drawn[name]
            else Operand(self.read(text, settings), "standard input" if text == "-" else text)
            for name, text in texts.items()
        }
        if function.source != "expression":
            weights = {name: function.own[name] for name in function.operands if name not in texts}
            files = {name: self.containers.get(name.partition(".")[0], "the code") for name in weights}
            return operands | {name: Operand(values, files[name]) for name, values in weights.items()}
        names = function.operands
        domains = [function.domain_of(name) if drawn[name] else None for name in names]
        values = where_defined(function.value, [operands[name].values for name in names], domains)
        defined = dict(zip(names, values, strict=True))
        return {name: replace(operand, values=defined[name]) for name, operand in operands.items()}

    def _drawable(self, function: "Function") -> list[str]:
        """Name the operands that are no weights, or were typed for weights."""
        return [name for name in function.operands if name in self.names or name not in function.own]

    def along(self, settings: "Settings") -> "Array | None":
        """Read dX; None where it is to be random."""
        return None if self.direction is None else self.read(self.direction, settings)  # real numbers by the pipeline

    def _drawn(self, text: str, name: str, function: "Function", settings: "Settings") -> "Array":
        from jacinspect.operands.branches import reaching
        from jacinspect.operands.shapes import parse_shape, random_operand

        domain, number = function.domain_of(name), self._drawable(function).index(name) + 1
        x = random_operand(parse_shape(text), self.dtype.value, settings.seed, settings.memory, number, domain)
        return reaching(x, function.bends, domain, settings.seed)

    def read(self, text: str, settings: "Settings") -> "Array":
        """Read a file, standard input, or JSON."""
        from jacinspect.operands.files import read_operand

        stdin = sys.stdin.buffer if sys.stdin else None
        return read_operand(text, self.dtype.value, settings.memory, stdin, whole=True, told=show_note)


@dataclass(frozen=True, eq=False)
class Operand:
    """An operand, and where its numbers come from: a file, standard input, or "random"."""

    values: "Array"
    source: str


@dataclass(frozen=True)
class OutputRequest:
    """What is to be written, in which format and form, and where to; `save` is a file for the Jacobian itself.

    `more` are further formats, each with its file.
    """

    format: Format
    file: Path | None
    form: Form = Form.vec
    full: bool = False
    save: Path | None = None
    detail: Detail = Detail.first
    more: tuple[tuple[Format, Path | None], ...] = ()

    @property
    def every(self) -> "list[OutputRequest]":
        """Each output by itself, the first of them first."""
        return [replace(self, format=to, file=file, more=()) for to, file in ((self.format, self.file), *self.more)]

    def require_writable(self) -> None:
        """Raise InputError where a file cannot be written, or is to be written twice."""
        require_savable("--save", self.save)
        for file in (each.file for each in self.every):
            require_writable("--output", file)
            if self.save is not None and file is not None and self.save.resolve() == file.resolve():
                raise InputError(f"--save {self.save}: is where --output writes the report; name another file")


def inspected(
    typed: FunctionRequest,
    operands: OperandRequest,
    output: OutputRequest,
    settings: dict[str, Any],
    elsewhere: tuple[str, str | None] = ("1", None),
) -> "Report":
    """Read what was typed, then inspect; `elsewhere` is what was typed for --jobs and --executor.

    Raises
    ------
    InputError, FunctionFailedError
        Before any computing where what was typed is wrong; see `inspect_at_points` for the rest.
    """
    from jacinspect.inspection.elsewhere import inspect_at_points
    from jacinspect.inspection.settings import Settings
    from jacinspect.inspection.subject import called_by
    from jacinspect.jacobian.forms.unfolding import unfold
    from jacinspect.operands.bundle import whole
    from jacinspect.operands.shapes import parse_size

    require_possible(*elsewhere)  # before anything is called
    checked = Settings(**{**settings, "memory": parse_size(settings["memory"])})
    output.require_writable()
    typed, operands = _with_containers(typed, operands, checked)
    function = typed.function(operands.names, operands.wrt, checked.memory)
    if operands.wrt is not None:
        function.positions(operands.wrt)  # a mistake in it is reported before anything is read
    given = operands.operands(function, checked)
    direction = operands.along(checked)
    first = next(iter(given))
    wrt = operands.wrt or ("all" if first in function.own else first)
    values = [given[name].values for name in function.operands]
    of_one, x = function.opened(wrt, values, operands.dtype.value)
    sources = dict.fromkeys(given[whole(name) if name not in given else name].source for name in of_one.open)
    at_random = typed.domain is None and "random" in sources
    unfold(output.form.value, (), x.shape)  # refuses a form that has no place for the operand's axes
    with executor_of(*elsewhere) as executor, Progress(serial=executor is None) as progress:
        try:
            report = inspect_at_points(
                called_by(of_one, executor),
                x,
                checked,
                source=", ".join(sources),
                direction=direction,
                progress=progress,
            )
        except FunctionRaisedError as error:
            advice = domain_that_fits(of_one, x, checked.vec) if at_random else ""
            advice += meant(operands.further, operands.containers)
            if not advice:
                raise
            raise FunctionRaisedError(f"{error}{advice}") from error.__cause__
    return with_domain(report, of_one, x, checked.vec) if at_random else report


def _with_containers(
    typed: FunctionRequest, operands: OperandRequest, settings: "Settings"
) -> tuple[FunctionRequest, OperandRequest]:
    """Make parameters of files of several arrays, for people's own code; without --wrt, those of the first are open."""
    from jacinspect.functions.resolve import is_reference

    if not is_reference(typed.name.strip()) or not may_be_containers([operands.source or "", *operands.further]):
        return typed, operands
    alone = replace(typed, derivative=None, kind=None, hessian=None, logdet=None, pattern=None)
    texts = operands.texts(alone.function(operands.names, operands.wrt, settings.memory))
    first = next(iter(texts), "")
    read = partial(operands.read, settings=settings)
    trees = read_containers(texts, operands.wrt or first, read, operands.dtype.value)
    if not trees:
        return typed, operands
    further = [f"{name}={text}" for name, text in texts.items() if name not in (*trees, first)]
    moved = replace(operands, further=further, containers={name: texts[name] for name in trees})
    if first in trees:
        moved = replace(moved, shape=None, source=None, wrt=operands.wrt or f"{first}.*")
    return replace(typed, containers=trees), moved


def verified(
    typed: FunctionRequest, operands: OperandRequest, output: OutputRequest, seed: int, vec: Vec | None
) -> "IdentityReport":
    """Read what was typed, then verify the identities on it."""
    from jacinspect.identities.verification import verify_identities
    from jacinspect.inspection.settings import Settings

    settings = Settings(seed=seed)
    function = typed.function(memory=settings.memory)
    if len(function.operands) > 1:
        raise InputError(
            f"{function.name} has operands {' and '.join(function.operands)}; the identities are of A = f(X)"
        )
    output.require_writable()
    (given,) = operands.operands(function, settings).values()
    of_one, x = function.opened(1, [given.values], operands.dtype.value)
    with Progress() as progress:
        return verify_identities(
            of_one, x, seed=seed, source=given.source, vec=vec and vec.value, progress=progress,
        )  # fmt: skip
