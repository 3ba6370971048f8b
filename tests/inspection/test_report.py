"""The report as data: its JSON against schema and contract, its matrices against plain loops, its verdict."""

import json
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from numpy.testing import assert_array_equal

import jacinspect
from jacinspect.choices import AnyLayout, AnyVec
from jacinspect.errors import InputError
from jacinspect.functions.function import Function
from jacinspect.functions.rules import Jvp
from jacinspect.inspection.codes import CODES, Finding, Severity
from jacinspect.inspection.report import Report
from jacinspect.views.facts import headline
from tests.conftest import Validate

CATALOGUE = [
    *("sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "identity", "square", "exp", "abs"),
    *("softmax", "cumsum", "transpose"),
]
SHAPES = [(2, 2), (3,), (1, 1), (0, 3), (3, 0), (0,), (1,), (2, 3, 2)]
ORDERS = [(vec, layout) for vec in ("column", "row") for layout in ("numerator", "denominator")]

# Those of the spectrum of a matrix.
MATRIX = {
    "": "rank singular_values norm least_singular_value condition determinant eigenvalues definiteness "
    "orthogonality_defect spectral_radius too_large",
    ".rank": "low high",
    ".determinant": "sign log_abs",
    **dict.fromkeys((".singular_values", ".eigenvalues"), "number position value low high"),
    **dict.fromkeys((".norm", ".least_singular_value", ".condition", ".determinant.log_abs"), "value low high"),
    **dict.fromkeys((".orthogonality_defect", ".spectral_radius"), "value low high"),
}

# The keys of 3-interface.md, in its order.
KEYS = {
    "": "schema_version version function operand output jacobian detection calls agreement rules points second_order "
    "spectrum hadamard chain_rule findings verdict",
    "function": "name kind parameters source formula derivative place derivative_place",
    "function.place": "file line",
    "function.derivative_place": "file line",
    "operand": "name position shape dtype source seed values parts fixed",
    "operand.parts": "name shape offset",
    "operand.fixed": "name shape dtype values",
    "output": "shape values parts",
    "output.parts": "name shape offset",
    "jacobian": "shape tensor_shape vec layout index_formula structure is_square is_diagonal is_symmetric "
    "is_holomorphic "
    "off_diagonal_ratio lower_bandwidth upper_bandwidth blocks parts entries stored nonzeros density colors pattern "
    "sparse analytic numeric error_bar",
    "jacobian.parts": "output operand structure stored",
    "jacobian.pattern": "rows columns",
    "jacobian.sparse": "rows columns analytic numeric error_bar status",
    "detection": "evaluations points proved deterministic miss_probability",
    "agreement": "verdict entries_compared coverage max_difference max_error_bar max_ratio worst",
    "agreement.worst": "output operand analytic numeric error_bar",
    "rules": "name verdict message",
    "second_order": "message of formula weights symmetric shape structure entries stored nonzeros density colors "
    "pattern sparse analytic numeric error_bar detection calls agreement rules spectrum findings verdict",
    "second_order.pattern": "rows columns",
    "second_order.sparse": "rows columns analytic numeric error_bar status",
    "second_order.detection": "evaluations points proved deterministic miss_probability",
    "second_order.agreement": "verdict entries_compared coverage max_difference max_error_bar max_ratio worst",
    "second_order.agreement.worst": "output operand analytic numeric error_bar",
    "second_order.rules": "name verdict message",
    "second_order.findings": "code name severity message at",
    "second_order.spectrum": "message numeric analytic logdet",
    "spectrum": "message numeric analytic logdet",
    **{
        f"{spectrum}.{of}{path}": keys
        for spectrum in ("spectrum", "second_order.spectrum")
        for of in ("numeric", "analytic")
        for path, keys in MATRIX.items()
    },
    "spectrum.logdet": "claimed value low high verdict",
    "hadamard": "direction hadamard jacobian_product max_difference valid cost",
    "hadamard.cost": "hadamard matrix",
    "hadamard.cost.hadamard": "bytes multiplications",
    "hadamard.cost.matrix": "bytes multiplications",
    "chain_rule": "upstream hadamard transposed_product max_difference",
    "findings": "code name severity message at",
}

# Where the schema has the keys of a spectrum, by the last of a path.
HOMES = {
    **dict.fromkeys(("numeric", "analytic"), "matrix_spectrum"),
    **dict.fromkeys(("rank", "determinant"), ""),  # within that
    "logdet": "logdet",
    **dict.fromkeys(("singular_values", "eigenvalues"), "values"),
    **dict.fromkeys(("norm", "least_singular_value", "condition", "log_abs"), "within"),
    **dict.fromkeys(("orthogonality_defect", "spectral_radius"), "within"),
}

NAMES = {code: kind.name for code, kind in CODES.items()}


def normal(*shape: int) -> Any:
    return np.random.default_rng(7).standard_normal(shape)


def mutating(x: Any) -> Any:
    x *= 2
    return x


def restless() -> Callable[[Any], Any]:
    draws = np.random.default_rng(0)
    return lambda x: x + draws.standard_normal(x.shape)


def dense(x: Any) -> Any:
    return np.tanh(np.arange(1.0, 13.0).reshape(4, 3) @ x)


def scalar(x: Any) -> Any:
    return np.sum(x**2)


KINKS = np.array([[0.5, -1.25, 0.0], [2.0, -0.75, 1.5]])
STRANGE = np.array([[1.0, np.nan, -2.0], [np.inf, 0.5, -np.inf]])

INSPECTIONS: dict[str, Callable[[], Report]] = {
    "pass": lambda: jacinspect.inspect("sigmoid", normal(2, 2)),
    "wrong sign": lambda: jacinspect.inspect("tanh", normal(2, 3), lambda x: -(1 - np.tanh(x) ** 2)),
    "not expected": lambda: jacinspect.inspect("softmax", normal(3, 4), expect=["diagonal", "symmetric"]),
    "dense not expected": lambda: jacinspect.inspect("tanh", normal(3), expect=["dense"]),
    "kink": lambda: jacinspect.inspect("relu", KINKS),
    "strict kink": lambda: jacinspect.inspect("relu", KINKS, strict_kinks=True),
    "inconclusive": lambda: jacinspect.inspect("sigmoid", normal(2, 2), noise=10.0),
    "tolerance": lambda: jacinspect.inspect("exp", normal(4), rtol=1e-3, atol=0.0),
    "numeric only": lambda: jacinspect.inspect(dense, normal(3, 2)),
    "to a number": lambda: jacinspect.inspect(scalar, normal(3, 2)),
    "of a number": lambda: jacinspect.inspect("square", np.float64(3.0)),
    "constant": lambda: jacinspect.inspect(np.zeros_like, normal(2, 3)),
    "float32": lambda: jacinspect.inspect("gelu", normal(2, 3).astype(np.float32)),
    "integers": lambda: jacinspect.inspect("square", np.array([1, 2, 3])),
    "nan operand": lambda: jacinspect.inspect("softmax", STRANGE),
    "nan output": lambda: jacinspect.inspect(lambda x: np.log(x), normal(2, 3)),
    "overflow": lambda: jacinspect.inspect("exp", np.array([1.0, 800.0])),
    "infinite slope": lambda: jacinspect.inspect(np.cbrt, np.array([0.0, 1.0]), lambda x: x ** (-2 / 3) / 3),
    "nan derivative": lambda: jacinspect.inspect(np.sin, normal(3), lambda x: x * np.nan),
    "not deterministic": lambda: jacinspect.inspect(restless(), normal(2, 2)),
    "mutates": lambda: jacinspect.inspect(mutating, normal(2, 2)),
    "sampled": lambda: jacinspect.inspect("softmax", normal(6, 8), max_evaluations=5),
    "sampled, dense": lambda: jacinspect.inspect(dense, normal(3, 5), max_evaluations=20),
    "second order": lambda: jacinspect.inspect("softmax", normal(3), order=2),
    "wrong second order": lambda: jacinspect.inspect("x**3", normal(3), hessian="3 * x"),
    "second order of a wrong derivative": lambda: jacinspect.inspect("tanh", normal(3), "tanh(x)", order=2),
    "spectrum": lambda: jacinspect.inspect("tanh", normal(3), spectrum=True),
    "spectrum that is not known": lambda: jacinspect.inspect("softmax", normal(3), expect=["invertible", "rank=2"]),
    "spectrum of a wide matrix": lambda: jacinspect.inspect(dense, normal(3, 2), expect="contraction"),
    "spectrum of a sample": lambda: jacinspect.inspect(dense, normal(3, 5), max_evaluations=20, spectrum=True),
    "logdet": lambda: jacinspect.inspect("tanh", normal(2, 2), logdet="sum(log(1 - tanh(x)**2))"),
    "logdet of another shape": lambda: jacinspect.inspect("tanh", normal(2, 2), logdet="log(1 - tanh(x)**2)"),
    "spectrum of a Hessian": lambda: jacinspect.inspect("softmax", normal(3), order=2, spectrum=True),
    "large": lambda: jacinspect.inspect("sigmoid", normal(8, 9)),
    "large operand": lambda: jacinspect.inspect("relu", normal(64, 65)),
    "direction": lambda: jacinspect.inspect("sigmoid", normal(2), direction=[np.nan, np.inf]),
}


@cache
def inspected(name: str) -> Report:
    return INSPECTIONS[name]()


def keys_of(value: Any, path: str = "") -> dict[str, str]:
    """Give the keys of every object in a report by its path; those of a list's objects by the list's."""
    found: dict[str, str] = {}
    if isinstance(value, dict):
        found[path] = " ".join(value)
        for key, inner in value.items():
            if key not in ("parameters", "blocks"):
                found.update(keys_of(inner, f"{path}.{key}".lstrip(".")))
    elif isinstance(value, list):
        for inner in value:
            found.update(keys_of(inner, path))
    return found


def same_keys(report: dict[str, Any]) -> None:
    for path, keys in keys_of(report).items():
        assert keys == KEYS[path], path


# --- The schema -------------------------------------------------------------------------------------------------------


def test_the_schema_is_one(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_the_schema_has_the_contract_s_keys_in_its_order(schema: dict[str, Any]) -> None:
    places = {"": schema, **schema["$defs"]}
    homes = {
        "jacobian.pattern": "pattern",
        "jacobian.sparse": "sparse",
        "agreement.worst": "entry",
        "findings": "finding",
        "rules": "rule",
    }
    homes |= {"operand.parts": "part", "output.parts": "part", "operand.fixed": "fixed", "jacobian.parts": "block"}
    homes |= {path: path.split(".")[-1].rstrip("s") for path in KEYS if path.startswith("second_order.")}
    homes |= {"second_order.agreement.worst": "entry"}
    homes |= {path: HOMES[path.split(".")[-1]] for path in KEYS if "spectrum." in path}
    homes |= {"second_order.agreement.worst": "entry", "function.place": "place", "function.derivative_place": "place"}
    homes |= {"hadamard.cost.hadamard": "cost", "hadamard.cost.matrix": "cost"}
    for path, keys in KEYS.items():
        place = schema["$defs"]["hadamard"]["properties"]["cost"] if path == "hadamard.cost" else None
        if path.endswith((".rank", ".determinant")):
            place = schema["$defs"]["matrix_spectrum"]["properties"][path.split(".")[-1]]["anyOf"][0]
        place = place or places[homes.get(path, path)]
        assert " ".join(place["required"]) == keys
        assert [*place["properties"]] == keys.split() + ["check"] * (not path)  # which jacinspect check adds
        assert place["additionalProperties"] is False


def test_every_property_is_described_in_one_line(schema: dict[str, Any]) -> None:
    for name, place in {"": schema, **schema["$defs"]}.items():
        for key, value in {"itself": place, **place.get("properties", {})}.items():
            assert value["description"].endswith("."), (name, key)
            assert "\n" not in value["description"]


def test_the_schema_refuses_what_is_not_a_report(schema: dict[str, Any]) -> None:
    validator = Draft202012Validator(schema)
    good = inspected("not expected").to_dict()
    assert validator.is_valid(good)
    wrong: list[tuple[list[Any], Any]] = [
        (["jacobian", "structure"], "round"),
        (["jacobian", "vec"], "diagonal"),
        (["jacobian", "shape"], [12]),
        (["jacobian", "stored"], -1),
        (["jacobian", "analytic", 0, 0], "nan"),
        (["jacobian", "analytic", 0], 0.5),
        (["jacobian", "extra"], 1),
        (["jacobian", "blocks", "count"], 1),
        (["operand", "shape"], [2.5]),
        (["operand", "values"], "NaN!"),
        (["detection", "miss_probability"], 1.5),
        (["agreement"], None),
        (["agreement", "coverage"], None),
        (["findings", 0, "code"], "J13"),
        (["findings", 0, "name"], "a kink"),
        (["findings", 0, "severity"], "warning"),
        (["findings", 0, "at"], [0]),
        (["verdict"], "ok"),
        (["schema_version"], 2),
        (["timed"], 0.1),
    ]
    for path, value in wrong:
        bad = json.loads(json.dumps(good))
        place = bad
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value
        assert not validator.is_valid(bad), (path, value)
    for name in good:
        assert not validator.is_valid({key: value for key, value in good.items() if key != name}), name


@pytest.mark.parametrize(("code", "name"), NAMES.items())
def test_the_schema_takes_every_finding(schema: dict[str, Any], code: str, name: str) -> None:
    validator = Draft202012Validator({"$defs": schema["$defs"], "$ref": "#/$defs/finding"})
    finding = {"code": code, "name": name, "severity": "note", "message": "", "at": [[0, 1], []]}
    assert validator.is_valid(finding)
    for wrong in ({"code": "E001"}, {"code": code + "0"}, {"name": name.upper()}, {"severity": "warning"}, {"at": [0]}):
        assert not validator.is_valid({**finding, **wrong})


def test_codes_follow_each_other_and_names_differ() -> None:
    """A code never changes its meaning, and a new one has a new number; scripts may go by either."""
    assert sorted(CODES) == list(CODES)
    assert len(set(NAMES.values())) == len(CODES)


# --- What is emitted --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_catalogue_gives_valid_reports(validated: Validate, name: str) -> None:
    for number, shape in enumerate(SHAPES):
        vec, layout = ORDERS[(number + len(name)) % 4]
        report = jacinspect.inspect(name, normal(*shape), vec=vec, layout=layout)  # type: ignore[arg-type]
        parsed = validated(report.to_json())
        same_keys(parsed)
        assert parsed["function"]["name"] == name
        assert parsed["operand"]["shape"] == list(shape)
        assert np.array(parsed["operand"]["values"]).reshape(shape).tolist() == normal(*shape).tolist()
        assert (parsed["jacobian"]["vec"], parsed["jacobian"]["layout"]) == (vec, layout)
        assert parsed["jacobian"]["entries"] == np.prod(shape) ** 2
        assert parsed["verdict"] == "pass", (shape, parsed["findings"])


def test_parameters_of_every_type_are_valid(validated: Validate) -> None:
    report = jacinspect.inspect("sum", normal(2, 3))
    assert validated(report.to_json())["function"]["parameters"] == {"axis": None, "keepdims": False}
    named = replace(report, function=replace(report.function, parameters={"order": "fro", "bound": np.inf}))
    assert validated(named.to_json())["function"]["parameters"] == {"order": "fro", "bound": "Infinity"}
    assert headline(report)[0] == "sum", "what is off is not said"
    assert headline(named)[0] == "sum(order=fro, bound=inf)"


@pytest.mark.parametrize("name", INSPECTIONS)
def test_every_kind_of_report_is_valid(validated: Validate, name: str) -> None:
    report = inspected(name)
    text = report.to_json()
    same_keys(validated(text))
    assert json.loads(text) == report.to_dict()
    if report.operand.values.size < 100:
        same_keys(validated(report.to_json(full=True)))


def test_the_kinds_are_what_they_are_called() -> None:
    found = {name: (inspected(name).verdict, [f.code for f in inspected(name).findings]) for name in INSPECTIONS}
    expected: dict[str, tuple[str, list[str]]] = {
        "pass": ("pass", []),
        "wrong sign": ("fail", ["J001"]),
        "not expected": ("fail", ["J002", "J009"]),
        "dense not expected": ("fail", ["J002"]),
        "kink": ("pass", ["J003"]),
        "strict kink": ("fail", ["J003"]),
        "inconclusive": ("inconclusive", ["J006"]),
        "tolerance": ("pass", []),
        "numeric only": ("pass", ["J009"]),
        "of a number": ("pass", []),
        "not deterministic": ("fail", ["J005"]),
        "mutates": ("fail", ["J008"]),
        "overflow": ("pass", ["J004"]),
        "nan output": ("fail", ["J004"]),
        "sampled": ("pass", ["J007", "J009"]),
    }
    assert {name: found[name] for name in expected} == expected


def test_equal_inspections_give_equal_bytes() -> None:
    for name, inspect in INSPECTIONS.items():
        assert inspect().to_json() == inspected(name).to_json(), name


def test_the_seed_decides_what_is_random() -> None:
    directions = [jacinspect.inspect("tanh", normal(3), seed=s).to_dict()["hadamard"]["direction"] for s in (1, 1, 2)]
    assert directions[0] == directions[1] != directions[2]


def test_numbers_that_are_not_finite_are_strings(validated: Validate) -> None:
    parsed = validated(inspected("nan operand").to_json())
    assert parsed["operand"]["values"] == [[1.0, "NaN", -2.0], ["Infinity", 0.5, "-Infinity"]]
    assert validated(inspected("direction").to_json())["hadamard"]["direction"] == ["NaN", "Infinity"]


def test_parameters_that_are_not_finite_are_strings(validated: Validate) -> None:
    function = Function("scaled", "unknown", value=lambda x: 2 * x, parameters={"low": -np.inf, "n": 3, "x": 0.5})
    report = validated(jacinspect.inspect(function, normal(2)).to_json())
    assert report["function"]["parameters"] == {"low": "-Infinity", "n": 3, "x": 0.5}


def test_a_source_that_is_no_unicode_can_be_written(validated: Validate) -> None:
    operand = replace(inspected("pass").operand, source="\udcff.csv")  # how Python spells a file name of one byte 0xff
    text = replace(inspected("pass"), operand=operand).to_json()
    assert validated(text.encode().decode())["operand"]["source"].endswith(".csv")


@pytest.mark.parametrize("name", ["not deterministic", "mutates"])
def test_a_stopped_inspection_has_no_jacobian(validated: Validate, name: str) -> None:
    parsed = validated(inspected(name).to_json())
    assert [key for key, value in parsed.items() if value is None] == [
        *("jacobian", "agreement", "second_order", "spectrum", "hadamard", "chain_rule")
    ]
    assert parsed["detection"]["deterministic"] is (name == "mutates")
    assert parsed["output"]["shape"] == [2, 2]


def test_without_a_rule_nothing_analytic_is_said() -> None:
    report = inspected("numeric only").to_dict()
    assert report["jacobian"]["analytic"] is None
    assert len(report["jacobian"]["numeric"]) == 8
    assert report["agreement"]["entries_compared"] == 0
    assert report["agreement"]["worst"] == []
    assert report["agreement"]["max_difference"] is None
    assert report["hadamard"]["max_difference"] is None
    assert report["hadamard"]["cost"]["hadamard"] is None


def test_of_what_is_not_proved_nothing_is_claimed() -> None:
    report = inspected("sampled").to_dict()
    jacobian = report["jacobian"]
    unknown = ["stored", "nonzeros", "density", "pattern", "lower_bandwidth", "upper_bandwidth", "numeric", "analytic"]
    assert {jacobian[key] for key in unknown} == {None}
    assert jacobian["is_diagonal"] is False
    assert jacobian["structure"] == "block-diagonal"
    assert jacobian["blocks"] == {"count": 6, "shape": [8, 8], "vec": "row"}
    assert report["detection"]["proved"] is False
    assert 0 < report["agreement"]["coverage"] < 1
    assert report["hadamard"] is None
    assert report["chain_rule"] is None


def test_a_sample_s_index_formula_claims_no_order_that_the_function_lacks() -> None:
    assert "[" not in inspected("sampled").to_dict()["jacobian"]["index_formula"]


def test_large_arrays_are_left_out_unless_asked_for() -> None:
    report = inspected("large")  # 72 × 72 = 5184 entries
    short, full = report.to_dict(), report.to_dict(full=True)
    for of in ("analytic", "numeric", "error_bar"):
        assert short["jacobian"][of] is None
        assert np.shape(full["jacobian"][of]) == (72, 72)
    assert short["jacobian"]["pattern"] == full["jacobian"]["pattern"]
    assert len(short["jacobian"]["pattern"]["rows"]) == 72
    assert short["operand"]["values"] == full["operand"]["values"] == normal(8, 9).tolist()
    assert [short[key] for key in ("agreement", "findings")] == [full[key] for key in ("agreement", "findings")]


def test_the_stored_entries_are_not_blind_above_64_inputs() -> None:
    report = jacinspect.inspect("softmax", normal(65))
    sparse, j = report.to_dict()["jacobian"]["sparse"], report.jacobian
    assert j is not None
    assert report.to_dict()["jacobian"]["numeric"] is None
    for name in ("analytic", "numeric", "error_bar"):
        dense = np.full((65, 65), np.nan)
        dense[sparse["rows"], sparse["columns"]] = sparse[name]
        assert_array_equal(dense, j.matrix(name))
    assert set(sparse["status"]) == {"agrees"}
    assert jacinspect.inspect("identity", normal(100_000)).to_dict()["jacobian"]["sparse"] is not None
    assert jacinspect.inspect("identity", normal(100_001)).to_dict()["jacobian"]["sparse"] is None


@pytest.mark.parametrize("layout", ["numerator", "denominator"])
@pytest.mark.parametrize("vec", ["row", "column"])
def test_the_stored_entries_stand_as_in_the_matrix(vec: AnyVec, layout: AnyLayout) -> None:
    """With an analytic entry where f has none, which disagrees, and a wrong one."""
    claim = np.diag(np.arange(1.0, 7.0))
    claim[0, 5] = 2.0
    report = jacinspect.inspect(
        lambda x: x * np.arange(1.0, 7.0).reshape(2, 3), normal(2, 3), lambda x: claim, vec=vec, layout=layout
    )
    jacobian = report.to_dict()["jacobian"]
    sparse = jacobian["sparse"]
    assert list(zip(sparse["rows"], sparse["columns"], strict=True)) == sorted(
        zip(sparse["rows"], sparse["columns"], strict=True)
    )
    dense = np.zeros((6, 6))
    dense[sparse["rows"], sparse["columns"]] = sparse["analytic"]
    assert_array_equal(dense, jacobian["analytic"])
    assert sparse["status"].count("disagrees") == np.count_nonzero(np.abs(dense - jacobian["numeric"]) > 1e-6) >= 1
    assert len(sparse["rows"]) > 6


def test_without_a_derivative_nothing_was_judged() -> None:
    sparse = jacinspect.inspect(np.exp, normal(3)).to_dict()["jacobian"]["sparse"]
    assert (sparse["analytic"], sparse["status"]) == (None, None)


def test_what_large_means() -> None:
    at, over = (jacinspect.inspect("identity", normal(n)).to_dict() for n in (4096, 4097))
    for key, inner in (("operand", "values"), ("output", "values"), ("hadamard", "direction"), ("jacobian", "pattern")):
        assert at[key][inner] is not None, (key, inner)
        assert over[key][inner] is None, (key, inner)
    assert jacinspect.inspect("identity", normal(64)).to_dict()["jacobian"]["numeric"] is not None  # 4096 entries
    assert jacinspect.inspect("identity", normal(65)).to_dict()["jacobian"]["numeric"] is None


def test_full_within_the_memory_only() -> None:
    report = jacinspect.inspect("identity", normal(2000), memory=64 * 2**20)  # 2000² float64 take 30.5 MiB
    with pytest.raises(InputError) as caught:
        report.to_dict(full=True)
    message = str(caught.value)
    assert len(message.splitlines()) <= 2
    assert "--full" in message
    assert "2000×2000" in message
    assert "30.5 MiB" in message
    assert "64 MiB" in message
    assert report.to_dict()["jacobian"]["numeric"] is None


def test_writing_it_out_keeps_to_the_memory() -> None:
    report = jacinspect.inspect("softmax", normal(200), memory=2**25)
    tracemalloc.start()
    try:
        text = report.to_json(full=True)  # 40 000 numbers of some 20 digits, three times over
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(json.loads(text)["jacobian"]["numeric"]) == 200
    assert peak < 1.1 * 2**25


def test_costs() -> None:
    assert inspected("pass").to_dict()["hadamard"]["cost"] == {
        "hadamard": {"bytes": 32, "multiplications": 4},
        "matrix": {"bytes": 128, "multiplications": 16},
    }


# --- The matrices, by plain loops -------------------------------------------------------------------------------------

W = np.arange(1.0, 9.0).reshape(4, 2) ** 2


def places(shape: tuple[int, ...], vec: str) -> list[tuple[int, ...]]:
    """List an array's indices in vec order: first axis fastest by column, last axis fastest by row."""
    axes = range(len(shape)) if vec == "column" else range(len(shape))[::-1]
    found: list[tuple[int, ...]] = [()]
    order: list[int] = []
    for axis in axes:
        found = [(*index, k) for k in range(shape[axis]) for index in found]
        order.append(axis)
    return [tuple(index[order.index(axis)] for axis in range(len(shape))) for index in found]


def test_places() -> None:
    assert places((2, 3), "column") == [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)]
    assert places((2, 3), "row") == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]


