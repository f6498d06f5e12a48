"""What models are told: in files that are read as they are written, pinned, and whole."""

from pathlib import Path

import pytest

from reasoning.prompts.wording import PINNED, all_wordings, read_wording, wording

NEEDED = {
    "diagnose": {"system", "repair", "may-ask", "may-not-ask", "question"},
    "select": {"system", "question"},
}


@pytest.mark.parametrize("purpose", PINNED)
def test_the_pinned_version_has_every_part_that_code_asks_for(purpose: str) -> None:
    words = wording(purpose)
    assert words.label == f"{purpose}@{PINNED[purpose]}"
    assert set(words.parts) == NEEDED[purpose]
    assert all(words.parts.values())


def test_every_file_can_be_read_and_no_purpose_is_without_a_pin() -> None:
    assert {each.purpose for each in all_wordings()} == set(PINNED)


def test_a_part_that_is_not_there_is_named() -> None:
    with pytest.raises(LookupError, match=r"prompt 'select@1' has no part 'repair'.*it has system, question"):
        wording("select").part("repair")


@pytest.mark.parametrize("text", ["", "no heading", "before\n\n# system\n\nwords", "# system\n\na\n\n# system\n\nb"])
def test_a_file_without_clear_parts_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "1.md"
    path.write_text(text)
    with pytest.raises(ValueError, match="heading"):
        read_wording(path)
