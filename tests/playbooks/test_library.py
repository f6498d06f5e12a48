"""Loading names every mistake with file, line, field and remedy."""

from pathlib import Path

import pytest
import yaml

from models.base import digest_of, to_body
from models.playbook import Playbook, Query
from playbooks.library import Library, PlaybookError
from playbooks.lock import SHIPPED, read_lock, write_lock
from tests.playbooks.small import SMALL, load


def problems(tmp_path: Path, text: str, name: str = "small/1.yaml") -> str:
    with pytest.raises(PlaybookError) as caught:
        load(tmp_path, text, name)
    return str(caught.value)


def test_finds_by_id_version_and_digest(tmp_path: Path) -> None:
    load(tmp_path, SMALL)
    library = load(tmp_path, SMALL.replace("version: 1", "version: 2"), "small/2.yaml")
    assert library.get("small").playbook.version == 2
    first = library.get("small", 1)
    assert library.by_digest(first.digest) == first
    assert [item.playbook.version for item in library.all()] == [1, 2]
    assert [item.playbook.version for item in library.newest()] == [2]
    with pytest.raises(LookupError, match="small@1, small@2"):
        library.get("smal")


def test_of_the_newest_alone_no_other_file_is_read(tmp_path: Path) -> None:
    for version in (2, 9, 10):
        load(tmp_path, SMALL.replace("version: 1", f"version: {version}"), f"small/{version}.yaml")
    (tmp_path / "small/9.yaml").write_text("no playbook at all")
    [newest] = Library.load([tmp_path], newest=True).all()
    assert newest.playbook.version == 10
    (tmp_path / "small/final.yaml").write_text("no version")
    with pytest.raises(PlaybookError, match=r"final\.yaml"):
        Library.load([tmp_path], newest=True)


def test_a_stored_playbook_reads_back_the_same() -> None:
    for loaded in Library.load([SHIPPED]).all():
        assert Playbook.model_validate_json(to_body(loaded.playbook)) == loaded.playbook


def test_a_field_that_the_format_gains_changes_no_digest(tmp_path: Path) -> None:
    class Part(Query):
        colour: str = "red"

    class Tomorrow(Playbook):
        queries: list[Part]  # type: ignore[assignment]  # what a newer format does
        mood: str = "calm"

    written = load(tmp_path, SMALL).get("small")
    newer = Tomorrow.model_validate(yaml.safe_load(SMALL))
    assert (newer.queries[0].colour, newer.mood) == ("red", "calm")
    assert digest_of(to_body(newer)) == written.digest
    stored = Playbook.model_validate_json(to_body(written.playbook))
    assert digest_of(to_body(stored)) == written.digest


def test_what_is_written_out_counts_even_where_it_is_the_default(tmp_path: Path) -> None:
    text = SMALL.replace("title: load", "title: load\n    rows: 200")
    assert load(tmp_path, text).get("small").digest != load(tmp_path, SMALL).get("small").digest


