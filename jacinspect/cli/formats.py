"""The format of what is written, by its file's name where none is named."""

from pathlib import Path
from typing import TypeVar

from jacinspect.choices import CheckFormat, Format, IdentitiesFormat

__all__ = ["format_of"]

_FORMATS = {
    ".json": "json",
    ".md": "markdown",
    ".tex": "latex",
    ".html": "html",
    ".htm": "html",
    ".csv": "csv",
    ".xml": "junit",
}


AnyFormat = TypeVar("AnyFormat", Format, IdentitiesFormat, CheckFormat)


def format_of(file: Path | None, named: AnyFormat | None, formats: type[AnyFormat]) -> AnyFormat:
    """Return the format that is named, or else that of the file's extension; of any other extension, text."""
    word = _FORMATS.get(file.suffix.lower()) if file is not None else None
    return named or formats(word if word in list(formats) else "text")
