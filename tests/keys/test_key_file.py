"""The key file: made once whoever comes first, private, and never written over."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from keys.key_file import add_key, ensure_key_file
from keys.keyring import Keyring, KeyringError

ROOT = Path(__file__).parents[2]


def test_it_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "master.keys"
    before = os.umask(0)
    try:
        made = ensure_key_file(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ensure_key_file(path) == made == Keyring.parse(path.read_text())


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from keys.key_file import ensure_key_file; print('ready', flush=True); "
        "sys.stdin.readline(); print(ensure_key_file(Path(sys.argv[1])).text(), end='')"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "master.keys")]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(6)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    told = {process.communicate(timeout=60)[0] for process in processes}
    assert told == {(tmp_path / "master.keys").read_text()}


def test_a_key_is_added_as_current_or_behind(tmp_path: Path) -> None:
    path = tmp_path / "master.keys"
    assert add_key(path, Keyring.generate("one"), current=True).ids == ("one",)
    assert add_key(path, Keyring.generate("two"), current=False).ids == ("one", "two")
    assert add_key(path, Keyring.generate("three"), current=True).ids == ("three", "one", "two")
    before = path.read_text()
    with pytest.raises(KeyringError, match="'two' more than once"):
        add_key(path, Keyring.generate("two"), current=True)
    assert path.read_text() == before
    assert ensure_key_file(path).ids == ("three", "one", "two")


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "master.keys"
    ensure_key_file(path)
    path.chmod(0o640)
    with pytest.raises(KeyringError, match=r"has mode 0640, .* chmod 600 it"):
        ensure_key_file(path)


def test_a_damaged_file_is_kept_and_named(tmp_path: Path) -> None:
    path = tmp_path / "master.keys"
    for content in (b"no keyring", b"\xff\xfe\x00"):
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(KeyringError, match=r"master\.keys"):
            ensure_key_file(path)
        assert path.read_bytes() == content


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KeyringError, match=r"file/master\.keys' cannot be opened or made"):
        ensure_key_file(tmp_path / "file" / "master.keys")
