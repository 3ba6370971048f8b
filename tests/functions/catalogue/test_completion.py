"""What a shell is offered at a Tab, by the protocol that its script speaks; in bash by that script itself.

`python -m tests.functions.catalogue.test_completion` writes jacinspect/functions/catalogue/names.txt anew: the names
that are offered.
"""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from jacinspect.functions.catalogue.completion import functions, functions_without_aliases, parameters, tables
from jacinspect.functions.catalogue.lookup import names
from jacinspect.functions.catalogue.tables import ENTRIES, TABLES
from jacinspect.functions.function import Parameter
from jacinspect.wording import format_parameter
from tests.cli.test_commands import at_import
from tests.program import ROOT, Run, command, execute, install, ran, run

NAMES = ROOT / "jacinspect" / "functions" / "catalogue" / "names.txt"
SHELLS = ("bash", "zsh", "fish")
HEAVY = ("numpy", "scipy", "torch", "jax", "pydantic", "rich", "rich.console", "rich.markdown", "typer.rich_utils")


def line(name: str, aliases: tuple[str, ...], defaults: dict[str, Parameter]) -> str:
    return " ".join((name, *aliases, *(f"{name}={exactly(default)}" for name, default in defaults.items())))


def exactly(default: Parameter) -> str:
    """Write a default as people type it, but with all of its digits."""
    short = format_parameter(default)
    return short if not isinstance(default, float) or float(short) == default else repr(default)


def written() -> str:
    lines: list[str] = []
    for table, entries in TABLES.items():
        lines += [f"[{table}]", *(line(entry.name, entry.aliases, entry.defaults) for entry in entries)]
    return "".join(f"{each}\n" for each in lines)


# --- The names


def test_the_names_are_those_of_the_catalogue() -> None:
    assert NAMES.read_text("utf-8") == written(), "python -m tests.functions.catalogue.test_completion writes them anew"
    assert functions() == names() == [name for entry in ENTRIES for name in (entry.name, *entry.aliases)]
    assert functions_without_aliases() == [entry.name for entry in ENTRIES]


def test_the_table_of_every_name_has_it_and_is_called_like_its_module() -> None:
    for name, table in tables().items():
        assert any(name in (entry.name, *entry.aliases) for entry in TABLES[table])
    for table, entries in TABLES.items():
        module = import_module(f"jacinspect.functions.catalogue.{table}")
        assert getattr(module, table.upper()) is entries


def test_one_table_is_imported_to_look_a_function_up() -> None:
    code = "import sys, jacinspect; jacinspect.function('softsign'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {module.removeprefix("jacinspect.functions.catalogue.") for module in done.stdout.split()}
    assert loaded & set(TABLES) == {"algebraic"}


def test_a_line() -> None:
    assert (
        line("f", ("g", "h"), {"eps": 1 / 3, "axis": None, "beta": 1.0})
        == "f g h eps=0.3333333333333333 axis=none beta=1"
    )
    assert line("f", (), {}) == "f"


def test_the_parameters_of_a_function_by_any_of_its_names() -> None:
    assert parameters("leaky_relu") == parameters("lrelu") == ["negative_slope=0.01"]
    assert parameters("sigmoid") == parameters("x * y") == parameters("") == []


# --- The shells


