"""Functions of numpy arrays that workers import from this file."""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
W = np.random.default_rng(6).standard_normal((200, 200)) / 20
A = np.random.default_rng(5).standard_normal((6, 6))


def dense(x: Array) -> Array:
    return np.asarray(np.tanh(A @ x))


def raises(x: Array) -> Array:
    if np.abs(x).max() > 2.5:
        raise ValueError("too large")
    return np.asarray(x**3 + x.sum())


def max_pool(x: Array) -> Array:
    return np.asarray(x.reshape(2, 2, 2, 2).max(axis=(1, 3)))


def stairs(x: Array) -> Array:
    return np.asarray(np.round(np.sin(x), 6))


def half(x: Array) -> Array:
    return np.asarray(np.sin(x.astype(np.float16)).astype(float))


def two(x: Array) -> dict[str, Array]:
    return {"sum": x.sum(keepdims=True), "sine": np.sin(x)}


def two_pushed(x: Array, dx: Array) -> dict[str, Array]:
    return {"sum": dx.sum(keepdims=True), "sine": np.cos(x) * dx}


def quartic(x: Array) -> Array:
    return np.asarray(np.sum(x**4) + x[0] * x[1])


def slope(x: Array) -> Array:
    """The gradient of `quartic`; it notes which processes call it."""
    if "JACINSPECT_TEST_NOTES" in os.environ:
        with Path(os.environ["JACINSPECT_TEST_NOTES"]).open("a") as notes:
            notes.write(f"{os.getpid()}\n")
    return np.asarray(4 * x**3 + np.concatenate([x[1::-1], np.zeros(x.size - 2)]))


def squared(z: Array) -> Array:
    return z * z


def scaled(x: Array, weights: Array, power: int = 2) -> Array:
    return np.asarray(weights * x**power)


def ends_once(x: Array, marker: str = "") -> Array:
    """End the process at the first call away from X, whoever makes it."""
    return _once(x, marker, lambda: os._exit(3))


def hangs_once(x: Array, marker: str = "") -> Array:
    return _once(x, marker, lambda: time.sleep(60))


def _once(x: Array, marker: str, fault: object) -> Array:
    assert callable(fault)
    if x[0] != 1:
        try:
            Path(marker).touch(exist_ok=False)
        except FileExistsError:
            return np.asarray(x**2)
        fault()
    return np.asarray(x**2)


def ends(x: Array) -> Array:
    if x[0] != 1:
        os._exit(3)
    return np.asarray(x**2)


def rounds_elsewhere(x: Array, home: int = 0) -> Array:
    return np.asarray(x**2 if os.getpid() == home else np.nextafter(x**2, np.inf))


def sleeps(x: Array) -> Array:
    time.sleep(0.05)
    return np.asarray(np.tanh(W @ x))


def works(x: Array) -> Array:
    """Keep a processor busy for about 20 ms."""
    total = 0.0
    for k in range(200_000):
        total += k * 1e-12
    return np.asarray(np.tanh(W[: x.size, : x.size] @ x) + total)


def slow(x: Array) -> Array:
    time.sleep(0.05)
    return np.asarray(x**2)


def be_odd() -> None:
    os.environ["JACINSPECT_TEST_ODD"] = "1"


def differs_where_odd(x: Array) -> Array:
    return x + 1e-3 * ("JACINSPECT_TEST_ODD" in os.environ)
