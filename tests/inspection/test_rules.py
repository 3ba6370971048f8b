"""All rules of a function are compared: what a backward hides from a jvp is found, and no right rule is accused."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from jax import lax
from scipy.sparse import linalg

import jacinspect
from jacinspect.errors import FunctionFailedError
from jacinspect.inspection.report import Report

RNG = np.random.default_rng(5)
X = RNG.standard_normal((2, 3))


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings if finding.severity == "error"]


def message(report: Report) -> str:
    (finding,) = (finding for finding in report.findings if finding.code == "J015")
    return finding.message


def verdicts(report: Report) -> dict[str, str | None]:
    return {rule.name: rule.verdict for rule in report.rules}


def autograd(
    backward: Callable[[Any, Any], Any], forward: Callable[[Any, Any], Any] | None = None, f: Any = torch.tanh
) -> Any:
    """Make a torch Function: `backward` takes x and the cotangent, `forward` x and the tangent."""

    class Made(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(x: Any) -> Any:
            return f(x)

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx: Any, cotangent: Any) -> Any:
            return backward(ctx.saved_tensors[0], cotangent)

    if forward is not None:
        Made.jvp = staticmethod(lambda ctx, tangent: forward(ctx.saved_tensors[0], tangent))
    return Made


def slope(x: Any) -> Any:
    return 1 - torch.tanh(x) ** 2


def right(x: Any, cotangent: Any) -> Any:
    return slope(x) * cotangent


# --- A rule beside another --------------------------------------------------------------------------------------------


def test_a_forward_rule_that_is_wrong_beside_a_right_backward() -> None:
    x = np.array([0.5, -1.0])
    report = jacinspect.inspect(autograd(right, lambda x, t: slope(x) * t * torch.tensor([1, 2])), x)
    assert (report.verdict, codes(report)) == ("fail", ["J015"])
    assert verdicts(report) == {"backward": "pass", "forward": "fail", "vmap": "pass"}
    expected = "∂A[1]/∂X[1] is 0.839949 by forward, 0.419974 by backward, 0.41997434 ±"
    assert message(report).startswith(expected)
    assert report.findings[0].at == ((1,),)
    assert report.to_dict()["rules"][1]["message"] == message(report)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_forward_mode_that_does_not_follow_f_beside_a_right_backward(dtype: Any) -> None:
    """An inner gradient by a leaf of its own, where x is not followed by backward."""

    def force(x: Any) -> Any:
        with torch.enable_grad():
            leaf = x if x.requires_grad else x.detach().requires_grad_()
            return torch.autograd.grad(torch.tanh(leaf).prod(), leaf, create_graph=True)[0]

    report = jacinspect.inspect(force, np.array([0.5, -1.0, 0.25], dtype), backend="torch")
    assert (report.verdict, codes(report)) == ("fail", ["J015"])
    assert verdicts(report) == {"backward": "pass", "forward": "fail", "vmap": "pass"}
    assert " is 0 by forward, " in message(report)
    assert message(report).endswith(
        " by differences: backward is right, and forward alone takes it for constant, as after detach()"
    )


def test_a_backward_that_is_wrong_beside_a_right_forward_rule() -> None:
    report = jacinspect.inspect(autograd(lambda x, g: 2 * slope(x) * g, right), X)
    assert codes(report) == ["J001"]
    assert verdicts(report) == {"backward": "fail", "forward": "pass", "vmap": "fail"}


def test_two_wrong_rules_that_agree_are_one_finding_and_two_that_differ_are_two() -> None:
    twice, thrice = (lambda x, v, factor=factor: factor * slope(x) * v for factor in (2, 3))
    assert codes(jacinspect.inspect(autograd(twice, twice), X)) == ["J001"]
    assert codes(jacinspect.inspect(autograd(twice, thrice), X)) == ["J001", "J015"]


def test_a_forward_rule_with_an_entry_where_f_reads_nothing() -> None:
    report = jacinspect.inspect(autograd(right, lambda x, t: slope(x) * t + torch.flip(t, (0, 1)) / 7), X)
    assert codes(report) == ["J015"]
    assert "by forward, and A[1,2] does not read X[0,0]" in message(report)


def test_a_forward_rule_that_is_not_linear() -> None:
    report = jacinspect.inspect(autograd(right, lambda x, t: slope(x) * torch.clamp(t, -1, 1)), X)
    assert codes(report) == ["J015"]
    assert message(report).startswith("forward is not linear: for a tangent of ")


def test_the_backward_of_several_cotangents_at_once() -> None:
    def backward(x: Any, cotangent: Any) -> Any:
        try:
            return slope(x) * cotangent if float(cotangent.abs().max()) else 0 * x
        except RuntimeError:  # vmap has no single number to give here
            return cotangent

    report = jacinspect.inspect(autograd(backward), X)
    assert codes(report) == ["J015"]
    assert "by vmap" in message(report)


def test_what_a_function_does_not_have_is_told_and_no_finding() -> None:
    report = jacinspect.inspect(autograd(lambda x, g: torch.from_numpy(g.numpy()) * slope(x)), X)
    assert (report.verdict, codes(report)) == ("pass", [])
    assert verdicts(report) == {"backward": "pass", "forward": None, "vmap": None}
    assert "NotImplementedError: You must implement the jvp" in str(report.rules[1].message)


def test_a_sampled_jacobian_has_its_rules_compared_along_directions() -> None:
    x = RNG.standard_normal(60)

    def pushed(factor: float) -> Any:
        return autograd(lambda x, g: torch.flip(torch.cumsum(torch.flip(g, (0,)), 0), (0,)),
                        lambda x, t: factor * torch.cumsum(t, 0), lambda x: torch.cumsum(x, 0))  # fmt: skip

    for factor, expected in ((1.0, []), (1.01, ["J015"])):
        report = jacinspect.inspect(pushed(factor), x, max_evaluations=130)
        assert "J007" in {finding.code for finding in report.findings}
        assert codes(report) == expected


@pytest.mark.parametrize("name", ["where", "sinc", "angle"])
def test_the_nan_of_a_branch_that_is_not_taken(name: str) -> None:
    functions = {
        "where": lambda x: jnp.where(x < 1, x, jnp.sqrt(x)),
        "sinc": lambda x: jnp.where(x == 0, 1.0, jnp.sin(x) / x),
        "angle": lambda x: jnp.where(x > 0.5, jnp.arctan2(x, x), 0.0),
    }
    report = jacinspect.inspect(functions[name], np.array([-0.5, 0.0, 0.25, 2.0]), backend="jax")
    assert codes(report) == ["J015"]
    assert "NaN by vjp, " in message(report)
    assert verdicts(report) == {"jvp": "pass", "vjp": "fail"}


def test_the_rules_of_jax() -> None:
    assert verdicts(jacinspect.inspect(jnp.tanh, X)) == {"jvp": "pass", "vjp": "pass"}
    reverse = jax.custom_vjp(jnp.tanh)
    reverse.defvjp(lambda x: (jnp.tanh(x), x), lambda x, g: ((1 - jnp.tanh(x) ** 2) * g * g / g,))
    report = jacinspect.inspect(reverse, X)
    assert (verdicts(report), message(report)) == (
        {"vjp": "fail"},
        "vjp gives NaN for X[0,0] for a cotangent of zeros, not 0",
    )


def test_a_derivative_of_the_user_s_own_is_the_only_rule() -> None:
    assert verdicts(jacinspect.inspect(jnp.tanh, X, "1 - tanh(x)**2")) == {"slopes": "pass"}
    assert verdicts(jacinspect.inspect("tanh", X, "1 + tanh(x)**2")) == {"slopes": "fail"}
    assert verdicts(jacinspect.inspect("softmax", X)) == {"jvp": "pass"}
    assert jacinspect.inspect(np.tanh, X).rules == ()


def test_several_operands() -> None:
    class Product(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, x: Any, w: Any) -> Any:
            ctx.save_for_backward(x, w)
            ctx.save_for_forward(x, w)
            return x @ w

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            x, w = ctx.saved_tensors
            return g @ w.T, x.T @ g

        @staticmethod
        def jvp(ctx: Any, dx: Any, dw: Any) -> Any:  # the tangent of w is forgotten
            return dx @ ctx.saved_tensors[1]

    w = RNG.standard_normal((3, 2))
    assert codes(jacinspect.inspect(Product, X, others=[w])) == []
    assert codes(jacinspect.inspect(Product, X, others=[w], wrt=2)) == ["J015"]


# --- Cotangents as they come ------------------------------------------------------------------------------------------


def numpy_pull(fault: str) -> Callable[[Any, Any], Any]:
    def pull(x: Any, g: Any) -> Any:
        d = 1 - np.tanh(x) ** 2
        match fault:
            case "nan at 0":
                return d * np.where(g == 0, np.nan, g)
            case "nan if all are 0":
                return d * g / np.linalg.norm(g) * np.linalg.norm(g)
            case "memory":
                return d * g.ravel(order="K").reshape(g.shape)
            case "memory of x":
                return (1 - np.tanh(x.ravel(order="K").reshape(x.shape)) ** 2) * g
            case "raises":
                return d * np.frombuffer(g.data).reshape(g.shape)
            case "clipped":
                return d * np.clip(g, -4, 4)
            case "writes":
                g *= d
                return g
        return d * g

    return pull


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("nan at 0", "for a cotangent of zeros"),
        ("nan if all are 0", "for a cotangent of zeros"),
        ("memory", "for a cotangent that is a transposed view"),
        ("memory of x", "at an operand that is a view"),
        ("raises", "vjp fails for a cotangent that is a transposed view: the derivative raised"),
    ],
)
def test_a_vjp_that_fails_for_some_cotangents(fault: str, said: str) -> None:
    report = jacinspect.inspect("tanh", X, numpy_pull(fault), derivative_kind="vjp")
    assert codes(report) == ["J015"]
    assert said in message(report)
    assert verdicts(report) == {"vjp": "fail"}


def of_buffer(x: Any) -> Any:
    """Return tanh(x), of memory that is contiguous alone: numpy raises else."""
    return np.tanh(np.frombuffer(x.data, x.dtype).reshape(x.shape))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_vjp_that_refuses_views_as_f_does_is_noted(dtype: str) -> None:
    for x in (X.astype(dtype), X[0].astype(dtype)):
        report = jacinspect.inspect(of_buffer, x, numpy_pull("raises"), derivative_kind="vjp")
        assert (report.verdict, codes(report), verdicts(report)) == ("pass", [], {"vjp": "pass"})
        assert message(report).startswith("vjp refuses views, as f does: the derivative raised ")
        wrong = jacinspect.inspect(of_buffer, x, lambda x, g: 1.01 * numpy_pull("raises")(x, g), derivative_kind="vjp")
        assert (wrong.verdict, codes(wrong)) == ("fail", ["J001"])


@pytest.mark.parametrize("fault", ["nan at 0", "memory", "another"])
def test_a_vjp_that_fails_otherwise_where_f_refuses_views_is_wrong(fault: str) -> None:
    def other(x: Any, g: Any) -> Any:
        if not g.flags.c_contiguous:
            raise ValueError("no views")
        return numpy_pull("")(x, g)

    pull = other if fault == "another" else numpy_pull(fault)
    report = jacinspect.inspect(of_buffer, X, pull, derivative_kind="vjp")
    assert (report.verdict, codes(report)) == ("fail", ["J015"])


@pytest.mark.parametrize("fault", ["", "writes"])
def test_a_vjp_that_is_right_for_all(fault: str) -> None:
    for x in (X, X[0], X[:1], X[:, :1], X[0, 0]):
        report = jacinspect.inspect("tanh", x, numpy_pull(fault), derivative_kind="vjp")
        assert (report.verdict, verdicts(report)) == ("pass", {"vjp": "pass"})


def test_a_vector_is_given_as_every_other_entry_of_an_array() -> None:
    report = jacinspect.inspect("tanh", X[0], numpy_pull("raises"), derivative_kind="vjp")
    assert "for a cotangent that is every other entry of an array" in message(report)


def test_a_jvp_for_a_tangent_of_zeros() -> None:
    def push(x: Any, dx: Any) -> Any:
        return (1 - np.tanh(x) ** 2) * dx * dx / dx

    report = jacinspect.inspect("tanh", np.array([0.5]), push, derivative_kind="jvp")
    assert message(report) == "jvp gives NaN for A[0] for a tangent of zeros, not 0"
    assert report.findings[0].at == ()


@pytest.mark.parametrize(
    ("backward", "said"),
    [
        (lambda x, g: slope(x) * g.as_strided(g.shape, torch.empty(g.shape).stride()), "is a transposed view, not "),
        (lambda x, g: (slope(x).view(-1) * g.view(-1)).view(x.shape), "backward fails for a cotangent that is "),
        (lambda x, g: slope(x) * g.mul_(1), "backward fails for a cotangent that is one number, expanded: "),
        (lambda x, g: slope(x) * g / g.norm() * g.norm(), "for a cotangent of zeros, not 0"),
    ],
)
def test_a_backward_that_fails_for_some_cotangents(backward: Callable[[Any, Any], Any], said: str) -> None:
    report = jacinspect.inspect(autograd(backward), X)
    assert set(codes(report)) == {"J015"}
    assert verdicts(report)["backward"] == "fail"
    assert said in str(report.rules[0].message)


def test_a_function_that_takes_no_view_of_its_operand_is_not_accused() -> None:
    report = jacinspect.inspect(lambda x: torch.tanh(x.view(-1)), X)
    assert (report.verdict, verdicts(report)["backward"]) == ("pass", "pass")


def test_nan_where_f_reads_nothing() -> None:
    weights = torch.tensor([2.0, float("nan"), -1.0], dtype=torch.float64)
    for f in (lambda x: (x * weights).nan_to_num(0.0), lambda x: (x * weights).nan_to_num(0.0).sum()):
        report = jacinspect.inspect(f, X[0], backend="torch")
        assert report.verdict == "fail"


# --- Right rules ------------------------------------------------------------------------------------------------------

KINKED = np.array([[0.0, 0.0, 1.0, -1.0], [1.0, 1.0, 0.0, 0.0]])


@pytest.mark.parametrize("x", [KINKED, RNG.standard_normal((2, 4)) * 1e-6, RNG.standard_normal((2, 4)).astype("f4")])
def test_right_functions_are_not_accused(x: Any) -> None:
    functional = torch.nn.functional
    for f in (
        functional.gelu,
        lambda x: functional.layer_norm(x, (4,)),
        lambda x: torch.cumprod(x, -1),
        torch.linalg.vector_norm,
        lambda x: x.amax(-1),
        lambda x: torch.logcumsumexp(x, -1),  # whose forward mode loses 12 bits
        lambda x: torch.softmax(20 * x.float(), -1).double(),
    ):
        report = jacinspect.inspect(f, x, backend="torch")
        assert "J015" not in codes(report)
        assert verdicts(report)["forward"] == "pass"


def test_a_special_function_that_is_an_approximation_is_not_accused() -> None:
    """The derivative of torch's digamma, its polygamma, is off by up to 4.9e-10, at 1.13."""

    def trigamma(x: Any, factor: float = 1.0) -> Any:
        return torch.special.polygamma(1, x) * factor

    def verdict(derivative: Callable[..., Any], **options: Any) -> str:
        x = np.append(np.random.default_rng(0).uniform(0.1, 20, 12), 1.13)
        return jacinspect.inspect(
            torch.special.digamma, x, derivative, derivative_kind="elementwise", **options
        ).verdict

    assert verdict(trigamma) == "inconclusive"
    assert verdict(trigamma, rtol=5e-10) == "pass"
    assert verdict(lambda x: trigamma(x, 1 + 1e-8)) == "fail"


