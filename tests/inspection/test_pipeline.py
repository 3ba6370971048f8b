import json
import math
import re
from collections.abc import Callable
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import jacinspect
from jacinspect.choices import AnyDerivativeKind, AnyExpectation, AnyLayout, AnyVec, Expectation, is_spectral
from jacinspect.errors import FunctionFailedError, InputError
from jacinspect.functions.catalogue.entry import nowhere
from jacinspect.functions.catalogue.lookup import function
from jacinspect.functions.catalogue.tables import ENTRIES
from jacinspect.functions.function import Function
from jacinspect.functions.rules import Jvp
from jacinspect.functions.with_claims import with_derivative
from jacinspect.identities.verification import verify_identities
from jacinspect.inspection.pipeline import inspect_function
from jacinspect.inspection.report import Report
from jacinspect.inspection.settings import Settings
from jacinspect.views.cells import slope
from jacinspect.views.facts import answers, reasons
from jacinspect.views.spy import spy
from tests.functions.catalogue.truth import inside
from tests.oracles import Array, Shape, arranged, dense, softmax_jacobian, tensor_of, times

F = Callable[[Array], Any]
NAMES = [entry.name for entry in ENTRIES if len(entry.operands) == 1]
ELEMENTWISE = [entry.name for entry in ENTRIES if entry.kind == "elementwise"]
BENT = ["tanh", *(e.name for e in ENTRIES if e.kind == "elementwise" and (e.kinks, e.jumps) != (nowhere, nowhere))]
OF_MATRICES = ("inv", "det", "logdet", "trace")


def normal(shape: Shape, seed: int = 0) -> Array:
    return np.asarray(np.random.default_rng(seed).standard_normal(shape))


def codes(report: Report, severity: str = "error") -> list[str]:
    return [finding.code for finding in report.findings if finding.severity == severity]


def message(report: Report, code: str) -> str:
    (found,) = [finding for finding in report.findings if finding.code == code]
    return found.message


def with_rule(value: F, rule: Callable[[Array, Array], Any]) -> Function:
    return Function("mine", "unknown", value=value, rule=Jvp(rule), source="python")


def against(value: F, matrix: Array, x: Array, **settings: Any) -> Report:
    """Compare a dense M×N claim, rows and columns row-major, with f."""
    shape = np.shape(value(x.copy()))
    rule = lambda x, dx: (matrix @ dx.ravel()).reshape(shape)  # noqa: E731
    return inspect_function(with_rule(value, rule), x, Settings(**settings))


# --- Correct functions are never accused ------------------------------------------------------------------------------


SHAPES: list[Shape] = [(), (1,), (5,), (3, 4), (2, 3, 2), (0, 3)]


def takes(name: str, shape: Shape) -> bool:
    """Whether a function with its default parameters has finite values on a shape: of nothing there is no mean."""
    parameters = function(name).parameters
    if not shape and parameters.get("axis") is not None:
        return False
    if name in OF_MATRICES and (len(shape) < 2 or (name != "trace" and shape[-1] != shape[-2])):
        return False
    if 0 in shape and name in ("mean", "max", "min", "var", "std", "logsumexp", "logmeanexp", "median"):
        return False
    if math.prod(shape) == 1 and "correction" in parameters:
        return False
    return not (shape[-1:] and shape[-1] % 2 and ("gate" in parameters or "size" in parameters))


@pytest.mark.parametrize(("shape", "name"), [(s, n) for s in SHAPES for n in NAMES if not takes(n, s)])
def test_a_shape_that_a_function_is_not_defined_on_is_named(shape: Shape, name: str) -> None:
    if name == "logsumexp":  # the logarithm of an empty sum
        report = jacinspect.inspect(name, np.zeros(shape))
        assert (codes(report), message(report, "J004")) == (["J004"], "A is -inf whatever the operand is")
    else:
        with pytest.raises(InputError, match=f"^{name}: (axis|an operand|n - correction|a (square )?matrix) "):
            jacinspect.inspect(name, np.zeros(shape))


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        *((s, n) for s in SHAPES for n in NAMES if takes(n, s)),
        *((s, n) for s in [(1, 1), (3, 3), (2, 2, 2)] for n in OF_MATRICES),
    ],
)
def test_the_catalogue_at_random_points(shape: Shape, name: str) -> None:
    turn = NAMES.index(name) + len(shape)  # so that every function has every scale, and every shape does
    scales = (1.0,) if math.prod(shape) < 2 else SCALES[turn % 4 :: 4] if shape != (3, 4) else SCALES[turn % 2 :: 2]
    for seed, scale in enumerate(scales):
        report = jacinspect.inspect(name, inside(name, normal(shape, seed) * scale), seed=seed)
        assert "fail" not in (report.verdict, report.agreement and report.agreement.verdict)
        if report.output is not None and report.output.size and np.isinf(report.output).all():  # nothing to compare
            assert (report.verdict, codes(report)) == ("inconclusive", ["J006"])
            continue
        near = name in NEAR_BENDS and scale == 1e-8  # a step reaches over what bends at 0
        stairs = name in STAIRS and scale > 1  # which beside so large an x may be those of rounding
        unsettled = name == "cumsum" or near or stairs
        allowed = (["J006"], ["J012"]) if name == "reglu" else (["J006"],)
        assert report.verdict == "pass" or (unsettled and codes(report) in allowed), report.findings


SCALES = (1e-8, 1.0, 1e4, 30.0)
NEAR_BENDS = ("std", "median", "sort", "l1_normalize", "l2_normalize", "rms_norm", "relu_squared", "reglu")
STAIRS = ("floor", "ceil", "round", "trunc")
HARD = [0.0, -0.0, 5e-324, -5e-324, 1e-300, -1e-300, 1e-20, 1e-12, -1e-9, 1e-3, 0.5, -3.0, 20.0, -40.0, 1e3, -1e5, 1e8]


