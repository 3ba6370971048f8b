"""Steps in which an output moves by other inputs hide a slope, where they are seen by those alone."""

import numpy as np
import pytest

from jacinspect.jacobian.values.ladder import LADDER_CALLS
from jacinspect.jacobian.values.numeric import Numeric, numeric_jacobian
from jacinspect.jacobian.values.rough import Stairs
from jacinspect.jacobian.values.shared_steps import with_shared_steps
from jacinspect.jacobian.values.stencil import Kind
from jacinspect.records import replace
from tests.lines import looked_at
from tests.oracles import Array

SLOPES = np.array([0.0935, 0.5, 0.25])


def steps(x: Array, slope: float, height: float) -> Array:
    return np.asarray(np.floor(x * slope / height) * height)


def hidden(x: Array) -> Array:
    """By the first input a slope of 0.0895 between steps, and by the others the same steps and no slope."""
    return np.asarray([0.0895 * x[0] + steps(x[0], 4e-3, 5e-9) + steps(x[1], 0.5, 5e-9) + steps(x[2], 0.25, 5e-9)])


def again(claim: Array, **seen: Array | float) -> tuple[Numeric, int]:
    """Look again where no steps were seen by the first input, but as high ones by the others, or what is given."""
    first = looked_at(hidden, np.array([0.3127135, -0.7123131, 1.21]))

    def contradicts(entries: Array | slice, value: Array, bar: Array) -> Array:
        return np.asarray(~(np.abs(claim[entries] - value) <= bar))

    entries = np.asarray(seen.get("entries", [1, 2]))
    height, nothing = np.full(entries.size, seen.get("height", 5e-9)), np.zeros(entries.size)
    stairs = Stairs(entries, height, nothing, nothing + 1e-9, nothing == 0)
    numeric = replace(
        numeric_jacobian(first, 10_000),
        jacobian=replace(first.jacobian, data=np.array([0.0895, 0.5, 0.25])),
        bar=np.array([6e-9, 1e-6, 1e-12]),
        kind=np.full(3, seen.get("kind", Kind.SMOOTH), np.int8),
        stairs=stairs,
    )
    before = first.near.box.evaluations
    return with_shared_steps(first, numeric, contradicts), first.near.box.evaluations - before


@pytest.mark.parametrize("factor", [1.0, 1.001])
def test_a_slope_between_steps_that_are_seen_by_another_input_gives_way_to_that_over_many(factor: float) -> None:
    numeric, calls = again(factor * SLOPES)
    assert calls <= 2 * LADDER_CALLS
    assert numeric.jacobian.data == pytest.approx(SLOPES, abs=1e-6)
    assert numeric.bar[0] < 1e-5
    assert numeric.stairs.entries.tolist() == [0, 1, 2]
    assert numeric.stairs.height == pytest.approx([5e-9, 5e-9, 5e-9])
    assert numeric.stairs.other[0] == pytest.approx(0.0895, abs=1e-6)


def test_a_claim_that_no_scale_bears_out_changes_nothing() -> None:
    numeric, _ = again(1.1 * SLOPES)
    assert numeric.jacobian.data.tolist() == [0.0895, 0.5, 0.25]
    assert numeric.stairs.entries.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("claim", "seen"),
    [
        (np.array([0.0895, 0.5, 0.25]), {}),  # what agrees
        (SLOPES, {"height": 0.0}),  # no steps
        (SLOPES, {"kind": Kind.UNRESOLVED}),
        (SLOPES, {"entries": np.array([1])}),  # steps by few inputs
        (SLOPES, {"entries": np.array([0, 1])}),  # steps of its own, which are as high
    ],
)
def test_nothing_else_is_looked_at(claim: Array, seen: dict[str, Array | float]) -> None:
    numeric, calls = again(claim, **seen)
    assert calls == 0
    assert numeric.jacobian.data.tolist() == [0.0895, 0.5, 0.25]


def test_an_output_with_many_refuted_entries_is_wrong() -> None:
    first = looked_at(lambda x: np.asarray([np.sum(steps(x, 0.5, 5e-9) + 0.1 * x)]), np.linspace(-1, 1.3, 12))

    def contradicts(entries: Array | slice, value: Array, bar: Array) -> Array:
        return np.asarray(~(np.abs(0.6 - value) <= bar))

    stairs = Stairs(np.arange(4, 12), np.full(8, 5e-9), np.zeros(8), np.zeros(8), np.ones(8, bool))
    for number, looks in ((8, 4), (9, 0)):  # of eight, four have steps of their own
        data = np.where(np.arange(12) < number, 0.1, 0.6)
        numeric = Numeric(
            replace(first.jacobian, data=data), np.full(12, 1e-9), np.zeros(12, np.int8), first.size, 1e-16
        )
        before = first.near.box.evaluations
        with_shared_steps(first, replace(numeric, stairs=stairs), contradicts)
        assert looks <= (first.near.box.evaluations - before) / (LADDER_CALLS - 2) <= 2 * looks
