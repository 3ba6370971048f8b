"""The program itself: what is typed, and both streams, the exit status and the files that come of it."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest

from jacinspect.cli.commands import app
from jacinspect.cli.help import COMMANDS, EXAMPLES
from tests.conftest import RunHere, Validate
from tests.program import (
    PROGRAM,
    ROOT,
    SAMPLES,
    Run,
    execute,
    in_shell,
    on_a_terminal,
    ran,
    run,
    run_side_by_side,
    started,
)

ESCAPE = re.compile(r"\x1b\[([0-9;]*)m")


def fact(done: Run, label: str) -> str:
    """Give the labelled line of the report, with what hangs below it."""
    start = next(n for n, line in enumerate(done.lines) if line.startswith(f"{label}  "))
    found = [done.lines[start].removeprefix(label)]
    for line in done.lines[start + 1 :]:
        if not line.startswith("   "):
            break
        found.append(line)
    return " ".join(" ".join(found).split())


@pytest.fixture(scope="session")
def _side_by_side() -> None:
    """Run every sample."""
    run_side_by_side(typed for typed, _ in SAMPLED)


# --- The answers


def test_sigmoid() -> None:
    done = ran("sigmoid --shape 2x2")
    assert (done.status, done.err) == (0, "")
    assert done.lines[0].startswith("sigmoid")
    assert done.lines[0].endswith("✓ the derivative is right: 4 of 4 entries agree")
    assert len(done.lines) <= 22
    assert fact(done, "pattern").startswith("diagonal: 4 of 16")
    assert fact(done, "shape").startswith("4×4, square")
    assert "A' ⊙ dX = J·vec(dX)" in fact(done, "Hadamard")
    assert done.lines[-1] == "--details for the rest; jacinspect explain WORD"


def test_quiet_prints_the_headline_and_details_everything(run_here: RunHere) -> None:
    short = run_here("sigmoid", "--shape", "2x2")
    quiet = run_here("sigmoid", "--shape", "2x2", "--quiet")
    assert quiet.lines == short.lines[:1]
    long = run_here("softmax", "-s", "2x2", "-p", "axis=0", "--vec", "row", "-d", "softmax(x, axis=0)", "-q")
    assert (long.status, len(long.lines)) == (1, 1), "one line, however long"
    details = run_here("sigmoid", "--shape", "2x2", "--details")
    assert details.lines[0] == short.lines[0]
    assert details.lines[-1] == "verdict: ✓ pass"
    for label in ("chain rule", "agreement", "cost", "layout", "vec", "also as", "detection", "operand"):
        assert fact(details, label)
        assert not [line for line in short.lines if line.startswith(f"{label}  ")]
    both = run_here("sigmoid", "--shape", "2x2", "--details", "-q")
    assert (both.status, both.out) == (2, b"")
    assert "give one of them" in both.err


@pytest.mark.parametrize("typed", ["sigmoid --shape 2x2", "softmax --shape 3x4 --vec row", "sigmoid --shape 300x300"])
def test_what_is_piped_is_plain_and_80_columns_wide(typed: str) -> None:
    done = ran(typed)
    assert b"\x1b" not in done.out
    assert b"\r" not in done.out
    assert done.out.endswith(b"\n")
    assert not done.out.endswith(b"\n\n")
    for line in done.lines:
        assert len(line) <= 80
        assert line == line.rstrip()


def test_softmax_by_rows() -> None:
    done = ran("softmax --shape 3x4 --vec row")
    assert (done.status, done.err) == (0, "")
    assert fact(done, "pattern").startswith("block-diagonal, 3 blocks of 4×4")
    assert "row-major" in fact(done, "shape")
    assert "(J009)" in fact(done, "Hadamard")
    assert "J009 note" in ran("softmax --shape 3x4 --vec row --details").text


def test_an_expectation_that_is_not_met_is_status_1_and_names_a_witness() -> None:
    done = ran("softmax --shape 3x4 --vec row --expect diagonal --expect symmetric --json")
    assert (done.status, done.err) == (1, "")
    report = done.report
    assert report["verdict"] == "fail"
    (finding,) = (finding for finding in report["findings"] if finding["code"] == "J002")
    assert finding["message"].startswith("expected diagonal")
    index = re.search(r"∂A\[(\d),(\d)\]/∂X\[(\d),(\d)\] = (-?[0-9.e-]+)", finding["message"])
    assert index is not None
    i, j, p, q = map(int, index.groups()[:4])
    assert (i, j) != (p, q)
    assert report["jacobian"]["analytic"][4 * i + j][4 * p + q] == pytest.approx(float(index[5]), rel=1e-4)
    assert finding["at"] == [[p, q]]


def test_exit_zero_changes_the_status_alone() -> None:
    failing = ran("softmax --shape 3x4 --expect diagonal")
    done = run("softmax", "--shape", "3x4", "--expect", "diagonal", "--exit-zero")
    assert (failing.status, done.status) == (1, 0)
    assert done.out == failing.out
    assert done.err == failing.err == ""


def test_transpose_is_a_permutation_and_cumsum_is_triangular() -> None:
    transposed = ran("transpose --shape 2x3 --expect permutation --layout denominator")
    assert (transposed.status, transposed.err) == (0, "")
    assert fact(transposed, "pattern").startswith("permutation: 6 of 36")
    assert "denominator" in fact(transposed, "shape")
    summed = ran("cumsum --shape 5 --expect lower-triangular")
    assert (summed.status, summed.err) == (0, "")
    assert fact(summed, "pattern").startswith("lower-triangular: 15 of 25")
    assert ran("cumsum --shape 5 --expect upper-triangular --expect diagonal --json").status == 1


def test_an_exact_zero_under_relu_is_a_kink_with_both_slopes(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1.5,0\n-2,0.25\n")
    done = run("relu", "-i", "x.csv", cwd=tmp_path)
    assert (done.status, done.err) == (0, "")
    message = " ".join(done.text[done.text.index("J003") :].split())
    assert "J003 note" in message
    assert "X[0,1] = 0" in message
    assert "slope 0 to the left and 1 to the right" in message
    assert run("relu", "-i", "x.csv", "--strict-kinks", cwd=tmp_path).status == 1


def test_inspect_may_be_left_out_and_options_may_come_first() -> None:
    bare = ran("sigmoid --shape 2x2")
    for typed in ("inspect sigmoid --shape 2x2", "--shape 2x2 sigmoid", "inspect -s 2x2 sigmoid"):
        assert ran(typed) == bare, typed


def test_a_parameter_and_an_alias() -> None:
    done = ran("lrelu -s 4 -p negative_slope=0.2 --json")
    report = done.report
    assert report["function"]["name"] == "leaky_relu"
    assert report["function"]["parameters"] == {"negative_slope": 0.2}
    assert {max(row) for row in report["jacobian"]["analytic"]} == {0.2, 1.0}


def test_the_seed_the_dtype_and_the_direction() -> None:
    plain, again, other = (ran(f"tanh -s 2x3 --json{more}").report for more in ("", " --seed 0", " --seed 1"))
    assert plain == again
    assert plain["operand"]["values"] != other["operand"]["values"]
    assert other["operand"]["seed"] == 1
    single = ran("tanh -s 2x3 --dtype float32 --json").report
    assert single["operand"]["dtype"] == "float32"
    assert single["operand"]["values"] == np.float32(plain["operand"]["values"]).tolist()
    assert single["verdict"] == "pass"
    along = ran(f"tanh -s 2x3 --direction {SAMPLES / 'weights.csv'} --json").report
    assert along["hadamard"]["direction"] == [[0.5, -1.25, 0.0], [2.0, -0.75, 1.5]]
    assert along["jacobian"] == plain["jacobian"]


def test_tolerances_noise_and_budgets() -> None:
    assert ran("sigmoid -s 2x2 --rtol 1e-30").status == 0  # it is added to the bars
    assert ran("sin -s 2x2 -d 1.001*cos(x) --rtol 1e-6").status == 1
    assert ran("sin -s 2x2 -d 1.001*cos(x) --rtol 1e-6 --atol 1e-2").status == 0
    noisy = ran("sigmoid -s 2x2 --noise 10")
    assert noisy.status == 1
    assert "? inconclusive: f's values do not decide 4 of 4 entries" in noisy.lines[0]
    sampled = ran("softmax -s 6x8 --max-evaluations 5 --json").report
    assert [finding["code"] for finding in sampled["findings"]] == ["J007", "J009"]
    assert sampled["jacobian"]["stored"] is None


def test_points_and_branches() -> None:
    assert ran("relu6 -s 4x4 -d where(x>0,1,0)").status == 1  # an entry above 6 is drawn
    several = ran("tanh -s 3 --points 3 --json").report
    assert [point["scale"] for point in several["points"]] == [1, 1, 10]
    assert several["calls"] > several["detection"]["evaluations"]
    text = ran("tanh -s 3 --points 3").text
    assert "× 10         entries from " in text
    assert text.count("\n× 1 ") == text.count("\nX            entries from ") == 1  # X, and one of its size
    assert ran("tanh -s 3 --points 0").status == 2


# --- JSON


def test_json_is_valid_and_the_same_whatever_the_hashes(validated: Validate) -> None:
    first, second = (ran("softmax -s 2x3 --json", PYTHONHASHSEED=seed) for seed in ("1", "2"))
    assert first == second
    assert (first.status, first.err) == (0, "")
    assert validated(first.text)["function"]["name"] == "softmax"
    assert ran("softmax -s 2x3 --format json") == first
    assert ran("softmax -s 2x3 --json", PYTHONIOENCODING="ascii", FORCE_COLOR="1", COLUMNS="20") == first
    subprocess.run([sys.executable, "-m", "json.tool"], input=first.out, stdout=subprocess.DEVNULL, check=True)


def test_full_json_and_large_json(validated: Validate) -> None:
    short, full = (validated(ran(f"sigmoid -s 9x8 --json{more}").text) for more in ("", " --full"))
    assert short["jacobian"]["numeric"] is None
    assert np.shape(full["jacobian"]["numeric"]) == (72, 72)
    assert full["jacobian"]["analytic"][5][5] == np.diag(full["jacobian"]["analytic"])[5] > 0


def test_full_text_shows_every_number() -> None:
    assert "…" in ran("cumsum -s 12").text
    full = ran("cumsum -s 12 --full")
    assert "…" not in full.text
    assert any(re.search(r"(^| )1(  1){11}($| )", line) for line in full.lines)
    assert (full.status, full.err) == (0, "")


# --- Files and standard input

SAMPLED = [
    (f"relu -i {SAMPLES / name} --json", shape)
    for name, shape in [
        ("weights.csv", [2, 3]),
        ("logits.json", [3, 4]),
        ("hidden.npy", [4, 3]),
        ("layers.npz:w1", [3, 2]),
        ("signal.txt", [5]),
        ("table.tsv", [2, 2]),
    ]
]


@pytest.mark.usefixtures("_side_by_side")
@pytest.mark.parametrize(("typed", "shape"), SAMPLED)
def test_samples(validated: Validate, typed: str, shape: list[int]) -> None:
    done = ran(typed)
    assert (done.status, done.err) == (0, "")
    report = validated(done.text)
    assert report["operand"]["shape"] == shape
    assert report["operand"]["source"] == typed.split()[2]


@pytest.mark.parametrize("name", ["weights.csv", "hidden.npy"])
def test_standard_input(name: str) -> None:
    piped = run("relu", "-i", "-", "--json", stdin=(SAMPLES / name).read_bytes()).report
    read = ran(f"relu -i {SAMPLES / name} --json").report
    assert piped["operand"].pop("source") == "standard input"
    assert read["operand"].pop("source").endswith(name)
    assert piped == read


def test_numbers_of_json_that_are_not_finite_come_back(validated: Validate) -> None:
    done = run("sigmoid", "-i", "-", "--json", stdin=b'[[1, "NaN"], ["Infinity", "-Infinity"]]')
    report = validated(done.text)
    assert report["operand"]["values"] == [[1.0, "NaN"], ["Infinity", "-Infinity"]]
    assert (done.status, report["verdict"]) == (0, "pass")


def test_a_file_whose_name_is_no_unicode(tmp_path: Path, validated: Validate) -> None:
    name = os.fsdecode(b"\xff.csv")
    try:
        (tmp_path / name).write_text("1,2\n")
    except OSError:
        pytest.skip("this file system takes no such name")
    done = run("tanh", "-i", name, "--json", cwd=tmp_path)
    assert (done.status, done.err) == (0, "")
    assert validated(done.text)["operand"]["source"].endswith(".csv")
    written = run("tanh", "-i", name, "-o", "out.txt", cwd=tmp_path)
    assert (written.status, written.err) == (0, "")
    assert (tmp_path / "out.txt").read_text(encoding="utf-8").startswith("tanh")


def test_output_is_what_would_have_been_printed(tmp_path: Path) -> None:
    for form in ("text", "json"):
        file = tmp_path / f"report.{form}"
        done = run(
            "softmax",
            "-s",
            "3x4",
            "--expect",
            "diagonal",
            "-f",
            form,
            "--output",
            str(file),
            COLUMNS="200",
        )
        assert (done.status, done.out, done.err) == (1, b"", "")
        assert file.read_bytes() == ran(f"softmax -s 3x4 --expect diagonal -f {form}").out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.json", "report.text"]


def test_output_replaces_an_old_file_only_when_it_is_complete(tmp_path: Path) -> None:
    file, link = tmp_path / "old.json", tmp_path / "link.json"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to("old.json")
    for typed in ("softmax -s 2 -p axis=7", "sigmoid -i nosuch.csv", "sigmoid -s 20000 --memory 16MiB --full"):
        assert run(*typed.split(), "--json", "-o", str(file)).status == 2
        assert file.read_text() == "old"
    assert run("sigmoid", "-s", "2x2", "--json", "-o", str(link)).status == 0
    assert link.is_symlink()
    assert file.read_bytes() == ran("sigmoid -s 2x2 --json").out
    assert file.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.json", "old.json"], "a draft was left behind"


def test_output_to_a_device_or_a_pipe() -> None:
    assert run("sigmoid", "-s", "2x2", "-o", "/dev/stdout") == ran("sigmoid --shape 2x2")
    full = run("sigmoid", "-s", "2x2", "-o", "/dev/full")
    assert "no space left" in one_message(full, "/dev/full")


def test_output_where_nobody_may_write(tmp_path: Path) -> None:
    mortal: list[str] = []
    if os.geteuid() == 0:  # who may write anywhere
        if shutil.which("setpriv") is None:
            pytest.skip("root cannot be refused here")
        mortal = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    (tmp_path / "ours").mkdir(mode=0o555)
    (tmp_path / "old.txt").write_text("old")
    (tmp_path / "old.txt").chmod(0o444)
    for name in ("ours/report.txt", "old.txt"):
        done = execute([*mortal, *PROGRAM, "sigmoid", "-s", "2x2", "-o", name], cwd=tmp_path)
        one_message(done, name, "permission denied")
    assert list((tmp_path / "ours").iterdir()) == []
    assert (tmp_path / "old.txt").read_text() == "old"


# --- The terminal


@pytest.mark.parametrize("columns", [40, 200])
def test_the_width_follows_columns(columns: int) -> None:
    done = ran("softmax -s 3x4 --vec row", COLUMNS=str(columns))
    assert (done.status, done.err) == (0, "")
    longest = max(len(line) for line in done.lines)
    assert columns // 2 < longest <= columns


def test_color_is_forced_and_refused() -> None:
    plain = ran("sigmoid --shape 2x2").lines
    forced = ran("sigmoid --shape 2x2", FORCE_COLOR="1", TERM="xterm-256color")
    assert ESCAPE.search(forced.text)
    assert [line.rstrip() for line in ESCAPE.sub("", forced.text).splitlines()] == plain
    both = ran("sigmoid --shape 2x2", FORCE_COLOR="1", NO_COLOR="1", TERM="xterm-256color")
    codes = {code for codes in ESCAPE.findall(both.text) for code in codes.split(";")}
    assert not {code for code in codes if code[:1] in ("3", "4", "9") and code not in ("3", "4", "9")}, "a color"
    assert "\x1b" not in ran("sigmoid --shape 2x2", NO_COLOR="1").text


def test_on_a_terminal_there_is_color_and_json_is_still_plain() -> None:
    assert b"\x1b[" in on_a_terminal("sigmoid", "-s", "2x2").out
    assert on_a_terminal("sigmoid", "-s", "2x2", "--json").report["verdict"] == "pass"
    assert b"\x1b[3" not in on_a_terminal("sigmoid", "-s", "2x2", NO_COLOR="1").out


def test_a_terminal_without_the_signs_shows_everything_else() -> None:
    done = ran("sigmoid --shape 2x2", PYTHONIOENCODING="ascii")
    assert (done.status, done.err) == (0, "")
    assert done.out.isascii()
    assert "?" not in done.text
    assert done.lines[0] == "sigmoid  X 2x2 -> A 2x2  ok the derivative is right: 4 of 4 entries agree"
    plain = ran("sigmoid --shape 2x2").lines
    assert [re.findall(r"[0-9.e-]+\d", line) for line in done.lines[13:18]] == [
        re.findall(r"[0-9.e-]+\d", line) for line in plain[13:18]
    ]
    columns = [[match.start() for match in re.finditer(r"(?<= )-?\d\.\d+", line)] for line in plain[13:18]]
    assert columns == [[match.start() for match in re.finditer(r"(?<= )-?\d\.\d+", line)] for line in done.lines[13:18]]
    dots = ran("softmax -s 30", PYTHONIOENCODING="cp1252")
    assert "?" not in dots.out.decode("cp1252")
    assert " × " not in dots.out.decode("cp1252").splitlines()[0]
    assert "X 30 -> A 30" in dots.out.decode("cp1252")
    failed = ran("sigmoid -s 2 -d x", PYTHONIOENCODING="ascii")
    assert "FAIL the derivative is wrong" in failed.text
    assert re.search(r" !-?\d\.\d+", failed.text)
    wrong = run("softmax", "-s", "2×2", "-p", "axis=½", PYTHONIOENCODING="ascii")
    assert wrong.status == 2
    assert len(wrong.err.splitlines()) == 1


# --- Mistakes

FOLDER = str(SAMPLES)
MISTAKES: list[tuple[str, list[str]]] = [
    ("sigmiod -s 2", ["'sigmiod'", "did you mean sigmoid, log_sigmoid or hard_sigmoid?"]),
    ("frobnicate -s 2", ["'frobnicate'"]),
    ("sigmoid -s 2 --sape 3", ["--sape"]),
    ("sigmoid -s 2 --shap 3", ["--shap"]),
    ("sigmoid -s 2 -Q", ["-Q"]),
    ("-s 2", ["FUNCTION"]),
    ("inspect", ["FUNCTION"]),
    ("sigmoid -s", ["-s"]),
    ("sigmoid -s 2 more", ["more"]),
    ("sigmoid", ["--shape", "--input"]),
    (f"sigmoid -s 2 -i {SAMPLES / 'weights.csv'}", ["--shape", "--input", "not both"]),
    ("sigmoid -s 999999x999999", ["999999x999999", "7.28 TiB", "--memory"]),
    ("sigmoid -s 2x", ["'2x'", "2x3"]),
    ("sigmoid -s -2", ["'-2'"]),
    ("sigmoid -s 2.5", ["'2.5'"]),
    ("sigmoid -s 2 -f xml", ["xml", "json"]),
    ("sigmoid -s 2 --vec diagonal", ["diagonal", "column", "row"]),
    ("sigmoid -s 2 --layout left", ["left", "numerator", "denominator"]),
    ("sigmoid -s 2 --dtype int8", ["int8", "float64", "float32"]),
    ("sigmoid -s 2 --expect round", ["round", "diagonal", "symmetric"]),
    ("leaky_relu -s 2 -p negative_slope", ["'negative_slope'", "NAME=VALUE"]),
    ("leaky_relu -s 2 -p negative_slope=steep", ["negative_slope", "'steep'", "number"]),
    ("leaky_relu -s 2 -p slope=1", ["'slope'", "negative_slope"]),
    ("softplus -s 2 -p beta=0", ["beta", "greater than 0"]),
    ("sigmoid -s 2 -p beta=1", ["'beta'", "no parameters"]),
    ("softmax -s 2 -p axis=7", ["axis 7", "-1 to 0"]),
    ("sigmoid -s 2 --memory lots", ["'lots'", "4GiB"]),
    ("sigmoid -s 2 --memory 0", ["'0'"]),
    ("sigmoid -s 2 --memory 16", ["16 bytes", "--memory"]),
    ("sigmoid -s 2 --seed x", ["--seed", "'x'"]),
    ("sigmoid -s 2 --seed -1", ["seed", "-1"]),
    ("sigmoid -s 2 --rtol -1e-3", ["rtol", "-0.001"]),
    ("sigmoid -s 2 --atol nan", ["atol", "nan"]),
    ("sigmoid -s 2 --noise -1", ["noise", "-1"]),
    ("sigmoid -s 2 --max-evaluations 0", ["evaluations", "0"]),
    ("sigmoid -s 100000 --full", ["--full", "100000×100000", "74.5 GiB", "--memory"]),
    ("sigmoid -s 100000 --full --json", ["--full", "100000×100000", "74.5 GiB", "--memory"]),
    ("sigmoid -i nosuch.csv", ["nosuch.csv", "no such file"]),
    (f"sigmoid -i {SAMPLES / 'weigths.csv'}", ["weigths.csv", "did you mean", "weights.csv"]),
    (f"sigmoid -i {FOLDER}", [FOLDER, "folder"]),
    (f"sigmoid -i {SAMPLES / 'layers.npz'}", ["layers.npz", "w1", "w2"]),
    ("sigmoid -s 2x2 --direction nosuch.csv", ["nosuch.csv", "no such file"]),
    (f"sigmoid -s 2x2 --direction {SAMPLES / 'weights.csv'}", ["direction", "2×3", "2×2"]),
    ("sigmoid -s 2 -o /nosuch/report.json", ["/nosuch", "no folder"]),
    (f"sigmoid -s 2 -o {FOLDER}", [FOLDER, "folder"]),
    (f"sigmoid -s 2 -o {SAMPLES / 'table.tsv' / 'x'}", ["table.tsv"]),
]


@pytest.mark.parametrize(("typed", "named"), MISTAKES)
def test_a_mistake_is_named_in_a_line_or_two(run_here: RunHere, typed: str, named: list[str]) -> None:
    message = one_message(run_here(*typed.split()), *named)
    assert message.startswith("jacinspect: ")
    assert "raised" not in message, "it was not the function's fault"
    assert "Error:" not in message
    assert "Value error" not in message


def one_message(done: Run, *named: str) -> str:
    assert done.status == 2
    assert done.out == b""
    assert 1 <= len(done.err.splitlines()) <= 2, done.err
    assert max(map(len, done.err.splitlines())) <= 240
    assert done.err.endswith("\n")
    for name in named:
        assert name in done.err
    return done.err


def test_a_mistake_ends_the_real_program_with_its_message_too() -> None:
    one_message(ran("sigmiod -s 2"), *MISTAKES[0][1])
    one_message(ran("sigmoid -s 2 --sape 3"), "--sape")
    one_message(run("sigmoid", "-i", "-"), "standard input", "empty")


def test_nothing_typed_is_a_mistake_that_shows_what_to_type() -> None:
    done = ran("")
    assert (done.status, done.out) == (2, b"")
    assert "sigmoid --shape 2x2" in done.err


def test_words_with_blanks_quotes_and_other_scripts() -> None:
    for typed in (["", "-s", "2"], ["sigmoid", "-s", ""], ["sigmoid", "-s", "二"]):
        one_message(run(*typed), repr(typed[-1] if typed[0] == "sigmoid" else typed[0]))


def test_what_is_no_expression_is_underlined() -> None:
    done = run("a b", "-s", "2")
    assert (done.status, done.out) == (2, b"")
    assert done.err == "jacinspect: an operator is missing: to multiply, write *, or @ for matrices\n  a b\n    ^\n"


# --- Pipes, signals, closed streams


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_pipe_closed_early_is_no_error(form: str) -> None:
    with started("sigmoid", "-s", "100", "--full", "-f", form) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = os.read(process.stdout.fileno(), 10)
        assert first in (b"sigmoid  X", b'{"schema_v')
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=30) == 0


def test_an_interrupt_ends_it_quietly_and_soon_and_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text("old")
    with started("softmax", "--shape", "700x700", "--output", "old.txt", cwd=tmp_path) as process:
        time.sleep(1.5)
        assert process.poll() is None, "it is to be interrupted while it works"
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert time.monotonic() - sent < 3
    said = re.sub(rb"^jacinspect: a call takes .*\n", b"", err)  # where the machine is slow
    assert (process.returncode, out, said) == (130, b"", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["old.txt"]
    assert (tmp_path / "old.txt").read_text() == "old"


AT_IMPORT = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name in {names}:
            {action}
sys.meta_path.insert(0, Finder())
"""


