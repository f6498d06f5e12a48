"""`whydesk playbooks explain` and `capture` over a real ledger."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from models.base import Row
from models.customer import Anchors
from models.diagnosis import Weighing
from models.evidence import Evidence
from models.playbook import Playbook
from playbooks.fixtures import read_fixtures, run_fixtures
from playbooks.library import LoadedPlaybook
from reasoning.hypotheses import weigh
from tests.cli.command import Shell
from tests.cli.past_runs import PERSONAL, REFUSED, ROWS, refused, write_failed_run, write_run


@pytest.fixture
def mine(tmp_path: Path) -> LoadedPlaybook:
    return refused(tmp_path / "mine")


def past(tmp_path: Path, mine: LoadedPlaybook, rows: dict[str, tuple[Row, ...]] = ROWS) -> str:
    """Write a run; return the ticket's number."""
    asyncio.run(write_run(f"sqlite:///{tmp_path}/state/ledger.db", mine, "4711", rows))
    return "4711"


def test_explain_says_of_each_condition_how_it_was_judged(whydesk: Shell, tmp_path: Path, mine: LoadedPlaybook) -> None:
    said = whydesk("playbooks", "explain", past(tmp_path, mine))
    assert (said.code, said.err) == (0, "")
    for line in (
        "chosen: refused@1: key (3), refused (2)",
        "1. known-bug: supported · known_bug · severity medium · E4",
        "   ranked: by weight 60, 1 system, 1 piece of evidence",
        "2. key-revoked: supported · key_revoked_or_expired · severity medium · E3, E5, E4",
        "   ranked: a consequence of known-bug, so no cause of its own",
        "   requires keys: found",
        "   supports true    share > 0.9  (share = 98%)",
        "   supports true    refused_key != ''  (refused_key = 'pk_live_8a71')",
        "   refutes  false   refused == 0  (refused = 196)",
        "   would change: A request with this key that succeeds.",
    ):
        assert line in said.out.splitlines(), line
    assert "refused ÷ requests · E3" in said.out
    assert "general@" in said.out, "what else could have been chosen"


def test_explain_says_what_is_unknown_and_why(whydesk: Shell, tmp_path: Path, mine: LoadedPlaybook) -> None:
    ticket = past(tmp_path, mine, {"keys": ROWS["keys"]})
    said = whydesk("playbooks", "explain", ticket)
    assert "   supports unknown mine  (unknown: mine)" in said.out.splitlines()
    assert "bugs has no answer (timed-out)" in said.out
    assert "   not checked: bugs: no answer in time, charges: no answer in time" in said.out.splitlines()
    found = json.loads(whydesk("playbooks", "explain", ticket, "--json").out)
    assert found["ticket"] == "4711"
    judged = {one["id"]: one for one in found["hypotheses"]}
    assert judged["known-bug"]["verdict"] == "untested"
    assert [one["holds"] for one in judged["known-bug"]["conditions"]] == [None, None]
    unknown = {one["id"]: one["why_unknown"] for one in found["facts"] if one["value"] == "unknown"}
    assert unknown == {
        "mine": "bugs has no answer (timed-out)",
        "failed_charges": "charges has no answer (timed-out)",
    }
    chosen = [one for one in found["candidates"] if one["chosen"]]
    assert chosen == [{"playbook": "refused@1", "chosen": True, "signals": "key (3), refused (2)"}]


def test_a_run_that_ended_early_is_told(whydesk: Shell, tmp_path: Path) -> None:
    key = asyncio.run(write_failed_run(f"sqlite:///{tmp_path}/state/ledger.db", "99"))
    for command in ("explain", "capture"):
        said = whydesk("playbooks", command, "99")
        assert said.code == 2
        assert said.err == (
            f"whydesk: {key.investigation}, revision 1 has no step 'weigh': it ended as failed read: Gone\n"
        )


@pytest.mark.parametrize("rows", [ROWS, {"keys": ROWS["keys"]}, {"bugs": ROWS["bugs"]}, {}], ids=len)
def test_a_captured_run_comes_out_the_same_and_names_nobody(
    rows: dict[str, tuple[Row, ...]], whydesk: Shell, tmp_path: Path, mine: LoadedPlaybook
) -> None:
    ticket = past(tmp_path, mine, rows)
    said = whydesk("playbooks", "capture", ticket, "--dir", str(tmp_path / "mine"), "--name", "seen")
    assert (said.code, said.err) == (0, "")
    path = tmp_path / "mine/refused/fixtures/seen.yaml"
    assert said.out.startswith(f"{path}: ")
    text = path.read_text()
    assert [name for name in PERSONAL if name in text] == []
    [result] = run_fixtures(mine)
    assert (result.passed, result.differences) == (True, ())
    run = json.loads(whydesk("show", ticket, "--json").out)
    fixture = read_fixtures(mine)["seen"]
    assert fixture.expect.outcome.value == run["summary"]["outcome"]
    assert (fixture.expect.hypothesis or "") == run["diagnosis"]["hypothesis"]
    explained = json.loads(whydesk("playbooks", "explain", ticket, "--json").out)
    verdicts = {one["id"]: one["verdict"] for one in explained["hypotheses"]}
    assert {name: verdict.value for name, verdict in fixture.expect.verdicts.items()} == verdicts
    said = whydesk("playbooks", "test", "refused", "--dir", str(tmp_path / "mine"))
    assert (said.code, said.out) == (0, "ok   refused@1 seen\n")


