"""References to people's own code: what they name, and what importing it raises."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

from jacinspect.errors import FunctionFailedError, InputError
from jacinspect.functions.code.callables import of_callable
from jacinspect.functions.code.references import load
from jacinspect.functions.resolve import is_reference

X = np.random.default_rng(0).standard_normal((2, 3))
Y = np.random.default_rng(1).standard_normal((2, 3))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    importlib.invalidate_caches()
    yield tmp_path
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    importlib.invalidate_caches()
    return path


def refused(text: str, kind: type[Exception] = InputError) -> str:
    with pytest.raises(kind) as error:
        load(text)
    return str(error.value)


# --- References


@pytest.mark.parametrize(
    "text", ["m:f", "package.module:f", "m:Class.method", "f.py:f", "a b/c-d.py:f", "../f.py:g", "C:/x.py:f", "f.py"]
)
def test_a_reference(text: str) -> None:
    assert is_reference(text)


@pytest.mark.parametrize(
    "text",
    ["sigmoid", "x * tanh(x)", "x[:, 1]", "x[1:2]", "softmax(q @ k.T) @ v", "lambda x: x", "x[..., None] : 3", "a-b:f"],
)
def test_no_reference(text: str) -> None:
    assert not is_reference(text)


CODE = """
import numpy as np

LIMIT = 3.0

def swish(x, beta=1.0):
    return x / (1 + np.exp(-beta * x))

def _hidden(x):
    return x

class Scaled:
    class Inner:
        @staticmethod
        def cube(x):
            return x ** 3

    def __call__(self, x, factor=2.0):
        return factor * x

    def method(self, x):
        return x - 1

