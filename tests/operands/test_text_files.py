""".csv, .tsv and .txt: what is read, and the text of every refusal."""

import io
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jacinspect.errors import InputError
from jacinspect.operands.files import read_operand
from tests.operands.written import FLOATS, GIB, notes, pipe, read, refusal


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
        ("x.csv", "1,2,3\n4,5,6\n\n7,8\n", "x.csv, line 4: has 2 cells, line 1 has 3"),
        ("x.csv", "# c\n1,2\n3\n", "x.csv, line 3: has 1 cell, line 2 has 2"),
        ("x.csv", "1,2\n3,,\n", "x.csv, line 2, column 2: the cell is empty; write nan for a missing number"),
        ("x.csv", "1,2,\n", "x.csv, line 1, column 3: the cell is empty"),
        ("x.tsv", "1\t2\n\t3\n", "x.tsv, line 2, column 1: the cell is empty"),
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
        ("x.csv", "a,b\n1,x", "x.csv, line 2, column 2: 'x' is not a number"),
        ("x.csv", "a,b\n1,2\n3", "x.csv, line 3: has 1 cell, line 2 has 2"),
        ("x.csv", "a,b\nc,d\n1,2", "x.csv, line 2: 'c,d' holds no number, and one header line is skipped;\nremove"),
        ("x.csv", "a,b\n", "x.csv, line 1: 'a,b' holds no number"),
        ("x.csv", "\x01\x02\n1,2", r"x.csv, line 1, column 1: '\x01\x02' is not a number"),
        (
            "x.csv",
            "1,2\n3,****",
            "column 2: '****' is not a number (Fortran's stars: the number did not fit its format",
        ),
        ("x.dat", "1 12d3", "column 2: '12d3' is not a number"),
        ("x.csv", "[[1, 2]]", "x.csv: looks like JSON; name it .json"),
    ],
)
def test_table_refused(name: str, content: str, message: str) -> None:
    assert message in refusal(name, content)


HEADER = "x.csv, line 1: {} is skipped as a header"
INDEX = ", and so is the first column, which has no name and counts the rows"


@pytest.mark.parametrize(
    ("name", "text", "expected", "told"),
    [
        ("x.csv", "a,b\n1,2\n3,4\n", [[1, 2], [3, 4]], HEADER.format("'a,b'")),
        ("x.csv", '"time [s]","u 1"\n0.5,2\n', [0.5, 2], HEADER.format('\'"time [s]","u 1"\'')),
        ("x.tsv", "a\tb\n1\t2\n3\t4", [[1, 2], [3, 4]], "x.tsv, line 1: 'a\\tb' is skipped as a header"),
        ("x.txt", "# c\n\n  t   u\n 1 2\n 3 4", [[1, 2], [3, 4]], "x.txt, line 3: 't   u' is skipped as a header"),
        ("x.csv", "a;b\n1.5;2\n3;4\n", [[1.5, 2], [3, 4]], HEADER.format("'a;b'")),
        # as pandas writes it: with names, without, with the rows of a filtered frame; and R's two ways
        ("x.csv", ",a,b\n0,1.5,2\n1,3,4\n", [[1.5, 2], [3, 4]], HEADER.format("',a,b'") + INDEX),
        ("x.csv", ",0,1\n0,1.5,2\n1,3,4\n", [[1.5, 2], [3, 4]], HEADER.format("',0,1'") + INDEX),
        ("x.csv", ",0\n0,1.5\n1,3\n2,4\n", [1.5, 3, 4], HEADER.format("',0'") + INDEX),
        ("x.csv", '"","V1"\n"1",1.5\n"2",3\n', [1.5, 3], HEADER.format('\'"","V1"\'') + INDEX),
        ("x.txt", '"V1" "V2"\n"1" 1.5 2\n"2" 3 4', [[1.5, 2], [3, 4]], "skipped as a header" + INDEX),
        ("x.csv", ",a\n3,1.5\n7,3\n", [[3, 1.5], [7, 3]], "is read as numbers:\nif it is pandas' index, write to_csv("),
    ],
)
def test_a_header_is_skipped_and_told(name: str, text: str, expected: Any, told: str) -> None:
    table, said = notes(name, text)
    assert table.tolist() == expected
    assert len(said) == 1
    assert told in said[0]


@pytest.mark.parametrize("text", ["1,2\n3,4\n", "nan,inf\n1,2\n", "0,1\n0,5\n", "# a,b\n1,2\n"])
def test_a_table_without_a_header_says_nothing(text: str) -> None:
    assert notes("x.csv", text)[1] == []


