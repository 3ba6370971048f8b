"""assert_jacobian: what passes, and what a test that fails is shown, here and by pytest itself."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import jacinspect
from jacinspect import assert_jacobian
from jacinspect.errors import FunctionFailedError, InputError
from tests.oracles import Array

X = np.array([[0.5, -1.25, 2.0], [0.75, -0.5, 1.5]])


def failure(*given: Any, **options: Any) -> str:
    """The text of the AssertionError that has to be raised."""
    with pytest.raises(AssertionError) as raised:
        assert_jacobian(*given, **options)
    return str(raised.value)


def scaled(x: Array, w: Array, k: float = 1.0) -> Array:
    return np.asarray(k * x @ w)


# --- What passes ------------------------------------------------------------------------------------------------------


def test_it_returns_the_report() -> None:
    report = assert_jacobian(np.sin, X, np.cos)
    assert report.verdict == "pass"
    assert report.jacobian is not None
    assert report.jacobian.is_diagonal
    assert report.jacobian.analytic is not None
    assert report.jacobian.analytic.data.tolist() == np.cos(X).ravel().tolist()
    assert report.to_json() == jacinspect.inspect(np.sin, X, np.cos).to_json()


@pytest.mark.parametrize("expect", ["diagonal", ["diagonal"], ("diagonal", "symmetric", "lower-triangular"), [], ()])
def test_what_is_expected_holds(expect: str | Sequence[str]) -> None:
    assert assert_jacobian("sigmoid", X, expect=expect).verdict == "pass"  # type: ignore[arg-type]


def test_structure_alone() -> None:
    report = assert_jacobian(lambda x: x.sum(axis=1), X, expect="block-diagonal", vec="row")
    assert report.verdict == "pass"
    assert report.agreement is not None
    assert report.agreement.entries_compared == 0
    assert assert_jacobian(np.sin, X, expect="diagonal").verdict == "pass"
    assert (
        failure(np.cumsum, X.ravel(), expect="diagonal")
        .splitlines()[1]
        .startswith("  J002 structure-unexpected: expected diagonal, found lower-triangular: ∂Y[")
    )


def test_a_derivative_of_its_own_is_checked_too() -> None:
    class Wrong(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return torch.sin(x)

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return -grad * torch.cos(ctx.saved_tensors[0])

    assert "consistent with the opposite sign" in failure(Wrong, X)


# --- What fails -------------------------------------------------------------------------------------------------------


def test_the_text_has_name_verdict_findings_and_the_worst_entries() -> None:
    lines = failure("silu", X, lambda x: np.where(x == 1.5, 9.0, x), parameters={"beta": 1.5}).splitlines()
    assert lines[0] == "silu(beta=1.5): fail, X 2×3 → A 2×3"
    assert lines[1].startswith("  J001 derivative-disagrees: 6 entries disagree, worst by its bar ∂A[")
    assert lines[2].split() == ["entry", "analytic", "numeric", "±", "error", "bar", "difference"]
    rows = [line.split() for line in lines[3:]]
    assert len(rows) == 5  # of six
    for entry, analytic, numeric, bar, difference in rows:
        i, j = map(int, re.fullmatch(r"∂A\[(\d),(\d)\]/∂X\[\1,\2\]", entry).groups())  # type: ignore[union-attr]
        x, s = X[i, j], 1 / (1 + np.exp(-1.5 * X[i, j]))
        right = s + 1.5 * x * s * (1 - s)
        assert float(analytic) == (9.0 if x == 1.5 else x)
        assert float(numeric) == pytest.approx(right, rel=1e-8)
        assert float(difference) == pytest.approx(float(analytic) - right, rel=1e-2)
        assert 0 < float(bar) < 1e-8


def test_an_expectation_that_does_not_hold() -> None:
    text = failure("sigmoid", X, expect="dense")
    assert text == (
        "sigmoid: fail, X 2×3 → A 2×3\n  J002 structure-unexpected: expected dense, found diagonal: ∂A[0,0]/∂X[0,1] = 0"
    )


def test_all_expectations_that_do_not_hold_are_listed() -> None:
    text = failure("softmax", X, expect=["diagonal", "block-diagonal", "permutation"])
    found = [line.split(":")[1] for line in text.splitlines()[1:]]
    assert found == [f" expected {name}, found block-diagonal" for name in ("diagonal", "permutation")]


def test_both_a_derivative_and_an_expectation() -> None:
    codes = [line.split()[0] for line in failure(np.sin, X, np.sin, expect=["dense"]).splitlines()[1:3]]
    assert codes == ["J001", "J002"]


def test_an_inconclusive_inspection_fails() -> None:
    assert failure("sigmoid", X, noise=10.0).startswith("sigmoid: inconclusive, X 2×3 → A 2×3\n  J006 ")


def test_a_function_that_is_none_fails() -> None:
    numbers = np.random.default_rng(0)
    assert "  J005 not-deterministic: " in failure(lambda x: x + numbers.random(), X)

    def doubling(x: Array) -> Array:
        x *= 2
        return x

    assert failure(doubling, X.copy()).startswith("doubling: fail, ")


# --- Options ----------------------------------------------------------------------------------------------------------

W = np.array([[1.0, -2.0], [0.5, 3.0], [2.0, 0.25]])


def test_options_reach_the_inspection() -> None:
    of_x, of_w = (lambda x, w, da: 2 * da @ w.T), (lambda x, w, da: 2 * x.T @ da)
    common: dict[str, Any] = {"parameters": {"k": 2.0}, "others": [W], "derivative_kind": "vjp"}
    report = assert_jacobian(scaled, X, of_x, seed=7, **common)
    assert report.function.parameters == {"k": 2.0}
    assert report.operand.seed == 7
    report = assert_jacobian(scaled, X, of_w, wrt="w", **common)
    assert report.jacobian is not None
    assert report.jacobian.tensor_shape == (2, 2, 3, 2)
    assert assert_jacobian(scaled, X, of_w, wrt=2, **common).operand.name == "w"
    assert "J001" in failure(scaled, X, of_w, **{**common, "parameters": {"k": 3.0}}, wrt=2)
    assert "missing chain factor: it is right times k=3" in failure(
        scaled, X, lambda x, w, da: da @ w.T, **{**common, "parameters": {"k": 3.0}}
    )


def test_the_kind_of_a_derivative_matters() -> None:
    jvp, vjp = (lambda x, dx: dx @ W), (lambda x, da: da @ W.T)
    assert assert_jacobian(lambda x: x @ W, X, jvp, derivative_kind="jvp").verdict == "pass"
    assert assert_jacobian(lambda x: x @ W, X, vjp, derivative_kind="vjp").verdict == "pass"
    square = W[:2]
    x = X[:, :2]
    assert "J001" in failure(lambda x: x @ square, x, lambda x, da: da @ square.T, derivative_kind="jvp")


def nearly_cos(x: Array) -> Array:
    return np.asarray(np.cos(x) * (1 + 1e-6))


def test_without_a_tolerance_a_millionth_is_too_much() -> None:
    assert "consistent with a constant factor of 1.000001" in failure(np.sin, X, nearly_cos)


def test_a_tolerance_of_one_s_own() -> None:
    assert assert_jacobian(np.sin, X, nearly_cos, rtol=1e-5).verdict == "pass"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"expect": "diagnoal"}, "expect: 'diagnoal' is not one of diagonal, block-diagonal"),
        ({"expect": ["diagonal", "round"]}, "expect: 'round' is not one of diagonal, block-diagonal"),
        ({"sed": 1}, "unknown setting 'sed'; there are seed, "),
        ({"wrt": 3}, "sigmoid has no operand 3 to differentiate by; it has x (1)"),
        ({"derivative_kind": "jpv", "derivative": np.cos}, "derivative kind 'jpv' is not one of elementwise, "),
    ],
)
def test_what_cannot_be_used_is_no_assertion(options: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(text)}"):
        assert_jacobian("sigmoid", X, **options)


def test_a_function_that_raises_is_no_assertion() -> None:
    def broken(x: Array) -> Array:
        raise KeyError("weights")

    with pytest.raises(FunctionFailedError, match="the function raised KeyError: 'weights'"):
        assert_jacobian(broken, X)


# --- Under pytest -----------------------------------------------------------------------------------------------------

TESTS = """
import numpy as np
from jacinspect import assert_jacobian

