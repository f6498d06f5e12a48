"""The mistakes that people make, and all that they are told: file, line, field, remedy."""

from pathlib import Path

import pytest

from playbooks.library import Library, PlaybookError
from tests.playbooks.small import SMALL, load, write

MISTAKES = {
    "a misspelt field": (
        "    title: incidents",
        "    tittle: incidents",
        ":11: queries[0].tittle: no such field; did you mean 'title'?",
    ),
    "a misspelt query in requires": (
        "requires: [incidents]",
        "requires: [incident]",
        ":28: hypotheses[0].requires[0]: there is no query 'incident'; did you mean 'incidents'?",
    ),
    "an unknown fact in a condition": (
        "open > 0",
        "opne > 0",
        ":29: hypotheses[0].supported_when[0]: there is no fact 'opne'; did you mean 'open'?",
    ),
    "a condition in the words of another language": (
        "open > 0",
        "open > 0 and open < 9",
        ":29: hypotheses[0].supported_when[0]: 'open > 0 and open < 9' is not a CEL expression: "
        "it breaks at 'and open < 9'; write && for and",
    ),
    "an assignment for a comparison": (
        "open > 0",
        "open = 1",
        ":29: hypotheses[0].supported_when[0]: 'open = 1' is not a CEL expression: it breaks at '= 1'; "
        "write == to compare",
    ),
    "a condition that breaks off": (
        "open > 0",
        "open >",
        ":29: hypotheses[0].supported_when[0]: 'open >' is not a CEL expression: "
        "it breaks at its end, where something is missing",
    ),
    "an unknown operation": (
        "operation: list_incidents",
        "operation: list_incident",
        ":13: queries[0].operation: there is no operation 'list_incident'; did you mean 'list_incidents'?",
    ),
    "an unknown parameter": (
        "operation: list_incidents",
        "operation: list_incidents\n    parameters: {upstraem: true}",
        ":14: queries[0].parameters.upstraem: there is no parameter 'upstraem'; did you mean 'upstream'?",
    ),
    "SQL that the guard refuses": (
        "count() AS",
        "sleep(3) AS",
        ":19: queries[1].sql: the function 'sleep' is not on the list: leave it out",
    ),
    "a window in words": (
        "title: load",
        "title: load\n    window: {before: 90 minutes}",
        ":18: queries[1].window.before: '90 minutes' is not a span of time; write a number and m, h or d; "
        "did you mean 90m?",
    ),
    "a hypothesis without its next step": (
        "    next_step: wait\n",
        "",
        ":25: hypotheses[0].next_step: 'next_step' is missing: which of `next_steps` the agent takes",
    ),
    "a brace that names nothing": (
        '"It is {name}"',
        '"It is {nmae}"',
        ":27: hypotheses[0].title: there is no fact 'nmae'; did you mean 'name'?",
    ),
    "a sentence on a row that names a cause": (
        '"{name} since {created_at}"',
        '"{name} caused it at {created_at}"',
        ":14: queries[0].row_sentence: 'caused' denies something or names a cause, which a fact or a row does not show; "
        "say what was measured, and leave the rest to a hypothesis or to absent_sentence",
    ),
    "a sentence that begins with a brace, without quotes": (
        '"It is {name}"',
        "{name} is open",
        ":27: not YAML: put the whole text in quotes: it begins with a quote or a brace",
    ),
    "a sentence that is a brace alone, without quotes": (
        '"It is {name}"',
        "{name}",
        ":27: hypotheses[0].title: YAML read a mapping here: put the sentence in quotes, "
        "since a brace at its start begins a mapping",
    ),
    "an id that a query has already": (
        "facts:\n",
        "  - {id: load, source: statuspage, title: x, scope: shared, operation: list_components}\nfacts:\n",
        ":20: queries[2].id: 'load' is also another query or a fact; ids are unique, so rename one",
    ),
    "a misspelt cause class": (
        "own_incident",
        "own_incidents",
        ":26: hypotheses[0].cause: there is no cause class 'own_incidents'; did you mean 'own_incident'?",
    ),
    "a tab": ("    source: statuspage", "\tsource: statuspage", ":10: not YAML: a tab stands here; indent with spaces"),
    "an indent that does not fit": (
        "    source: statuspage",
        "   source: statuspage",
        ":10: not YAML: this key is not indented like those before it",
    ),
    "a colon in a text": (
        "title: Small",
        "title: Small: and more",
        ":4: not YAML: a second colon, or a line that is indented too far; quote a text that holds ': '",
    ),
    "a bracket that is not closed": (
        "claims: [open, incidents]",
        "claims: [open, incidents",
        ":30: not YAML: a bracket is not closed, a comma is missing, or a text that holds one of them needs quotes",
    ),
    "a list that is none": (
        "requires: [incidents]",
        "requires: incidents",
        ":28: hypotheses[0].requires: 'incidents': a list is expected here: write [one, two], "
        "or one item per line after a dash",
    ),
    "an empty field": (
        "title: Small",
        "title:",
        ":4: title: nothing stands here; give it a value, or leave the line out",
    ),
    "a fact's name with a space": (
        "  open: {fn",
        "  Open incidents: {fn",
        ":21: facts.Open incidents: 'Open incidents' is not a name; write lower-case letters, digits and _, "
        "a letter first; did you mean 'open_incidents'?",
    ),
    "a day in words": ("2099-01-01", "next year", ":6: review_by: 'next year': write a day as 2026-12-31"),
    "another format": ("format: 1", "format: 2", ":1: format: 2: write 1"),
    "a version below 1": ("version: 1", "version: 0", ":3: version: 0: write 1 or more"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_in_one_line_with_its_place_and_remedy(name: str, tmp_path: Path) -> None:
    before, after, said = MISTAKES[name]
    assert before in SMALL
    with pytest.raises(PlaybookError) as caught:
        load(tmp_path, SMALL.replace(before, after, 1))
    assert str(caught.value) == f"{tmp_path / 'small/1.yaml'}{said}"


def test_a_second_fallback_is_told_at_its_line(tmp_path: Path) -> None:
    write(tmp_path, SMALL)
    second = write(tmp_path, SMALL.replace("id: small", "id: tiny"), "tiny/1.yaml")
    with pytest.raises(PlaybookError) as caught:
        Library.load([tmp_path])
    assert str(caught.value) == (
        f"{second}:7: applies_when.fallback: small is the fallback already; exactly one is: remove this line"
    )


def test_a_version_that_another_folder_has_is_told_at_its_line(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a", SMALL), write(tmp_path / "b", SMALL)
    with pytest.raises(PlaybookError) as caught:
        Library.load([tmp_path / "a", tmp_path / "b"])
    assert str(caught.value) == f"{second}:3: version: {first} has this id and version too; raise the version"


def test_a_teams_own_folder_needs_no_fallback_beside_the_shipped_ones(tmp_path: Path) -> None:
    write(tmp_path, SMALL.replace("{fallback: true}", "{terms: {login: 3}}"))
    assert [loaded.playbook.id for loaded in Library.load([tmp_path], alone=False).all()] == ["small"]
    with pytest.raises(PlaybookError, match="no playbook is the fallback"):
        Library.load([tmp_path])


def test_an_alias_of_itself_is_told(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match="write the value out"):
        load(tmp_path, SMALL.replace("owner: support", "owner: &me [*me]"))