def completed(shell: str, typed: str, path: str = str(ROOT)) -> Run:
    """Ask as a shell's script does, the cursor being at the end of what is typed."""
    variables = {"_JACINSPECT_COMPLETE": f"complete_{shell}", "PYTHONPATH": path}
    if shell == "bash":
        words = typed.split(" ")
        variables |= {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    else:
        variables |= {"_TYPER_COMPLETE_ARGS": typed, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    return execute(command(), variables=variables)


def offered(shell: str, typed: str) -> list[str]:
    done = completed(shell, typed)
    assert (done.status, done.err) == (0, "")
    text = done.text.strip()
    if shell != "zsh":
        return text.splitlines()
    if text == "_files":
        return []
    start, end = "_arguments '*: :((", "))'"
    assert text.startswith(start)
    assert text.endswith(end)
    words = text.removeprefix(start).removesuffix(end).splitlines()
    assert all(word[0] == word[-1] == '"' for word in words)
    return [word[1:-1] for word in words]


def starting(beginning: str) -> list[str]:
    return [name for name in names() if name.startswith(beginning)]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("jacinspect sig", starting("sig")),
        ("jacinspect inspect sig", starting("sig")),
        ("jacinspect --shape 2x2 sig", starting("sig")),
        ("jacinspect i", ["inspect", "identities", *starting("i")]),  # beside the commands
        ("jacinspect identities soft", starting("soft")),
        ("jacinspect list log", starting("log")),
        ("jacinspect leaky_relu -p ", ["negative_slope=0.01"]),
        ("jacinspect lrelu --shape 2x2 --param neg", ["negative_slope=0.01"]),
        ("jacinspect identities leaky_relu -p neg", ["negative_slope=0.01"]),
        ("jacinspect -p ", []),  # of which function?
        ("jacinspect sigmoid --vec ", ["column", "row"]),
        ("jacinspect sigmoid --sha", ["--shape"]),
        ("jacinspect --sh", ["--show-completion", "--shape"]),
        ("jacinspect list --j", ["--json"]),
    ],
)  # fmt: skip
def test_words_are_offered(shell: str, typed: str, words: list[str]) -> None:
    assert offered(shell, typed) == words


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("typed", ["samples/act", "sigmoid --input ", "sigmoid --output sam", "sigmoid ", "--shape "])
def test_nothing_is_offered_where_files_or_texts_are_meant(shell: str, typed: str) -> None:
    assert offered(shell, f"jacinspect {typed}") == []  # bash and zsh go on with files
    if shell == "fish":
        variables = {"_JACINSPECT_COMPLETE": "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "is-args"}
        variables |= {"_TYPER_COMPLETE_ARGS": f"jacinspect {typed}"}
        assert ran("", **variables) == Run(1, b"", "")  # and so does fish
        assert ran("", **variables | {"_TYPER_COMPLETE_ARGS": "jacinspect sig"}) == Run(0, b"", "")


def test_before_anything_is_typed_commands_and_all_names_are_offered() -> None:
    commands = ["inspect", "identities", "check", "list", "explain"]
    assert offered("bash", "jacinspect ") == [*commands, *names()]
    assert offered("bash", "jacinspect --version x ") == [*commands, *names()]  # and no version is told


@pytest.mark.parametrize("shell", SHELLS)
def test_nothing_heavy_is_imported(shell: str, tmp_path: Path) -> None:
    path = at_import(tmp_path, HEAVY, "raise SystemExit(f'imports {name}')")
    trapped = run("sigmoid", "-s", "2", PYTHONPATH=path)  # the trap works
    assert trapped.err.startswith("jacinspect: the inspected code raised SystemExit: imports numpy\n")
    for typed in ("jacinspect sig", "jacinspect ", "jacinspect --s", "jacinspect leaky_relu -p ", "jacinspect list --"):
        done = completed(shell, typed, path)
        assert (done.status, done.err) == (0, ""), typed
        assert done.out


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["sigm"], ["sigmoid"]),
        (["leaky_relu", "-p", "n"], ["negative_slope=0.01"]),
        (["samples/activations.py", ":", "sw"], []),  # as bash takes it apart
    ],
)
def test_in_bash_itself(typed: list[str], words: list[str], tmp_path: Path) -> None:
    install(tmp_path)
    program = tmp_path / "jacinspect"
    script = f"""
        source <(_JACINSPECT_COMPLETE=source_bash {program})
        complete -p jacinspect
        COMP_WORDS=({program} "$@") COMP_CWORD=$#
        _jacinspect_completion {program}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = execute(["bash", "-c", script, "bash", *typed])
    assert (done.status, done.err) == (0, "")
    assert done.lines == [
        "complete -o default -F _jacinspect_completion jacinspect",  # by default, files
        *(words or [""]),
    ]


def test_it_installs_itself_for_the_shell_that_runs_it(tmp_path: Path) -> None:
    call = f'"{sys.executable}" -m jacinspect --install-completion; exit $?'
    assert execute(["bash", "-c", call], variables={"HOME": str(tmp_path)}).status == 0
    script = tmp_path / ".bash_completions" / "jacinspect.sh"
    assert "_JACINSPECT_COMPLETE=complete_bash" in script.read_text()
    assert str(script) in (tmp_path / ".bashrc").read_text()


if __name__ == "__main__":
    NAMES.write_text(written(), "utf-8")
