"""Containers of arrays: their leaves by their paths, and the same container with other leaves."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from jacinspect.functions.code.trees import converted, leaves, of_arrays


@dataclass
class Node:
    """A container that may hold itself, as a child that knows its parent."""

    value: Any
    inner: Any = None


def test_leaves_have_their_paths() -> None:
    assert list(leaves({"a": [1, (2, 3)], "b": Node(4)})) == [
        ("a.0", 1),
        ("a.1.0", 2),
        ("a.1.1", 3),
        ("b.value", 4),
        ("b.inner", None),
    ]


def test_a_container_within_itself_is_a_leaf() -> None:
    tree = Node(1, {"child": Node(2)})
    tree.inner["child"].inner = tree
    assert list(leaves(tree)) == [("value", 1), ("inner.child.value", 2), ("inner.child.inner", tree)]
    made = converted(tree, lambda leaf: leaf if leaf is tree else 10 * leaf)
    assert (made.value, made.inner["child"].value, made.inner["child"].inner is tree) == (10, 20, True)


def test_one_container_in_two_places_is_opened_in_both() -> None:
    shared = [1, 2]
    assert [path for path, _ in leaves([shared, shared])] == ["0.0", "0.1", "1.0", "1.1"]


def test_numbers_and_lists_of_them_become_arrays() -> None:
    parent: dict[str, Any] = {"w": [[1, 2, 3], [4, 5, 6]], "ragged": [[1], [2, 3]], "k": 2, "text": ["a"], "none": []}
    parent["child"] = {"parent": parent, "b": (0.5, 1)}
    made = of_arrays(parent, of_lists=True)
    assert made["child"].pop("parent") is parent  # which is one of its own leaves
    found = {path: leaf.shape if isinstance(leaf, np.ndarray) else leaf for path, leaf in leaves(made)}
    shapes = {"w": (2, 3), "ragged.0": (1,), "ragged.1": (2,), "k": (), "child.b.0": (), "child.b.1": ()}
    assert found == {**shapes, "text.0": "a"}
    assert {path for path, _ in leaves(of_arrays({"w": [1, 2]}))} == {"w.0", "w.1"}
    given = {"w": [1, 2], "x": np.ones(2)}
    assert of_arrays(given, of_lists=True) is given
