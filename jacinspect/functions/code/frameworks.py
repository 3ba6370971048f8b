"""Which framework's arrays a callable takes: numpy's, torch's or jax's.

In: any callable, and operands to try it on. Out: its framework, one of `FRAMEWORKS`. Next: precision.py.
"""

import inspect
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from copy import deepcopy
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np

from jacinspect.errors import InputError
from jacinspect.functions.code.backends import NUMPY, Call, Framework
from jacinspect.functions.code.trees import leaves
from jacinspect.functions.code.with_jax import JAX
from jacinspect.functions.code.with_torch import TORCH
from jacinspect.functions.rules import Array

__all__ = ["autograd_function", "following", "framework_of", "plain", "signature_of", "torch_modules"]

FRAMEWORKS = {framework.name: framework for framework in (NUMPY, TORCH, JAX)}
_AUTODIFF = [name for name, framework in FRAMEWORKS.items() if framework.autodiff]  # all but numpy


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
    owner = autograd_function(f)
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


def autograd_function(f: Any) -> Any:
    """Return the torch.autograd.Function whose `apply` this is, or None."""
    torch: Any = sys.modules.get("torch")
    owner = getattr(f, "__self__", None)
    own = torch is not None and isinstance(owner, type) and issubclass(owner, torch.autograd.Function)
    return owner if own else None


def following(call: Call, moves: Sequence[bool]) -> Call:
    """Return a callable that autodiff follows by the operands that move alone: by some it refuses to follow."""
    if all(moves):
        return call
    loaded = [framework for name, framework in FRAMEWORKS.items() if name in sys.modules]

    def constant(operand: Any) -> Any:
        for framework in loaded:
            operand = framework.constant(operand)
        return operand

    return lambda *operands: call(
        *(operand if follows else constant(operand) for operand, follows in zip(operands, moves, strict=True))
    )


def framework_of(
    f: Any, call: Call, operands: Sequence[Array], backend: str | None = None
) -> tuple[Framework, bool, bool]:
    """Find the framework whose arrays a function takes, by what it is and else by trying.

    Parameters
    ----------
    f, call
        The function as it was named, and a callable of the operands alone that calls it.
    operands
        Arrays to try it on.
    backend
        "numpy", to try nothing, "torch" or "jax", to try no other.

    Returns
    -------
    framework
        One of `FRAMEWORKS`.
    stays
        Whether the result is of that framework too, so that autodiff can follow.
    takes
        Whether it took the operands: false where every trial failed.

    Raises
    ------
    InputError
        If the given backend has not been imported.
    """
    if backend not in (None, "numpy", *sys.modules):
        raise InputError(f"--backend {backend}: the function's code has not imported {backend}")
    name, result, takes = ("numpy", None, True) if backend == "numpy" else _tried(f, call, operands, backend)
    return FRAMEWORKS[backend or name], result is None or bool(_homes(_arrays(result))), takes


def _declared(f: Any) -> str | None:
    """Name the framework that an object is of, if it is of one."""
    torch: Any = sys.modules.get("torch")
    owner = getattr(f, "__self__", None)
    if torch is not None and (isinstance(f, torch.nn.Module) or isinstance(owner, torch.nn.Module)):
        return "torch"
    return "torch" if autograd_function(f) is not None else next(iter(_homes([f])), None)


def _homes(objects: Iterable[Any]) -> list[str]:
    """Name the frameworks that some of the objects are of, or modules of."""
    homes = set()
    for each in objects:
        places = [each.__name__] if isinstance(each, ModuleType) else [getattr(each, "__module__", None)]
        places += [kind.__module__ for kind in (each if isinstance(each, type) else type(each)).__mro__]
        homes |= {str(place).split(".")[0] for place in places}
    return [name for name in _AUTODIFF if homes & {name, f"{name}lib"} and name in sys.modules]


def _mentioned(f: Any) -> set[str]:
    """Name the frameworks that f's code mentions, itself or in the functions that it calls."""
    reached = list(_reached(f, set()))
    names = {name for name, _ in reached}
    return {*_homes(each for _, each in reached), *(n for n in _AUTODIFF if n in names and n in sys.modules)}


def _reached(f: Any, seen: set[int], depth: int = 4) -> Iterator[tuple[str, Any]]:
    """Yield the names in f's code and in that of the functions that it calls, with what they stand for, if it is known.

    What their arguments are annotated with is among it. `seen` has the ids of the code that was looked at.
    """
    f = inspect.unwrap(f.func if isinstance(f, partial) else f)
    f = getattr(f, "__func__", f)
    if not hasattr(f, "__code__"):
        f = getattr(type(f).__call__, "__func__", type(f).__call__)
    code = getattr(f, "__code__", None)
    if code is None or depth == 0 or id(code) in seen:
        return
    seen.add(id(code))
    names, codes = set(), [code]
    for part in codes:
        names |= set(part.co_names)
        codes += [constant for constant in part.co_consts if isinstance(constant, CodeType)]
    known = {name: f.__globals__.get(name) for name in sorted(names)}
    for name, cell in zip(code.co_freevars, f.__closure__ or (), strict=False):
        with suppress(ValueError):  # a cell that is still empty
            known[name] = cell.cell_contents
    yield from known.items()
    for each in getattr(f, "__annotations__", {}).values():
        name = each.split(".")[0] if isinstance(each, str) else ""
        yield name, f.__globals__.get(name, each)
    for each in known.values():
        if isinstance(each, FunctionType | partial):
            yield from _reached(each, seen, depth - 1)


def torch_modules(f: Any) -> dict[str, Any]:
    """Find the torch modules whose weights f uses, by the names they have in its code; f's own is called "".

    Compiled modules keep their weights to themselves.
    """
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return {}
    owner = f if isinstance(f, torch.nn.Module) else getattr(f, "__self__", None)
    reached = [("", owner)] if isinstance(owner, torch.nn.Module) else list(_reached(f, set()))
    found = {id(each): (name, each) for name, each in reached if isinstance(each, torch.nn.Module)}
    compiled = (torch.jit.ScriptModule, torch.nn.modules.lazy.LazyModuleMixin)
    return {
        name: each for name, each in found.values() if not any(isinstance(inner, compiled) for inner in each.modules())
    }


def _arrays(result: Any) -> list[Any]:
    return [leaf for _, leaf in leaves(result)]


def _tried(f: Any, call: Call, operands: Sequence[Array], backend: str | None) -> tuple[str, Any, bool]:
    """Try the arrays of the frameworks that f is of or mentions, then numpy's, then those of other imported frameworks.

    No others are tried than those of a given backend.

    Returns the first framework of which the result is too, else one whose arrays f takes; the result of f; and whether
    any trial succeeded.
    """
    loaded = [name for name in _AUTODIFF if name in sys.modules]
    declared = backend or _declared(f)
    first = [declared] if declared else [name for name in loaded if name in _mentioned(f)]
    rest = [] if declared else ["numpy", *(name for name in loaded if name not in first)]
    left: tuple[str, Any, bool] = (first or ["numpy"])[0], None, False
    refused = set()  # by name: jax's functions take numpy's arrays too, but compute in single precision then
    for name in [*first, *rest]:
        try:
            with np.errstate(all="ignore"):
                result = FRAMEWORKS[name].trial(call, [operand.copy() for operand in operands])
        except InputError:  # worded for the user
            raise
        except (Exception, SystemExit):  # it is reported when f is inspected
            refused.add(name)
            continue
        home = next(iter(_homes(_arrays(result))), name if name in ("numpy", declared) else "")
        if home in refused:
            continue
        if home:
            return home, result, True
        left = name, result, True
    return left
