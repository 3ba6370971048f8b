"""Functions of torch tensors or jax arrays behind numpy's face: arrays in and out, and their own autodiff.

In: any callable, and operands to try it on. Out: a `Face` of the framework whose arrays it takes. Neither framework is
ever imported here; a function that needs one has imported it.
"""

import inspect
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.function import Array, NoForwardRuleError

__all__ = ["BACKENDS", "Face", "face_of", "plain", "signature_of", "untracked"]

BACKENDS = ("numpy", "torch", "jax")

Call = Callable[..., Any]


@dataclass(frozen=True)
class Face:
    """A function of numpy arrays. `value` takes the operands; `rule` and `vjp` are the framework's jvp and vjp, if any.

    `rule(x, y, …, dx, dy, …)` pushes tangents; `vjp(x, y, …, dA)` gives the cotangents of all operands, as a tuple.
    """

    backend: str
    value: Call
    rule: Call | None = None
    vjp: Call | None = None
    by: str = ""  # what computes the derivative


def plain(f: Any) -> Any:
    """Return what is to be called: of a torch.autograd.Function its `apply`, of an nn.Module an evaluating double copy.

    The copy is one in double precision and in evaluation mode, whose own parameters take no part in autodiff.
    """
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return f
    if isinstance(f, type) and issubclass(f, torch.autograd.Function):
        return f.apply  # type: ignore[attr-defined]
    if isinstance(f, torch.nn.Module):
        return deepcopy(f).double().eval().requires_grad_(False)
    return f


def untracked(operand: Any) -> Any:
    """Return an operand as numpy can read it: a torch tensor without its graph, on the CPU; anything else as it is."""
    torch: Any = sys.modules.get("torch")
    return operand.detach().cpu() if torch is not None and isinstance(operand, torch.Tensor) else operand


def signature_of(f: Any) -> inspect.Signature | None:
    """Return the signature by which `plain(f)` is called; None of a builtin that has none.

    That of an `apply` is its forward's, without the context of an old-style one, and for arguments by position alone.
    """
    owner = _autograd_function(f)
    try:
        if owner is None:
            return inspect.signature(getattr(f, "forward", f))
        signature = inspect.signature(owner.forward)
    except (TypeError, ValueError):
        return None
    torch: Any = sys.modules["torch"]
    context = owner.setup_context is torch.autograd.Function.setup_context
    places = list(signature.parameters.values())[context:]
    by_position = inspect.Parameter.POSITIONAL_ONLY
    return signature.replace(
        parameters=[p if p.kind is p.VAR_POSITIONAL else p.replace(kind=by_position) for p in places]
    )


def _autograd_function(f: Any) -> Any:
    """Return the torch.autograd.Function whose `apply` this is, or None."""
    torch: Any = sys.modules.get("torch")
    owner = getattr(f, "__self__", None)
    own = torch is not None and isinstance(owner, type) and issubclass(owner, torch.autograd.Function)
    return owner if own else None


def face_of(f: Any, call: Call, operands: Sequence[Array], backend: str | None = None) -> Face:
    """Find out which arrays a function takes, by what it is and else by trying, and give it numpy's face.

    Parameters
    ----------
    f, call
        The function as it was named, and a callable of the operands alone that calls it.
    operands
        Float arrays to try it on.
    backend
        One of `BACKENDS`, to try nothing.

    Raises
    ------
    InputError
        If the backend asked for is not there.
    """
    backend = backend or _declared(f) or _tried(call, operands)
    if backend == "numpy":
        return Face("numpy", call)
    if backend not in sys.modules:
        raise InputError(f"--backend {backend}: the function's code has not imported {backend}")
    return _torch_face(call) if backend == "torch" else _jax_face(call)


def _declared(f: Any) -> str | None:
    """Name the framework that an object is of, if it is of one."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and (isinstance(f, torch.nn.Module) or _autograd_function(f) is not None):
        return "torch"
    homes = {str(home).split(".")[0] for home in (getattr(f, "__module__", None), type(f).__module__)}
    return next((name for name in ("torch", "jax") if homes & {name, f"{name}lib"} and name in sys.modules), None)


def _tried(call: Call, operands: Sequence[Array]) -> str:
    """Try numpy arrays first, then those of each framework that somebody has imported."""
    try:
        with np.errstate(all="ignore"):
            result = call(*(operand.copy() for operand in operands))
    except Exception as error:
        others = [name for name in ("torch", "jax") if name in sys.modules]
        for name in others:
            with suppress(Exception):  # what the function has to say comes when it is inspected
                (_torch_face if name == "torch" else _jax_face)(call).value(*(operand.copy() for operand in operands))
                return name
        # To refuse the very type of the array is a framework's way; what it says of its own arrays is the matter then.
        return others[0] if others and isinstance(error, TypeError | AttributeError) else "numpy"
    homes = {kind.__module__.split(".")[0] for kind in type(result).__mro__}
    return next((name for name in ("torch", "jax") if homes & {name, f"{name}lib"}), "numpy")


def _torch_face(call: Call) -> Face:
    torch: Any = sys.modules["torch"]

    def tensor(array: Array) -> Any:  # shares X's memory, so that a function that changes X is found out
        return torch.from_numpy(array) if array.flags.writeable else torch.tensor(array)

    def number(result: Any) -> Any:
        if not isinstance(result, torch.Tensor):
            return result
        narrow = result.dtype in (torch.bfloat16, torch.float16)
        return (result.double() if narrow else result).to_dense().numpy(force=True)

    def vjp(*given: Array) -> tuple[Array, ...]:
        *operands, cotangent = given
        leaves = [torch.tensor(operand, requires_grad=True) for operand in operands]
        with torch.enable_grad():
            result = call(*leaves)
        if not result.requires_grad:  # no path from X to A that autograd sees: its derivative is 0
            return tuple(np.zeros(operand.shape) for operand in operands)
        weights = torch.tensor(cotangent, dtype=result.dtype).reshape(result.shape)
        pulled = torch.autograd.grad(result, leaves, weights, allow_unused=True)
        return tuple(
            np.zeros(operand.shape) if part is None else number(part)
            for operand, part in zip(operands, pulled, strict=True)
        )

    return Face("torch", lambda *x: number(call(*map(tensor, x))), vjp=vjp, by="torch.autograd")


def _jax_face(call: Call) -> Face:
    jax: Any = sys.modules["jax"]

    def arrays(given: Sequence[Array]) -> list[Any]:
        return [jax.numpy.asarray(array) for array in given]

    def value(*operands: Array) -> Any:
        with jax.enable_x64(True):
            result = call(*arrays(operands))
            return np.asarray(result) if isinstance(result, jax.Array) else result

    def rule(*given: Array) -> Array:
        half = len(given) // 2
        with jax.enable_x64(True):
            try:
                _, pushed = jax.jvp(call, arrays(given[:half]), arrays(given[half:]))
            except TypeError as error:
                if "custom_vjp" not in str(error):
                    raise
                raise NoForwardRuleError(str(error)) from error
            return np.asarray(pushed)

    def vjp(*given: Array) -> tuple[Array, ...]:
        *operands, cotangent = given
        with jax.enable_x64(True):
            result, pull = jax.vjp(call, *arrays(operands))
            pulled = pull(jax.numpy.asarray(cotangent, result.dtype).reshape(result.shape))
            return tuple(np.asarray(part) for part in pulled)

    return Face("jax", value, rule, vjp, "jax.jvp or jax.vjp")