def hard_points(name: str) -> Array:
    """Those at which a derivative can be measured: no step reaches a pole or a jump, none is as wide as a wave."""
    x = np.array(HARD)
    largest = 1e8 if name in ("sin", "cos", "tan", "snake") else 20 if name in STAIRS else np.inf
    return inside(name, x[np.abs(x) < largest])


@pytest.mark.parametrize(
    ("name", "strict"), [*((name, False) for name in ELEMENTWISE), *((name, True) for name in BENT)]
)
def test_elementwise_functions_at_hard_points(name: str, strict: bool) -> None:
    x = hard_points(name)
    report = jacinspect.inspect(name, x, strict_kinks=strict)
    (entry,) = (entry for entry in ENTRIES if entry.name == name)
    known = entry.bind({}).parameters
    bent = {float(x) for x in (*entry.kinks(**known), *entry.jumps(**known))} & set(x.tolist())
    overflows = name in ("exp", "exp2", "expm1", "sinh", "cosh")
    assert codes(report) == (["J003"] if strict and bent else [])
    assert set(codes(report, "note")) <= {"J003", "J004", "J014"}
    assert ("J004" in codes(report, "note")) == overflows
    if 0.0 in bent:
        assert {(0,), (1,)} <= {index for f in report.findings if f.code == "J003" for index in f.at}
    assert report.jacobian is not None
    assert report.jacobian.is_diagonal


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_functions_where_entries_are_not_finite(name: str) -> None:
    report = jacinspect.inspect(name, inside(name, np.array([np.inf, -np.inf, np.nan, 0.5, -2.0])))
    assert report.verdict == "pass"
    assert report.jacobian is not None
    assert report.jacobian.is_diagonal
    json.loads(report.to_json())


@pytest.mark.parametrize("x", [[1e300, -1e300, 1e307], [1.7e308, -1.7e308, 1.0]])
@pytest.mark.parametrize("name", ["identity", "relu", "leaky_relu", "abs", "silu", "gelu", "softplus", "elu", "tanh"])
def test_elementwise_functions_at_the_largest_numbers(name: str, x: list[float]) -> None:
    assert jacinspect.inspect(name, x).verdict == "pass"


def layer_norm(x: Array) -> Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    return np.asarray(centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5))


def layer_norm_jvp(x: Array, dx: Array) -> Array:
    centred, slope = x - x.mean(axis=-1, keepdims=True), dx - dx.mean(axis=-1, keepdims=True)
    scale = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    return np.asarray(slope / scale - centred * (centred * slope).mean(axis=-1, keepdims=True) / scale**3)


def log_softmax(x: Array) -> Array:
    shifted = x - x.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def log_softmax_jvp(x: Array, dx: Array) -> Array:
    return np.asarray(dx - (np.exp(log_softmax(x)) * dx).sum(axis=-1, keepdims=True))


@pytest.mark.parametrize("seed", range(10))
def test_functions_of_the_user_s_own(seed: int) -> None:
    w = normal((4, 5), 99)
    x = normal((3, 4), seed)
    for value, rule in [
        (layer_norm, layer_norm_jvp),
        (lambda x: x @ w, lambda x, dx: dx @ w),
        (lambda x: np.tanh(x @ w).sum(axis=0), lambda x, dx: (dx @ w / np.cosh(x @ w) ** 2).sum(axis=0)),
        (lambda x: np.maximum(x, 0) @ w, lambda x, dx: (dx * (x > 0)) @ w),
    ]:
        report = inspect_function(with_rule(value, rule), x, Settings())
        assert report.verdict == "pass", report.findings


def test_functions_that_cancel_inside() -> None:
    cases: list[tuple[float, float, Shape, F, Callable[[Array, Array], Array]]] = [
        (0, 5, (2, 5), log_softmax, log_softmax_jvp),
        (1e3, 1, (3, 6), layer_norm, layer_norm_jvp),
        (0, 1e-3, (5,), lambda x: 1 - np.cos(x), lambda x, dx: np.sin(x) * dx),
    ]
    accused = []
    for seed in range(18):
        mean, deviation, shape, value, rule = cases[seed % 3]
        report = inspect_function(with_rule(value, rule), mean + deviation * normal(shape, seed), Settings())
        accused += [seed] * (report.verdict == "fail")
    assert not accused


# --- Planted errors are found -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "number"),
    [
        (lambda d: -d, 12),
        (lambda d: d * (1 + 1e-6), 12),
        (lambda d: d * 0, 12),
        (lambda d: d * 2, 12),
        (lambda d: d + np.where(np.arange(12).reshape(3, 4) == 7, 1e-8, 0), 1),
        (lambda d: np.where(np.arange(12).reshape(3, 4) == 7, -d, d), 1),
        (lambda d: np.full_like(d, 0.5), 12),
    ],
)
def test_a_wrong_elementwise_derivative(spoil: F, number: int) -> None:
    for seed in range(5):
        x = normal((3, 4), seed)
        right = jacinspect.inspect(np.sin, x, derivative=np.cos, seed=seed)
        assert (right.verdict, codes(right)) == ("pass", [])
        wrong = jacinspect.inspect(np.sin, x, derivative=lambda x: spoil(np.cos(x)), seed=seed)
        assert (wrong.verdict, codes(wrong)) == ("fail", ["J001"])
        assert wrong.agreement is not None
        assert wrong.agreement.verdict == "fail"
        assert message(wrong, "J001").startswith(f"{number} entr")
        if number == 1:
            assert [finding.at for finding in wrong.findings if finding.code == "J001"] == [((1, 3),)]
            assert wrong.agreement.worst[0].operand == wrong.agreement.worst[0].output == (1, 3)


