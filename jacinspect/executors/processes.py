"""A process and all that it starts, ended together: a session on POSIX, a job object on Windows. Next: own, workers."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from threading import Thread

__all__ = ["become_worker", "end", "end_here", "interrupts_ignored", "lead"]

_GRACE = 1.0  # seconds to wait for a process that was killed, which takes milliseconds

if sys.platform == "win32":
    _KILL_ON_CLOSE = 0x2000  # JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE
    _EXTENDED_LIMITS = 9  # JobObjectExtendedLimitInformation
    _FLAGS_AT, _SIZE = 16, 144  # bytes, of LimitFlags in JOBOBJECT_EXTENDED_LIMIT_INFORMATION, and of that, in 64 bits

    def lead() -> None:
        """Put this process into a job, which ends with it: with its last handle Windows ends all processes of a job."""
        import ctypes

        kernel = ctypes.WinDLL("kernel32")
        kernel.CreateJobObjectW.restype = kernel.GetCurrentProcess.restype = ctypes.c_void_p
        job = ctypes.c_void_p(kernel.CreateJobObjectW(None, None))
        limits = ctypes.create_string_buffer(bytes(_FLAGS_AT) + _KILL_ON_CLOSE.to_bytes(4, "little"), _SIZE)
        kernel.SetInformationJobObject(job, _EXTENDED_LIMITS, limits, _SIZE)
        kernel.AssignProcessToJobObject(job, ctypes.c_void_p(kernel.GetCurrentProcess()))

    def end_here() -> None:
        """End this process and those that it started."""
        os.kill(os.getpid(), signal.SIGTERM)  # which Windows answers at once, whatever the process does

    def end(process: BaseProcess) -> None:
        """End another process and those that it started."""
        process.kill()
        process.join(_GRACE)

else:

    def lead() -> None:
        """Begin a session, whose processes can be killed together."""
        os.setsid()

    def end_here() -> None:
        """End this process and those that it started."""
        os.killpg(0, signal.SIGKILL)

    def end(process: BaseProcess) -> None:
        """End another process and those that it started."""
        try:
            assert process.pid is not None
            os.killpg(process.pid, signal.SIGKILL)
        except OSError:  # it does not lead a session yet, or is gone
            process.kill()
        process.join(_GRACE)


def become_worker() -> None:
    """Have this process end with its parent, however that ends, and with it all that it starts; not by Ctrl-C."""
    lead()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which a process does not inherit on Windows
    Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        end_here()


@contextmanager
def interrupts_ignored() -> Iterator[None]:
    """Start a process that ignores Ctrl-C from its first moment; its parent receives it and decides."""
    try:
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    except ValueError:  # not in the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
