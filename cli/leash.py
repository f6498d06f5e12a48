"""Runs a command that must not outlive its parent: `python -m cli.leash COMMAND…` with a pipe as standard input.

The parent holds the pipe's other end. When it closes, for whatever reason, kill -9 of the parent included, the command is
asked to stop and, after a grace, made to. Works wherever there are pipes; Linux's parent-death signal does not.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

GRACE = 10.0
"""Seconds between asking and making."""


def main(command: list[str]) -> int:
    """Run the command until it ends or standard input does; return its exit code."""
    # A session of its own: Ctrl-C in a terminal is for the parent, which stops its children in the right order.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: _end(process))
    threading.Thread(target=_watch, args=(process,), daemon=True).start()
    return process.wait()


def _watch(process: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1024):
        pass
    _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        timer = threading.Timer(GRACE, _kill, (process,))
        timer.daemon = True
        timer.start()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
