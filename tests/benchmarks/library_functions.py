"""Functions of libraries that take more than a command: objects, and derivatives by hand. Used by test_libraries.py."""

from importlib import import_module
from typing import Any

import jax
import numpy as np
import scipy.linalg
import torch

F = torch.nn.functional


def ctc(logits: Any, targets: Any, input_lengths: Any, target_lengths: Any) -> Any:
    """torch's gradient of ctc_loss is right for what log_softmax returns."""
    return F.ctc_loss(F.log_softmax(logits, -1), targets, input_lengths, target_lengths)


def linen() -> Any:
    """A dense layer of flax, as a function of its input and its parameters."""
    layer = import_module("flax.linen").Dense(2)
    parameters = layer.init(jax.random.key(0), jax.numpy.ones((4, 3)))
    return lambda x, p=parameters: layer.apply(p, x)


def __getattr__(name: str) -> Any:
    if name == "dense":  # flax is imported when it is asked for
        return linen()
    raise AttributeError(name)


def expm_push(a: Any, da: Any) -> Any:
    """Al-Mohy & Higham 2009."""
    return scipy.linalg.expm_frechet(a, da, compute_expm=False)


def solve_push(a: Any, b: Any, da: Any, db: Any) -> Any:
    return np.linalg.solve(a, db - da @ np.linalg.solve(a, b))


def solve_pull(a: Any, b: Any, dx: Any) -> Any:
    by_b = np.linalg.solve(a.T, dx)
    return -np.outer(by_b, np.linalg.solve(a, b)), by_b


def inv_push(a: Any, da: Any) -> Any:
    inverse = np.linalg.inv(a)
    return -inverse @ da @ inverse


def interp_slopes(x: Any, xp: Any, fp: Any) -> Any:
    interval = np.clip(np.searchsorted(xp, x, side="right") - 1, 0, len(xp) - 2)
    slopes = (np.diff(fp) / np.diff(xp))[interval]
    return np.where((x < xp[0]) | (x > xp[-1]), 0.0, slopes)