def test_one_entry_of_ten_thousand_wrong_by_1e_8() -> None:
    for seed in range(3):
        x = normal((100, 100), seed)

        def derivative(x: Array) -> Array:
            slope = np.cos(x)
            slope[37, 59] *= 1 + 1e-8
            return np.asarray(slope)

        report = jacinspect.inspect(np.sin, x, derivative=derivative, seed=seed)
        assert [finding.at for finding in report.findings if finding.code == "J001"] == [((37, 59),)]


def test_a_dense_derivative_of_cumsum() -> None:
    x = normal((6,))
    assert against(np.cumsum, np.tri(6), x).verdict == "pass"
    report = against(np.cumsum, np.ones((6, 6)), x)
    assert (report.verdict, codes(report)) == ("fail", ["J001"])
    assert "the derivative has entries where the function has none" in message(report, "J001")


@pytest.mark.parametrize("size", [1.0, 1e-6])
def test_a_missing_or_superfluous_coupling(size: float) -> None:
    weights = np.diag([1.0, 2, 3, 4, 5])
    weights[1, 3] = size
    x = normal((5,))
    assert against(lambda x: np.sin(weights @ x), np.cos(weights @ x)[:, None] * weights, x).verdict == "pass"
    less = weights.copy()
    less[1, 3] = 0
    missing = against(lambda x: np.sin(weights @ x), np.cos(weights @ x)[:, None] * less, x)
    assert codes(missing) == ["J001"]
    assert "∂A[1]/∂X[3]" in message(missing, "J001")
    superfluous = against(lambda x: np.sin(less @ x), np.cos(less @ x)[:, None] * weights, x)
    assert codes(superfluous) == ["J001"]
    assert "A[1]" in message(superfluous, "J001")


def test_a_transposed_jacobian() -> None:
    x = normal((4,))
    w = normal((4, 4), 1)
    jacobian = np.cos(w @ x)[:, None] * w
    assert against(lambda x: np.sin(w @ x), jacobian, x).verdict == "pass"
    assert codes(against(lambda x: np.sin(w @ x), jacobian.T, x)) == ["J001"]
    order = [2, 0, 3, 1]  # a permutation whose transpose shares no entry with it
    matrix = dense(lambda p, q: float(q[0] == order[p[0]]), (4,), (4,))
    assert against(lambda x: x[order], matrix, x).verdict == "pass"
    assert codes(against(lambda x: x[order], matrix.T, x)) == ["J001"]


@pytest.mark.parametrize(("slope", "verdict", "code"), [(0, "pass", "J003"), (1, "pass", "J003"), (0.5, "pass", "J003"),
                                                        (-1, "fail", "J001"), (1.5, "fail", "J001")])  # fmt: skip
def test_slopes_of_relu_at_zero(slope: float, verdict: str, code: str) -> None:
    def derivative(x: Array) -> Array:
        return np.where(x > 0, 1.0, np.where(x == 0, slope, 0.0))

    report = jacinspect.inspect(lambda x: np.maximum(x, 0), [0.0, 1.0, -1.0], derivative=derivative)
    assert report.verdict == verdict
    assert [finding.code for finding in report.findings] == [code]
    assert message(report, code) == (
        f"1 entry on a kink: at X[0] = 0, ∂A[0]/∂X[0] has slope 0 to the left and 1 to the right; analytic {slope:.6g}"
    )
    strict = jacinspect.inspect(lambda x: np.maximum(x, 0), [0.0, 1.0], derivative=derivative, strict_kinks=True)
    assert (strict.verdict, codes(strict)) == ("fail", [code])


# --- Findings, one by one ---------------------------------------------------------------------------------------------


def test_expectations_that_hold() -> None:
    x, vector = normal((3, 4)), normal((5,))
    unlike = ("dense", "permutation", "orthogonal", "volume-preserving")
    assert jacinspect.inspect("tanh", x, expect=[name for name in Expectation if name not in unlike])  # type: ignore[misc]
    for name, point, expected in [
        ("tanh", x, ["diagonal", "block-diagonal", "permutation", "broadcast", "lower-triangular", "symmetric"]),
        ("softmax", x, ["block-diagonal"]),
        ("softmax", vector, ["symmetric", "dense"]),
        ("cumsum", vector, ["lower-triangular"]),
        ("diff", normal((8,)), ["banded"]),
        ("transpose", x, ["permutation", "broadcast"]),
    ]:
        report = jacinspect.inspect(name, point, expect=expected)  # type: ignore[arg-type]
        assert (report.verdict, codes(report)) == ("pass", []), name


EXPECTED = ", ".join(Expectation).replace(" invertible", "\ninvertible") + " or rank=3"
LEANING = np.ones((5, 5)) + np.diag([8.0, 0, 0, 0, 9])
LEANING[4, 2] = 2


@pytest.mark.parametrize(
    ("expectation", "f", "expected"),
    [
        ("diagonal", "softmax", "expected diagonal, found dense: ∂A["),
        ("block-diagonal", "cumsum", "expected block-diagonal, found lower-triangular: ∂A[4]/∂X[0] = 1"),
        ("permutation", "softmax", "expected permutation, found dense: ∂A["),
        ("broadcast", "cumsum", "expected broadcast, found lower-triangular: ∂A["),
        ("lower-triangular", "softmax", "expected lower-triangular, found dense: ∂A["),
        ("upper-triangular", "cumsum", "expected upper-triangular, found lower-triangular: ∂A["),
        ("symmetric", "cumsum", "expected symmetric, found lower-triangular: ∂A[1]/∂X[0] = 1, its mirror is not read"),
        ("symmetric", lambda x: LEANING @ x, "expected symmetric, found dense: ∂A[4]/∂X[2] = 2, its mirror 1"),
        ("dense", "cumsum", "expected dense, found lower-triangular: ∂A[0]/∂X[1] = 0"),
        ("dense", lambda x: (1 - np.eye(5)[::-1]) @ x, "expected dense, found irregular: ∂A[0]/∂X[4] = 0"),
        ("banded", "cumsum", "expected banded, found lower-triangular: ∂A[4]/∂X[0] = 1"),
        ("diagonal", lambda x: x[:3] ** 2, "expected diagonal, found broadcast: the matrix is 3×5, not square"),
        ("symmetric", lambda x: x[:3] ** 2, "expected symmetric, found broadcast: the matrix is 3×5, not square"),
    ],
)
def test_an_expectation_that_does_not_hold_has_a_witness(expectation: AnyExpectation, f: Any, expected: str) -> None:
    report = jacinspect.inspect(f, normal((5,)), expect=[expectation])
    assert (report.verdict, codes(report)) == ("fail", ["J002"])
    assert message(report, "J002").startswith(expected)


