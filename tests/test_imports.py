"""Who may import whom: the architecture's table, compared with the code's own imports."""

import ast
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.program import ROOT, Run, execute

PACKAGE = ROOT / "jacinspect"

# A module or a folder at the top: what of ours it may import, besides its own folder.
MAY_IMPORT = {
    "errors": set[str](),
    "records": set[str](),
    "wording": set[str](),
    "choices": {"errors"},
    "jacobian": {"errors", "wording"},
    "functions": {"errors", "wording", "choices", "operands"},
    "operands": {"errors", "wording"},
    "inspection": {"functions", "jacobian", "operands", "errors", "wording", "choices"},
    "identities": {"inspection", "functions", "jacobian", "errors", "wording"},
    "executors": {"errors", "wording"},
    "checks": {"inspection", "operands", "functions", "executors", "errors", "wording", "choices"},
    "views": {
        "inspection",
        "identities",
        "checks",
        "functions",
        "jacobian",
        "operands",
        "errors",
        "wording",
        "choices",
    },
    "api": {"inspection", "functions", "views", "errors", "choices"},
    "testing": {"api", "inspection", "functions", "views", "choices"},
    "__init__": {"api", "functions", "testing", "errors"},  # the public names
    "__main__": {"cli"},
}
MAY_IMPORT["cli"] = set(MAY_IMPORT) - {"__init__", "__main__", "api", "testing", "records"}
FOR_ALL = {"records"}  # in place of the standard library's dataclasses

# What a room may import of another where that is not all of it.
PARTS = {
    ("views", "inspection"): {
        *("inspection.report", "inspection.sections", "inspection.matrix", "inspection.stored", "inspection.codes"),
        "inspection.logdet",
    },
    ("views", "identities"): {"identities.report", "identities.identity"},
    ("views", "checks"): {"checks.outcomes"},
    ("views", "functions"): {"functions.catalogue.listing"},
    ("views", "jacobian"): {  # its types, the sentence and the table that they give, and its docstring
        "jacobian",
        "jacobian.agreement.comparison",
        "jacobian.calls.blackbox",
        "jacobian.forms.cost",
        "jacobian.spectra.interval",
        "jacobian.spectra.spectrum",
        "jacobian.forms.structure",
        "jacobian.forms.unfolding",
        "jacobian.forms.vec_order",
    },
    ("testing", "views"): {"views.brief"},
    ("testing", "functions"): {"functions.function", "functions.numbers"},
    ("api", "views"): {"views.files", "views.text"},
    ("cli", "jacobian"): {"jacobian.forms.unfolding"},
    ("functions", "operands"): {"operands.bundle", "operands.files"},  # a derivative may be a file
    ("inspection", "operands"): {"operands.bundle", "operands.defined"},
    ("views", "operands"): {"operands.bundle"},
    ("checks", "functions"): {
        *("functions.function", "functions.numbers", "functions.resolve", "functions.with_claims")
    },
}

# The rooms of the engine, each of which may import those before it. What all hold, as compact, is above them.
OF_THE_ENGINE = ("calls", "colors", "forms", "values", "patterns", "agreement", "spectra")

# Whoever imports one of these, at whatever moment; everyone else may not.
ALLOWED = {
    "typer": {
        "cli.app",
        *(f"cli.commands.{name}" for name in ("check", "explain", "identities", "inspect", "listing")),
        *(f"cli.{name}" for name in ("conversion", "group", "options", "streams")),
    },
    "click": set[str](),
    "rich": {"cli.streams", "cli.console", "views.styled", "views.text"},
    "scipy": {"jacobian.compact", "jacobian.spectra.factors"},  # to_scipy, and the LU of a sparse matrix
    "matplotlib": {"views.png"},
    "torch": set[str](),  # neither is ever imported: who names a function of theirs has imported it
    "jax": set[str](),
}


@cache
def modules() -> tuple[str, ...]:
    """Name every module of the package by its dotted path, that of a folder being the folder's."""
    paths = [path.relative_to(PACKAGE).with_suffix("") for path in sorted(PACKAGE.rglob("*.py"))]
    return tuple(".".join(p.parts if p.name != "__init__" else p.parts[:-1] or ("__init__",)) for p in paths)


