"""What --help shows: one screen for the program, and the options of a command by what they are for. Next: commands.

Nothing here needs rich, which takes as long to import as the rest of the program.
"""

from collections.abc import Iterable
from typing import Any

__all__ = ["COMMANDS", "EXAMPLES", "overview", "write_options"]

COMMANDS = (  # each with the first sentence of its own help, which a test compares
    ("inspect", 'Inspect one Jacobian; "inspect" may be left out.'),
    ("identities", "Verify the tensor identities on the numbers of a matrix."),
    ("check", "Run the checks declared in pyproject.toml or jacinspect.toml."),
    ("list", "List the functions of the catalogue, or those that a text finds."),
    ("explain", "Explain a finding or a word of a report in a few lines."),
)

EXAMPLES = (  # one of each kind; what is typed, and what it is
    ("sigmoid --shape 2x2", "a function of the catalogue"),
    ("'x * sigmoid(1.7 * x)' --shape 3", "an expression"),
    ("tanh -s 3 -d '1 - tanh(x)**2'", "a derivative of yours, checked"),
    ("math:sin --shape 3", "Python code, or file.py:function"),
    ("matmul -s 2x3 --with 3x4 --wrt y", "by the second of two operands"),
    ("relu --input '[[1,-2],[0,3]]'", "your numbers, or x.csv, x.npy …"),
)

_PANELS = {  # of the options of inspect, in the order in which they are shown
    "Function and operands": "function shape source further wrt param take domain dtype seed reseed mode",
    "Derivative": "derivative derivative_kind backend hessian order logdet",
    "What to show": "details quiet vec layout form full direction spectrum",
    "What must hold": "expect expect_pattern rtol atol noise strict_kinks points",
    "Budgets": "memory max_evaluations jobs executor",
    "Output": "to as_json output open_ save exit_zero traceback",
}
_PANEL_OF = {name: panel for panel, names in _PANELS.items() for name in names.split()}


def overview() -> str:
    """Return the help of the program, at most 24 lines of 80 columns."""
    typed = max(len(example) for example, _ in EXAMPLES)
    examples = "".join(f"  jacinspect {example:<{typed}}  {what}\n" for example, what in EXAMPLES)
    listed = "".join(f"  {name:<10}  {what}\n" for name, what in COMMANDS)
    return (
        "Usage: jacinspect FUNCTION [options]\n\n"
        f"Is this derivative right, and what does its Jacobian look like?\n\n{examples}\n"
        f"Commands:\n{listed}\n"
        "Options: jacinspect inspect --help, jacinspect check --help …; here --version\n"
        "and --install-completion. Exit status: 0 all holds, 1 something does not,\n"
        "2 could not inspect.\n"
    )


def write_options(parameters: Iterable[Any], ctx: Any, formatter: Any) -> None:
    """Write the parameters of a command below the titles of their panels; those of none are options."""
    panels: dict[str, list[tuple[str, str]]] = {panel: [] for panel in ("Arguments", *_PANELS, "Options")}
    for parameter in parameters:
        record = parameter.get_help_record(ctx)
        if record is not None:
            other = "Arguments" if parameter.param_type_name == "argument" else "Options"
            panels[_PANEL_OF.get(parameter.name, other)].append(record)
    for panel, records in panels.items():
        if records:
            with formatter.section(panel):
                formatter.write_dl(records)
