"""What more than one file of tests needs: the report's schema, and the keys that the contract lists, in its order."""

import gc
import json
import os
import sys
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

# Before numpy and torch are imported, here and by what the tests start: the threads of arrays this small, beside those
# of other workers, only wait for each other.
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

from jacinspect.__main__ import main
from jacinspect.checks import workers
from jacinspect.cli import app, garbage
from jacinspect.inspection.codes import CODES
from tests.program import ROOT, UNSET, Run, strict_json

SCHEMA = ROOT / "jacinspect" / "report.schema.json"

Validate = Callable[[str], dict[str, Any]]
RunHere = Callable[..., Run]


# The files that take longest, in that order: at the end, one of two workers waits for a short one of the other.
LONGEST = (
    "test_frameworks.py",
    "test_pipeline.py",
    "test_diagnosis.py",
    "test_readme.py",
    "test_check.py",
    "test_commands.py",
    "test_row_wise.py",
    "test_verification.py",
    "test_planted.py",
    "test_weights.py",
    "test_rules.py",
    "test_report.py",
    "test_elementwise.py",
    "test_second_order.py",
    "test_workers.py",
    "test_api.py",
    "test_browser.py",
    "test_clarke.py",
    "test_text.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    items.sort(key=lambda item: LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST))


def pytest_collection_finish() -> None:
    """Leave the thousands of collected tests out of what the garbage collector goes through again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)  # the default, 700, collects hundreds of times in a test, and frees little


@pytest.fixture(scope="session")
def schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="session")
def validated(schema: dict[str, Any]) -> Validate:
    """Parse one line of RFC 8259 JSON and validate it by the schema; return the object."""
    validator = Draft202012Validator(schema)

    def parse(text: str) -> dict[str, Any]:
        assert text.endswith("\n")
        assert text.count("\n") == 1
        report = strict_json(text)
        faults = [f"{fault.json_path}: {fault.message[:300]}" for fault in validator.iter_errors(report)]
        assert not faults, "\n".join(faults)
        for finding in report["findings"]:
            kind = CODES[finding["code"]]
            assert finding["name"] == kind.name
            assert finding["severity"] == "note" or kind.verdict != "pass"
        return report

    return parse


@pytest.fixture
def run_here(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> RunHere:
    """Run the program's main function in this process: as `tests.program.run`, without half a second of imports."""
    for name in UNSET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(app, "go_on_in_a_child", lambda *_: None)  # this process, which has threads, is not forked
    monkeypatch.setattr(workers, "_CONTEXT", get_context("spawn"))
    monkeypatch.setattr(garbage, "put_off", lambda: None)  # garbage of earlier tests would stay for ever

    def run(*args: str, cwd: Path = ROOT) -> Run:
        monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "argv", ["jacinspect", *args])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfdbinary.readouterr()
        return Run(int(ended.value.code or 0), out, err.decode())

    return run
