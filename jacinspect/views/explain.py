"""What a finding or a word of the report means, in a few plain lines: a word comes in, text goes out.

Findings are read from codes.py, the method from the docstring of the package `jacinspect.jacobian`, and every other
word from words.md. Nothing here needs numpy.
"""

import re
from functools import cache
from pathlib import Path
from textwrap import fill

import jacinspect.jacobian
from jacinspect.errors import InputError
from jacinspect.inspection.codes import CODES, Code
from jacinspect.wording import did_you_mean, shown

__all__ = ["contents", "explain", "words"]

_WIDTH = 80  # columns of most terminals, and the most that a line of words.md has
_SECTION = re.compile(r"^## (.+)\n\n((?:.+\n)+)\n    (.+)$", re.MULTILINE)  # names, text, command
_METHOD_EXAMPLE = "jacinspect sigmoid --shape 300x300"
_EFFECTS = {
    "error": "an error: the verdict is {}",
    "note": "a note: it does not change the verdict",
}


@cache
def words() -> dict[str, str]:
    """Return every word that is explained, as it is listed, with its explanation; synonyms have the same one."""
    found = {}
    for code, kind in CODES.items():
        found[code] = found[kind.name] = _finding(code, kind)
    for names, text, example in _SECTION.findall(Path(__file__).with_name("words.md").read_text("utf-8")):
        for name in names.split(", "):
            found[name] = f"{names}\n\n{text}\nTry: {example}\n"
    method = (jacinspect.jacobian.__doc__ or "").strip()
    return found | {"method": f"method\n\n{method}\n\nTry: {_METHOD_EXAMPLE}\n"}


def explain(word: str) -> str:
    """Explain a finding, by code or name, or a word; case, blanks, hyphens and underscores make no difference.

    A plural is read as its singular, and of several words ("numerator layout") the first known one is explained.

    Raises
    ------
    InputError
        For a word that is not explained, with the closest one that is.
    """
    known = {_key(name): name for name in words()}
    key = _key(word)
    for candidate in (key, key.removesuffix("s"), *key.split()):
        if candidate in known:
            return words()[known[candidate]]
    meant = did_you_mean(word, [*words(), *known.values()]) or "; jacinspect explain lists the words that are explained"
    raise InputError(f"there is no explanation of {shown(word)}{meant}")


def contents() -> str:
    """List the findings, one a line, and all other words."""
    findings = "".join(f"  {code}  {kind.name}\n" for code, kind in CODES.items())
    taken = {*CODES, *(kind.name for kind in CODES.values())}
    others = sorted((word for word in words() if word not in taken), key=str.lower)
    listed = fill(", ".join(others), _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    return f"Findings\n{findings}\nWords of a report\n{listed}\n\nTry: jacinspect explain bar\n"


def _finding(code: str, kind: Code) -> str:
    effect = _EFFECTS[kind.severity].format(kind.verdict)
    when, advice = (fill(text, _WIDTH, break_on_hyphens=False) for text in (f"When: {kind.when}.", kind.advice))
    return f"{code} {kind.name}, {effect}\n\n{when}\n\n{advice}\n\nTry: {kind.example}\n"


def _key(word: str) -> str:
    return re.sub(r"[\s_-]+", " ", word).strip().lower()