def test_the_gradient_of_an_entropy_is_no_worse_than_its_trigammas() -> None:
    """They cancel in part: the gradient of Dirichlet's is off by 6e-8 here, which no caller is to blame for."""
    x = 3 * np.exp(np.random.default_rng(6).standard_normal(4) / 2)

    def entropy(x: Any) -> Any:
        return torch.distributions.Dirichlet(x).entropy()

    report = jacinspect.inspect(entropy, x, backend="torch")
    (finding,) = (finding for finding in report.findings if finding.severity == "error" or finding.code == "J006")
    assert (finding.code, report.verdict) == ("J006", "inconclusive")
    rtol = float(finding.message.split("--rtol ")[1].split()[0])
    assert jacinspect.inspect(entropy, x, backend="torch", rtol=rtol).verdict == "pass"


@pytest.mark.parametrize(("factor", "verdict"), [(1, "inconclusive"), (1 + 1e-6, "fail"), (-1, "fail")])
def test_what_is_kept_in_single_precision_is_rounded_in_f_and_in_its_derivative(factor: float, verdict: str) -> None:
    """Of labels in float32, 1 - b is off by 3e-8, in f and in the gradient, each of which rounds it another way."""
    data, b = RNG.standard_normal((12, 5)), RNG.random(12).astype(np.float32)

    def loss(x: Any) -> Any:
        z = data @ x
        return np.mean((1 - b) * z + np.log1p(np.exp(-z)))

    def gradient(x: Any) -> Any:
        e = np.exp(-data @ x)
        return factor * (data.T @ (((1 - b) - b * e) / (1 + e)) / b.size)

    x = np.random.default_rng(0).standard_normal(5)
    assert jacinspect.inspect(loss, x.astype(np.float32), gradient).verdict == verdict
    assert jacinspect.inspect(loss, x, gradient).verdict == "fail"  # in double precision it is a slip


