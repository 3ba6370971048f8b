"""Which test holds each condition of the engine? A plugin for pytest.

    python -m pytest -p tests.benchmarks.ablation tests/jacobian tests/inspection --ablate values --ablate agreement

The engine is imported with calls in place of its conditions. First all tests run, and each condition notes in which of
them it matters. Then those of the modules that are named are knocked out one by one, and of the tests in which one
matters, the quickest are run until one fails, each time in a fork of this process. Printed is that test, or NONE: such
a condition is to be removed, or tested. Knocked out are an `if` (its body is always run, or never), the condition of a
comprehension, one side of `&`, `|`, `and` and `or`, an `x &= y` or `x |= y`, and a `np.where`, `np.maximum` or the like
(one of its arrays stands alone). Without `--ablate`, printed are those that matter in no test. Programs that a test
starts are not seen.
"""

import ast
import importlib.util
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from operator import and_, or_
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from _pytest.runner import runtestprotocol

ROOT = Path(__file__).parents[2]
ENGINE = "jacinspect.jacobian"
CHOICES = {"where": (1, 2), "maximum": (0, 1), "minimum": (0, 1), "fmax": (0, 1), "fmin": (0, 1)}
OPERATORS: dict[type, Callable[[Any, Any], Any]] = {ast.BitAnd: and_, ast.BitOr: or_}
FORKS = 2  # at a time
MOST = 1000  # tests that are noted of a condition; of these, so many seconds are run
SECONDS = 20.0
LONGEST = 20  # seconds, and ten times what a test takes otherwise: a loop without its end runs for ever

_now: dict[str, str] = {"test": "", "out": ""}  # the test that runs, and what is knocked out
_noted: defaultdict[str, set[str]] = defaultdict(set)
_seconds: defaultdict[str, float] = defaultdict(float)
_failed: set[str] = set()


def is_open(what: str) -> bool:
    """Whether it is to be found out if something matters in this test."""
    return not _now["out"] and _now["test"] not in _noted[what] and len(_noted[what]) < MOST


def note(what: str, matters: bool) -> None:
    """Write down that something matters in this test."""
    if matters and is_open(what):
        _noted[what].add(_now["test"])


def differ(one: Any, other: Any) -> bool:
    """Whether two values, or any of their elements, differ: NaN is like NaN."""
    one, other = np.asarray(one), np.asarray(other)
    return bool(np.any((one != other) & ((one == one) | (other == other))))


def instead(result: Any, alone: Any) -> Any:
    """Return what stands in the place of a result, in its shape and dtype."""
    return np.broadcast_to(alone, result.shape).astype(result.dtype) if isinstance(result, np.ndarray) else alone


def either(ends: dict[str, Any], result: Any) -> Any:
    """Pass a result on, or one of the values that would stand in its place."""
    for what, alone in ends.items():
        if what == _now["out"]:
            return instead(result, alone)
        if is_open(what):
            note(what, differ(result, alone))
    return result


def both(what: str, left: Any, right: Any, of: Callable[[Any, Any], Any]) -> Any:
    """Combine two values by & or |."""
    return either({f"{what} without its left": right, f"{what} without its right": left}, of(left, right))


def lazily(what: str, left: Any, right: Callable[[], Any], is_and: bool) -> Any:
    """Combine two values by `and` or `or`; what the right one would be is asked where the left one decides."""
    if _now["out"] == f"{what} without its left":
        return right()
    decides = bool(left) != is_and
    if _now["out"] == f"{what} without its right" or (decides and not is_open(f"{what} without its left")):
        return left
    if not decides:
        result = right()
        note(f"{what} without its right", bool(result) != bool(left))
        return result
    try:
        note(f"{what} without its left", bool(right()) != bool(left))
    except Exception:
        note(f"{what} without its left", True)
    return left


def tested(what: str, condition: Any, fixed: tuple[bool, ...]) -> Any:
    """Pass a condition on, or what it may be fixed at."""
    return either({f"{what} is always {value}": value for value in fixed}, bool(condition))


def added(what: str, before: Any, change: Any, of: Callable[[Any, Any], Any]) -> Any:
    """Pass on what x &= or |= is given."""
    if what == _now["out"]:
        return instead(np.asarray(before), of is and_)
    if is_open(what):
        note(what, differ(of(before, change), before))
    return change


def chosen(what: str, call: Callable[..., Any], arguments: list[Any], options: dict[str, Any]) -> Any:
    """Call np.where and its like."""
    ends = {f"{what} is its argument {place}": arguments[place] for place in CHOICES[call.__name__]}
    return either(ends, call(*arguments, **options))