@pytest.mark.parametrize(
    "expectation", [each for each in Expectation if each != "holomorphic" and not is_spectral(each)]
)
def test_a_witness_speaks_against_what_was_expected(expectation: AnyExpectation) -> None:
    """The entry that is named lies where the property allows none (or, for dense, is one that is missing)."""
    matrix = np.zeros((6, 6))
    matrix[[0, 0, 2, 5, 4, 3], [1, 4, 0, 2, 4, 3]] = [1, 2, 3, 4, 5, 6]
    report = jacinspect.inspect(lambda x: matrix @ x, normal((6,)), expect=[expectation])
    text = message(report, "J002")
    output, operand = (int(text.split(f"{name}[")[1].split("]")[0]) for name in ("∂A", "∂X"))
    value = float(text.split("= ")[1].split(",")[0])
    assert value == pytest.approx(matrix[output, operand], rel=1e-5)
    assert (value == 0) == (expectation == "dense")
    if expectation in ("diagonal", "block-diagonal", "symmetric"):
        assert output != operand
    if expectation == "lower-triangular":
        assert operand > output
    if expectation == "upper-triangular":
        assert operand < output
    if expectation in ("permutation", "broadcast"):
        assert output == 0


def test_values_that_are_not_finite() -> None:
    report = jacinspect.inspect(np.log, [-1.0, 2.0])
    assert codes(report) == ["J004"]
    assert message(report, "J004") == "1 entry not finite: A[0] is nan at the finite X[0] = -1"
    infinite = jacinspect.inspect(np.sqrt, [0.0, 2.0], derivative=lambda x: 0.5 / np.sqrt(x))
    assert codes(infinite) == ["J004"]
    assert "the analytic ∂A[0]/∂X[0] is inf" in message(infinite, "J004")
    overflow = jacinspect.inspect("exp", [710.0, 1.0])
    assert (overflow.verdict, codes(overflow, "note")) == ("pass", ["J004"])
    assert message(overflow, "J004") == "1 entry not compared: value and derivative overflow to inf at X[0] = 710"
    opposite = jacinspect.inspect("cosh", [-711.0, 1.0])
    assert (opposite.verdict, codes(opposite, "note")) == ("pass", ["J004"])
    assert "value and derivative overflow to inf and -inf at X[0] = -711" in message(opposite, "J004")
    operand = jacinspect.inspect("sigmoid", [np.nan, 1.0])
    assert (operand.verdict, codes(operand, "note")) == ("pass", ["J004"])
    assert message(operand, "J004") == "1 entry not compared: X[0] is nan"
    constant = jacinspect.inspect(lambda x: np.full(3, np.nan), [1.0])
    assert "A[0] is nan whatever the operand is" in message(constant, "J004")


def test_a_function_that_is_not_one() -> None:
    rng = np.random.default_rng(0)
    report = jacinspect.inspect(lambda x: x + rng.random(), normal((3,)))
    assert (report.verdict, codes(report)) == ("fail", ["J005"])
    assert report.jacobian is None
    json.loads(report.to_json())


def test_a_function_that_changes_its_argument() -> None:
    def f(x: Array) -> Array:
        x *= 2
        return x

    x = normal((3,))
    before = x.copy()
    report = jacinspect.inspect(f, x)
    assert (report.verdict, codes(report)) == ("fail", ["J008"])
    np.testing.assert_array_equal(x, before)


def test_a_function_that_hands_out_its_buffer_or_its_argument() -> None:
    buffer = np.zeros(4)

    def f(x: Array) -> Array:
        np.sin(x, out=buffer)
        return buffer

    report = jacinspect.inspect(f, normal((4,)), derivative=np.cos)
    assert (report.verdict, report.findings) == ("pass", ())
    assert jacinspect.inspect(lambda x: x, normal((4,)), derivative=np.ones_like).verdict == "pass"
    assert jacinspect.inspect(lambda x: x[::-1], normal((4,))).verdict == "pass"


def test_what_no_step_resolves_is_inconclusive() -> None:
    for derivative in (np.cos, lambda x: -np.cos(x), None):
        report = jacinspect.inspect(np.sin, [1e17], derivative=derivative)
        assert (report.verdict, codes(report)) == ("inconclusive", ["J006"])


def test_a_budget_of_evaluations() -> None:
    report = jacinspect.inspect(np.sum, normal((300, 300)), max_evaluations=200)
    assert (report.verdict, codes(report, "note")) == ("pass", ["J007", "J009"])
    assert not report.detection.proved
    assert report.agreement is not None
    assert 0 < report.agreement.coverage < 1
    assert report.jacobian is not None
    assert (report.jacobian.stored, report.jacobian.arrangement) == (None, None)
    rows = jacinspect.inspect("softmax", normal((40, 500)), max_evaluations=200)
    assert "proved: 40 diagonal blocks of 500×500" in message(rows, "J007")
    assert message(rows, "J007").startswith("the budget of 200 calls (--max-evaluations) ended detection early")
    assert rows.jacobian is not None
    assert rows.jacobian.structure == "block-diagonal"


