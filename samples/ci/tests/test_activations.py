"""A hundred tests, ten activations by ten seeds, that share nothing: any number of workers can have some of them."""

import numpy as np
import pytest

import jacinspect

ACTIVATIONS = {
    "sigmoid": "sigmoid(x) * (1 - sigmoid(x))",
    "tanh": "1 - tanh(x)**2",
    "relu": "where(x > 0, 1, 0)",
    "softplus": "sigmoid(x)",
    "exp": "exp(x)",
    "square": "2 * x",
    "sin": "cos(x)",
    "atan": "1 / (1 + x**2)",
    "x * sigmoid(x)": "sigmoid(x) * (1 + x * (1 - sigmoid(x)))",
    "x / (1 + abs(x))": "1 / (1 + abs(x))**2",
}


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivative(name, seed):
    x = np.random.default_rng(seed).standard_normal((8, 16))
    jacinspect.assert_jacobian(name, x, derivative=ACTIVATIONS[name], expect="diagonal", seed=seed)