class Watch(ast.NodeTransformer):
    """Puts the functions above in the place of a module's conditions, and lists what may be knocked out."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ends: list[str] = []

    def _call(self, node: ast.AST, text: str, ends: tuple[str, ...], function: str, *arguments: ast.expr) -> ast.expr:
        what = f"{self.name}:{getattr(node, 'lineno', 0)}:{getattr(node, 'col_offset', 0)}: {text}"
        self.ends += [what + end for end in ends]
        watched = ast.Attribute(ast.Name("_ablation", ast.Load()), function, ast.Load())
        return ast.Call(watched, [ast.Constant(what), *arguments], [])

    def _tested(self, test: ast.expr, *fixed: bool) -> ast.expr:
        text, names = f"if {ast.unparse(test)}", any(isinstance(part, ast.NamedExpr) for part in ast.walk(test))
        visited: ast.expr = self.visit(test)
        ends = tuple(f" is always {value}" for value in fixed)
        if names:  # which a call would hide
            return visited
        return self._call(test, text, ends, "tested", visited, ast.parse(repr(fixed), mode="eval").body)

    def visit_If(self, node: ast.If) -> ast.If:
        node.test = self._tested(node.test, *((True, False) if node.orelse else (False,)))
        node.body, node.orelse = ([self.visit(each) for each in part] for part in (node.body, node.orelse))
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.IfExp:
        node.test, node.body, node.orelse = (
            self._tested(node.test, True, False),
            self.visit(node.body),
            self.visit(node.orelse),
        )
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.comprehension:
        node.iter, node.ifs = self.visit(node.iter), [self._tested(each, True) for each in node.ifs]
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        text = ast.unparse(node)
        self.generic_visit(node)
        if type(node.op) not in OPERATORS or "None" in text:  # else a union of types
            return node
        of = ast.parse(f"_ablation.{OPERATORS[type(node.op)].__name__}", mode="eval").body
        return self._call(node, text, (" without its left", " without its right"), "both", node.left, node.right, of)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        text, names = ast.unparse(node), any(isinstance(part, ast.NamedExpr) for part in ast.walk(node))
        self.generic_visit(node)
        if names or len(node.values) > 2:
            return node
        right = ast.Lambda(ast.parse("lambda: 0", mode="eval").body.args, node.values[1])  # type: ignore[attr-defined]
        is_and = ast.Constant(isinstance(node.op, ast.And))
        ends = (" without its left", " without its right")
        return self._call(node, text, ends, "lazily", node.values[0], right, is_and)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AugAssign:
        text = ast.unparse(node)
        self.generic_visit(node)
        if type(node.op) in OPERATORS:
            before = ast.parse(ast.unparse(node.target), mode="eval").body
            of = ast.parse(f"_ablation.{OPERATORS[type(node.op)].__name__}", mode="eval").body
            node.value = self._call(node, text, ("",), "added", before, node.value, of)
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        text, name = ast.unparse(node), node.func.attr if isinstance(node.func, ast.Attribute) else ""
        self.generic_visit(node)
        options = {keyword.arg: keyword.value for keyword in node.keywords}
        if not text.startswith("np.") or name not in CHOICES or len(node.args) < 2 or "out" in options:
            return node
        ends = tuple(f" is its argument {place}" for place in CHOICES[name])
        arguments = ast.List(node.args, ast.Load())
        named = ast.Dict([ast.Constant(key) for key in options], list(options.values()))
        return self._call(node, text, ends, "chosen", node.func, arguments, named)

    def visit_Module(self, node: ast.Module) -> ast.Module:
        for each in node.body:
            if isinstance(each, ast.FunctionDef | ast.ClassDef):  # what else has a | gives a type a name
                self.visit(each)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.body = [self.visit(each) for each in node.body]  # and not the types of its arguments
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AnnAssign:
        node.value = node.value and self.visit(node.value)
        return node


def watched(name: str, path: Path) -> tuple[ast.Module, list[str]]:
    """Return a module's tree with its conditions watched, and all that may be knocked out of it."""
    watch = Watch(name.removeprefix(f"{ENGINE}."))
    tree = watch.visit(ast.parse(path.read_text(encoding="utf-8")))
    return ast.fix_missing_locations(tree), watch.ends