def test_what_is_equal_stays_equal_and_differences_in_time_stay(
    whydesk: Shell, tmp_path: Path, mine: LoadedPlaybook
) -> None:
    whydesk("playbooks", "capture", past(tmp_path, mine), "--dir", str(tmp_path / "mine"))
    fixture = read_fixtures(mine)["captured-known-bug"]
    first, second = fixture.evidence["keys"].rows
    assert first["key_id"] != second["key_id"]
    assert fixture.anchors["key_ids"] == [first["key_id"]]
    bug = fixture.evidence["bugs"].rows[0]
    assert str(first["key_id"]) in str(bug["description"])
    assert bug["title"] == "Fixture Ltd: keys refused since 2026-03-03", "the day before, in texts too"
    assert fixture.reported_at is not None
    assert f"{fixture.reported_at:%Y-%m-%dT%H:%M}" == "2026-03-04T15:30"
    assert first["last_at"] == "2026-03-04T15:12:00Z"
    assert fixture.evidence["charges"].rows[0]["failure_message"] == "text-2"
    assert str(fixture.evidence["charges"].rows[0]["invoice"]).startswith("in_"), "facts go by the vendor's prefix"


def test_nothing_is_overwritten_and_the_folder_must_have_the_playbook(
    whydesk: Shell, tmp_path: Path, mine: LoadedPlaybook
) -> None:
    ticket = past(tmp_path, mine)
    command = ("playbooks", "capture", ticket, "--dir", str(tmp_path / "mine"))
    assert whydesk(*command).code == 0
    path = tmp_path / "mine/refused/fixtures/captured-known-bug.yaml"
    path.write_text(path.read_text() + "# mine\n")
    said = whydesk(*command)
    assert said.code == 2
    assert f"{path} is there already and is not overwritten" in said.err
    assert path.read_text().endswith("# mine\n")
    said = whydesk("playbooks", "capture", ticket)
    assert said.code == 2
    assert "no playbook 'refused' in " in said.err
    said = whydesk(*command, "--name", "../../escape")
    assert (said.code, (tmp_path / "mine/escape.yaml").exists()) == (2, False)


def test_evidence_that_says_something_else_without_names_is_not_captured(
    whydesk: Shell, tmp_path: Path, mine: LoadedPlaybook
) -> None:
    by_name = REFUSED.replace(
        "where: {title+description: {contains: [$customer.name]}}", "where: {title: {contains: Brightforge}}"
    )
    assert by_name != REFUSED
    named = refused(tmp_path / "named", by_name)
    said = whydesk("playbooks", "capture", past(tmp_path, named), "--dir", str(tmp_path / "named"))
    assert said.code == 2
    assert "nothing was written: without people's data the evidence says something else: " in said.err
    assert "expected known-bug, got key-revoked" in said.err
    assert not (tmp_path / "named/refused/fixtures").exists()


def test_a_run_that_other_code_weighed_is_not_captured_as_if_it_were_todays(
    whydesk: Shell, tmp_path: Path, mine: LoadedPlaybook, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as yesterday:
        yesterday.setattr("tests.cli.past_runs.weigh", weigh_without_rows)
        ticket = past(tmp_path, mine)
    said = whydesk("playbooks", "capture", ticket, "--dir", str(tmp_path / "mine"))
    assert said.code == 2
    assert "this version of Whydesk weighs the run's own rows otherwise; investigate the ticket again" in said.err


def weigh_without_rows(playbook: Playbook, anchors: Anchors, evidence: Sequence[Evidence]) -> Weighing:
    return weigh(playbook, anchors, ())


def test_a_playbook_that_has_changed_since_says_what_it_says_now(
    whydesk: Shell, tmp_path: Path, mine: LoadedPlaybook
) -> None:
    ticket = past(tmp_path, mine)
    other = tmp_path / "later"
    refused(other, REFUSED.replace("supported_when: [mine]", "supported_when: [mine, refused < 9]"))
    said = whydesk("playbooks", "capture", ticket, "--dir", str(other))
    assert said.code == 0
    assert (
        f"refused@1 of {other} differs from refused@1 of the run: hypothesis: expected known-bug, got key-revoked"
        in said.out
    )
