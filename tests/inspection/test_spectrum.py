"""--spectrum and the expectations of J's values: what holds, what does not and by which witness, what is left open."""

from typing import Any

import numpy as np
import pytest

import jacinspect
from jacinspect.choices import AnyExpectation, SmallRank
from jacinspect.inspection.spectrum import SpectrumReport
from jacinspect.jacobian.spectra.spectrum import Spectrum


def normal(*shape: int) -> Any:
    return np.random.default_rng(5).standard_normal(shape)


def found(f: Any, x: Any, **options: Any) -> Spectrum:
    report = jacinspect.inspect(f, x, spectrum=True, **options).spectrum
    assert report is not None
    assert report.numeric is not None
    return report.numeric


ROTATION = np.linalg.qr(normal(4, 4))[0]
THIN = np.outer(np.arange(1.0, 4), np.arange(2.0, 5))  # of rank 1


@pytest.mark.parametrize(
    ("f", "x", "expected"),
    [
        ("tanh", normal(2, 3), ["invertible", "positive-definite", "rank=6", "contraction"]),
        ("transpose", normal(2, 3), ["invertible", "orthogonal", "volume-preserving"]),
        (lambda x: ROTATION @ x, normal(4), ["orthogonal", "volume-preserving", "rank=4"]),
        (lambda x: np.concatenate([x[:1], x[1:] + np.exp(x[:1])]), normal(3), ["volume-preserving", "invertible"]),
        ("softmax", normal(4), ["rank=3", "contraction"]),
        (lambda x: THIN @ x, normal(3), ["rank=1"]),
        (np.zeros_like, normal(3), ["rank=0", "contraction"]),
        ("cumsum", normal(5), ["volume-preserving", "invertible"]),
        (lambda x: x[:2] * 3, normal(3), ["rank=2"]),
        ("sigmoid", np.zeros((0, 3)), ["invertible", "orthogonal", "positive-definite", "contraction", "rank=0"]),
    ],
)
def test_expectations_that_hold(f: Any, x: Any, expected: list[AnyExpectation | SmallRank]) -> None:
    report = jacinspect.inspect(f, x, expect=expected)
    assert [finding.message for finding in report.findings if finding.severity == "error"] == []


@pytest.mark.parametrize(
    ("expected", "f", "said"),
    [
        ("invertible", lambda x: x[:2], "expected invertible, but the matrix is 2×3, not square"),
        ("invertible", lambda x: x * [1, 1, 0] + x[0], "its rank is below 3: no output reads X[2]"),
        ("invertible", lambda x: np.array([x[0] + x[1], x[0] - x[1], 1.0]), "its rank is below 3: no output reads"),
        ("orthogonal", lambda x: 2 * x, "but ‖J·v‖ = 2 ± "),
        ("orthogonal", lambda x: x * [1, 1, 0], "a singular value is 0: no output reads"),
        ("contraction", lambda x: x * [1, -3, 0.5], "‖J·v‖ = 3 ± "),
        ("positive-definite", "cumsum", "J is not symmetric: ∂A[1]/∂X[0] = 1, its mirror is not read"),
        ("positive-definite", lambda x: x * [1, -2, 3], "vᵀJv = -2 ± "),
        ("positive-definite", lambda x: x * [1, 0, 3], "an eigenvalue is 0: no output reads"),
        ("volume-preserving", lambda x: 2 * x, "log|det J| = 2.07944 ± "),
        ("volume-preserving", lambda x: x * [1, 0, 3], "log|det J| = -inf"),
        ("rank=1", lambda x: THIN @ x + [x[0], 0, 0], "its rank is 2 at least: ‖J·v‖ = "),
        ("rank=3", lambda x: x * [1, 0, 3], "its rank is 2 at most: no output reads"),
        ("rank=4", "tanh", "its rank is 3 at most"),
    ],
)
def test_an_expectation_that_does_not_hold_has_a_witness(expected: Any, f: Any, said: str) -> None:
    report = jacinspect.inspect(f, [0.25, -0.5, 1.0], expect=expected)
    assert report.verdict == "fail"
    (error,) = (finding for finding in report.findings if finding.severity == "error")
    assert error.code == "J002"
    assert error.message.startswith(f"expected {expected}, but ")
    assert said.replace("X[", report.names.x + "[") in error.message


