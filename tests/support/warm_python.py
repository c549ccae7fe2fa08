# Copyright (c) 2026, The Novella team
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An interpreter for fake hosts that has Ansible's and Novella's code imported before it is asked to run a module.

On a real host Python compiles all that a module imports, each time; that is nine tenths of a module run on a fake one.
Here a server has done so once, and forks for each module. What it runs is a real module run otherwise: a process of its
own, with the environment and the files of the one that Ansible started, which ends when that one does.

A program too: ``python warm_python.py SOCKET`` is the server.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

# Ansible hands a module over on standard input; with arguments this is Python as ever.
CLIENT = """#!{python} -IS
import json, os, socket, sys
if sys.argv[1:]:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
with socket.socket(socket.AF_UNIX) as server:
    server.connect({socket!r})
    socket.send_fds(server, [b"+"], [0, 1, 2])
    server.sendall(json.dumps([os.getcwd(), dict(os.environ)]).encode() + b"\\n")
    sys.exit(int(server.makefile().readline() or 70))
"""


@contextlib.contextmanager
def warm_python() -> Iterator[Path]:
    """Start a server, and give the path of an interpreter that uses it."""
    with tempfile.TemporaryDirectory(prefix="novella-python-") as folder:
        interpreter, address = Path(folder, "python"), str(Path(folder, "socket"))
        interpreter.write_text(CLIENT.format(python=sys.executable, socket=address))
        interpreter.chmod(0o755)
        with subprocess.Popen([sys.executable, __file__, address], stdout=subprocess.PIPE) as server:
            try:
                assert server.stdout is not None
                assert server.stdout.readline() == b"ready\n"
                yield interpreter
            finally:
                server.terminate()


def serve(address: str) -> None:
    """Run modules until terminated."""
    _preload()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        os.write(1, b"ready\n")
        while True:
            client, _address = listener.accept()
            with client:
                if os.fork() == 0:
                    listener.close()
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    os._exit(_attend(client))


def _preload() -> None:
    import ansible.module_utils._internal._ansiballz._loader
    import ansible.module_utils.basic  # noqa: F401
    from ansible_collections.novella.compute.plugins.module_utils import door, fingerprint_door  # noqa: F401
    from ansible_collections.novella.compute.plugins.module_utils.virt import fake  # noqa: F401


def _attend(client: socket.socket) -> int:
    """Run a client's module in a process of its own, and end that one as soon as the client is gone."""
    _plus, files, _flags, _address = socket.recv_fds(client, 1, 3)
    with client.makefile() as asked:
        folder, environment = json.loads(asked.readline())
    module = os.fork()
    if module == 0:
        client.close()
        _become(files, folder, environment)
    for file in files:
        os.close(file)
    ended = os.pidfd_open(module)
    if ended not in select.select([ended, client], [], [])[0]:
        os.kill(module, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(module, 0)[1])
    with contextlib.suppress(OSError):
        client.sendall(b"%d\n" % (code if code >= 0 else 128 - code))
    return 0


def _become(files: list[int], folder: str, environment: dict[str, str]) -> None:
    """Be the interpreter that the client was started as. Never returns."""
    code = 70
    try:
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        sys.argv[:] = [""]
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        exec(compile(sys.stdin.read(), "<stdin>", "exec"), vars(sys.modules["__main__"]))
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(sys.argv[1])
