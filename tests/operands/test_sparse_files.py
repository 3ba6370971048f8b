"""Matrix Market and scipy's sparse .npz: what is read, with scipy as the oracle, and the text of every refusal."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from jacinspect.errors import InputError
from jacinspect.operands.coordinates import Coordinates
from jacinspect.operands.files import read_claim, read_operand
from tests.operands.written import GIB, npz, pipe, read, refusal

BANNER = "%%MatrixMarket matrix "
SQUARE = hnp.arrays(
    np.float64,
    st.integers(2, 4).map(lambda n: (n, n)),
    elements=st.one_of(st.just(0.0), st.floats(-1e10, 1e10, width=32)),
)
SYMMETRIES = ("general", "symmetric", "skew-symmetric", "hermitian")


def mtx(matrix: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    scipy.io.mmwrite(buffer, matrix, precision=17, **options)
    return buffer.getvalue()


def saved(matrix: Any, compressed: bool = True) -> bytes:
    buffer = io.BytesIO()
    scipy.sparse.save_npz(buffer, matrix, compressed)
    return buffer.getvalue()


def with_symmetry(matrix: Any, symmetry: str) -> Any:
    other = matrix * (1 - 2j)
    return {
        "general": matrix,
        "symmetric": matrix + matrix.T,
        "skew-symmetric": matrix - matrix.T,
        "hermitian": other + other.conj().T,
    }[symmetry]


@settings(deadline=None, max_examples=60)
@given(SQUARE, st.sampled_from(SYMMETRIES), st.booleans(), st.booleans())
def test_matrix_market_is_read_as_scipy_reads_it(x: Any, symmetry: str, sparse: bool, is_complex: bool) -> None:
    matrix = with_symmetry(x * (1 + 2j) if is_complex and symmetry != "hermitian" else x, symmetry)
    content = mtx(scipy.sparse.coo_array(matrix) if sparse else matrix, symmetry=symmetry)
    expected = scipy.io.mmread(io.BytesIO(content))
    expected = expected.toarray() if sparse else expected
    assert np.array_equal(read("x.mtx", content), expected)
    assert np.array_equal(pipe(content), expected)


@settings(deadline=None, max_examples=60)
@given(
    hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=6), elements=st.floats(-9, 9)),
    st.sampled_from(["csr", "csc", "coo", "bsr", "dia"]),
    st.booleans(),
    st.booleans(),
)
def test_sparse_archives_are_read(x: Any, form: str, is_array: bool, compressed: bool) -> None:
    x[np.abs(x) < 3] = 0
    stored = getattr(scipy.sparse, f"{form}_{'array' if is_array else 'matrix'}")(x)
    assert np.array_equal(read("x.npz", saved(stored, compressed)), x)


def test_blocks_that_are_not_square() -> None:
    x = np.kron(np.array([[1, 0, 2], [0, 3, 0]]), np.arange(1.0, 7.0).reshape(2, 3))
    assert np.array_equal(read("x.npz", saved(scipy.sparse.bsr_array(x, blocksize=(2, 3)))), x)


def test_entries_at_one_place_are_summed() -> None:
    text = BANNER + "coordinate real general\n2 2 3\n1 2 0.5\n1 2 1.5\n2 1 -1\n"
    assert read("x.mtx", text).tolist() == [[0, 2], [-1, 0]]
    coo = scipy.sparse.coo_array(([0.5, 1.5], ([0, 0], [1, 1])), shape=(2, 2))
    assert read("x.npz", saved(coo)).tolist() == [[0, 2], [0, 0]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("coordinate pattern general\n2 3 2\n1 1\n2 3\n", [[1, 0, 0], [0, 0, 1]]),
        ("coordinate pattern symmetric\r\n2 2 1\r\n2 1\r\n", [[0, 1], [1, 0]]),
        ("Array REAL General\n% c\n\n2 2\n1\n2\n3.0D0\n4\n", [[1, 3], [2, 4]]),
        ("array integer general\n3 1\n1\n2\n3\n", [1, 2, 3]),
        ("coordinate integer general\n1 3 1\n1 2 7\n", [0, 7, 0]),
        ("coordinate real general\n2 2 0\n", [[0, 0], [0, 0]]),
        ("array real general\n2 2\nnan\ninf\n-inf\n0\n", [["nan", -np.inf], [np.inf, 0]]),
    ],
)
def test_matrix_market(text: str, expected: Any) -> None:
    for begin in ("", "\ufeff"):
        assert np.array_equal(read("x.mtx", begin + BANNER + text), np.array(expected, float), equal_nan=True)


def test_integers_stay_integers_as_labels() -> None:
    Path("x.mtx").write_text(BANNER + "array integer general\n2 1\n3\n4\n")
    assert read_operand("x.mtx", "float64", GIB, whole=True).dtype == np.int64


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.mtx, line 1: is not the first line of Matrix Market, such as %%MatrixMarket matrix coordinate real g"),
        ("1 2\n", "line 1: is not the first line of Matrix Market"),
        (BANNER + "coordinat real general\n", "line 1: 'coordinat' is not one of coordinate, array; did you mean"),
        (BANNER + "coordinate real\n", "line 1: is not the first line"),
        (BANNER + "array pattern general\n1 1\n", "line 1: there is no array pattern general matrix in this format"),
        (BANNER + "array real hermitian\n1 1\n1\n", "line 1: there is no array real hermitian matrix"),
        (
            BANNER + "coordinate real general\n% c\n2 2\n",
            "line 3: '2 2' is not the numbers of rows, columns and entries",
        ),
        (BANNER + "array real general\n2 -2\n", "line 2: '2 -2' is not the numbers of rows and columns"),
        (BANNER + "array real symmetric\n2 3\n", "line 2: a symmetric matrix is square, and this one is 2x3"),
        (BANNER + "coordinate real general\n2 2 2\n1 1 1.5\n", "x.mtx: declares 2 entries, 1 follow; copy or save"),
        (BANNER + "array real general\n2 2\n1\n2\n3\n4\n5\n", "x.mtx: declares 4 entries, 5 follow"),
        (BANNER + "coordinate real general\n2 2 1\n1 x 1.5\n", "line 3, column 2: 'x' is not a number"),
        (BANNER + "coordinate real general\n2 2 1\n1 1\n", "line 3: has 2 cells, 3 are needed"),
        (
            BANNER + "coordinate real general\n2 2 2\n1 1 1\n% c\n\n1 3 1\n",
            "line 6, column 2: 3 is no column of 1 to 2",
        ),
        (BANNER + "coordinate real general\n2 2 1\n0 1 1\n", "line 3, column 1: 0 is no row of 1 to 2"),
        (BANNER + "coordinate real general\n2 2 1\n1.5 1 1\n", "line 3, column 1: 1.5 is no row of 1 to 2"),
        (BANNER + "coordinate real general\n2 2 1\n1 nan 1\n", "line 3, column 2: nan is no column of 1 to 2"),
        (BANNER + "array real general\n9999999 9999999\n", "over the 1 GiB of --memory"),
        (BANNER + "coordinate real general\n9999999 9999999 1\n1 1 1\n", "x.mtx: shape 9999999x9999999 takes 728 TiB"),
        (BANNER + "coordinate real general\n9 9 999999999999\n1 1 1\n", "over the 1 GiB of --memory"),
    ],
)
def test_matrix_market_refused(text: str, message: str) -> None:
    assert message in refusal("x.mtx", text)


CSR = {"format": b"csr", "shape": [2, 3], "data": [1.0, 2.0], "indices": [0, 2], "indptr": [0, 1, 2]}
COO = {"format": b"coo", "shape": [2, 3], "data": [1.0, 2.0], "row": [0, 1], "col": [0, 2]}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            CSR | {"format": b"lil"},
            "format 'lil' is not one of csr, csc, coo, bsr, dia; convert it by scipy.sparse.sav",
        ),
        (CSR | {"format": np.zeros(3)}, "format '' is not one of csr"),
        (CSR | {"indices": [0, 3]}, "x.npz: is a damaged csr matrix: a column is not of 0 to 2"),
        (CSR | {"indices": [0, -1]}, "a column is not of 0 to 2"),
        (CSR | {"indptr": [0, 1]}, "is a damaged csr matrix: indptr is not that of 2 rows with 2 entries"),
        (CSR | {"indptr": [0, 3, 2]}, "indptr is not that of 2 rows with 2 entries"),
        (CSR | {"data": [1.0]}, "is a damaged csr matrix: a row is not of 0 to 1"),
        (CSR | {"shape": [2, 3, 4]}, "its shape (2, 3, 4) is no M×N"),
        (CSR | {"shape": [2.5, 3]}, "is no M×N"),
        (CSR | {"shape": [10**9, 10**9], "format": b"coo", "row": [0, 0], "col": [1, 1]}, "takes 6.94 EiB"),
        (COO | {"row": [0, 2]}, "is a damaged coo matrix: a row is not of 0 to 1"),
        (COO | {"data": ["a", "b"]}, "x.npz:data: holds text"),
        ({"format": b"csr", "shape": [2, 3], "data": [1.0]}, "x.npz: is a damaged .npz file"),
        (CSR | {"format": b"bsr"}, "is a damaged"),
        (CSR | {"format": b"dia", "offsets": [0, 1]}, "is a damaged dia matrix: 2 diagonals have 2 offsets"),
    ],
)
def test_sparse_archives_refused(arrays: dict[str, Any], message: str) -> None:
    assert message in refusal("x.npz", npz(**arrays))


def test_a_key_gives_one_of_the_arrays_of_a_sparse_archive() -> None:
    assert read("x.npz:indices", npz(**CSR)).tolist() == [0, 2]


def test_a_derivative_stays_sparse_within_the_memory() -> None:
    size = 10**5
    Path("J.npz").write_bytes(saved(scipy.sparse.eye_array(size, format="csr")))
    claim = read_claim("J.npz", GIB)
    assert isinstance(claim, Coordinates)
    assert (claim.shape, claim.data.size) == ((size, size), size)
    with pytest.raises(InputError, match=r"takes 74\.5 GiB"):
        read_operand("J.npz", "float64", GIB)


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_damaged_archives_are_read_or_refused(data: st.DataObject) -> None:
    arrays: dict[str, Any] = dict(data.draw(st.sampled_from([CSR, COO])))
    key = data.draw(st.sampled_from(sorted(arrays)))
    arrays[key] = data.draw(
        st.one_of(
            hnp.arrays(st.sampled_from([np.float64, np.int64, np.int8]), hnp.array_shapes(max_dims=3, max_side=3)),
            st.sampled_from([b"csc", b"bsr", b"dia", "csr"]),
        )
    )
    Path("x.npz").write_bytes(npz(**arrays))
    message, array = "", np.zeros(1)
    try:
        array = read_operand("x.npz", "float64", 10**6)
    except InputError as error:
        message = str(error)
    assert len(message.splitlines()) <= 2
    assert array.dtype in (np.float64, np.complex128)
