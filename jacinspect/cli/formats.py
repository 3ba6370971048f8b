"""What is written where: FORMAT[=FILE] as typed, --output, and the format that a file's extension stands for."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from jacinspect.choices import CheckFormat, Format, IdentitiesFormat
from jacinspect.errors import InputError
from jacinspect.wording import did_you_mean

__all__ = ["destinations", "format_of"]

_FORMATS = {
    ".json": "json",
    ".md": "markdown",
    ".tex": "latex",
    ".html": "html",
    ".htm": "html",
    ".csv": "csv",
    ".xml": "junit",
    ".sarif": "sarif",
}


_EXTENSIONS = {"text": "txt", "github": "txt"} | {word: end[1:] for end, word in reversed(_FORMATS.items())}

AnyFormat = TypeVar("AnyFormat", Format, IdentitiesFormat, CheckFormat)


def format_of(file: Path | None, named: AnyFormat | None, formats: type[AnyFormat]) -> AnyFormat:
    """Return the format that is named, or else that of the file's extension; of any other extension, text."""
    word = _FORMATS.get(file.suffix.lower()) if file is not None else None
    return named or formats(word if word in list(formats) else "text")


def destinations(
    asked: Sequence[str] | None, output: Path | None, formats: type[AnyFormat]
) -> tuple[tuple[AnyFormat, Path | None], ...]:
    """Return each format that is to be written, with its file; None is standard output, as "-" is, and comes first.

    `asked` are the words of --format: the one without a file goes to `output`, or to standard output, where text goes
    if all have files.

    Raises
    ------
    InputError
        For a word that is no format, two formats for one place, and an empty name of a file.
    """
    output = None if output == Path("-") else output
    named = [_named(text, formats) for text in asked or ()]
    without = [word for word, file in named if file is None]
    if len(without) > 1:
        raise InputError(
            f"--format {without[0]} and --format {without[1]} both go to standard output; "
            f"give one of them a file: --format {without[1]}=FILE"
        )
    found: list[tuple[AnyFormat, Path | None]] = [(word, file) for word, file in named if file is not None]
    if without or output is not None or not found:
        found.insert(0, (format_of(output, without[0] if without else None, formats), output))
    else:
        found.insert(0, (formats("text"), None))
    files = [file.resolve() for _, file in found if file is not None]
    for file in files:
        if files.count(file) > 1:
            raise InputError(f"two formats go to {file.name}; name another file for one of them")
    return tuple(found)


def _named(text: str, formats: type[AnyFormat]) -> tuple[AnyFormat, Path | None]:
    word, equals, file = text.partition("=")
    words = [str(each) for each in formats]
    if word not in words:
        meant = did_you_mean(word, words, otherwise=", ".join(words))
        raise InputError(f"--format {text}: there is no such format{meant}")
    if equals and not file:
        raise InputError(f"--format {text}: name the file, as in --format {word}=report.{_EXTENSIONS[word]}")
    return formats(word), Path(file) if equals and file != "-" else None
