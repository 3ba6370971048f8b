"""Where the function is called: --jobs and --executor -> an executor, or None for this process. Next: requests."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jacinspect.errors import InputError

__all__ = ["executor_of", "number_of_jobs", "require_possible"]


def number_of_jobs(text: str) -> int:
    """Read --jobs: a number, or auto for one for each processor."""
    if text == "auto":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not re.fullmatch("0*[1-9][0-9]*", text):
        raise InputError(f"--jobs {text}: a number of processes above 0, or auto, is needed")
    return int(text)


def require_possible(jobs: str, address: str | None) -> int:
    """Return the number of processes; raise InputError where that or the cluster is misspelt, or both are given."""
    number = number_of_jobs(jobs)
    if address is not None:
        from jacinspect.executors.cluster import place_of

        place_of(address)
        if number > 1:
            raise InputError("--jobs starts processes here, and --executor names workers elsewhere: give one of them")
    return number


@contextmanager
def executor_of(jobs: str, address: str | None) -> Iterator[Any]:
    """Start processes, or connect to a cluster, as an Executor, or None; left when the work is done or interrupted.

    Raises
    ------
    InputError
        Where they are misspelt, both are given, or the cluster is not there.
    """
    number = require_possible(jobs, address)
    if address is not None:
        from jacinspect.executors.cluster import connected

        with connected(address) as executor:
            yield executor
    elif number > 1:
        from jacinspect.executors.own import Processes

        with Processes(number) as executor:
            yield executor
    else:
        yield None
