"""A prompt file that changes without a new version is noticed before it is used."""

import shutil
from pathlib import Path

import pytest

from reasoning.prompts.lock import PromptChanged, check_lock, read_lock, write_lock
from reasoning.prompts.wording import PINNED, SHIPPED


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The shipped files and their lock, to be changed."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "prompts"))


def test_the_shipped_files_are_what_the_lock_says() -> None:
    assert check_lock() == read_lock(), "run `python -m reasoning.prompts.lock`"
    assert {f"{purpose}@{version}" for purpose, version in PINNED.items()} <= set(read_lock())


def test_a_change_without_a_new_version_is_refused_with_what_to_do(copied: Path) -> None:
    path = copied / "diagnose" / "1.md"
    path.write_text(path.read_text().replace("Never calculate", "Calculate freely"))
    with pytest.raises(PromptChanged, match=r"'diagnose@1' is not what was released.* diagnose/2\.md"):
        write_lock(copied, copied / "lock.json")
    assert read_lock(copied / "lock.json") == read_lock()


def test_a_version_that_was_removed_is_missed(copied: Path) -> None:
    (copied / "select" / "1.md").unlink()
    with pytest.raises(PromptChanged, match="'select@1'"):
        check_lock(copied, copied / "lock.json")


def test_a_new_version_is_added_and_the_old_one_stays(copied: Path) -> None:
    shutil.copy(copied / "select" / "1.md", copied / "select" / "2.md")
    write_lock(copied, copied / "lock.json")
    assert read_lock(copied / "lock.json").items() > read_lock().items()
    assert "select@2" in read_lock(copied / "lock.json")
