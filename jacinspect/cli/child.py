"""A process of its own for code that may end its process. In: what was typed. Next: requests."""

import atexit
import os
import sys
from threading import Thread
from time import sleep

from jacinspect.errors import InputError
from jacinspect.wording import how_it_ended

__all__ = ["go_on_in_a_child"]

_GRACE = 1.0  # seconds in which a child that Ctrl-C reached as well, as on a terminal, ends by itself


def go_on_in_a_child(*typed: str | None) -> int | None:
    """Go on in a child process where code was named: return None in the child; here its exit status, once it ended.

    A process can say nothing after `os._exit` or a signal; its parent can. There is no child on Windows, which cannot
    fork, and none for names and expressions, which run nobody's code.

    Raises
    ------
    InputError
        Here, if the child did not come to its own end.
    """
    if sys.platform == "win32" or not any(":" in text for text in typed if text):
        return None
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()  # or both would write what is buffered
    end, at_end = os.pipe()
    alive, held = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(held)
        Thread(target=_follow, args=(alive,), daemon=True).start()
        atexit.register(os.write, at_end, b".")  # which neither os._exit nor a signal comes to
        return None
    os.close(at_end)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.set_blocking(end, False)  # a process that the code has started may still hold its other side
    try:
        ended_itself = os.read(end, 1) == b"."
    except BlockingIOError:
        ended_itself = False
    if not ended_itself:
        raise InputError(f"the inspected code {how_it_ended(status)}; a function that is inspected has to return")
    return status


def _follow(alive: int) -> None:
    """End this process when its parent is gone, however that ended: nobody holds the pipe's other side then."""
    os.read(alive, 1)
    sleep(_GRACE)
    os._exit(1)
