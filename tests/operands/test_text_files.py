""".csv, .tsv and .txt: what is read, and the text of every refusal."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.operands.written import FLOATS, pipe, read, refusal


@settings(deadline=None)
@given(FLOATS, st.sampled_from([(".csv", ","), (".tsv", "\t"), (".txt", " "), (".txt", "\t")]))
def test_table_round_trip(x: Any, form: tuple[str, str]) -> None:
    extension, delimiter = form
    text = "\r\n".join(delimiter.join(repr(float(v)) for v in row) for row in x)
    assert np.array_equal(read("x" + extension, text), x, equal_nan=True)
    assert np.array_equal(pipe(text.encode()), x, equal_nan=True)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("x.csv", "1,2\n3,4\n", [[1, 2], [3, 4]]),
        ("x.CSV", "\ufeff# a comment\n\n1, 2 # and another\r\n 3 ,4\n   \n", [[1, 2], [3, 4]]),
        ("x.csv", "1\r2\r", [1, 2]),
        ("x.csv", '"1","2"\n"3",4', [[1, 2], [3, 4]]),
        ("x.csv", ' 1, "2"', [1, 2]),
        ("x.csv", "1,2,3", [1, 2, 3]),
        ("x.csv", "1\n2\n3", [1, 2, 3]),
        ("x.csv", "5", [5]),
        ("x.tsv", "1\t2\n3\t4", [[1, 2], [3, 4]]),
        ("x.txt", " 1  2\t3\n4 5 6\n", [[1, 2, 3], [4, 5, 6]]),
        ("x.csv", "inf,-inf,Infinity,-Infinity,INF", [np.inf, -np.inf, np.inf, -np.inf, np.inf]),
    ],
)
def test_table(name: str, text: str, expected: Any) -> None:
    y = read(name, text)
    assert y.tolist() == expected
    assert y.dtype == np.float64


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", "# c\n1,2\n\n3,abc\n", "x.csv, line 4, column 2: 'abc' is not a number"),
        ("x.csv", "a,b\n1,2\n", "x.csv, line 1: 'a,b' holds no number; if it is a header, remove it: tail -n +2 x.csv"),
        (
            "a b.csv",
            "# c\nu\n1\n",
            "a b.csv, line 2: 'u' holds no number; if it is a header, remove it: tail -n +3 'a b",
        ),
        ("x.csv", "1,2,3\n4,5,6\n\n7,8\n", "x.csv, line 4: has 2 cells, line 1 has 3"),
        ("x.csv", "# c\n1,2\n3\n", "x.csv, line 3: has 1 cell, line 2 has 2"),
        ("x.csv", "1,2\n3,,\n", "x.csv, line 2, column 2: the cell is empty; write nan for a missing number"),
        ("x.csv", "1,2,\n", "x.csv, line 1, column 3: the cell is empty"),
        ("x.tsv", "1\t2\n\t3\n", "x.tsv, line 2, column 1: the cell is empty"),
        ("x.csv", "1;2\n3;4\n", "column 1: '1;2' is not a number (separated by semicolons? write commas)"),
        ("x.csv", "1,5;2,5\n", "column 2: '5;2' is not a number (separated by semicolons? write commas)"),
        ("x.csv", "1\t2\n", r"column 1: '1\t2' is not a number (separated by tabs, as .tsv files are?)"),
        ("x.csv", "1 2\n", "column 1: '1 2' is not a number (separated by blanks, as .txt files are?)"),
        ("x.txt", "1,2\n", "column 1: '1,2' is not a number (separated by commas, as .csv files are"),
        ("x.csv", "inf,2\n3,1e999\n", "x.csv, line 2, column 2: '1e999' is too large for float64"),
        ("x.csv", "-1e999", "column 1: '-1e999' is too large for float64"),
        ("x.csv", "1,1_000", "column 2: '1_000' is not a number"),
        ("x.csv", "1,\0", r"column 2: '\x00' is not a number"),
        ("x.csv", '1,"2\n3"', "line 1, column 2: '\"2' is not a number"),
        ("x.csv", '"1', "line 1: '\"1' holds no number"),
        ("x.csv", "1," + "z" * 500, "column 2: '" + "z" * 79 + "…' is not a number"),
        ("x.csv", "", "x.csv: holds no numbers"),
        ("x.csv", "# only a comment\n\n \n", "x.csv: holds no numbers"),
        ("x.txt", "\t\n", "x.txt: holds no numbers"),
        ("x.csv", "[[1, 2]]", "x.csv: looks like JSON; name it .json"),
    ],
)
def test_table_refused(name: str, content: str, message: str) -> None:
    assert message in refusal(name, content)
