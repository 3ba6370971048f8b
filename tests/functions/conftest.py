"""What the tests of the formulas share."""

import warnings
from collections.abc import Iterator

import numpy as np
import pytest


@pytest.fixture
def no_floating_point_warning() -> Iterator[None]:
    """Let every warning, and every floating-point error that numpy can report, fail the test."""
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        yield