Partial = Callable[[tuple[int, ...], tuple[int, ...]], float]
LINEAR: dict[str, tuple[tuple[int, ...], tuple[int, ...], Callable[[Any], Any], Partial]] = {
    "W @ X": ((2, 3), (4, 3), lambda x: W @ x, lambda a, x: float(W[a[0], x[0]]) if a[1] == x[1] else 0.0),
    "X.T": ((2, 3), (3, 2), lambda x: x.T, lambda a, x: float(a == x[::-1])),
    "weighted sum of the middle axis": (
        (2, 3, 4),
        (2, 4),
        lambda x: x[:, 0] + 2 * x[:, 1] + 3 * x[:, 2],
        lambda a, x: float(x[1] + 1) if (x[0], x[2]) == a else 0.0,
    ),
    "last row, repeated": ((3, 2), (4, 2), lambda x: np.repeat(x[2:], 4, 0), lambda a, x: float(x == (2, a[1]))),
    "sum": ((2, 3), (), np.sum, lambda a, x: 1.0),
}


@pytest.mark.parametrize(("vec", "layout"), ORDERS)
@pytest.mark.parametrize("name", LINEAR)
def test_matrices_are_what_plain_loops_give(validated: Validate, name: str, vec: AnyVec, layout: AnyLayout) -> None:
    operand_shape, output_shape, value, partial = LINEAR[name]
    function = Function(name, "unknown", value=value, rule=Jvp(lambda x, dx: value(dx)))
    report = validated(jacinspect.inspect(function, normal(*operand_shape), vec=vec, layout=layout).to_json())
    rows, columns = places(output_shape, vec), places(operand_shape, vec)
    expected = [[partial(a, x) for x in columns] for a in rows]
    if layout == "denominator":
        expected = [[partial(a, x) for a in rows] for x in columns]
    jacobian = report["jacobian"]
    assert jacobian["analytic"] == expected
    assert np.all(np.abs(np.subtract(jacobian["numeric"], expected)) <= jacobian["error_bar"])
    assert jacobian["shape"] == [len(expected), len(expected[0])]
    assert jacobian["tensor_shape"] == [*output_shape, *operand_shape]
    filled = [(r, c) for r, row in enumerate(expected) for c, entry in enumerate(row) if entry]
    assert list(zip(jacobian["pattern"]["rows"], jacobian["pattern"]["columns"], strict=True)) == filled
    assert jacobian["stored"] == jacobian["nonzeros"] == len(filled)
    assert jacobian["density"] == len(filled) / (len(rows) * len(columns))
    assert jacobian["lower_bandwidth"] == max([0, *(r - c for r, c in filled)])
    assert jacobian["upper_bandwidth"] == max([0, *(c - r for r, c in filled)])
    assert jacobian["is_square"] is (len(rows) == len(columns))
    assert jacobian["is_symmetric"] is (expected == [list(line) for line in zip(*expected, strict=True)])
    if jacobian["is_square"]:
        assert jacobian["off_diagonal_ratio"] == pytest.approx(off_diagonal_ratio(expected), rel=1e-12)
    else:
        assert jacobian["off_diagonal_ratio"] is None
    self_consistent(report)


