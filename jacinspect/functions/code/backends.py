"""What is particular to a framework's arrays and autodiff, and the row of numpy, which has no autodiff.

In: a callable of a framework's arrays. Out: the same of numpy's, and the framework's own derivative. Next:
with_torch.py and with_jax.py, the other rows, and frameworks.py, which finds the row of a callable.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from jacinspect.functions.rules import Array, Jvp, Vjp
from jacinspect.records import dataclass

__all__ = ["NUMPY", "Call", "Framework"]

Call = Callable[..., Any]


@dataclass(frozen=True)
class Framework:
    """One framework. The first three fields take a callable of its arrays.

    `trial` calls it with the framework's arrays in place of numpy's. `value` returns it as a function
    of numpy arrays, and `rules`, given operands to try it on, its derivatives by the framework's autodiff, which
    `autodiff` names: the first is the one that people call, and the others have to agree with it. `join` lays several
    of its arrays end to end as one; `kind` is numpy's letter for what one holds, "f" for real and "c" for complex
    numbers, and "" for what is no array of the framework. `gradient` says how its autodiff has the gradient by complex
    numbers; that of the rules is ∂L/∂re + i ∂L/∂im. `ready`, given operands to try it on, returns what is to be called
    in place of a callable, and `unfollowed` the paths of the outputs that it marks as not differentiable. `constant`
    returns one of its arrays as one that its autodiff does not follow, and anything else as it is. `approximates`, of a
    callable and operands to try it on, is whether its derivative is made of the framework's own rules alone, some of
    which are approximations.
    """

    name: str
    trial: Callable[[Call, Sequence[Array]], Any]
    value: Callable[[Call], Call]
    rules: Callable[[Call, Sequence[Array]], tuple[Jvp | Vjp, ...]]
    join: Callable[[Sequence[Any]], Any]
    kind: Callable[[Any], str]
    autodiff: str = ""
    gradient: str = "by a complex number z, a claimed gradient is ∂L/∂re + i ∂L/∂im"
    ready: Callable[[Call, Sequence[Array]], Call] = lambda call, _: call
    unfollowed: Callable[[Call, Sequence[Array]], Collection[str]] = lambda _, __: ()
    constant: Callable[[Any], Any] = lambda array: array
    approximates: Callable[[Call, Sequence[Array]], bool] = lambda _, __: False


def _joined(arrays: Sequence[Any]) -> Array:
    return np.concatenate([np.ravel(array) for array in arrays])


def _kind(leaf: Any) -> str:
    try:
        return np.asarray(leaf).dtype.kind
    except (TypeError, ValueError):
        return ""


NUMPY = Framework(
    "numpy",
    trial=lambda call, operands: call(*operands),
    value=lambda call: call,
    rules=lambda _, __: (),
    join=_joined,
    kind=_kind,
)
