"""`jacinspect identities`: which lines hold for which function, what the program prints, and its exit status."""

import re
import sys
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from jacinspect.errors import FunctionFailedError, InputError
from jacinspect.functions.catalogue.lookup import function
from jacinspect.functions.catalogue.tables import ENTRIES
from jacinspect.functions.function import Array, Function
from jacinspect.functions.rules import Jvp, Slopes
from jacinspect.identities import tensors
from jacinspect.identities.report import IdentityReport
from jacinspect.identities.verification import verify_identities
from jacinspect.views import identities as view
from tests.conftest import RunHere
from tests.functions.catalogue.truth import inside
from tests.program import Run, command, execute, strict_json

OF_VECTORS = [
    *("diag-right", "diag-left", "diagonal-right", "diagonal-left", "hadamard-diag", "hadamard-third-order"),
]
OF_MATRICES = ["sixth-order", "hadamard-sixth-order", "tensor-diag-right", "tensor-diag-left", "commutation"]
WITH_SLOPES = [
    *("differential-hadamard", "differential-tensor", "differential-vec-column", "differential-vec-row"),
    *("gradient", "chain-rule", "chain-rule-vec"),
]
MEASURED = WITH_SLOPES[:-1]
ARRANGED = ["reshape-to-tensor", "reshape-to-matrix", "commuted-jacobian"]
ELEMENTWISE = [entry.name for entry in ENTRIES if entry.kind == "elementwise"]


def identities(*args: str, stdin: bytes = b"", **variables: str) -> Run:
    return execute(command("identities", *args), stdin=stdin, variables=variables)


