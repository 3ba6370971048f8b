"""What more than one file of tests needs: the report's schema, and the keys that the contract lists, in its order."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

SCHEMA = Path(__file__).parents[1] / "jacinspect" / "report.schema.json"

Validate = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="session")
def schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="session")
def validated(schema: dict[str, Any]) -> Validate:
    """Parse one line of RFC 8259 JSON and hold it against the schema; gives the object."""
    validator = Draft202012Validator(schema)

    def parse(text: str) -> dict[str, Any]:
        assert text.endswith("\n")
        assert text.count("\n") == 1
        report: dict[str, Any] = json.loads(text, parse_constant=refuse, object_pairs_hook=without_repeats)
        faults = [f"{fault.json_path}: {fault.message[:300]}" for fault in validator.iter_errors(report)]
        assert not faults, "\n".join(faults)
        return report

    return parse


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not RFC 8259")


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({name for name, _ in pairs}) == len(pairs), f"a key stands twice in {pairs}"
    return dict(pairs)
