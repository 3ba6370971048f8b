"""The README's commands are run, and what they print is compared with what the README shows.

Run as a script, this file writes the outputs in the README anew.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"^```python\n(import .*?)^```$", re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[tuple[str, str]]:
    """Split a console block into commands and what they print."""
    parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def run(command: str, folder: Path) -> str:
    """Run a command as typed, with `jacinspect` and `python` those of this interpreter; both streams together."""
    for name, call in (("jacinspect", "-m jacinspect"), ("python", "")):
        program = folder / name
        if not program.exists():
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {call} "$@"\n')
            program.chmod(0o755)
    environment = {k: v for k, v in os.environ.items() if k not in {"FORCE_COLOR", "NO_COLOR", "COLUMNS"}}
    environment |= {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        ["bash", "-c", f"exec 2>&1\n{command}"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=False
    )
    return done.stdout.decode()


def steady(output: str) -> str:
    """Mask what differs between processors: the last digits of rounding errors, and which entry has the largest."""
    output = re.sub(r"worst .*?of its bar", "worst …", output, flags=re.DOTALL)
    return re.sub(r" +", " ", re.sub(r"\b\d(\.\d+)?e-\d+", "tiny", output))


CASES = [case for block in CONSOLE.findall(README.read_text("utf-8")) for case in commands(block)]


@pytest.mark.parametrize(("command", "shown"), CASES, ids=[command for command, _ in CASES])
def test_command_prints_what_is_shown(command: str, shown: str, tmp_path: Path) -> None:
    assert steady(run(command, tmp_path)) == steady(shown)


def test_python_example_runs() -> None:
    (example,) = PYTHON.findall(README.read_text("utf-8"))
    subprocess.run([sys.executable, "-c", example], cwd=ROOT, check=True)


def test_every_sample_is_shown() -> None:
    text = README.read_text("utf-8")
    assert [sample.name for sample in (ROOT / "samples").iterdir() if sample.name not in text] == []


def main() -> None:
    """Write the outputs in the README anew."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:

        def fresh(match: re.Match[str]) -> str:
            parts = (f"$ {command}\n{run(command, Path(folder))}" for command, _ in commands(match[1]))
            return f"```console\n{''.join(parts)}```"

        README.write_text(CONSOLE.sub(fresh, README.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
