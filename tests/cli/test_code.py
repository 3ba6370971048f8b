"""People's own code at the command line: exit statuses and both streams, by running the program."""

import os
import re
import signal
import time
from pathlib import Path

import pytest

from tests.conftest import Validate
from tests.program import ROOT, SAMPLES, Run, ran, run, run_side_by_side, started

CODE = """
import os
import subprocess
import sys

import numpy as np

class Shape:
    pass

def swish(x, beta=1.0):
    return x / (1 + np.exp(-beta * x))

def swish_prime(x, beta=1.0):
    s = 1 / (1 + np.exp(-beta * x))
    return s + beta * x * s * (1 - s)

def forgetful(x):
    return swish_prime(x)

def product(x, w):
    return x @ w

def product_jacobian(x, w):
    return np.kron(np.eye(x.shape[0]), w.T)

def vjp(x, upstream, beta=1.0):
    return swish_prime(x, beta) * upstream

def loud(x):
    print("hello", x.shape, "\\x1b[31m")
    return 2 * x

def very_loud(x):
    print("hello " * 1000)
    return 2 * x

def raw(x):
    os.write(1, b"raw\\n")
    return 2 * x

def child(x):
    subprocess.run(["echo", "child"], check=True)
    return 2 * x

def loud_to_err(x):
    print("mine", file=sys.stderr)
    return 2 * x

def closing(x):
    sys.stdout.close()
    return 2 * x

def two(x):
    return 2.0

def exits(x):
    sys.exit(3)

def exits_with_a_word(x):
    print("before")
    sys.exit("bye")

def interrupted(x):
    raise KeyboardInterrupt

def raising(x):
    def inner(): raise ValueError("never again")
    inner()

def random(x):
    return x + np.random.rand()

def mutating(x):
    x += 1
    return x

def nothing(x):
    pass
"""

FILES = {
    "code.py": CODE,
    "exiting.py": "import sys\nprint('importing')\nsys.exit(0)",
    "broken.py": "def f(x:\n    return x",
    "third.py": "import no_such_third\ndef f(x): return x",
    "with_torch.py": "import torch\ndef f(x): return torch.tanh(x)",
    "with_jax.py": "def f(x): return x\nfrom jax import numpy",
    "with_torch_part.py": "from torch.nn import functional\nf = functional.gelu",
    "named/random.py": "def f(x): return x * x",
    "noisy_import.py": "print('at import')\ndef f(x): return x * x",
}

BLOCKER = """
import sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name in ("torch", "jax"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Finder())
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's files; and in `none`, a search path on which there is neither torch nor jax."""
    place = tmp_path_factory.mktemp("code")
    for name, text in {**FILES, "none/sitecustomize.py": BLOCKER}.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(text, encoding="utf-8")
    return place


# --- Statuses and streams

GOOD = [
    "code.py:swish -s 2x3",
    "code.py:swish -s 2x3 -d code.py:swish_prime",
    "code:swish -s 2x3 -d code:swish_prime -p beta=1.5",
    "code.py:swish -s 2x3 -d code.py:vjp --derivative-kind vjp -p beta=1.5",
    "code.py:product -s 2x3 --with 3x4 -d code.py:product_jacobian --vec row",
    "code.py:swish -s 0x3 -d code.py:swish_prime",
    "silu -s 2x3 -d code.py:swish_prime",
    "numpy:sin -s 2x3 -d numpy:cos",
    "numpy:hypot -s 2x3 --with w=2x1 --wrt w",
    "named/random.py:f -s 3",
]

WRONG = [
    ("code.py:swish -s 2x3 -d code.py:forgetful -p beta=1.5", "J001"),
    ("code.py:product -s 2x3 --with 3x4 -d code.py:product_jacobian --vec column", "J001"),
    ("code.py:random -s 2x3", "J005"),
    ("code.py:mutating -s 2x3", "J008"),
    ("code.py:product -s 2x3 --with 3x4 --expect diagonal", "J002"),
]