def off_diagonal_ratio(matrix: list[list[float]]) -> float:
    off = sum(entry**2 for r, row in enumerate(matrix) for c, entry in enumerate(row) if r != c)
    return float((off / sum(entry**2 for row in matrix for entry in row)) ** 0.5)


def self_consistent(report: dict[str, Any]) -> None:
    """The products are those of the printed matrix: J·vec(dX) and Jᵀ·vec(G)."""
    jacobian = report["jacobian"]
    operand_shape, output_shape = tuple(report["operand"]["shape"]), tuple(report["output"]["shape"])
    columns, rows = places(operand_shape, jacobian["vec"]), places(output_shape, jacobian["vec"])
    matrix = np.array(jacobian["analytic"])
    matrix = matrix if jacobian["layout"] == "numerator" else matrix.T
    dx, product = (np.array(report["hadamard"][key]) for key in ("direction", "jacobian_product"))
    assert matrix @ [dx[x] for x in columns] == pytest.approx([product[a] for a in rows], rel=1e-12, abs=1e-12)
    upstream, pulled = (np.array(report["chain_rule"][key]) for key in ("upstream", "transposed_product"))
    assert matrix.T @ [upstream[a] for a in rows] == pytest.approx([pulled[x] for x in columns], rel=1e-12, abs=1e-12)


