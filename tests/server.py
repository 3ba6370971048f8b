"""Fork the program from a process that has imported it: a run without half a second of imports, or three with torch.

Its standard input is a listening socket, whose clients are `tests/client.py`; its words are further modules to import.
Each run is a process of its own, with its client's streams, folder, environment and words. Where code is named that
is not ours, it ends as Python does. The server ends with the process that started it.
"""

import gc
import importlib
import marshal
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress

import jacinspect

READ_AT_START = ("PYTHON", "LC_", "LANG", "OMP_", "OPENBLAS_", "MKL_")  # once, by Python and by the libraries of arrays


def import_all(further: Iterable[str]) -> None:
    """Import what runs import, and call nothing: threads, such as those of BLAS, do not survive a fork."""
    ours = [module.name for module in pkgutil.walk_packages(jacinspect.__path__, "jacinspect.")]
    for name in (*ours, "numpy.ma", *further):
        if name != "jacinspect.__main__":  # which is run, and so must not be there yet
            importlib.import_module(name)
    gc.freeze()  # or the first collection of a run would write to, and so copy, all of this memory


def next_run() -> socket.socket:
    """Wait for clients for ever, and return in forks only: the connection with a client."""
    parent = os.pidfd_open(os.getppid())
    listener = socket.socket(fileno=0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for forks here
    while parent not in select.select([listener.fileno(), parent], [], [])[0]:
        client, _ = listener.accept()
        if not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.close(parent)
            listener.detach()  # standard input, which is replaced
            return client
        client.close()
    os._exit(0)


def become(client: socket.socket) -> None:
    """Return in a fork that has all that the client sends; this process waits for it, or kills it with its client."""
    message, streams, _, _ = socket.recv_fds(client, 1 << 20, 3)
    folder, environment, words = marshal.loads(message)
    if read_at_start(environment) != read_at_start(os.environ):
        client.send(b"anew")
        os._exit(0)
    if run := os.fork():
        for stream in streams:
            os.close(stream)
        end = os.pidfd_open(run)
        if end not in select.select([client.fileno(), end], [], [])[0]:
            os.kill(run, signal.SIGKILL)
        client.send(b"%d" % os.waitstatus_to_exitcode(os.waitpid(run, 0)[1]))
        os._exit(0)
    client.close()
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.dup2(streams[number], number)
        os.close(streams[number])
        like, buffering = getattr(sys, name), 1 if name == "stderr" else -1  # by lines, or as fits a file or a terminal
        stream = open(number, like.mode, buffering, like.encoding, like.errors, "\n", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = folder
    sys.argv[1:] = words


def read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(READ_AT_START)}


def end_at_once(code: object) -> None:
    """End a run of our own code alone, if all is written: Python takes all modules apart, and so copies this memory."""
    if isinstance(code, int) and sys.argv[1:2] != ["check"] and not any(":" in word for word in sys.argv[1:]):
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


if __name__ == "__main__":
    import_all(sys.argv[1:])
    become(next_run())
    try:
        runpy.run_module("jacinspect", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        end_at_once(end.code)
        raise
