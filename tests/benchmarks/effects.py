"""Which conditions of the engine never change anything in a run of the tests? A plugin for pytest.

    python -m pytest -p tests.benchmarks.effects tests/jacobian tests/inspection

prints those at its end, in a third more time than the tests take by themselves; `ablation.py` takes a run for each. The
engine is imported with calls in place of its conditions, which note whether the result would have been another: of an
`if` without `else`, whether its body was run; of `&`, `|`, `and` and `or`, whether either side alone would do; of
`x &= y` and `x |= y`, whether x changed; of `np.where` and `np.maximum`, whether one of its arrays would do. What never
changes anything is to be removed, or tested; what does may still be held by no test, as ablation.py says. Programs
that a test starts are not seen.
"""

import ast
import importlib.util
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from operator import and_, or_
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
ENGINE = "jacinspect.jacobian"
NOTES = Path(tempfile.gettempdir()) / "jacinspect-effects.txt"  # of all processes that run tests
CHOICES = {"where": (1, 2), "maximum": (0, 1), "minimum": (0, 1), "fmax": (0, 1), "fmin": (0, 1)}
OPERATORS: dict[type, Callable[[Any, Any], Any]] = {ast.BitAnd: and_, ast.BitOr: or_}

_noted: set[str] = set()


def note(what: str, matters: bool) -> None:
    """Write down, once, that something matters."""
    if matters and what not in _noted:
        _noted.add(what)
        with NOTES.open("a") as file:
            file.write(what + "\n")


def differ(one: Any, other: Any) -> bool:
    """Whether two values, or any of their elements, differ: NaN is like NaN."""
    one, other = np.asarray(one), np.asarray(other)
    return bool(np.any((one != other) & ((one == one) | (other == other))))


def both(what: str, left: Any, right: Any, of: Callable[[Any, Any], Any]) -> Any:
    """Combine two values by & or |."""
    result = of(left, right)
    for side, alone in (("left", right), ("right", left)):
        if f"{what} without its {side}" not in _noted:
            note(f"{what} without its {side}", differ(result, alone))
    return result


def lazily(what: str, left: Any, right: Callable[[], Any], is_and: bool) -> Any:
    """Combine two values by `and` or `or`; what the right one would be is asked where the left one decides."""
    decides = bool(left) != is_and
    result = left if decides else right()
    note(f"{what} without its right", bool(result) != bool(left))
    if decides and f"{what} without its left" not in _noted:
        try:
            note(f"{what} without its left", bool(right()) != bool(left))
        except Exception:
            note(f"{what} without its left", True)
    return result


def tested(what: str, condition: Any) -> Any:
    """Pass the condition of an `if` on."""
    note(what, bool(condition))
    return condition


def added(what: str, before: Any, change: Any, of: Callable[[Any, Any], Any]) -> Any:
    """Pass on what x &= or |= is given."""
    if what not in _noted:
        note(what, differ(of(before, change), before))
    return change


def chosen(what: str, call: Callable[..., Any], arguments: list[Any], options: dict[str, Any]) -> Any:
    """Call np.where and its like."""
    result = call(*arguments, **options)
    for place in CHOICES[call.__name__]:
        if f"{what} is its argument {place}" not in _noted:
            note(f"{what} is its argument {place}", differ(result, arguments[place]))
    return result


class Watch(ast.NodeTransformer):
    """Puts the functions above in the place of a module's conditions, and lists what they may note."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.notes: list[str] = []

    def _call(self, node: ast.AST, text: str, ends: tuple[str, ...], function: str, *arguments: ast.expr) -> ast.expr:
        what = f"{self.name}:{getattr(node, 'lineno', 0)}:{getattr(node, 'col_offset', 0)}: {text}"
        self.notes += [what + end for end in ends]
        watched = ast.Attribute(ast.Name("_effects", ast.Load()), function, ast.Load())
        return ast.Call(watched, [ast.Constant(what), *arguments], [])

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        text = ast.unparse(node)
        self.generic_visit(node)
        if type(node.op) not in OPERATORS or "None" in text:  # else a union of types
            return node
        of = ast.parse(f"_effects.{OPERATORS[type(node.op)].__name__}", mode="eval").body
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

    def visit_If(self, node: ast.If) -> ast.If:
        text, names = ast.unparse(node.test), any(isinstance(part, ast.NamedExpr) for part in ast.walk(node.test))
        self.generic_visit(node)
        if not node.orelse and not names:
            node.test = self._call(node, f"if {text}", ("",), "tested", node.test)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AugAssign:
        text = ast.unparse(node)
        self.generic_visit(node)
        if type(node.op) in OPERATORS:
            before = ast.parse(ast.unparse(node.target), mode="eval").body
            of = ast.parse(f"_effects.{OPERATORS[type(node.op)].__name__}", mode="eval").body
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
    """Return a module's tree with its conditions watched, and all that may be noted of them."""
    watch = Watch(name.removeprefix(f"{ENGINE}."))
    tree = watch.visit(ast.parse(path.read_text(encoding="utf-8")))
    return ast.fix_missing_locations(tree), watch.notes


class Finder(MetaPathFinder, Loader):
    """Imports the engine with its conditions watched."""

    def find_spec(self, fullname: str, *_: Any) -> ModuleSpec | None:
        path = ROOT.joinpath(*fullname.split(".")).with_suffix(".py")
        if not fullname.startswith(f"{ENGINE}.") or not path.exists():
            return None
        return importlib.util.spec_from_file_location(fullname, path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__file__ is not None
        module.__dict__["_effects"] = sys.modules[__name__]
        exec(compile(watched(module.__name__, Path(module.__file__))[0], module.__file__, "exec"), module.__dict__)


def everything() -> Iterator[str]:
    """Yield all that may be noted, module by module."""
    for path in sorted(ROOT.joinpath(*ENGINE.split(".")).rglob("*.py")):
        yield from watched(".".join(path.relative_to(ROOT).with_suffix("").parts), path)[1]


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # of pytest-xdist
        NOTES.write_text("")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    noted = set(NOTES.read_text().splitlines())
    never = [what for what in everything() if what not in noted]
    terminalreporter.section("conditions that change nothing")
    terminalreporter.write("\n".join([*never, f"{len(never)} of {len(list(everything()))}", ""]))


sys.meta_path.insert(0, Finder())