@pytest.mark.parametrize("wrong", [1.0001, -1.0, 0.0])
def test_what_is_small_beside_others_is_judged_in_single_precision_too(wrong: float) -> None:
    """It is off by less than the rounding of its row, and the entry that f has not is 5e-8, where f has 0."""
    matrix = np.array([[1e6, 1.0, 3.0], [1.0, 2.0, 0.0]])

    def claimed(entry: float, other: float = 0.0) -> Any:
        return lambda _: np.add(matrix, [[0, entry - 1, 0], [0, 0, other]])

    x = np.array([0.3, -1.2, 0.7], np.float32)
    assert jacinspect.inspect(lambda x: matrix @ x, x, claimed(1.0)).verdict == "pass"
    assert codes(jacinspect.inspect(lambda x: matrix @ x, x, claimed(wrong))) == ["J001"]
    assert codes(jacinspect.inspect(lambda x: matrix @ x, x, claimed(1.0, 5e-8))) == ["J001"]


class NearlyLogarithm(torch.autograd.Function):  # type: ignore[misc]
    """log, with a slip in its own rule."""

    @staticmethod
    def forward(context: Any, x: Any) -> Any:
        context.save_for_backward(x)
        return x.log()

    @staticmethod
    def backward(context: Any, *cotangents: Any) -> Any:
        return cotangents[0] / context.saved_tensors[0] * (1 + 1e-8)


