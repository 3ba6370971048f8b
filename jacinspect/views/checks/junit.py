"""The outcomes of `jacinspect check` as JUnit XML, a test suite for each check. Pure functions.

In the terms of Jenkins' schema (junit-10.xsd), a finding is a failure, a crash or a timeout is an error, and what has
no derivative to be compared is skipped.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from jacinspect.checks.outcomes import Outcome, Tally
from jacinspect.inspection.codes import verdict
from jacinspect.views.brief import problems
from jacinspect.views.checks.places import in_repository
from jacinspect.views.outcome import NO_DERIVATIVE

__all__ = ["render"]

_ILLEGAL = re.compile("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(outcomes: Iterable[Outcome], _tally: Tally) -> Iterator[str]:
    """Yield the text in pieces, once all outcomes are there, since their numbers stand first."""
    suites: list[str] = []
    kinds, seconds = Counter[str](), 0.0
    for check, group in groupby(outcomes, lambda outcome: outcome.check):
        cases, of_check, took, first = list[str](), Counter[str](), 0.0, None
        for outcome in group:
            first = first or f'file={_quoted(in_repository(outcome.file))} timestamp="{_utc(outcome.started)}"'
            of_check[_kind(outcome)] += 1
            took += outcome.seconds
            cases.append(_case(outcome))
        numbers = f'{_numbers(of_check, took)} skipped="{of_check["skipped"]}"'
        suites += [f"  <testsuite name={_quoted(check)} {numbers} {first}>\n", *cases, "  </testsuite>\n"]
        kinds, seconds = kinds + of_check, seconds + took
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="jacinspect" {_numbers(kinds, seconds)}>\n'
    yield from suites
    yield "</testsuites>\n"


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _numbers(kinds: Mapping[str, int], seconds: float) -> str:
    bad = f'failures="{kinds["failure"]}" errors="{kinds["error"]}"'
    return f'tests="{sum(kinds.values())}" {bad} time="{seconds:.3f}"'


def _kind(outcome: Outcome) -> str:
    if outcome.verdict in ("pass", "unchecked"):
        return "" if outcome.verdict == "pass" else "skipped"
    return "failure" if verdict(outcome.report.findings, about="run") == "pass" else "error"


def _case(outcome: Outcome) -> str:
    kind = _kind(outcome)
    head = f"    <testcase classname={_quoted('jacinspect.' + outcome.check)} name={_quoted(outcome.name)}"
    head += f' file={_quoted(in_repository(outcome.file))} line="{outcome.line}" time="{outcome.seconds:.3f}"'
    if not kind:
        return f"{head}/>\n"
    if kind == "skipped":
        return f'{head}>\n      <skipped message="{NO_DERIVATIVE}"/>\n    </testcase>\n'
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
