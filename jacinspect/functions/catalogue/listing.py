"""What `jacinspect list` shows: the catalogue's entries as data, those that a text finds. Next: views/listing."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from jacinspect import __version__
from jacinspect.errors import InputError
from jacinspect.functions.catalogue.entry import Entry, Interval
from jacinspect.functions.catalogue.lookup import hint, key
from jacinspect.functions.catalogue.tables import ENTRIES
from jacinspect.functions.function import Parameter
from jacinspect.records import dataclass
from jacinspect.wording import jsonable

__all__ = ["Listed", "Listing", "search"]

_SCHEMA_VERSION = 1  # of the JSON of `list`, which may change at other times than a report's


@dataclass(frozen=True)
class Listed:
    """What an entry of the catalogue declares, with nothing that computes; kinks and jumps are those at the defaults.

    A function of one operand has a `derivative`, which is f'(x) where it is element-wise and else df; one of several
    may have `partials`, by operand, instead.
    """

    name: str
    aliases: tuple[str, ...]
    kind: str
    operands: tuple[str, ...]
    parameters: Mapping[str, Parameter]
    formula: str
    derivative: str
    partials: Mapping[str, str]
    latex: str
    kinks: tuple[float, ...]
    jumps: tuple[float, ...]
    domain: Mapping[str, Interval]
    properties: tuple[str, ...]
    source: str
    note: str


@dataclass(frozen=True)
class Listing:
    """The functions found by `text`, by "" all of them.

    Where text is the name of one, or finds one alone, that `is_exact` and stands first; the others are in the
    catalogue's order. A text that is in no name, alias or kind is searched for in the rest, and `in_names` is false.
    """

    text: str
    functions: tuple[Listed, ...]
    is_exact: bool = False
    in_names: bool = True

    def to_json(self) -> str:
        """Return the functions as one line of RFC 8259 JSON; equal runs give equal text."""
        content = {
            "schema_version": _SCHEMA_VERSION,
            "version": __version__,
            "functions": [jsonable(asdict(function)) for function in self.functions],
        }
        return json.dumps(content, ensure_ascii=False, allow_nan=False) + "\n"


def search(text: str = "") -> Listing:
    """Find the functions with a text in a name, an alias or the kind; or, if there are none, anywhere else.

    Case makes no difference, nor do ``_``, ``-`` and spaces in names.

    Raises
    ------
    InputError
        If there are none at all.
    """
    wanted = key(text)
    if not text:
        return Listing(text, tuple(map(_listed, ENTRIES)))
    found = [entry for entry in ENTRIES if wanted and any(wanted in key(word) for word in (*_names(entry), entry.kind))]
    if found:
        found.sort(key=lambda entry: wanted not in map(key, _names(entry)))
        exact = len(found) == 1 or wanted in map(key, _names(found[0]))
        return Listing(text, tuple(map(_listed, found)), exact)
    listed = [function for function in map(_listed, ENTRIES) if text.casefold() in _prose(function).casefold()]
    if not listed:
        raise InputError(f"nothing in the catalogue has {text!r}; {hint(text)}")
    return Listing(text, tuple(listed), len(listed) == 1, in_names=False)


def _listed(entry: Entry) -> Listed:
    return Listed(
        name=entry.name,
        aliases=entry.aliases,
        kind=entry.kind,
        operands=entry.operands,
        parameters=entry.defaults,
        formula=entry.formula,
        derivative=entry.derivative_formula,
        partials=dict(zip(entry.operands, entry.partial_formulas, strict=False)),  # none where it has a jvp
        latex=entry.latex,
        kinks=tuple(map(float, entry.kinks(**entry.defaults))),
        jumps=tuple(map(float, entry.jumps(**entry.defaults))),
        domain={operand: (float(low), float(high)) for operand, (low, high) in entry.domain.items()},
        properties=entry.properties,
        source=entry.source,
        note=entry.note,
    )


def _names(entry: Entry) -> tuple[str, ...]:
    return (entry.name, *entry.aliases)


def _prose(function: Listed) -> str:
    """Return the text that is searched where no name, alias or kind has what is searched for."""
    formulas = (function.formula, function.derivative, *function.partials.values())
    return "\n".join((*formulas, *function.parameters, *function.properties, function.source, function.note))