@pytest.mark.parametrize(
    ("expected", "f", "said"),
    [
        ("invertible", "softmax", ", which may be 0"),
        ("positive-definite", "softmax", "vᵀJv = 0 ± "),
        ("contraction", lambda x: np.sin(x) + 0 * x, "‖J·v‖ = 1 ± "),
        ("rank=2", lambda x: 1 + THIN @ x + 1e-14 * x, "its rank is 1 to 3: ‖J·v‖ = 0 ± "),
    ],
)
def test_what_the_bars_leave_open_is_inconclusive(expected: Any, f: Any, said: str) -> None:
    report = jacinspect.inspect(f, np.zeros(3), expect=expected)
    assert report.verdict == "inconclusive"
    (error,) = (finding for finding in report.findings if finding.severity == "error")
    assert error.code == "J006"
    assert f"expected {expected}, which the error bars leave open: " in error.message
    assert said in error.message
    assert report.agreement is not None
    assert report.agreement.verdict in ("pass", None)  # the derivative itself is right


def test_a_tolerance_is_for_what_has_to_be_equal() -> None:
    turned = ROTATION.astype(np.float32).astype(float)  # orthogonal to seven digits
    for expected in ("orthogonal", "volume-preserving"):
        assert jacinspect.inspect(lambda x: turned @ x, normal(4), expect=expected).verdict == "fail"
        assert jacinspect.inspect(lambda x: turned @ x, normal(4), expect=expected, atol=1e-6).verdict == "pass"
    thin = THIN + 1e-7 * np.eye(3)
    assert jacinspect.inspect(lambda x: thin @ x, normal(3), expect="rank=1").verdict == "fail"
    assert jacinspect.inspect(lambda x: thin @ x, normal(3), expect="rank=1", atol=1e-6).verdict == "pass"


def test_the_witness_is_the_vector_that_is_stretched() -> None:
    report = jacinspect.inspect(lambda x: np.array([x[0] + x[1], x[2]]).repeat(2), normal(3), expect="contraction")
    assert "‖J·v‖ = 2 ± " in report.findings[0].message
    assert report.findings[0].message.endswith("v = 0.707·X[0] + 0.707·X[1]")
    flat = jacinspect.inspect(
        lambda X: (2 * X[[0]] - X[[1]]) * [1, 2], normal(2, 2), expect="contraction", vec="column"
    )
    assert "0.894·X[0,1] − 0.447·X[1,1]" in flat.findings[0].message


def test_the_sign_of_the_determinant_is_that_of_the_matrix_shown() -> None:
    for vec, layout in (("column", "numerator"), ("row", "denominator")):
        for f, x in (("transpose", normal(2, 3)), (lambda x: -x, normal(3)), ("x * x * flip(x)", normal(4))):
            report = jacinspect.inspect(f, x, spectrum=True, vec=vec, layout=layout)  # type: ignore[arg-type]
            assert report.spectrum is not None
            assert report.spectrum.numeric is not None
            assert report.spectrum.numeric.determinant is not None
            assert report.jacobian is not None
            matrix = report.jacobian.matrix("numeric")
            assert matrix is not None
            sign, log = np.linalg.slogdet(matrix)
            assert report.spectrum.numeric.determinant.sign == sign
            assert report.spectrum.numeric.determinant.log.value == pytest.approx(log, abs=1e-9)


def test_on_a_kink_the_spectrum_is_of_all_slopes_between() -> None:
    spectrum = found("relu", np.array([0.0, 2.0]))
    assert spectrum.rank == (1, 2)
    assert spectrum.norm is not None
    assert spectrum.norm.may_be(1)
    assert found(np.sign, np.array([0.0, 2.0])).singular.high[0] == np.inf  # type: ignore[union-attr]


