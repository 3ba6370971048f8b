"""What people type in place of what works: the program says so, and the line that it suggests works."""

import re
import shlex
from pathlib import Path

import pytest

from jacinspect.cli import streams
from jacinspect.cli.mistakes import begins_with_minus, correction
from tests.conftest import RunHere

OPTIONS = {"-s", "--shape", "-d", "--derivative", "-i", "--input", "--with", "-q", "--quiet", "-p"}


@pytest.mark.parametrize(
    ("typed", "reason", "right"),
    [
        ("sigmoid 2x2", "2x2: a shape follows --shape", "sigmoid --shape 2x2"),
        ("sigmoid 4 --json", "4: a shape follows --shape", "sigmoid --shape 4 --json"),
        ("sigmoid --shape 2 2", "the sizes of a shape are joined by x", "sigmoid --shape 2x2"),
        ("softmax -s 2 3 4 -q", "the sizes of a shape are joined by x", "softmax -s 2x3x4 -q"),
        ("sigmoid -shape 2x2", "-shape: a long option has two dashes", "sigmoid --shape 2x2"),
        ("x*sigmoid(x) 2x2", "2x2: a shape follows --shape", "'x*sigmoid(x)' --shape 2x2"),
    ],
)
def test_a_common_mistake_is_answered_by_the_line_that_works(
    run_here: RunHere, typed: str, reason: str, right: str
) -> None:
    done = run_here(*shlex.split(typed))
    assert (done.status, done.out) == (2, b"")
    assert done.err == f"jacinspect: {reason}; write\n  jacinspect {right}\n"
    assert run_here(*shlex.split(right)).status == 0


@pytest.mark.parametrize("typed", ["sigmoid -s 2 more", "sigmoid -s 2 --sape 3", "sigmoid -s", "-s 2", "a b -s 2"])
def test_of_another_mistake_nothing_is_guessed(typed: str) -> None:
    assert correction(typed.split(), OPTIONS) == ""


@pytest.mark.parametrize(
    ("word", "is_expression"),
    [
        *((word, True) for word in ("-x", "-x + 1", "-x**2", "-softmax(x)", "-sigmoid(x)*2", "-2*x", "-(x+1)", "- x")),
        *((word, False) for word in ("-s", "--shape", "-s2x2", "-q", "-", "--x", "sigmoid", "x - 1", "")),
    ],
)
def test_an_expression_may_begin_with_a_minus(word: str, is_expression: bool) -> None:
    assert begins_with_minus(word, OPTIONS) == is_expression


@pytest.mark.parametrize("typed", ["-x", "-x + 1", "-softmax(x)"])
def test_such_an_expression_is_inspected(run_here: RunHere, typed: str) -> None:
    done = run_here(typed, "--shape", "3", "-q")
    assert (done.status, done.err) == (0, "")
    assert done.text.startswith(f"{typed}  X 3")


def test_a_shape_may_stand_in_parentheses_as_in_python(run_here: RunHere) -> None:
    for typed in ("(2,2)", "(2, 2)", "(2x2)", "2,2"):
        assert run_here("sigmoid", "--shape", typed, "-q").text.startswith("sigmoid  X 2×2 ")
    assert run_here("sigmoid", "--shape", "(3,)", "-q").text.startswith("sigmoid  X 3 ")
    assert run_here("mul", "--shape", "(2,3)", "--with", "(3,)", "-q").status == 0
    for typed in ("(2,2", "2,2)", "((2,2))", "(2,,2)"):
        assert run_here("sigmoid", "--shape", typed).status == 2


@pytest.mark.parametrize(
    "typed",
    [
        "matmul -s 2x3",
        "add -s 2x3",
        "matmul -s 2x3x4",
        "samples/layer.py:dense -s 4x3",
        "samples/layer.py:dense -s 5x2",
    ],
)
def test_shapes_that_are_suggested_for_missing_operands_fit(run_here: RunHere, typed: str) -> None:
    done = run_here(*typed.split())
    assert done.status == 2
    (such,) = re.findall(r"add ((?:--with \S+ ?)+)", done.err.replace(";", ""))
    assert run_here(*typed.split(), *such.split()).status == 0
    assert (" are missing; " in done.err) == (such.count("--with") > 1)


