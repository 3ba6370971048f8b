"""The numbers that people's code holds itself: a torch module's parameters and buffers, the leaves of a pytree.

In: a callable, and the parameters it is called with. Out: these numbers as further operands, by their dotted names, and
callables that have others in the place of some of them. Next: callables.py.
"""

import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from jacinspect.functions.code.attributes import arrays_of, with_arrays
from jacinspect.functions.code.backends import Call
from jacinspect.functions.code.frameworks import signature_of, torch_modules
from jacinspect.functions.code.trees import is_real, is_tree, leaves, rebuilt
from jacinspect.functions.code.with_torch import lasting
from jacinspect.functions.rules import Array
from jacinspect.records import dataclass, replace

__all__ = ["Weights", "weights_of"]

_KINDS = ("_parameters", "_buffers")  # dicts of a torch module's tensors


@dataclass(frozen=True)
class Weights:
    """Weights by name, and `bind`, which returns a callable of the operands that has new ones in the place of some.

    All others are those that the code holds, in double precision; torch modules are in training mode where the second
    argument says so. `note` says in which precision they are.
    """

    values: Mapping[str, Array]
    bind: Callable[[Mapping[str, Any], bool], Call]
    note: str = ""
    buffers: Collection[str] = ()  # of torch, whose own functions are not differentiable by running statistics


def weights_of(
    called: Any, f: Any, parameters: Mapping[str, Any], call_of: Callable[[Any, Mapping[str, Any]], Call]
) -> Weights | None:
    """Find the weights of a callable; None where it has none.

    Parameters
    ----------
    called
        A torch module, a function that uses modules or has parameters that are trees of arrays, a tree itself, a module
        of flax.linen that is bound to its variables, or an object whose attributes are arrays or trees, or its method.
    f
        What it was made of: of a copy of a module in double precision, the module.
    parameters
        The values that it is called with.
    call_of
        Makes a callable of the operands alone, of a callable like this one and values of parameters.
    """
    bound = _bound(called)
    if bound is not None:
        return _of_trees({"": called.variables}, lambda made, _: call_of(bound(made[""]), parameters))
    if _has_arrays(called):
        return _of_trees({"": called}, lambda made, _: call_of(made[""], parameters))
    signature, modules = signature_of(called), torch_modules(called)
    defaults = {} if signature is None else {p.name: p.default for p in signature.parameters.values()}
    trees = {name: value for name, value in {**defaults, **parameters}.items() if _has_arrays(value)}
    held = {} if modules else arrays_of(called)

    def made_of(made: Mapping[str, Any], new: Mapping[str, Any]) -> Call:
        g = called if new.keys().isdisjoint(held) else with_arrays(called, new)
        return call_of(g, {**parameters, **made})

    found = _of_trees(trees, made_of)
    found = replace(found, values={**found.values, **{name: value.astype(np.float64) for name, value in held.items()}})
    return _of_modules(modules, torch_modules(f), found) if modules else found if found.values else None


# --- torch ------------------------------------------------------------------------------------------------------------


def _of_modules(modules: Mapping[str, Any], given: Mapping[str, Any], others: Weights) -> Weights:
    """Add the parameters and buffers of modules, which were `given` in their own precision, to other weights."""
    parameters, buffers = (_places(modules, kind) for kind in _KINDS)
    places = {**buffers, **parameters}
    own = {name: holder[key] for name, [(holder, key), *_] in {**parameters, **buffers}.items()}
    dtypes = {name: holder[key].dtype for kind in _KINDS for name, [(holder, key), *_] in _places(given, kind).items()}
    double = {name: value.detach().double() if value.is_floating_point() else value for name, value in own.items()}
    values = {name: value.numpy(force=True).copy() for name, value in double.items() if value.is_floating_point()}

    def bind(new: Mapping[str, Any], training: bool) -> Call:
        call = others.bind(new, training)

        def bound(*operands: Any) -> Any:
            # batch norm moves its running statistics, which must stay as they are for the caller
            swapped = {name: value.clone() if name in buffers else value for name, value in double.items()}
            swapped |= {name: value.clone() for name, value in new.items() if name in own}
            with lasting(_mode(modules.values(), training)):
                try:
                    with lasting(_swapped(places, swapped)):
                        return call(*operands)
                except RuntimeError as error:
                    if "dtype" not in str(error):
                        raise
                # it converts its operands to the precision of its weights, as by x.float()
                with lasting(_swapped(places, {name: value.to(dtypes[name]) for name, value in swapped.items()})):
                    return call(*operands)

        return bound

    values |= others.values
    return Weights(values, bind, "its weights are copied in double precision", frozenset(buffers))


