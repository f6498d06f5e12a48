"""The worked example: its playbook and fixtures hold, and the page shows what the commands really say."""

import re
import shutil
from pathlib import Path

import pytest

from playbooks.fixtures import run_fixtures
from playbooks.library import Library, LoadedPlaybook, PlaybookError
from tests.cli.past_runs import PERSONAL

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "worked-example.md").read_text(encoding="utf-8")
EXAMPLE = DOCS / "worked-example"
WRITTEN = (EXAMPLE / "unexpected-usage/1.yaml").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    found: list[tuple[str, str]] = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [body for each, body in found if each == kind]


def loaded(folder: Path = EXAMPLE) -> LoadedPlaybook:
    return Library.load([folder], alone=False).get("unexpected-usage")


def changed(folder: Path, *changes: tuple[str, str]) -> Path:
    """Copy the example and change its playbook."""
    copy = Path(shutil.copytree(EXAMPLE, folder / "playbooks"))
    text = WRITTEN
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    (copy / "unexpected-usage/1.yaml").write_text(text, encoding="utf-8")
    return copy


def said_by_test(folder: Path = EXAMPLE) -> str:
    lines = []
    for result in run_fixtures(loaded(folder)):
        lines.append(f"{'ok  ' if result.passed else 'FAIL'} unexpected-usage@1 {result.name}")
        lines += [f"     {line}" for line in result.differences]
    return "\n".join(lines)


def test_the_fixtures_hold_and_the_page_shows_it() -> None:
    assert all(result.passed for result in run_fixtures(loaded()))
    assert f"$ whydesk playbooks test unexpected-usage\n{said_by_test()}\n" in blocks("")


def test_the_first_version_fails_on_the_captured_run_as_the_page_shows(tmp_path: Path) -> None:
    first = changed(tmp_path, ("of: $others_after, to: $others_before", "of: $all_after, to: $all_before"),
                    ("others_growth", "all_growth"))  # fmt: skip
    assert f"$ whydesk playbooks test unexpected-usage\n{said_by_test(first)}\n" in blocks("")


@pytest.mark.parametrize(
    "change", [("before: 24h", "before: 24 hours"), ("supported_when: [growth >=", "supported_when: [growht >=")]
)
def test_mistakes_are_told_as_the_page_shows(change: tuple[str, str], tmp_path: Path) -> None:
    folder = changed(tmp_path, change)
    with pytest.raises(PlaybookError) as caught:
        loaded(folder)
    said = str(caught.value).replace(f"{folder.parent}/", "")
    assert f"$ whydesk playbooks validate playbooks\nwhydesk: {said}\n" in blocks("")


def test_what_the_page_quotes_is_written_in_the_files() -> None:
    files = [path.read_text(encoding="utf-8") for path in (EXAMPLE / "unexpected-usage").rglob("*.yaml")]
    assert len(blocks("yaml")) >= 4
    for block in blocks("yaml"):
        assert any(block in text for text in files), block


def test_the_locked_digest_is_the_files() -> None:
    assert f'"unexpected-usage@1": "{loaded().digest}"' in PAGE


def test_the_captured_fixture_names_nobody() -> None:
    text = (EXAMPLE / "unexpected-usage/fixtures/first-run.yaml").read_text(encoding="utf-8")
    assert "customer: {id: cust_fixture" in text
    assert not [name for name in (*PERSONAL, "tidepool", "Rafa", "vk_live") if name.lower() in text.lower()]
