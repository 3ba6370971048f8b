"""configuration.schema.json, which editors read, against the tables by which the program reads a configuration."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from jacinspect.checks.keys import OWN, SHARED, Reader
from jacinspect.choices import Backend, Choice, DerivativeKind, Dtype, Expectation, Layout, Mode, Vec
from jacinspect.errors import InputError
from jacinspect.inspection.codes import CODES
from tests.program import ROOT, SAMPLES

SCHEMA = json.loads((ROOT / "jacinspect" / "configuration.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft7Validator(SCHEMA)
DEFINED = SCHEMA["definitions"]
WORDS: dict[str, type[Choice]] = {
    "dtype": Dtype,
    "backend": Backend,
    "vec": Vec,
    "layout": Layout,
    "derivative_kind": DerivativeKind,
    "mode": Mode,
}
VALUES: dict[str, Any] = {
    "a string": "WORD",
    "an integer": 2,
    "a number": 1.5,
    "a boolean": True,
    "nothing": [],
    "strings": ["WORD", "WORD"],
    "integers": [2, 4],
    "numbers": [1.5, 2.5],
    "booleans": [True],
    "lists": [[2], [4]],
    "a table": {},
    "of strings": {"x": "3"},
    "of numbers": {"x": 1.5},
    "of lists": {"x": [1]},
    "of booleans": {"x": True},
    "of tables": {"x": {"y": 1}},
}


def property_of(key: str) -> dict[str, Any]:
    """Give what the schema says of a key of a check."""
    found: dict[str, Any] = DEFINED["check"]["properties"][key]
    return DEFINED[key] if "$ref" in found else found


def words_of(key: str) -> list[str]:
    """Give the words that a key takes, or "x" where it takes any."""
    found = property_of(key)
    while "anyOf" in found or "$ref" in found:
        found = found["anyOf"][0] if "anyOf" in found else DEFINED[found["$ref"].removeprefix("#/definitions/")]
    return found.get("enum", ["x"])  # type: ignore[no-any-return]


def test_it_is_a_schema_that_describes_every_key() -> None:
    Draft7Validator.check_schema(SCHEMA)
    assert [*DEFINED["table"]["properties"]] == [*SHARED, "checks"]
    assert sorted(DEFINED["check"]["properties"]) == sorted([*OWN, *SHARED])
    assert all(property_of(key)["description"] for key in (*OWN, *SHARED))


def test_it_has_the_words_that_can_be_chosen() -> None:
    assert {key: words_of(key) for key in WORDS} == {key: [*map(str, words)] for key, words in WORDS.items()}
    assert words_of("expect") == [*map(str, Expectation)]
    assert words_of("allow") == [*CODES]
    for word, known in (("rank=2", True), ("rank=two", False), ("diag", False)):
        assert VALIDATOR.is_valid({"expect": ["dense", word]}) is known


@pytest.mark.parametrize("key", [*OWN, *SHARED])
def test_it_takes_the_values_that_the_program_takes(key: str) -> None:
    word = str(words_of(key)[0])
    for name, value in VALUES.items():
        given = json.loads(json.dumps(value).replace("WORD", word))
        try:
            Reader(Path("jacinspect.toml"), "").read({key: given}, SHARED | OWN, "checks.a.")
            read = True
        except InputError:
            read = False
        check = {"function": "tanh", key: given}
        assert (name, VALIDATOR.is_valid({"checks": {"a": check}})) == (name, read)
        if key in SHARED:
            assert (name, VALIDATOR.is_valid({key: given})) == (name, read)


@pytest.mark.parametrize("file", [SAMPLES / "ci" / "pyproject.toml", SAMPLES / "broken.toml"])
def test_it_finds_the_mistakes_in_a_project_and_no_other(file: Path) -> None:
    document = tomllib.loads(file.read_text(encoding="utf-8"))
    assert [*VALIDATOR.iter_errors(document)] == []
    check = next(iter(document["tool"]["jacinspect"]["checks"].values()))
    check["derivativ"] = check.pop("function")
    found = [(fault.validator, [*fault.path][:3]) for fault in VALIDATOR.iter_errors(document)]
    place = ["tool", "jacinspect", "checks"]
    assert sorted(found) == [("additionalProperties", place), ("required", place)]


@pytest.mark.parametrize("text", ["shape = 3", "[checks.a]\nshapes = 3", "[checks]\na = 3", "seeds = [-1]"])
def test_it_finds_the_mistakes_in_a_file_of_its_own(text: str) -> None:
    assert not VALIDATOR.is_valid(tomllib.loads(text))
    assert VALIDATOR.is_valid(tomllib.loads('shapes = 3\n[checks.a]\nfunction = "tanh"'))
