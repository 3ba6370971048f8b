"""`jacinspect check` itself: what is configured, and both streams, the exit status and the files that come of it."""

import json
import os
import pty
import re
import shlex
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from select import select
from typing import Any

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped

from jacinspect.checks.suite import Case, Suite
from jacinspect.checks.workers import Pool
from jacinspect.choices import CheckFormat
from jacinspect.cli import checking, streams
from tests.program import PROGRAM, ROOT, Run, command, execute, on_a_terminal, pieces, ran, run, started
from tests.views.checks.test_formats import logged, validate_junit

FORMATS = ["text", "json", "junit", "github", "markdown", "sarif"]

CODE = r"""
import os
import subprocess
import sys
import time
from pathlib import Path
import numpy as np

JUNK = b"JUNK\x00\xff\xfe\x1b[2J]]>\n"

def double(x):
    return 2 * x

def junk(x):
    print("JUNK \x00 {\"verdict\": 1} <a> ]]>", flush=True)
    os.write(1, JUNK)
    if seldom():
        subprocess.run([sys.executable, "-S", "-c", f"import os; os.write(1, {JUNK!r})"])
    return 2 * x

CALLS = []
def seldom():
    CALLS.append(1)
    return len(CALLS) == 1

def exits(x):
    os._exit(3)

def raises(x):
    raise ValueError("]]> & <b> \x1b[31m \x00 | ``` % ::error:: , \ud800")

def wrong(x):
    return x * x

def steps(x):
    return np.abs(x)

def loops(x):
    while True:
        time.sleep(0.01)

def waits(x):
    Path("waiting").write_text(str(os.getpid()))
    time.sleep(60)
    return x

def prints_at_import(x):
    return x
print("JUNK at import", flush=True)
os.write(1, JUNK)
"""

