"""Output files: checked before any computing, and replaced only by complete new ones."""

import os
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from jacinspect.errors import InputError

if TYPE_CHECKING:
    from jacinspect.inspection.report import Report

__all__ = ["replace_file", "require_savable", "require_writable", "save_jacobian"]

_SAVED = (".npz", ".mtx", ".svg", ".png")  # the first two are the keys of views.sparse.RENDERERS, which needs numpy


def require_writable(option: str, file: Path | None) -> None:
    """Raise InputError where a file could not be written."""
    if file is None:
        return
    if file.is_dir():
        raise InputError(f"{option} {file}: is a folder; name a file in it")
    if not file.parent.is_dir():
        raise InputError(f"{option} {file}: there is no folder {file.parent}")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise InputError(f"{option} {file}: permission denied")


def require_savable(option: str, file: Path | None) -> None:
    """Raise InputError where the Jacobian could not be saved in a file of this name."""
    require_writable(option, file)
    if file is not None and file.suffix not in _SAVED:
        raise InputError(f"{option} {file}: the name has to end in {', '.join(_SAVED[:-1])} or {_SAVED[-1]}")
    if file is not None and file.suffix == ".png" and find_spec("matplotlib") is None:
        raise InputError(
            f"{option} {file}: needs matplotlib (pip install matplotlib); {file.with_suffix('.svg')} does not"
        )


def save_jacobian(option: str, report: "Report", file: Path, form: str = "vec") -> None:
    """Write the Jacobian itself, or its picture; called after the report is shown, so that an error loses nothing."""
    from jacinspect.views import png, sparse, svg

    try:
        drawn = {".svg": svg, ".png": png}.get(file.suffix)
        content = drawn.render(report, form) if drawn else sparse.RENDERERS[file.suffix](report)
    except InputError as error:
        raise InputError(f"{option} {file}: {error}") from None
    replace_file(option, file, [content])


def replace_file(option: str, file: Path, content: Iterable[bytes]) -> None:
    """Write a draft and rename it, so that at every moment the file is the old one or the complete new one."""

    def write(to: Path) -> None:
        with to.open("wb") as opened:
            for piece in content:
                opened.write(piece)
                opened.flush()

    try:
        if file.exists() and not file.is_file():  # a device or a pipe
            write(file)
            return
        target = file.resolve()
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            write(draft)
            if target.exists():
                draft.chmod(target.stat().st_mode)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except BrokenPipeError:
        return
    except OSError as error:
        raise InputError(f"{option} {file}: {(error.strerror or str(error)).lower()}") from None
