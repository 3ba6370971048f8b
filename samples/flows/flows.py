"""Three bijections of normalizing flows, each with log|det J| of every item of a batch, right and wrong."""

import numpy as np

SCALE = np.array([[0.4, -0.3], [0.2, 0.5]])
SHIFT = np.array([[-0.1, 0.7], [0.6, 0.3]])
U, W, B = np.array([0.3, -0.2, 0.5]), np.array([0.7, 0.4, -0.6]), 0.1


def coupling(x):
    """Affine coupling (Dinh et al. 2017): the first half stays, and says how the second is scaled and shifted."""
    first, second = x[:, :2], x[:, 2:]
    return np.concatenate([first, second * np.exp(np.tanh(first @ SCALE)) + first @ SHIFT], axis=1)


def coupling_logdet(x):
    return np.tanh(x[:, :2] @ SCALE).sum(axis=1)


def coupling_logdet_of_inverse(x):
    return -np.tanh(x[:, :2] @ SCALE).sum(axis=1)


def coupling_logdet_over_the_batch(x):
    return np.tanh(x[:, :2] @ SCALE).sum(axis=0)


def planar(x):
    """Planar flow (Rezende & Mohamed 2015): x + u·tanh(w·x + b)."""
    return x + np.tanh(x @ W + B)[:, None] * U


def planar_logdet(x):
    return np.log(np.abs(1 + (1 - np.tanh(x @ W + B) ** 2) * (U @ W)))


def planar_logdet_without_log(x):
    return np.abs(1 + (1 - np.tanh(x @ W + B) ** 2) * (U @ W))


def squash(x):
    """The tanh bijector that bounds the actions of a policy (Haarnoja et al. 2018)."""
    return np.tanh(x)


def squash_logdet(x):
    return (2 * (np.log(2) - x - np.log1p(np.exp(-2 * x)))).sum(axis=1)


def squash_logdet_without_log_2(x):
    return (2 * (-x - np.log1p(np.exp(-2 * x)))).sum(axis=1)


def squash_logdet_as_mean(x):
    return (2 * (np.log(2) - x - np.log1p(np.exp(-2 * x)))).mean(axis=1)