def at_import(folder: Path, names: tuple[str, ...], action: str) -> str:
    """Make a search path by which the import of some modules does something else."""
    (folder / "sitecustomize.py").write_text(AT_IMPORT.format(names=names, action=action))
    return f"{folder}{os.pathsep}{ROOT}"


def test_an_interrupt_while_importing_is_quiet_too(tmp_path: Path) -> None:
    for names in (("numpy",), ("typer",)):
        path = at_import(tmp_path, names, "import os, signal; os.kill(os.getpid(), signal.SIGINT)")
        assert run("sigmoid", "-s", "2", PYTHONPATH=path) == Run(130, b"", "")


def test_version_and_help_import_nothing_heavy(tmp_path: Path) -> None:
    heavy = ("numpy", "scipy", "torch", "jax", "rich.console", "rich.markdown")
    path = at_import(tmp_path, heavy, "raise SystemExit(f'imports {name}')")
    trapped = run("sigmoid", "-s", "2", PYTHONPATH=path)  # the trap works
    assert trapped.err.startswith("jacinspect: the inspected code raised SystemExit: imports numpy\n")
    version = run("--version", PYTHONPATH=path)
    assert (version.status, version.err) == (0, "")
    assert re.fullmatch(r"jacinspect \d+\.\d+\.\d+\S*\n", version.text)
    for typed in (["--help"], ["-h"], ["inspect", "--help"], ["sigmoid", "--help"]):
        done = run(*typed, PYTHONPATH=path)
        assert (done.status, done.err) == (0, ""), typed
        assert done.text.startswith("Usage: jacinspect")