def test_the_lock_agrees_with_the_files(tmp_path: Path) -> None:
    library = Library.load([SHIPPED])
    assert read_lock() == library.lock(), (
        "a released version never changes: add a version, then python -m playbooks.lock"
    )
    write_lock(library, tmp_path / "lock.json")
    assert read_lock(tmp_path / "lock.json") == library.lock()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("fn: count", "fn: cuont", "did you mean 'count'?"),
        ("column: name}", "column: nmae}", "there is no column 'nmae'; did you mean 'name'?"),
        ("query: load, column: requests", "query: lead, column: requests", "did you mean 'load'?"),
        ("{upstream: false}", "{upstream: {gte: $opened}}", "there is no fact 'opened'; did you mean 'open'?"),
        ("{upstream: false}", "{upstream: {more: 1}}", "there is no operator 'more'"),
        ("{query: incidents, column: name}", "{query: incidents}", "first needs 'column'"),
        (
            "{query: incidents, column: name}",
            "{query: incidents, column: name, colour: 1}",
            "there is no argument of first",
        ),
        ("[open > 0,", "[opne > 0,", "there is no fact 'opne'; did you mean 'open'?"),
        ("[open > 0,", "[open >,", "is not a CEL expression"),
        ("[open > 0,", "[open + 1 > 0,", "compute the rest as a fact"),
        ("[open > 0,", "[name > 0,", "is not always true or false"),
        ("name != ''", "open < 9", "{name} may be unknown when this is said"),
        ("requires: [incidents]", "requires: [incident]", "did you mean 'incidents'?"),
        ("claims: [open, incidents]", "claims: [opened]", "there is no fact or query 'opened'"),
        ("next_step: wait", "next_step: wiat", "there is no next step 'wiat'; did you mean 'wait'?"),
        ("Wait., inconclusive", "'Wait for {requests}.', inconclusive", "supported_when does not make sure of"),
        (", needs-info: Ask.", "", "'needs-info' is missing"),
        ("{name} since", "{nmae} since", "there is no column 'nmae'"),
        ("{name} since", "{name since", "a brace stands alone"),
        ("operation: list_incidents", "operation: list_incident", "did you mean 'list_incidents'?"),
        ("scope: shared", "scope: customer", "statuspage takes shared"),
        ("SELECT count() AS requests", "SELECT sleep(3) AS requests", "sleep"),
        ("FROM requests", "FROM secrets", "secrets"),
        ("ts < {end:DateTime64(3)}", "route = {route:String}", "the SQL names 'route', but no parameter gives it"),
        ("sql: SELECT", "parameters: {route: x}\n    sql: SELECT", "the SQL has no {route:Type}"),
        ("owner: support", "owner: support\nowners: x", "no such field"),
        ("owner: support", "owner: support\nowner: x", "this key is given twice"),
        ("owner: support", "owner: support\nneeds: [custmer]", "did you mean 'customer'?"),
        ("{fallback: true}", "{fallback: true, symptoms: {rate-limit: 1}}", "did you mean 'rate-limited'?"),
        ("{fallback: true}", "{fallback: false}", "no playbook is the fallback"),
        ("id: small", "id: smaller", "the file must be smaller/1.yaml"),
        ("cause: own_incident", "cause: nothing_wrong\n    authoritative: github", "no query asks github"),
        ("{upstream: false}", "{upstream: $open}", "open stands on itself"),
        ("title: load", "title: load\n    window: {before: 1 day}", "write a number and m, h or d"),
    ],
)
def test_names_the_mistake_and_the_remedy(tmp_path: Path, before: str, after: str, said: str) -> None:
    assert before in SMALL
    assert said in problems(tmp_path, SMALL.replace(before, after, 1))


def test_points_at_the_line_and_the_field(tmp_path: Path) -> None:
    line = 1 + SMALL.splitlines().index(
        "  name: {fn: first, label: name, unit: text, args: {query: incidents, column: name}}"
    )
    text = problems(tmp_path, SMALL.replace("fn: first", "fn: frist"))
    assert f"1.yaml:{line}: facts.name.fn: there is no function 'frist'; did you mean 'first'?" in text


def test_names_all_mistakes_of_all_files_at_once(tmp_path: Path) -> None:
    broken = tmp_path / "other/1.yaml"
    broken.parent.mkdir()
    broken.write_text("format: [1", encoding="utf-8")
    text = problems(tmp_path, SMALL.replace("fn: count", "fn: cuont").replace("next_step: wait", "next_step: wiat"))
    assert "cuont" in text
    assert "wiat" in text
    assert "other/1.yaml" in text
    assert "not YAML" in text


def test_facts_are_for_follow_ups_only(tmp_path: Path) -> None:
    data = yaml.safe_load(SMALL)
    data["queries"][1] |= {
        "sql": data["queries"][1]["sql"] + " AND route = {route:String}",
        "parameters": {"route": "$facts.name"},
    }
    assert "add follow_up: true" in problems(tmp_path, yaml.safe_dump(data))
    data["queries"][1] |= {"follow_up": True, "ask_when": ["open == 0"]}
    assert load(tmp_path, yaml.safe_dump(data)).get("small").playbook.queries[1].follow_up


def test_an_empty_folder_and_two_fallbacks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PlaybookError, match="no playbook is here"):
        Library.load([tmp_path])
    load(tmp_path, SMALL)
    assert "small is the fallback already" in problems(tmp_path, SMALL.replace("id: small", "id: tiny"), "tiny/1.yaml")
