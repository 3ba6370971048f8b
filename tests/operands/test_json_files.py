""".json: what is read, and the text of every refusal."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from tests.operands.written import FLOATS, read, refusal


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", 3),
        ("[[[1], [2]]]", [[[1], [2]]]),
        ('["Infinity", -Infinity, 1e3]', [np.inf, -np.inf, 1000]),
        ("[" * 64 + "1" + "]" * 64, np.ones((1,) * 64).tolist()),
    ],
)
def test_json(text: str, expected: Any) -> None:
    y = read("x.json", text)
    assert y.tolist() == expected
    assert y.dtype == np.float64


@settings(deadline=None)
@given(FLOATS)
def test_json_round_trip(x: Any) -> None:
    quoted = [[v if np.isfinite(v) else str(v).replace("inf", "Infinity").replace("nan", "NaN") for v in r] for r in x]
    assert np.array_equal(read("x.json", json.dumps(x.tolist())), x, equal_nan=True)
    assert np.array_equal(read("x.json", json.dumps(quoted)), x, equal_nan=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "x.json: holds no numbers"),
        ("[]", "x.json: holds no numbers"),
        ("[[], []]", "x.json: holds no numbers"),
        ("[[1, 2], [3]]", "x.json: [1] is a list of 1, [0] a list of 2"),
        ("[[[1], [2]], [[3], [4, 5]]]", "x.json: [1][1] is a list of 2, [0][0] a list of 1"),
        ("[[1], 2]", "x.json: [1] is no list, [0] a list of 1"),
        ("[1, [2]]", "x.json: [1] is a list, not a number"),
        ("[[1], [null]]", "x.json: [1][0] is null, not a number"),
        ("[1, true]", "x.json: [1] is true or false, not a number"),
        ("[[1, 2], [3, {}]]", "x.json: [1][1] is an object, not a number"),
        ('{"a": 1}', "x.json: the top level is an object, not a number"),
        ('["NaN", "1.5"]', "x.json: [1] is the text '1.5'; texts may only be NaN, Infinity, -Infinity"),
        ("[Infinity, 1e999]", "x.json: [1] is too large for float64"),
        ("[[0, -1e999]]", "x.json: [0][1] is too large for float64"),
        ("[" + "1" * 5000 + "]", "x.json: [0] is too large for float64"),
        ("[1,\n 2,,]", "x.json, line 2, column 4: is not JSON: Expecting value"),
        ("1,2\n", "x.json, line 1, column 2: is not JSON: Extra data"),
        ("[" * 65 + "1" + "]" * 65, "x.json: is nested too deeply: numpy allows 64 axes"),
        ("[" * 100000, "x.json: is nested too deeply: numpy allows 64 axes"),
    ],
)
def test_json_refused(content: str, message: str) -> None:
    assert message in refusal("x.json", content)


def test_json_is_counted_before_its_objects_are_made() -> None:
    assert "shape 10000 takes 78.1 KiB" in refusal("x.json", "[" + "1," * 9999 + "not parsed", memory=10**6)