def test_a_sampled_comparison_still_finds_a_wrong_rule() -> None:
    x = normal((300, 300))
    for factor, verdict in ((1.0, "pass"), (1.001, "fail")):
        function = with_rule(np.sum, partial(scaled_sum, factor))
        report = inspect_function(function, x, Settings(max_evaluations=200))
        assert report.verdict == verdict
        assert report.agreement is not None
        compared = report.agreement.entries_compared  # what 200 calls leave, at eight a color
        assert 1 < compared <= (200 - report.detection.evaluations) / 8
        assert report.agreement.coverage == compared / 90_000


def test_the_derivative_given_for_a_catalogue_function_is_checked_as_any_other() -> None:
    x = normal((3,))

    def spoils_its_argument(x: Array) -> Array:
        slope = 1 - np.tanh(x) ** 2
        x[...] = 0
        return slope

    assert jacinspect.inspect("tanh", x, derivative=spoils_its_argument).verdict == "pass"
    with pytest.raises(FunctionFailedError, match=r"^the derivative returned complex128"):
        jacinspect.inspect("tanh", x, derivative=lambda x: 1j * x)


def scaled_sum(factor: float, x: Array, dx: Array) -> Any:
    return factor * np.sum(dx)


def test_a_budget_of_memory() -> None:
    w = normal((60, 60), 3)
    report = against(lambda x: w @ x, w, normal((60,)), memory=200_000)
    assert report.verdict == "pass"
    assert message(report, "J007").startswith("the budget of 195 KiB (--memory) ")
    assert report.agreement is not None
    assert report.agreement.coverage < 1


def test_hadamard_off_by_how_much() -> None:
    x, dx = normal((2, 3)), normal((2, 3), 1)
    report = jacinspect.inspect("softmax", x, direction=dx)
    truth = softmax_jacobian(x, 1)
    product = times(truth, dx.ravel())
    short = [truth[k, k] * dx.ravel()[k] for k in range(6)]
    off = max(abs(a - b) for a, b in zip(product, short, strict=True))
    assert report.hadamard is not None
    np.testing.assert_allclose(report.hadamard.product.ravel(), product, rtol=1e-12)
    assert not report.hadamard_valid
    assert message(report, "J009").endswith(f"it is off by up to {off:.3g}")
    assert jacinspect.inspect("tanh", x, direction=dx).hadamard_valid
    there_is_none = jacinspect.inspect(lambda x: x.sum(axis=0), x)
    assert message(there_is_none, "J009") == "A' ⊙ dX does not exist: A is 3 and X is 2×3"


def rule_of(kind: str, matrix: Any) -> Callable[..., Array]:
    """A derivative in a form, of f: R^N -> R^M whose Jacobian is claimed to be this matrix."""
    rules: dict[str, Callable[..., Array]] = {
        "jacobian": lambda x: matrix,
        "jvp": lambda x, v: matrix @ v,
        "vjp": lambda x, w: matrix.T @ w,
    }
    return rules[kind]


@pytest.mark.parametrize("kind", ["jacobian", "jvp", "vjp"])
@pytest.mark.parametrize("n", [3, 40, 3000])
def test_an_entry_where_f_has_none_is_named_with_its_own_value(kind: AnyDerivativeKind, n: int) -> None:
    """Not the sum of several entries, which is what a rule gives that is asked for many at once."""
    x = np.arange(1.0, n + 1)
    matrix = scipy.sparse.csr_array((np.r_[2 * x, 0.5], (np.r_[:n, 2], np.r_[:n, 0])))
    report = jacinspect.inspect(np.square, x, rule_of(kind, matrix), derivative_kind=kind)
    assert message(report, "J001") == (
        "the derivative has entries where the function has none: 1 entry, worst ∂A[2]/∂X[0]: analytic 0.5, numeric 0"
    )
    assert report.agreement is not None
    assert report.agreement.max_difference == 0.5
    worst = report.agreement.worst[0]
    assert (worst.output, worst.operand, worst.analytic, worst.numeric) == ((2,), (0,), 0.5, 0.0)
    assert report.jacobian is not None
    assert report.jacobian.analytic is not None
    found = report.jacobian.analytic
    assert abs(scipy.sparse.csr_array((found.data, found.indices, found.indptr), found.shape) - matrix).max() == 0
    assert report.hadamard_valid  # what is wrong is outside A'
    assert report.hadamard is not None
    assert report.hadamard.max_difference == 0
    if n == 3:
        assert report.jacobian.arrangement is not None
        assert spy(report.jacobian.arrangement, 80, marked=report.jacobian.spurious) == ["■ · ·", "· ■ ·", "✘ · ■"]


@pytest.mark.parametrize("kind", ["jvp", "vjp"])
def test_entries_beside_others_that_are_wrong_have_their_own_values(kind: AnyDerivativeKind) -> None:
    x = np.arange(1.0, 6)
    matrix = np.diag(2 * x)
    matrix[1, 1] *= 3
    matrix[4, 1] = matrix[1, 4] = 7
    report = jacinspect.inspect(np.square, x, rule_of(kind, matrix), derivative_kind=kind)
    assert re.fullmatch(
        r"1 entry disagrees, worst ∂A\[1\]/∂X\[1\]: analytic 12, numeric 4 ± \S+, analytic/numeric = \S+; 2 more "
        r"where the true entry is 0, worst ∂A\[1\]/∂X\[4\]: analytic 7, numeric 0",
        message(report, "J001"),
    )


