"""The Python interface: a report that shows itself, keywords that a type checker knows, and a notebook."""

import inspect
import json
import shutil
import subprocess
import sys
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any, get_args

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from numpy.testing import assert_array_equal

import jacinspect
from jacinspect import choices
from jacinspect.inspection.settings import Keywords, Settings
from jacinspect.testing import Options
from tests.program import ROOT, run
from tests.test_readme import PYTHON, README, text_of

X = np.array([[0.5, -1.25, 0.25], [2.0, -0.75, 1.0]])

MISSPELT = """\
import jacinspect
jacinspect.inspct("sigmoid", [1.0])
jacinspect.inspect("sigmoid", [1.0], vec="rwo")
jacinspect.inspect("sigmoid", [1.0], expect="diagnal")
jacinspect.inspect("sigmoid", [1.0], memmory=2**30)
jacinspect.inspect("sigmoid", [1.0], derivative_kind="slopes")
jacinspect.inspect("sigmoid", [1.0]).to_markdown(form="vce")
jacinspect.assert_jacobian("sigmoid", [1.0], expect=["diagonal", "symetric"])
jacinspect.assert_jacobian("sigmoid", [1.0], layout="denominater")
"""


# --- Types ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the README's Python and the misspelt names into a folder, which is checked in one run."""
    folder = tmp_path_factory.mktemp("typed")
    (folder / "right.py").write_text(PYTHON.findall(text_of(README))[0], encoding="utf-8")
    (folder / "misspelt.py").write_text(MISSPELT, encoding="utf-8")
    (folder / "pyrightconfig.json").write_text(json.dumps({"extraPaths": [str(ROOT)]}), encoding="utf-8")
    return folder


def complaints(*command: str, cwd: Path) -> dict[str, set[int]]:
    """Run a type checker in a folder; return the lines of each file in which it finds an error."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    found: dict[str, set[int]] = {"right.py": set(), "misspelt.py": set()}
    for line in done.stdout.splitlines():
        place, error, _ = line.partition(" error: ")
        if error:
            file, number, *_ = place.strip(" -").split(":")
            found[Path(file).name].add(int(number))
    assert sum(map(len, found.values())), done.stdout + done.stderr
    return found


EVERY_CALL = {"right.py": set(), "misspelt.py": set(range(2, 10))}


def test_mypy_reads_the_readme_s_python_and_sees_what_is_misspelt(sources: Path) -> None:
    """Checked as the project itself is, so that numpy and jacinspect are read from the same cache."""
    files = [str(sources / name) for name in EVERY_CALL]
    assert complaints(sys.executable, "-m", "mypy", "--strict", *files, cwd=ROOT) == EVERY_CALL


@pytest.mark.skipif(shutil.which("node") is None, reason="pyright runs in node, which is not installed")
def test_pyright_does_so_too(sources: Path) -> None:
    pyright = (sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--level", "error", ".")
    assert complaints(*pyright, cwd=sources) == EVERY_CALL


@pytest.mark.parametrize("name", [name for name in choices.__all__ if name.startswith("Any")])
def test_the_typed_words_are_those_of_the_list(name: str) -> None:
    listed: type[StrEnum] = getattr(choices, name.removeprefix("Any"))
    assert get_args(getattr(choices, name)) == tuple(listed)


def test_every_setting_is_a_keyword() -> None:
    assert [*Keywords.__annotations__] == [each.name for each in fields(Settings) if each.name != "expect"]


def test_assert_jacobian_takes_every_keyword_of_inspect() -> None:
    taken = inspect.signature(jacinspect.inspect).parameters
    own = {name for name in Options.__annotations__ if name not in Keywords.__annotations__}
    assert own == set(taken) - {"function", "X", "derivative", "expect", "settings"}


def test_a_setting_that_does_not_exist_is_told() -> None:
    with pytest.raises(jacinspect.InputError, match="unknown setting 'memmory'"):
        jacinspect.inspect("sigmoid", X, memmory=1)  # type: ignore[call-arg]


# --- What a report shows ----------------------------------------------------------------------------------------------


def test_a_report_prints_as_on_the_terminal() -> None:
    shown = run("sigmoid", "-s", "2x3").text
    x = jacinspect.inspect("sigmoid", np.random.default_rng([0, 0]).normal(size=(2, 3)))
    assert [line.split("  ")[0] for line in str(x).splitlines()][3:10] == [
        line.split("  ")[0] for line in shown.splitlines()
    ][3:10]
    assert max(map(len, str(x).splitlines())) <= 80


def test_its_repr_is_the_headline() -> None:
    headline = run("tanh", "-s", "2", "-q").text.strip()
    assert repr(jacinspect.inspect("tanh", np.array([1.0, 2.0]))) == f"<jacinspect.Report: {headline}>"


@pytest.mark.parametrize("function", ["softmax", lambda x: x + np.random.default_rng().normal(size=x.shape)])
def test_every_way_of_showing_it(function: Any, tmp_path: Path) -> None:
    report = jacinspect.inspect(function, X)
    assert "softmax" in str(report) if function == "softmax" else "J005" in str(report)
    assert report._repr_html_().startswith("<pre")
    assert "<script" in report.to_html()
    assert report.to_latex()
    assert report.to_markdown(form="tensor")


def test_hostile_names_are_escaped_in_a_notebook() -> None:
    def f(x: Any) -> Any:
        return x * 2

    f.__qualname__ = f.__name__ = "<script>alert(1)</script>"
    shown = jacinspect.inspect(f, X)._repr_html_()
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown


def test_it_saves_the_jacobian(tmp_path: Path) -> None:
    scipy_sparse = pytest.importorskip("scipy.sparse")
    report = jacinspect.inspect("softmax", X)
    report.save(tmp_path / "J.npz")
    assert report.jacobian is not None
    assert_array_equal(scipy_sparse.load_npz(tmp_path / "J.npz").toarray(), report.jacobian.matrix("analytic"))
    report.save(str(tmp_path / "J.svg"))
    assert (tmp_path / "J.svg").read_text().startswith("<svg")
    with pytest.raises(jacinspect.InputError, match=r"save .*J\.foo: the name has to end in \.npz, \.mtx"):
        report.save(tmp_path / "J.foo")


@pytest.mark.parametrize("layout", ["numerator", "denominator"])
@pytest.mark.parametrize("vec", ["row", "column"])
def test_it_goes_to_scipy_as_the_matrix_does(vec: str, layout: str) -> None:
    pytest.importorskip("scipy.sparse")
    report = jacinspect.inspect("X @ X.T", X)
    assert report.jacobian is not None
    numeric = report.jacobian.numeric
    assert numeric is not None
    sparse = numeric.to_scipy(vec, layout)
    assert sparse.format == "csr"
    assert_array_equal(sparse.toarray(), numeric.matrix(vec, layout))


def test_without_scipy_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    numeric = jacinspect.inspect("tanh", X).jacobian
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    assert numeric is not None
    assert numeric.numeric is not None
    with pytest.raises(jacinspect.InputError, match="pip install scipy"):
        numeric.numeric.to_scipy()


def test_the_sample_notebook_runs_and_shows_reports() -> None:
    notebook = nbformat.reads((ROOT / "samples" / "jacobian.ipynb").read_text(), as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}).execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    pages = ["".join(output["data"]["text/html"]) for output in shown if "text/html" in output.get("data", {})]
    assert len(pages) == 3
    assert "the derivative is right" in pages[0]
    assert "the derivative is wrong" in pages[2]
    assert shown[-2]["text"].startswith("output,input,analytic")
