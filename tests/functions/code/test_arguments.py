"""What people's functions take beside a real array: labels, scalars, lists and objects as parameters."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special

import jacinspect
from jacinspect.errors import InputError
from jacinspect.inspection.report import Report
from tests.conftest import RunHere
from tests.oracles import Array

X = np.array([[0.3, -0.7, 1.1], [2.0, 0.4, -0.2]])
LABELS = np.array([2, 0])


def picked(x: Array, labels: Array) -> Any:
    return x[np.arange(len(labels)), labels] ** 2


def slope(x: Array, labels: Array) -> Any:
    result = np.zeros((len(labels), *x.shape))
    rows = np.arange(len(labels))
    result[rows, rows, labels] = 2 * x[rows, labels]
    return result


# --- Integers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [LABELS, [2, 0], LABELS.astype(np.int32), LABELS.astype(np.uint8)])
def test_labels_stay_integers(labels: Any) -> None:
    report = jacinspect.inspect(picked, X, slope, others=[labels])
    assert report.verdict == "pass"
    (fixed,) = json.loads(report.to_json())["operand"]["fixed"]
    assert (fixed["name"], fixed["values"]) == ("labels", [2, 0])
    assert fixed["dtype"] == str(np.asarray(labels).dtype)


def test_a_mask_stays_one() -> None:
    report = jacinspect.inspect(lambda x, keep: x[keep] ** 3, X, others=[X > 0])
    assert report.output is not None
    assert report.output.shape == (4,)
    with pytest.raises(InputError, match="y: an array of real numbers is needed, not of bool"):
        jacinspect.inspect("multiply", X, others=[X > 0])


def test_integers_that_are_differentiated_by_are_real() -> None:
    report = jacinspect.inspect("x ** 2", [1, 2, 3], "2 * x")
    assert (report.verdict, str(report.operand.values.dtype)) == ("pass", "float64")
    assert jacinspect.inspect("x @ w", [[1, 2], [3, 4]], others=[[1, 2]], wrt="all").operand.name == "x,w"

    def f(w: Array, x: Array) -> Any:
        return w @ x

    assert jacinspect.inspect(f, [[1.5, 2], [3, 4]], others=[[1, 2]], wrt="all").operand.name == "w"  # or are labels
    assert jacinspect.inspect(f, [[1.5, 2], [3, 4]], others=[[1, 2]], wrt="w,x").operand.name == "w,x"
    assert jacinspect.inspect(f, [[1, 2], [3, 4]], others=[[1, 2]], wrt="all").operand.name == "w,x"


def test_integers_that_a_function_refuses_are_real() -> None:
    torch = pytest.importorskip("torch")
    report = jacinspect.inspect(lambda x, w: torch.matmul(x, w), X, others=[[[1, 2], [3, 4], [5, 6]]])
    assert report.verdict == "pass"
    assert report.fixed["w"].dtype == np.float64


def test_torch_and_jax_take_labels() -> None:
    torch = pytest.importorskip("torch")
    jax = pytest.importorskip("jax")
    report = jacinspect.inspect(torch.nn.functional.cross_entropy, X, others={"target": LABELS})
    assert (report.verdict, report.function.source) == ("pass", "torch")
    report = jacinspect.inspect(torch.nn.functional.embedding, [2, 0, 2], others={"weight": X.T}, wrt="weight")
    assert (report.verdict, report.jacobian and report.jacobian.structure) == ("pass", "broadcast")
    for function in (lambda x, i: jax.numpy.take(x, i, axis=1), lambda x, i: jax.nn.log_softmax(x)[i, i]):
        report = jacinspect.inspect(function, X, others=[np.array([1, 0])])
        assert (report.verdict, report.function.source) == ("pass", "jax")


CODE = """
import numpy as np
def picked(x, labels):
    return x[np.arange(len(labels)), labels] ** 2
def field(t, y):
    return [y[1] * t, -y[0]]
def jac(t, y):
    return np.array([[0, t], [-1, 0]])
def scaled(x, opts):
    return opts["k"] * x ** opts["powers"][1]
