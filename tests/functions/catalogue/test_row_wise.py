"""All functions of a line inspected: their derivatives are right, and are what is declared; and torch and jax agree."""

from typing import Any

import jax
import numpy as np
import pytest
import torch

import jacinspect
from jacinspect.functions.catalogue.lookup import function
from jacinspect.functions.catalogue.tables import ENTRIES
from jacinspect.functions.function import Parameter
from tests.functions.catalogue.lines import jacobian

ROW_WISE = [entry for entry in ENTRIES if entry.kind == "row-wise"]
NAMES = [entry.name for entry in ROW_WISE]
PERMUTING = ("flip", "roll")
TRIANGULAR = ("cumsum", "cumprod", "cummax", "cummin", "logcumsumexp")
ALONE_CONSTANT = {"softmax", "softmin", "log_softmax", "sparsemax", "center", "layer_norm", "group_norm"}
ALONE_CONSTANT |= {"instance_norm", "batch_norm"}


def structure(name: str, shape: tuple[int, ...]) -> str:
    if 0 in shape:
        return "zero"
    if shape == (1, 1):
        return "zero" if name in ALONE_CONSTANT else "diagonal"
    if name in PERMUTING:
        return "permutation"
    return "block-diagonal" if len(shape) > 1 else "lower-triangular" if name in TRIANGULAR else "dense"


@pytest.mark.parametrize("shape", [(2, 3), (4,), (1, 1), (0, 3), (2, 3, 2)])
@pytest.mark.parametrize("name", NAMES)
def test_at_a_generic_point(name: str, shape: tuple[int, ...]) -> None:
    report = jacinspect.inspect(name, np.random.default_rng(7).normal(size=shape))
    assert report.verdict == "pass", report.findings
    assert report.jacobian is not None
    assert report.jacobian.structure == structure(name, shape)


# where all of them are differentiable, or have a kink that is reported as one
@pytest.mark.parametrize(
    "row",
    [
        [2.0, 0.0, 3.0],
        [0.0, 40.0],
        [1.0, 1.0, 0.0],
        [1.0, 0.0],
        [3.0],
        [0.0],
        [0.0, 0.0],
        [-0.5, -0.5, 4.0],
        [np.inf, 1.0, -2.0],
        [-np.inf, 0.0, 1.0],
        [np.nan, 0.0, 1.0],
    ],
    ids=str,
)
@pytest.mark.parametrize("name", NAMES)
def test_at_special_rows(name: str, row: list[float]) -> None:
    report = jacinspect.inspect(name, np.array(row))
    nothing = report.without_evidence and not np.isfinite(row).all()  # where every output reads a NaN, say
    assert report.verdict == ("inconclusive" if nothing else "pass"), report.findings
    assert [found.code for found in report.findings if found.severity == "error"] == ["J006"] * nothing


@pytest.mark.parametrize(
    "row", [[0.0, 0.0, 0.0], [1e160, 3e160, -2e160], [3e-160, 4e-160, 0.0], [1e8, 1e8 + 1, 1e8 + 2]], ids=str
)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("sort", "cumprod")])
def test_badly_scaled_rows_are_not_accused(name: str, row: list[float]) -> None:
    report = jacinspect.inspect(name, np.array(row))
    assert report.verdict in ("pass", "inconclusive"), report.findings


def _group_norm(x: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.group_norm(x, 2)


TORCH: dict[str, tuple[dict[str, Parameter], Any]] = {
    "softmax": ({}, lambda x: torch.softmax(x, -1)),
    "softmin": ({}, lambda x: torch.nn.functional.softmin(x, -1)),
    "log_softmax": ({}, lambda x: torch.log_softmax(x, -1)),
    "layer_norm": ({}, lambda x: torch.nn.functional.layer_norm(x, x.shape[-1:])),
    "rms_norm": ({}, lambda x: torch.nn.functional.rms_norm(x, x.shape[-1:])),
    "l2_normalize": ({}, torch.nn.functional.normalize),
    "l1_normalize": ({}, lambda x: torch.nn.functional.normalize(x, p=1)),
    "group_norm": ({"num_groups": 2}, _group_norm),
    "batch_norm": ({}, lambda x: torch.nn.functional.batch_norm(x, None, None, training=True)),
    "cumsum": ({}, lambda x: torch.cumsum(x, -1)),
    "cumprod": ({}, lambda x: torch.cumprod(x, -1)),
    "cummax": ({}, lambda x: torch.cummax(x, -1).values),
    "cummin": ({}, lambda x: torch.cummin(x, -1).values),
    "logcumsumexp": ({}, lambda x: torch.logcumsumexp(x, -1)),
    "sort": ({"descending": True}, lambda x: torch.sort(x, dim=-1, descending=True, stable=True).values),
    "flip": ({}, lambda x: torch.flip(x, (-1,))),
    "roll": ({"shift": 2}, lambda x: torch.roll(x, 2, -1)),
}


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("name", TORCH)
def test_torch_agrees(name: str, ties: bool) -> None:
    parameters, theirs = TORCH[name]
    x = np.random.default_rng(5).normal(size=(3, 4))
    if ties:
        x = np.round(x)
    f, tensor = function(name, **parameters), torch.from_numpy(x)
    np.testing.assert_allclose(f(x), theirs(tensor).numpy(), rtol=1e-13, atol=1e-15)
    matrix = torch.autograd.functional.jacobian(theirs, tensor).reshape(x.size, x.size).numpy()
    np.testing.assert_allclose(jacobian(f, x), matrix, rtol=1e-12, atol=1e-14)


def test_torch_agrees_about_images() -> None:
    x = np.random.default_rng(5).normal(size=(2, 3, 2, 2))
    theirs = torch.nn.functional.instance_norm(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(function("instance_norm", axis=-2)(x), theirs, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(
    ("name", "parameters", "theirs"),
    [
        ("standardize", {}, jax.nn.standardize),
        ("log_softmax", {}, jax.nn.log_softmax),
        ("cumsum", {"axis": 0, "reverse": True}, lambda x: jax.lax.cumsum(x, reverse=True)),
        ("cumprod", {"axis": 0, "reverse": True}, lambda x: jax.lax.cumprod(x, reverse=True)),
        ("logcumsumexp", {"axis": 0}, jax.lax.cumlogsumexp),
        ("cummax", {"axis": 0}, jax.lax.cummax),
    ],
)
def test_jax_agrees(name: str, parameters: dict[str, Parameter], theirs: Any) -> None:
    x = np.random.default_rng(5).normal(size=(3, 4))
    f = function(name, **parameters)
    with jax.enable_x64(True):
        np.testing.assert_allclose(f(x), theirs(x), rtol=1e-12, atol=1e-14)
        matrix = np.asarray(jax.jacobian(theirs)(x)).reshape(x.size, x.size)
    np.testing.assert_allclose(jacobian(f, x), matrix, rtol=1e-11, atol=1e-13)