CONFIGURATION = r"""
[tool.jacinspect]
shapes = ["3", "2x3"]
[tool.jacinspect.checks.double]
function = "mycode:double"
derivative = "2"
expect = ["diagonal"]
seeds = [0, 1]
[tool.jacinspect.checks.attention]
function = "softmax(q @ k.T) @ v"
operands = { q = "4x3", k = "5x3", v = "5x2" }
wrt = ["q", "k", "v"]
[tool.jacinspect.checks.junk]
function = "mycode.py:junk"
[tool.jacinspect.checks.exits]
function = "mycode.py:exits"
shapes = 3
[tool.jacinspect.checks.raises]
function = "mycode.py:raises"
shapes = 3
[tool.jacinspect.checks.wrong]
function = "mycode.py:wrong"
derivative = "x"
shapes = "300"
[tool.jacinspect.checks.kinks]
function = "mycode.py:steps"
derivative = "sign(x)"
operands = { x = "zero.csv" }
strict_kinks = true
allow = ["J003", "J006"]
[tool.jacinspect.checks."]]> & <b> \"é'.|\u001b"]
function = "softmax"
expect = "diagonal"
shapes = "2x3"
"""
ODD = "]]> & <b> \"é'.|\x1b"
MADE = [
    *[("double", f"{shape}, seed {seed}", "pass") for shape in ("3", "2x3") for seed in (0, 1)],
    *[("attention", f"seed 0, by {operand}", "pass") for operand in "qkv"],
    *[("junk", f"{shape}, seed 0", "unchecked") for shape in ("3", "2x3")],  # it has no derivative
    ("exits", "3, seed 0", "fail"),
    ("raises", "3, seed 0", "fail"),
    ("wrong", "300, seed 0", "fail"),
    ("kinks", "seed 0", "pass"),
    (ODD, "2x3, seed 0", "fail"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with checks, and everything that the tests look at run side by side: it is mostly starts."""
    place = tmp_path_factory.mktemp("project")
    (place / "sub").mkdir()
    (place / "empty").mkdir()
    (place / "pyproject.toml").write_text(CONFIGURATION, encoding="utf-8")
    (place / "mycode.py").write_text(CODE, encoding="utf-8")
    (place / "hanging.py").write_text("import time\nwhile True: time.sleep(0.01)\n")
    (place / "zero.csv").write_text("-1,0,2\n")
    (place / "loops.toml").write_text(
        '[tool.jacinspect]\nshapes = 3\n[tool.jacinspect.checks.loops]\nfunction = "mycode.py:loops"\n'
        '[tool.jacinspect.checks.double]\nfunction = "mycode.py:double"\n'
    )
    (place / "hanging.toml").write_text(
        '[tool.jacinspect]\nshapes = 3\n[tool.jacinspect.checks.a]\nfunction = "hanging.py:f"\n'
    )
    (place / "none.toml").write_text("[tool.jacinspect]\n")
    (place / "old.json").write_text("OLD")
    planned = [(made(to), hashes) for to in FORMATS for made, hashes in ((passing, ""), (failing, ""), (written, "1"))]
    planned += [(typed, "") for typed in (*(typed for typed, _ in REFUSED), LOOPING, FAST, *LISTED)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda each: checked(place, each[0], hashes=each[1]), planned))
    return place


def checked(folder: Path, typed: str, hashes: str = "") -> Run:
    return ran(f"check {typed}", folder / "sub", **({"PYTHONHASHSEED": hashes} if hashes else {}))


def passing(to: str) -> str:
    return f"junk dou* -f {to}"


def failing(to: str) -> str:
    return f"-f {to}"


def written(to: str) -> str:
    return f"-f {to} --jobs 2 -o ../written.{to}"


LOOPING = "--config ../loops.toml --timeout 4 -f junit"
LISTED = ("--list", "--list --json", *(f"--list --shard {number}/3" for number in (1, 2, 3)))
FAST = "--fail-fast -j 2 double exits raises wrong"
TOTAL = "14 inspections: 8 pass, 4 fail, 2 unchecked"
UNNEEDED = "jacinspect: kinks: allow J006 was not needed\n"


# --- The answers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("to", FORMATS)
def test_the_status_is_the_same_in_every_format(folder: Path, to: str) -> None:
    failed, passed = checked(folder, failing(to)), checked(folder, passing(to))
    assert (failed.status, failed.err) == (1, "" if to == "text" else UNNEEDED)
    assert (passed.status, passed.err) == (0, "")


@pytest.mark.parametrize("to", FORMATS)
def test_what_checked_code_prints_is_in_no_format(folder: Path, to: str) -> None:
    for typed in (failing(to), passing(to)):
        out = checked(folder, typed).out
        assert b"junk" in out or to in ("github", "sarif")  # which have what fails
        assert b"JUNK" not in out
        assert b"\x1b" not in out or to == "markdown"


def untimed(content: bytes) -> bytes:
    """Leave out the times that a log has."""
    return re.sub(rb' time(stamp)?="[^"]*"| \(\d+\.\d s\)$|  \d+\.\d s$', b"", content, flags=re.MULTILINE)


@pytest.mark.parametrize("to", FORMATS)
def test_one_job_to_a_pipe_and_two_to_a_file_give_equal_bytes_whatever_the_hashes(folder: Path, to: str) -> None:
    alone = checked(folder, failing(to))
    together = checked(folder, written(to), hashes="1")
    assert (together.status, together.out, together.err) == (1, b"", alone.err)
    assert untimed((folder / f"written.{to}").read_bytes()) == untimed(alone.out)
    assert (untimed(alone.out) != alone.out) == (to in ("text", "junit"))
    assert [each.name for each in folder.iterdir() if each.name.startswith(".")] == []


def test_text_has_a_line_an_inspection(folder: Path) -> None:
    lines = untimed(checked(folder, failing("text")).out).decode().splitlines()
    shown = [re.split(r" {2,}", line[2:]) for line in lines if line[:2] in ("✓ ", "✗ ", "? ", "· ")]
    assert [tuple(each[:3]) for each in shown] == [(name.replace("\x1b", r"\x1b"), *more) for name, *more in MADE]
    assert [each[3:] for each in shown[9:11]] == [[], []]
    assert re.fullmatch(r"\S+e\+\d\d", shown[11][4])
    assert shown[11][3] == "diagonal"
    summary = lines[lines.index("worst first:") :]
    assert [line.split("  ")[1] for line in summary[1:5]] == [
        "exits [3, seed 0]", "raises [3, seed 0]", "wrong [300, seed 0]",
        ODD.replace("\x1b", r"\x1b") + " [2x3, seed 0]",
    ]  # fmt: skip
    assert summary[5:] == ["kinks: allow J006 was not needed", TOTAL]
    assert "    J011 crashed: the function ended its process with exit status 3" in lines


def test_json_is_an_envelope_of_the_reports(folder: Path) -> None:
    loaded = checked(folder, failing("json")).report
    assert list(loaded) == ["schema_version", "version", "reports", "summary", "verdict"]
    assert [(each["check"], each["verdict"]) for each in loaded["reports"]] == [
        (check, "pass" if verdict == "unchecked" else verdict) for check, _, verdict in MADE
    ]
    assert loaded["summary"] == {"pass": 8, "fail": 4, "inconclusive": 0, "unchecked": 2}
    assert loaded["verdict"] == "fail"
    (kink,) = (each for each in loaded["reports"] if each["check"] == "kinks")
    ((finding,),) = ([each for each in kink["findings"] if each["code"] == "J003"],)
    assert finding["severity"] == "note"
    assert finding["message"].endswith(" (allowed)")
    passed = checked(folder, passing("json")).report
    assert [each["check"] for each in passed["reports"]] == ["double"] * 4 + ["junk"] * 2
    assert (passed["verdict"], passed["summary"]["pass"], passed["summary"]["unchecked"]) == ("pass", 4, 2)


def test_a_report_in_the_envelope_is_that_of_inspect(folder: Path) -> None:
    typed = "mycode:double -s 2x3 -d 2 --expect diagonal --seed 1 --json"
    alone = run(*typed.split(), cwd=folder)
    report = checked(folder, failing("json")).report["reports"][3]
    assert report.pop("check") == "double"
    assert report == alone.report


def test_junit_is_as_jenkins_has_it_and_is_read(folder: Path) -> None:
    content = checked(folder, failing("junit")).out
    validate_junit(content)
    suites = list(JUnitXml.fromstring(content))
    assert [suite.name for suite in suites][:-1] == list(dict.fromkeys(name for name, *_ in MADE))[:-1]
    assert suites[-1].name == ODD.replace("\x1b", r"\x1b")
    cases = [case for suite in suites for case in suite]
    assert [case.name for case in cases[:-1]] == [f"{name} [{label}]" for name, label, _ in MADE[:-1]]
    assert [[type(result) for result in case.result] for case in cases] == [
        {"junk": [Skipped], "exits": [Error], "raises": [Error], "wrong": [Failure], ODD: [Failure]}.get(name, [])
        for name, *_ in MADE
    ]
    assert sum(suite.tests for suite in suites) == 14
    assert [sum(getattr(suite, kind) for suite in suites) for kind in ("failures", "errors", "skipped")] == [2, 2, 2]


def test_github_annotates_the_function_or_else_the_check(folder: Path) -> None:
    text = checked(folder, failing("github")).text
    *commands, notice, summary = text.splitlines()
    assert summary == f"jacinspect: {TOTAL}"
    assert notice == "::notice title=kinks::allow J006 was not needed"
    code, checks = str(folder / "mycode.py"), str(folder / "pyproject.toml")
    lines = {name: CODE.splitlines().index(f"def {name}(x):") + 1 for name in ("exits", "raises", "wrong")}
    table = next(n for n, line in enumerate(CONFIGURATION.splitlines(), 1) if "]]>" in line)
    heads = [line.partition(",title=")[0] for line in commands]
    assert heads[:3] == [f"::error file={code},line={lines[name]}" for name in ("exits", "raises", "wrong")]
    assert heads[3:] == [f"::error file={checks},line={table}"]


def test_sarif_has_a_result_for_each_that_fails(folder: Path) -> None:
    results = logged(checked(folder, failing("sarif")).text)["results"]
    assert [each["ruleId"] for each in results] == ["J011", "J011", "J001", "J002"]
    assert logged(checked(folder, passing("sarif")).text)["results"] == []


def test_markdown_has_a_row_an_inspection(folder: Path) -> None:
    text = checked(folder, failing("markdown")).text
    rows = [line for line in text.splitlines() if line.startswith(("| ✓", "| ✗", "| ·"))]
    assert [row.split(" | ")[0].split()[-1] for row in rows] == [verdict for *_, verdict in MADE]
    assert text.count("\n### ") == 4
    assert text.endswith(f"kinks: allow J006 was not needed\n\n**{TOTAL}**\n")


def test_fail_fast_stops_at_the_first_that_does_not_pass(folder: Path) -> None:
    done = checked(folder, FAST)
    assert done.status == 1
    assert [line[:7] for line in done.text.splitlines() if line.startswith(("✓", "✗"))] == ["✓ doubl"] * 4 + ["✗ exits"]
    assert untimed(done.out).endswith(b"\n5 inspections: 4 pass, 1 fail; 2 not made\n")


def test_a_function_that_loops_is_ended(folder: Path) -> None:
    done = checked(folder, LOOPING)
    assert (done.status, done.err) == (1, "")
    loops, double = JUnitXml.fromstring(done.out)
    ((late,), (good,)) = (list(suite) for suite in (loops, double))
    assert [(type(each), each.type, each.message) for each in late.result] == [
        (Error, "J010 timeout", "the inspection took longer than 4 s (--timeout) and was ended")
    ]
    assert [type(each) for each in good.result] == [Skipped]  # it has no derivative


def test_list_names_what_would_be_inspected(folder: Path) -> None:
    names = [f"{name} [{label}]" for name, label, _ in MADE]
    listed = checked(folder, "--list")
    assert (listed.status, listed.err) == (0, "")
    assert listed.lines == [name.replace("\x1b", r"\x1b") for name in names]
    rows = json.loads(checked(folder, "--list --json").out)
    assert [row["name"] for row in rows] == names
    assert rows[5] == {"name": "attention [seed 0, by k]", "check": "attention", "shape": None, "seed": 0, "wrt": "k"}


def test_shards_are_disjoint_and_complete_and_stable(folder: Path) -> None:
    names = checked(folder, "--list").lines
    for number in (1, 2, 3):
        assert checked(folder, f"--list --shard {number}/3").lines == names[number - 1 :: 3]
    made = checked(folder, "double kinks --shard 2/3 --json --jobs auto")
    assert (made.status, made.err) == (0, "")  # the allowance that is not needed is for another part to say
    assert [(report["check"], report["operand"]["seed"]) for report in made.report["reports"]] == [
        ("double", 1), ("kinks", 0),
    ]  # fmt: skip


# --- Refusals ---------------------------------------------------------------------------------------------------------

REFUSED = [
    ("duble", "{up}/pyproject.toml: there is no check 'duble'; did you mean double?"),
    ("--config ../no.toml", "../no.toml: no such file or directory"),
    ("--config ../none.toml", "../none.toml: has no checks; add a table [tool.jacinspect.checks.NAME] with"),
    ("--config ../mycode.py", "../mycode.py: is not TOML: "),
    (
        "--config ../hanging.toml --timeout 2 -o ../old.json",
        "../hanging.toml: importing the checked code took longer than --timeout",
    ),
    ("--timeout 0", "--timeout 0: a number of seconds above 0 is needed"),
    ("-o no/where.json", "--output no/where.json: there is no folder no"),
    ("--jobs 0", "--jobs 0: a number of processes above 0, or auto, is needed"),
    ("--jbs 2", "No such option: --jbs (Possible options: --jobs, --json) (see jacinspect check --help)"),
    ("--shard 3/2", "--shard 3/2: the number of a part and that of all are needed, such as 1/4 … 4/4"),
    ("double --shard 1/9", "--shard 1/9: 4 inspections cannot be divided into 9 parts"),
    ("--list -f junit", "--list is written as text or json; leave out --format junit"),
    ("-f xml", "--format xml: there is no such format; text, json, junit, github, markdown, sarif, html"),
]


@pytest.mark.parametrize(("typed", "message"), REFUSED)
def test_what_cannot_be_checked_is_status_2_and_a_line(folder: Path, typed: str, message: str) -> None:
    done = checked(folder, typed)
    assert (done.status, done.out) == (2, b"")
    assert done.err.startswith(f"jacinspect: {message.format(up=folder)}")
    assert done.err.count("\n") == 1
    assert (folder / "old.json").read_text() == "OLD"


# --- While it runs ----------------------------------------------------------------------------------------------------


def until(happened: Any, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def waiting(place: Path) -> Path:
    place.mkdir()
    (place / "mycode.py").write_text(CODE, encoding="utf-8")
    (place / "jacinspect.toml").write_text(
        'shapes = 3\n[checks.first]\nfunction = "mycode.py:wrong"\nderivative = "x"\n[checks.then]\n'
        'function = "mycode.py:waits"\n[checks.last]\nfunction = "tanh"\n'
    )
    return place


def interrupted(place: Path, to: str) -> tuple[bytes, Run]:
    """Wait until the second inspection waits; read what is written of the first; press Ctrl-C; read the rest."""
    read = bytearray()
    with started("check", "-f", to, cwd=waiting(place)) as process:
        assert process.stdout is not None
        until((place / "waiting").exists)
        while b"first" not in read and to != "junit":  # which writes a check when it is complete
            assert select([process.stdout], [], [], 10)[0], f"{to}: the first is not written while the second runs"
            read += os.read(process.stdout.fileno(), 65536)
        os.killpg(process.pid, signal.SIGINT)
        rest, err = process.communicate(timeout=20)
    return bytes(read), Run(process.returncode, bytes(read) + rest, err.decode())


def test_what_is_made_is_written_at_once_and_ctrl_c_leaves_a_complete_document(tmp_path: Path) -> None:
    with ThreadPoolExecutor(len(FORMATS)) as pool:
        runs = dict(zip(FORMATS, pool.map(lambda to: interrupted(tmp_path / to, to), FORMATS), strict=True))
    for to, (_, done) in runs.items():
        assert (to, done.status, done.err) == (to, 130, "")
    ends = {to: untimed(done.out).decode().rstrip().splitlines()[-1] for to, (_, done) in runs.items()}
    words = "1 inspection: 1 fail; 2 not made"
    assert (ends["text"], ends["github"], ends["markdown"]) == (words, f"jacinspect: {words}", f"**{words}**")
    loaded = json.loads(runs["json"][1].out)
    assert ([each["check"] for each in loaded["reports"]], loaded["verdict"]) == (["first"], "fail")
    content = runs["junit"][1].out
    validate_junit(content)
    assert [(suite.name, suite.failures) for suite in JUnitXml.fromstring(content)] == [("first", 1)]
    assert b"\n\xe2\x9c\x97 first" in runs["text"][0]


def test_a_file_is_the_old_one_where_the_run_is_interrupted(tmp_path: Path) -> None:
    place = waiting(tmp_path / "place")
    (place / "out.json").write_text("OLD")
    with started("check", "-f", "json", "-o", "out.json", cwd=place) as process:
        until((place / "waiting").exists)
        assert (place / "out.json").read_text() == "OLD"
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, b"", b"")
    assert (place / "out.json").read_text() == "OLD"
    assert sorted(each.name for each in place.glob(".*")) == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_the_program(tmp_path: Path, how: signal.Signals) -> None:
    place = waiting(tmp_path / "place")
    file = place / "jacinspect.toml"
    file.write_text(f"seeds = [0, 1]\n{file.read_text()}")
    with started("check", "then", "--jobs", "2", cwd=place) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        until(lambda: (place / "waiting").exists() and len(children.read_text().split()) == 2)
        workers = [int(each) for each in children.read_text().split()]
        os.kill(process.pid, how)
        assert process.wait(20) == -how

        def ended(worker: int) -> bool:  # or a zombie, until somebody asks how it did
            stat = Path(f"/proc/{worker}/stat")
            return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"

        try:
            until(lambda: all(map(ended, workers)), 5)
        finally:
            for worker in workers:
                with suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)


def test_ctrl_c_while_nobody_reads_leaves_a_complete_document(tmp_path: Path) -> None:
    (tmp_path / "jacinspect.toml").write_text(
        f"seeds = {list(range(300))}\nshapes = 3\n[checks.a]\nfunction = 'tanh'\n"
    )
    with started("check", "-f", "json", cwd=tmp_path) as process:
        assert process.stdout is not None
        descriptor = process.stdout.fileno()
        wrote = Path(f"/proc/{process.pid}/io")
        before = -1

        def full() -> bool:
            nonlocal before
            time.sleep(0.2)
            now = int(wrote.read_text().split("wchar: ")[1].split()[0])
            stuck, before = now == before and now > 20_000, now
            return stuck

        until(full)
        os.killpg(process.pid, signal.SIGINT)
        content = bytearray()
        while piece := os.read(descriptor, 65536):
            content += piece
        assert process.wait(20) == 130
    assert json.loads(content)["verdict"] == "interrupted"


def test_several_formats_in_one_run(tmp_path: Path) -> None:
    (tmp_path / "jacinspect.toml").write_text(
        "shapes = 3\n[checks.right]\nfunction = 'tanh'\n[checks.wrong]\nfunction = 'tanh'\nderivative = 'x'\n"
    )
    files = {"junit": "report.xml", "json": "report.json", "html": "page.html", "sarif": "report.sarif"}
    typed = [word for to, file in files.items() for word in ("-f", f"{to}={file}")]
    done = run("check", *typed, cwd=tmp_path)
    assert done.status == 1
    assert untimed(done.out).endswith(b"\n2 inspections: 1 pass, 1 fail\n")
    assert untimed(done.out) == untimed(run("check", cwd=tmp_path).out)
    assert [suite.tests for suite in JUnitXml.fromfile(str(tmp_path / "report.xml"))] == [1, 1]
    assert (tmp_path / "report.json").read_text() == run("check", "--json", cwd=tmp_path).text
    assert "<html" in (tmp_path / "page.html").read_text()
    ended = run("check", "-o", "other.sarif", cwd=tmp_path)  # as the name ends
    assert (ended.status, ended.out) == (1, b"")
    assert logged((tmp_path / "other.sarif").read_text()) == logged((tmp_path / "report.sarif").read_text())


def test_a_reader_that_leaves_early_does_not_change_what_was_found(tmp_path: Path) -> None:
    (tmp_path / "jacinspect.toml").write_text(
        f"shapes = 3\nseeds = {list(range(40))}\n[checks.right]\nfunction = 'tanh'\n"
        "[checks.wrong]\nfunction = 'tanh'\nderivative = 'x'\nseeds = 0\n"
    )
    for words in ("", "--json"):
        shell = f"exec 3>&1; {{ {shlex.join([*PROGRAM, 'check'])} {words}; echo $? >&3; }} | true"
        done = execute(["bash", "-c", shell], cwd=tmp_path)
        assert (done.out, done.err) == (b"1\n", "")


def test_a_pipe_of_any_format_that_is_closed_leaves_the_status(tmp_path: Path) -> None:
    (tmp_path / "jacinspect.toml").write_text("shapes = 3\n[checks.wrong]\nfunction = 'tanh'\nderivative = 'x'\n")
    wrong = "tanh -s 3 -d x"
    typed = {f"check -f {to}": 1 for to in (*FORMATS, "html")}
    typed |= {f"{wrong} -f {to}": 1 for to in ("text", "json", "markdown", "latex", "html", "csv")}
    typed |= {
        "check --list": 0,
        "list": 0,
        "explain": 0,
        "identities -s 2x2": 0,
        "identities softmax -s 2x2": 1,
        "--help": 0,
    }
    typed |= {"--version": 0, "check --help": 0, "tahn -s 3 2>&1": 2, f"{wrong} -q": 1}

    def status(words: str) -> int:
        shell = f"exec 3>&1; {{ {shlex.join(command())} {words}; echo $? >&3; }} | true"
        return int(execute(["bash", "-c", shell], cwd=tmp_path).out)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        assert dict(zip(typed, pool.map(status, typed), strict=True)) == typed


def test_a_worker_that_cannot_start_again_leaves_a_complete_document(tmp_path: Path) -> None:
    (tmp_path / "once.py").write_text(
        "import os, pathlib\nif pathlib.Path('seen').exists():\n    raise ValueError('only once')\n"
        "pathlib.Path('seen').touch()\ndef f(x):\n    os._exit(3)\n"
    )
    (tmp_path / "jacinspect.toml").write_text("shapes = 3\nseeds = [0, 1]\n[checks.a]\nfunction = 'once.py:f'\n")
    done = run("check", "--json", cwd=tmp_path)
    assert done.status == 2
    assert ([each["check"] for each in done.report["reports"]], done.report["verdict"]) == (["a"], "fail")
    assert done.err.startswith(f"jacinspect: {tmp_path / 'jacinspect.toml'}: checks.a.function: once.py: importing it")


def test_ctrl_c_while_a_worker_starts_is_quiet(tmp_path: Path) -> None:
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "sitecustomize.py").write_text(
        "import os, time, pathlib\n"
        f"def started():\n    pathlib.Path({str(tmp_path / 'worker')!r}).write_text('')\n    time.sleep(1)\n"
        "os.register_at_fork(after_in_child=started)\n"
    )
    place = waiting(tmp_path / "place")
    with started("check", cwd=place, PYTHONPATH=f"{tmp_path / 'path'}{os.pathsep}{ROOT}") as process:
        until((tmp_path / "worker").exists)
        time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err.decode()) == (130, b"", "")


def test_many_inspections_in_little_memory_with_progress_on_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "jacinspect.toml").write_text(
        f"seeds = {list(range(500))}\nshapes = 2\n[checks.a]\nfunction = 'tanh'\n"
    )
    ours, theirs = pty.openpty()
    with started("check", "-f", "json", cwd=tmp_path, err=theirs, TERM="xterm") as process:
        os.close(theirs)
        shown: list[bytes] = []
        watching = threading.Thread(target=lambda: shown.extend(pieces(ours)))
        watching.start()
        assert process.stdout is not None
        lines, memory = [], {}
        for line in process.stdout:
            lines.append(line)
            if len(lines) in (280, 480):  # by the first, the bar has been imported, which takes 5 MB
                status = Path(f"/proc/{process.pid}/status").read_text()
                memory[len(lines)] = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])  # type: ignore[index]
        assert process.wait(20) == 0
        watching.join()
    os.close(ours)
    assert json.loads(b"".join(lines))["summary"] == {"pass": 500, "fail": 0, "inconclusive": 0, "unchecked": 0}
    assert len(lines) == 502
    grown = memory[480] - memory[280]  # kB; the reports between are 470 as text, and far more as objects
    assert grown < 1200
    told = [int(number) for number in re.findall(rb"(\d+) of 500 inspections", b"".join(shown))]
    assert told
    assert told == sorted(told)


def test_a_terminal_has_colours_and_no_progress_between_the_lines(tmp_path: Path) -> None:
    place = waiting(tmp_path / "place")
    done = on_a_terminal("check", "first", "last", cwd=place, err=True, TERM="xterm")
    assert done.status == 1
    text = done.text
    assert "\x1b[1;31m✗\x1b[0m first" in text
    assert "\x1b[32m✓\x1b[0m last" in text
    assert "of 2 inspections" not in text
    assert re.search(r"2 inspections: 1 pass, 1 fail \(\d+\.\d s\)\r\n$", re.sub(r"\x1b\[[0-9;]*m", "", text))


def test_a_list_has_a_line_for_each_whatever_its_name(capfd: pytest.CaptureFixture[str]) -> None:
    cases = [Case("a\nb", "3", 0, "k", ("q", "k")), Case("c", None, 1, 1)]
    assert checking._list(cases, ((CheckFormat.text, None),)) == 0
    assert capfd.readouterr().out == "a\\nb [3, seed 0, by k]\nc [seed 1]\n"


def test_ctrl_c_stays_ignored_where_it_was(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with checking._interrupts(Pool(Suite(tmp_path, ()))):
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_bar_is_shown_while_no_line_is_written(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr(streams, "is_terminal", lambda _: True)
    monkeypatch.setattr(streams, "monotonic", lambda: now)
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes what is captured for a terminal then
    monkeypatch.setenv("TERM", "xterm")
    with streams.ProgressBar("inspections", 4, wait=3.0) as bar:
        shown = []
        for now, done in ((2.9, 0), (3.0, 0), (3.1, 1)):  # noqa: B007 (the clock)
            bar.show(done)
            shown.append(capfd.readouterr().err)
        bar.hide()
        capfd.readouterr()
        for now, done in ((6.0, 2), (6.2, 3)):  # noqa: B007
            bar.show(done)
            shown.append(capfd.readouterr().err)
    found = [re.findall(r"\d of 4 inspections", text)[-1:] for text in shown]
    assert found == [[], ["0 of 4 inspections"], ["1 of 4 inspections"], [], ["3 of 4 inspections"]]


def test_what_fails_shows_once_what_it_wrote_on_standard_error(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text(
        "import os, sys\nimport numpy as np\nprint('importing', file=sys.stderr)\n"
        "def good(x):\n    print('noise', file=sys.stderr)\n    return np.tanh(x)\n"
        "def bad(x):\n    print('about it', file=sys.stderr)\n    return np.tanh(x)\n"
        "def dies(x):\n    os.write(2, b'last words\\n')\n    os.abort()\n"
    )
    (tmp_path / "jacinspect.toml").write_text(
        "shapes = ['3']\n[checks.good]\nfunction = 'm:good'\nderivative = '1 - tanh(x)**2'\n"
        "[checks.bad]\nfunction = 'm:bad'\nderivative = '1 + tanh(x)**2'\n[checks.dies]\nfunction = 'm:dies'\n"
    )
    done = run("check", cwd=tmp_path)
    assert done.status == 1
    assert done.err.splitlines()[:2] == ["jacinspect: bad [3, seed 0] wrote on standard error:", "  about it"]
    assert done.err.splitlines()[-2:] == ["jacinspect: dies [3, seed 0] wrote on standard error:", "  last words"]
    assert (done.err.count("about it"), "noise" in done.err, "importing" in done.err) == (1, False, False)
