"""`dataclass` as the standard library has it, at a tenth of what that takes to define one. In: a class. Out: the same.

The standard decorator writes source text for six methods of every class and compiles it, which for the hundred classes
of an inspection takes longer than to import numpy. Here all classes share methods that read the fields.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:  # so that a type checker sees what it knows
    from dataclasses import dataclass
else:

    def dataclass(cls=None, /, *, frozen=False, eq=True, **options):
        """Add to a class what the decorator of this name in `dataclasses` adds; `options` are that one's."""
        if cls is None:
            return lambda cls: dataclass(cls, frozen=frozen, eq=eq, **options)
        cls.__doc__ = cls.__doc__ or ""  # where there is none, the standard one inspects signatures for it
        dataclasses.dataclass(init=False, repr=False, eq=False, **options)(cls)
        cls.__init__ = _initializer(cls)
        if "__repr__" not in vars(cls):
            cls.__repr__ = recursive_repr()(_repr)
        if eq:
            cls.__eq__, cls.__hash__ = _eq, _hash if frozen else None
        if frozen:
            cls.__setattr__, cls.__delattr__ = _refuse_to_set, _refuse_to_delete
        return cls


def _initializer(cls: Any) -> Callable[..., None]:
    """Return a class's __init__, which takes the fields by position or name, or else their defaults."""
    fields = dataclasses.fields(cls)
    names = [field.name for field in fields]
    makers = {field.name: field.default_factory for field in fields if field.default_factory is not MISSING}
    defaults = {field.name: field.default for field in fields if field.default is not MISSING}
    expected = set(names)
    finish = getattr(cls, "__post_init__", None)

    def initialize(self: Any, *given: Any, **named: Any) -> None:
        values = dict(zip(names, given, strict=False)) | named
        fits = len(values) == len(given) + len(named)  # none by position and by name, and not too many
        if fits and len(values) < len(names):
            values = {name: makers[name]() for name in makers if name not in values} | defaults | values
        if not fits or values.keys() != expected:
            raise TypeError(f"{cls.__name__}() takes {', '.join(names)}")
        self.__dict__.update(values)
        if finish is not None:
            finish(self)

    return initialize


def _values(record: Any) -> tuple[Any, ...]:
    return tuple(getattr(record, field.name) for field in dataclasses.fields(record))


def _repr(self: Any) -> str:
    named = (f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{type(self).__qualname__}({', '.join(named)})"


def _eq(self: Any, other: object) -> bool:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _refuse_to_set(self: Any, name: str, value: object) -> None:  # noqa: ARG001 (what Python calls it with)
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: Any, name: str) -> None:  # noqa: ARG001
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
