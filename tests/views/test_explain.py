"""`jacinspect explain`: the texts, and a command for each that shows what it explains."""

import re
import shlex
from pathlib import Path

import pytest

import jacinspect.jacobian
from jacinspect.checks.suite import load_suite
from jacinspect.choices import Expectation, Form, Layout, Vec
from jacinspect.errors import InputError
from jacinspect.inspection.codes import CODES
from jacinspect.views.explain import contents, explain, words
from tests.cli.test_commands import at_import, one_message
from tests.conftest import RunHere
from tests.program import ROOT, Run, command, execute, install, ran, run

HEAVY = ("numpy", "scipy", "torch", "jax", "pydantic", "rich", "rich.console", "rich.markdown", "typer.rich_utils")
EXAMPLE = re.compile(r"^Try: (.*)\n\Z", re.MULTILINE)


def example(word: str) -> str:
    found = EXAMPLE.search(explain(word))
    assert found is not None
    return found[1]


def shell(typed: str, folder: Path) -> Run:
    return execute(["bash", "-c", typed], variables={"PATH": install(folder, typed)})


# --- The texts


@pytest.mark.parametrize("word", words())
def test_a_text_is_short_and_plain(word: str) -> None:
    lines = explain(word).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) >= 5
    assert len(lines) <= 15 or word == "method"
    assert [line for line in lines if line != line.rstrip()] == []
    assert len([line for line in lines if line.startswith("Try: ")]) == 1
    assert not re.search(r"^##|^    jacinspect", explain(word), re.MULTILINE)


@pytest.mark.parametrize("code", CODES)
def test_a_finding_is_explained_from_the_table_by_code_and_by_name(code: str) -> None:
    kind = CODES[code]
    text = explain(code)
    assert text == explain(kind.name) == explain(code.lower())
    flat = " ".join(text.split())
    assert flat.startswith(f"{code} {kind.name}, {'an error' if kind.severity == 'error' else 'a note'}: ")
    assert kind.when in flat
    assert kind.advice in flat
    assert example(code) == kind.example


def test_every_choice_and_structure_is_explained() -> None:
    structures = {"zero", "diagonal", "permutation", "broadcast", "block-diagonal", "banded", "sparse", "dense"}
    assert {*Form, *Layout, *Expectation, *structures, "lower-triangular", "upper-triangular", "vec"} <= set(words())
    assert all("--vec " + order in explain("vec") for order in Vec)


@pytest.mark.parametrize("fact", ran("sigmoid --shape 2x2 --details").text.split("\n\nX ")[0].splitlines()[4:])
def test_every_label_of_a_report_is_explained(fact: str) -> None:
    label = fact[:13].strip()
    assert not label or explain(label)


def test_the_other_labels_are_explained() -> None:
    for label in ("cost", "layout", "vec", "detection", "operand", "rules", "verdict", "J analytic", "J numeric", "A'"):
        assert explain(label.removeprefix("J "))


def test_the_method_is_the_docstring_of_the_package() -> None:
    assert (jacinspect.jacobian.__doc__ or "").strip() in explain("method")


def test_synonyms_case_and_separators_make_no_difference() -> None:
    assert explain("NUMERATOR") == explain("layout")
    assert explain("off-diagonal ratio") == explain("off_diagonal_ratio") == explain("Off-Diagonal-Ratio")
    assert explain("chain-rule") == explain(" chain  rule ")


def test_no_word_is_explained_twice() -> None:
    text = (ROOT / "jacinspect" / "views" / "words.md").read_text("utf-8")
    names = [name for heading in re.findall(r"^## (.+)", text, re.MULTILINE) for name in heading.split(", ")]
    names += [*CODES, *(kind.name for kind in CODES.values()), "method"]
    assert sorted(names) == sorted(words())
    assert len({re.sub("[_ -]", " ", name).lower() for name in names}) == len(names)


def test_the_contents_name_every_word() -> None:
    assert [word for word in words() if word not in " ".join(contents().split())] == []
    assert max(map(len, contents().splitlines())) <= 80


