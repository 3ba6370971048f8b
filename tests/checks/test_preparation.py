"""A check's operands and its function, as they are prepared: where they are drawn, and with which random numbers."""

from pathlib import Path

import numpy as np
import pytest

from jacinspect.checks.outcomes import Outcome
from jacinspect.checks.preparation import prepare
from jacinspect.checks.suite import load_suite
from jacinspect.errors import InputError

CODE = """
import numpy as np

def strict(x):
    if (x < 2).any() or (x > 3).any():
        raise ValueError("outside")
    return np.exp(x)

def draws(x):
    return x * np.random.rand(x.size)

def scaled(p, x):
    return p["w"] * np.sin(x) + p["b"]

def by_all(p, x):
    return {"w": np.sin(x), "b": np.ones(3)}, np.diag(p["w"] * np.cos(x))
"""
CHECKS = """
[checks.expression]
function = "log(x) * acos(y)"
operands = { x = "3", y = "3" }
wrt = "x"
[checks.domain]
function = "code_of_preparation.py:strict"
derivative = "exp(x)"
domain = "2:3"
shapes = ["3"]
[checks.reseed]
function = "code_of_preparation.py:draws"
reseed = 0
shapes = ["3"]
"""


def outcomes(folder: Path, text: str) -> list[Outcome]:
    (folder / "code_of_preparation.py").write_text(CODE, encoding="utf-8")
    file = folder / "jacinspect.toml"
    file.write_text(text, encoding="utf-8")
    suite = load_suite(file)
    prepared = {each.check.name: each for each in prepare(suite)}
    cases = suite.cases({name: each.function.operands for name, each in prepared.items()})
    return [prepared[case.check].outcome(case, lambda _: None) for case in cases]


