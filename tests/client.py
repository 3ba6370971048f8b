"""Run the program in a fork of `tests/server.py`, and end as it ends; start it anew if no fork can be the same.

The first argument is the server's address, the others are the program's. It imports little: it is what a run costs.
"""

import json
import os
import socket
import sys

address, *words = sys.argv[1:]
if None in (sys.stdin, sys.stdout, sys.stderr):  # a closed stream cannot be handed over
    status = b"anew"
else:
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.connect(f"\0{address}")
        message = json.dumps([os.getcwd(), dict(os.environ), words])  # noqa: PTH109 (pathlib takes as long as this)
        socket.send_fds(server, [message.encode()], [0, 1, 2])
        status = server.recv(99)
if status == b"anew":
    os.execv(sys.executable, [sys.executable, "-m", "jacinspect", *words])
if int(status) < 0:
    os.kill(os.getpid(), -int(status))
os._exit(int(status))
