"""The executor that --executor names: a scheduler of dask. In: "dask:tcp://HOST:PORT". Out: an Executor. Next: cli."""

import logging
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib import import_module

from jacinspect.errors import InputError

__all__ = ["connected", "place_of"]

_WAIT = 10.0  # seconds for a scheduler to answer: one that is there takes milliseconds, and a wrong port would take 30


def place_of(address: str) -> str:
    """Return where a scheduler is, of an address such as dask:tcp://127.0.0.1:8786; raise InputError if it is none."""
    kind, _, place = address.partition(":")
    if kind != "dask" or not place:
        meant = f"dask:{address}" if "://" in address else "dask:tcp://127.0.0.1:8786"
        raise InputError(f"--executor {address}: name a scheduler of dask, such as {meant}")
    return place


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
