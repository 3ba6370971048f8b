"""What can be typed: the choices of options, and the options that more than one command has. Next: the commands."""

from enum import StrEnum
from typing import Annotated

import typer

from jacinspect.functions.catalogue.completion import parameters

__all__ = [
    "Backend",
    "BackendOption",
    "CheckFormat",
    "DerivativeKind",
    "DerivativeOption",
    "Dtype",
    "Expect",
    "Form",
    "Format",
    "KindOption",
    "Layout",
    "ParamOption",
    "ReportFormat",
    "Vec",
]


class Vec(StrEnum):
    """Orders of vec."""

    column = "column"
    row = "row"


class Layout(StrEnum):
    """Orientations of the matrix."""

    numerator = "numerator"
    denominator = "denominator"


class Dtype(StrEnum):
    """Precisions of an operand."""

    float64 = "float64"
    float32 = "float32"


class Form(StrEnum):
    """Arrangements of the numbers."""

    vec = "vec"
    tensor = "tensor"
    stacked = "stacked"
    blocks = "blocks"


class ReportFormat(StrEnum):
    """How an identity report is written."""

    text = "text"
    json = "json"


class CheckFormat(StrEnum):
    """How the outcomes of checks are written."""

    text = "text"
    json = "json"
    junit = "junit"
    github = "github"
    markdown = "markdown"


class Format(StrEnum):
    """How a report is written."""

    text = "text"
    json = "json"
    markdown = "markdown"
    latex = "latex"


class Expect(StrEnum):
    """What may be asked of a pattern."""

    diagonal = "diagonal"
    block_diagonal = "block-diagonal"
    permutation = "permutation"
    broadcast = "broadcast"
    lower_triangular = "lower-triangular"
    upper_triangular = "upper-triangular"
    symmetric = "symmetric"
    dense = "dense"


class DerivativeKind(StrEnum):
    """What a derivative of somebody's own returns."""

    elementwise = "elementwise"
    gradient = "gradient"
    jacobian = "jacobian"
    jvp = "jvp"
    vjp = "vjp"


class Backend(StrEnum):
    """Whose arrays a function takes."""

    numpy = "numpy"
    torch = "torch"
    jax = "jax"


def _parameters(ctx: typer.Context) -> list[str]:
    """List the parameters, for completion, of the function that is typed already."""
    return parameters(ctx.params.get("function") or "")


ParamOption = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        "-p",
        metavar="NAME=VALUE",
        help="A parameter of the function.",
        autocompletion=_parameters,
    ),
]
DerivativeOption = Annotated[
    str | None,
    typer.Option(
        "--derivative",
        "-d",
        metavar="REF_OR_EXPR",
        help="A hand-written derivative to be checked: an expression, module:function or file.py:function.",
    ),
]
KindOption = Annotated[
    DerivativeKind | None,
    typer.Option(help="What --derivative is, where the shape of its result should not tell.", show_default=False),
]
BackendOption = Annotated[
    Backend | None, typer.Option("--backend", help="Whose arrays the function takes, where trying should not tell.")
]
