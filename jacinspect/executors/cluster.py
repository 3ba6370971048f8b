"""The executor that --executor names: a scheduler of dask. In: "dask:tcp://HOST:PORT". Out: an Executor. Next: cli."""

import logging
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib import import_module
from socket import create_connection
from time import monotonic, sleep
from urllib.parse import urlsplit

from jacinspect.errors import InputError

__all__ = ["connected", "place_of"]

_WAIT = 10.0  # seconds for a scheduler to answer: one that is there takes milliseconds, and a wrong port would take 30
_STARTING = 3.0  # seconds in which a port may be closed: a scheduler opens it a second or two after it was started
_POLL = 0.1  # seconds between looks at a port, a tenth of what starting a scheduler takes


def place_of(address: str) -> str:
    """Return where a scheduler is, of an address such as dask:tcp://127.0.0.1:8786; raise InputError if it is none."""
    kind, _, place = address.partition(":")
    is_tcp = place.partition("://")[0] in (place, "tcp", "tls")  # as it is if nothing else is said
    if kind != "dask" or not place or (is_tcp and _endpoint(place) is None):
        meant = f"dask:{address}" if "://" in address and kind != "dask" else "dask:tcp://127.0.0.1:8786"
        raise InputError(f"--executor {address}: name a scheduler of dask, such as {meant}")
    return place


def _endpoint(place: str) -> tuple[str, int] | None:
    """Return the host and the port of a scheduler's place; None where it has not both."""
    try:
        at = urlsplit(place if "://" in place else f"tcp://{place}")
        return None if at.hostname is None or at.port is None else (at.hostname, at.port)
    except ValueError:  # the port is no number, or too large
        return None


def _require_open(address: str, endpoint: tuple[str, int]) -> None:
    """Raise InputError where a port stays closed, as dask does only when all its time is up."""
    until = monotonic() + _STARTING
    while True:
        try:
            create_connection(endpoint, _WAIT).close()
            return
        except ConnectionRefusedError:
            if monotonic() > until:
                start = f"the port is closed; start one there: dask scheduler --port {endpoint[1]}"
                raise InputError(f"--executor {address}: no scheduler answers there, for {start}") from None
            sleep(_POLL)
        except OSError as error:  # there is no such host, or no way to it
            reason = (error.strerror or "timed out").lower()
            raise InputError(f"--executor {address}: no scheduler answers there: {reason}") from None


@contextmanager
def connected(address: str) -> Iterator[Executor]:
    """Connect to a cluster; it is left as it was afterwards.

    Raises
    ------
    InputError
        Where it is no address of dask, nobody answers there, there are no workers, or dask is not installed.
    """
    place = place_of(address)
    try:
        dask, distributed = import_module("dask"), import_module("distributed")
    except ModuleNotFoundError:
        raise InputError("--executor: needs dask, which is not installed: pip install 'jacinspect[dask]'") from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what goes wrong is told as an error of ours
    endpoint = _endpoint(place)
    if endpoint is not None:
        _require_open(address, endpoint)
    try:
        client = distributed.Client(place, timeout=_WAIT, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(f"--executor {address}: no scheduler answers there ({type(error).__name__})") from None
    try:
        try:
            client.wait_for_workers(1, timeout=_WAIT)  # those that are being started, or again after they died
        except TimeoutError:
            line = f"start some: dask worker {place}"
            raise InputError(f"--executor {address}: the scheduler has no workers; {line}") from None
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"}):  # points may be large
            yield client.get_executor(pure=False)
    finally:
        client.close(timeout=_WAIT)