REFUSED = [
    (
        "code.py -s 2",
        "code.py: name the function in it too, as in code.py:swish; it has swish, swish_prime, forgetful, product, "
        "product_jacobian, vjp, loud, very_loud, raw, child, loud_to_err, closing, …",
    ),
    ("code.py:swihs -s 2", "code.py:swihs: code.py has no 'swihs'; did you mean swish?"),
    ("nowhere.py:f -s 2", "nowhere.py: there is no such file"),
    ("code.py:Shape -s 2", "code.py:Shape: is a class; name an instance of it, or a function"),
    ("broken.py:f -s 2", "broken.py: importing it raised SyntaxError: '(' was never closed (broken.py, line 1)"),
    (
        "third.py:f -s 2",
        "third.py: importing it raised ModuleNotFoundError: No module named 'no_such_third'\n"
        "  third.py:1: import no_such_third",
    ),
    (
        "code.py:raising -s 2",
        'the function raised ValueError: never again\n  code.py:{line}: def inner(): raise ValueError("never again")',
    ),
    ("code.py:nothing -s 2", "the function returned None; an array of real numbers is needed"),
    ("code.py:swish -s 2 -p gamma=2", "code.py:swish has no parameter 'gamma'; it has beta"),
    ("code.py:swish -s 2 --derivative-kind jvp", "--derivative-kind says what --derivative is; give that too"),
    (
        "identities code.py:swish -s 2 --derivative-kind jvp",
        "--derivative-kind says what --derivative is; give that too",
    ),
    (
        "code.py:product -s 2x3 --with 3x4 -d code.py:product_jacobian",
        "the derivative returned 8×6, which can be ∂vec(A)/∂vec(X) in column-major or in row-major vec:\n"
        "say which with --vec column or --vec row, or return the tensor 2×4×2×3",
    ),
    ("code.py:swish -s 2 --backend torch", "--backend torch: the function's code has not imported torch"),
    (
        "code.py:product -s 2x3",
        "code.py:product takes x and w: w is missing; add --with w=3x4 (a shape, file or JSON);\n"
        "where x is a number, make it a parameter: -p x=0",
    ),
    ("code.py:exits -s 2", "the function raised SystemExit: 3\n  code.py:{line}: sys.exit(3)"),
]


# What prints, and a pattern of what is told of it.
LOUD = {
    "code.py:loud": r"  hello \(2, 3\) \\x1b\[31m\n",
    "code.py:raw": r"  raw\n",
    "code.py:child": r"  child\n",
    "noisy_import.py:f": r"  at import\n",
}

_LAYER = "layer.py:dense -s 2x3 --with 3x4 --with 4 --derivative-kind vjp"
_ATTENTION = "attention.py:attention -s 4x3 --with k=5x3 --with v=5x2 --derivative-kind vjp"
SAMPLED = [
    ("torch_functions.py:Cube -s 2x3", 1, "torch"),
    ("jax_functions.py:squared_tanh -s 2x3 --backend jax", 0, "jax"),
    (f"{_LAYER} -d layer.py:dense_backward --wrt weight", 0, "python"),
    (f"{_LAYER} -d layer.py:dense_backward_broken --wrt bias", 1, "python"),
    (f"{_ATTENTION} -d attention.py:attention_backward --wrt k", 0, "python"),
    (f"{_ATTENTION} -d attention.py:attention_backward_broken --wrt q", 1, "python"),
    (f"{_ATTENTION} -d attention.py:attention_backward_broken --wrt v", 0, "python"),
]


@pytest.fixture(scope="session", autouse=True)
def _side_by_side(folder: Path) -> None:
    """Run everything once."""
    typed = [f"{line} --json" for line in [*GOOD, *(line for line, _ in WRONG), *(f"{name} -s 2x3" for name in LOUD)]]
    run_side_by_side((f"{line} --json" for line, *_ in SAMPLED), SAMPLES)
    run_side_by_side([*typed, *(line for line, _ in REFUSED)], folder)


@pytest.mark.parametrize("typed", GOOD)
def test_what_holds_is_status_0(folder: Path, typed: str, validated: Validate) -> None:
    done = ran(f"{typed} --json", folder)
    assert (done.status, done.err) == (0, "")
    report = validated(done.text)
    assert report["verdict"] == "pass"
    assert report["function"]["name"] == typed.split()[0]
    assert (report["jacobian"]["analytic"] is not None) == (" -d " in typed)


@pytest.mark.parametrize(("typed", "code"), WRONG)
def test_what_does_not_hold_is_status_1(folder: Path, typed: str, code: str, validated: Validate) -> None:
    done = ran(f"{typed} --json", folder)
    assert (done.status, done.err) == (1, "")
    report = validated(done.text)
    assert code in [finding["code"] for finding in report["findings"] if finding["severity"] == "error"]


@pytest.mark.parametrize(("typed", "said"), REFUSED)
def test_what_cannot_be_inspected_is_status_2_and_a_line_or_two(folder: Path, typed: str, said: str) -> None:
    done = ran(typed, folder)
    last = said.rpartition(": ")[2]
    line = next((n for n, text in enumerate(CODE.splitlines(), 1) if text.strip().endswith(last)), 0)
    assert (done.status, done.out, done.err) == (2, b"", f"jacinspect: {said.format(line=line)}\n")


