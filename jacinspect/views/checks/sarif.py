"""The outcomes of `jacinspect check` as SARIF 2.1.0, which GitHub's code scanning and editors read. Pure functions.

OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0, 2020. A rule is a kind of finding, a result an
error among the findings of an inspection.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jacinspect.checks.outcomes import Outcome, Tally
from jacinspect.inspection.codes import CODES, Finding
from jacinspect.views.checks.places import in_repository
from jacinspect.views.explain import explain
from jacinspect.wording import printable

__all__ = ["render"]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"  # the name by which editors know it
_ROOT = "%SRCROOT%"  # by which GitHub knows the repository


def render(outcomes: Iterable[Outcome], tally: Tally, version: str) -> Iterator[str]:
    """Yield the text in pieces: the rules, each error as a result, and whether all inspections were made."""
    driver = {"name": "jacinspect", "semanticVersion": version, "rules": [_rule(code) for code in CODES]}
    base = {_ROOT: {"description": {"text": "The root of the repository."}}}
    yield f'{{"$schema": "{_SCHEMA}", "version": "2.1.0", "runs": [{{"tool": {_json({"driver": driver})},\n'
    yield f'"originalUriBaseIds": {_json(base)}, "results": ['
    before = "\n"
    for outcome in outcomes:
        for result in _results(outcome):
            yield before + _json(result)
            before = ",\n"
    complete = tally.done == tally.planned
    yield f'\n], "invocations": [{_json({"executionSuccessful": complete})}]}}]}}\n'


def _rule(code: str) -> dict[str, Any]:
    kind = CODES[code]
    return {
        "id": code,
        "name": kind.name,
        "shortDescription": {"text": f"{kind.name}: {kind.when}"},
        "fullDescription": {"text": kind.advice},
        "help": {"text": explain(code)},
        "defaultConfiguration": {"level": kind.severity},
    }


def _results(outcome: Outcome) -> Iterator[dict[str, Any]]:
    numbers = Counter[str]()
    for finding in outcome.report.findings:
        if finding.severity == "error":
            numbers[finding.code] += 1
            yield _result(outcome, finding, numbers[finding.code])


def _result(outcome: Outcome, finding: Finding, number: int) -> dict[str, Any]:
    """Describe an error; `number` counts those of the same kind, since a fingerprint has to tell them apart."""
    name = printable(outcome.name)
    file, line = outcome.place(finding.code)
    logical = {"name": printable(outcome.report.function.name), "fullyQualifiedName": name, "kind": "function"}
    return {
        "ruleId": finding.code,
        "ruleIndex": [*CODES].index(finding.code),
        "level": finding.severity,
        "message": {"text": f"{name}: {printable(finding.message)}"},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": _artifact(file), "region": {"startLine": line}},
                "logicalLocations": [logical],
            }
        ],
        "partialFingerprints": {"inspectionAndFinding/v1": f"{name}: {finding.code} {number}"},
    }


def _artifact(file: str) -> dict[str, str]:
    near = in_repository(file)
    if Path(near).is_absolute():
        return {"uri": Path(near).as_uri()}
    return {"uri": quote(near), "uriBaseId": _ROOT}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