# --- The verdict ------------------------------------------------------------------------------------------------------


def with_findings(*codes: str, severity: Severity = "error") -> Report:
    return replace(
        inspected("pass"), findings=tuple(Finding(code, NAMES[code], severity, "so it is") for code in codes)
    )


@pytest.mark.parametrize("code", NAMES)
def test_what_a_finding_says_of_the_verdict(code: str) -> None:
    alone = with_findings(code)
    assert alone.verdict != "pass"
    assert alone.exit_status == 1
    worst = (
        "fail" if code in ("J001", "J002", "J003", "J004", "J005", "J008", "J011", "J015", "J016") else "inconclusive"
    )
    assert alone.verdict == worst
    assert with_findings("J006", code).verdict == worst
    assert with_findings(code, "J012").verdict == worst
    note = with_findings(code, severity="note")
    assert (note.verdict, int(note.exit_status)) == ("pass", 0)
    assert note.to_dict()["verdict"] == "pass"


def test_without_findings_it_passes() -> None:
    assert (with_findings().verdict, int(with_findings().exit_status)) == ("pass", 0)


def test_errors_stand_before_notes() -> None:
    for name in INSPECTIONS:
        order = [(finding["severity"] != "error", finding["code"]) for finding in inspected(name).to_dict()["findings"]]
        assert order == sorted(order), name