class Finder(MetaPathFinder, Loader):
    """Imports the engine with its conditions watched."""

    def find_spec(self, fullname: str, *_: Any) -> ModuleSpec | None:
        path = ROOT.joinpath(*fullname.split(".")).with_suffix(".py")
        if not fullname.startswith(f"{ENGINE}.") or not path.exists():
            return None
        return importlib.util.spec_from_file_location(fullname, path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__file__ is not None
        module.__dict__["_ablation"] = sys.modules[__name__]
        exec(compile(watched(module.__name__, Path(module.__file__))[0], module.__file__, "exec"), module.__dict__)


def conditions(parts: list[str]) -> Iterator[str]:
    """Yield all that may be knocked out of the modules in some parts of the engine, such as `values/ladder`."""
    engine = ROOT.joinpath(*ENGINE.split("."))
    for part in parts:
        for path in sorted(engine.rglob("*.py")):
            if path.relative_to(engine).with_suffix("").as_posix().startswith(part):
                yield from watched(".".join(path.relative_to(ROOT).with_suffix("").parts), path)[1]


def _too_long(*_: Any) -> None:
    raise TimeoutError


def first_to_fail(items: list[pytest.Item]) -> str:
    """Run tests until one fails; return its name."""
    signal.signal(signal.SIGALRM, _too_long)
    for item in items:
        item._initrequest()  # type: ignore[attr-defined]  # as a test is made ready to run once more
        longest = LONGEST + 10 * _seconds[item.nodeid]
        signal.setitimer(signal.ITIMER_REAL, longest, longest / 10)  # again: hypothesis tries what failed once more
        if any(report.failed for report in runtestprotocol(item, log=False, nextitem=None)):
            return item.nodeid
        signal.setitimer(signal.ITIMER_REAL, 0)
    return ""


class _Fork:
    """A run of some tests in a fork of this process, with something knocked out."""

    def __init__(self, what: str, items: list[pytest.Item]) -> None:
        self.what = what
        read, write = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            _now["out"], silent = what, os.open(os.devnull, os.O_WRONLY)
            os.dup2(silent, 1)
            os.dup2(silent, 2)
            os.write(write, first_to_fail(items).encode())
            os._exit(0)
        os.close(write)
        self.read = read

    def failed(self) -> str:
        """Wait for its end, and return which test failed."""
        with os.fdopen(self.read) as pipe:
            failed = pipe.read()
        return "it crashed" if os.waitpid(self.pid, 0)[1] else failed


def quickest(what: str, items: dict[str, pytest.Item]) -> list[pytest.Item]:
    """Return the tests in which something matters, its module's own and the quickest first, of so many seconds."""
    own = f"/{what.split(':')[0].replace('.', '/test_')}.py"
    names = [name for name in _noted[what] if name in items]
    names.sort(key=lambda name: (own not in name, _seconds[name]))
    total = np.cumsum([_seconds[name] for name in names])
    return [items[name] for name, seconds in zip(names, total, strict=True) if seconds < SECONDS]


def ablate(parts: list[str], session: pytest.Session, say: Callable[[str], None]) -> None:
    """Knock the conditions out, a few at a time, and say what fails; what fails by itself is not run again."""
    items = {item.nodeid: item for item in session.items if item.nodeid not in _failed}
    left, unheld = list(conditions(parts)), list[str]()
    running: list[_Fork] = []
    while left or running:
        while left and len(running) < FORKS:
            running.append(_Fork(left[0], quickest(left.pop(0), items)))
        fork = running.pop(0)
        failed = fork.failed()
        if failed in items and _Fork("nothing", [items[failed]]).failed():
            del items[failed]
            left.insert(0, fork.what)
            continue
        say(f"{fork.what}\n    {failed or ('NONE' if _noted[fork.what] else 'NONE, and it matters in none')}")
        unheld += [] if failed else [fork.what]
    say("\n  ".join([f"{len(unheld)} that no test fails for:", *unheld]))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--ablate", action="append", default=[], help="a part of jacinspect/jacobian, as values/ladder")


def pytest_runtest_logstart(nodeid: str) -> None:
    _now["test"] = nodeid


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[report.nodeid] += report.duration
    if report.failed:
        _failed.add(report.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    result = yield
    reporter: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if parts := session.config.getoption("--ablate"):
        ablate(parts, session, lambda line: reporter.write_line("\n" + line))
    else:
        never = [what for what in conditions([""]) if not _noted[what]]
        reporter.write_line("\n" + "\n".join([*never, f"{len(never)} matter in no test"]))
    return result


sys.meta_path.insert(0, Finder())
