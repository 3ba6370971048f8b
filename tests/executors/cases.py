"""Inspections whose reports have to be the same wherever the function is called: all that differences do is in them."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from jacinspect import inspect
from tests.executors.functions import two_pushed
from tests.oracles import Array

FILE = Path(__file__).with_name("functions.py")


def drawn(*shape: int) -> Array:
    return np.random.default_rng(1).standard_normal(shape)


@dataclass(frozen=True)
class Case:
    function: Any
    x: Any
    keywords: dict[str, Any] = field(default_factory=dict)

    def report(self, **more: Any) -> str:
        return inspect(self.function, self.x, **self.keywords, **more).to_json()


CASES = {
    "elementwise": Case("sigmoid", drawn(3, 4)),
    "rows": Case("softmax", drawn(2, 3)),
    "expression": Case("x * sum(x)", drawn(4)),
    "second operand": Case("x @ y", drawn(2, 3), {"others": [drawn(3, 2)], "wrt": "y"}),
    "domain": Case("log", np.abs(drawn(3)), {"domain": "0:"}),
    "kinks": Case("relu", np.array([0.0, 1, -1, 0])),
    "ties": Case("sort", np.array([1.0, 2, 2, 0])),
    "single precision": Case("tanh", drawn(3).astype(np.float32)),
    "points": Case("gelu", drawn(2), {"points": 2}),
    "second order": Case("logsumexp", drawn(3), {"order": 2}),
    "dense": Case(f"{FILE}:dense", drawn(6)),
    "raises": Case(f"{FILE}:raises", drawn(3)),
    "depends on the data": Case(f"{FILE}:max_pool", drawn(4, 4)),
    "staircase": Case(f"{FILE}:stairs", drawn(2), {"derivative": "cos(x)"}),
    "half precision": Case(f"{FILE}:half", drawn(2), {"derivative": "cos(x)"}),
    "several outputs": Case(f"{FILE}:two", drawn(3)),
    "complex": Case(f"{FILE}:squared", drawn(2) + 1j),
    "parameters": Case(f"{FILE}:scaled", drawn(3), {"others": {"weights": drawn(3)}, "parameters": {"power": 3}}),
    "second order of a claim": Case(f"{FILE}:quartic", drawn(4), {"derivative": f"{FILE}:slope", "order": 2}),
    "second order of a jvp": Case(
        f"{FILE}:two", drawn(3), {"derivative": two_pushed, "derivative_kind": "jvp", "order": 2}
    ),
    "second order of a parameter": Case(
        f"{FILE}:scaled",
        drawn(3),
        {"others": [drawn(3)], "wrt": "weights", "derivative": "x**power", "parameters": {"power": 3}, "order": 2},
    ),
    "wrong": Case(f"{FILE}:dense", drawn(6), {"derivative": "x"}),
}


@cache
def serial(name: str) -> str:
    return CASES[name].report()
