"""The words of options become values whatever the version of typer, and what is wrong with one is said alike."""

import json
from pathlib import Path

import pytest

from tests.cli.test_commands import at_import
from tests.conftest import RunHere
from tests.program import PROGRAM, execute


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("sigmoid -s 2 --vec diag", "'--vec': 'diag' is not one of 'column', 'row'."),
        ("softmax -s 2 --layout wide", "'--layout': 'wide' is not one of 'numerator', 'denominator'."),
        ("sigmoid -s 2 --seed 1.5", "'--seed': '1.5' is not an integer."),
        ("sigmoid -s 2 --rtol small", "'--rtol': 'small' is not a number."),
    ],
)
def test_a_word_that_is_no_value_is_named(typed: str, message: str, run_here: RunHere) -> None:
    done = run_here(*typed.split())
    assert (done.status, done.out) == (2, b"")
    assert done.err.startswith(f"jacinspect: Invalid value for {message}")


def test_options_are_of_the_types_that_they_are_declared_to_be(run_here: RunHere, tmp_path: Path) -> None:
    """A choice, a list, an integer, a number, a flag, a file, and words."""
    typed = "softmax -s 2x3 --vec row --expect diagonal --expect dense --seed 3 --rtol 1e-3 -p axis=1 --json -o r.json"
    assert run_here(*typed.split(), cwd=tmp_path).status == 1
    report = json.loads((tmp_path / "r.json").read_bytes())
    assert (report["operand"]["seed"], report["function"]["parameters"]) == (3, {"axis": 1})
    assert [finding["code"] for finding in report["findings"] if finding["severity"] == "error"] == ["J002", "J002"]


def test_typer_s_own_converters_and_their_imports_are_not_needed(tmp_path: Path) -> None:
    path = at_import(tmp_path, ("pydantic",), "raise SystemExit(f'imports {name}')")
    for typed in ("--version", "sigmoid -s 2 --vec row --seed 1 --rtol 0.1 -q", "list softmax"):
        done = execute([*PROGRAM, *typed.split()], variables={"PYTHONPATH": path})
        assert (done.status, done.err) == (0, ""), typed