def test_a_rule_in_single_precision_is_not_asked_for_its_rounding() -> None:
    x, calls = normal((30, 20)), []

    def pull(x: Array, w: Array) -> Array:
        calls.append(1)
        p = (np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)).astype(np.float32)
        g = w.astype(np.float32)
        return np.asarray(p * (g - (p * g).sum(axis=1, keepdims=True)), np.float64)

    jacinspect.inspect("softmax", x, pull, derivative_kind="vjp")
    assert len(calls) < 60


def test_what_a_rule_leaves_by_rounding_where_f_has_nothing_is_no_entry() -> None:
    x = normal((4, 5))

    def rule(x: Array, dx: Array) -> Array:
        p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
        noise = 1e-17 * (dx.sum() - dx.sum(axis=1, keepdims=True))
        return np.asarray(p * (dx - (p * dx).sum(axis=1, keepdims=True)) + noise)

    report = jacinspect.inspect("softmax", x, rule, derivative_kind="jvp")
    assert report.verdict == "pass"
    assert report.jacobian is not None
    assert report.jacobian.analytic is not None
    assert report.jacobian.analytic.pattern.stored == report.jacobian.stored


@pytest.mark.parametrize("kind", ["elementwise", "jacobian", "jvp", "vjp"])
def test_there_is_one_derivative_a_prime(kind: AnyDerivativeKind) -> None:
    """The panel, the Hadamard product, the JSON and the identities are about the claimed one where a claim is wrong."""
    x, dx = normal((3,)), normal((3,), 1)
    slopes = 1 + np.tanh(x) ** 2
    claims: dict[str, Any] = {
        "elementwise": lambda x: slopes,
        "jacobian": lambda x: np.diag(slopes),
        "jvp": lambda x, v: slopes * v,
        "vjp": lambda x, w: slopes * w,
    }
    report = jacinspect.inspect("tanh", x, claims[kind], derivative_kind=kind, direction=dx)
    written = report.to_dict()["hadamard"]
    np.testing.assert_allclose(written["hadamard"], slopes * dx, rtol=1e-15)
    np.testing.assert_allclose(written["jacobian_product"], (1 - np.tanh(x) ** 2) * dx, rtol=1e-9)
    assert written["valid"] is False
    assert written["max_difference"] == pytest.approx(np.abs(2 * np.tanh(x) ** 2 * dx).max())
    shown = dict(chain(*(facts(report, report.jacobian, report.form("vec")) for facts in (answers, reasons))))  # type: ignore[arg-type]
    assert re.fullmatch(r"✗ A' ⊙ dX ≠ J·vec\(dX\), largest difference 0\.\d+, with the claimed A'", shown["Hadamard"])
    assert "≠" in shown["chain rule"]
    np.testing.assert_array_equal(slope(report, report.jacobian), slopes)  # type: ignore[arg-type]
    tanh = with_derivative(function("tanh"), claims[kind], kind).by(1, [x])
    (first, *_) = (i for i in verify_identities(tanh, x).identities if i.name == "differential-hadamard")
    assert not first.holds


def test_a_dependence_that_lives_close_to_x_alone() -> None:
    """And only when all entries move at once, as along a random direction and never in a search."""
    x = normal((4,))

    def f(y: Array) -> Array:
        near = float(np.max(np.abs(y - x)) < 0.2 and np.all(y != x))
        return np.asarray(y + near * (y - x)[::-1])

    report = jacinspect.inspect(f, x, derivative=np.ones_like)  # the partial derivatives, at x itself
    assert report.verdict == "pass"
    assert report.jacobian is not None
    assert report.jacobian.stored == 16
    together = np.eye(4) + np.eye(4)[::-1]  # those beside x
    assert jacinspect.inspect(f, x, derivative=together, derivative_kind="jacobian").verdict == "inconclusive"


def minmod(one: Array, other: Array) -> Array:
    return np.where(one * other > 0, np.where(np.abs(one) < np.abs(other), one, other), 0)


def limited(u: Array) -> Array:
    """A scheme of second order, with the smaller of two slopes: of first order where numbers are equal."""
    face = u + minmod(u - np.roll(u, 1), np.roll(u, -1) - u) / 2
    return np.asarray(np.roll(face, 1) - face)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("n", [8, 40])