scaled = Scaled()
"""


@pytest.mark.parametrize("place", ["acts.py", "./acts.py", "acts", "sub/acts.py", "sub.acts", "{folder}/sub/acts.py"])
def test_the_places_that_code_can_be_in(folder: Path, place: str) -> None:
    write(folder / "acts.py", CODE)
    write(folder / "sub" / "acts.py", CODE)
    place = place.format(folder=folder)
    found = load(f"{place}:swish")
    np.testing.assert_allclose(found(X, beta=2.0), X / (1 + np.exp(-2 * X)))
    assert (Path(found.__code__.co_filename).parent.name == "sub") == ("sub" in place)
    assert load(f"{place}:Scaled.Inner.cube")(2.0) == 8.0
    assert load(f"{place}:scaled.method")(2.0) == 1.0
    assert load(f"{place}:scaled")(2.0) == 4.0
    function = of_callable(found, f"{place}:swish", {"beta": 2.0})
    assert (function.name, function.operands, function.parameters) == (f"{place}:swish", ("x",), {"beta": 2.0})


def test_a_tilde_is_the_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(folder / "home"))
    write(folder / "home" / "mine.py", "def f(x): return 5 * x")
    assert load("~/mine.py:f")(1.0) == 5.0


def test_a_file_is_imported_once_and_only_what_is_named(folder: Path) -> None:
    counting = (
        "from pathlib import Path\nPath({log!r}).open('a').write({name!r})\ndef f(x): return x\ndef g(x): return -x"
    )
    log = str(folder / "log")
    write(folder / "one.py", counting.format(log=log, name="1"))
    write(folder / "two.py", counting.format(log=log, name="2"))
    assert load("one.py:f") is load("./one.py:f") is load(f"{folder}/one.py:f")
    assert load("one.py:g").__globals__ is load("one.py:f").__globals__
    assert Path(log).read_text() == "1"


def test_siblings_of_a_file_can_be_imported(folder: Path) -> None:
    write(folder / "deep" / "user_helper_a.py", "def g(x): return 3 * x")
    write(folder / "deep" / "main_file.py", "import user_helper_a\ndef f(x): return user_helper_a.g(x)")
    assert load("deep/main_file.py:f")(1.0) == 3.0


def test_modules_of_the_current_folder_can_be_imported_by_a_file(folder: Path) -> None:
    write(folder / "user_helper_b.py", "def g(x): return 4 * x")
    write(folder / "deep" / "main_file.py", "import user_helper_b\ndef f(x): return user_helper_b.g(x)")
    assert load("deep/main_file.py:f")(1.0) == 4.0


def test_files_of_one_name_or_called_like_a_module_are_themselves(folder: Path) -> None:
    import random

    write(folder / "a" / "random.py", "def f(x): return 1 * x")
    write(folder / "b" / "random.py", "def f(x): return 2 * x")
    write(folder / "numpy.py", "def f(x): return 3 * x")
    assert [load(f"{place}:f")(1.0) for place in ("a/random.py", "b/random.py", "numpy.py")] == [1.0, 2.0, 3.0]
    assert sys.modules["random"] is random
    assert load("random:uniform") == random.uniform


def test_a_dataclass_finds_its_module(folder: Path) -> None:
    code = "from __future__ import annotations\nfrom dataclasses import dataclass\n"
    code += "@dataclass\nclass C:\n    k: float = 2.0\n"
    write(folder / "with_dataclass.py", code + "    def __call__(self, x): return self.k * x\nc = C()")
    assert load("with_dataclass.py:c")(1.0) == 2.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nowhere.py:f", "nowhere.py: there is no such file"),
        ("folder.py:f", "folder.py: there is no such file"),
        ("acts.py", "acts.py: name the function in it too, as in acts.py:swish; it has swish, scaled"),
        ("acts.py:swich", "acts.py:swich: acts.py has no 'swich'; did you mean swish?"),
        ("acts:swich", "acts:swich: acts has no 'swich'; did you mean swish?"),
        ("acts.py:zzz", "acts.py:zzz: acts.py has no 'zzz'"),
        ("acts.py:scaled.methot", "acts.py:scaled.methot: acts.py:scaled has no 'methot'"),
        ("acts.py:Scaled.Inner.cubic", "acts.py:Scaled.Inner.cubic: acts.py:Scaled.Inner has no 'cubic'"),
        ("acts.py:swish.x.y", "acts.py:swish.x.y: acts.py:swish has no 'x'"),
        ("acts.py:LIMIT", "acts.py:LIMIT: is a float, not a function"),
        ("acts:LIMIT", "acts:LIMIT: is a float, not a function"),
        ("nowhere_at_all:f", "nowhere_at_all: there is no module 'nowhere_at_all' here, nor installed"),
        ("nowhere.at.all:f", "nowhere.at.all: there is no module 'nowhere' here, nor installed"),
        ("numpy.nowhere:f", "numpy.nowhere: there is no module 'numpy.nowhere' here, nor installed"),
    ],
)
def test_what_is_not_there(folder: Path, text: str, said: str) -> None:
    write(folder / "acts.py", CODE)
    (folder / "folder.py").mkdir()
    assert refused(text).startswith(said)


def test_what_a_module_has_is_told_where_nothing_is_close(folder: Path) -> None:
    write(
        folder / "acts.py", "from math import sin\ndef first(x): return x\ndef second(x): return x\ndef _h(x): return x"
    )
    write(folder / "acts_module.py", "from math import sin\ndef first(x): return x")
    assert refused("acts_module:zzz").endswith("has no 'zzz'; it has first")
    assert refused("acts.py:zzz").endswith("has no 'zzz'; it has first, second")


def test_an_object_without_a_namespace_is_asked_for_a_name(folder: Path) -> None:
    write(folder / "slots.py", "LIMIT = 3.0\nclass S:\n    __slots__ = ()\ns = S()")
    assert refused("slots.py:LIMIT.reel").startswith("slots.py:LIMIT.reel: slots.py:LIMIT has no 'reel'")
    assert refused("slots.py:s.f").startswith("slots.py:s.f: slots.py:s has no 'f'")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (
            "x = 1\nraise RuntimeError('not\\ntoday')",
            "RuntimeError: not / today\n  broken_{n}.py:2: raise RuntimeError(",
        ),
        (  # as chainer has it
            "raise TypeError('\\nInvalid in: f\\n\\nExpect: x.dtype == float32\\nActual: float64\\n')",
            "TypeError: Invalid in: f / Expect: x.dtype == float32 / Actual: float64\n  broken_{n}.py:1: raise Type",
        ),
        ("raise TypeError('1\\n 2\\n\\n3\\n4\\n5')", "TypeError: 1 / 2 / 3 / 4 …\n  broken_{n}.py:1: raise TypeError("),
        ("raise TypeError('1\\n' + 'x' * 300)", "TypeError: 1 / " + "x" * 296 + " …\n  broken_{n}.py:1: raise Type"),
        ("1 / 0", "ZeroDivisionError: division by zero\n  broken_{n}.py:1: 1 / 0"),
        ("import sys\nsys.exit(4)", "SystemExit: 4\n  broken_{n}.py:2: sys.exit(4)"),
        ("import sys\nsys.exit()", "SystemExit\n  broken_{n}.py:2: sys.exit()"),
        ("def f(x:\n    pass", "SyntaxError: "),
        ("import no_such_third", "ModuleNotFoundError: No module named 'no_such_third'\n  broken_{n}.py:1: import no_"),
        ("from math import sinus", "ImportError: cannot import name 'sinus' from 'math'"),
        ("def g(): return [][1]\ng()", "IndexError: list index out of range\n  broken_{n}.py:1: def g(): return [][1]"),
        ("import json\njson.loads('{')", "JSONDecodeError: "),
    ],
)
@pytest.mark.parametrize("as_file", [True, False])
def test_what_importing_it_raises(folder: Path, code: str, told: str, as_file: bool) -> None:
    number = crc32(f"{code}{as_file}".encode())
    write(folder / f"broken_{number}.py", code)
    place = f"broken_{number}" + ".py" * as_file
    said = refused(f"{place}:f", FunctionFailedError)
    assert said.startswith(f"{place}: importing it raised " + told.format(n=number))
    assert "Traceback" not in said
    assert "frozen" not in said
    if "Syntax" in told:
        assert f"broken_{number}.py, line 1" in said
    elif "json" in code:
        assert said.endswith(f"broken_{number}.py:2: json.loads('{{')")
    assert f"jacinspect file {folder / place}" not in sys.modules
    assert refused(f"{place}:f", FunctionFailedError).startswith(f"{place}: importing it raised"), "as it did at first"


def test_a_third_module_that_is_missing_inside_a_package(folder: Path) -> None:
    write(folder / "user_pack" / "__init__.py", "")
    write(folder / "user_pack" / "inner.py", "import user_pack_missing\ndef f(x): return x")
    said = refused("user_pack.inner:f", FunctionFailedError)
    assert "No module named 'user_pack_missing'\n  user_pack/inner.py:1: import user_pack_missing" in said


def test_an_interrupt_at_import_is_an_interrupt(folder: Path) -> None:
    write(folder / "interrupted.py", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load("interrupted.py:f")
