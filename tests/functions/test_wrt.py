"""What to differentiate by, read from what people give."""

import pytest

from jacinspect.functions.wrt import Wrt, named_by, patterns_of, singly

NAMES = ("x", "p.w", "p.b", "pw", "0.weight", "a,b", "2")


@pytest.mark.parametrize(
    ("wrt", "places"),
    [
        ("x", ["x"]),
        (2, ["p.w"]),
        ("3", ["p.b"]),
        ("2", ["2"]),  # which is a name
        (["p.b", 1], ["p.b", "x"]),
        ("p", ["p.w", "p.b"]),
        ("p.*,x", ["p.w", "p.b", "x"]),
        ("p*", ["p.w", "p.b", "pw"]),
        ("a,b", ["a,b"]),
        ("all", list(NAMES)),
        ("0", []),  # a place, and no part of a name
        (8, []),
        ("p.", []),
        ("q", []),
    ],
)
def test_operands_that_are_named(wrt: Wrt, places: list[str]) -> None:
    assert [name for one in singly(wrt, NAMES) for name in named_by(one, NAMES)] == places


def test_patterns() -> None:
    assert patterns_of(["p.*, x", 2, "all"]) == ["p.*", "x", "*"]
    assert patterns_of(None) == patterns_of(1) == []