_Places = list[tuple[dict[str, Any], str]]  # the dicts of modules that hold a tensor, with its key in each


def _places(modules: Mapping[str, Any], kind: str) -> dict[str, _Places]:
    """Find the tensors of a kind in modules and those in them, by the first name of each: a shared one has several."""
    found: dict[int, tuple[str, _Places]] = {}  # by the tensor's id
    for name, module in modules.items():
        for prefix, inner in module.named_modules(prefix=name):
            holder = getattr(inner, kind)
            for key, value in holder.items():
                if value is not None:
                    path = f"{prefix}.{key}" if prefix else key
                    found.setdefault(id(value), (path, []))[1].append((holder, key))
    return dict(found.values())


@contextmanager
def _swapped(places: Mapping[str, _Places], tensors: Mapping[str, Any]) -> Iterator[None]:
    """Put tensors in the places of those of modules, and these back."""
    new = [(holder, key, tensors[name]) for name, found in places.items() for holder, key in found]
    before = [(holder, key, holder[key]) for holder, key, _ in new]
    try:
        for holder, key, tensor in new:
            holder[key] = tensor
        yield
    finally:
        for holder, key, tensor in before:
            holder[key] = tensor


@contextmanager
def _mode(modules: Any, training: bool) -> Iterator[None]:
    """Put modules, and those in them, into training or evaluation mode, and back."""
    before = [(module, module.training) for each in modules for module in each.modules()]
    try:
        for module, _ in before:
            module.training = training
        yield
    finally:
        for module, was in before:
            module.training = was


# --- Trees ------------------------------------------------------------------------------------------------------------


def _of_trees(trees: Mapping[str, Any], call_of: Callable[[Mapping[str, Any], Mapping[str, Any]], Call]) -> Weights:
    """Take the real leaves of containers by their paths; `call_of` is given new containers and all new values."""
    found = {name: dict(leaves(tree, name)) for name, tree in trees.items()}
    real = {path for paths in found.values() for path, leaf in paths.items() if is_real(leaf)}
    values = {path: _array(leaf) for paths in found.values() for path, leaf in paths.items() if path in real}

    def bind(new: Mapping[str, Any], _: bool) -> Call:
        made = {
            name: rebuilt(tree, iter([new.get(path, leaf) for path, leaf in found[name].items()]))
            for name, tree in trees.items()
        }
        return call_of(made, new)

    return Weights(values, bind)


def _array(leaf: Any) -> Array:
    if hasattr(leaf, "detach"):  # a tensor may be followed by autograd, or of a precision that numpy has not
        leaf = leaf.detach().double().numpy(force=True)
    return np.array(leaf, np.float64)


def _bound(f: Any) -> Callable[[Any], Any] | None:
    """Return what binds a module of flax.linen, which is bound to variables, to others; None of anything else."""
    linen: Any = sys.modules.get("flax.linen")
    if linen is None or not isinstance(f, linen.Module) or f.scope is None:
        return None
    module, _ = f.unbind()
    return partial(module.bind, rngs=f.scope.rngs, mutable=f.scope.mutable)


def _has_arrays(tree: Any) -> bool:
    """Whether this is a container, and holds real arrays."""
    return is_tree(tree) and any(hasattr(leaf, "shape") and is_real(leaf) for _, leaf in leaves(tree))
