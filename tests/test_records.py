"""Our `dataclass` beside the standard library's, in the same tests; and that it is the one in use."""

import copy
import dataclasses
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest

from jacinspect import records
from tests.program import ROOT


@records.dataclass(frozen=True)
class Kept:
    """At the top of a module, so that it can be pickled."""

    x: int
    y: tuple[int, ...] = ()


def points(dataclass: Any, **options: bool) -> Any:
    @dataclass(**options)
    class Point:
        x: int
        y: float = 0.5
        tags: list[str] = dataclasses.field(default_factory=list)

    return Point


both = pytest.mark.parametrize("dataclass", [dataclasses.dataclass, records.dataclass], ids=["standard", "ours"])


@both
def test_fields_by_position_by_name_and_by_default(dataclass: Any) -> None:
    made = points(dataclass)
    assert dataclasses.astuple(made(1, tags=["a"])) == (1, 0.5, ["a"])
    assert made(1).tags == []
    assert made(1).tags is not made(1).tags
    assert repr(made(1, 2)).endswith("Point(x=1, y=2, tags=[])")
    assert dataclasses.replace(made(1, 2), y=3) == made(1, 3)
    match made(1):
        case made(x, y):
            assert (x, y) == (1, 0.5)


def test_one_that_is_made_often_is_made_the_same_way() -> None:
    often = points(records.dataclass, frozen=True)
    before = often.__init__
    one, *_, last = [often(1, tags=["a"]) for _ in range(100)]
    assert often.__init__ is not before
    assert one == last
    assert often(1, 2).tags is not often(1, 2).tags
    assert dataclasses.replace(last, y=3) == often(1, 3, ["a"])
    for given, named in (((), {}), ((1, 2, [], 4), {}), ((1,), {"x": 1}), ((1,), {"z": 1})):
        with pytest.raises(TypeError, match="Point"):
            often(*given, **named)


def test_fields_of_one_that_is_made_often_may_have_any_names() -> None:
    @records.dataclass
    class Own:
        own: int
        finish: int
        values: tuple[int, ...] = dataclasses.field(default_factory=tuple)

    assert {(each.own, each.finish, each.values) for each in (Own(1, 2) for _ in range(100))} == {(1, 2, ())}

    @records.dataclass(kw_only=True)
    class Named:
        x: int = 0
        y: int

        def __post_init__(self) -> None:
            self.x += 1

    assert {(each.x, each.y) for each in (Named(y=2) for _ in range(100))} == {(1, 2)}


@both
@pytest.mark.parametrize(
    "call", [lambda p: p(), lambda p: p(1, 2, [], 4), lambda p: p(1, x=1), lambda p: p(1, z=1), lambda p: p(y=1)]
)
def test_other_arguments_are_refused(dataclass: Any, call: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="Point"):
        call(points(dataclass))


@both
def test_frozen_ones_refuse_to_change_and_have_a_hash(dataclass: Any) -> None:
    made = points(dataclass, frozen=True)
    with pytest.raises(dataclasses.FrozenInstanceError, match="x"):
        made(1).x = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="x"):
        del made(1).x
    assert hash(made(1, 2, ())) == hash(made(1, 2, ()))
    assert made(1) != made(2)


@both
def test_others_change_and_are_equal_by_value_or_by_identity(dataclass: Any) -> None:
    point = points(dataclass)(1)
    point.x = 2
    assert point == type(point)(2)
    with pytest.raises(TypeError, match="unhashable"):
        hash(point)
    alike = points(dataclass, eq=False)
    assert alike(1) != alike(1)
    assert len({alike(1), alike(1)}) == 2


@both
def test_a_subclass_has_the_fields_of_both_and_its_own_repr(dataclass: Any) -> None:
    base = points(dataclass, frozen=True)

    @dataclass(frozen=True)
    class Inner(base):  # type: ignore[misc, valid-type]
        z: int = 3

        def __repr__(self) -> str:
            return "mine"

    assert dataclasses.astuple(Inner(1)) == (1, 0.5, [], 3)
    assert repr(Inner(1)) == "mine"
    assert base(1) != Inner(1)


@both
def test_the_last_step_of_making_one(dataclass: Any) -> None:
    @dataclass
    class Twice:
        x: int

        def __post_init__(self) -> None:
            self.x *= 2

    assert Twice(4).x == 8


def test_changed_copies() -> None:
    changed = records.replace(Kept(1, (2,)), x=3)
    assert changed == dataclasses.replace(Kept(1, (2,)), x=3) == Kept(3, (2,))
    with pytest.raises(TypeError, match="Kept"):
        records.replace(changed, z=1)  # type: ignore[call-arg]


def test_copies() -> None:
    kept = Kept(1, (2,))
    assert pickle.loads(pickle.dumps(kept)) == copy.deepcopy(kept) == kept


def test_the_standard_one_is_not_used() -> None:
    """It takes twelve times as long to define a class, in all as long as half of numpy's import."""
    slow = re.compile(r"^from dataclasses import .*\bdataclass\b|dataclasses\.dataclass\b", re.MULTILINE)
    used = [path.name for path in (ROOT / "jacinspect").rglob("*.py") if slow.search(path.read_text("utf-8"))]
    assert used == ["records.py"], "import it from jacinspect.records"
