"""Output files: checked before any computing, and replaced only by complete new ones."""

import os
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from jacinspect.choices import CheckFormat, Form, Format, IdentitiesFormat
from jacinspect.errors import InputError

if TYPE_CHECKING:
    from jacinspect.inspection.report import Report

__all__ = ["format_of", "replace_file", "require_savable", "require_writable", "save_jacobian"]

_FORMATS = {
    ".json": "json",
    ".md": "markdown",
    ".tex": "latex",
    ".html": "html",
    ".htm": "html",
    ".csv": "csv",
    ".xml": "junit",
}
_SAVED = (".npz", ".mtx", ".svg", ".png")  # the first two are the keys of views.sparse.RENDERERS, which needs numpy


AnyFormat = TypeVar("AnyFormat", Format, IdentitiesFormat, CheckFormat)


def format_of(file: Path | None, named: AnyFormat | None, formats: type[AnyFormat]) -> AnyFormat:
    """Return the format that is named, or else that of the file's extension; of any other extension, text."""
    word = _FORMATS.get(file.suffix.lower()) if file is not None else None
    return named or formats(word if word in list(formats) else "text")


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


def require_savable(save: Path | None, output: Path | None) -> None:
    """Raise InputError where the Jacobian could not be saved in a file of this name, besides the report."""
    require_writable("--save", save)
    if save is not None and save.suffix not in _SAVED:
        raise InputError(f"--save {save}: the name has to end in {', '.join(_SAVED[:-1])} or {_SAVED[-1]}")
    if save is not None and save.suffix == ".png" and find_spec("matplotlib") is None:
        raise InputError(
            f"--save {save}: needs matplotlib (pip install 'jacinspect[plot]'); {save.with_suffix('.svg')} does not"
        )
    if save is not None and output is not None and save.resolve() == output.resolve():
        raise InputError(f"--save {save}: is where --output writes the report; name another file")


def save_jacobian(report: "Report", file: Path, form: Form) -> None:
    """Write the Jacobian itself, or its picture; called after the report is shown, so that an error loses nothing."""
    from jacinspect.views import png, sparse, svg

    try:
        drawn = {".svg": svg, ".png": png}.get(file.suffix)
        content = drawn.render(report, form.value) if drawn else sparse.RENDERERS[file.suffix](report)
    except InputError as error:
        raise InputError(f"--save {file}: {error}") from None
    replace_file("--save", file, [content])


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