def test_a_claim_has_its_own_spectrum() -> None:
    report = jacinspect.inspect("tanh", normal(3), lambda x: 2 - 2 * np.tanh(x) ** 2, spectrum=True)
    assert report.spectrum is not None
    one, other = report.spectrum.numeric, report.spectrum.analytic
    assert one is not None
    assert other is not None
    assert one.determinant is not None
    assert other.determinant is not None
    assert other.determinant.log.value - one.determinant.log.value == pytest.approx(3 * np.log(2), abs=1e-9)
    assert "as claimed" in str(report)


def test_a_hessian_has_a_spectrum() -> None:
    report = jacinspect.inspect("sum(log(1 + exp(x)))", normal(3), order=2, spectrum=True)
    second = report.second_order
    assert second is not None
    assert second.gradient is not None
    assert isinstance(second.gradient.spectrum, SpectrumReport)
    assert second.gradient.spectrum.numeric is not None
    assert second.gradient.spectrum.numeric.definiteness == "positive-definite"


@pytest.mark.parametrize(("f", "code"), [("sum(log(1 + exp(x)))", None), ("sum(x**3)", "J002"), ("x[0]*x[1]", "J002")])
def test_of_one_output_it_is_the_hessian_that_is_expected_to_be_definite(f: str, code: str | None) -> None:
    report = jacinspect.inspect(f, [0.5, -1.0], order=2, expect="positive-definite")
    errors = [finding for finding in report.findings if finding.severity == "error"]
    assert [finding.code for finding in errors] == [code] * (code is not None)
    assert all(finding.message.startswith("second order: expected positive-definite, but ") for finding in errors)


def test_a_sample_has_no_spectrum() -> None:
    report = jacinspect.inspect(lambda x: np.tanh(ROTATION @ x), normal(4), max_evaluations=20, expect="invertible")
    assert report.spectrum is not None
    assert report.spectrum.message == "not known: only a sample of J has values (J007)"
    assert any(finding.message.startswith("expected invertible, which could not") for finding in report.findings)


def test_a_million_entries_are_done_one_by_one() -> None:
    spectrum = found("tanh", normal(100_000))
    assert spectrum.rank == (100_000, 100_000)
    assert spectrum.determinant is not None
    assert spectrum.determinant.sign == 1
    assert spectrum.definiteness == "positive-definite"


def test_of_a_large_part_the_norm_is_bounded() -> None:
    x = normal(40)

    def smoothed(x: Any) -> Any:
        return 0.5 * x + 0.2 * (np.roll(x, 1) + np.roll(x, -1))

    def report(f: Any, expect: Any) -> Any:
        return jacinspect.inspect(f, x, expect=expect, memory=20_000)

    assert report(smoothed, "contraction").verdict == "pass"
    assert "its norm is between 1.78" in report(lambda x: 2 * smoothed(x), "contraction").findings[0].message
    said = report(smoothed, "invertible")
    assert said.verdict == "pass"  # by a sparse LU, which is as small as the band
    assert "40 of 40, full" in str(said)
    assert "‖J‖ between 0.89" in str(said)
    assert report(smoothed, "rank=40").verdict == "pass"
    assert report(smoothed, "rank=39").verdict == "fail"
    said = report(lambda x: smoothed(x)[:39], "rank=39")
    assert said.verdict == "inconclusive"
    assert "a part of J is 39×40, too large" in said.findings[0].message
    said = report(lambda x: 0.5 * x + 0.25 * (np.roll(x, 1) + np.roll(x, -1)), "invertible")
    assert said.verdict == "inconclusive"  # it is singular, which no bars can show
    assert "a part of J is 40×40, too large" in said.findings[0].message


def test_a_large_sparse_part_without_scipy_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jacinspect.jacobian.spectra.factors.find_spec", lambda name: None)
    said = jacinspect.inspect(
        lambda x: 4 * x + np.roll(x, 1) + np.roll(x, -1), normal(40), expect="invertible", memory=20_000
    )
    assert said.verdict == "inconclusive"
    assert "pip install 'jacinspect[scipy]'" in said.findings[0].message


def test_nothing_is_computed_unasked() -> None:
    assert jacinspect.inspect("tanh", normal(3), expect="diagonal").spectrum is None