def test_what_is_piped_imports_nothing_heavy(tmp_path: Path) -> None:
    """That is rich, which takes a tenth of a start, and more to print with."""
    path = at_import(tmp_path, ("rich", "rich.console"), "raise SystemExit(f'imports {name}')")
    for typed in ("sigmoid -s 2x2", "list sigmoid"):
        done = run(*typed.split(), PYTHONPATH=path)
        assert (done.status, done.err) == (0, ""), typed
    assert "imports rich" in run("list", "sigmoid", PYTHONPATH=path, FORCE_COLOR="1").err  # the trap works


def test_code_runs_with_the_search_for_garbage(tmp_path: Path) -> None:
    """The search is put off while modules are imported."""
    (tmp_path / "code.py").write_text(
        "import gc\n\ndef f(x):\n    return x if gc.isenabled() and gc.get_freeze_count() > 10_000 else 2 * x\n"
    )
    (tmp_path / "jacinspect.toml").write_text('[checks.f]\nfunction = "code.py:f"\nderivative = "1"\nshapes = "2"\n')
    for typed in ("code.py:f -s 2 -d x**0", "check"):
        assert execute([*PROGRAM, *typed.split()], cwd=tmp_path).status == 0


def test_the_help_of_the_program_has_the_first_sentence_of_each_command() -> None:
    documented = {info.name: info.callback.__doc__ or "" for info in app.registered_commands if info.callback}
    assert {name: text.partition("\n")[0] for name, text in documented.items()} == dict(COMMANDS)