def path_of(module: str) -> Path:
    place = PACKAGE.joinpath(*module.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(path_of(module).read_text(encoding="utf-8"))


@cache
def imported(module: str) -> frozenset[str]:
    """Name everything that a module imports, inside functions too, by its dotted path."""
    found: set[str] = set()
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import"
            assert node.module is not None
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


@cache
def ours(module: str) -> frozenset[str]:
    """Name the modules of jacinspect that a module imports."""
    known, found = set(modules()), set()
    for name in imported(module) - {"jacinspect.__version__"}:  # the package runs before each of its modules
        if name.split(".")[0] == "jacinspect":
            inner = name.removeprefix("jacinspect").lstrip(".")
            home = inner if inner in known else inner.rpartition(".")[0]
            found.add(home if home in known else "__init__")
    return frozenset(found - {module})


def room(module: str) -> str:
    return module.split(".")[0]


def called(module: str) -> set[str]:
    """Name everything that a module calls, as it is written there."""
    return {ast.unparse(node.func) for node in ast.walk(tree(module)) if isinstance(node, ast.Call)}


def test_the_finder_finds() -> None:
    assert {"cli", "__init__", "__main__", "views.text", "jacobian.compact", "operands.files"} <= set(modules())
    assert {"jacinspect.views.text", "rich.console.Console"} <= imported("cli.showing") | imported("cli.streams")
    assert {"errors", "inspection.elsewhere", "functions.resolve"} <= ours("cli.requests")  # inside functions
    assert {"jacobian.calls.blackbox", "inspection.codes", "errors"} <= ours("inspection.report")
    assert "sys.stderr.write" in called("cli.streams")


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_whom_it_may(module: str) -> None:
    assert room(module) in MAY_IMPORT, f"{module} is not in the table of who may import whom"
    strangers = {
        other for other in ours(module) if room(other) not in MAY_IMPORT[room(module)] | FOR_ALL | {room(module)}
    }
    strangers |= {other for other in ours(module) if other not in PARTS.get((room(module), room(other)), {other})}
    assert not strangers


@pytest.mark.parametrize("module", modules())
def test_libraries_stay_in_their_places(module: str) -> None:
    libraries = {name.split(".")[0] for name in imported(module)}
    assert {library for library in libraries & set(ALLOWED) if module not in ALLOWED[library]} == set()
    assert libraries <= {*sys.stdlib_module_names, *ALLOWED, "numpy", "jacinspect"}


@pytest.mark.parametrize("module", [module for module in modules() if room(module) != "cli"])
def test_only_the_command_line_prints_and_exits(module: str) -> None:
    speaking = {"print", "typer.echo", "sys.exit", "exit", "quit", "os._exit", "input", "sys.stdout.write"}
    speaking |= {"sys.stderr.write", "sys.stdout.buffer.write", "warnings.warn"}
    assert called(module) & speaking <= ({"sys.exit"} if module == "__main__" else set())
    raised = {ast.unparse(node.exc) for node in ast.walk(tree(module)) if isinstance(node, ast.Raise) and node.exc}
    assert not {name for name in raised if name.startswith("SystemExit")}


def test_without_circles() -> None:
    left = {module: ours(module) for module in modules()}
    while ready := {module for module, needed in left.items() if not needed & set(left)}:
        left = {module: needed for module, needed in left.items() if module not in ready}
    assert not left, f"these import each other: {sorted(left)}"


def test_the_rooms_of_the_engine_import_those_before_them() -> None:
    rooms = {
        module: module.split(".")[1] for module in modules() if module.count(".") == 2 and room(module) == "jacobian"
    }
    assert set(rooms.values()) == set(OF_THE_ENGINE)
    for module, own in rooms.items():
        others = {rooms[other] for other in ours(module) if other in rooms}
        assert others <= set(OF_THE_ENGINE[: OF_THE_ENGINE.index(own) + 1]), module


def test_the_table_names_nobody_who_is_not_there() -> None:
    assert set(MAY_IMPORT) <= {room(module) for module in modules()}
    assert set().union(*PARTS.values(), *ALLOWED.values()) <= set(modules())


def test_the_table_permits_nothing_that_nobody_needs() -> None:
    needed = {(room(module), room(other)) for module in modules() for other in ours(module)}
    permitted = {(one, other) for one, others in MAY_IMPORT.items() for other in others}
    assert not permitted - needed


def test_importing_the_package_and_the_command_line_is_light() -> None:
    heavy = ["numpy", "scipy", "torch", "jax", "rich.console", "rich.markdown", "jacinspect.inspection.pipeline"]
    program = f"import sys, jacinspect, jacinspect.cli; print([m for m in {heavy} if m in sys.modules])"
    assert execute([sys.executable, "-c", program]) == Run(0, b"[]\n", "")
