"""Saved Jacobians: what scipy reads back is the matrix of the report, to the last bit."""

from io import BytesIO
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse

import jacinspect
from jacinspect.choices import AnyLayout, AnyVec
from jacinspect.errors import InputError
from jacinspect.views.sparse import RENDERERS, render_mtx, render_npz

X = np.array([[0.5, -1.25, 0.1], [2.0, -0.75, 1.5]])
ORDERS = [(vec, layout) for vec in ("column", "row") for layout in ("numerator", "denominator")]


def read(ending: str, content: bytes) -> Any:
    return {".npz": scipy.sparse.load_npz, ".mtx": scipy.io.mmread}[ending](BytesIO(content))


@pytest.mark.parametrize("ending", sorted(RENDERERS))
@pytest.mark.parametrize(("vec", "layout"), ORDERS)
@pytest.mark.parametrize("function", ["sigmoid", "softmax", "transpose", "cumsum"])
def test_scipy_reads_the_matrix_back(function: str, vec: AnyVec, layout: AnyLayout, ending: str) -> None:
    report = jacinspect.inspect(function, X, vec=vec, layout=layout)
    assert report.jacobian is not None
    saved = read(ending, RENDERERS[ending](report))
    assert saved.shape == report.jacobian.shape
    assert saved.nnz == report.jacobian.stored
    assert np.array_equal(saved.toarray(), np.asarray(report.jacobian.matrix("analytic")))


@pytest.mark.parametrize("ending", sorted(RENDERERS))
def test_without_a_derivative_the_numeric_values_are_saved(ending: str) -> None:
    w = np.arange(1.0, 13.0).reshape(4, 3)
    report = jacinspect.inspect(lambda x: np.tanh(w @ x / 10), X.T)
    assert report.jacobian is not None
    saved = read(ending, RENDERERS[ending](report))
    assert saved.shape == (8, 6)
    assert np.array_equal(saved.toarray(), np.asarray(report.jacobian.matrix("numeric")))


@pytest.mark.parametrize("ending", sorted(RENDERERS))
@pytest.mark.parametrize("x", [np.zeros((0, 3)), np.float64(2.0), np.array([800.0, np.nan, 1.0])])
def test_nothing_one_number_and_what_is_not_finite(x: Any, ending: str) -> None:
    report = jacinspect.inspect("exp", x)
    assert report.jacobian is not None
    saved = read(ending, RENDERERS[ending](report))
    expected = report.jacobian.matrix("analytic")
    assert expected is not None
    assert np.array_equal(saved.toarray(), expected, equal_nan=True)


@pytest.mark.parametrize(("vec", "layout"), ORDERS)
def test_the_files_say_their_order_of_vec_and_their_layout(vec: AnyVec, layout: AnyLayout) -> None:
    report = jacinspect.inspect("softmax", X, vec=vec, layout=layout)
    assert render_mtx(report).decode().splitlines()[2] == f"% vec: {vec}, layout: {layout}"
    saved = np.load(BytesIO(render_npz(report)))
    assert (saved["vec"].item().decode(), saved["layout"].item().decode()) == (vec, layout)


def test_the_rows_are_as_scipy_likes_them() -> None:
    saved = read(".npz", render_npz(jacinspect.inspect("softmax", X)))
    assert isinstance(saved, scipy.sparse.csr_array)
    assert saved.has_canonical_format
    assert saved.indices.dtype == saved.indptr.dtype == np.int32


def test_equal_runs_give_equal_bytes() -> None:
    for write in RENDERERS.values():
        assert write(jacinspect.inspect("gelu", X)) == write(jacinspect.inspect("gelu", X))


def test_a_name_of_several_lines_stays_a_comment() -> None:
    def rule(x: Any) -> Any:
        return np.exp(x)

    rule.__name__ = "first\n2 2 2"
    assert read(".mtx", render_mtx(jacinspect.inspect(rule, X))).shape == (6, 6)


@pytest.mark.parametrize("ending", sorted(RENDERERS))
def test_a_sample_is_refused(ending: str) -> None:
    with pytest.raises(InputError, match=r"^only a sample of the Jacobian has values \(J007\)"):
        RENDERERS[ending](jacinspect.inspect("softmax", np.ones((6, 8)), max_evaluations=5))


@pytest.mark.parametrize("ending", sorted(RENDERERS))
def test_what_does_not_exist_is_refused(ending: str) -> None:
    draws = np.random.default_rng(0)
    report = jacinspect.inspect(lambda x: x + draws.standard_normal(x.shape), X)
    with pytest.raises(InputError, match=r"^there is no Jacobian \(J005 not-deterministic\)"):
        RENDERERS[ending](report)