@pytest.mark.parametrize("typed", ["explain J001", "explain", "explain conv kink", "explain zzz", "--version"])
def test_what_is_answered_without_a_parser_is_what_the_command_answers(run_here: RunHere, typed: str) -> None:
    first, *words = typed.split()
    parsed = [first, "--", *words] if first == "explain" else ["--version", "--version"]
    at_once, by_command = run_here(first, *words), run_here(*parsed)
    assert at_once == by_command
    assert at_once.out or at_once.err


def test_help_is_one_screen_and_its_examples_run(run_here: RunHere) -> None:
    lines = ran("--help").lines
    assert len(lines) < 24
    typed = [line.split("  ")[1] for line in lines if line.startswith("  jacinspect ")]
    assert len(typed) == len(EXAMPLES) == 6
    for example in typed:
        done = run_here(*shlex.split(example)[1:])
        assert (done.status, done.err) == (0, ""), example
    for command_of in ("inspect", "identities", "check", "list", "explain"):
        assert any(line.startswith(f"  {command_of} ") and not line.endswith("...") for line in lines)


def test_help_lists_the_options_of_inspect() -> None:
    short, whole = ran("--help"), ran("inspect --help")
    options = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", whole.text))
    contract = "--shape -s --input -i --param -p --direction --vec --layout --expect --dtype --seed --rtol --atol "
    contract += (
        "--strict-kinks --memory --max-evaluations --noise --points --format -f --json --output -o --full --exit-zero "
    )
    assert options >= set((contract + "--traceback --help").split())
    panels = re.findall(r"^(\w.*):$", whole.text, re.MULTILINE)
    assert panels == [
        *("Function and operands", "Derivative", "What to show", "What must hold", "Budgets", "Output", "Options"),
    ]
    assert whole.text.split("Options:\n")[1].split() == ["-h,", "--help", "Show", "this", "message", "and", "exit."]
    assert "jacinspect inspect --help" in short.text
    for done in (short, whole):
        assert max(len(line) for line in done.lines) <= 80
        assert not [line for line in done.lines if line != line.rstrip()]
    assert "--version" in short.text
    assert "Exit status" in whole.text


