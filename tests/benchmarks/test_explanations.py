"""Is a planted mistake explained rightly, and never wrongly? pytest FILE --benchmark-only -s.

Each kind of mistake is planted at twenty points of three shapes. A claim is right when the words that J001 (or J006, of
a straight-through rule) is "consistent with" are those of its kind, wrong when they are others; where there are none,
neither.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import jacinspect
from tests.oracles import Array, Shape

SEEDS = 20
F = Callable[[Array], Array]


@dataclass(frozen=True)
class Mistake:
    """A function at a point, its claimed derivative, and how the right explanation of it begins."""

    f: Any
    x: Array
    claim: Any
    words: str
    options: dict[str, Any]


def mistake(f: Any, x: Array, claim: Array | Callable[..., Array], words: str, **options: Any) -> Mistake:
    """Plant a mistake; a claim that is an array is the whole derivative, in any form that the shape tells."""
    return Mistake(f, x, (lambda x: claim) if isinstance(claim, np.ndarray) else claim, words, options)


Plant = Callable[[np.random.Generator, Shape], Mistake]


# --- Functions, with their Jacobians as tensors -----------------------------------------------------------------------


def wave(x: Array) -> Array:
    return np.asarray(np.sin(x) * np.exp(x / 3))


def wave_slope(x: Array) -> Array:
    return np.asarray(np.cos(x) * np.exp(x / 3) + np.sin(x) * np.exp(x / 3) / 3)


def drawn(rng: np.random.Generator, shape: Shape) -> Array:
    """A point with numbers of both signs, none too near to 0."""
    x = rng.standard_normal(shape)
    x = x + 0.1 * np.sign(x)
    x.flat[0], x.flat[-1] = -abs(x.flat[0]), abs(x.flat[-1])
    return np.asarray(x)


def layer(rng: np.random.Generator, shape: Shape, output: Shape) -> tuple[F, F]:
    """Draw a dense layer tanh(W·vec X) of an output's shape, and its Jacobian as a function of X: M×N, row-major."""
    size = int(np.prod(shape))
    weight = rng.standard_normal((int(np.prod(output)), size)) / np.sqrt(size)

    def value(x: Array) -> Array:
        return np.asarray(np.tanh(weight @ x.ravel()).reshape(output))

    return value, lambda x: (1 - value(x).reshape(-1, 1) ** 2) * weight


def tensor(matrix: Array, output: Shape, shape: Shape) -> Array:
    return matrix.reshape(output + shape)


def differenced(f: F, x: Array) -> Array:
    """The Jacobian of a smooth function by complex steps: M×N, to the last digits."""
    columns = []
    for k in range(x.size):
        moved = x.astype(complex)
        moved.flat[k] += 1e-30j
        columns.append(np.ravel(f(moved)).imag / 1e-30)
    return np.stack(columns, axis=1)


# --- Element-wise functions -------------------------------------------------------------------------------------------


def elementwise(wrong: Callable[..., Array], words: str, f: Any = wave, **options: Any) -> Plant:
    return lambda rng, shape: mistake(f, drawn(rng, shape), wrong, words, **options)


def stretched(x: Array, k: float = 1.7) -> Array:
    return wave(k * x)


def swish(x: Array, beta: float = 1.5) -> Array:
    return np.asarray(x / (1 + np.exp(-beta * x)))


def silu_slope(x: Array) -> Array:
    s = 1 / (1 + np.exp(-x))
    return np.asarray(s * (1 + x * (1 - s)))


def quantised(rng: np.random.Generator, shape: Shape) -> Mistake:
    """A straight-through rule of a quantiser, of any step width; its slope may be clipped."""
    width = float(rng.choice([0.4, 0.5, 0.75, 1.5, 2.0]))
    f = lambda x: np.round(x / width) * width  # noqa: E731
    x = (np.round(drawn(rng, shape) / width) + rng.uniform(-0.4, 0.4, shape)) * width
    return mistake(f, np.asarray(x), np.ones_like, "a straight-through rule")


def solver(rng: np.random.Generator, shape: Shape) -> Mistake:
    """A derivative of what is iterated, by an iteration that stops at a tolerance."""
    noise = 1 + 1.8e-9 * rng.uniform(0.6, 1, shape) * rng.choice([-1, 1], shape)  # less may be an approximation
    x = drawn(rng, shape)
    return mistake(wave, x, wave_slope(x) * noise, "a function that stops at a tolerance")