def test_a_limiter_at_equal_numbers_is_not_accused(n: int, seed: int) -> None:
    """Along each line it has one derivative, and no Jacobian has them all."""
    upwind = np.roll(np.eye(n), 1, axis=0) - np.eye(n)
    for x in (np.ones(n), np.repeat([1.0, 0.0], n // 2)):
        for claim, verdicts in (
            (upwind, {"pass"}),
            (2 * upwind, {"fail", "inconclusive"}),
        ):  # that no mean of slopes is
            report = jacinspect.inspect(limited, x, claim, derivative_kind="jacobian", seed=seed)
            assert report.verdict in verdicts, report.findings


@pytest.mark.parametrize(("factor", "verdict"), [(1, "pass"), (1.03, "fail")])
def test_a_limiter_among_others_leaves_the_sum_that_a_vjp_is_compared_in(factor: float, verdict: str) -> None:
    """Where few calls are allowed, J is sampled, and Jᵀw is compared with f in one number."""
    rng = np.random.default_rng(0)
    weights, x = rng.standard_normal((60, 60)), rng.standard_normal(60)
    x[1] = x[2] = x[0]

    def f(x: Array) -> Array:
        y = np.sin(weights @ x / 8)
        y[0] = minmod(x[0] - x[1], x[1] - x[2]) + x[3]
        return y

    slopes = np.cos(weights @ x / 8)[:, None] * weights / 8
    slopes[0] = np.eye(60)[3]
    for seed in range(3):
        report = jacinspect.inspect(
            f, x, lambda x, w: factor * (w @ slopes), derivative_kind="vjp", max_evaluations=60, seed=seed
        )
        assert report.verdict == verdict, report.findings


@pytest.mark.parametrize("form", ["jacobian", "jvp", "vjp"])
def test_an_entry_of_a_dead_output_is_found_beside_a_large_one(form: Any) -> None:
    x, claim = normal((1000,)), np.zeros((4, 1000))
    claim[0, 0], claim[2, 3] = 1e12, 0.1
    rules: dict[str, Any] = {"jacobian": claim, "jvp": lambda x, v: claim @ v, "vjp": lambda x, w: w @ claim}
    f = lambda x: np.concatenate([[1e12 * x[0]], np.maximum(-100 - x[1:4], 0)])  # noqa: E731
    assert jacinspect.inspect(f, x, rules[form], derivative_kind=form).verdict == "fail"
    claim[2, 3] = 0
    assert jacinspect.inspect(f, x, rules[form], derivative_kind=form).verdict == "pass"


def test_a_dependence_near_x_that_a_second_search_finds() -> None:
    x = normal((4,))

    def f(y: Array) -> Array:
        near = float(np.max(np.abs(y - x)) < 0.2)
        return np.asarray(y + near * (y - x)[::-1])

    report = jacinspect.inspect(f, x)
    assert codes(report) == []
    assert report.jacobian is not None
    assert report.jacobian.numeric is not None
    np.testing.assert_allclose(report.jacobian.numeric.matrix(), np.eye(4) + np.eye(4)[::-1], atol=1e-9)


# --- The report's numbers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vec", ["column", "row"])
@pytest.mark.parametrize("layout", ["numerator", "denominator"])
def test_matrices_as_they_are_shown(vec: AnyVec, layout: AnyLayout) -> None:
    x = normal((2, 3))
    report = jacinspect.inspect("softmax", x, vec=vec, layout=layout)
    expected = arranged(tensor_of(softmax_jacobian(x, 1), (2, 3), (2, 3)), (2, 3), vec, layout)
    assert report.jacobian is not None
    for of in ("analytic", "numeric"):
        matrix = report.jacobian.matrix(of)
        assert matrix is not None
        np.testing.assert_allclose(matrix, expected, atol=1e-10)
    shown = report.to_dict()["jacobian"]
    np.testing.assert_allclose(shown["analytic"], expected, atol=1e-14)
    listed = set(zip(shown["pattern"]["rows"], shown["pattern"]["columns"], strict=True))
    assert listed == {(o, i) for o in range(6) for i in range(6) if expected[o, i] != 0}


def test_equal_runs_give_equal_text() -> None:
    cases: list[tuple[Any, Array]] = [("softmax", normal((3, 4))), ("relu", np.zeros(3)), (np.sum, normal((200, 200)))]
    for name, point in cases:
        texts = {jacinspect.inspect(name, point, seed=5, max_evaluations=300).to_json() for _ in range(3)}
        assert len(texts) == 1
    one, other = (jacinspect.inspect("tanh", normal((3,)), seed=seed).to_json() for seed in (0, 1))
    assert one != other


def test_nonzeros_are_those_of_this_point() -> None:
    report = jacinspect.inspect("relu", [1.0, -1.0, 2.0, -3.0])
    assert report.jacobian is not None
    assert (report.jacobian.stored, report.jacobian.nonzeros) == (4, 2)
    unnamed = jacinspect.inspect(lambda x: np.maximum(x, 0), [1.0, -1.0, 2.0, -3.0])
    assert unnamed.jacobian is not None
    assert unnamed.jacobian.nonzeros == 2


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_nothing_in_nothing_out(shape: Shape) -> None:
    for f in ("sigmoid", np.sum, lambda x: np.ones(2), "softmax"):
        report = jacinspect.inspect(f, np.zeros(shape))
        assert report.verdict == "pass"
        assert report.jacobian is not None
        assert report.jacobian.structure == "zero"
        json.loads(report.to_json())


# --- float32 ----------------------------------------------------------------------------------------------------------


def test_float32_operands_are_differenced_in_double_where_f_accepts_it() -> None:
    x = normal((3, 4)).astype(np.float32)
    for name in NAMES:
        report = jacinspect.inspect(name, inside(name, x[:, :3] if name in OF_MATRICES else x))
        assert report.verdict == "pass", name
        assert report.operand.values.dtype == np.float32
    for off, code in ((1e-6, "J001"), (1e-9, "J006")):  # less than data of single precision are rounded by is left open
        report = jacinspect.inspect(np.sin, x, derivative=lambda x, off=off: np.cos(x) * (1 + off))
        assert codes(report) == [code]
        assert report.jacobian is not None
        assert report.jacobian.error_bar is not None
        assert (report.jacobian.error_bar <= 1e-10).all()


def test_a_function_that_takes_float32_alone() -> None:
    def f(x: Array) -> Array:
        if x.dtype != np.float32:
            raise TypeError("float32 wanted")
        return np.asarray(np.tanh(x))

    x = normal((3, 4)).astype(np.float32)
    slope: F = lambda x: 1 - np.tanh(x) ** 2  # noqa: E731
    assert jacinspect.inspect(f, x, derivative=slope).verdict == "pass"
    assert jacinspect.inspect(f, x, derivative=lambda x: slope(x) * 1.01).verdict == "fail"
    assert jacinspect.inspect(f, x.astype(np.float64), derivative=slope).verdict == "pass"


def test_a_function_that_computes_in_float32() -> None:
    f = lambda x: np.tanh(x.astype(np.float32))  # noqa: E731
    for seed in range(10):
        x = normal((3, 4), seed)
        assert jacinspect.inspect(f, x, derivative=lambda x: 1 - np.tanh(x) ** 2).verdict == "pass"
        assert jacinspect.inspect(f, x, derivative=lambda x: 1.01 - np.tanh(x) ** 2).verdict == "fail"


# --- What cannot be inspected -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: None, "the function returned None; an array of real numbers is needed"),
        (lambda x: "text", "the function returned a str; an array of real numbers is needed"),
        (lambda x: [[1.0], [2.0, 3.0]], "the function returned a list that is no array"),
        (lambda x: {2: x}[1], "the function raised KeyError: 1"),
        (lambda x: x @ np.ones(7), "the function raised ValueError: "),
    ],
)
def test_functions_that_break_the_contract(f: F, expected: str) -> None:
    with pytest.raises(FunctionFailedError) as error:
        jacinspect.inspect(f, normal((3,)))
    assert str(error.value).startswith(expected)