def test_a_file_without_a_function_is_answered_by_those_in_it(run_here: RunHere, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from math import sin\n\ndef f(x):\n    return x\n\ndef g(x):\n    return 2 * x\n"
    )
    done = run_here("mine.py", "-s", "2", cwd=tmp_path)
    assert done.err == "jacinspect: mine.py: name the function in it too, as in mine.py:f; it has f, g\n"
    assert run_here("mine.py:g", "-s", "2", cwd=tmp_path).status == 0


def test_a_file_of_a_package_is_answered_by_its_module(run_here: RunHere, tmp_path: Path) -> None:
    package = tmp_path / "somepackage"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("TWO = 2\n")
    (package / "two.py").write_text("from .one import TWO\n\ndef f(x):\n    return TWO * x\n")
    done = run_here("somepackage/two.py:f", "-s", "2", cwd=tmp_path)
    assert done.status == 2
    assert "somepackage.two:FUNCTION" in done.err
    assert run_here("somepackage.two:f", "-s", "2", cwd=tmp_path).status == 0


def test_a_wrong_option_of_a_command_names_its_help(run_here: RunHere) -> None:
    for command, typed in (("identities", "identities -z"), ("inspect", "sigmoid -s 2 -z"), ("check", "check -z")):
        done = run_here(*typed.split())
        assert done.status == 2
        assert f"see jacinspect {command} --help" in done.err
        assert run_here(command, "--help").status == 0


def test_a_derivative_beside_the_function_is_suggested_by_its_place(run_here: RunHere, tmp_path: Path) -> None:
    code = tmp_path / "mine.py"
    code.write_text("def f(x):\n    return x * x\n\n\ndef df(x):\n    return 2 * x\n")
    done = run_here(f"{code}:f", "-s", "2", "-d", "df")
    meant = re.search(r"did you mean -d (\S+)\?", done.err)
    assert meant is not None
    assert run_here(f"{code}:f", "-s", "2", "-d", meant[1]).status == 0
    assert "did you mean" not in run_here(f"{code}:f", "-s", "2", "-d", "dg").err


def test_a_claim_beside_the_function_is_suggested_by_its_own_option(run_here: RunHere, tmp_path: Path) -> None:
    code = tmp_path / "mine.py"
    code.write_text("def f(x):\n    return 2 * x\n\n\ndef claim(x):\n    return float('nan')\n")
    for option in ("logdet", "hessian"):
        done = run_here(f"{code}:f", "-s", "2", f"--{option}", "claim")
        assert done.err.startswith(f"jacinspect: {option} 'claim': ")
        assert f"did you mean --{option} {code}:claim?" in done.err
    assert run_here(f"{code}:f", "-s", "2", "--logdet", f"{code}:claim").status == 1  # NaN is no log|det J|


def test_a_missing_matrix_is_suggested_as_one_and_the_line_works(run_here: RunHere) -> None:
    done = run_here("tanh(W @ x + b)", "-s", "3")
    assert "add --with W=3x3 --with b=3 (a shape, file or JSON)" in done.err
    assert run_here("tanh(W @ x + b)", "-s", "3", "--with", "W=3x3", "--with", "b=3", "-q").status == 0


def test_check_help_shows_how_a_check_is_written(run_here: RunHere) -> None:
    said = " ".join(run_here("check", "--help").text.split())
    assert "[checks.NAME]" in said
    assert 'function = "sigmoid"' in said


def test_an_error_is_wrapped_for_a_terminal_but_for_what_is_to_be_copied(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    message = f"{'long words ' * 12}; write\n  jacinspect {'x' * 90}"
    streams.complain(message)
    assert capsys.readouterr().err == f"jacinspect: {message}\n"
    monkeypatch.setattr(streams, "is_terminal", lambda stream: True)
    monkeypatch.setenv("COLUMNS", "60")
    streams.complain(message)
    *lines, copied = capsys.readouterr().err.splitlines()
    assert len(lines) > 1
    assert max(map(len, lines)) <= 60
    assert copied == f"  jacinspect {'x' * 90}"
