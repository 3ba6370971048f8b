"""--with and --wrt, by running the program."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import RunHere, Validate
from tests.program import run


def report(*arguments: str, **how: Any) -> dict[str, Any]:
    done = run(*arguments, "--json", **how)
    assert (done.status, done.err) == (0, "")
    return done.report


def words(text: str) -> str:
    return " ".join(text.split())


def test_broadcasting_is_explained() -> None:
    done = run("multiply", "--shape", "2x3", "--with", "2x1", "--wrt", "2", "--details", COLUMNS="100")
    assert (done.status, done.err) == (0, "")
    text = words(done.text)
    for said in (
        "mul y 2×1 → A 2×3 ✓ the derivative is right: 6 of 6 entries agree",
        "f(x, y) = x * y ∂f/∂y = x y is operand 2 of 2; x 2×3 fixed",
        "6×2, not square",
        "broadcast: 6 of 12 entries; each input is read by 3 outputs",
        "∂A_ij/∂y_pq = A'_ij δ_ip",
        "A' ⊙ (dy 1ᵀ) = J·vec(dy), largest difference 0; dy, 2×1, is broadcast to A's 2×3 by products with vectors",
        "vec(A' ⊙ ∂L/∂A), summed over the repeats, = Jᵀ·vec(∂L/∂A), largest difference",
        "y x, fixed",
        "A' ⊙ G, summed",
    ):
        assert said in text
    drawn = report("multiply", "--shape", "2x3", "--with", "2x1", "--wrt", "1")["operand"]["values"]
    for number in np.ravel(drawn):
        assert f"{number:.5g}" in text


@pytest.mark.parametrize("wrt", ["1", "2", "x", "y"])
def test_the_json_says_which_operand(wrt: str, validated: Validate) -> None:
    done = run("multiply", "-s", "2x3", "--with", "2x3", "--wrt", wrt, "--json")
    operand = (found := validated(done.text))["operand"]
    name = wrt if wrt in "xy" else "xy"[int(wrt) - 1]
    assert (operand["name"], operand["position"]) == (name, "xy".index(name) + 1)
    assert (operand["source"], operand["seed"]) == ("random", 0)
    assert found["function"]["derivative"] == {"x": "y", "y": "x"}[name]
    assert found["jacobian"]["structure"] == "diagonal"


def test_random_operands_differ_by_position_and_seed_and_not_by_wrt() -> None:
    def operand(wrt: str, seed: str) -> Any:
        return report("add", "-s", "5", "--with", "5", "--wrt", wrt, "--seed", seed)["operand"]["values"]

    draws = [tuple(operand(wrt, seed)) for wrt in "12" for seed in "01"]
    assert len(set(draws)) == 4
    assert draws[0] == tuple(report("tanh", "-s", "5")["operand"]["values"])
    output = report("add", "-s", "5", "--with", "5")["output"]["values"]
    np.testing.assert_array_equal(output, np.add(draws[0], draws[2]))


def test_an_expression_is_inspected_where_it_is_defined() -> None:
    found = report("log(x) * sqrt(1 - y)", "-s", "4", "--with", "4", "--wrt", "all")
    values = found["operand"]["values"]
    assert (found["verdict"], min(values[:4]) > 0, max(values[4:]) < 1) == ("pass", True, True)
    assert report("exp(x)", "-s", "4")["operand"]["values"] == report("tanh", "-s", "4")["operand"]["values"]


def test_a_domain_is_suggested_where_a_function_raises_at_random_numbers(run_here: RunHere, tmp_path: Path) -> None:
    file = tmp_path / "code.py"
    file.write_text("import math\ndef f(x): return math.sqrt(x) * math.acos(x)\ndef g(x): raise ValueError('no')\n")
    done = run_here(f"{file}:f", "-s", "4")
    what, *_, advice = done.err.splitlines()
    assert (done.status, what[:39]) == (2, "jacinspect: the function raised ValueEr")
    assert advice == "X was drawn at random; inside of an interval it works: --domain 0:"
    assert run_here(f"{file}:f", "-s", "4", *advice.split()[-2:]).status == 0
    assert "--domain" not in run_here(f"{file}:g", "-s", "4").err


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_domain_is_suggested_where_the_derivative_raises_if_it_works_there(
    dtype: str, run_here: RunHere, tmp_path: Path
) -> None:
    file = tmp_path / "code.py"
    file.write_text(
        "import math\ndef f(x): return x**3\ndef odd(x, y, z): return 3 * x**2\n"
        "def wide(x): return 3 * x**2\ndef positive(x): return 3 * math.exp(2 * math.log(x))\n"
        "def pull(x, d): return d * positive(x)\ndef lost(x, d): return d * nothing\n"
    )
    typed = (f"{file}:f", "-s", "4", "--dtype", dtype)
    for named in (("odd",), ("lost", "--derivative-kind", "vjp"), ("wide", "--hessian", f"{file}:odd")):
        done = run_here(*typed, "-d", f"{file}:{named[0]}", *named[1:])
        assert (done.status, "raised" in done.err, "--domain" in done.err) == (2, True, False)
    for vjp in ((), ("--derivative-kind", "vjp")):
        claim = ("-d", f"{file}:{'pull' if vjp else 'positive'}", *vjp)
        (advice,) = (line for line in run_here(*typed, *claim).err.splitlines() if "--domain" in line)
        assert run_here(*typed, *claim, *advice.split()[-2:]).status == 0


def test_a_number_that_was_taken_for_a_size_is_explained(run_here: RunHere, tmp_path: Path) -> None:
    file = tmp_path / "code.py"
    file.write_text("def f(x, a, b): return a + b * x\n")
    done = run_here(f"{file}:f", "-s", "3", "--with", "a=0.5", "--with", "b=2")
    advice = done.err.splitlines()[-1]
    said = "--with b=2 gives so many random numbers; the number itself is -p b=2, without --with"
    assert (done.status, advice) == (2, said)
    assert run_here(f"{file}:f", "-s", "3", "--with", "a=0.5", "-p", "b=2").status == 0
    file = tmp_path / "labels.py"
    file.write_text("def f(x, label): return x[label] ** 2\n")  # which no number with a point can be
    assert "the number itself is -p label=1, " in run_here(f"{file}:f", "-s", "3", "--with", "label=1").err
    assert run_here(f"{file}:f", "-s", "3", "-p", "label=1").status == 0


WEIGHTS = """import numpy as np
def f(p, x): return np.tanh(p["W"].T @ x + p["b"]).sum()
def grad(p, x):
    d = 1 - np.tanh(p["W"].T @ x + p["b"]) ** 2
    return {"b": d, "W": np.outer(x, d)}
