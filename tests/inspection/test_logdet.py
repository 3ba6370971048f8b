"""--logdet: claims for log|det J| that are right are accepted, wrong ones are found, with the mistake that fits."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import jacinspect
from jacinspect.errors import FunctionFailedError, InputError
from samples.flows import flows
from tests.conftest import RunHere

RIGHT = [
    (flows.coupling, flows.coupling_logdet, 4),
    (flows.planar, flows.planar_logdet, 3),
    (flows.squash, flows.squash_logdet, 3),
]
WRONG: list[tuple[Callable[..., Any], Callable[..., Any], int, str]] = [
    (flows.coupling, flows.coupling_logdet_of_inverse, 4, "the sign is turned, as for the inverse"),
    (flows.coupling, flows.coupling_logdet_over_the_batch, 4, "it is summed over the batch, in place of the dimens"),
    (flows.planar, flows.planar_logdet_without_log, 3, "it is |det J|, without the logarithm"),
    (flows.squash, flows.squash_logdet_without_log_2, 3, "2·log 2 is missing for each of 3 dimensions"),
    (flows.squash, flows.squash_logdet_as_mean, 3, "it is the mean over 3 dimensions, and not the sum"),
    (flows.squash, lambda x: 3 * flows.squash_logdet(x), 3, "it is 3 times as much: a factor for the 3 dimensions"),
    (flows.squash, lambda x: 2 * flows.squash_logdet(x), 3, "it is twice as much"),
    (flows.squash, lambda x: flows.squash_logdet(x) / np.log(10), 3, "the logarithm is to base 10"),
    (
        flows.squash,
        lambda x: np.log(1 - np.tanh(x) ** 2),
        3,
        "an array of 5×3, and has to be a number, or one for each",
    ),
    (flows.squash, lambda x: np.log(1 - np.tanh(x) ** 2), 3, "it is not summed over the dimensions"),
    (flows.squash, lambda x: np.log(1 - np.tanh(x) ** 2).sum(axis=0), 5, "it is summed over the batch, in place"),
    (flows.squash, lambda x: flows.squash_logdet(x).mean(), 3, "it is the mean over 5 items, and not the sum"),
    (flows.squash, lambda x: flows.squash_logdet(x)[0], 3, "it is that of the first item alone"),
    (flows.squash, lambda x: np.full(5, flows.squash_logdet(x).sum()), 3, "it is the sum over all items, for each"),
    (flows.squash, lambda x: flows.squash_logdet(x) * np.nan, 3, "is claimed to be nan"),
    (lambda x: x[:, :2], lambda x: 0 * x[:, 0], 3, "there is no log|det J|: J is 10×15, not square"),
    (lambda x: x - x.mean(axis=0) / 2, lambda x: 0 * x[:, 0], 3, "some item reads another one"),
]


def normal(seed: int, width: int, height: int = 5) -> Any:
    return np.random.default_rng(seed).standard_normal((height, width))


@pytest.mark.parametrize(("f", "logdet", "width"), RIGHT)
@pytest.mark.parametrize("whole", [False, True])
def test_a_right_claim_is_accepted(f: Any, logdet: Any, width: int, whole: bool) -> None:
    for seed in range(2):
        claim = (lambda x: logdet(x).sum()) if whole else logdet
        report = jacinspect.inspect(f, normal(seed, width), logdet=claim)
        assert [finding.message for finding in report.findings if finding.severity == "error"] == []
        assert report.logdet is not None
        assert report.logdet.verdict == "pass"
        assert not report.structure_only


@pytest.mark.parametrize(("f", "logdet", "width", "said"), WRONG)
def test_a_wrong_claim_is_found_with_its_mistake(f: Any, logdet: Any, width: int, said: str) -> None:
    report = jacinspect.inspect(f, normal(3, width), logdet=logdet)
    (error,) = (finding for finding in report.findings if finding.severity == "error")
    assert error.code == "J016"
    assert said in error.message
    assert report.verdict == "fail"
    assert report.agreement is not None
    assert report.agreement.verdict is None


@pytest.mark.parametrize(
    ("f", "x", "claim"),
    [
        ("tanh", [0.3, -0.2], "sum(log(1 - tanh(x)**2))"),
        ("flip", [1.0, 2.0, 3.0], 0),
        ("flip", [1.0, 2.0, 3.0], "0"),
        ("x * 2", [1.0, 2.0, 3.0], 3 * np.log(2)),
        ("x * 2", [1.0, 2.0, 3.0], [np.log(2)] * 3),  # three items of one number each
        (lambda x: x * [1, 0], np.array([1.0, 2.0]), -np.inf),
        (np.tanh, np.array([8.0, -9.0, 0.1]), lambda x: np.log(1 - np.tanh(x) ** 2).sum()),  # has lost six digits
        (np.tanh, np.array([0.5, -0.7], np.float32), lambda x: np.log(1 - np.tanh(x.astype("f4")) ** 2).sum()),
    ],
)
def test_a_claim_may_be_a_number_an_expression_or_code(f: Any, x: Any, claim: Any) -> None:
    report = jacinspect.inspect(f, x, logdet=claim)
    assert report.logdet is not None
    assert report.logdet.verdict == "pass", report.findings


def test_of_a_pair_the_claim_is_the_last() -> None:
    def flow(x: Any) -> Any:
        return 2 * x, x.size * np.log(2)

    report = jacinspect.inspect(flow, np.array([1.0, 2.0]), take=0, logdet=flow)
    assert report.logdet is not None
    assert report.logdet.verdict == "pass"


def _affine(x: Any, s: Any) -> Any:
    return x * np.exp(s), s.sum()


def _affine_in_torch(x: torch.Tensor, s: Any) -> Any:
    return x * torch.exp(s), s.sum()


def _affine_in_a_container(p: Any, x: Any) -> Any:
    return x * np.exp(p["s"]), p["s"].sum()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("f", [_affine, _affine_in_torch])
def test_a_pair_is_no_entry_for_each_of_two_operands(f: Any, dtype: str) -> None:
    x, s = np.array([0.3, -1.2, 0.7], dtype), np.array([0.2, 0.5, -0.1], dtype)
    for factor, expected in ((1, "pass"), (-1, "fail"), (1.01, "fail")):
        claim = lambda x, s, k=factor: (f(x, s)[0], k * f(x, s)[1])  # noqa: E731
        assert jacinspect.inspect(f, x, logdet=claim, take=0, others=[s]).verdict == expected
        of_list = lambda x, s, k=factor: [f(x, s)[0], k * f(x, s)[1]]  # noqa: E731
        assert jacinspect.inspect(f, x, logdet=of_list, take=0, others=[s]).verdict == expected
    swapped = jacinspect.inspect(_affine_in_a_container, {"s": s}, logdet=_affine_in_a_container, take=0, others=[x],
                                 wrt="x")  # fmt: skip
    assert swapped.verdict == "pass"
    both = lambda x, y: (np.stack([x * np.exp(y), y]), x * 0 + y)  # noqa: E731
    assert jacinspect.inspect(both, 0.5, logdet=both, take=0, others=[0.25], wrt="all").verdict == "pass"


def test_by_several_operands_it_takes_all_of_them() -> None:
    report = jacinspect.inspect(
        "x * y + z", normal(0, 3), others=[normal(1, 3), normal(2, 3)], logdet="sum(log(abs(y)))"
    )
    assert report.logdet is not None
    assert report.logdet.verdict == "pass"


def test_what_the_bars_leave_open_is_inconclusive() -> None:
    report = jacinspect.inspect("softmax", [0.1, 0.2, 0.3], logdet=-40.0)
    assert report.verdict == "inconclusive"
    assert report.logdet is not None
    assert report.logdet.verdict == "inconclusive"
    assert any("the error bars leave log|det J| open: at most -" in finding.message for finding in report.findings)
    assert jacinspect.inspect("softmax", [0.1, 0.2, 0.3], logdet=-4.0).verdict == "fail"
    sampled = jacinspect.inspect("softmax", np.ones(40), logdet=-4.0, max_evaluations=20)
    assert any("log|det J| could not be found" in finding.message for finding in sampled.findings)


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        ("sum(log(1 - tanh(x)**2))", 0, "the derivative is right: 3 of 3 entries agree, and so is log|det J|"),
        ("-0.418", 1, "J016 error logdet-disagrees: log|det J| is claimed to be -0.418, and it is -0.418002 ± "),
        ("sum(log(1 - tanh(y)**2))", 2, "has no y"),
    ],
)
def test_it_is_an_option(run_here: RunHere, typed: str, status: int, said: str) -> None:
    done = run_here("tanh", "-s", "3", "--logdet", typed)
    assert done.status == status
    assert said in " ".join((done.text + done.err).split())


def test_by_complex_numbers_it_is_refused() -> None:
    with pytest.raises(InputError, match=r"log\|det J\| is checked by real operands; leave --logdet out"):
        jacinspect.inspect(np.exp, np.array([1j]), logdet=0.0)


def test_a_tolerance_widens_the_bars() -> None:
    assert jacinspect.inspect("x * 2", [1.0], logdet=0.69).verdict == "fail"
    assert jacinspect.inspect("x * 2", [1.0], logdet=0.69, atol=0.01).verdict == "pass"


def test_a_claim_that_raises_or_is_no_number_is_named() -> None:
    with pytest.raises(FunctionFailedError, match=r"log\|det J\| raised ZeroDivisionError"):
        jacinspect.inspect("tanh", [1.0], logdet=lambda _: 1 / 0)
    with pytest.raises(FunctionFailedError, match=r"log\|det J\| is not a number"):
        jacinspect.inspect("tanh", [1.0], logdet=lambda _: "none")
    with pytest.raises(InputError, match="logdet ndarray: is numbers, which hold at X alone, and --points 2 needs"):
        jacinspect.inspect("tanh", [1.0], logdet=1.0, points=2)
