"""--expect-pattern: what is read and not declared is an error, what is declared and not read a note."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import scipy.sparse

import jacinspect
from jacinspect.errors import InputError
from tests.conftest import RunHere

X = np.array([0.3, -0.7, 1.1, 0.4])
BAND = np.tri(4, k=1) - np.tri(4, k=-2)  # what `chain` reads


def chain(x: Any) -> Any:
    left, right = np.r_[0, x[:-1]], np.r_[x[1:], 0]
    return x + np.sin(x) * right + left**2


def messages(pattern: Any, f: Any = chain, x: Any = X, severity: str = "error", **options: Any) -> list[str]:
    report = jacinspect.inspect(f, x, expect_pattern=pattern, **options)
    assert all(each.code == "J002" for each in report.findings if "declared" in each.message)
    return [each.message for each in report.findings if each.severity == severity and each.code == "J002"]


def test_a_pattern_that_is_declared_whole_is_accepted() -> None:
    report = jacinspect.inspect(chain, X, expect_pattern=BAND)
    assert report.verdict == "pass"
    assert [each for each in report.findings if each.code == "J002"] == []
    assert "✓ J is as expected, the pattern of ndarray; no derivative was checked" in str(report)


def test_what_is_read_and_not_declared_is_an_error_with_the_largest_value() -> None:
    narrow = BAND * np.tri(4)  # without the super-diagonal
    (message,) = messages(narrow)
    value = np.sin(X[2])
    assert message == f"the declared pattern lacks 3 entries that f reads, worst ∂A[2]/∂X[3] = {value:.6g}"
    narrow = BAND.copy()
    narrow[1, [0, 2]] = 0
    (message,) = messages(narrow)
    assert message.endswith("; all of them in row 1")
    narrow = BAND.copy()
    narrow[:, 1] = 0
    (message,) = messages(narrow)
    assert message.endswith("; all of them in column 1")
    assert messages(narrow, severity="note") == []


def test_what_is_declared_and_not_read_is_a_note() -> None:
    assert messages(np.ones((4, 4))) == []
    (note,) = messages(np.ones((4, 4)), severity="note")
    assert note.startswith("6 of 16 declared entries are not read, first ∂A[0]/∂X[2]: ")
    assert jacinspect.inspect(chain, X, expect_pattern=np.ones((4, 4))).verdict == "pass"


@pytest.mark.parametrize("name", ["p.npz", "p.mtx", "p.npy", "p.csv"])
def test_a_pattern_is_read_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    declared = BAND.copy()
    declared[3, 2] = 0
    write: dict[str, Any] = {
        "p.npz": lambda: scipy.sparse.save_npz(name, scipy.sparse.csr_array(declared)),
        "p.mtx": lambda: scipy.io.mmwrite(name, scipy.sparse.coo_array(declared)),
        "p.npy": lambda: np.save(name, declared),
        "p.csv": lambda: np.savetxt(name, declared, delimiter=","),
    }
    write[name]()
    (message,) = messages(name)
    assert message == f"the declared pattern lacks 1 entry that f reads, worst ∂A[3]/∂X[2] = {2 * X[2]:.6g}"


def test_stored_zeros_of_a_sparse_matrix_are_declared(tmp_path: Path) -> None:
    band = scipy.sparse.csr_array(BAND)
    band.data[:] = 0
    assert messages(band) == []
    scipy.sparse.save_npz(tmp_path / "zeros.npz", band)
    assert messages(str(tmp_path / "zeros.npz")) == []


def test_save_writes_the_colors_of_the_inputs(tmp_path: Path) -> None:
    report = jacinspect.inspect(chain, X)
    report.save(tmp_path / "J.npz")
    with np.load(tmp_path / "J.npz") as saved:
        colors = saved["colors"]
    assert colors.tolist() == [0, 1, 2, 0]
    matrix = scipy.sparse.load_npz(tmp_path / "J.npz").toarray() != 0
    assert all((matrix[:, colors == color].sum(axis=1) <= 1).all() for color in range(3))


def test_what_save_writes_is_a_pattern_for_the_next_run(tmp_path: Path) -> None:
    jacinspect.inspect("softmax", np.arange(6.0).reshape(2, 3)).save(tmp_path / "J.npz")
    x = np.arange(6.0).reshape(2, 3)
    assert messages(str(tmp_path / "J.npz"), "softmax", x) == []
    (message,) = messages(str(tmp_path / "J.npz"), lambda x: x - x.mean(axis=0), x)
    assert message.startswith("the declared pattern lacks 6 entries")


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        (np.ones((3, 4)), "expected pattern ndarray: is float64 of shape 3×4; a Jacobian is 4×4"),
        ("sin(x)", "expected pattern 'sin(x)': is no matrix; name a file"),
    ],
)
def test_what_is_no_pattern_is_named(pattern: Any, said: str) -> None:
    with pytest.raises(InputError) as raised:
        jacinspect.inspect(chain, X, expect_pattern=pattern)
    assert said in str(raised.value)


def test_an_order_of_vec_that_matters_has_to_be_said() -> None:
    x = np.arange(6.0).reshape(2, 3)
    rows = np.kron(np.eye(2), np.ones((3, 3)))  # softmax along rows, in row-major vec
    with pytest.raises(InputError, match=r"expected pattern ndarray: .*vec"):
        jacinspect.inspect("softmax", x, expect_pattern=rows)
    assert messages(rows, "softmax", x, vec="row") == []


def test_it_is_an_option(run_here: RunHere, tmp_path: Path) -> None:
    np.save(tmp_path / "p.npy", np.eye(3))
    done = run_here("cumsum", "-s", "3", "--expect-pattern", str(tmp_path / "p.npy"))
    assert done.status == 1
    assert "the declared pattern lacks 3 entries that f reads" in " ".join(done.text.split())
    assert run_here("tanh", "-s", "3", "--expect-pattern", str(tmp_path / "p.npy")).status == 0
    assert run_here("tanh", "-s", "3", "--expect-pattern", "nosuch.npy").status == 2
