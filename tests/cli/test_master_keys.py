"""`whydesk keys new`: a key for people to copy, and a file that only grows."""

import stat
from pathlib import Path

from keys.keyring import Keyring
from tests.cli.command import Shell


def test_a_new_key_is_printed_as_it_is_to_be_pasted(whydesk: Shell) -> None:
    said, again = whydesk("keys", "new"), whydesk("keys", "new", "--id", "mine")
    assert (said.code, said.err) == (0, "")
    assert len(Keyring.parse(said.out).ids) == 1
    assert said.out != again.out
    assert Keyring.parse(again.out).current == "mine"


def test_a_file_is_made_and_rotated_and_loses_no_key(whydesk: Shell, tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.keys"
    made = whydesk("keys", "new", "--into", str(path), "--id", "one")
    assert made.code == 0
    assert "master.keys holds one; the first seals" in made.out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "holds one, two;" in whydesk("keys", "new", "--into", str(path), "--id", "two", "--last").out
    assert "holds three, one, two;" in whydesk("keys", "new", "--into", str(path), "--id", "three").out
    kept = Keyring.parse(path.read_text())
    assert kept.ids == ("three", "one", "two")
    shown = made.out + made.err
    assert not any(line.partition(":")[2] in shown for line in kept.text().splitlines()), "a key stays in its file"


def test_what_cannot_be_done_is_told_with_code_2(whydesk: Shell, tmp_path: Path) -> None:
    path = tmp_path / "master.keys"
    whydesk("keys", "new", "--into", str(path), "--id", "one")
    for arguments, says in (
        (["--into", str(path), "--id", "one"], "'one' more than once"),
        (["--id", "with space"], "'with space' is not a key's id"),
        (["--last"], "--last goes with --into"),
        (["--into", str(path / "below")], "cannot be opened or made"),
    ):
        said = whydesk("keys", "new", *arguments)
        assert said.code == 2
        assert says in said.err
    assert Keyring.parse(path.read_text()).ids == ("one",)
