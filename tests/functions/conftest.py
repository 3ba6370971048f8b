"""What the tests of functions share."""

import importlib
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

CODE = """
import numpy as np

def swish(x, beta=1.0):
    return x / (1 + np.exp(-beta * x))

def swish_prime(x, beta=1.0):
    s = 1 / (1 + np.exp(-beta * x))
    return s + beta * x * s * (1 - s)

def forgetful(x):
    return swish_prime(x)

def swish_jvp(x, dx, beta=1.0):
    return swish_prime(x, beta) * dx

def tanh(x):
    return 2 * x
"""


@pytest.fixture
def no_floating_point_warning() -> Iterator[None]:
    """Let every warning, and every floating-point error that numpy can report, fail the test."""
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        yield


@pytest.fixture
def acts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stand in a folder with a module of activation functions."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "resolved_acts.py").write_text(CODE)
    importlib.invalidate_caches()
    yield
    sys.modules.pop("resolved_acts", None)
