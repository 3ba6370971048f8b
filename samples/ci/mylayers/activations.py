"""Activations with their derivatives by hand; mish_prime_wrong lacks a factor."""

import numpy as np


def swish(x, beta=1.0):
    return x / (1 + np.exp(-beta * x))


def swish_prime(x, beta=1.0):
    s = 1 / (1 + np.exp(-beta * x))
    return s + beta * x * s * (1 - s)


def squared_relu(x):
    return np.maximum(x, 0) ** 2


def hard_tanh(x):
    return np.clip(x, -1, 1)


def hard_tanh_prime(x):
    return np.where(np.abs(x) < 1, 1.0, 0.0)


def mish(x):
    return x * np.tanh(np.log1p(np.exp(x)))


def mish_prime_wrong(x):
    t = np.tanh(np.log1p(np.exp(x)))
    return t + x * (1 - t**2)  # times the sigmoid of x
