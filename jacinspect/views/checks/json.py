"""The outcomes of `jacinspect check` as one JSON object (check.schema.json), written as they come. Pure functions."""

import json
from collections.abc import Iterable, Iterator

from jacinspect.checks.outcomes import Outcome, Tally
from jacinspect.inspection.report import SCHEMA_VERSION

__all__ = ["render"]


def render(outcomes: Iterable[Outcome], tally: Tally, version: str) -> Iterator[str]:
    """Yield the text in pieces: the reports, each with the name of its check, then the summary."""
    yield f'{{"schema_version": {SCHEMA_VERSION}, "version": {json.dumps(version)}, "reports": ['
    before = "\n"
    for outcome in outcomes:
        report = {**outcome.report.to_dict(), "check": outcome.check}
        yield before + json.dumps(report, ensure_ascii=False, allow_nan=False)
        before = ",\n"
    yield f'\n], "summary": {json.dumps(tally.counts)}, "verdict": "{tally.verdict}"}}\n'
