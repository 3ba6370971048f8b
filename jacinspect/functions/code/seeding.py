"""A callable whose generators of random numbers are seeded at every call, so that it draws the same ones each time.

In: a callable and a seed. Out: the callable; the generators are as they were after each call. Next: callables.py.
"""

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

__all__ = ["reseeded"]


def reseeded(call: Callable[..., Any], seed: int | None) -> Callable[..., Any]:
    """Return a callable that seeds numpy's, Python's and torch's global generators first; the same one for None."""
    if seed is None:
        return call

    def seeded(*given: Any) -> Any:
        with _seeded(seed):
            return call(*given)

    return seeded


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    torch: Any = sys.modules.get("torch")
    before = random.getstate(), np.random.get_state(), torch and torch.get_rng_state()  # noqa: NPY002 (people's own)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    if torch is not None:
        torch.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
        if torch is not None:
            torch.set_rng_state(before[2])
