"""The permutation between the two orders of vec, against matrices filled by plain loops."""

from typing import Any

import numpy as np
import pytest

from jacinspect.jacobian.compact import Pattern
from jacinspect.jacobian.forms.structure import Arrangement
from jacinspect.jacobian.forms.unfolding import Unfolding, unfold
from jacinspect.jacobian.forms.vec_order import commutation_name, is_transposition, vec_order
from tests.jacobian.forms.test_unfolding import ORDERS, elementwise, full_pattern, oracle


def test_it_has_a_name_for_matrices_alone() -> None:
    assert commutation_name((3, 4)) == "K_34"
    assert commutation_name((12, 3)) == "K_(12,3)"
    assert [commutation_name(shape) for shape in [(), (4,), (1, 4), (4, 1), (2, 3, 4), (0, 3)]] == [None] * 6


@pytest.mark.parametrize(("m", "n"), [(2, 3), (3, 2), (3, 3)])
def test_a_transposition_is_recognised(m: int, n: int) -> None:
    pairs = [(j * m + i, i * n + j) for i in range(m) for j in range(n)]
    outputs, inputs = (np.array(line) for line in zip(*sorted(pairs), strict=True))
    transposed = Pattern.from_pairs(outputs, inputs, (n, m), (m, n))
    assert is_transposition(transposed)
    assert not is_transposition(elementwise(m, n))
    assert not is_transposition(full_pattern((n, m), (m, n)))
    for (vec, layout), (a, b) in zip(ORDERS, [(m, n), (n, m), (n, m), (m, n)], strict=True):
        # K_ab maps vec(X) to vec(Xᵀ) for X of a×b, so that row vec and the transpose each swap the two
        form = unfold("vec", (n, m), (m, n), vec, layout)
        placed = form.placed(transposed)
        matrix, k = np.zeros((m * n, m * n)), np.zeros((m * n, m * n))
        matrix[placed.rows, placed.columns] = 1
        for i in range(a):
            for j in range(b):
                k[j + i * b, i + j * a] = 1
        assert np.array_equal(matrix, k)
        assert f"commutation permutation K_{a}{b}," in str(vec_order(form, None, arranged(transposed, form)))


def arranged(pattern: Pattern, form: Unfolding) -> Arrangement:
    return Arrangement(pattern, form.vec, form.layout)


def by_rows(m: int, n: int) -> Pattern:
    """Each output reads its row, as in a softmax."""
    pairs = [(i * n + j, i * n + k) for i in range(m) for j in range(n) for k in range(n)]
    outputs, inputs = (np.array(line) for line in zip(*pairs, strict=True))
    return Pattern.from_pairs(outputs, inputs, (m, n), (m, n))


@pytest.mark.parametrize(
    ("vec", "beginning"),
    [
        ("column", "strided in column-major vec; K_34·J·K_34ᵀ is J in row-major vec, block-diagonal: "),
        ("row", "block-diagonal in row-major vec; K_34ᵀ·J·K_34 is J in column-major vec, strided: "),
    ],
)
def test_blocks_say_in_which_order_they_stand(vec: str, beginning: str) -> None:
    form = unfold("vec", (3, 4), (3, 4), vec)
    arrangement = arranged(by_rows(3, 4), form)
    said = vec_order(form, arrangement.blocks, arrangement)
    assert said == f"{beginning}vec_row = K_34·vec_column (the commutation permutation)"
    k = np.zeros((12, 12))
    for i in range(3):
        for j in range(4):
            k[i * 4 + j, i + j * 3] = 1  # vec_row = K·vec_column
    dense = [oracle("vec", full_of(by_rows(3, 4)), (3, 4), (3, 4), order) for order in ("row", "column")]
    assert np.array_equal(k @ dense[1] @ k.T, dense[0])
    assert np.array_equal(k.T @ dense[0] @ k, dense[1])


def full_of(pattern: Pattern) -> Any:
    dense = np.zeros(pattern.shape)
    dense[pattern.rows, pattern.indices] = np.arange(1.0, pattern.stored + 1)
    return dense.reshape(pattern.output_shape + pattern.operand_shape)


def test_a_diagonal_stays_one_in_either_order() -> None:
    form = unfold("vec", (2, 3), (2, 3))
    assert str(vec_order(form, None, arranged(elementwise(2, 3), form))).startswith("J is diagonal in either order;")


def test_of_vectors_the_order_is_nothing_to_speak_of() -> None:
    form = unfold("vec", (4,), (4,))
    assert vec_order(form, None, arranged(elementwise(4), form)) is None