def test_a_slip_in_a_rule_of_ones_own_is_no_approximation() -> None:
    def f(x: Any) -> Any:
        return torch.special.expit(NearlyLogarithm.apply(x).sum(-1))

    report = jacinspect.inspect(f, np.abs(X) + 1, backend="torch")
    assert codes(report) == ["J001"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_transposed_product_of_a_linear_operator_is_a_rule_too(dtype: str) -> None:
    """A solver that takes J by its products needs both."""
    matrix = RNG.standard_normal((4, 3))

    def jacobian(x: Any) -> Any:
        return np.cos(matrix @ x)[:, None] * matrix

    def inspected(backward: Callable[[Any, Any], Any] | None, forward: float = 1.0) -> Report:
        def operator(x: Any) -> Any:
            j = jacobian(x)
            back = None if backward is None else lambda w: backward(j, w)
            return linalg.LinearOperator(j.shape, lambda v: forward * (j @ v), back, dtype=float)

        return jacinspect.inspect(lambda x: np.sin(matrix @ x), X[0].astype(dtype), operator)

    assert verdicts(inspected(lambda j, w: j.T @ w)) == {"jvp": "pass", "rmatvec": "pass"}
    assert verdicts(inspected(None)) == {"jvp": "pass"}
    for wrong in (lambda j, w: 1.001 * (j.T @ w), lambda j, w: j.T @ w * [1, -1, 1], lambda j, w: j[::-1].T @ w):
        report = inspected(wrong)
        assert (codes(report), verdicts(report)) == (["J015"], {"jvp": "pass", "rmatvec": "fail"})
        assert "by rmatvec" in message(report)
    assert codes(inspected(lambda j, w: j.T @ w, 1.001)) == ["J001"]
    with pytest.raises(FunctionFailedError, match="the derivative's rmatvec raised ZeroDivisionError"):
        inspected(lambda j, w: 1 / 0)


@pytest.mark.parametrize("vec", ["row", "column"])
def test_a_transposed_product_is_read_in_the_order_of_vec(vec: Any) -> None:
    flat = np.diag(np.cos(X).ravel(order="F" if vec == "column" else "C"))
    for factor, verdict in ((1, "pass"), (2, "fail")):

        def operator(x: Any, k: int = factor) -> Any:
            return linalg.LinearOperator(flat.shape, lambda v: flat @ v, lambda w: k * (flat @ w), dtype=float)

        assert jacinspect.inspect(np.sin, X, operator, vec=vec).verdict == verdict


# --- Rounding where there is no entry ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(4))
def test_rounding_of_forward_mode_in_an_output_that_reads_nothing(seed: int, dtype: Any) -> None:
    """The first entry of a product of reflectors reads their lengths alone."""
    reflectors = np.asarray(np.random.default_rng(seed).standard_normal((5, 3)), dtype)

    def product(a: torch.Tensor) -> Any:
        return torch.linalg.householder_product(a, torch.tensor([0.3, 0.5, 0.2], dtype=a.dtype))

    report = jacinspect.inspect(product, reflectors)
    assert (report.verdict, codes(report)) == ("pass", [])
    assert verdicts(report)["forward"] == "pass"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("residue", "verdict"), [(1e-17, "pass"), (1e-9, "fail")])
