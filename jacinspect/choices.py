"""The words that can be chosen, one list for each: the command line, settings, checks and views read them here.

At the end, those that Python's callers give, as types: a type checker then sees a misspelt one. A test holds each
beside its list.
"""

import re
from enum import StrEnum
from typing import Literal

from jacinspect.errors import InputError

__all__ = [
    "AnyBackend",
    "AnyDerivativeKind",
    "AnyExpectation",
    "AnyForm",
    "AnyLayout",
    "AnyMode",
    "AnyVec",
    "Backend",
    "CheckFormat",
    "Choice",
    "DerivativeKind",
    "Detail",
    "Dtype",
    "Expectation",
    "Form",
    "Format",
    "IdentitiesFormat",
    "Layout",
    "Mode",
    "SmallRank",
    "Vec",
    "is_spectral",
]


class Choice(StrEnum):
    """A list of words of which one can be chosen."""

    @classmethod
    def require(cls, value: str, what: str) -> None:
        """Raise InputError, which begins with `what`, where `value` is none of the words."""
        if value not in list(cls):
            raise InputError(f"{what} {value!r} is not one of {', '.join(cls)}")


class Vec(Choice):
    """The order in which vec stacks the entries of an array."""

    column = "column"
    row = "row"


class Layout(Choice):
    """The orientation of the matrix: rows are outputs (numerator) or inputs (denominator)."""

    numerator = "numerator"
    denominator = "denominator"


class Mode(Choice):
    """The mode that torch modules are in: batch norm and dropout differ between the two."""

    train = "train"
    eval = "eval"


class Form(Choice):
    """Which arrangement of the Jacobian's numbers is shown."""

    vec = "vec"
    tensor = "tensor"
    stacked = "stacked"
    blocks = "blocks"


class Detail(Choice):
    """How much of a report a terminal shows."""

    headline = "headline"
    first = "first"
    everything = "everything"


class Dtype(Choice):
    """The precision that an operand is rounded to."""

    float64 = "float64"
    float32 = "float32"
    complex128 = "complex128"
    complex64 = "complex64"


class Format(Choice):
    """How a report is written."""

    text = "text"
    json = "json"
    markdown = "markdown"
    latex = "latex"
    html = "html"
    csv = "csv"


class IdentitiesFormat(Choice):
    """How a report on the identities is written."""

    text = "text"
    json = "json"


class CheckFormat(Choice):
    """How the outcomes of checks are written."""

    text = "text"
    json = "json"
    junit = "junit"
    github = "github"
    markdown = "markdown"
    sarif = "sarif"
    html = "html"


class Expectation(Choice):
    """A property that the Jacobian can be expected to have, besides rank=K; those from `invertible` on are spectral."""

    diagonal = "diagonal"
    block_diagonal = "block-diagonal"
    permutation = "permutation"
    broadcast = "broadcast"
    lower_triangular = "lower-triangular"
    upper_triangular = "upper-triangular"
    symmetric = "symmetric"
    dense = "dense"
    holomorphic = "holomorphic"
    banded = "banded"
    invertible = "invertible"
    orthogonal = "orthogonal"
    positive_definite = "positive-definite"
    volume_preserving = "volume-preserving"
    contraction = "contraction"

    @classmethod
    def require(cls, value: str, what: str) -> None:
        """Raise InputError, which begins with `what`, where `value` is none of the words, and no rank=K."""
        if value not in list(cls) and not re.fullmatch(r"rank=\d{1,9}", value):
            of_pattern = [each for each in cls if not is_spectral(each)]
            of_values = [each for each in cls if is_spectral(each)]
            raise InputError(
                f"{what} {value!r} is not one of {', '.join(of_pattern)},\n{', '.join(of_values)} or rank=3"
            )


def is_spectral(name: str) -> bool:
    """Whether an expectation is one of the Jacobian's values as a whole, for which its spectrum is needed."""
    first = list(Expectation).index(Expectation.invertible)
    return name.startswith("rank=") or name in list(Expectation)[first:]


class DerivativeKind(Choice):
    """What a hand-written derivative returns."""

    elementwise = "elementwise"
    gradient = "gradient"
    jacobian = "jacobian"
    jvp = "jvp"
    vjp = "vjp"


class Backend(Choice):
    """The library whose arrays a function takes."""

    numpy = "numpy"
    torch = "torch"
    jax = "jax"


AnyVec = Literal["column", "row"]
AnyLayout = Literal["numerator", "denominator"]
AnyMode = Literal["train", "eval"]
AnyForm = Literal["vec", "tensor", "stacked", "blocks"]
AnyBackend = Literal["numpy", "torch", "jax"]
AnyDerivativeKind = Literal["elementwise", "gradient", "jacobian", "jvp", "vjp"]
SmallRank = Literal["rank=0", "rank=1", "rank=2", "rank=3", "rank=4", "rank=5", "rank=6", "rank=7", "rank=8", "rank=9"]
AnyExpectation = Literal[
    "diagonal",
    "block-diagonal",
    "permutation",
    "broadcast",
    "lower-triangular",
    "upper-triangular",
    "symmetric",
    "dense",
    "holomorphic",
    "banded",
    "invertible",
    "orthogonal",
    "positive-definite",
    "volume-preserving",
    "contraction",
]
