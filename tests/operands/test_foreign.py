"""Files of other programs: the line that a refusal gives is run, and its file read."""

import gzip
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from jacinspect.errors import InputError
from jacinspect.operands.files import read_operand
from tests.operands.written import GIB


def command(file: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        read_operand(file, "float64", GIB)
    said, line = str(caught.value).splitlines()
    assert said == f"{file}: is not read; convert it:"
    return shlex.split(line)


def converted(file: str, result: str) -> Any:
    python, flag, code = command(file)
    assert (python, flag) == ("python", "-c")
    exec(compile(code, "the line", "exec"), {})
    return read_operand(result, "float64", GIB)


X = np.array([[1.5, 2.0], [3.0, 4.0]])


def test_matlab() -> None:
    scipy.io.savemat("my x.mat", {"w": X, "v": X[0]})
    assert converted("my x.mat", "my x.npz:w").tolist() == X.tolist()


@pytest.mark.parametrize(("saved", "key"), [(dict, ":layer.weight"), (None, "")])
def test_torch(saved: Any, key: str) -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(X, requires_grad=True)
    torch.save({"layer.weight": tensor, "bias": tensor[0].detach()} if saved else tensor, "x.pt")
    assert converted("x.pt", f"x.npz{key}").tolist() == X.tolist()


def test_hdf5_also_as_matlab_writes_it() -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File("x.h5", "w") as file:
        file["group/w"] = X
        file["v"] = X[0]
    assert converted("x.h5", "x.npz:group/w").tolist() == X.tolist()


def test_a_file_of_matlab_7_3_is_hdf5() -> None:
    Path("x.mat").write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + b"\x89HDF\r\n\x1a\n")
    assert "h5py" in command("x.mat")[2]


@pytest.mark.parametrize(
    ("extension", "module", "write"),
    [(".parquet", "pyarrow", "to_parquet"), (".feather", "pyarrow", "to_feather"), (".xlsx", "openpyxl", "to_excel")],
)
def test_pandas(extension: str, module: str, write: str) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip(module)
    options = {"index": False} if extension == ".xlsx" else {}
    getattr(pandas.DataFrame(X, columns=["a", "b"]), write)(f"x{extension}", **options)
    assert converted(f"x{extension}", "x.npy").tolist() == X.tolist()


def test_the_reader_of_pandas_is_named_even_where_it_is_not_installed() -> None:
    for extension, kind in [("parquet", "parquet"), ("feather", "feather"), ("xlsx", "excel"), ("xls", "excel")]:
        assert f"pandas.read_{kind}('x.{extension}')" in command(f"x.{extension}")[2]


def test_gzip() -> None:
    Path("x.csv.gz").write_bytes(gzip.compress(b"1,2"))
    assert " ".join(command("x.csv.gz")) == "gunzip -c x.csv.gz > x.csv"


def test_a_name_cannot_leave_its_quotation_marks() -> None:
    name = "a'b\"; import os # $(id) {file}.mat"
    code = command(name)[2]
    assert repr(name) in code
    compile(code, "the line", "exec")
    assert re.search(r"loadmat\((.*?)\)\.items", code)
