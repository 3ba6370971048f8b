import numpy as np
import pytest

from jacinspect.jacobian.compact import Jacobian
from jacinspect.jacobian.forms.index_formula import index_formula
from tests.jacobian.forms.test_structure import pattern_of
from tests.oracles import Reads, Shape, pairs


def formula(reads: Reads, output_shape: Shape, operand_shape: Shape, value: float = 0.3) -> str:
    pattern = pattern_of(pairs(reads, output_shape, operand_shape), output_shape, operand_shape)
    return index_formula(Jacobian(pattern, np.full(pattern.stored, value)), np.full(pattern.stored, 1e-12))


@pytest.mark.parametrize(
    ("reads", "output_shape", "operand_shape", "value", "expected"),
    [
        (lambda p, q: p == q, (2, 3), (2, 3), 0.3, "∂A_ij/∂X_pq = A'_ij δ_ip δ_jq"),
        (lambda p, q: p == q, (2, 3), (2, 3), 1.0, "∂A_ij/∂X_pq = δ_ip δ_jq"),
        (lambda p, q: p == q, (2, 2), (2, 2), 0.3, "∂A_ij/∂X_pq = A'_ij δ_ip δ_jq"),
        (lambda p, q: p == q, (5,), (5,), 0.3, "∂A_i/∂X_p = A'_i δ_ip"),
        (lambda p, q: p == q, (2, 3, 4), (2, 3, 4), 0.3, "∂A_ijk/∂X_pqr = A'_ijk δ_ip δ_jq δ_kr"),
        (lambda p, q: True, (), (), 0.3, "∂A/∂X = A'"),
        (lambda p, q: True, (), (), 1.0, "∂A/∂X = 1"),
        (lambda p, q: p[0] == q[0], (3, 4), (3, 4), 0.3, "∂A_ij/∂X_pq = J_ijq δ_ip"),
        (lambda p, q: p[1] == q[1], (3, 4), (3, 4), 0.3, "∂A_ij/∂X_pq = J_ijp δ_jq"),
        (lambda p, q: p == q[::-1], (4, 3), (3, 4), 1.0, "∂A_ij/∂X_pq = δ_iq δ_jp"),
        (lambda p, q: p == q[::-1], (3, 3), (3, 3), 1.0, "∂A_ij/∂X_pq = δ_iq δ_jp"),
        (lambda p, q: q[0] <= p[0], (5,), (5,), 1.0, "∂A_i/∂X_p = [p ≤ i]"),
        (lambda p, q: q[0] >= p[0], (5,), (5,), 1.0, "∂A_i/∂X_p = [p ≥ i]"),
        (lambda p, q: p[0] == q[0] and q[1] <= p[1], (3, 4), (3, 4), 1.0, "∂A_ij/∂X_pq = δ_ip [q ≤ j]"),
        (lambda p, q: p[0] == q[0], (3,), (3, 4), 1.0, "∂A_i/∂X_pq = δ_ip"),
        (lambda p, q: p[0] == q[1], (4,), (3, 4), 1.0, "∂A_i/∂X_pq = δ_iq"),
        (lambda p, q: p[0] == q[1], (4,), (3, 4), 0.3, "∂A_i/∂X_pq = J_ip δ_iq"),
        (lambda p, q: True, (), (3, 4), 1.0, "∂A/∂X_pq = 1"),
        (lambda p, q: True, (), (3, 4), 0.3, "∂A/∂X_pq = J_pq"),
        (lambda p, q: p[0] == q[0], (3, 4), (3,), 1.0, "∂A_ij/∂X_p = δ_ip"),
        (lambda p, q: p[1] == q[0], (3, 4), (4,), 1.0, "∂A_ij/∂X_p = δ_jp"),
        (lambda p, q: 4 * p[0] + p[1] == q[0], (3, 4), (12,), 1.0, "∂A_ij/∂X_p = J_ijp"),
        (lambda p, q: q[0] == (p[0] + 2) % 5, (5,), (5,), 1.0, "∂A_i/∂X_p = J_ip"),
        (lambda p, q: True, (2, 3), (3, 2), 0.3, "∂A_ij/∂X_pq = J_ijpq"),
        (lambda p, q: False, (2, 3), (4,), 1.0, "∂A_ij/∂X_p = 0"),
    ],
)
def test_index_formulas(reads: Reads, output_shape: Shape, operand_shape: Shape, value: float, expected: str) -> None:
    assert formula(reads, output_shape, operand_shape, value) == expected


def test_a_formula_without_coefficient_needs_ones_within_the_bars() -> None:
    pattern = pattern_of({(k, k) for k in range(3)}, (3,), (3,))
    nearly = Jacobian(pattern, np.array([1, 1 + 1e-9, 1]))
    assert index_formula(nearly, np.full(3, 1e-8)) == "∂A_i/∂X_p = δ_ip"
    assert index_formula(nearly, np.full(3, 1e-10)) == "∂A_i/∂X_p = A'_i δ_ip"


def test_a_pattern_that_lacks_one_entry_needs_a_coefficient() -> None:
    read = {(k, k) for k in range(3)} - {(1, 1)}
    pattern = pattern_of(read, (3,), (3,))
    assert index_formula(Jacobian(pattern, np.ones(2)), np.zeros(2)) == "∂A_i/∂X_p = A'_i δ_ip"


def test_a_long_index_is_numbered() -> None:
    shape = (1,) * 9
    got = formula(lambda p, q: True, shape, shape)
    assert got.startswith("∂A_i1i2i3i4i5i6i7i8i9/∂X_p1p2p3p4p5p6p7p8p9 = ")
