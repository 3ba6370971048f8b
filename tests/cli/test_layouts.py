"""The program's forms, formats and saved Jacobians: what is typed, and what comes of it."""

import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from tests.conftest import RunHere, Validate
from tests.program import Run, execute, run

GAP = "…"


def test_the_stack_of_the_first_question() -> None:
    done = run("square", "--input", "samples/table.tsv", "--as", "stacked")
    assert (done.status, done.err) == (0, "")
    assert "shape        as stacked 8×2, not square: the blocks ∂A/∂X_pq on each other" in done.text
    assert "diagonality  not diagonal; as vec, 4×4, it is diagonal" in done.text
    assert "p,q,i \\ j" in done.text
    vec = run("square", "--input", "samples/table.tsv", "--details")
    assert "stacked 8×2 (not square), blocks 4×4: the same" in vec.text
    assert "as stacked" not in vec.text


def block(text: str, title: str) -> list[list[str]]:
    """Give the cells below a title that stands at the beginning of a line."""
    lines = text.splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith(title))
    end = next(k for k in range(start, len(lines)) if lines[k] in ("", "```"))
    return [line.split() for line in lines[start + 1 : end]]


def test_the_forms_hold_the_numbers_where_they_belong(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))  # of which the derivative is twice

    def shown(form: str, *more: str) -> str:
        return run("square", "-i", "x.npy", "-f", "markdown", "--as", form, *more, cwd=tmp_path).text

    stacked = [line[:3] for line in block(shown("stacked"), "J analytic")]
    assert stacked[1:] == [
        ["0,0,0", "2", "·"],
        ["0,0,1", "·", "·"],
        [GAP, GAP, GAP],
        ["2,1,1", "·", "·"],
        ["2,1,2", "·", "12"],
    ]
    blocks = block(shown("blocks", "--layout", "denominator"), "J analytic")
    assert blocks[0][:6] == ["q,j", "\\", "p,i", "0,0", "0,1", GAP]
    tensor = shown("tensor")
    assert block(tensor, "J analytic, ∂A[0,0]/∂X")[0] == ["2", "·", "·", "4"]
    assert block(tensor, "∂A[2,0]/∂X")[2] == ["10", "·", "·", "12"]


@pytest.mark.parametrize("form", ["stacked", "blocks"])
@pytest.mark.parametrize("to", ["text", "json", "markdown", "latex"])
def test_more_axes_have_no_rows_and_columns(run_here: RunHere, form: str, to: str) -> None:
    done = run_here("sigmoid", "--shape", "2x3x2", "--as", form, "-f", to)
    assert (done.status, done.out) == (2, b"")
    assert done.err == (
        f"jacinspect: --as {form}: is for vectors and matrices, and the operand has 3 axes (2×3×2);\n"
        "use --as vec or --as tensor\n"
    )
    assert run_here("sigmoid", "--shape", "2x3x2", "--as", "tensor", "-f", to).status == 0


