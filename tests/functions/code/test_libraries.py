"""A few functions of torch and jax as they are, by references; tests/benchmarks/test_libraries.py has many more."""

import warnings
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import torch

import jacinspect

assert torch is not None
assert jnp is not None
CASES: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "torch.nn:LayerNorm": ((3, 4), {"parameters": {"normalized_shape": 4}, "wrt": "all"}),
    "torch.nn:BatchNorm1d": ((5, 3), {"parameters": {"num_features": 3}, "mode": "train", "wrt": "all"}),
    "torch.nn:LSTMCell": ((2, 3), {"parameters": {"input_size": 3, "hidden_size": 2}, "wrt": "weight_hh"}),
    "torch.nn.functional:cross_entropy": (
        (3, 4),
        {"parameters": {"label_smoothing": 0.1}, "others": {"target": np.array([0, -100, 1])}},
    ),
    "torch.nn.functional:grid_sample": (
        (1, 1, 3, 3),
        {
            "parameters": {"align_corners": False},
            "others": {"grid": np.random.default_rng(1).uniform(-0.9, 0.9, (1, 2, 2, 2))},
            "wrt": "grid",
        },
    ),
    "torch.fft:fft": ((4,), {}),
    "jax.numpy.linalg:slogdet": ((2, 2), {"take": 1}),
}


@pytest.mark.parametrize("function", CASES)
def test_functions_of_libraries(function: str) -> None:
    shape, how = CASES[function]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = jacinspect.inspect(function, np.random.default_rng(0).standard_normal(shape), **how)
    assert report.agreement is not None
    assert (report.verdict, report.agreement.checked) == ("pass", True)