ELEMENTWISE: dict[str, Plant] = {
    "the opposite sign": elementwise(lambda x: -wave_slope(x), "the opposite sign"),
    "a factor with a name": elementwise(lambda x: wave_slope(x) * np.pi, "a constant factor of π"),
    "a factor without a name": elementwise(lambda x: wave_slope(x) * 1.37, "a constant factor of 1.37"),
    "a chain factor": elementwise(
        lambda x: wave_slope(1.7 * x), "a missing chain factor: it is right times k=1.7", stretched
    ),
    "zero": elementwise(lambda x: 0 * x, "a derivative cut off from X"),
    "f itself": elementwise(wave, "f itself in place of its derivative"),
    "another function's": elementwise(silu_slope, "the derivative of silu", swish),
    "in terms of f(x)": elementwise(lambda x: 1 - x**2, "a derivative in terms of f(x)", np.tanh),
    "in float32": elementwise(lambda x: wave_slope(x).astype(np.float32), "a derivative computed in float32"),
    "below 0": elementwise(
        lambda x: np.where(x < 0, 0.3 + x, wave_slope(x)), "a derivative that is right except where x < 0"
    ),
    "a straight-through rule": quantised,
    "a tolerance": solver,
    "not linear": elementwise(
        lambda x, v: wave_slope(x) + 0 * v,
        "a rule that is not linear in the tangent",
        derivative_kind="jvp",
    ),
}


# --- Coupled ones: factors, transposes, orders ------------------------------------------------------------------------


def coupled(change: Callable[[Array], Array], words: str, output: Callable[[Shape], Shape], **options: Any) -> Plant:
    """Change the M×N matrix of a dense layer, whose rows and columns are row-major."""

    def plant(rng: np.random.Generator, shape: Shape) -> Mistake:
        f, jacobian = layer(rng, shape, output(shape))
        x = drawn(rng, shape)
        return mistake(f, x, tensor(change(jacobian(x)), output(shape), shape), words, **options)

    return plant


def same(shape: Shape) -> Shape:
    return shape


def flat(shape: Shape) -> Shape:
    return (int(np.prod(shape)),)


def other_order(rng: np.random.Generator, shape: Shape) -> Mistake:
    """A row-major matrix that is read as a column-major one, or the other way."""
    f, jacobian = layer(rng, shape, shape)
    x = drawn(rng, shape)
    vec, other = ("column", "row") if rng.integers(2) else ("row", "column")
    place = np.arange(x.size).reshape(shape).ravel(order="F")
    matrix = jacobian(x) if other == "row" else jacobian(x)[np.ix_(place, place)]
    return mistake(f, x, matrix, f"the Jacobian in {other}-major vec", vec=vec, derivative_kind="jacobian")


def other_layout(rng: np.random.Generator, shape: Shape) -> Mistake:
    """The column-major matrix in denominator layout, of A = X's shape turned."""
    f, jacobian = layer(rng, shape, shape[::-1])
    x = drawn(rng, shape)
    rows, columns = (np.arange(x.size).reshape(each).ravel(order="F") for each in (shape[::-1], shape))
    matrix = jacobian(x)[np.ix_(rows, columns)].T
    return mistake(f, x, matrix, "the transpose of the Jacobian", vec="column", derivative_kind="jacobian")


def gradient(claim: Callable[[Array, Array], Array], words: str, on: Callable[[Array], Array] = np.asarray) -> Plant:
    """Change the gradient of a scalar function at a point on a constraint; `claim` takes it and X."""

    def plant(rng: np.random.Generator, shape: Shape) -> Mistake:
        weight, x = rng.standard_normal(shape), on(drawn(rng, shape))
        slope = weight * np.cos(weight * x) + 2 * x * (x**2).sum()
        f = lambda x: np.sin(weight * x).sum() + (x**2).sum() ** 2 / 2  # noqa: E731
        return mistake(f, x, claim(slope, x), words, derivative_kind="gradient")

    return plant


COUPLED: dict[str, Plant] = {
    "the opposite sign, coupled": coupled(lambda j: -j, "the opposite sign", same),
    "a factor, coupled": coupled(lambda j: j * 2 / 3, "a constant factor of 2/3", same),
    "transposed": coupled(lambda j: j.T, "the transpose of the Jacobian", same),
    "transposed, of another shape": coupled(lambda j: j.T, "the transpose of the Jacobian", flat),
    "in the other layout": other_layout,
    "in the other order of vec": other_order,
    "the diagonal alone": coupled(lambda j: np.diag(np.diag(j)), "an element-wise derivative", same),
}


# --- Places -----------------------------------------------------------------------------------------------------------


def placed(where: Callable[[Array, Array, int], Array], name: str, output: Callable[[Shape], Shape] = flat) -> Plant:
    """Multiply the entries of a dense layer's Jacobian in a place; `where` takes their rows, columns and a number."""

    def plant(rng: np.random.Generator, shape: Shape) -> Mistake:
        f, jacobian = layer(rng, shape, output(shape))
        x = drawn(rng, shape)
        matrix = jacobian(x)
        number = int(rng.integers(1, x.size))
        inside = where(np.arange(x.size)[:, None], np.arange(x.size), number)
        factor, called = ((1.7, "1.7"), (1 / 1.7, "1/1.7"), (-1.0, "−1"), (0.5, "1/2"))[rng.integers(4)]
        words = f"a derivative that is right except in {name.format(number)}, times {called}"
        return mistake(f, x, tensor(np.where(inside, factor * matrix, matrix), output(shape), shape), words)

    return plant


