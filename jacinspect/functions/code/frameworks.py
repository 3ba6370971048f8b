"""Functions of torch tensors or jax arrays behind numpy's face: arrays in and out, and their own autodiff.

In: any callable, and operands to try it on. Out: a `Face` of the framework whose arrays it takes. Neither framework is
ever imported here; a function that needs one has imported it.
"""

import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.function import Array, NoForwardRuleError

__all__ = ["Face", "face_of", "plain", "signature_of"]

_FRAMEWORKS = ("torch", "jax")

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

    Raises
    ------
    InputError
        If the module cannot be copied.
    """
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return f
    if isinstance(f, type) and issubclass(f, torch.autograd.Function):
        return f.apply  # type: ignore[attr-defined]
    if not isinstance(f, torch.nn.Module):
        return f
    try:
        return deepcopy(f).double().eval()
    except RuntimeError as error:
        raise InputError(f"{type(f).__name__}: the module cannot be copied in double precision: {error}") from error


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
        "numpy", "torch" or "jax", to try nothing.

    Raises
    ------
    InputError
        If the backend asked for is not there.
    """
    backend, result = (backend, None) if backend else _tried(f, call, operands)
    if backend == "numpy":
        return Face("numpy", call)
    if backend not in sys.modules:
        raise InputError(f"--backend {backend}: the function's code has not imported {backend}")
    face = _torch_face(call) if backend == "torch" else _jax_face(call)
    if result is None or _homes([result]):
        return face
    return replace(face, rule=None, vjp=None, by="")  # it leaves the framework, where autodiff cannot follow


def _declared(f: Any) -> str | None:
    """Name the framework that an object is of, if it is of one."""
    torch: Any = sys.modules.get("torch")
    owner = getattr(f, "__self__", None)
    if torch is not None and (isinstance(f, torch.nn.Module) or isinstance(owner, torch.nn.Module)):
        return "torch"
    return "torch" if _autograd_function(f) is not None else next(iter(_homes([f])), None)


def _homes(objects: Iterable[Any]) -> list[str]:
    """Name the frameworks that some of the objects are of, or modules of."""
    homes = set()
    for each in objects:
        places = [each.__name__] if isinstance(each, ModuleType) else [getattr(each, "__module__", None)]
        places += [kind.__module__ for kind in (each if isinstance(each, type) else type(each)).__mro__]
        homes |= {str(place).split(".")[0] for place in places}
    return [name for name in _FRAMEWORKS if homes & {name, f"{name}lib"} and name in sys.modules]


def _mentioned(f: Any, seen: set[int], depth: int = 4) -> set[str]:
    """Name the frameworks that f's code speaks of, itself or in the functions that it calls; `seen` has their ids."""
    f = inspect.unwrap(f.func if isinstance(f, partial) else f)
    f = getattr(f, "__func__", f)
    if not hasattr(f, "__code__"):
        f = getattr(type(f).__call__, "__func__", type(f).__call__)
    code = getattr(f, "__code__", None)
    if code is None or depth == 0 or id(code) in seen:
        return set()
    seen.add(id(code))
    names, codes = set(), [code]
    for part in codes:
        names |= set(part.co_names)
        codes += [constant for constant in part.co_consts if isinstance(constant, CodeType)]
    known = [f.__globals__[name] for name in names if name in f.__globals__]
    for cell in f.__closure__ or ():
        with suppress(ValueError):  # a cell that is still empty
            known.append(cell.cell_contents)
    found = {*_homes(known), *(name for name in _FRAMEWORKS if name in names and name in sys.modules)}
    called = [each for each in known if isinstance(each, FunctionType | partial)]
    return found.union(*(_mentioned(each, seen, depth - 1) for each in called))