def test_a_function_whose_shape_changes_from_call_to_call() -> None:
    calls: list[int] = []

    def f(x: Array) -> Array:
        calls.append(1)
        return x[: 1 + len(calls) % 2]

    with pytest.raises(
        FunctionFailedError,
        match=r"^the function returned shape (2 after shape 1|1 after shape 2) for inputs of one shape",
    ):
        jacinspect.inspect(f, [1.0, -1.0, 2.0])


def test_lists_booleans_and_integers_are_arrays_too() -> None:
    assert jacinspect.inspect(lambda x: [float(x[0]), float(x[1]) ** 2], [1.0, 2.0]).verdict == "pass"
    report = jacinspect.inspect(lambda x: x > 0, [1.0, -2.0])
    assert report.jacobian is not None
    assert report.jacobian.structure == "diagonal"
    assert report.verdict == "pass"
    assert jacinspect.inspect(lambda x: float(np.sum(x)), [1.0, 2.0]).verdict == "pass"


@pytest.mark.parametrize(
    ("derivative", "expected"),
    [
        (
            lambda x: None,
            "the derivative returned a NoneType; an element-wise one has the output's shape 3, a Jacobian is 3×3",
        ),
        (lambda x: np.ones(2), "the derivative returned float64 of shape 2; "),
        (lambda x: np.ones((3, 2)), "the derivative returned float64 of shape 3×2; "),
        (lambda x: x + 1j, "the derivative returned complex128 of shape 3; "),
        (lambda x: 1 / 0, "the derivative raised ZeroDivisionError: division by zero"),
    ],
)
def test_derivatives_that_break_the_contract(derivative: F, expected: str) -> None:
    with pytest.raises(FunctionFailedError) as error:
        jacinspect.inspect(np.sin, normal((3,)), derivative=derivative)
    assert expected in str(error.value)


def test_a_constant_derivative_may_be_a_number() -> None:
    assert jacinspect.inspect(lambda x: 3 * x, normal((3,)), derivative=lambda x: 3.0).verdict == "pass"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"vec": "diagonal"}, "vec: 'diagonal' is not one of column, row"),
        ({"layout": "both"}, "layout: 'both' is not one of numerator, denominator"),
        ({"expect": ["diagonl"]}, f"expect: 'diagonl' is not one of {EXPECTED}"),
        ({"expect": "diagonl"}, f"expect: 'diagonl' is not one of {EXPECTED}"),
        ({"rtol": -1.0}, "rtol: -1.0 is not a finite number of at least 0"),
        ({"atol": float("nan")}, "atol: nan is not a finite number of at least 0"),
        ({"noise": float("inf")}, "noise: inf is not a finite number of at least 0"),
        ({"max_evaluations": 0}, "max_evaluations: 0 is not at least 1"),
        ({"seed": -1}, "seed: -1 is negative; a seed is 0 or more"),
        ({"tolerance": 1}, "unknown setting 'tolerance'; there are seed, vec, "),
        (
            {"parameters": {"axis": 0}},
            "sin has no parameter 'axis'; it has ",
        ),
        ({"direction": [1.0, 2.0]}, "direction: shape 2 does not fit the operand's shape 3"),
        ({"direction": ["a", "b", "c"]}, "direction: an array of real numbers is needed, not of <U1"),
    ],
)
def test_settings_that_make_no_sense(settings: dict[str, Any], expected: str) -> None:
    with pytest.raises(InputError) as error:
        jacinspect.inspect(np.sin, normal((3,)), **settings)
    assert str(error.value).startswith(expected)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (["a"], "X: an array of real numbers is needed, not of <U1"),
        ([1 + 1j], "tanh is inspected at real numbers; name code for complex ones, as numpy:exp"),
        ([[1], [2, 3]], "X: "),
        (None, "tanh takes one operand; the number given is 0"),
    ],
)
def test_operands_that_make_no_sense(x: Any, expected: str) -> None:
    with pytest.raises(InputError) as error:
        jacinspect.inspect("tanh", x)
    assert str(error.value).startswith(expected)


def test_parameters_of_a_catalogue_function() -> None:
    report = jacinspect.inspect("softmax", normal((2, 3)), parameters={"axis": 0})
    assert report.jacobian is not None
    assert report.jacobian.blocks is not None
    assert (report.jacobian.blocks.count, report.jacobian.blocks.shape) == (3, (2, 2))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("calls", [150, 200])
def test_a_sampled_column_is_credited_with_nothing_but_its_own(seed: int, calls: int) -> None:
    """An output of which not all inputs are known reads others: no seed may move two of them."""
    report = jacinspect.inspect("cumsum", normal((1000,), seed), seed=seed, max_evaluations=calls)
    assert report.agreement is not None
    assert 0 < report.agreement.coverage < 1
    assert report.verdict != "fail"
    wrong = jacinspect.inspect(np.cumsum, normal((1000,), seed), lambda x: np.tri(1000) * 1.001, max_evaluations=calls)
    assert wrong.verdict == "fail"


def test_steps_into_numbers_of_very_different_size_find_what_is_read() -> None:
    report = jacinspect.inspect("cumsum", [1.0, 1e300, 2.0])
    assert report.jacobian is not None
    assert report.jacobian.arrangement is not None
    assert report.jacobian.arrangement.pattern.stored == 6
    assert report.verdict != "fail"