def blocks(rng: np.random.Generator, shape: Shape) -> Mistake:
    """Multiply one block of a row-wise softmax."""
    x = drawn(rng, shape)
    p = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
    row = int(rng.integers(shape[0]))
    scale = np.where(np.arange(shape[0]) == row, 1.7, 1.0)[:, None]
    rule = lambda x, v: scale * p * (v - (p * v).sum(axis=-1, keepdims=True))  # noqa: E731
    words = f"a derivative that is right except in the block ∂A[{row},:]/∂X[{row},:], times 1.7"
    return mistake("softmax", x, rule, words, derivative_kind="jvp")


VECTOR_PLACES: dict[str, Plant] = {
    "a column": placed(lambda o, i, k: i == k, "column X[{}]"),
    "a row": placed(lambda o, i, k: o == k, "row A[{}]"),
    "the diagonal": placed(lambda o, i, k: o == i, "the diagonal"),
    "a sub-diagonal": placed(lambda o, i, k: o == i + 1, "the first sub-diagonal"),
    "a super-diagonal": placed(lambda o, i, k: i == o + 1, "the first super-diagonal"),
    "a triangle": placed(lambda o, i, k: o < i, "the upper triangle, above the diagonal"),
    "all off the diagonal": placed(lambda o, i, k: o != i, "all entries off the diagonal"),
}


# --- Right along some directions alone --------------------------------------------------------------------------------


def statistics(f: F, kept: Callable[[Array, Array], Array], words: str) -> Plant:
    """Claim the derivative of `kept`, which takes X and the point at which statistics of X are held constant."""

    def plant(rng: np.random.Generator, shape: Shape) -> Mistake:
        x = drawn(rng, shape)
        claim = differenced(lambda moved: kept(moved, x), x)
        return mistake(f, x, tensor(claim, shape, shape), words)

    return plant


def mean(x: Array) -> Array:
    return np.asarray(x.mean(axis=-1, keepdims=True))


def variance(x: Array) -> Array:
    return mean((x - mean(x)) ** 2)


def rms(x: Array) -> Array:
    return np.asarray(np.sqrt(mean(x**2)))


def softmax(x: Array) -> Array:
    return np.asarray(np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True))


def layer_norm(x: Array) -> Array:
    return np.asarray((x - mean(x)) / np.sqrt(variance(x) + 1e-5))


CONSTANTS: dict[str, Plant] = {
    "a mean as a constant": statistics(
        lambda x: x**2 * mean(x),
        lambda x, at: x**2 * mean(at),
        "a derivative that takes the mean of",
    ),
    "a variance as a constant": statistics(
        layer_norm,
        lambda x, at: (x - mean(x)) / np.sqrt(variance(at) + 1e-5),
        "a derivative that takes the variance of",
    ),
    "mean and variance as constants": statistics(
        layer_norm,
        lambda x, at: (x - mean(at)) / np.sqrt(variance(at) + 1e-5),
        "a derivative that takes the mean and the variance of",
    ),
    "a root mean square as a constant": statistics(
        lambda x: x / rms(x),
        lambda x, at: x / rms(at),
        "a derivative that takes the root mean square (or norm) of",
    ),
    "a sum of exponentials as a constant": statistics(
        softmax,
        lambda x, at: np.exp(x) / np.exp(at).sum(axis=-1, keepdims=True),
        "a derivative that takes the sum of the exponentials of",
    ),
}


def on_sphere(x: Array) -> Array:
    return np.asarray(x / np.sqrt((x**2).sum()))


def symmetric(claim: Callable[[Array], Array], words: str, reads_triangle: bool = False) -> Plant:
    """Change the M×N Jacobian of a function of all entries of a symmetric X, or of those of one triangle of it."""

    def plant(rng: np.random.Generator, shape: Shape) -> Mistake:
        right, left = rng.standard_normal((2, *shape))
        x = drawn(rng, shape)
        x = np.asarray(x + x.T)

        def f(x: Array) -> Array:
            if reads_triangle:
                x = np.tril(x) + np.tril(x, -1).T
            return np.asarray(np.sin(x) @ right + x @ left @ x)

        return mistake(f, x, tensor(claim(differenced(f, x)), shape, shape), words)

    return plant


def symmetrised(matrix: Array) -> Array:
    """By X_pq and X_qp together, half of each."""
    side = int(np.sqrt(matrix.shape[1]))
    swapped = matrix.reshape(-1, side, side).swapaxes(1, 2).reshape(matrix.shape)
    return np.asarray((matrix + swapped) / 2)


