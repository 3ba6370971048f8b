""".json: what is read, and the text of every refusal."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from jacinspect.errors import InputError
from jacinspect.operands.files import read_operand
from tests.operands.written import FLOATS, GIB, read, refusal


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


RECORDS = '[{"t": 0, "u": 1.5}, {"u": "NaN", "t": 2}]'


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("x.json:a", '{"a": [1, 2], "b": "text"}', [1, 2]),
        ("x.json:a.b", '{"a": {"b": [[1], [2]]}}', [[1], [2]]),
        ("x.json:a.b", '{"a.b": 3, "a": {"b": 4}}', 3),
        ("x.json", RECORDS, [[0, 1.5], [2, "nan"]]),
        ("x.json:u", RECORDS, [1.5, "nan"]),
        ("x.json:rows", f'{{"rows": {RECORDS}}}', [[0, 1.5], [2, "nan"]]),
        ("x.json:rows.t", f'{{"rows": {RECORDS}}}', [0, 2]),
    ],
)
def test_a_key_and_records(name: str, text: str, expected: Any) -> None:
    assert np.array_equal(read(name, text), np.array(expected, float), equal_nan=True)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.json", '{"a": 1, "b": 2}', "is an object, not a number; write x.json:KEY, the key being 'a', 'b'"),
        ("x.json:c", '{"alpha": 1, "b": 2}', "x.json: has no 'c'; it holds 'alpha', 'b'"),
        ("x.json:alpah", '{"alpha": 1, "b": 2}', "did you mean 'alpha'?"),
        ("x.json:a.c", '{"a": {"b": 1}}', "x.json: has no 'c'; it holds 'b'"),
        ("x.json:a", "[1, 2]", "x.json: has no 'a': no object is there, so no keys"),
        ("x.json:a", '{"a": [1, null]}', "x.json:a: [1] is null, not a number"),
        ("x.json", '[{"t": 1}, {"u": 1}]', "x.json: [1] has keys 'u', [0] has 't'"),
        (
            "x.json",
            '[{"t": 1, "n": "a"}]',
            "x.json: [0]['n'] is the text 'a'; texts may only be NaN, Infinity, -Infinity",
        ),
        ("x.json", '[{"t": [1]}]', "[0]['t'] is a list, not a number; write FILE.json:KEY for one column"),
        ("x.json:a", '{"a": {"0": 1}}', "is an object, not a number; write x.json:a.KEY, the key being '0'"),
        ("x.json:a", "{,}", "x.json, line 1, column 2: is not JSON"),
    ],
)
def test_a_key_or_records_refused(name: str, content: str, message: str) -> None:
    assert message in refusal(name, content)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (".25", 0.25),
        ("5.", 5),
        ("+1e-3", 1e-3),
        ("-.5e+2", -50),
        ("[1., 2., .5]", [1, 2, 0.5]),
        ("[[+1, -2.e-3], [.5E2, 0.]]", [[1, -2e-3], [50, 0]]),
    ],
)
def test_typed_numbers_may_be_written_as_python_has_them(text: str, expected: Any, dtype: str) -> None:
    assert read_operand(text, dtype, GIB).tolist() == np.array(expected, dtype).tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1.2.3]", "[1.2.3], line 1, column 5: is not JSON: Expecting ',' delimiter"),
        ("[1., 2.,]", "[1., 2.,], line 1, column 3: is not JSON: Expecting ',' delimiter"),
        ("1.e400", "1.e400, line 1, column 2: is not JSON: Extra data"),
    ],
)
def test_what_is_typed_wrongly_is_told_as_it_was_typed(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        read_operand(text, "float64", GIB)
    assert str(error.value) == message