def test_what_is_more_than_rounding_there_is_found(residue: float, verdict: str, dtype: Any) -> None:
    def halves(x: Any) -> Any:
        return torch.cat([0 * x[:2].detach() + 3, torch.tanh(x)])

    def pull(x: Any, g: Any) -> Any:
        return slope(x) * g[2:]

    def push(x: Any, t: Any) -> Any:
        return torch.cat([residue * t[1:], slope(x) * t])

    report = jacinspect.inspect(autograd(pull, push, halves), np.asarray([0.5, -1.0, 0.25], dtype))
    assert report.verdict == verdict
    if verdict == "fail":
        assert message(report) == "∂A[0]/∂X[1] is 1e-09 by forward, and A[0] does not read X[1]"


@pytest.mark.parametrize(("residue", "verdict"), [(1e-9, "pass"), (1e-3, "fail")])
def test_rounding_in_single_precision_is_larger(residue: float, verdict: str) -> None:
    weights = jnp.array([0.3, -1.7, 0.9], jnp.float32)

    def value(x: Any) -> Any:
        return jnp.concatenate([jnp.full(2, 3, jnp.float32), lax.mul(x, weights)])  # lax takes no double here

    f: Any = jax.custom_jvp(value)

    def push(primals: Any, tangents: Any) -> Any:
        (x,), (t,) = primals, tangents
        return f(x), jnp.concatenate([residue * t[1:], weights * t])

    f.defjvp(push)
    claimed = jacinspect.inspect(f, np.array([0.5, -1.0, 0.25], np.float32))
    assert claimed.verdict == verdict
