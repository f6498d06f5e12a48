"""A keyring in a file that only its owner may read: made once, whoever comes first, and added to for a rotation."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from keys.keyring import Keyring, KeyringError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def ensure_key_file(path: Path) -> Keyring:
    """Return the keyring of the file, making the file (mode 0600) where there is none.

    Processes that start at the same moment get the same keys: one makes them, the others wait and read.

    Raises:
        KeyringError: the file is malformed, others may read it, or it cannot be made or read; says which.
    """
    with _locked(path) as file:
        text = _text(path, file)
        if text:
            return _parse(path, text)
        keyring = Keyring.generate()
        _write(file, keyring)
        return keyring


def add_key(path: Path, key: Keyring, *, current: bool) -> Keyring:
    """Put a key into the file, making the file where there is none: first, or behind the others, which only open.

    Raises:
        KeyringError: as `ensure_key_file`; also an id that the file has already.
    """
    with _locked(path) as file:
        text = _text(path, file)
        there = _parse(path, text).keys if text else ()
        keyring = Keyring((*key.keys, *there) if current else (*there, *key.keys))
        _write(file, keyring)
        return keyring


def _text(path: Path, file: IO[str]) -> str:
    try:
        return file.read()
    except UnicodeDecodeError:
        raise KeyringError(f"{str(path)!r} is not text, so it is no keyring") from None


def _parse(path: Path, text: str) -> Keyring:
    try:
        return Keyring.parse(text)
    except KeyringError as error:
        raise KeyringError(f"{str(path)!r}: {error}") from None


@contextmanager
def _locked(path: Path) -> Iterator[IO[str]]:
    """Open the file for reading and writing, alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise KeyringError(f"{str(path)!r} cannot be opened or made ({error.strerror})") from None
    with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
        # A lock on the file itself goes with the process, however that ends.
        fcntl.flock(file, fcntl.LOCK_EX)
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if mode & _OTHERS:
            raise KeyringError(f"{str(path)!r} has mode {mode:04o}, so that others may reach the keys; chmod 600 it")
        yield file


def _write(file: IO[str], keyring: Keyring) -> None:
    file.seek(0)
    file.write(keyring.text())
    file.truncate()
    file.flush()
    # What is sealed next must not outlive its key when the machine stops.
    os.fsync(file.fileno())