def test_labels_below_a_header_stay_whole_numbers() -> None:
    Path("x.csv").write_text("label.no\n1\n2\n")
    labels = read_operand("x.csv", "float64", GIB, whole=True)
    assert labels.dtype == np.int64
    assert labels.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("x.txt", "1.0D-03 -2.5d+2\n 3.D0  .5d1", [[0.001, -250], [3, 5]]),
        ("x.dat", "0.123-101 0.5+100", [0.123e-101, 0.5e100]),
        ("x.csv", "1.0D-03,2", [0.001, 2]),
        ("x.dat", "1 2\n3 4", [[1, 2], [3, 4]]),
        ("x.dat", "1, 2\n3, 4", [[1, 2], [3, 4]]),
        ("x.dat", "1\t2\n3\t4", [[1, 2], [3, 4]]),
        ("x.csv", "1;2\n3;4\n", [[1, 2], [3, 4]]),
        ("x.txt", "1.5;2\r\n3;4\r\n", [[1.5, 2], [3, 4]]),
        ("x.txt", "[1 2; 3 4]", [[1, 2], [3, 4]]),
        ("x.dat", " [1, 2.5;\n-3, 4];\n", [[1, 2.5], [-3, 4]]),
        ("x.csv", "[1 -2 3]", [1, -2, 3]),
        ("x.json", "[1;2]", [1, 2]),
    ],
)
def test_numbers_as_other_programs_write_them(name: str, text: str, expected: Any) -> None:
    table, said = notes(name, text)
    assert table.tolist() == expected
    assert said == []
    assert read_operand("-", "float64", GIB, io.BytesIO(text.encode())).tolist() == expected


def test_a_matrix_of_matlab_may_be_typed() -> None:
    assert read_operand("[1 2; 3 4]", "float64", GIB).tolist() == [[1, 2], [3, 4]]
    assert read_operand("[1,\n2]", "float64", GIB).tolist() == [1, 2]  # JSON
    for text, said in [("[1 2; 3]", "line 2: has 1 cell, line 1 has 2"), ("[1 - 2]", "column 2: '-' is not a number"),
                       ("[1,,2; 3]", "the cell is empty"), ("[a b; 1 2]", "column 1: 'a' is not a number"),
                       ("[1, 2,]", "is not JSON")]:  # fmt: skip
        with pytest.raises(InputError, match=re.escape(said)):
            read_operand(text, "float64", GIB)


@pytest.mark.parametrize(
    ("name", "text", "commands"),
    [  # the commands that are given, and what each makes of the file
        ("x.csv", "0,1;0,2\n0,3;0,4\n", [[[0.1, 0.2], [0.3, 0.4]], [[0, 1], [0, 2], [0, 3], [0, 4]]]),
        ("x.csv", "a;b\n0,1;2\n", [[0.1, 2], None]),
        ("x.csv", "1;2\n1,5;2\n", [[[1, 2], [1.5, 2]]]),
        ("x.tsv", "0,5\t1,25\n", [[0.5, 1.25]]),
        ("x.txt", "0,5 1,25\n", [[0.5, 1.25]]),
        ("a b.csv", '"0,5","1,25"\n', [[0.5, 1.25]]),
        ("x.txt", "1 2; 3 4\n", [[[1, 2], [3, 4]]]),
        ("x.csv", "1,2,\n3,4,\n", [[[1, 2], [3, 4]]]),
        ("x.tsv", "1\t2\t\n3\t4\t\n", [[[1, 2], [3, 4]]]),
        ("x.csv", "made by me\nx,y\n1,2\n3,4\n", [[[1, 2], [3, 4]]]),
    ],
)
def test_the_command_that_a_refusal_gives_works(name: str, text: str, commands: list[Any]) -> None:
    told = refusal(name, text)
    given = re.findall(r"(?:tr|sed|tail) .*? > new\.\w+", told)
    assert len(given) == len(commands), told
    for command, expected in zip(given, commands, strict=True):
        subprocess.run(["sh", "-c", command], check=True)
        if expected is not None:
            assert read_operand(f"new{name[-4:]}", "float64", GIB).tolist() == expected


@settings(deadline=None)
@given(FLOATS)
def test_fortran_round_trip(x: Any) -> None:
    text = "\n".join(" ".join(f"{v:.17e}".replace("e", "D") for v in row) for row in x)
    assert np.array_equal(read("x.dat", text), x, equal_nan=True)
