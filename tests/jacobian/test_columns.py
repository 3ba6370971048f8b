"""Results as columns: a part, several joined, and others put in without writing into what is known."""

import numpy as np

from jacinspect.jacobian.columns import Columns
from jacinspect.records import dataclass
from tests.oracles import Array


@dataclass(frozen=True, eq=False)
class Two(Columns):
    number: Array
    known: Array


def test_others_are_put_in_and_what_was_known_stays() -> None:
    known = Two(np.arange(4.0), np.zeros(4, bool))
    replaced = known.replaced(np.array([3, 1]), Two(np.array([30.0, 10.0]), np.ones(2, bool)))
    assert replaced.number.tolist() == [0, 10, 2, 30]
    assert replaced.known.tolist() == [False, True, False, True]
    assert known.number.tolist() == [0, 1, 2, 3]
    assert not known.known.any()


def test_parts_joined_are_the_whole() -> None:
    whole = Two(np.arange(5.0), np.arange(5) > 2)
    joined = Two.joined([whole.subset(np.arange(2)), whole.subset(np.arange(2, 2)), whole.subset(np.arange(2, 5))])
    assert joined.number.tolist() == whole.number.tolist()
    assert joined.known.tolist() == whole.known.tolist()