def test_an_unknown_word() -> None:
    with pytest.raises(InputError, match=r"^there is no explanation of 'knik'; did you mean 'kink'\?$"):
        explain("knik")
    with pytest.raises(InputError, match=r"^there is no explanation of 'zzz'; jacinspect explain lists the words .*$"):
        explain("zzz")


# what a student who had read the screens of the program asked for, as it stands there
@pytest.mark.parametrize(
    "word",
    [
        *(
            "f",
            "f'",
            "s",
            "·",
            "agree",
            "entries",
            "random",
            "calls",
            "largest difference",
            "Kronecker",
            "check",
            "toml",
        ),
        *("∂A_ij/∂X_pq", "TensorDiag", "𝔻", "𝕄", "Diag", "diag", ":", "⊙", "as claimed", "A'", "X", "dX"),
    ],
)
def test_what_stands_on_a_screen_is_explained(word: str) -> None:
    assert len(explain(word).splitlines()) >= 8


def test_a_check_is_written_as_explained(tmp_path: Path) -> None:
    lines = explain("toml").splitlines()
    start = lines.index("    [checks.NAME]")
    file = tmp_path / "jacinspect.toml"
    file.write_text("\n".join(lines[start : start + 4]), "utf-8")
    (check,) = load_suite(file).checks
    assert (check.function, check.shapes) == ("sigmoid", ("2x2", "3"))


def test_a_suggestion_is_spelled_as_it_stands_in_the_list() -> None:
    with pytest.raises(InputError, match=r"did you mean '∂A\[i,j\]/∂X\[p,q\]'\?$"):
        explain("∂A[i,j]/∂X[p,r]")


def test_plurals_and_phrases_are_understood() -> None:
    assert explain("colors") == explain("color")
    assert explain("numerator layout") == explain("numerator")


# --- The commands in them


@pytest.mark.parametrize("typed", sorted({example(word) for word in words()}))
def test_an_example_runs_and_shows_the_finding(typed: str, tmp_path: Path, run_here: RunHere) -> None:
    plain = not set(typed) & set("|&;<>$") and not typed.startswith(
        "jacinspect check "
    )  # which has processes of its own
    done = run_here(*shlex.split(typed)[1:]) if plain else shell(typed, tmp_path)
    assert done.status in (0, 1), done.err
    assert done.err == ""
    for code in (code for code, kind in CODES.items() if kind.example == typed):
        assert f"{code} " in done.text


# --- The command itself


def test_explain() -> None:
    done = ran("explain j003")
    assert (done.status, done.err, done.text) == (0, "", explain("kink"))
    assert ran("explain").text == contents()
    assert ran("explain chain rule").text == explain("chain rule")  # without quotation marks, too


def test_the_advice_of_an_inconclusive_entry_names_straight_through_rules() -> None:
    told = run("explain", "J006").out.decode()
    assert "A quantiser moves in steps" in " ".join(told.split())
    assert "straight-through rule" in " ".join(told.split())


def test_explain_an_unknown_word() -> None:
    one_message(ran("explain tensr"), "there is no explanation of 'tensr'", "did you mean 'tensor'")


def test_explain_imports_nothing_heavy(tmp_path: Path) -> None:
    path = at_import(tmp_path, HEAVY, "raise SystemExit(f'imports {name}')")
    for word in ("J003", "bar", "method"):
        done = run("explain", word, PYTHONPATH=path)
        assert (done.status, done.err, done.text) == (0, "", explain(word))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_the_words(shell: str) -> None:
    typed = "jacinspect explain chai"
    variables = {"_JACINSPECT_COMPLETE": f"complete_{shell}", "COMP_WORDS": typed, "COMP_CWORD": "2"}
    variables |= {"_TYPER_COMPLETE_ARGS": typed, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = execute(command(), variables=variables)
    assert (done.status, done.err) == (0, "")
    assert "chain-rule" in done.text
    assert "tensor" not in done.text
