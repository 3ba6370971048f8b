"""One self-contained HTML document: text that is escaped, data as JSON, a policy under which nothing else runs."""

import json
from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from jacinspect.wording import printable

__all__ = ["data", "document", "element", "text"]

_SCRIPTS = ("numbers.js", "matrices.js", "page.js")  # in the order in which they run


def document(title: str, body: Iterable[str]) -> str:
    """Return a page with this title and body; no text of it is ever executed, and it loads nothing.

    The policy permits the one style and the one script by their hashes, so that equal reports give equal pages.
    """
    style, script = _file("page.css"), "".join(map(_file, _SCRIPTS))
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; base-uri 'none'; form-action 'none'"
    )
    filled = Template(_file("page.html")).substitute(
        policy=policy, title=text(title), style=style, script=script, body="\n".join(body)
    )
    return filled.encode(errors="backslashreplace").decode()  # a lone surrogate, as file names may have, is no UTF-8


def element(tag: str, *inside: str, **attributes: str) -> str:
    """Return an element around markup that is made already; the values of attributes are escaped here."""
    written = "".join(f' {name.strip("_").replace("_", "-")}="{text(value)}"' for name, value in attributes.items())
    return f"<{tag}{written}>{''.join(inside)}</{tag}>"


def text(plain: str) -> str:
    """Escape a text, for an element or an attribute; controls are spelled out."""
    return escape(printable(plain))


def data(kind: str, value: Any) -> str:
    """Return JSON that the script reads, in an element of its own; what could end the element is spelled out."""
    written = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    written = written.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")
    return f'<script type="application/json" class="{kind}">{written}</script>'


@cache
def _file(name: str) -> str:
    return Path(__file__).with_name(name).read_text("utf-8")


def _hash(source: str) -> str:
    return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"
