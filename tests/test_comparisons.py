"""NaN passes `difference > bar`, which is false for it: what compares a claim has to ask `~(difference <= bar)`."""

import ast
from collections.abc import Iterator

import pytest

from tests.program import ROOT

PACKAGE = ROOT / "jacinspect"
FOLDERS = ("jacobian", "inspection", "identities", "checks", "views")
# These compare values of f with each other and see no claim; where one is NaN, nothing has settled.
OF_F_ALONE = {
    *(
        f"jacobian.values.{name}"
        for name in (
            "slopes",
            "sides",
            "treads",
            "averages",
            "stairs",
            "breaks",
            "noise",
            "differences",
        )
    ),
    *("jacobian.patterns.rounding", "jacobian.patterns.ties"),
}
DIFFERENCES = {"difference", "distance", "ratio"}  # methods that return one


def is_difference(node: ast.expr) -> bool:
    """Whether an expression is |a - b|, or calls what returns such a difference."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call):
            name = part.func.attr if isinstance(part.func, ast.Attribute) else getattr(part.func, "id", "")
            inner = (each for argument in part.args for each in ast.walk(argument))
            if name in DIFFERENCES or (
                name == "abs" and any(isinstance(each, ast.BinOp) and isinstance(each.op, ast.Sub) for each in inner)
            ):
                return True
    return False


def passed_by_nan(source: str) -> Iterator[int]:
    """Yield the lines with a comparison of a difference that is false for NaN: `difference > x`, `x < difference`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            for left, op, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
                greater = left if isinstance(op, ast.Gt | ast.GtE) else right if isinstance(op, ast.Lt) else None
                greater = right if isinstance(op, ast.LtE) and not is_difference(left) else greater
                if greater is not None and is_difference(greater):
                    yield node.lineno


MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for folder in FOLDERS
    for path in sorted((PACKAGE / folder).rglob("*.py"))
}


@pytest.mark.parametrize("module", sorted(MODULES.keys() - OF_F_ALONE))
def test_no_comparison_of_a_claim_is_passed_by_nan(module: str) -> None:
    assert list(passed_by_nan(MODULES[module].read_text(encoding="utf-8"))) == []


def test_the_modules_that_are_left_out_exist_and_see_no_claim() -> None:
    assert MODULES.keys() >= OF_F_ALONE
    for module in OF_F_ALONE:
        tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not names & {"analytic", "claimed"}, module


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("np.abs(a - b) > bar", [1]),
        ("off = not abs(a - b[0]) >= bar", [1]),
        ("bar < np.abs(a.x - b)", [1]),
        ("comparison.difference(entries) > bar", [1]),
        ("~(np.abs(a - b) <= bar)", []),
        ("np.abs(a) > bar - 1", []),
    ],
)
def test_the_dangerous_form_is_found(source: str, lines: list[int]) -> None:
    assert list(passed_by_nan(source)) == lines
