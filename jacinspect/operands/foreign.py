"""Files of other programs: an extension or the first bytes come in, a line that converts such a file goes out."""

import shlex
from pathlib import PurePath

__all__ = ["conversion"]

_HDF5 = (
    "import h5py, numpy; f = h5py.File({file!r}); a = {{}}; "
    "f.visititems(lambda k, v: a.update({{k: v[()]}}) if hasattr(v, 'dtype') else None); numpy.savez({new!r}, **a)"
)
_PANDAS = "import numpy, pandas; numpy.save({new!r}, pandas.read_{kind}({file!r}).to_numpy(float))"
_MAT = (
    "import numpy, scipy.io; "
    "numpy.savez({new!r}, **{{k: v for k, v in scipy.io.loadmat({file!r}).items() if k[0] != '_'}})"
)
_TORCH = (
    "import numpy, torch; a = torch.load({file!r}, map_location='cpu'); "
    "numpy.savez({new!r}, **{{k: v.numpy(force=True) for k, v in (a if isinstance(a, dict) else {{'a': a}}).items()}})"
)
# The extension: what reads it, and how it is named in pandas; scipy, h5py, pandas or torch have to be there.
_PYTHON = {
    ".mat": (_MAT, ""), ".h5": (_HDF5, ""), ".hdf5": (_HDF5, ""), ".pt": (_TORCH, ""), ".pth": (_TORCH, ""),
    ".parquet": (_PANDAS, "parquet"), ".feather": (_PANDAS, "feather"), ".xlsx": (_PANDAS, "excel"),
    ".xls": (_PANDAS, "excel"),
}  # fmt: skip


def conversion(file: str, beginning: bytes = b"") -> str:
    """Return a command that makes a file that is read of one that is not; nothing where none is known.

    `beginning` are its first bytes: MATLAB's files since version 7.3 are HDF5.
    """
    path = PurePath(file)
    extension = path.suffix.lower()
    if extension == ".gz":
        return f"gunzip -c {shlex.quote(file)} > {shlex.quote(path.stem)}"
    if extension not in _PYTHON:
        return ""
    line, kind = _PYTHON[extension]
    if line is _MAT and beginning.startswith(b"MATLAB 7.3"):
        line = _HDF5
    new = path.with_suffix(".npy" if line is _PANDAS else ".npz").name
    return f"python -c {shlex.quote(line.format(file=file, new=new, kind=kind))}"