def wrong(p, x): return {**grad(p, x), "b": 1.01 * grad(p, x)["b"]}
def of_batch(p, batch): return p["W"].T[batch["labels"]] @ batch["x"]
def layers(p): return sum((layer["W"] ** 2).sum() * layer["k"] for layer in p["layers"])
"""
OBJECT = '{"W": [[1, 2, 0], [0.5, -1, 3]], "b": [0, 1, 2]}'


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("given", ["object", "file.json", "file.npz"])
def test_a_dict_of_arrays_is_typed_or_read(given: str, dtype: str, run_here: RunHere, tmp_path: Path) -> None:
    code, file = tmp_path / "code.py", tmp_path / given
    code.write_text(WEIGHTS)
    if given.endswith("json"):
        file.write_text(OBJECT)
    else:
        arrays = json.loads(OBJECT)
        np.savez(file, W=np.array(arrays["W"]), b=np.array(arrays["b"]))
    for wrt, size in (("p.*", 9), ("p.W", 6), ("p.b", 3), (None, 9)):
        if given == "object":
            typed = ["-p", f"p={OBJECT}", "-i", "[0.3,-0.2]", "--wrt", wrt or "p.*"]
        else:
            typed = ["-i", str(file), "--with", "x=2", *(["--wrt", wrt] if wrt else [])]
        for derivative, status in (("grad", 0), ("wrong", int(wrt != "p.W"))):
            done = run_here(f"{code}:f", *typed, "-d", f"{code}:{derivative}", "--dtype", dtype, "-f", "json")
            assert (done.status, done.err) == (status, "")
            found = json.loads(done.out)
            assert found["jacobian"]["shape"] == [1, size]


def test_other_arguments_are_such_files_as_well(run_here: RunHere, tmp_path: Path) -> None:
    """Whole numbers in them stay integers, as labels are."""
    code, weights, batch = tmp_path / "code.py", tmp_path / "weights.json", tmp_path / "batch.json"
    code.write_text(WEIGHTS)
    weights.write_text(OBJECT)
    batch.write_text('{"labels": [2, 0, 2, 1], "x": [0.5, -1.5]}')
    for typed in (["-i", str(weights), "--with", f"batch={batch}"], ["-i", str(weights), "--with", str(batch)],
                  ["--with", f"batch={batch}", "--with", f"p={weights}", "--wrt", "p.*"]):  # fmt: skip
        done = run_here(f"{code}:of_batch", *typed, "-f", "json")
        assert (done.status, done.err, json.loads(done.out)["jacobian"]["shape"]) == (0, "", [4, 9])
    weights.write_text('{"layers": [{"W": [[1, 2, 0], [0.5, -1, 3]], "k": 2}, {"W": [[1, 2]], "k": 0.5}]}')
    done = run_here(f"{code}:layers", "-i", str(weights), "-f", "json")
    assert (done.status, json.loads(done.out)["jacobian"]["shape"]) == (0, [1, 10])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("suffix", ["json", "npz"])
def test_whole_numbers_stay_so_where_others_in_the_file_are_opened(
    suffix: str, dtype: str, run_here: RunHere, tmp_path: Path
) -> None:
    code, file = tmp_path / "code.py", tmp_path / f"d.{suffix}"
    code.write_text(
        "import numpy as np\ndef f(d): return d['x'][d['places']] ** 2 * d['k']\n"
        "def J(d): return d['k'] * 2 * d['x'][d['places'], None] * (d['places'][:, None] == np.arange(3))\n"
        "def wrong(d): return 1.01 * J(d)\n"
    )
    for x in ([0.5, 1.5, 2.5], [1, 2, 3]):
        if suffix == "json":
            file.write_text(json.dumps({"x": x, "places": [0, 2], "k": 2}))
        else:
            np.savez(file, x=np.array(x), places=np.array([0, 2]), k=np.array(2))
        for derivative, status in (("J", 0), ("wrong", 1)):
            given = ["-i", str(file), "--wrt", "d.x", "-d", f"{code}:{derivative}", "--dtype", dtype, "-f", "json"]
            done = run_here(f"{code}:f", *given)
            assert (done.status, done.err, json.loads(done.out)["jacobian"]["shape"]) == (status, "", [2, 3])


def test_where_one_array_was_meant_its_key_is_asked_for(run_here: RunHere, tmp_path: Path) -> None:
    code, file = tmp_path / "code.py", tmp_path / "w.json"
    code.write_text("import numpy as np\ndef f(x): return np.tanh(x)\n")
    file.write_text(OBJECT)
    done = run_here(f"{code}:f", "-i", str(file))
    assert (done.status, done.err.splitlines()[-1]) == (
        2,
        f"x is a dict of all arrays in {file}; one of them is {file}:KEY",
    )
    assert run_here(f"{code}:f", "-i", f"{file}:W").status == 0
    assert "write" in run_here("tanh", "-i", str(file)).err


def test_operands_from_files_and_standard_input(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,2,3\n4,5,6\n")
    np.save(tmp_path / "y.npy", [[10.0], [20.0]])
    arguments = ["div", "--input", "x.csv", "--with", "y=y.npy", "--wrt", "y"]
    found = report(*arguments, cwd=tmp_path)
    assert found["operand"]["source"] == "y.npy"
    assert found["output"]["values"] == [[0.1, 0.2, 0.3], [0.2, 0.25, 0.3]]
    assert report(*arguments, "--layout", "denominator", cwd=tmp_path)["jacobian"]["shape"] == [2, 6]
    found = report("sub", "--input", "x.csv", "--with", "-", "--wrt", "2", cwd=tmp_path, stdin=b"1 1 2\n")
    assert found["operand"]["source"] == "standard input"
    assert found["output"]["values"] == [[0, 1, 1], [3, 4, 4]]
    (tmp_path / "y=1.csv").write_text("1,2,3\n")
    assert report("add", "-s", "3", "--with", "./y=1.csv", "--wrt", "2", cwd=tmp_path)["operand"]["values"] == [
        1,
        2,
        3,
    ]


def test_a_header_is_told_on_standard_error(run_here: RunHere, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(",a,b\n0,1,2\n1,3,4\n")
    done = run_here("tanh", "-i", "x.csv", "--json", cwd=tmp_path)
    assert done.status == 0
    assert done.err == (
        "jacinspect: x.csv, line 1: ',a,b' is skipped as a header, and so is the first column, which has no name and "
        "counts the rows\n"
    )
    assert json.loads(done.out)["operand"]["values"] == [[1, 2], [3, 4]]


def test_what_is_saved_is_an_operand_and_a_derivative_too(run_here: RunHere, tmp_path: Path) -> None:
    assert (
        run_here(
            "softmax", "-s", "2x3", "--save", "J.mtx", "--vec", "row", "--layout", "denominator", cwd=tmp_path
        ).status
        == 0
    )
    done = run_here("softmax", "-s", "2x3", "-d", "J.mtx", cwd=tmp_path)
    assert "the derivative is right: 18 of 18 entries agree" in done.out.decode()
    done = run_here("softmax", "-s", "2x3", "--seed", "1", "-d", "J.mtx", cwd=tmp_path)
    assert (done.status, "the derivative is wrong" in done.out.decode()) == (1, True)
    assert run_here("tanh", "-i", "J.mtx", "-q", cwd=tmp_path).out.decode().startswith("tanh  X 6×6 → A 6×6")
    assert run_here("tanh", "-s", "2", "--with", "[1 2; 3 4]", cwd=tmp_path).status == 2
    assert run_here("x @ y", "-s", "2", "--with", "[1 2; 3 4]", cwd=tmp_path).status == 0


def test_a_derivative_from_a_file_that_does_not_fit(run_here: RunHere, tmp_path: Path) -> None:
    np.save(tmp_path / "J.npy", np.ones((2, 3)))
    done = run_here("tanh", "-s", "4", "-d", "J.npy", cwd=tmp_path)
    assert done.status == 2
    assert done.err.startswith("jacinspect: derivative J.npy: is float64 of shape 2×3; an element-wise one has")
    done = run_here("tanh", "-s", "4", "-d", "J.npy", "--points", "3", cwd=tmp_path)
    assert "is numbers, which hold at X alone, and --points 3 needs others" in done.err


def test_a_kink_at_a_tie(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,2,3\n")
    (tmp_path / "y.csv").write_text("1,5,0\n")
    found = report("maximum", "-i", "x.csv", "--with", "y.csv", cwd=tmp_path)
    assert np.diag(found["jacobian"]["analytic"]).tolist() == [0.5, 0, 1]
    assert [finding["code"] for finding in found["findings"]] == ["J003"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("sigmoid -s 2 --with 3", "sigmoid takes one operand: leave out --with 3"),
        ("sigmoid -s 2 --wrt 2", "sigmoid has no operand 2 to differentiate by; it has x (1)"),
        (
            "multiply -s 2x3",
            "mul takes x and y: y is missing; add --with y=2x3 (a shape, file or JSON)",
        ),
        ("multiply -s 2 --with 2 --with 5", "--with 5 is one operand too many: mul takes x and y"),
        ("multiply -s 2 --with 2 --wrt z", "mul has no operand 'z' to differentiate by; it has x (1) and y (2)"),
        ("multiply -s 2 --with 2 --wrt 3", "mul has no operand 3 to differentiate by; it has x (1) and y (2)"),
        ("multiply --with x=2", "give the shape of y (--shape 2x2) or a file with it (--input x.csv)"),
        (
            "multiply -s 2 --with x=2 --with y=2",
            "mul takes x and y, and --with gives all of them: leave out --shape or --input",
        ),
        ("multiply -s 2 --with y=2 --with y=3", "--with y=3: y is given twice"),
        ("multiply -s 2 --with z=2", "--with z=2: mul takes x and y; write ./z=… for a file of that name"),
        (
            "multiply -s 2 --with 2xx",
            "shape '2xx' is not a shape: write sizes separated by x, such as 4, 2x3 or 2x3x4, or scalar",
        ),
        ("multiply -s 2 --with no.csv", "no.csv: there is no such file"),
        ("multiply -i - --with -", "standard input (-) can be read only once; name a file for the others"),
        (
            "multiply -s 2x3 --with 2",
            "mul: x of shape 2x3 and y of shape 2 are incompatible: their last axes have sizes 3 and 2, and neither is "
            "1;\ngive y as 2x1 for one value per row, as 3 or 1x3 for one per column",
        ),
        (
            "multiply -s 2x3 --with 2x1 --wrt 2 --direction samples/hidden.npy",
            "direction: shape 4×3 does not fit the operand's shape 2×1",
        ),
    ],
)
def test_what_cannot_be_used_is_said_in_a_line_or_two(run_here: RunHere, command: str, message: str) -> None:
    done = run_here(*command.split())
    assert (done.status, done.out) == (2, b"")
    assert done.err == f"jacinspect: {message}\n"


def test_help_names_both_options() -> None:
    text = run("inspect", "--help").text
    assert "--with" in text
    assert "--wrt" in text
