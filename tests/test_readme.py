"""The commands of the README, and of those that it links to, are run; what they print is compared with what is shown.

Run as a module, `python -m tests.test_readme`, it writes the outputs, and the README's table of findings, anew.
"""

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import indent

import pytest

from jacinspect.inspection.codes import CODES
from tests.program import execute, install

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
OTHERS = ("samples/README.md", "samples/two_questions.md", "samples/ci/README.md", "tests/benchmarks/README.md")
DOCUMENTS = [README, *(ROOT / name for name in OTHERS)]
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"^```python\n(import .*?)^```$", re.MULTILINE | re.DOTALL)
ROW_OF_THE_CATALOGUE = re.compile(r"^```python\n(def _softsign.*?)^```$", re.MULTILINE | re.DOTALL)
FINDINGS = re.compile(r"(?:^\| J\d+ .*\n)+", re.MULTILINE)


def text_of(document: Path) -> str:
    return document.read_text("utf-8")


def commands(block: str) -> list[tuple[str, str]]:
    """Split a console block into commands and what they print."""
    parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def run(command: str, folder: Path) -> str:
    """Run a command as typed, with `jacinspect` and `python` those of this interpreter; both streams together."""
    python = folder / "python"
    if not python.exists():
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
    variables = {"PATH": install(folder, command)}
    return execute(["bash", "-c", f"exec 2>&1\n{command}"], variables=variables).text


def steady(output: str) -> str:
    """Mask what differs between machines: times, last digits of rounding errors, and which entry has the largest."""
    output = re.sub(r"(?m)^jacinspect: a call takes .*\n", "", output)  # what a slow machine says of a million numbers
    output = re.sub(r"(?m) +\(?\d+\.\d s\)?$", "", output)  # the time that inspections took
    output = re.sub(r"worst .*?of its bar", "worst …", output, flags=re.DOTALL)
    output = re.sub(r"largest difference [\d.e+]+ % of its bar", "largest difference …", output)
    output = re.sub(r"(?m)((?:pass|fail|inconclusive) +\S+ +)\d\S*$", r"\1ratio", output)
    return re.sub(r" +", " ", re.sub(r"\b\d(\.\d+)?e-\d+", "tiny", output))


def table_of_findings() -> str:
    rows = (f"| {code} | {kind.name} | {kind.severity} | {kind.when} |" for code, kind in CODES.items())
    return "".join(f"{row}\n" for row in rows)


SHOWN = [
    (document, case)
    for document in DOCUMENTS
    for block in CONSOLE.findall(text_of(document))
    for case in commands(block)
]
CASES = [case for _, case in SHOWN]
LINKS = [(document, link) for document in DOCUMENTS for link in re.findall(r"\]\(([^)\s]+)\)", text_of(document))]


@pytest.mark.parametrize(("command", "shown"), CASES, ids=[f"{at.relative_to(ROOT)}: {case[0]}" for at, case in SHOWN])
def test_command_prints_what_is_shown(command: str, shown: str, tmp_path: Path) -> None:
    assert steady(run(command, tmp_path)) == steady(shown)


def test_python_example_runs() -> None:
    (example,) = PYTHON.findall(text_of(README))
    subprocess.run([sys.executable, "-c", example], cwd=ROOT, check=True)


def test_every_sample_is_shown() -> None:
    text = "".join(map(text_of, DOCUMENTS))
    names = {sample.name for sample in (ROOT / "samples").iterdir()} - {"__pycache__"}
    assert [name for name in names if name not in text] == []


def test_the_readme_is_short() -> None:
    assert len(text_of(README).splitlines()) <= 350


@pytest.mark.parametrize(("document", "link"), LINKS, ids=[f"{at.relative_to(ROOT)}: {link}" for at, link in LINKS])
def test_a_link_leads_somewhere(document: Path, link: str) -> None:
    name, _, heading = link.partition("#")
    target = document.parent / name if name else document
    assert target.exists()
    headings = re.findall(r"^#+ (.*)$", text_of(target), re.MULTILINE) if heading else []
    assert heading in ["", *(re.sub(r"[^\w\s-]", "", title).lower().replace(" ", "-") for title in headings)]


def test_the_readme_links_all_that_is_run() -> None:
    assert set(OTHERS) <= {link for document, link in LINKS if document == README}


def test_the_table_of_findings_is_that_of_the_program() -> None:
    assert FINDINGS.findall(text_of(README)) == [table_of_findings()]


def test_the_row_of_the_catalogue_is_the_one_in_the_source() -> None:
    """The README shows how softsign is declared."""
    (example,) = ROW_OF_THE_CATALOGUE.findall(text_of(README))
    source = text_of(ROOT / "jacinspect" / "functions" / "catalogue" / "algebraic.py")
    for part in example.split("\n\n\n"):
        assert part.strip() in source or indent(part.strip(), "    ") in source  # the row is one of a table


def main() -> None:
    """Write the outputs, and the table of findings, anew."""
    with TemporaryDirectory() as folder:

        def fresh(match: re.Match[str]) -> str:
            parts = (f"$ {command}\n{run(command, Path(folder))}" for command, _ in commands(match[1]))
            return f"```console\n{''.join(parts)}```"

        for document in DOCUMENTS:
            document.write_text(CONSOLE.sub(fresh, FINDINGS.sub(table_of_findings(), text_of(document))), "utf-8")


if __name__ == "__main__":
    main()
