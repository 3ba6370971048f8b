"""A potential of two coupled oscillators, its gradient, and its Hessian: right, and with a wrong off-diagonal block."""

import numpy as np

SPRINGS = np.array([[2.0, 0.5], [0.5, 1.0]])


def energy(x):
    p, q = x[:2], x[2:]
    return p @ SPRINGS @ p / 2 + np.sum(np.cos(q) * p)


def gradient(x):
    p, q = x[:2], x[2:]
    return np.concatenate([SPRINGS @ p + np.cos(q), -np.sin(q) * p])


def hessian(x):
    p, q = x[:2], x[2:]
    across = np.diag(-np.sin(q))
    return np.block([[SPRINGS, across], [across, np.diag(-np.cos(q) * p)]])


def hessian_broken(x):
    h = hessian(x)
    h[:2, 2:] = np.diag(-np.cos(x[2:]))  # the upper right block differentiates cos to cos
    return h
