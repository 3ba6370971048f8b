"""`dataclass` as the standard library has it, at a twentieth of what that takes to define one.

The standard decorator writes source text for six methods of every class and compiles it, which for the hundred classes
of an inspection takes longer than to import numpy. Here all classes share methods that read the names of the fields.
"""

import dataclasses
from collections.abc import Callable
from contextlib import suppress
from dataclasses import MISSING
from reprlib import recursive_repr
from threading import RLock
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass", "replace"]

_OFTEN = 32  # instances, after which a class gets an __init__ of its own: compiling one takes as long as making 30
_LOCK = RLock()  # the fields of a class may ask for those of the class that it extends

if TYPE_CHECKING:  # so that a type checker sees what it knows
    from dataclasses import dataclass, replace
else:

    def dataclass(cls=None, /, *, frozen=False, eq=True, **options):
        """Add to a class what the decorator of this name in `dataclasses` adds; `options` are that one's."""
        if cls is None:
            return lambda cls: dataclass(cls, frozen=frozen, eq=eq, **options)
        cls.__record__ = _defaults(cls)
        cls.__init__ = _initializer(cls, cls.__record__)
        cls.__dataclass_fields__, cls.__match_args__ = _Fields(cls, options), tuple(cls.__record__)
        if "__repr__" not in vars(cls):
            cls.__repr__ = _repr
        if eq:
            cls.__eq__, cls.__hash__ = _eq, _hash if frozen else None
        if frozen:
            cls.__setattr__, cls.__delattr__ = _refuse_to_set, _refuse_to_delete
        return cls

    def replace(record, /, **changes):
        """Return a record with some fields changed, as that of `dataclasses` does in four times as long."""
        own = record.__dict__
        return type(record)(**{name: own[name] for name in record.__record__} | changes)


class _Fields:
    """Stands for the fields of a class until `fields`, `replace` or `asdict` ask for them."""

    def __init__(self, cls: Any, options: dict[str, Any]) -> None:
        self._cls, self._options = cls, options

    def __get__(self, instance: object, owner: type) -> Any:
        cls = self._cls
        with _LOCK:
            if vars(cls)["__dataclass_fields__"] is self:  # no other thread was first
                cls.__doc__ = cls.__doc__ or ""  # where there is none, it would inspect signatures for it
                dataclasses.dataclass(init=False, repr=False, eq=False, **self._options)(cls)
        return cls.__dataclass_fields__


def _defaults(cls: Any) -> dict[str, Any]:
    """Return the default of each field, MISSING for none; those of a class that it extends come first."""
    defaults = dict(getattr(cls, "__record__", {}))
    return defaults | {name: vars(cls).get(name, defaults.get(name, MISSING)) for name in cls.__annotations__}


def _initializer(cls: Any, defaults: dict[str, Any]) -> Callable[..., None]:
    """Return an __init__ that takes the fields by position or by name, or else their defaults."""
    names, expected, times = list(defaults), defaults.keys(), 0
    finish = getattr(cls, "__post_init__", None)
    made = [name for name, value in defaults.items() if isinstance(value, dataclasses.Field)]
    plain = {name: value for name, value in defaults.items() if value is not MISSING and name not in made}

    def initialize(self: Any, *given: Any, **named: Any) -> None:
        nonlocal times
        times += 1
        if times == _OFTEN:
            with suppress(SyntaxError):  # fields without a default come last where all are given by name
                cls.__init__ = _compiled(cls, defaults, finish)
        values = dict(zip(names, given, strict=False)) | named
        fits = len(values) == len(given) + len(named)  # none by position and by name, and not too many
        if len(values) < len(names):
            values = plain | values
            for name in made:
                if name not in values:
                    values[name] = _default(defaults[name])
                    fits &= values[name] is not MISSING
        if not fits or values.keys() != expected:
            raise TypeError(f"{cls.__name__}() takes {', '.join(names)}")
        self.__dict__.update(values)
        if finish is not None:
            finish(self)

    return initialize


def _compiled(cls: Any, defaults: dict[str, Any], finish: Callable[[Any], None] | None) -> Callable[..., None]:
    """Return an __init__ of a class' own, from source text, as the standard library does: it takes half the time."""
    known: dict[str, Any] = {"__finish": finish, "__missing": MISSING, "__default": _default}  # as no field is called
    parameters, lines = ["self"], ["__values = self.__dict__"]
    for place, (name, value) in enumerate(defaults.items()):
        known[f"__{place}"] = value
        made = isinstance(value, dataclasses.Field)
        required = value is MISSING or (made and value.default is value.default_factory is MISSING)
        parameters.append(name if required else f"{name}=__missing" if made else f"{name}=__{place}")
        asked = f" if {name} is not __missing else __default(__{place})" if made else ""
        lines.append(f"__values[{name!r}] = {name}{asked}")
    lines += ["__finish(self)"] if finish is not None else []
    exec(f"def __init__({', '.join(parameters)}):\n " + "\n ".join(lines), known)
    initialize: Callable[..., None] = known["__init__"]
    initialize.__qualname__ = f"{cls.__qualname__}.__init__"
    return initialize


def _default(value: Any) -> Any:
    """Return a default that the class gave by `field`, MISSING for none."""
    return value.default if value.default_factory is MISSING else value.default_factory()


def _values(record: Any) -> tuple[Any, ...]:
    return tuple(getattr(record, name) for name in record.__record__)


@recursive_repr()
def _repr(self: Any) -> str:
    named = (f"{name}={getattr(self, name)!r}" for name in self.__record__)
    return f"{type(self).__qualname__}({', '.join(named)})"


def _eq(self: Any, other: object) -> bool:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _refuse_to_set(self: Any, name: str, value: object) -> None:  # noqa: ARG001 (what Python calls it with)
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(self: Any, name: str) -> None:  # noqa: ARG001
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
