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
    """Run the command until it ends or standard input does.

    Returns its exit code, as a shell does: 128 and the signal's number for one that a signal ended, 127 where there is none.
    """
    early = threading.Event()
    # Asked to stop before there is a command, we must not die of it and leave the command alone.
    signal.signal(signal.SIGTERM, lambda *_: early.set())
    # A handler, and not SIG_IGN, which the command would inherit.
    signal.signal(signal.SIGINT, lambda *_: None)
    try:
        # A session of its own: Ctrl-C in a terminal is for the parent, which stops its children in the right order.
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603  # our own command
    except OSError as error:
        print(f"cannot run {command[0]!r}: {error.strerror}", file=sys.stderr)
        return 127
    signal.signal(signal.SIGTERM, lambda *_: _end(process))
    if early.is_set():
        _end(process)
    threading.Thread(target=_watch, args=(process,), daemon=True).start()
    code = process.wait()
    _kill(process)  # what it started and did not end itself
    return code if code >= 0 else 128 - code


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
    # macOS refuses where only the ended command itself is left of the group.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
