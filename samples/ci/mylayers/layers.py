"""Layers: attention with its backward pass, and rows brought to length 1."""

import numpy as np


def softmax(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def attention(q, k, v):
    return softmax(q @ k.T / np.sqrt(k.shape[-1])) @ v


def attention_backward(q, k, v, upstream):
    weights = softmax(q @ k.T / np.sqrt(k.shape[-1]))
    inner = upstream @ v.T
    scores = weights * (inner - (weights * inner).sum(axis=-1, keepdims=True)) / np.sqrt(k.shape[-1])
    return scores @ k, scores.T @ q, weights.T @ upstream


def normalise(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)