def normal(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def failing(report: IdentityReport) -> list[str]:
    return [identity.name for identity in report.identities if not identity.holds]


def coupled(value: Callable[[Array], Array], rule: Callable[[Array, Array], Array]) -> Function:
    return Function("f", "unknown", value=value, rule=Jvp(rule), source="python")


# --- What holds and what does not ------------------------------------------------------------------------------------


SHAPES = [(3, 2), (1, 4), (1, 1), (0, 3), (3, 0), (4,), (1,), (0,)]


@pytest.mark.parametrize(  # each function at three shapes in turn, and each at that of several points
    ("name", "shape"),
    [(name, shape) for k, name in enumerate(ELEMENTWISE) for shape in ((2, 3), *(SHAPES * 2)[3 * k % 8 :][:3])],
)
def test_all_hold_for_an_elementwise_function(name: str, shape: tuple[int, ...]) -> None:
    points = [normal(*shape), normal(*shape).astype(np.float32), 30 * normal(*shape), np.round(2 * normal(*shape))]
    if name in (
        "relu_squared",
        "smelu",
        "sparse_plus",
        "sparse_sigmoid",
    ):  # where the slope bends, at 0 and ±1, nothing can be measured
        points.pop()
    for x in points if shape == (2, 3) else points[:1]:
        report = verify_identities(function(name), inside(name, x))
        assert failing(report) == []
        names = [identity.name for identity in report.identities]
        if len(shape) == 2:
            assert names == [*OF_VECTORS, *OF_MATRICES, *WITH_SLOPES, *ARRANGED]
        else:
            assert names == [*OF_VECTORS, *(name for name in WITH_SLOPES if "-vec-" not in name)]


@pytest.mark.parametrize("seed", range(8))
def test_near_a_kink_of_f_or_of_its_derivative_nothing_is_accused(seed: int) -> None:
    scale = (1e-6, 1e-7, 1e-9, 1e-20)[seed % 4]
    for name in ("relu", "elu", "abs", "leaky_relu"):
        assert failing(verify_identities(function(name), scale * normal(2, 3, seed=seed), seed=seed)) == []


@pytest.mark.parametrize("shape", [(2, 3), (3, 2), (1, 4), (3, 3), (4,)])
@pytest.mark.parametrize("name", ["softmax", "cumsum"])
def test_short_cuts_fail_for_a_coupled_function(name: str, shape: tuple[int, ...]) -> None:
    report = verify_identities(function(name), normal(*shape))
    names = [identity.name for identity in report.identities]
    assert failing(report) == [name for name in MEASURED if name in names]
    assert report.verdict == "fail"
    assert report.exit_status == 1
    for identity in report.identities:
        if not identity.holds:
            assert identity.max_difference is not None
            assert identity.bound is not None
            assert identity.max_difference > 0.01 > 1e-9 > identity.bound


def test_how_far_off_is_what_plain_loops_give() -> None:
    x = normal(2, 3)
    report = verify_identities(function("cumsum"), x, seed=7)
    rng = np.random.default_rng([7, 1])
    dx = rng.standard_normal((2, 3)) * np.maximum(np.abs(x), 1)
    upstream = rng.standard_normal((2, 3))
    off = [[sum(dx[i, :j]) for j in range(3)] for i in range(2)]  # without the diagonal's dx_ij
    pulled = [[sum(upstream[i, j + 1 :]) for j in range(3)] for i in range(2)]
    found = {identity.name: identity.max_difference for identity in report.identities}
    for name in ("differential-hadamard", "differential-tensor", "differential-vec-column", "differential-vec-row"):
        assert found[name] == pytest.approx(np.max(np.abs(off)), rel=1e-9)
    assert found["gradient"] == pytest.approx(1, rel=1e-9)
    assert found["chain-rule"] == pytest.approx(np.max(np.abs(pulled)), rel=1e-9)


@pytest.mark.parametrize("relative", [-2.0, -1.0, 0.0005, -1e-8, 1.0])
@pytest.mark.parametrize("shape", [(2, 3), (4,)])
def test_a_wrong_derivative_is_caught(relative: float, shape: tuple[int, ...]) -> None:
    wrong = Function("f", "unknown", np.tanh, Slopes((lambda x: (1 + relative) * (1 - np.tanh(x) ** 2),)))
    names = failing(verify_identities(wrong, normal(*shape)))
    assert names == [name for name in MEASURED if len(shape) == 2 or "-vec-" not in name]


def test_one_wrong_entry_is_caught() -> None:
    def derivative(x: Array) -> Array:
        slopes = 1 - np.tanh(x) ** 2
        slopes.flat[-1] *= 1.001
        return slopes

    assert (
        failing(verify_identities(Function("f", "unknown", np.tanh, Slopes((derivative,))), normal(3, 4))) == MEASURED
    )


def test_a_weak_coupling_is_caught() -> None:
    f = coupled(lambda x: x + 1e-6 * x[:, ::-1], lambda x, dx: dx)
    assert failing(verify_identities(f, normal(2, 4))) == MEASURED


def test_a_rule_of_an_elementwise_function_gives_its_slopes() -> None:
    f = coupled(np.tanh, lambda x, dx: dx / np.cosh(x) ** 2)
    assert failing(verify_identities(f, normal(2, 3))) == []
    assert failing(verify_identities(f, normal(40, 30))) == []


@pytest.mark.parametrize(
    ("name", "shape", "output"), [("transpose", (2, 3), "3×2"), ("transpose", (1, 4), "4×1"), ("sum", (2, 3), "2")]
)
def test_where_shapes_differ_there_is_no_product(name: str, shape: tuple[int, int], output: str) -> None:
    f = coupled(lambda x: x.sum(axis=1), lambda x, dx: dx.sum(axis=1)) if name == "sum" else function(name)
    report = verify_identities(f, normal(*shape))
    assert sorted(failing(report)) == sorted(WITH_SLOPES)
    for identity in report.identities:
        if identity.name in WITH_SLOPES:
            assert (identity.right_shape, identity.max_difference, identity.bound) == (None, None, None)
            assert "A' does not exist" in identity.route.caveat
            assert output in identity.route.caveat


def test_where_the_output_is_one_number_it_is_called_a_scalar() -> None:
    report = verify_identities(function("sum"), normal(3))
    caveats = {identity.route.caveat for identity in report.identities if identity.right_shape is None}
    assert caveats == {"a' does not exist: a is scalar and x is a vector of 3"}


def test_a_square_transpose_fails_by_its_numbers() -> None:
    assert failing(verify_identities(function("transpose"), normal(3, 3))) == MEASURED


def test_what_is_not_finite_is_left_out_and_said() -> None:
    x = np.array([[1.0, np.nan], [np.inf, -2.0], [0.5, 800.0]])
    for name in ("exp", "relu", "sigmoid"):
        report = verify_identities(function(name), x)
        assert failing(report) == []
        along = next(i for i in report.identities if i.name == "differential-hadamard")
        assert f"{3 if name == 'exp' else 2} entries left out of 6" in along.route.caveat
    x[2, 1] = 0.8
    assert failing(verify_identities(function("softmax"), x)) == MEASURED


def test_where_nothing_is_finite_nothing_is_claimed() -> None:
    report = verify_identities(function("exp"), np.full((2, 2), 1e4))
    assert failing(report) == MEASURED
    assert "nothing is left to compare" in next(i for i in report.identities if not i.holds).route.caveat


def test_without_building_the_same_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = {
        name: verify_identities(function(name), normal(3, 4)) for name in ("sigmoid", "softmax", "cumsum", "transpose")
    }
    monkeypatch.setattr(tensors, "LARGEST_BUILT", 0)
    for name, report in whole.items():
        sampled = verify_identities(function(name), normal(3, 4))
        assert failing(sampled) == failing(report)
        for one, other in zip(report.identities, sampled.identities, strict=True):
            assert (one.statement, one.left_shape, one.right_shape) == (
                *(other.statement, other.left_shape, other.right_shape),
            )
            assert "not built" not in one.route.caveat
        unbuilt = {i.name for i in sampled.identities if "not built" in i.route.caveat}
        assert unbuilt >= {*OF_VECTORS, *OF_MATRICES, *ARRANGED}


def test_a_wrong_arrangement_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from jacinspect.identities import arrangements

    monkeypatch.setattr(arrangements, "commutation", lambda shape, built: tensors.commutation(shape[::-1], built=built))
    assert failing(verify_identities(function("softmax"), normal(2, 3))) == [*MEASURED, "commuted-jacobian"]


# --- Errors ----------------------------------------------------------------------------------------------------------


def test_more_or_fewer_axes_are_refused() -> None:
    for x in (normal(2, 3, 4), np.array(1.0)):
        with pytest.raises(InputError, match=f"vectors and matrices, and X has {x.ndim} axes"):
            verify_identities(function("sigmoid"), x)


def test_functions_that_cannot_be_verified() -> None:
    counter = iter(range(1000))

    def mutating(x: Array) -> Array:
        x += 1
        return x

    for f, error, text in (
        (Function("f", "unknown", np.tanh), InputError, "no analytic derivative"),
        (coupled(lambda x: x + next(counter), lambda x, dx: dx), FunctionFailedError, "different outputs"),
        (coupled(mutating, lambda x, dx: dx), FunctionFailedError, "changed the array"),
        (coupled(np.tanh, lambda x, dx: dx[0]), FunctionFailedError, "the derivative gives"),
        (coupled(np.tanh, lambda x, dx: dx @ dx), FunctionFailedError, "the derivative raised ValueError"),
        (Function("f", "unknown", np.tanh, Slopes((lambda x: x[0],))), FunctionFailedError, "derivative"),
    ):
        with pytest.raises(error, match=text):
            verify_identities(f, normal(2, 3))


# --- The program -----------------------------------------------------------------------------------------------------


def test_the_text_of_sigmoid() -> None:
    done = identities("--shape", "2x3")
    text = done.text
    assert (done.status, done.err) == (0, "")
    assert text.count("✓") == 21 + 2
    assert "✗" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert all(line == line.rstrip() for line in text.splitlines())
    lines = text.splitlines()
    assert lines[0] == "sigmoid  X 2×3 float64 → A 2×3   ✓ pass"
    assert "✓ A ⊙ B = A:𝕄:B                            0" in lines
    assert "  identity                                 difference ≤ bar" in lines
    assert any(re.fullmatch(r"✓ dA = A' ⊙ dX +\S+ ≤ \S+", line) for line in lines)
    assert "TensorDiag(A)_ijpq = A_ij δ_ip δ_jq" in text  # what the letters are
    assert lines[-1] == "verdict: ✓ pass, all 21 identities hold"
    assert identities("sigmoid", "--shape", "2x3").out == done.out


def test_the_text_of_softmax() -> None:
    done = identities("softmax", "--shape", "2x3")
    assert done.status == 1
    refused = [line[2:37].rstrip() for line in done.text.splitlines() if line.startswith("✗")]
    assert refused == [
        "dA = A' ⊙ dX",
        "dA = TensorDiag(A') : dX",
        "vec(dA) = Diag(vec A')·vec(dX)",
        "vec(dAᵀ) = Diag(vec A'ᵀ)·vec(dXᵀ)",
        "∂A/∂X = TensorDiag(A')",
        "∂L/∂X = A' ⊙ ∂L/∂A",
    ]
    assert "it is not diagonal, f is not" in done.text  # so that these cannot hold
    assert identities("softmax", "--shape", "2x3", "--exit-zero").status == 0


def test_shapes_are_told_where_the_sides_differ_in_them() -> None:
    text = rendered(verify_identities(function("sum"), normal(2, 2)))
    assert "[1]  scalar, none" in text
    assert "×2×2" not in text.split("\n", 1)[1]


def test_a_vector() -> None:
    done = identities("tanh", "-i", "-", stdin=b"1 2 -3\n")
    text = done.text
    assert done.status == 0
    assert "✓ da = a' ⊙ dx" in text
    assert "∂a_i/∂x_j = f'(x_i) δ_ij" in text
    assert "vec" not in text
    assert "𝕄" not in text
    assert "TensorDiag" not in text  # of matrices alone


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_it_fits_the_terminal(columns: int, of_many: IdentityReport) -> None:
    lines = identities("--shape", "2x3", COLUMNS=str(columns)).lines
    assert max(map(len, lines)) <= max(columns, 44)
    assert max(map(len, rendered(of_many, columns).splitlines())) <= max(columns, 44)


def test_colour_on_demand_only() -> None:
    assert b"\x1b[" not in identities("-s", "2").out
    assert b"\x1b[1;32m" in identities("-s", "2", FORCE_COLOR="1").out


@pytest.fixture(scope="module")
def of_many() -> IdentityReport:
    """The report of a hundred thousand numbers that are coupled, for which several tests wait together."""
    return verify_identities(function("softmax"), normal(250, 400))


def rendered(report: IdentityReport, columns: int = 80) -> str:
    console = Console(file=StringIO(), width=columns, highlight=False)
    console.print(view.render(report, console.width))
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_many_coupled_numbers_say_what_was_not_built(of_many: IdentityReport) -> None:
    assert failing(of_many) == MEASURED
    assert of_many.exit_status == 1
    text = rendered(of_many)
    assert "𝕄 not built, of its 1e+15 entries the 100000 that are 1 contracted" in text
    assert "∂A/∂X not built, 10 of its 100000 slices ∂A/∂X_pq compared" in text


@pytest.fixture(scope="module")
def of_a_million() -> tuple[Run, float]:
    """The program's run on a million numbers, with its peak memory in KiB on standard error; and its seconds."""
    measured = (  # by a process in between: the peak of a child begins with that of its parent, and tests grow large
        "import resource, subprocess, sys\n"
        "subprocess.run([sys.executable, '-m', 'jacinspect', 'identities', '-s', '1000x1000'], check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)"
    )
    start = time.monotonic()
    return execute([sys.executable, "-c", measured]), time.monotonic() - start


def test_a_million_numbers_take_seconds_and_say_what_was_not_built(of_a_million: tuple[Run, float]) -> None:
    done, seconds = of_a_million
    assert seconds < 60
    assert done.status == 0
    assert "𝕄 not built, of its 1e+18 entries the 1000000 that are 1 contracted" in done.text
    assert "∂A/∂X not built, 2 of its 1000000 slices ∂A/∂X_pq compared" in done.text
    assert max(map(len, done.lines)) <= 80


def test_a_million_numbers_take_a_small_multiple_of_their_memory(of_a_million: tuple[Run, float]) -> None:
    assert int(of_a_million[0].err) < 800 * 1024  # KiB; the operand takes 8 MiB, its (mn)² 8 TiB


def test_json() -> None:
    done = identities("softmax", "-s", "2x3", "--json")
    assert done.status == 1
    assert done.out.count(b"\n") == 1
    report = done.report
    assert list(report) == ["schema_version", "version", "function", "operand", "identities", "verdict"]
    assert list(report["function"])[:6] == ["name", "kind", "parameters", "source", "formula", "derivative"]
    assert report["function"]["parameters"] == {"axis": -1}
    assert report["operand"] == {"shape": [2, 3], "dtype": "float64", "source": "random", "seed": 0}
    assert report["verdict"] == "fail"
    keys = ["name", "statement", "left_shape", "right_shape", "max_difference", "bound", "holds", "note"]
    for identity in report["identities"]:
        assert list(identity) == keys
        assert identity["holds"] is (identity["max_difference"] <= identity["bound"])
        assert identity["left_shape"] == identity["right_shape"]
        assert identity["note"]
    assert len({identity["name"] for identity in report["identities"]}) == 21


def test_json_is_the_same_every_time_and_differs_by_seed() -> None:
    first, again, other = (identities("--json", "-s", "3x2", "--seed", seed).out for seed in ("1", "1", "2"))
    assert first == again
    assert first != other


def test_json_of_what_does_not_exist() -> None:
    report = identities("transpose", "-s", "2x3", "--json").report
    identity = next(i for i in report["identities"] if i["name"] == "differential-hadamard")
    assert (identity["left_shape"], identity["right_shape"], identity["holds"]) == ([3, 2], None, False)
    assert (identity["max_difference"], identity["bound"]) == (None, None)


def test_output_parameters_and_dtype(tmp_path: Path) -> None:
    path = tmp_path / "found.json"
    done = identities(
        *("leaky_relu", "-p", "negative_slope=0.2", "-s", "2x2", "--dtype", "float32", "--format", "json"),
        *("-o", str(path)),
    )
    assert (done.status, done.out, done.err) == (0, b"", "")
    report = strict_json(path.read_bytes())
    assert report["function"]["parameters"] == {"negative_slope": 0.2}
    assert report["operand"]["dtype"] == "float32"


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ((), "give the operand's shape"),
        (("-s", "2x3", "-i", "x.csv"), "not both"),
        (("-s", "2x3x4"), "vectors and matrices, and X has 3 axes; give it one or two, such as --shape 4"),
        (("-s", "2by3"), "is not a shape"),
        (("sigmoit", "-s", "2"), "did you mean sigmoid"),
        (("-s", "2", "-p", "beta=1"), "sigmoid has no parameters"),
        (("softmax", "-s", "4", "-p", "axis=1"), "axis 1 is out of range"),
        (("-s", "2", "--seed", "-1"), "seed"),
        (("-i", "nowhere.csv"), "there is no such file"),
        (("-s", "2", "-o", "/nowhere/x"), "there is no folder"),
    ],
)
def test_errors(run_here: RunHere, args: tuple[str, ...], text: str) -> None:
    done = run_here("identities", *args)
    message = done.err
    assert (done.status, done.out) == (2, b"")
    assert text in message
    assert message.startswith("jacinspect: ")
    assert len(message.splitlines()) <= 2