X = np.array([0.5, -1.25, 2.0])

def test_right():
    assert_jacobian(np.sin, X, np.cos, expect="diagonal")

def test_wrong():
    factor = -1
    assert_jacobian(np.sin, X, lambda x: factor * np.cos(x))  # the line that called

def test_unknown():
    assert_jacobian("sigmiod", X)
"""


def test_what_pytest_shows(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(TESTS, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "pytest", "-p", "no:cacheprovider", "--color=no", "-q", "test_theirs.py"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "2 failed, 1 passed" in done.stdout
    wrong, unknown = re.split(r"^_+ (?=test_unknown)", done.stdout, flags=re.MULTILINE)
    lines = wrong.splitlines()
    (called,) = [line for line in lines if line.startswith(">")]
    assert called.endswith("assert_jacobian(np.sin, X, lambda x: factor * np.cos(x))  # the line that called")
    shown = [line for line in lines if line.startswith("E ")]
    assert shown[0] == "E       AssertionError: sin: fail, X 3 → A 3"
    assert shown[1].startswith("E         J001 derivative-disagrees: 3 entries disagree, worst by its bar ∂A[")
    assert shown[1].endswith(", ratio -1; consistent with the opposite sign")
    header, *rows = [line.split()[1] for line in shown[2:]]
    assert header == "entry"
    assert sorted(rows) == [f"∂A[{k}]/∂X[{k}]" for k in range(3)]
    assert "test_theirs.py:12: AssertionError" in lines
    for internal in ("assertion.py", "inspection.py", "brief.py", "def assert_jacobian", "Traceback"):
        assert internal not in wrong
    assert "there is no function 'sigmiod'; did you mean sigmoid" in unknown


def test_to_assert_nothing_is_a_failure() -> None:
    with pytest.raises(AssertionError, match="nothing was asserted: give derivative="):
        jacinspect.assert_jacobian(np.tanh, [1.0])
    jacinspect.assert_jacobian(np.tanh, [1.0], expect="diagonal")
    jacinspect.assert_jacobian("tanh", [1.0])


def test_the_second_order_is_asserted() -> None:
    x = np.array([0.5, -1.0])
    assert assert_jacobian("x**3", x, hessian="6 * x").second_order is not None
    with pytest.raises(AssertionError, match="second order: 2 entries disagree"):
        assert_jacobian("x**3", x, hessian="5 * x")