def test_each_is_drawn_where_it_is_defined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    verdicts = {outcome.check: outcome.report.verdict for outcome in outcomes(tmp_path, CHECKS)}
    assert verdicts == {"expression": "pass", "domain": "pass", "reseed": "pass"}


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ('domain = "1:0"', "checks.reseed.domain: domain: '1:0' is not"),
        ("reseed = -1", "checks.reseed.reseed: reseed: -1 is"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_key(
    key: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=message):
        outcomes(tmp_path, CHECKS.replace("reseed = 0", key))


MODULE = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(3, 2)
        self.drop = torch.nn.Dropout(0.5)

    def forward(self, x):
        y = self.inner(x)
        return {"all": self.drop(y), "first": y[:, 0]}
"""
MODULE_CHECKS = """
[checks.net]
function = "code_of_module.py:Net"
wrt = ["x", "inner.weight", "x,inner.bias"]
shapes = ["4x3"]
take = "all"
mode = "train"
reseed = 0
"""


def test_weights_an_output_and_a_mode_are_chosen_as_by_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "code_of_module.py").write_text(MODULE, encoding="utf-8")
    found = outcomes(tmp_path, MODULE_CHECKS)
    assert [outcome.report.verdict for outcome in found] == ["pass"] * 3
    assert [outcome.report.operand.name for outcome in found] == ["x", "inner.weight", "x,inner.bias"]
    outputs = [outcome.report.output for outcome in found]
    assert [output is not None and output.shape for output in outputs] == [(4, 2)] * 3
    unseeded = MODULE_CHECKS.replace("reseed = 0", "")
    assert {f.code for outcome in outcomes(tmp_path, unseeded) for f in outcome.report.findings} == {"J005"}
    with pytest.raises(InputError, match=r"checks\.net\.mode: .*train"):
        outcomes(tmp_path, MODULE_CHECKS.replace('"train"', '"traim"'))


def test_a_second_order_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    checks = """
    shapes = ["3"]
    [checks.order]
    function = "sum(x**3)"
    order = 2
    [checks.right]
    function = "x**3"
    hessian = "6 * x"
    [checks.wrong]
    function = "x**3"
    hessian = "3 * x"
    [checks.allowed]
    function = "x**3"
    hessian = "3 * x"
    allow = ["J001"]
    """
    found = {outcome.check: outcome for outcome in outcomes(tmp_path, checks)}
    verdicts = {name: outcome.report.verdict for name, outcome in found.items()}
    assert verdicts == {"order": "pass", "right": "pass", "wrong": "fail", "allowed": "pass"}
    assert all(outcome.report.second_order is not None for outcome in found.values())
    with pytest.raises(InputError, match=r"checks\.right\.hessian: .* has no y"):
        outcomes(tmp_path, checks.replace("6 * x", "6 * y"))
    with pytest.raises(InputError, match=r"checks\.order\.order: order: 3 is not 1 or 2"):
        outcomes(tmp_path, checks.replace("order = 2", "order = 3"))


def test_values_and_log_determinants_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    checks = """
    shapes = ["3"]
    [checks.expected]
    function = "tanh"
    expect = ["invertible", "rank=3"]
    [checks.singular]
    function = "x * [1, 0, 2]"
    expect = "invertible"
    [checks.right]
    function = "2 * x"
    logdet = 2.0794415416798357
    [checks.wrong]
    function = "2 * x"
    logdet = "-3 * log(2)"
    """
    found = {outcome.check: outcome.report for outcome in outcomes(tmp_path, checks)}
    verdicts = {name: report.verdict for name, report in found.items()}
    assert verdicts == {"expected": "pass", "singular": "fail", "right": "pass", "wrong": "fail"}
    assert [finding.code for finding in found["wrong"].findings] == ["J016"]
    with pytest.raises(InputError, match=r"checks\.right\.logdet: a number or a string is needed"):
        outcomes(tmp_path, checks.replace("2.0794415416798357", "true"))


def test_several_points_are_inspected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    checks = 'shapes = ["3"]\npoints = 3\n[checks.a]\nfunction = "tanh"\n[checks.b]\nfunction = "tanh"\npoints = 2\n'
    assert [len(outcome.report.points) for outcome in outcomes(tmp_path, checks)] == [3, 2]


def test_a_derivative_and_an_operand_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.csv").write_text("a,b\n1,2\n3,4\n")
    Path("J.mtx").write_text("%%MatrixMarket matrix coordinate real general\n4 4 4\n1 1 2\n2 2 4\n3 3 6\n4 4 8\n")
    text = '[checks.{name}]\nfunction = "x**2"\noperands = {{ x = "x.csv" }}\nderivative = "{file}"\nvec = "{vec}"\n'
    both = text.format(name="right", file="J.mtx", vec="row") + text.format(name="wrong", file="J.mtx", vec="column")
    assert [outcome.report.verdict for outcome in outcomes(tmp_path, both)] == ["pass", "fail"]
    with pytest.raises(InputError, match=r"checks\.absent\.derivative: K\.npz: there is no such file"):
        outcomes(tmp_path, text.format(name="absent", file="K.npz", vec="row"))


def test_leaves_of_a_container_stand_before_the_operand_that_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operand's numbers are the same whatever it is differentiated by."""
    monkeypatch.chdir(tmp_path)
    text = """
[checks.leaves]
function = "code_of_preparation.py:scaled"
derivative = "code_of_preparation.py:by_all"
parameters = { p = { w = 0.5, b = -2.0 } }
shapes = ["3"]
wrt = ["all", "p", "x,p.b", "p.w,x"]
"""
    found = outcomes(tmp_path, text)
    assert [outcome.report.verdict for outcome in found] == ["pass"] * 4
    x = np.random.default_rng(0).standard_normal(3)
    for outcome in found:
        operand = outcome.report.operand
        given = {part.name: operand.values.ravel()[part.span] for part in outcome.report.names.operand.parts}
        assert np.array_equal({**outcome.report.fixed, **given}["x"], x)