def _tried(f: Any, call: Call, operands: Sequence[Array]) -> tuple[str, Any]:
    """Try the arrays of the frameworks that f is of or speaks of, numpy's, and those of what else has been imported.

    Returns the framework from which the result is too; else one whose arrays f takes at all. With it what f gave, None
    where nothing was tried or nothing came of it.
    """
    loaded = [name for name in _FRAMEWORKS if name in sys.modules]
    declared = _declared(f)
    first = [declared] if declared else [name for name in loaded if name in _mentioned(f, set())]
    rest = ["numpy", *(name for name in loaded if name not in first)] if loaded and not declared else []
    left = (first or ["numpy"])[0], None
    for name in [*first, *rest]:
        with suppress(Exception, SystemExit), np.errstate(all="ignore"):  # its word comes when it is inspected
            result = _TRIALS[name](call, [operand.copy() for operand in operands])
            home = next(iter(_homes([result])), name if name in ("numpy", declared) else "")
            if home:
                return home, result
            left = name, result
    return left


def _numpy_trial(call: Call, operands: list[Array]) -> Any:
    return call(*operands)


def _torch_trial(call: Call, operands: list[Array]) -> Any:
    """Call with tensors that autograd follows, which numpy's functions do not take."""
    torch: Any = sys.modules["torch"]
    return call(*(torch.tensor(operand, requires_grad=True).clone() for operand in operands))


def _jax_trial(call: Call, operands: list[Array]) -> Any:
    jax: Any = sys.modules["jax"]
    with jax.enable_x64(True):
        return call(*map(jax.numpy.asarray, operands))


_TRIALS = {"numpy": _numpy_trial, "torch": _torch_trial, "jax": _jax_trial}


def _torch_face(call: Call) -> Face:
    torch: Any = sys.modules["torch"]

    def tensor(array: Array) -> Any:  # shares X's memory, so that a function that changes X is found out
        return torch.from_numpy(array) if array.flags.writeable else torch.tensor(array)

    def number(result: Any) -> Any:
        if not isinstance(result, torch.Tensor):
            return result
        return (result.double() if result.dtype is torch.bfloat16 else result).to_dense().numpy(force=True)

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

    def value(*operands: Array) -> Any:
        try:
            return number(call(*map(tensor, operands)))
        except RuntimeError as error:
            if "dtype" in str(error):
                error.add_note("float64 does not go with tensors of its own: try --dtype float32, or name the module")
            raise

    return Face("torch", value, vjp=vjp, by="torch.autograd")


def _jax_face(call: Call) -> Face:
    jax: Any = sys.modules["jax"]
    numpy = jax.numpy

    def arrays(given: Sequence[Array]) -> list[Any]:
        return [numpy.asarray(array) for array in given]

    def value(*operands: Array) -> Any:
        with jax.enable_x64(True):
            return _from_jax(call(*arrays(operands)))

    def rule(*given: Array) -> Array:
        half = len(given) // 2
        with jax.enable_x64(True):
            try:
                _, pushed = jax.jvp(call, arrays(given[:half]), arrays(given[half:]))
            except TypeError as error:
                if "custom_vjp" not in str(error):
                    raise
                raise NoForwardRuleError(str(error)) from error
            return np.asarray(_from_jax(pushed))

    def vjp(*given: Array) -> tuple[Array, ...]:
        *operands, cotangent = given
        with jax.enable_x64(True):
            result, pull = jax.vjp(call, *arrays(operands))
            if not numpy.issubdtype(result.dtype, numpy.inexact):
                return tuple(np.zeros(operand.shape) for operand in operands)
            pulled = pull(numpy.asarray(cotangent, result.dtype).reshape(result.shape))
            return tuple(np.asarray(_from_jax(part)) for part in pulled)

    return Face("jax", value, rule, vjp, "jax.jvp or jax.vjp")


def _from_jax(result: Any) -> Any:
    """Return a jax array as one of numpy's, and anything else as it is."""
    jax: Any = sys.modules["jax"]
    if getattr(result, "dtype", None) == jax.dtypes.float0:  # the tangents of whole numbers
        return np.zeros(result.shape)
    if not isinstance(result, jax.Array):
        return result
    return np.asarray(result.astype(np.float64) if result.dtype == jax.numpy.bfloat16 else result)
