"""The sample project's workflow and hooks: what a machine of CI runs there is run here."""

import json
import re
import shlex
import tomllib
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
import yaml

from tests.conftest import RunHere
from tests.program import ROOT, SAMPLES, Run

PROJECT = SAMPLES / "ci"
WORKFLOW = yaml.safe_load((PROJECT / ".github" / "workflows" / "derivatives.yml").read_text("utf-8"))


def lines_of(job: str) -> list[str]:
    return [step["run"] for step in WORKFLOW["jobs"][job]["steps"] if step.get("run", "").startswith("jacinspect ")]


@pytest.fixture
def run_line(tmp_path: Path, run_here: RunHere) -> Any:
    """Run a line of the workflow in a copy of the project, with the summary in a file, as GitHub has it."""
    project = copytree(PROJECT, tmp_path / "project")

    def run(line: str, **matrix: int) -> tuple[Run, Path]:
        for name, value in matrix.items():
            line = line.replace(f"${{{{ matrix.{name} }}}}", str(value))
        line = line.replace("$GITHUB_STEP_SUMMARY", str(project / "summary.md")).replace("--jobs auto", "--jobs 1")
        assert "$" not in line
        return run_here(*shlex.split(line)[1:], cwd=project), project

    return run


def test_the_parts_of_the_matrix_make_every_inspection_once(run_line: Any) -> None:
    (line,) = lines_of("check")
    made = 0
    for part in WORKFLOW["jobs"]["check"]["strategy"]["matrix"]["part"]:
        done, project = run_line(line, part=part)
        assert done.status == 1, done.err
        made += int(re.findall(r"(\d+) inspections?:", done.text)[-1])
        assert "inspection" in (project / "summary.md").read_text("utf-8")
        assert json.loads((project / "jacinspect.sarif").read_text("utf-8"))["version"] == "2.1.0"
        assert "::error file=" in done.text
    assert made == 18


def test_layers_of_torch_are_checked_by_themselves(run_line: Any) -> None:
    (line,) = lines_of("torch")
    done, _ = run_line(line)
    assert done.status == 1, done.err
    assert "2 inspections: 1 pass, 1 fail" in done.text
    assert "swish_wrong" in done.text
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert "torch" in extras


def test_the_hooks_are_those_that_this_repository_offers() -> None:
    (offered,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    (repository,) = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    assert {hook["id"] for hook in repository["hooks"]} == {offered["id"]}
    assert offered["entry"] == "jacinspect check"
    assert offered["types_or"] == ["python", "toml"]
    for hook in repository["hooks"]:
        for file in hook.get("args", ["--config", "pyproject.toml"])[1:]:
            assert (PROJECT / file).is_file()