@pytest.mark.parametrize(
    ("closed", "typed", "status"),
    [
        ("<&-", f"relu -i {SAMPLES / 'weights.csv'}", 0),
        ("<&-", "relu -i -", 2),
        (">&-", "sigmoid -s 2", None),
        (">/dev/full", "sigmoid -s 2", 2),
        (">/dev/full", "sigmoid -s 2 --json", 2),
        ("2>&-", "sigmiod -s 2", 2),
    ],
)
def test_closed_and_full_streams_give_no_traceback(closed: str, typed: str, status: int | None) -> None:
    done = in_shell(f"{typed} {closed}")
    assert "Traceback" not in done.err
    assert "Exception ignored" not in done.err
    assert len(done.err.splitlines()) <= 2
    assert done.status in ((0, 2) if status is None else (status,))


def test_the_command_is_this_program() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["scripts"] == {"jacinspect": "jacinspect.__main__:main"}


def test_the_second_order_is_inspected_if_asked_for() -> None:
    done = run("x**3", "--input", "[0.5, -1]", "--hessian", "3 * x", "--json")
    assert done.status == 1
    assert done.report["second_order"]["structure"] == "diagonal"
    assert done.report["second_order"]["verdict"] == "fail"
    assert [finding["message"][:13] for finding in done.report["findings"]] == ["second order:"]
    done = run("math:gamma", "--input", "[0.5, 2]", "--order", "2")
    assert done.status == 2
    assert "--order 2 needs a gradient, and there is none: give one with -d file.py:gradient" in done.err
