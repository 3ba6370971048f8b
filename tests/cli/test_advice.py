"""Mistakes that are told with what would work: lists left open, labels, one of several outputs, random numbers."""

import json
from pathlib import Path

import pytest

from tests.conftest import RunHere

CODE = """
import numpy as np


def two(x):
    return x**2, x.sum()


def picked(x, labels):
    return x[np.arange(len(labels)), labels].sum()


def root(x):
    return np.sqrt(x)


def decay(params, x, rate=1.0):
    return params["amp"] * np.exp(-rate * x / params["tau"][0])


def slopes(params, x, rate=1.0):
    e = np.exp(-rate * x / params["tau"][0])
    return {"amp": e, "tau": (rate * params["amp"] * x / params["tau"][0] ** 2 * e)[:, None]}


def slope(params, x, rate=1.0):
    return rate * params["amp"] * x / params["tau"][0] ** 2 * np.exp(-rate * x / params["tau"][0])


def total(params, rate=1.0):
    return rate * params["amp"] * params["tau"][0] ** 2


def gradient(params, rate=1.0):
    return rate * np.array([params["tau"][0] ** 2, 2 * params["amp"] * params["tau"][0]])


def wrong(params, rate=1.0):
    return gradient(params, 1.1 * rate)
"""


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["picked", "-s", "3x4", "--with", "labels=[0,2"], "[0,2: is a list that is not closed: write it as JSON"),
        (
            ["picked", "-s", "3x4", "--with", 'labels={"a":1}'],
            """{"a":1}: is a JSON object, not an array; for a parameter, write -p 'NAME={"a":1}',\n"""
            "and to differentiate by the numbers in it, --wrt 'NAME.*'\n",
        ),
        (
            ["picked", "-s", "3x4", "--with", "labels=[0,2,1]", "--wrt", "labels"],
            "has no derivative by labels: it takes whole numbers there, as indices; leave out labels in --wrt",
        ),
        (["two", "-s", "3", "-d", "2*x"], "it may be that of A0 alone: --take 0"),
    ],
)
def test_a_mistake_is_told_with_what_works(typed: list[str], message: str, run_here: RunHere, tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(CODE)
    done = run_here(f"{tmp_path}/code.py:{typed[0]}", *typed[1:])
    assert done.status == 2
    assert message in done.err


def test_what_works_does(run_here: RunHere, tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(CODE)
    assert run_here(f"{tmp_path}/code.py:two", "-s", "3", "-d", "2*x", "--take", "0").status == 0
    assert run_here(f"{tmp_path}/code.py:picked", "-s", "3x4", "--with", "labels=[0,2,1]").status == 0


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_an_object_is_differentiated_by_as_it_is_advised(dtype: str, run_here: RunHere, tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(CODE)
    f, value = f"{tmp_path}/code.py", '{"amp": 2.0, "tau": [3]}'
    told = run_here(f"{f}:total", "-i", value)
    assert (told.status, "-p 'NAME={" in told.err, "--wrt 'NAME.*'" in told.err) == (2, True, True)
    given = ("-p", f"params={value}", "--wrt", "params.*", "--dtype", dtype)
    by_rate = ("-p", "rate=0.5")
    for more, named, right in (((), "total", "gradient"), (("--with", "x=[.5, 2.]"), "decay", "slopes")):
        for with_rate in ((), by_rate):
            assert run_here(f"{f}:{named}", *given, *more, *with_rate, "-d", f"{f}:{right}").status == 0
        one = run_here(f"{f}:{named}", *given[:3], "params.amp", *more, *by_rate, "--json")
        assert (one.status, json.loads(one.out)["operand"]["name"]) == (0, "params.amp")
    number = run_here(f"{f}:decay", *given[:3], "params.tau.0", *more, *by_rate, "-d", f"{f}:slope", "--json")
    assert (number.status, json.loads(number.out)["operand"]["name"]) == (0, "params.tau.0")
    assert run_here(f"{f}:total", *given, *by_rate, "-d", f"{f}:wrong").status == 1
    check = f'function = "code.py:decay"\nderivative = "code.py:slopes"\nshapes = ["3"]\ndtype = "{dtype}"\n'
    opened = 'wrt = ["params.*"]\nparameters = { params = { amp = 2.0, tau = [3.0] } }\n'
    (tmp_path / "jacinspect.toml").write_text(f"[checks.decay]\n{check}{opened}")
    done = run_here("check", cwd=tmp_path)
    assert (done.status, b"1 pass" in done.out) == (0, True)


def test_a_domain_is_suggested_where_f_is_not_finite(run_here: RunHere, tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(CODE)
    found = run_here(f"{tmp_path}/code.py:root", "-s", "3", "--json").text
    assert "J004" in found
    assert "X was drawn at random; inside of an interval it works: --domain 0:" in found
    assert "J004" not in run_here(f"{tmp_path}/code.py:root", "-s", "3", "--json", "--domain", "0:").text


POSITIVE = """
import numpy as np

def checked(x):
    if (x <= 0).any():
        raise ValueError("positive only")
    return np.log(x)

def broken(x):
    raise TypeError("no")

def unshaped(x):
    return np.ones((7, 7))

def inverse(x):
    return 1 / x
"""


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("derivative", "told"), [("broken", "TypeError: no"), ("unshaped", "of shape 7×7"), ("inverse", "")]
)
def test_the_domain_of_f_is_suggested_if_the_derivative_is_broken(
    derivative: str, told: str, dtype: str, run_here: RunHere, tmp_path: Path
) -> None:
    (tmp_path / "code.py").write_text(POSITIVE)
    given = (f"{tmp_path}/code.py:checked", "-s", "3", "-d", f"{tmp_path}/code.py:{derivative}", "--dtype", dtype)
    failed = run_here(*given)
    assert "positive only" in failed.err
    assert failed.err.endswith("\nX was drawn at random; inside of an interval it works: --domain 0:\n")
    followed = run_here(*given, "--domain", "0:")
    assert (told in followed.err, "positive only" in followed.err, "--domain" in followed.err) == (True, False, False)


def test_no_domain_is_suggested_where_only_the_derivative_is_broken(run_here: RunHere, tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text(POSITIVE)
    failed = run_here("sin", "-s", "3", "-d", f"{tmp_path}/code.py:broken")
    assert ("TypeError: no" in failed.err, "--domain" in failed.err) == (True, False)
