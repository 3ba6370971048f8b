"""The losses against plain loops at many digits, with the shapes, labels and reductions that torch takes."""

from typing import Any

import mpmath
import numpy as np
import pytest
from mpmath import mpf
from numpy.typing import NDArray

import jacinspect
from jacinspect.errors import InputError
from jacinspect.functions.catalogue.lookup import function

Floats = NDArray[np.float64]
Shape = tuple[int, ...]
REDUCTIONS = ["mean", "sum", "none"]

pytestmark = pytest.mark.usefixtures("no_floating_point_warning")


def reduced(losses: Any, reduction: str) -> Any:
    flat = list(losses.reshape(-1))
    if reduction == "none":
        return losses.astype(float)
    return float(mpmath.fsum(flat) / (len(flat) if reduction == "mean" else 1))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (2, 1, 2)])
def test_mse(shape: Shape, reduction: str) -> None:
    rng = np.random.default_rng(1)
    x, y, dx, dy = rng.normal(size=(4, *shape))
    f = function("mse", reduction=reduction)
    losses, moved = np.empty(shape, object), np.empty(shape, object)
    for k in np.ndindex(shape):
        d = mpf(float(x[k])) - mpf(float(y[k]))
        losses[k], moved[k] = d * d, 2 * d * (mpf(float(dx[k])) - mpf(float(dy[k])))
    np.testing.assert_allclose(f(x, y), reduced(losses, reduction), rtol=1e-13)
    np.testing.assert_allclose(f.push([x, y], [dx, dy]), reduced(moved, reduction), rtol=1e-13)
    for wrt in (1, 2):
        assert jacinspect.inspect(f, x, others=[y], wrt=wrt).verdict == "pass"


def entropies(x: Floats, p: Floats, axis: int) -> Any:
    """-Σ p log softmax(x) of each sample, and its slopes by x, as arrays of mpmath's numbers."""
    rows, weights = np.moveaxis(x, axis, -1), np.moveaxis(p, axis, -1)
    losses, slopes = np.empty(rows.shape[:-1], object), np.empty(rows.shape, object)
    for k in np.ndindex(rows.shape[:-1]):
        e = [mpmath.exp(mpf(float(entry))) for entry in rows[k]]
        total = mpmath.fsum(e)
        losses[k] = -mpmath.fsum(
            mpf(float(w)) * mpmath.log(each / total) for w, each in zip(weights[k], e, strict=True)
        )
        mass = mpmath.fsum(mpf(float(w)) for w in weights[k])
        for c, each in enumerate(e):
            slopes[k][c] = mass * each / total - mpf(float(weights[k][c]))
    return losses, np.moveaxis(slopes, -1, axis)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("shape", [(1,), (4,), (1, 1), (3, 4), (2, 3, 2)])
@pytest.mark.parametrize("target", ["labels", "one-hot", "probabilities"])
def test_cross_entropy(shape: Shape, reduction: str, target: str) -> None:
    rng = np.random.default_rng(2)
    axis = min(len(shape) - 1, 1)
    x, dx, p = rng.normal(size=(3, *shape))
    samples = shape[:axis] + shape[axis + 1 :]
    labels = rng.integers(0, shape[axis], samples)
    p = np.exp(p) if target == "probabilities" else np.moveaxis(np.eye(shape[axis])[labels], -1, axis)
    y = labels if target == "labels" else p
    f = function("cross_entropy", reduction=reduction)
    with mpmath.workdps(30):
        losses, slopes = entropies(x, p, axis)
        np.testing.assert_allclose(f(x, y), reduced(losses, reduction), rtol=1e-12, atol=1e-14)
        moved = np.asarray((slopes * dx).sum(axis=axis))
        np.testing.assert_allclose(f.push([x, y], [dx, None]), reduced(moved, reduction), rtol=1e-11, atol=1e-14)
    assert jacinspect.inspect(f, x, others=[y]).verdict == "pass"
    if target == "probabilities":
        assert jacinspect.inspect(f, x, others=[y], wrt=2).verdict == "pass"


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_it_is_what_torch_gives(reduction: str) -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    for shape in ((4,), (3, 4), (2, 3, 2)):
        axis = min(len(shape) - 1, 1)
        x, p = rng.normal(size=(2, *shape))
        labels = rng.integers(0, shape[axis], shape[:axis] + shape[axis + 1 :])
        for y in (labels, np.abs(p)):
            expected = torch.nn.functional.cross_entropy(torch.tensor(x), torch.tensor(y), reduction=reduction)
            np.testing.assert_allclose(function("cross_entropy", reduction=reduction)(x, y), expected, rtol=1e-12)


def test_impossible_classes_do_not_count() -> None:
    x, y = np.array([[0.0, -np.inf, 1.0]]), np.array([[0.5, 0.0, 0.5]])
    assert function("cross_entropy")(x, y) == pytest.approx(np.log(1 + np.e) - 0.5)
    assert function("cross_entropy")(np.array([[1000.0, 0.0]]), np.array([1])) == 1000


def test_large_differences_do_not_overflow() -> None:
    x, y = np.array([1e154, 0, 0, 0]), np.array([-1e154, 0, 0, 0])
    assert function("mse")(x, y) == pytest.approx(1e308)


@pytest.mark.parametrize(
    ("name", "operands", "message"),
    [
        (
            "mse",
            [np.ones((3, 1)), np.ones(3)],
            "mse: x 3×1 and y 3 differ in shape; they are not broadcast, as n×1 against n would be to n×n",
        ),
        ("mse", [np.ones(0), np.ones(0)], "mse: operands without entries have no mean; there is reduction=sum"),
        (
            "cross_entropy",
            [np.ones((2, 3)), np.array([0, 3])],
            "cross_entropy: y holds 3, which is no label: it needs one label from 0 to 2 for each sample, 2, such as "
            "y=[0, 1]",
        ),
        (
            "cross_entropy",
            [np.ones((2, 3)), np.array([0.5, 1])],
            "cross_entropy: y holds 0.5, which is no label: it needs one label from 0 to 2 for each sample, 2, such as "
            "y=[0, 1]",
        ),
        (
            "cross_entropy",
            [np.ones((2, 3)), np.zeros(3)],
            "cross_entropy: x 2×3 and y 3 do not go together: y holds one label from 0 to 2 for each sample, 2, or "
            "probabilities, 2×3",
        ),
        (
            "cross_entropy",
            [np.ones(()), np.zeros(())],
            "cross_entropy: x holds a number for each class: a vector, or a row for each sample",
        ),
        (
            "cross_entropy",
            [np.ones((0, 3)), np.zeros(0)],
            "cross_entropy: no samples have no mean; there is reduction=sum",
        ),
    ],
)
def test_what_does_not_fit(name: str, operands: list[Floats], message: str) -> None:
    with pytest.raises(InputError) as error:
        function(name)(*operands)
    assert str(error.value) == message


def test_labels_have_no_derivative() -> None:
    with pytest.raises(InputError, match=r"^cross_entropy: y holds labels, and there is no derivative by them$"):
        function("cross_entropy").push([np.ones((2, 3)), np.zeros(2)], [None, np.ones(2)])