def by_free_entries(matrix: Array) -> Array:
    side = int(np.sqrt(matrix.shape[1]))
    return np.asarray(symmetrised(matrix) * (2 - np.eye(side).ravel()))


def axes_swapped(matrix: Array) -> Array:
    """The tensor ∂A_ij/∂X_pq in the place of ∂A_iq/∂X_pj."""
    side = int(np.sqrt(matrix.shape[1]))
    return np.asarray(matrix.reshape([side] * 4).transpose(0, 3, 2, 1).reshape(matrix.shape))


TANGENT: dict[str, Plant] = {
    "a gradient along a sphere": gradient(
        lambda slope, x: slope - (slope * x).sum() * x, "a derivative along the unit sphere that X lies on", on_sphere
    ),
    "a gradient along a simplex": gradient(
        lambda slope, x: slope - slope.mean(),
        "a derivative along the simplex that X lies on",
        lambda x: np.asarray(np.exp(x) / np.exp(x).sum()),
    ),
}
SYMMETRIC: dict[str, Plant] = {
    "by a symmetric X": symmetric(symmetrised, "a derivative by a symmetric X: it is right along every symmetric dX"),
    "of a triangle": symmetric(
        symmetrised,
        "a derivative by a symmetric X: it is right along every symmetric dX, and f reads one triangle of X alone",
        reads_triangle=True,
    ),
    "by the free entries": symmetric(by_free_entries, "a derivative by the free entries of a symmetric X"),
    "a gradient transposed": gradient(lambda slope, x: slope.T, "the derivative by X transposed"),
    "axes in another order": symmetric(axes_swapped, "the Jacobian with its axes in another order"),
}

FAMILIES: tuple[tuple[dict[str, Plant], tuple[Shape, ...]], ...] = (
    (ELEMENTWISE, ((5,), (3, 5), (4, 4))),
    (COUPLED, ((2, 3), (3, 2), (3, 4))),
    (VECTOR_PLACES, ((4,), (5,), (7,))),
    ({"a block": blocks}, ((2, 3), (3, 4), (4, 3))),
    (CONSTANTS, ((5,), (2, 4), (3, 5))),
    (TANGENT, ((4,), (7,), (2, 3))),
    (SYMMETRIC, ((2, 2), (3, 3), (4, 4))),
)


# --- The table --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Score:
    """How many mistakes of a kind there were, and how many explanations were right and wrong; and the first wrong."""

    planted: int
    right: int
    wrong: int
    example: str


def explanation(planted: Mistake) -> str:
    """What J001 or J006 says that the claim is consistent with; "right" where there is neither."""
    report = jacinspect.inspect(planted.f, planted.x, planted.claim, **planted.options)
    messages = [finding.message for finding in report.findings if finding.code in ("J001", "J006")]
    said = [words for message in messages for words in message.split("; consistent with ")[1:]]
    return said[0] if said else "" if messages else "right"


def score(plant: Plant, shapes: Iterable[Shape], seeds: int) -> Score:
    said = []
    for shape in shapes:
        for seed in range(seeds):
            planted = plant(np.random.default_rng([seed, *shape]), shape)
            said.append((explanation(planted), planted.words))
    wrong = [f"{words!r} for {right!r}" for words, right in said if words and not words.startswith(right)]
    return Score(len(said), sum(words.startswith(right) for words, right in said), len(wrong), "".join(wrong[:1]))


def _score(task: tuple[int, str, int]) -> tuple[str, Score]:
    family, name, seeds = task
    plants, shapes = FAMILIES[family]
    return name, score(plants[name], shapes, seeds)


def scores(seeds: int) -> dict[str, Score]:
    tasks = [(k, name, seeds) for k, (plants, _) in enumerate(FAMILIES) for name in plants]
    with ProcessPoolExecutor() as pool:
        return dict(pool.map(_score, tasks))


def table(results: dict[str, Score]) -> str:
    rows = ["", f"  {'mistake':<40}{'planted':>9}{'right':>9}{'wrong':>9}"]
    rows += [f"  {name:<40}{s.planted:>9}{s.right:>9}{s.wrong:>9}  {s.example}" for name, s in results.items()]
    total, right, wrong = (sum(getattr(s, part) for s in results.values()) for part in ("planted", "right", "wrong"))
    return "\n".join([*rows, f"  {'all':<40}{total:>9}{right:>9}{wrong:>9}"])


@pytest.mark.benchmark(group="explanations")
def test_planted_mistakes_are_explained_rightly(benchmark: Any) -> None:
    results = benchmark.pedantic(scores, args=(SEEDS,), rounds=1)
    print(table(results))
    for name, s in results.items():
        assert not s.wrong, (name, s.example)
        assert s.right >= 0.95 * s.planted, name
