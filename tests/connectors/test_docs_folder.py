"""Folders of documentation: their Git commit, what is left out, and ways out that are not taken."""

import os
import subprocess
from pathlib import Path

import pytest

from connectors import docs_folder
from connectors.base import FindingStatus
from connectors.docs_folder import FolderSource, commit_of
from connectors.docs_index import DocsIndex

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Lay out a checkout as Git does, with the documentation in a folder of it."""
    git = tmp_path / "repository" / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "refs" / "heads" / "main").write_text(COMMIT + "\n")
    docs = tmp_path / "repository" / "docs"
    docs.mkdir()
    (docs / "keys.md").write_text("# Keys\n\nexpire\n")
    return docs


def test_the_commit_is_read_however_git_keeps_it(checkout: Path) -> None:
    git = checkout.parent / ".git"
    assert commit_of(checkout) == COMMIT
    (git / "refs" / "heads" / "main").unlink()
    (git / "packed-refs").write_text(f"# pack-refs with: peeled\n{OTHER} refs/heads/mainly\n{OTHER} refs/heads/main\n")
    assert commit_of(checkout) == OTHER
    (git / "HEAD").write_text(COMMIT)
    assert commit_of(checkout) == COMMIT
    tree = checkout.parent.parent / "tree"
    tree.mkdir()
    linked = git / "worktrees" / "tree"
    linked.mkdir(parents=True)
    (tree / ".git").write_text(f"gitdir: {linked}\n")
    (linked / "HEAD").write_text("ref: refs/heads/main\n")
    (linked / "commondir").write_text("../..\n")
    assert commit_of(tree) == OTHER


@pytest.mark.parametrize(
    "head", ["", "ref: ../../../etc/passwd", "ref: refs/heads/../../HEAD", "ref: refs/none", "x" * 40]
)
def test_a_head_that_leads_nowhere_is_no_commit(checkout: Path, head: str) -> None:
    (checkout.parent / ".git" / "HEAD").write_text(head)
    assert commit_of(checkout) == ""


def test_the_commit_is_the_one_that_git_tells(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    try:
        subprocess.run([*git, "init", "-q"], check=True)
    except FileNotFoundError:
        pytest.fail("this test needs the git command")
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    told = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert commit_of(tmp_path) == told
    subprocess.run([*git, "pack-refs", "--all"], check=True)
    assert commit_of(tmp_path) == told


async def test_a_refresh_tells_the_commit_and_what_it_left_out(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = DocsIndex()
    source = FolderSource(str(checkout), "")
    assert (await source.refresh(index)).version == COMMIT
    (checkout / "more.md").write_text("# More\n\nexpire\n")
    monkeypatch.setattr(docs_folder, "PAGE_LIMIT", 1)
    cut = await source.refresh(index)
    assert (cut.left_out, cut.unread) == (1, 0)
    assert "1 page beyond" in cut.shortfall
    assert list(index.stamps()) == ["keys.md"]
    index.close()


async def test_no_link_leads_out_of_the_folder_and_bad_bytes_are_text(checkout: Path) -> None:
    outside = checkout.parent.parent / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("# Secret\n\nnever_index_this\n")
    os.symlink(outside, checkout / "linked")
    os.symlink(outside / "secret.md", checkout / "one.md")
    os.symlink(checkout, checkout / "loop")
    (checkout / "latin.md").write_bytes(b"# Caf\xe9\n\nbad_bytes \xff\xfe word\n")
    os.mkfifo(checkout / "pipe.md")
    index = DocsIndex()
    await FolderSource(str(checkout), "").refresh(index)
    assert sorted(index.stamps()) == ["keys.md", "latin.md"]
    assert index.search(["bad_bytes"], 5)
    assert not index.search(["never_index_this"], 5)
    index.close()


async def test_an_examination_tells_what_is_there(checkout: Path, tmp_path: Path) -> None:
    found = await FolderSource(str(checkout), "https://docs.example.com").examine()
    assert [(one.check, one.status, one.detail) for one in found] == [
        ("reach", FindingStatus.OK, f"1 pages at commit {COMMIT[:12]}")
    ]
    unlinked = await FolderSource(str(checkout), "").examine()
    assert [one.status for one in unlinked] == [FindingStatus.OK, FindingStatus.WARNING]
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "missing"):
        bad = (await FolderSource(str(tmp_path / folder), "x").examine())[0]
        assert bad.status is FindingStatus.FAILURE
        assert "connectors.docs.folder" in bad.remedy


def test_a_damaged_index_is_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "index.db"
    file.write_bytes(b"this is no database" * 500)
    index = DocsIndex(str(file))
    assert index.stamps() == {}
    index.close()
