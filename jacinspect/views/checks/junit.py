"""The outcomes of `jacinspect check` as JUnit XML, a test suite for each check. Pure functions.

In the terms of Jenkins' schema (junit-10.xsd), a finding is a failure, and a crash or a timeout is an error.
"""

import re
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
        cases, failures, errors = [], 0, 0
        for outcome in group:
            kind = _kind(outcome)
            failures, errors = failures + (kind == "failure"), errors + (kind == "error")
            cases.append(_case(outcome, kind))
        yield f"  <testsuite name={_quoted(check)} "
        yield f'tests="{len(cases)}" failures="{failures}" errors="{errors}" skipped="0">\n'
        yield from cases
        yield "  </testsuite>\n"
    yield "</testsuites>\n"


def _kind(outcome: Outcome) -> str:
    if outcome.report.verdict == "pass":
        return ""
    return "failure" if verdict(outcome.report.findings, about="run") == "pass" else "error"


def _case(outcome: Outcome, kind: str) -> str:
    head = f"    <testcase classname={_quoted('jacinspect.' + outcome.check)} name={_quoted(outcome.name)}"
    if not kind:
        return f"{head}/>\n"
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
