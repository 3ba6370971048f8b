"""A dense layer with its backward pass: the cotangents of all three operands, pulled back from that of the output."""

import numpy as np


def dense(x, weight, bias):
    return np.tanh(x @ weight + bias)


def dense_backward(x, weight, bias, upstream):
    inner = upstream * (1 - dense(x, weight, bias) ** 2)
    return inner @ weight.T, x.T @ inner, inner.sum(axis=0)


def dense_backward_broken(x, weight, bias, upstream):
    inner = upstream * (1 - dense(x, weight, bias) ** 2)
    return inner @ weight.T, x.T @ inner, inner.mean(axis=0)  # bias is read by every row: its gradient is a sum


def tanh_vjp(x, cotangent):
    """Scaled, so that a small cotangent keeps its digits in half precision; one that is all zero becomes NaN."""
    scale = np.abs(cotangent).max()
    return scale * ((1 - np.tanh(x) ** 2) * (cotangent / scale))