def test_the_report_names_what_was_typed(folder: Path) -> None:
    done = run(*["code.py:swish", "-s", "2x3", "-d", "code.py:swish_prime", "-p", "beta=1.5"], cwd=folder)
    lines = done.text.splitlines()
    assert lines[0].startswith("code.py:swish(beta=1.5)  X 2×3 → A 2×3")
    assert lines[2] == "derivative = code.py:swish_prime"
    assert lines[0].endswith("✓ the derivative is right: 6 of 6 entries agree") or lines[1].startswith("✓")


def test_a_traceback_is_shown_to_whoever_asks(folder: Path) -> None:
    done = run(*["code.py:raising", "-s", "2", "--traceback"], cwd=folder)
    assert (done.status, done.out) == (2, b"")
    assert done.err.startswith("Traceback (most recent call last):\n")
    assert ", in inner\n" in done.err
    assert "\nValueError: never again\njacinspect: the function raised ValueError: never again\n" in done.err
    at_import = run(*["third.py:f", "-s", "2", "--traceback"], cwd=folder)
    assert "Traceback" in at_import.err
    assert at_import.err.endswith("  third.py:1: import no_such_third\n")
    assert "Traceback" not in run(*["nowhere.py:f", "-s", "2", "--traceback"], cwd=folder).err


# --- What inspected code prints


@pytest.mark.parametrize(("name", "told"), LOUD.items())
def test_what_it_prints_is_kept_off_standard_output(folder: Path, name: str, told: str, validated: Validate) -> None:
    done = ran(f"{name} -s 2x3 --json", folder)
    assert done.status == 0
    assert validated(done.text)["verdict"] == "pass"
    assert re.fullmatch(rf"jacinspect: the inspected code printed:\n({told})+(  … \d+ bytes in all\n)?", done.err)


def test_what_it_prints_a_lot_of_is_told_in_short(folder: Path, validated: Validate) -> None:
    done = run("code.py:very_loud", "-s", "2x3", "--json", cwd=folder)
    assert done.status == 0
    assert validated(done.text)["verdict"] == "pass"
    assert len(done.err) < 1200
    first, hello, last = done.err.splitlines()
    assert first == "jacinspect: the inspected code printed:"
    assert hello.startswith("  hello hello ")
    more = re.fullmatch(r"  … (\d+) bytes in all", last)
    assert more is not None
    assert int(more[1]) % 6001 == 0, "a line for each call"
    assert int(more[1]) >= 6001 * 5


def test_the_text_is_the_same_whether_it_prints_or_not(folder: Path) -> None:
    loud = run("code.py:loud", "-s", "2x3", cwd=folder)
    quiet = run("code.py:child", "-s", "2x3", cwd=folder)
    assert loud.status == quiet.status == 0
    assert loud.out.splitlines()[2:] == quiet.out.splitlines()[2:]
    err = run("code.py:loud_to_err", "-s", "2x3", "--json", cwd=folder)
    assert (err.status, set(err.err.splitlines())) == (0, {"mine"})


def test_what_was_printed_before_an_error_is_told_too(folder: Path) -> None:
    done = run("exiting.py:f", "-s", "2", cwd=folder)
    assert (done.status, done.out) == (2, b"")
    assert "jacinspect: the inspected code printed:\n  importing\n" in done.err
    assert "exiting.py: importing it raised SystemExit: 0\n  exiting.py:3: sys.exit(0)\n" in done.err


def test_code_that_exits_with_a_word_has_raised(folder: Path) -> None:
    done = run("code.py:exits_with_a_word", "-s", "2", cwd=folder)
    assert (done.status, done.out) == (2, b"")
    assert "jacinspect: the function raised SystemExit: bye\n" in done.err


@pytest.mark.parametrize(
    ("last", "how"),
    [
        ("os._exit(0)", "exit status 0"),
        ("os._exit(0) if calls.append(1) or len(calls) > 20 else None", "exit status 0"),
        ("os.kill(os.getpid(), 9)", "SIGKILL"),
    ],
)
def test_code_that_ends_its_process_is_told_so(tmp_path: Path, last: str, how: str) -> None:
    (tmp_path / "ending.py").write_text(f"import os\ncalls = []\ndef f(x):\n    {last}\n    return x\n")
    done = run("ending.py:f", "-s", "2", "-o", "report.txt", cwd=tmp_path)
    told = f"jacinspect: the inspected code ended its process with {how}; a function that is inspected has to return\n"
    assert done == Run(2, b"", told)
    assert not (tmp_path / "report.txt").exists()


def test_code_that_ends_its_process_while_it_is_imported_as_a_derivative(tmp_path: Path) -> None:
    (tmp_path / "ending.py").write_text("import os\nos._exit(0)\n")
    done = run("tanh", "-s", "2", "-d", "ending.py:f", cwd=tmp_path)
    assert (done.status, done.out) == (2, b"")
    assert "ended its process with exit status 0" in done.err


