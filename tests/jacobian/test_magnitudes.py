import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jacinspect.jacobian.magnitudes import Magnitudes

SIZES = st.lists(st.floats(min_value=0, allow_nan=False), min_size=0, max_size=20)


@given(SIZES)
def test_what_comes_out_is_up_to_a_sixteenth_larger_and_never_smaller(sizes: list[float]) -> None:
    values = np.array(sizes)
    rounded = Magnitudes.of(values)[:]
    assert np.all(rounded >= values)
    normal = (values >= 2.0**-1022) & (values < 2.0**1023)
    assert np.all(rounded[normal] <= values[normal] * (1 + 1 / 16))


def test_what_has_no_size_stays_what_it_is() -> None:
    rounded = Magnitudes.of(np.array([0.0, np.inf, np.nan, 1.0, 5e-324]))
    assert rounded[:4].tolist() == [0.0, np.inf, np.inf, 1.0]
    assert 0 < rounded[4:][0] < 1e-300
    assert rounded.vanish.tolist() == [True, False, False, False, False]


def test_parts_are_taken_and_set() -> None:
    rounded = Magnitudes.of(np.array([1.0, 2.0, 4.0, 8.0]))
    part = rounded.subset(np.array([3, 0]))
    assert part[:].tolist() == [8.0, 1.0]
    rounded[np.array([1, 2])] = part[:]
    assert rounded[:].tolist() == [1.0, 8.0, 1.0, 8.0]
    rounded[1:3] = np.array([0.5, 0.25])
    assert rounded[np.array([2, 1])].tolist() == [0.25, 0.5]
    assert rounded.size == 4
