"""The options that more than one command has. Next: the commands."""

from typing import Annotated, Any

import typer

from jacinspect.choices import Backend, CheckFormat, Choice, DerivativeKind, Expectation, Format
from jacinspect.functions.catalogue.completion import parameters

__all__ = [
    "BackendOption",
    "CheckFormatOption",
    "DerivativeOption",
    "DomainOption",
    "ExecutorOption",
    "ExpectOption",
    "ExpectPatternOption",
    "FormatOption",
    "HessianOption",
    "KindOption",
    "LogdetOption",
    "OrderOption",
    "ParamOption",
    "ReseedOption",
    "SpectrumOption",
]


def _parameters(ctx: typer.Context) -> list[str]:
    """List, for completion, the parameters of the function that is already on the command line."""
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
        metavar="REF_OR_EXPR_OR_FILE",
        help="A derivative to be checked: an expression, module:function, file.py:function, or a file (J.npz).",
    ),
]
ExecutorOption = Annotated[
    str | None,
    typer.Option(metavar="dask:tcp://HOST:PORT", help="Work on a cluster of dask; the report is the same."),
]
KindOption = Annotated[
    DerivativeKind | None,
    typer.Option(help="What --derivative is, where the shape of its result should not tell.", show_default=False),
]
ExpectOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PROPERTY",
        show_default=False,
        help=f"What must hold, repeatable: {', '.join(Expectation)} or rank=K.",
        autocompletion=lambda: [*Expectation],
    ),
]
ExpectPatternOption = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="A declared sparsity pattern (.npz, .mtx, .npy, .csv): what f reads besides is an error.",
    ),
]
SpectrumOption = Annotated[
    bool,
    typer.Option(
        "--spectrum", help="Rank, singular values, log|det J| and definiteness, with what the bars leave open."
    ),
]
OrderOption = Annotated[
    int | None,
    typer.Option("--order", metavar="1|2", help="2: inspect the second derivative as well, which is symmetric."),
]
HessianOption = Annotated[
    str | None,
    typer.Option(
        "--hessian",
        metavar="REF_OR_EXPR_OR_FILE",
        help="A hand-written second derivative to be checked (--order 2): N×N, f'' where it is diagonal, or hvp(x, v).",
    ),
]
LogdetOption = Annotated[
    str | None,
    typer.Option(
        "--logdet",
        metavar="REF_OR_EXPR_OR_FILE",
        help="log|det J| to be checked: a number, an expression or code, of all of J or of each item of a batch.",
    ),
]
DomainOption = Annotated[
    str | None,
    typer.Option("--domain", metavar="LOW:HIGH", help="Where the function is defined, such as 0: or -1:1."),
]
ReseedOption = Annotated[
    int | None,
    typer.Option("--reseed", metavar="N", help="Seed all generators before every call, for a function that draws."),
]
BackendOption = Annotated[
    Backend | None, typer.Option("--backend", help="Whose arrays the function takes, where trying should not tell.")
]


def _format(formats: type[Choice]) -> Any:
    words = ", ".join(formats)
    return typer.Option(
        "--format",
        "-f",
        metavar="FORMAT[=FILE]",
        help=f"What to write, repeatable, each to its file: {words}; as FILE of -o ends, if left out.",
        show_default=False,
        autocompletion=lambda: [*formats],
    )


FormatOption = Annotated[list[str] | None, _format(Format)]
CheckFormatOption = Annotated[list[str] | None, _format(CheckFormat)]
