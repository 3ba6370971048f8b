"""Which test holds each condition of the engine? Every one is knocked out, and the quick tests are run until one fails.

    python tests/benchmarks/ablation.py ladder numeric [--test tests/jacobian/values/test_ladder.py …] [--every 3]

prints a line for each: what was knocked out, and the first test that fails, or NONE; then the condition is to be
removed, or tested. Knocked out are an `if` without `else` (its body is left out), one side of a `&`, `|`, `and` or `or`
(the other stands alone), an `x &= y` or `x |= y`, a `np.where` or `np.maximum` (one of its arrays stands alone), and a
named number (it is made 100 times larger, then smaller). It is no test itself: ladder.py alone has 240 of them, and
each takes as long as the tests that pass without it, up to 20 seconds on a machine of its own; `--every` takes a
sample. What none of the quick tests holds may be held by others: `--test tests` runs all.
"""

import argparse
import ast
import importlib
import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
QUICK = (
    "tests/jacobian/values/test_differences.py",
    "tests/jacobian/values/test_stairs.py",
    "tests/jacobian/values/test_breaks.py",
    "tests/jacobian/agreement/test_entries.py",
    "tests/jacobian/agreement/test_directions.py",
    "tests/inspection/test_staircases.py",
)
LONGEST = 300  # seconds, of the tests of one condition: a loop without its end runs for ever
FACTOR = 100  # that named numbers are moved by
CHOICES = {"where": (1, 2), "maximum": (0, 1), "minimum": (0, 1), "fmax": (0, 1)}  # arguments that may stand alone

Mutant = tuple[int, str, ast.AST, str, Any]  # the line, what it says, and the node, its field, and what to put there


def mutants(tree: ast.Module) -> Iterator[Mutant]:
    """Yield what can be knocked out of a module, in the order of its lines."""
    found = [mutant for parent in ast.walk(tree) for mutant in _of_children(parent)]
    yield from sorted(found, key=lambda mutant: mutant[0])


def _of_children(parent: ast.AST) -> Iterator[Mutant]:
    for name, value in ast.iter_fields(parent):
        for place, node in enumerate(value) if isinstance(value, list) else ((None, value),):
            if not isinstance(node, ast.AST):
                continue
            for what, instead in _instead(node):
                after = instead if place is None else [*value[:place], instead, *value[place + 1 :]]
                yield getattr(node, "lineno", 0), what, parent, name, after


def _instead(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Yield what may stand in the place of a node, and a description of that."""
    if isinstance(node, ast.If) and not node.orelse:
        yield f"never: if {ast.unparse(node.test)}", ast.copy_location(ast.Pass(), node)
    elif (
        isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr) and "None" not in ast.unparse(node)
    ):
        yield f"without: {ast.unparse(node.left)}", node.right
        yield f"without: {ast.unparse(node.right)}", node.left
    elif isinstance(node, ast.BoolOp) and len(node.values) == 2:
        yield f"without: {ast.unparse(node.values[0])}", node.values[1]
        yield f"without: {ast.unparse(node.values[1])}", node.values[0]
    elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.BitAnd | ast.BitOr):
        yield f"without: {ast.unparse(node)}", ast.copy_location(ast.Pass(), node)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        for argument in CHOICES.get(node.func.attr, ()) if len(node.args) > 1 else ():
            if argument < len(node.args):
                yield f"only {ast.unparse(node.args[argument])}: {ast.unparse(node)}", node.args[argument]
    elif isinstance(node, ast.Assign) and _is_number(node):
        for factor in (FACTOR, 1 / FACTOR):
            moved = ast.BinOp(node.value, ast.Mult(), ast.Constant(factor))
            instead = ast.Assign(node.targets, moved)
            yield f"times {factor:g}: {ast.unparse(node)}", ast.fix_missing_locations(ast.copy_location(instead, node))


def _is_number(node: ast.Assign) -> bool:
    """Whether it names a number that need not be whole."""
    name, value = node.targets[0], node.value
    named = isinstance(name, ast.Name) and name.id.lstrip("_").isupper()
    return named and any(isinstance(part, ast.Constant) and isinstance(part.value, float) for part in ast.walk(value))


class _Mutated(MetaPathFinder, Loader):
    """Imports one module from a changed tree."""

    def __init__(self, name: str, path: Path, tree: ast.Module) -> None:
        self.name, self.code = name, compile(tree, path, "exec")

    def find_spec(self, fullname: str, *_: Any) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(fullname, self) if fullname == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(self.code, module.__dict__)


class _First:
    """Notes the first test that fails."""

    failed = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: Any) -> None:
        self.pytest_runtest_logreport(report)


def first_to_fail(module: str, path: Path, tree: ast.Module, tests: list[str]) -> str:
    """Run tests in a fork of this process, with a module changed; return the first that fails, or what ended it."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        first, silent = _First(), os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        signal.alarm(LONGEST)
        sys.meta_path.insert(0, _Mutated(module, path, tree))
        status = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests], plugins=[first])
        os.write(write, (first.failed or (f"ended with status {int(status)}" if status else "")).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        failed = pipe.read()
    return failed if not os.waitpid(child, 0)[1] else "it took too long, or crashed"


def ablate(name: str, tests: list[str], every: int) -> list[str]:
    """Print, for what can be knocked out of a module of the engine, which test fails; return what none fails for."""
    (path,), unheld = (ROOT / "jacinspect" / "jacobian").rglob(f"{name}.py"), []
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    text = path.read_text()
    for number, (line, what, *_) in enumerate(list(mutants(ast.parse(text)))):
        if number % every:
            continue
        tree = ast.parse(text)
        _, _, parent, field, instead = list(mutants(tree))[number]
        setattr(parent, field, instead)
        failed = first_to_fail(module, path, ast.fix_missing_locations(tree), tests)
        print(f"{name}.py:{line}: {what}\n    {failed or 'NONE'}", flush=True)
        unheld += [] if failed else [f"{name}.py:{line}: {what}"]
    return unheld


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("modules", nargs="+", help="of jacinspect/jacobian, such as ladder")
    parser.add_argument("--test", nargs="+", default=list(QUICK), help="tests to run until one fails")
    parser.add_argument("--every", type=int, default=1, help="knock out only each so-manieth")
    given = parser.parse_args()
    os.chdir(ROOT)
    for heavy in ("scipy.special", "hypothesis", "torch"):  # once, and not in every fork
        with suppress(ImportError):
            importlib.import_module(heavy)
    left = [what for module in given.modules for what in ablate(module, given.test, given.every)]
    print(f"\n{len(left)} that no test fails for:", *left, sep="\n  ")