"""


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Write the code above into a folder of its own, and go there; `run_here` then starts in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code.py").write_text(CODE)
    return "code.py"


@pytest.mark.parametrize(
    ("name", "text"),
    [("l.json", "[2, 0]"), ("l.csv", "2,0\n"), ("l.txt", "2\n0\n"), ("l.npy", ""), ("[2,0]", ""), (" [2, 0] ", "")],
)
def test_labels_from_a_file_or_typed(code: str, name: str, text: str, run_here: RunHere) -> None:
    if text:
        Path(name).write_text(text)
    if name.endswith(".npy"):
        np.save(name, LABELS)
    done = run_here(f"{code}:picked", "-s", "2x3", "--with", f"labels={name}", "--json", cwd=Path.cwd())
    assert done.status == 0
    assert json.loads(done.out)["operand"]["fixed"][0]["values"] == [2, 0]


def test_labels_in_a_check(code: str, run_here: RunHere) -> None:
    Path("jacinspect.toml").write_text(
        '[checks.picked]\nfunction = "code.py:picked"\nshapes = ["2x3"]\noperands = { labels = [2, 0] }\n'
        '[checks.field]\nfunction = "code.py:field"\nderivative = "code.py:jac"\nshapes = ["2"]\n'
        "parameters = { t = 1.5 }\n"
        '[checks.scaled]\nfunction = "code.py:scaled"\nderivative = "3 * x"\nshapes = ["2"]\n'
        "parameters = { opts = { k = 1.5, powers = [1, 2] } }\n"
    )
    done = run_here("check", cwd=Path.cwd())
    assert (done.status, done.err) == (0, "")
    assert b"2 pass, 1 unchecked" in done.out


# --- Scalars ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [("--with", "t=1.5"), ("-p", "t=1.5"), ("--with", "t=1.5e0", "--wrt", "y")])
def test_an_ode_takes_its_time(code: str, given: tuple[str, ...], run_here: RunHere) -> None:
    done = run_here(f"{code}:field", "-s", "2", "-d", f"{code}:jac", *given, "--json", cwd=Path.cwd())
    assert done.status == 0
    report = json.loads(done.out)
    assert (report["agreement"]["verdict"], report["operand"]["name"]) == ("pass", "y")


def test_a_missing_operand_may_be_a_parameter(code: str, run_here: RunHere) -> None:
    done = run_here(f"{code}:field", "-s", "2", "-d", f"{code}:jac", cwd=Path.cwd())
    assert done.status == 2
    assert "code.py:field takes t and y: y is missing; add --with y=2 (a shape, file or JSON);" in done.err
    assert "where t is a number, make it a parameter: -p t=0" in done.err


def test_python_takes_a_scalar_by_name() -> None:
    def field(t: float, y: Array) -> Any:
        return np.array([y[1] * t, -y[0]])

    report = jacinspect.inspect(field, [1.0, 2.0], lambda t, y: np.array([[0, t], [-1, 0]]), others={"t": 1.5})
    assert (report.verdict, report.operand.name) == ("pass", "y")
    with pytest.raises(InputError, match=r"others: .*field takes t, y; given are X and s"):
        jacinspect.inspect(field, [1.0, 2.0], others={"s": 1.5})


# --- Parameters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "value", "said"),
    [
        ('{"k": 3, "powers": [1, 2]}', {"k": 3, "powers": [1, 2]}, '{"k": 3, "powers": [1, 2]}'),
        ("{'k': 3, 'powers': (1, 2)}", {"k": 3, "powers": [1, 2]}, '{"k": 3, "powers": [1, 2]}'),
    ],
)
def test_a_parameter_is_a_list_or_an_object(code: str, typed: str, value: Any, said: str, run_here: RunHere) -> None:
    done = run_here(f"{code}:scaled", "-s", "3", "-p", f"opts={typed}", "-d", "6 * x", "--json", cwd=Path.cwd())
    assert done.status == 0
    assert json.loads(done.out)["function"]["parameters"] == {"opts": value}
    assert said.encode() in run_here(f"{code}:scaled", "-s", "3", "-p", f"opts={typed}", cwd=Path.cwd()).out


def test_a_parameter_that_is_no_list(code: str, run_here: RunHere) -> None:
    done = run_here(f"{code}:scaled", "-s", "3", "-p", "opts=[1,", cwd=Path.cwd())
    assert (done.status, done.err) == (
        2,
        "jacinspect: --param 'opts=[1,': is no list or object: write such as opts=[3,4] or {\"a\": 1}\n",
    )


class Options:
    power = 2


@pytest.mark.parametrize(
    ("value", "power", "written"),
    [
        ({"power": np.int64(3)}, lambda o: o["power"], {"power": 3}),
        ([3, None, True], lambda o: o[0], [3, None, True]),
        (np.array([3.0, np.inf]), lambda o: o[0], [3.0, "Infinity"]),
        (Options(), lambda o: o.power, "Options"),
        (np.sum, lambda o: o([1, 1]), "sum"),
        (None, lambda o: 2, None),
    ],
)
def test_a_parameter_is_anything_in_python(value: Any, power: Callable[[Any], Any], written: Any) -> None:
    def f(x: Array, options: Any) -> Any:
        return x ** power(options)

    def slopes(x: Array, options: Any) -> Any:
        return power(options) * x ** (power(options) - 1)

    report: Report = jacinspect.assert_jacobian(f, X, slopes, parameters={"options": value})
    assert json.loads(report.to_json())["function"]["parameters"]["options"] == written
    assert report.function.title


# --- The documented arguments of a ufunc


def test_the_documented_names_of_a_ufunc_are_parameters() -> None:
    z = np.array([0.5, 2.0, 3.0])
    report = jacinspect.inspect(scipy.special.jv, z, scipy.special.jvp, parameters={"v": 1.5})
    assert (report.verdict, report.names.operand.names) == ("pass", ("z",))
    wrong = jacinspect.inspect(scipy.special.jv, z, lambda v, z: -scipy.special.jvp(v, z), parameters={"v": 1.5})
    assert wrong.verdict == "fail"
    ordered = jacinspect.inspect(scipy.special.betainc, [0.2, 0.5], parameters={"b": 2.0, "a": 1.5})
    assert ordered.output is not None
    np.testing.assert_array_equal(ordered.output, scipy.special.betainc(1.5, 2.0, [0.2, 0.5]))
    assert jacinspect.inspect(np.hypot, z, parameters={"x2": 2.0}).names.operand.names == ("x1",)


def test_a_parameter_that_a_ufunc_does_not_document() -> None:
    with pytest.raises(InputError, match=r"^jv has no parameter 'q'; it has v, z$"):
        jacinspect.inspect(scipy.special.jv, [0.5], parameters={"q": 1.5})


# --- Containers that f writes into


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("keyword", [False, True])
def test_parameters_are_at_every_call_as_they_were_given(keyword: bool, dtype: str) -> None:
    def f(x: Array, settings: Any) -> Any:
        assert settings.keys() == {"mode", "calls", "pair"}  # what it adds below is not there
        settings["mean"] = x.mean(0)
        settings["calls"].append(len(settings["calls"]))
        settings["pair"][1]["n"] += 1
        return x**2 * len(settings["calls"]) * settings["pair"][1]["n"]

    def by_keyword(x: Array, *, settings: Any) -> Any:
        return f(x, settings)

    def slopes(x: Array, settings: Any, k: float) -> Any:
        return k * x * f(np.ones(1), settings)

    given: dict[str, Any] = {"settings": {"mode": "train", "calls": [], "pair": (0, {"n": 1})}}
    for _ in range(2):
        for k, expected in ((2, "pass"), (2.02, "fail")):
            claim = lambda x, settings, k=k: slopes(x, settings, k)  # noqa: E731
            report = jacinspect.inspect(by_keyword if keyword else f, X.astype(dtype), claim, parameters=given)
            assert report.verdict == expected
    assert given == {"settings": {"mode": "train", "calls": [], "pair": (0, {"n": 1})}}


def test_what_a_container_holds_is_the_same_in_each_copy() -> None:
    around: dict[str, Any] = {"weight": LABELS}
    around["self"] = around

    def f(x: Array, tree: Any) -> Any:
        assert tree["weight"] is LABELS
        assert tree["self"] is around
        return x**2

    assert jacinspect.inspect(f, X, lambda x: 2 * x, parameters={"tree": around}).verdict == "pass"
