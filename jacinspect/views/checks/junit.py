"""The outcomes of `jacinspect check` as JUnit XML, a test suite for each check. Pure functions.

In the terms of Jenkins' schema (junit-10.xsd), a finding is a failure, a crash or a timeout is an error, and what has
no derivative to be compared is skipped.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from jacinspect.checks.outcomes import Outcome, Tally
from jacinspect.inspection.codes import verdict
from jacinspect.views.brief import problems

__all__ = ["render"]

_ILLEGAL = re.compile("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(outcomes: Iterable[Outcome], _tally: Tally) -> Iterator[str]:
    """Yield the text in pieces, a check when all of its cases are done, since their numbers stand first."""
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="jacinspect">\n'
    for check, group in groupby(outcomes, lambda outcome: outcome.check):
        cases, kinds = [], Counter[str]()
        for outcome in group:
            kind = _kind(outcome)
            kinds[kind] += 1
            cases.append(_case(outcome, kind))
        yield f"  <testsuite name={_quoted(check)} "
        bad = f'failures="{kinds["failure"]}" errors="{kinds["error"]}"'
        yield f'tests="{len(cases)}" {bad} skipped="{kinds["skipped"]}">\n'
        yield from cases
        yield "  </testsuite>\n"
    yield "</testsuites>\n"


def _kind(outcome: Outcome) -> str:
    if outcome.verdict in ("pass", "unchecked"):
        return "" if outcome.verdict == "pass" else "skipped"
    return "failure" if verdict(outcome.report.findings, about="run") == "pass" else "error"


def _case(outcome: Outcome, kind: str) -> str:
    head = f"    <testcase classname={_quoted('jacinspect.' + outcome.check)} name={_quoted(outcome.name)}"
    if not kind:
        return f"{head}/>\n"
    if kind == "skipped":
        return f'{head}>\n      <skipped message="no derivative given: structure only"/>\n    </testcase>\n'
    first = next(finding for finding in outcome.report.findings if finding.severity == "error")
    text = escape(_legal("\n".join(problems(outcome.report))))
    return (
        f"{head}>\n      <{kind} type={_quoted(f'{first.code} {first.name}')} message={_quoted(first.message)}>"
        f"{text}</{kind}>\n    </testcase>\n"
    )


def _quoted(text: str) -> str:
    return quoteattr(_legal(text), {"\n": "&#10;"})


def _legal(text: str) -> str:
    """Escape the characters that XML forbids, even as character references."""
    return _ILLEGAL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)