def test_json_is_the_same_in_every_form(run_here: RunHere) -> None:
    outputs = {
        run_here("softmax", "--shape", "2x3", "--json", "--as", form).text for form in ("vec", "tensor", "stacked")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize("form", ["vec", "tensor", "stacked", "blocks"])
@pytest.mark.parametrize("to", ["text", "markdown", "latex"])
def test_large_ones_are_never_pages(run_here: RunHere, form: str, to: str) -> None:
    done = run_here("sigmoid", "--shape", "300x200", "--as", form, "-f", to)
    assert done.status == 0
    assert len(done.text.splitlines()) < 220


@pytest.mark.parametrize("form", ["vec", "tensor", "stacked", "blocks"])
def test_full_stays_within_the_memory(run_here: RunHere, form: str) -> None:
    done = run_here("sigmoid", "--shape", "30x20", "--as", form, "--full", "--memory", "1MiB")
    assert (done.status, done.out) == (2, b"")
    assert done.err.startswith("jacinspect: --full: the dense 600×600 matrix takes 2.75 MiB")
    whole = run_here("sigmoid", "--shape", "3x9", "--as", form, "--full")
    assert whole.status == 0
    assert GAP not in whole.text.replace("0…", "")


def test_vec_and_layout_say_what_they_change() -> None:
    softmax = " ".join(run("softmax", "--shape", "3x4", "--details").text.split())
    assert "strided in column-major vec; K_34·J·K_34ᵀ is J in row-major vec" in softmax
    assert "denominator layout is the same matrix, for J is" in softmax
    cumsum = " ".join(run("cumsum", "--shape", "2x3", "--layout", "denominator", "--details").text.split())
    assert "numerator layout is the transpose, 6×6" in cumsum
    assert "commutation permutation K_23" in run("transpose", "--shape", "2x3", "--details").text


def test_the_cost_ends_over_a_terabyte() -> None:
    rows = block(run("sigmoid", "--shape", "2x2", "--details").text, "cost")
    assert rows[1][:5] == ["4", "128", "bytes,", "16", "68"]
    assert " ".join(next(row for row in rows if row[0] == "400000")).startswith("400000 1.16 TiB, 1.6e+11 6.1 MiB,")


@pytest.mark.parametrize("to", ["markdown", "latex"])
def test_formats_are_written_to_a_file(to: str, tmp_path: Path) -> None:
    printed = run("sigmoid", "--shape", "2x2", "-f", to)
    written = run("sigmoid", "--shape", "2x2", "-f", to, "-o", "report", cwd=tmp_path)
    assert (printed.status, written.status, written.out) == (0, 0, b"")
    assert (tmp_path / "report").read_text("utf-8") == printed.text
    assert run("softmax", "--shape", "2x2", "--expect", "diagonal", "-f", to).status == 1


# --- Saved Jacobians --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["J.npz", "J.mtx"])
@pytest.mark.parametrize("options", [(), ("--vec", "row"), ("--layout", "denominator"), ("--as", "stacked")])
def test_scipy_reads_what_json_shows(
    run_here: RunHere, name: str, options: tuple[str, ...], tmp_path: Path, validated: Validate
) -> None:
    done = run_here("transpose", "--shape", "2x3", "--json", "--save", name, *options, cwd=tmp_path)
    assert (done.status, done.err) == (0, "")
    read = {".npz": scipy.sparse.load_npz, ".mtx": scipy.io.mmread}[Path(name).suffix]
    assert np.array_equal(read(tmp_path / name).toarray(), validated(done.text)["jacobian"]["analytic"])
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(("name", "shape", "n"), [("J.npz", "1000x1000", 10**6), ("J.mtx", "100x1000", 10**5)])
def test_a_million_by_a_million_is_saved_sparse(name: str, shape: str, n: int, tmp_path: Path) -> None:
    done = run("sigmoid", "--shape", shape, "--json", "--save", name, cwd=tmp_path)
    assert (done.status, done.err) == (0, "")
    saved = scipy.sparse.load_npz(tmp_path / name) if name.endswith("z") else scipy.io.mmread(tmp_path / name)
    assert saved.shape == (n, n)
    assert saved.nnz == n
    x = np.random.default_rng(0).standard_normal()
    assert saved.diagonal()[0] == pytest.approx(np.exp(-x) / (1 + np.exp(-x)) ** 2, rel=1e-12)
    assert (tmp_path / name).stat().st_size < 50 * n


def test_a_saved_file_is_replaced_in_one_piece(tmp_path: Path) -> None:
    (tmp_path / "J.npz").write_bytes(b"old")
    (tmp_path / "J.npz").chmod(0o640)
    assert run("sigmoid", "--shape", "2", "--save", "J.npz", cwd=tmp_path).status == 0
    assert scipy.sparse.load_npz(tmp_path / "J.npz").shape == (2, 2)
    assert (tmp_path / "J.npz").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--save", "J.csv"), "--save J.csv: the name has to end in .npz, .mtx, .svg or .png"),
        (("--save", "J"), "--save J: the name has to end in .npz, .mtx, .svg or .png"),
        (("--save", "no/J.npz"), "--save no/J.npz: there is no folder no"),
        (("--save", "."), "--save .: is a folder; name a file in it"),
        (("--save", "J.npz", "-o", "J.npz"), "--save J.npz: is where --output writes the report; name another file"),
    ],
)
def test_what_cannot_be_saved_is_said_at_once(
    run_here: RunHere, options: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    done = run_here("sigmoid", "--shape", "2x2", *options, cwd=tmp_path)
    assert (done.status, done.out, done.err) == (2, b"", f"jacinspect: {message}\n")
    assert list(tmp_path.iterdir()) == []


def test_a_sample_is_reported_and_not_saved(tmp_path: Path) -> None:
    (tmp_path / "J.npz").write_bytes(b"old")
    options = ("--shape", "6x8", "--max-evaluations", "5", "--save", "J.npz")
    done = run("softmax", *options, cwd=tmp_path)
    assert done.status == 2
    assert "J007 note" in done.text
    assert done.err == (
        "jacinspect: --save J.npz: only a sample of the Jacobian has values (J007);\n"
        "raise --max-evaluations or --memory\n"
    )
    assert (tmp_path / "J.npz").read_bytes() == b"old"


def test_the_new_views_do_without_rich() -> None:
    views = "cells, facts, latex, markdown, sparse"
    code = f"import sys; from jacinspect.views import {views}; sys.exit('rich' in sys.modules)"
    assert execute([sys.executable, "-c", code]) == Run(0, b"", "")
