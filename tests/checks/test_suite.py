"""[tool.jacinspect]: what a configuration asks for, and what is said, to the letter, of one that makes no sense."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from jacinspect.checks.keys import SETTINGS
from jacinspect.checks.preparation import PreparedCheck, prepare
from jacinspect.checks.suite import Case, Suite, find_configuration, load_suite
from jacinspect.choices import Expectation
from jacinspect.errors import InputError
from jacinspect.inspection.codes import CODES
from jacinspect.inspection.settings import Settings

CODE = """
import numpy as np
def double(x): return 2 * x
def scaled(x, beta=1.0): return beta * x
def keyword(x, *, scale): return scale * x
def add(x, y): return x + y
def attention(q, k, v): return (q @ k.T) @ v
"""
FILES = {
    "suitecode.py": CODE,
    "broken_suite.py": "def f(x:\n    return x\n",
    "needy_suite.py": "import no_such_thing\ndef f(x): return x\n",
    "raising_suite.py": "1 / 0\n",
    "x.csv": "1,2,3\n4,5,6\n",
    "sub/y.csv": "7\n8\n",
    "odd:name.csv": "1,2\n",
}
SHARED = (
    "shapes, seeds, dtype, backend, allow, vec, layout, expect, rtol, atol, "
    "strict_kinks, memory, max_evaluations, noise, points, order, spectrum"
)
OWN = (
    f"{SHARED}, function, derivative, derivative_kind, parameters, operands, wrt, take, mode, domain, reseed, hessian, "
    "logdet, expect_pattern"
)

Ready = Callable[[str], list[PreparedCheck]]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A configuration's folder, with the search path and the modules as they were afterwards."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in [name for name in set(sys.modules) - before if "suite" in name]:
        del sys.modules[name]


def write(text: str, name: str = "jacinspect.toml") -> Path:
    Path(name).write_text(text, encoding="utf-8")
    return Path(name)


def ready(file: Path) -> tuple[list[Case], list[PreparedCheck]]:
    """Do all that comes before the first inspection."""
    suite = load_suite(file).selected(())
    prepared = prepare(suite)
    return suite.cases({each.check.name: each.function.operands for each in prepared}), prepared


def refusal(file: Path) -> str:
    with pytest.raises(InputError) as caught:
        ready(file)
    return str(caught.value)


# --- What is refused, to the letter -----------------------------------------------------------------------------------

MISSING = 'such as function = "sigmoid"'
FORM = 'add a table [{}] with function = "sigmoid" and shapes = ["2x2"]'

DOCUMENTS = [
    ("", f"has no checks; {FORM.format('checks.NAME')}"),
    ("[checks]\n", f"has no checks; {FORM.format('checks.NAME')}"),
    ("shapes = ", "is not TOML: Invalid value (at end of document)"),
    ("shapes = 3\nshapes = 4\n", "is not TOML: Cannot overwrite a value (at line 2, column 11)"),
    ("[checks.a\n", "is not TOML: Expected ']' at the end of a table declaration (at line 1, column 10)"),
    ("checks = 3", f"checks: a table is needed, not an integer (3); {FORM.format('checks.NAME')}"),
    ('checks = "a"', f"checks: a table is needed, not a string ('a'); {FORM.format('checks.NAME')}"),
    ("[[checks]]\n", f"checks: a table is needed, not an array of tables; {FORM.format('checks.NAME')}"),
    ("[checks]\na = 3", f"checks.a: a table is needed; {FORM.format('checks.a')}"),
    ("[checks]\na = [1]", f"checks.a: a table is needed; {FORM.format('checks.a')}"),
    ("[sigmoid]\nshapes = 3", f"sigmoid: there is no such key; {FORM.format('checks.sigmoid')}"),
    (
        '[tool.jacinspect.checks.a]\nfunction = "tanh"\nshapes = 3',
        "tool: this file has its tables without [tool.jacinspect]: write [checks.NAME] in place of "
        "[tool.jacinspect.checks.NAME]",
    ),
    ("shape = 3", "shape: there is no such key; did you mean shapes?"),
    ("strict-kinks = true", "strict-kinks: there is no such key; did you mean strict_kinks?"),
    ("colour = 1", f"colour: there is no such key; there are {SHARED}"),
    ("seeds = true", "seeds: an integer or an array of integers is needed, not a boolean (True)"),
    ("[checks.a]\nshapes = 3", "checks.a: function is missing, " + MISSING),
    ("[checks.a]\n", "checks.a: function is missing, " + MISSING),
    ('[checks.a]\nfunction = "tanh"', 'checks.a: shapes are missing, such as shapes = ["3", "2x3"]'),
    (
        '[checks.a]\nfunction = "x * y"\noperands = { y = "3" }',
        'checks.a: shapes are missing, such as shapes = ["3", "2x3"]',
    ),
    ('[checks."a.b"]\nfunction = 3', "checks.a.b.function: a string is needed, not an integer (3)"),
]

MISSPELT = "there is no such key; did you mean function?"
TANH = 'function = "tanh"\n'
TEXTS, NUMBER = "a string or an array of strings is needed, not", "a number is needed, not"
SIZES = "write such as 4GiB, 512MiB, 4GB or 1e9"
SHAPES = 'an array of shapes such as ["3", "2x3"] is needed, not'
INTEGERS = "an integer or an array of integers is needed, not"
PLACES = "the name or number of an operand, or an array of them is needed, not"
PARAMETERS = "a table of numbers, booleans, strings, arrays and tables is needed, not"
OPERANDS = 'a table of shapes, files or arrays such as { q = "4x3", labels = [0, 2, 1] } is needed, not'
EXPECTED = ", ".join(Expectation).replace(" invertible", "\ninvertible") + " or rank=3"
ADVICE = "write sizes separated by x, such as 4, 2x3 or 2x3x4, or scalar"

CHECKS = [  # what stands in [checks.a], and what is said after "jacinspect.toml: checks.a"
    # unknown keys
    (TANH + 'derivativ = "x"', ".derivativ: there is no such key; did you mean derivative?"),
    (TANH + "colour = 1", f".colour: there is no such key; there are {OWN}"),
    # wrong types
    ("function = 3", ".function: a string is needed, not an integer (3)"),
    ('function = ["tanh"]', ".function: a string is needed, not an array (['tanh'])"),
    (TANH + "derivative = 3", ".derivative: a string is needed, not an integer (3)"),
    (TANH + "derivative_kind = 1.5", ".derivative_kind: a string is needed, not a number (1.5)"),
    (TANH + "backend = true", ".backend: a string is needed, not a boolean (True)"),
    (TANH + "dtype = 64", ".dtype: a string is needed, not an integer (64)"),
    (TANH + "vec = 1", ".vec: a string is needed, not an integer (1)"),
    (TANH + "layout = {}", ".layout: a string is needed, not a table ({})"),
    (TANH + "expect = 3", f".expect: {TEXTS} an integer (3)"),
    (TANH + 'expect = ["dense", 3]', f".expect: {TEXTS} an array (['dense', 3])"),
    (TANH + "allow = 3", f".allow: {TEXTS} an integer (3)"),
    (TANH + "allow = 2020-02-02", f".allow: {TEXTS} date (datetime.date(2020, 2, 2))"),
    (TANH + 'rtol = "1e-3"', f".rtol: {NUMBER} a string ('1e-3')"),
    (TANH + "atol = true", f".atol: {NUMBER} a boolean (True)"),
    (TANH + "noise = [1]", f".noise: {NUMBER} an array ([1])"),
    (TANH + "strict_kinks = 1", ".strict_kinks: true or false is needed, not an integer (1)"),
    (TANH + "memory = true", '.memory: a number of bytes such as "4GiB" is needed, not a boolean (True)'),
    (TANH + "memory = 1.5", '.memory: a number of bytes such as "4GiB" is needed, not a number (1.5)'),
    (TANH + "max_evaluations = 1.5", ".max_evaluations: an integer is needed, not a number (1.5)"),
    (TANH + "max_evaluations = false", ".max_evaluations: an integer is needed, not a boolean (False)"),
    (TANH + 'seeds = "1"', f".seeds: {INTEGERS} a string ('1')"),
    (TANH + "seeds = 1.0", f".seeds: {INTEGERS} a number (1.0)"),
    (TANH + "seeds = [0, true]", f".seeds: {INTEGERS} an array ([0, True])"),
    (TANH + "seeds = []", f".seeds: {INTEGERS} an array ([])"),
    (TANH + "shapes = true", f".shapes: {SHAPES} a boolean (True)"),
    (TANH + "shapes = 1.5", f".shapes: {SHAPES} a number (1.5)"),
    (TANH + "shapes = []", f".shapes: {SHAPES} an array ([])"),
    (TANH + "shapes = [[2, 3]]", f".shapes: {SHAPES} an array ([[2, 3]])"),
    (TANH + "wrt = true", f".wrt: {PLACES} a boolean (True)"),
    (TANH + "wrt = 1.0", f".wrt: {PLACES} a number (1.0)"),
    (TANH + "wrt = []", f".wrt: {PLACES} an array ([])"),
    (TANH + "parameters = 3", f".parameters: {PARAMETERS} an integer (3)"),
    (
        TANH + "parameters = { q = 07:32:00 }",
        f".parameters: {PARAMETERS} a table ({{'q': datetime.time(7, 32)}})",
    ),
    (TANH + "operands = 3", f".operands: {OPERANDS} an integer (3)"),
    (TANH + "operands = { x = { y = 1.5 } }", f".operands: {OPERANDS} a table ({{'x': {{'y': 1.5}}}})"),
    (TANH + "operands = { x = true }", f".operands: {OPERANDS} a table ({{'x': True}})"),
    (TANH + "with = { y = 1 }", ".with: there is no such key; did you mean operands?"),
    (TANH + "domain = true", '.domain: "LOW:HIGH" or [LOW, HIGH] is needed, not a boolean (True)'),
    (TANH + "domain = [5, 0]", ".domain: domain: (5, 0) is not LOW:HIGH with LOW below HIGH, such as 0:1, 0: or :1"),
    # values
    (TANH + 'expect = "diag"', f".expect: expect: 'diag' is not one of {EXPECTED}"),
    (TANH + 'vec = "rows"', ".vec: vec: 'rows' is not one of column, row"),
    (TANH + 'layout = "x"', ".layout: layout: 'x' is not one of numerator, denominator"),
    (TANH + "seeds = [0, -1]", ".seeds: seed: -1 is negative; a seed is 0 or more"),
    (TANH + 'memory = "lots"', f".memory: size 'lots' is not a number of bytes: {SIZES}"),
    (TANH + "memory = -1", f".memory: size '-1' is not a number of bytes: {SIZES}"),
    (TANH + 'allow = ["J003", "kink"]', f".allow: 'kink' is not one of {', '.join(CODES)}"),
    (TANH + 'allow = "J999"', f".allow: 'J999' is not one of {', '.join(CODES)}"),
    (TANH + 'dtype = "float16"', ".dtype: 'float16' is not one of float64, float32, complex128, complex64"),
    (TANH + "rtol = -1", ".rtol: rtol: -1 is not a finite number of at least 0"),
    (TANH + "atol = nan", ".atol: atol: nan is not a finite number of at least 0"),
    (TANH + "noise = inf", ".noise: noise: inf is not a finite number of at least 0"),
    (TANH + "max_evaluations = 0", ".max_evaluations: max_evaluations: 0 is not at least 1"),
    (TANH + 'shapes = ["3", "3y"]', f".shapes: shape '3y' is not a shape: {ADVICE}"),
    (TANH + "shapes = -1", f".shapes: shape '-1' is not a shape: {ADVICE}"),
    # operands
    (TANH + 'operands = { q = "3" }', ".operands.q: there is no such operand; tanh takes x"),
    (TANH + 'operands = { x = "no.csv" }', ".operands.x: no.csv: there is no such file; did you mean 'x.csv'?"),
    (TANH + 'operands = { x = "3xx" }', f".operands.x: shape '3xx' is not a shape: {ADVICE}"),
    ('function = "suitecode:add"', ".operands: y is missing; suitecode:add takes x, y"),
    (
        'function = "suitecode:attention"\noperands = { q = "3x2" }',
        ".operands: k, v is missing; suitecode:attention takes q, k, v",
    ),
    ('function = "x * y * z"\noperands = { y = "3" }', ".operands: z is missing; x * y * z takes x, y, z"),
    (TANH + 'wrt = "q"', ".wrt: tanh has no operand 'q' to differentiate by; it has x (1)"),
    (TANH + "wrt = [1, 2]", ".wrt: tanh has no operand 2 to differentiate by; it has x (1)"),
    (
        'function = "suitecode:add"\noperands = { y = 3 }\nwrt = ["x", "z"]',
        ".wrt: suitecode:add has no operand 'z' to differentiate by; it has x (1) and y (2)",
    ),
    # functions, parameters, derivatives
    ('function = "tahn"', ".function: there is no function 'tahn'; did you mean tan, tanh or atan?"),
    (
        'function = "x +"',
        ".function: the expression ends too early: something is missing after it\n  x +\n     ^",
    ),
    ('function = "nowhere:f"', ".function: nowhere: there is no module 'nowhere' here, nor installed"),
    ('function = "no.py:f"', ".function: no.py: there is no such file"),
    (
        'function = "suitecode.py:doubel"',
        ".function: suitecode.py:doubel: suitecode.py has no 'doubel'; did you mean double?",
    ),
    (
        'function = "broken_suite.py:f"',
        ".function: broken_suite.py: importing it raised SyntaxError: '(' was never closed (broken_suite.py, line 1)",
    ),
    (
        'function = "needy_suite:f"',
        ".function: needy_suite: importing it raised ModuleNotFoundError: No module named 'no_such_thing'\n"
        "  needy_suite.py:1: import no_such_thing",
    ),
    (
        'function = "raising_suite.py:f"',
        ".function: raising_suite.py: importing it raised ZeroDivisionError: division by zero\n"
        "  raising_suite.py:1: 1 / 0",
    ),
    (TANH + "parameters = { q = 1 }", ".function: tanh has no parameters; 'q' cannot be set"),
    (
        'function = "suitecode:scaled"\nparameters = { bta = 1 }',
        ".function: suitecode:scaled has no parameter 'bta'; it has beta",
    ),
    (TANH + 'backend = "tf"', ".function: backend: 'tf' is not one of numpy, torch, jax"),
    (TANH + 'derivative = "y"', ".derivative: derivative 'y': tanh has no y; it has x"),
    (TANH + 'derivative = "suitecode:no"', ".derivative: suitecode:no: suitecode has no 'no'; it has double, scaled, "
     "keyword, add, attention"),
    (TANH + 'derivative_kind = "jvp"', ".derivative_kind: says what derivative is; give that too"),
    (
        TANH + 'derivative = "x"\nderivative_kind = "slope"',
        ".derivative: derivative kind 'slope' is not one of elementwise, gradient, jacobian, jvp, vjp",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), DOCUMENTS)
def test_a_document_that_makes_no_sense(folder: Path, text: str, message: str) -> None:
    said = refusal(write(text))
    if "Cannot overwrite" in message:  # where it points depends on Python's version
        said, message = said.partition(" (at ")[0], message.partition(" (at ")[0]
    assert said == f"jacinspect.toml: {message}"


@pytest.mark.parametrize(("text", "message"), CHECKS)
def test_a_check_that_makes_no_sense(folder: Path, text: str, message: str) -> None:
    assert refusal(write(f"shapes = 3\n[checks.fine]\n{TANH}\n[checks.a]\n{text}")) == (
        f"jacinspect.toml: checks.a{message}"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no [tool.jacinspect]"),
        ("[tool.ruff]", "has no [tool.jacinspect]"),
        ("tool = 3", "tool: a table is needed, not an integer (3)"),
        ("[tool]\njacinspect = 3", "tool.jacinspect: a table is needed, not an integer (3)"),
        ("[tool.jacinspect]", f"has no checks; {FORM.format('tool.jacinspect.checks.NAME')}"),
        ("[tool.jacinspect]\nshapez = 1", "tool.jacinspect.shapez: there is no such key; did you mean shapes?"),
        ("[tool.jacinspect]\nseeds = 1.5", f"tool.jacinspect.seeds: {INTEGERS} a number (1.5)"),
        (
            "[tool.jacinspect]\nchecks = 1",
            "tool.jacinspect.checks: a table is needed, not an integer (1); "
            + FORM.format("tool.jacinspect.checks.NAME"),
        ),
        ("[tool.jacinspect.checks.a]", "tool.jacinspect.checks.a: function is missing, " + MISSING),
        ("[tool.jacinspect.checks.a]\nfuncton = 1", f"tool.jacinspect.checks.a.functon: {MISSPELT}"),
        (
            '[tool.jacinspect.checks.a]\nfunction = "tanh"',
            'tool.jacinspect.checks.a: shapes are missing, such as shapes = ["3", "2x3"]',
        ),
    ],
)
@pytest.mark.parametrize("name", ["pyproject.toml", "other.toml"])
def test_a_pyproject_that_makes_no_sense(folder: Path, name: str, text: str, message: str) -> None:
    assert refusal(write(text, name)) == f"{name}: {message}"


def test_files_that_cannot_be_read(folder: Path) -> None:
    Path("latin.toml").write_bytes(b"# \xe9\n")
    assert refusal(Path("nowhere.toml")) == "nowhere.toml: no such file or directory"
    assert refusal(folder) == f"{folder}: is a directory"
    assert refusal(Path("latin.toml")) == (
        "latin.toml: is not TOML: 'utf-8' codec can't decode byte 0xe9 in position 2: invalid continuation byte"
    )


def test_a_wrong_value_is_shown_in_part_where_it_is_long(folder: Path) -> None:
    assert refusal(write(f"seeds = '{'9' * 500}'")) == f"jacinspect.toml: seeds: {INTEGERS} a string ('{'9' * 59})"


def test_checks_misspelt_is_pointed_at(folder: Path) -> None:
    assert refusal(write(f"shapes = 3\n[check.a]\n{TANH}")) == (
        "jacinspect.toml: check: there is no such key; did you mean checks?"
    )


@pytest.mark.parametrize(
    ("key", "shown"),
    [('vec = "rows"', "vec"), ('shapes = "3y"', "shapes"), ("seeds = -1", "seeds"), ('dtype = "float16"', "dtype")],
)
def test_a_wrong_value_is_named_where_it_stands(folder: Path, key: str, shown: str) -> None:
    said = refusal(write(f"{key}\n[checks.a]\n{TANH}"))
    assert said.startswith(f"jacinspect.toml: {shown}: ")


def test_a_number_past_a_float_is_refused(folder: Path) -> None:
    said = refusal(write(f"shapes = 3\n[checks.a]\n{TANH}rtol = {10**400}"))
    assert said == f"jacinspect.toml: checks.a.rtol: {NUMBER} an integer (1{'0' * 59})"


@pytest.mark.parametrize("key", ["rtol", "atol", "noise"])
def test_an_integer_past_64_bits_is_a_number(folder: Path, key: str) -> None:
    _, (prepared,) = ready(write(f"shapes = 3\n[checks.a]\n{TANH}{key} = {2**70}"))
    assert prepared.settings[key] == 2.0**70


def test_a_document_nested_too_deeply_is_refused(folder: Path) -> None:
    assert refusal(write(f"shapes = {'[' * 5000}")).startswith("jacinspect.toml: is not TOML: ")


@pytest.mark.parametrize(("name", "content"), [("words.csv", "1,zwei\n"), ("x.xlsx", ""), ("arrays.npz:w", "")])
def test_an_operand_that_cannot_be_read_is_refused_before_anything_runs(folder: Path, name: str, content: str) -> None:
    if name.startswith("arrays"):
        np.savez("arrays.npz", v=np.ones(3))
    else:
        Path(name).write_text(content)
    said = refusal(write(f'[checks.a]\n{TANH}operands = {{ x = "{name}" }}'))
    assert said.startswith(f"jacinspect.toml: checks.a.operands.x: {name.partition(':')[0]}")


def test_an_operand_over_the_memory_is_refused_before_anything_runs(folder: Path) -> None:
    said = refusal(write(f'shapes = "300x300"\nmemory = "1MiB"\n[checks.a]\n{TANH}'))
    assert said.startswith("jacinspect.toml: ")


def test_a_file_with_a_colon_in_its_name_is_an_operand(folder: Path) -> None:
    (inspection,), (prepared,) = ready(write(f'[checks.a]\n{TANH}operands = {{ x = "odd:name.csv" }}'))
    found = prepared.outcome(inspection, lambda _: None)
    assert found.report.operand.values.tolist() == [1, 2]


# --- What is read -----------------------------------------------------------------------------------------------------


def listed(file: Path) -> list[tuple[str, str | None, int, str | int]]:
    return [(each.check, each.shape, each.seed, each.wrt) for each in ready(file)[0]]


def test_every_check_by_shape_by_seed_by_operand(folder: Path) -> None:
    text = """
    shapes = ["3", "2x3"]
    seeds = [4, 5]
    [checks.two]
    function = "suitecode:add"
    operands = { y = "1" }
    wrt = ["y", 1]
    [checks.one]
    function = "tanh"
    """
    assert listed(write(text)) == [
        *[("two", shape, seed, wrt) for shape in ("3", "2x3") for seed in (4, 5) for wrt in ("y", 1)],
        *[("one", shape, seed, 1) for shape in ("3", "2x3") for seed in (4, 5)],
    ]


def test_scalars_stand_for_arrays_of_one_and_numbers_for_shapes(folder: Path) -> None:
    body = 'function = "suitecode:add"\n'
    short = body + 'shapes = 3\nseeds = 2\nexpect = "diagonal"\nallow = "J003"\nwrt = "y"\noperands = { y = 3 }'
    long = body + (
        'shapes = ["3"]\nseeds = [2]\nexpect = ["diagonal"]\nallow = ["J003"]\nwrt = ["y"]\noperands = { y = "3" }'
    )
    first, second = (load_suite(write(f"[checks.a]\n{text}")).checks for text in (short, long))
    assert first == second
    assert first[0].shapes == ("3",)
    assert first[0].operands == {"y": "3"}
    assert listed(write(f"[checks.a]\n{short}")) == [("a", "3", 2, "y")]


def test_shared_keys_are_inherited_and_a_checks_own_take_their_place(folder: Path) -> None:
    shared = """
    shapes = ["3", "4"]
    seeds = [7]
    dtype = "float32"
    allow = ["J003"]
    expect = ["diagonal", "symmetric"]
    vec = "row"
    layout = "denominator"
    rtol = 1
    atol = 1e-3
    noise = 0.5
    strict_kinks = true
    memory = "1GiB"
    max_evaluations = 500
    """
    own = """
    shapes = "5"
    seeds = 0
    dtype = "float64"
    allow = []
    expect = []
    vec = "column"
    layout = "numerator"
    rtol = 2.0
    atol = 0
    noise = 0.25
    points = 4
    strict_kinks = false
    memory = 1000000
    max_evaluations = 600
    """
    file = write(f"{shared}\n[checks.heir]\n{TANH}\n[checks.own]\n{TANH}{own}")
    heir, other = load_suite(file).checks
    assert (heir.shapes, heir.seeds, heir.dtype, heir.allow) == (("3", "4"), (7,), "float32", ("J003",))
    assert (other.shapes, other.seeds, other.dtype, other.allow) == (("5",), (0,), "float64", ())
    _, (first, second) = ready(file)
    assert first.settings == {
        "expect": ("diagonal", "symmetric"), "vec": "row", "layout": "denominator", "rtol": 1, "atol": 1e-3,
        "noise": 0.5, "strict_kinks": True, "memory": 2**30, "max_evaluations": 500,
    }  # fmt: skip
    assert second.settings == {
        "expect": (), "vec": "column", "layout": "numerator", "rtol": 2.0, "atol": 0, "noise": 0.25, "points": 4,
        "strict_kinks": False, "memory": 10**6, "max_evaluations": 600,
    }  # fmt: skip


def test_what_is_left_out_is_as_at_the_command_line(folder: Path) -> None:
    (check,) = load_suite(write(f"shapes = 3\n[checks.a]\n{TANH}")).checks
    assert (check.seeds, check.wrt, check.dtype, check.allow, dict(check.settings)) == ((0,), (1,), "float64", (), {})


def test_the_settings_reach_the_inspection(folder: Path) -> None:
    text = """
    [checks.a]
    function = "suitecode:scaled"
    parameters = { beta = 1.5 }
    derivative = "beta"
    shapes = "2x3"
    seeds = 9
    dtype = "float32"
    vec = "row"
    layout = "denominator"
    """
    (inspection,), (prepared,) = ready(write(text))
    report = prepared.outcome(inspection, lambda _: None).report
    assert report.verdict == "pass"
    assert report.function.parameters == {"beta": 1.5}
    assert report.function.derivative == "beta"
    assert (report.operand.seed, str(report.operand.values.dtype), report.operand.values.shape) == (
        9,
        "float32",
        (2, 3),
    )
    assert report.jacobian is not None
    assert (report.jacobian.vec, report.jacobian.layout) == ("row", "denominator")


def test_operands_from_files_and_by_shapes(folder: Path) -> None:
    text = """
    [checks.a]
    function = "suitecode:add"
    operands = { x = "x.csv", y = "sub/y.csv" }
    wrt = ["x", "y"]
    [checks.b]
    function = "x @ w"
    operands = { w = "3x2", x = "x.csv" }
    seeds = [1, 2]
    """
    inspections, prepared = ready(write(text.replace('"sub/y.csv"', '"3"')))
    assert [each.shape for each in inspections] == [None] * 4
    first, by_y, *rest = [prepared[n > 1].outcome(each, lambda _: None) for n, each in enumerate(inspections)]
    assert [each.label for each in (first, by_y, *rest)] == [
        "seed 0, by x", "seed 0, by y", "seed 1, by x", "seed 2, by x",
    ]  # fmt: skip
    assert first.report.operand.values.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert (first.report.operand.source, by_y.report.operand.source) == ("x.csv", "random")
    assert by_y.report.operand.values.shape == (3,)
    one, two = (each.report.fixed["w"] for each in rest)
    assert one.shape == two.shape == (3, 2)
    assert not np.array_equal(one, two)


def test_the_table_of_a_check_is_found_in_the_file(folder: Path) -> None:
    text = """# [checks.later] is below
    shapes = 3
    [checks]
    inline = { function = "tanh" }
    [ checks . plain ] # with a remark
    function = "tanh"
    [checks."a.b # c"]
    function = "tanh"
    [checks.'quo"te']
    function = "tanh"
    [checks.later]
    function = "tanh"
    """
    lines = {check.name: check.line for check in load_suite(write(text)).checks}
    assert lines == {"inline": 0, "plain": 5, "a.b # c": 7, 'quo"te': 9, "later": 11}


def test_a_function_of_ones_own_is_annotated_where_it_stands_and_others_at_their_check(folder: Path) -> None:
    text = 'shapes = 3\n[checks.a]\nfunction = "suitecode.py:scaled"\n\n[checks.b]\nfunction = "tanh"\n'
    _, (own, catalogued) = ready(write(text))
    assert (Path(own.file).resolve(), own.line) == ((folder / "suitecode.py").resolve(), 4)
    assert (catalogued.file, catalogued.line) == ("jacinspect.toml", 5)


def placed(function: str) -> tuple[str, int]:
    _, (prepared,) = ready(write(f'shapes = 3\n[checks.a]\nfunction = "{function}"\n'))
    return Path(prepared.file).name, prepared.line


def test_a_decorated_function_is_annotated_in_one_place(folder: Path) -> None:
    decorator = "def same(f):\n    @functools.wraps(f)\n    def run(x):\n        return f(x)\n    return run\n"
    Path("helper_suite.py").write_text(f"import functools\n{decorator}")
    Path("wrapped_suite.py").write_text("\n" * 20 + "from helper_suite import same\n@same\ndef f(x): return x\n")
    assert placed("wrapped_suite.py:f") in {("wrapped_suite.py", 22), ("wrapped_suite.py", 23)}


def test_a_partial_is_not_annotated_in_the_standard_library(folder: Path) -> None:
    Path("partial_suite.py").write_text("import functools\ndef f(x): return x\ng = functools.partial(f)\n")
    assert placed("partial_suite.py:g") in {("partial_suite.py", 2), ("jacinspect.toml", 2)}


# --- Where it is found ------------------------------------------------------------------------------------------------


def test_the_nearest_configuration_and_jacinspect_toml_before_pyproject(folder: Path) -> None:
    deep = folder / "package" / "src"
    deep.mkdir(parents=True)
    (deep / "pyproject.toml").write_text("[tool.ruff]\nline-length = 120\n")
    outer = folder / "pyproject.toml"
    outer.write_text("[tool.jacinspect]\n")
    assert find_configuration(deep) == outer
    (folder / "jacinspect.toml").write_text("")
    assert find_configuration(deep) == folder / "jacinspect.toml"
    assert find_configuration(folder) == folder / "jacinspect.toml"
    (folder / "package" / "pyproject.toml").write_text("[tool.jacinspect]\n")
    assert find_configuration(deep) == folder / "package" / "pyproject.toml"
    (deep / "jacinspect.toml").mkdir()
    assert find_configuration(deep) == folder / "package" / "pyproject.toml"


def test_none_found_and_one_on_the_way_that_cannot_be_read(folder: Path) -> None:
    with pytest.raises(InputError) as none:
        find_configuration(folder / "sub")
    assert str(none.value) == (
        f"there is no jacinspect.toml, and no pyproject.toml with a [tool.jacinspect], in {folder / 'sub'} "
        "or above it; name one with --config"
    )
    write("[tool.jacinspect", "pyproject.toml")
    with pytest.raises(InputError) as broken:
        find_configuration(folder / "sub")
    assert str(broken.value).startswith(f"{folder / 'pyproject.toml'}: is not TOML: Expected ']'")


# --- Selecting --------------------------------------------------------------------------------------------------------


def suite_of(*names: str) -> Suite:
    tables = "".join(f'[checks."{name}"]\n{TANH}' for name in names)
    return load_suite(write(f"shapes = 3\n{tables}"))


@pytest.mark.parametrize(
    ("patterns", "kept"),
    [
        ([], ["swish", "relu", "relu6", "attention.q"]),
        (["relu"], ["relu"]),
        (["relu*"], ["relu", "relu6"]),
        (["relu6", "swish"], ["swish", "relu6"]),
        (["relu?", "*.q", "relu6"], ["relu6", "attention.q"]),
        (["[st]*"], ["swish"]),
        (["*"], ["swish", "relu", "relu6", "attention.q"]),
    ],
)
def test_names_and_globs_select_in_the_files_order(folder: Path, patterns: list[str], kept: list[str]) -> None:
    suite = suite_of("swish", "relu", "relu6", "attention.q").selected(patterns)
    assert [check.name for check in suite.checks] == kept


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (["relu", "swihs"], "there is no check 'swihs'; did you mean swish?"),
        (["gelu*"], "there is no check 'gelu*'; did you mean relu or Relu?"),
        (["zzz*"], "there is no check 'zzz*'; there are swish, relu, Relu"),
        (["RELU"], "there is no check 'RELU'; there are swish, relu, Relu"),
        ([""], "there is no check ''; there are swish, relu, Relu"),
    ],
)
def test_a_name_that_matches_nothing(folder: Path, patterns: list[str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        suite_of("swish", "relu", "Relu").selected(patterns)
    assert str(caught.value) == f"jacinspect.toml: {message}"


def test_a_name_where_there_are_no_checks_and_where_there_are_many(folder: Path) -> None:
    with pytest.raises(InputError) as none:
        load_suite(write("")).selected(["a"])
    assert str(none.value) == "jacinspect.toml: there is no check 'a'; there are none"
    names = [f"number{n}" for n in range(20)]
    with pytest.raises(InputError) as many:
        suite_of(*names).selected(["zzz"])
    assert str(many.value) == f"jacinspect.toml: there is no check 'zzz'; there are {', '.join(names[:12])}"


def test_a_name_with_brackets_selects_itself(folder: Path) -> None:
    assert [check.name for check in suite_of("a[0]", "b").selected(["a[0]"]).checks] == ["a[0]"]


def test_a_check_may_set_whatever_an_inspection_has() -> None:
    assert set(SETTINGS) == {field.name for field in fields(Settings)} - {"seed"}


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("seeds = 3", ["seeds = 3 is seed 3 alone; for 3 seeds write seeds = [0, 1, 2]"]),
        ("seeds = 99", ["seeds = 99 is seed 99 alone; for 5 seeds write seeds = [0, 1, 2, 3, 4]"]),
        ('shapes = "3, 4"', ['shapes = "3, 4" is one shape, 3x4; for 2 shapes write shapes = ["3", "4"]']),
        ("seeds = 0", []),
        ("seeds = [3]", []),
        ('shapes = "(3,4)"', []),
        ('shapes = ["3,4"]', []),
    ],
)
def test_what_could_mean_one_or_several_is_said(folder: Path, text: str, notes: list[str]) -> None:
    shared = load_suite(write(f"{text}\n[checks.a]\n{TANH}"))
    own = load_suite(write(f"[checks.a]\n{TANH}{text}")).selected(["a"])
    assert list(shared.notes) == [f"jacinspect.toml: {note}" for note in notes]
    assert list(own.notes) == [f"jacinspect.toml: checks.a.{note}" for note in notes]
