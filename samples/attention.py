"""An attention head with its backward pass, and one that forgets the scale."""

import numpy as np


def softmax(scores):
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def attention(q, k, v):
    return softmax(q @ k.T / np.sqrt(k.shape[-1])) @ v


def attention_backward(q, k, v, upstream, scale=None):
    scale = np.sqrt(k.shape[-1]) if scale is None else scale
    weights = softmax(q @ k.T / np.sqrt(k.shape[-1]))
    inner = upstream @ v.T
    scores = weights * (inner - (weights * inner).sum(axis=-1, keepdims=True)) / scale
    return scores @ k, scores.T @ q, weights.T @ upstream


def attention_backward_broken(q, k, v, upstream):
    return attention_backward(q, k, v, upstream, scale=1)