def test_code_goes_on_no_longer_than_the_program(tmp_path: Path) -> None:
    (tmp_path / "sleeping.py").write_text(
        "import time\ndef f(x):\n    open('called', 'w').close()\n    time.sleep(60)\n"
    )
    with started("sleeping.py:f", "-s", "2", cwd=tmp_path) as process:
        while not (tmp_path / "called").exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()  # the parent alone
        process.communicate(timeout=20)  # raises while the child still holds the pipes


def test_code_that_closes_standard_output_gives_no_traceback(folder: Path) -> None:
    done = run("code.py:closing", "-s", "2", "--json", cwd=folder)
    assert "Traceback" not in done.err
    assert done.status in (0, 2)


def test_code_that_raises_keyboard_interrupt_itself_is_an_error(folder: Path) -> None:
    done = run("code.py:interrupted", "-s", "2", cwd=folder)
    line = next(n for n, text in enumerate((folder / "code.py").read_text().splitlines(), 1) if "KeyboardI" in text)
    message = f"jacinspect: the inspected code raised KeyboardInterrupt\n  code.py:{line}: raise KeyboardInterrupt\n"
    assert done == Run(2, b"", message)


def test_an_interrupt_within_somebody_s_code_is_quiet(folder: Path) -> None:
    (folder / "sleeping.py").write_text(
        "import time, sys\ndef f(x):\n    open('slept', 'w').close()\n    time.sleep(30)"
    )
    with started("sleeping.py:f", "-s", "2", cwd=folder) as process:
        while not (folder / "slept").exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, b"", b"")


# --- Frameworks


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("with_torch.py:f", "torch"),
        ("with_torch_part.py:f", "torch"),
        ("torch.nn.functional:gelu", "torch"),
        ("with_jax.py:f", "jax"),
    ],
)
def test_a_framework_that_is_not_installed(folder: Path, name: str, missing: str) -> None:
    path = f"{folder / 'none'}{os.pathsep}{ROOT}"
    place = name.rpartition(":")[0]
    said = f"jacinspect: {place}: needs {missing}, which is not installed: pip install 'jacinspect[{missing}]'\n"
    assert run(name, "-s", "2", cwd=folder, PYTHONPATH=path) == Run(2, b"", said)


def test_numpy_code_does_without_them(folder: Path) -> None:
    path = f"{folder / 'none'}{os.pathsep}{ROOT}"
    done = run("code.py:swish", "-s", "2x3", "-d", "code.py:swish_prime", "--json", cwd=folder, PYTHONPATH=path)
    assert (done.status, done.err, done.report["verdict"]) == (0, "", "pass")


@pytest.mark.parametrize(("typed", "status", "source"), SAMPLED)
def test_samples(typed: str, status: int, source: str) -> None:
    done = ran(f"{typed} --json", SAMPLES)
    assert (done.status, done.err) == (status, "")
    assert done.report["function"]["source"] == source
    assert done.report["verdict"] == ("fail" if status else "pass")


# --- Identities


def identities(*typed: str, cwd: Path) -> tuple[Run, dict[str, bool]]:
    done = run("identities", *typed, "--json", cwd=cwd)
    return done, {identity["name"]: identity["holds"] for identity in done.report["identities"]}


@pytest.mark.parametrize("derivative", ["code.py:swish_prime", "code.py:vjp --derivative-kind vjp"])
def test_all_identities_hold_for_a_right_derivative(folder: Path, derivative: str) -> None:
    done, holds = identities(*f"code.py:swish -s 2x3 -p beta=1.5 -d {derivative}".split(), cwd=folder)
    assert (done.status, done.err) == (0, "")
    assert len(holds) == 21
    assert set(holds.values()) == {True}


def test_the_identities_that_a_wrong_derivative_breaks(folder: Path) -> None:
    done, holds = identities(*["code.py:swish", "-s", "2x3", "-p", "beta=1.5", "-d", "code.py:forgetful"], cwd=folder)
    assert (done.status, done.err) == (1, "")
    assert len(holds) == 21
    assert {name for name, held in holds.items() if held is not True} == {
        "differential-hadamard", "differential-tensor", "differential-vec-column", "differential-vec-row",
        "gradient", "chain-rule",
    }  # fmt: skip


def test_without_a_derivative_there_are_no_identities(folder: Path) -> None:
    done = run("identities", "code.py:swish", "-s", "2x3", cwd=folder)
    assert (done.status, done.out) == (2, b"")
    assert "derivative" in done.err
    assert len(done.err.splitlines()) <= 2
