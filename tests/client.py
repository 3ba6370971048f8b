"""Run the program in a fork of `tests/server.py`, and end as it ends; start it anew if no fork can be the same.

The first argument is the server's address, the others are the program's. It imports little: it is what a run costs,
and json and socket take longer to import than Python takes to start.
"""

import _socket
import marshal
import os
import sys

address, *words = sys.argv[1:]
if None in (sys.stdin, sys.stdout, sys.stderr):  # a closed stream cannot be handed over
    status = b"anew"
else:
    server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    server.connect(f"\0{address}")
    message = marshal.dumps((os.getcwd(), dict(os.environ), words))  # noqa: PTH109 (pathlib takes as long as this)
    streams = b"".join(stream.to_bytes(4, sys.byteorder) for stream in (0, 1, 2))
    server.sendmsg([message], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
    status = server.recv(99)
if status == b"anew":
    os.execv(sys.executable, [sys.executable, "-m", "jacinspect", *words])
if int(status) < 0:
    os.kill(os.getpid(), -int(status))
os._exit(int(status))