# --- Where people's code is -------------------------------------------------------------------------------------------

CODE = """
import numpy as np

def wave(x):
    return np.sin(x)

def wave_prime(x):
    return np.cos(x)

class Layer:
    def forward(self, x):
        return 2 * x

    def backward(self, upstream):
        return 2 * upstream

layer = Layer()
"""


@pytest.mark.parametrize(
    ("function", "derivative", "lines"),
    [
        ("code_of_places.py:wave", "code_of_places.py:wave_prime", (4, 7)),
        ("code_of_places.py:wave", "cos(x)", (4, None)),
        ("code_of_places.py:layer", None, (10, 14)),
        ("numpy:sin", None, (None, None)),
        ("sin(x)", "cos(x)", (None, None)),
        ("numpy.linalg:inv", None, (None, None)),  # written in Python, and not by whoever inspects it
    ],
)
def test_the_place_of_peoples_code(
    function: str,
    derivative: str | None,
    lines: tuple[int | None, int | None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "code_of_places.py").write_text(CODE)
    (tmp_path / "below").mkdir()
    x = np.array([[1.0, 0.5], [0.25, 2.0]])
    for folder, file in ((tmp_path, "code_of_places.py"), (tmp_path / "below", str(tmp_path / "code_of_places.py"))):
        monkeypatch.chdir(folder)
        names = [name and name.replace("code_of_places.py", file) for name in (function, derivative)]
        found = jacinspect.inspect(names[0], x, derivative=names[1]).to_dict()["function"]  # type: ignore[arg-type]
        expected = [line and {"file": file, "line": line} for line in lines]
        assert [found["place"], found["derivative_place"]] == expected
