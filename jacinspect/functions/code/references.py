"""A reference to people's own code, "package.module:function" or "path/file.py:function", to the object it names.

Next: callables.py, which makes a Function of it.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from jacinspect.choices import Backend
from jacinspect.errors import FunctionFailedError, InputError, JacinspectError, raised
from jacinspect.wording import did_you_mean

__all__ = ["load", "typed_in"]

_FILE = "jacinspect file "  # begins a file's name as a module: no module that anybody imports is called that
_LISTED = 12  # functions of a module, about two lines of them


def load(text: str) -> Any:
    """Import the object that "package.module:name" or "path/file.py:name" names; the name may be dotted.

    The current folder is at the front of the import path, for a file its own folder too. A file is imported once.

    Raises
    ------
    InputError
        If there is no such file, module or name, or it is nothing to call.
    FunctionFailedError
        If importing it raises.
    """
    place, colon, name = text.rpartition(":")
    _first_on_path(Path.cwd())
    if not colon:
        file = _file(text)
        first = next(iter(_own(file)), "function")
        raise InputError(f"{text}: name the function in it too, as in {text}:{first}{_has(file)}")
    found: Any = _file(place) if place.endswith(".py") else _module(place)
    home = place
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise InputError(f"{text}: {home} has no {part!r}{_near(part, found)}") from None
        home = f"{home}:{part}" if home == place else f"{home}.{part}"
    if not callable(found) and not callable(getattr(found, "forward", None)):
        raise InputError(f"{text}: is a {type(found).__name__}, not a function")
    return found


def typed_in(folder: str, text: str) -> str:
    """Return a reference that was typed in a folder as it can be loaded from wherever this process is."""
    place, _, name = text.rpartition(":")
    _first_on_path(Path(folder))
    return f"{Path(folder, place)}:{name}" if place.endswith(".py") and str(Path.cwd()) != folder else text


def _near(name: str, owner: object) -> str:
    return did_you_mean(name, _functions(owner), 3, str, _has(owner).removeprefix("; "))


def _has(owner: object) -> str:
    own = _own(owner)
    return f"; it has {', '.join(own[:_LISTED])}{', …' * (len(own) > _LISTED)}" if own else ""


def _functions(owner: object) -> dict[str, object]:
    return {
        other: value
        for other, value in getattr(owner, "__dict__", {}).items()
        if callable(value) and not isinstance(value, type) and not other.startswith("_")
    }


def _own(owner: object) -> list[str]:
    """Name the functions that a module defines, and does not import from elsewhere."""
    home = getattr(owner, "__name__", None)  # of a module, which its own functions name; a class has another
    return [other for other, value in _functions(owner).items() if getattr(value, "__module__", "") == home]


def _first_on_path(folder: Path) -> None:
    if str(folder) not in sys.path[:2]:
        sys.path.insert(0, str(folder))


def _file(place: str) -> ModuleType:
    path = Path(place).expanduser()
    if not path.is_file():
        raise InputError(f"{place}: there is no such file")
    path = path.resolve()
    name = f"{_FILE}{path}"
    if name in sys.modules:
        return sys.modules[name]
    _first_on_path(path.parent)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        _importing(place, lambda: spec.loader.exec_module(module))  # type: ignore[union-attr]
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _module(name: str) -> ModuleType:
    module: ModuleType = _importing(name, lambda: importlib.import_module(name))
    return module


def _importing(place: str, run: Callable[[], Any]) -> Any:
    try:
        return run()
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing.startswith(_FILE):
            package = ".".join(Path(place).with_suffix("").parts[-2:])
            raise InputError(
                f"{place}: imports from its package (from . import …), which a file by itself is not in;\n"
                f"name it as the package's module, from the folder that the package is in: {package}:FUNCTION"
            ) from None
        if missing in set(Backend) - {Backend.numpy}:
            raise InputError(
                f"{place}: needs {missing}, which is not installed: pip install 'jacinspect[{missing}]'"
            ) from None
        if missing and (place == missing or place.startswith(f"{missing}.")):
            raise InputError(f"{place}: there is no module {missing!r} here, nor installed") from None
        raise FunctionFailedError(f"{place}: importing it raised {raised(error)}") from error
    except JacinspectError:
        raise
    except (Exception, SystemExit) as error:
        raise FunctionFailedError(f"{place}: importing it raised {raised(error)}") from error
