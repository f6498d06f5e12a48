"""What `whydesk investigate` refuses before it starts anything, what it promises, and its exit codes."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from cli.dev_server import free_port
from cli.errors import UsageProblem
from cli.investigate import exit_code, intention, print_end
from cli.investigate_run import Wanted, choose_ticket, read_card
from ledger.records import NoteRecord, RunRecord, RunSummary
from models.run import RunKey
from models.tenant import Tenant
from models.ticket import TicketRef
from models.vocabulary import Mode, Outcome
from settings import Settings
from tests.cli.command import Shell
from tests.ledger.investigations import NOON
from tests.workflows.house import TENANT
from workflows.progress import Progress

REF = TicketRef(tenant="acme", helpdesk="desk", ticket="4711")


def settings_of(*tenants: Tenant) -> Settings:
    return Settings.load({}).model_copy(update={"tenants": {tenant.id: tenant for tenant in tenants}})


def two_desks() -> Tenant:
    return TENANT.model_copy(update={"helpdesks": dict.fromkeys(("desk", "other"), TENANT.helpdesks["desk"])})


@pytest.mark.parametrize("written", ["4711", "#4711", " 4711 ", "acme/desk/4711"])
def test_a_ticket_is_named_by_its_number_or_in_full(written: str) -> None:
    assert choose_ticket(settings_of(TENANT), written, None, None).ref == REF


def test_the_region_of_the_tenant_is_the_workers_queue() -> None:
    tenant = TENANT.model_copy(update={"region": "eu"})
    assert choose_ticket(settings_of(tenant), "4711", None, None).queue == "whydesk-eu"


def test_without_a_configuration_both_names_are_enough() -> None:
    wanted = choose_ticket(settings_of(), "7", "demo", "zendesk")
    assert (wanted.ref, wanted.queue) == (TicketRef(tenant="demo", helpdesk="zendesk", ticket="7"), "whydesk")


@pytest.mark.parametrize(
    ("tenants", "words", "said"),
    [
        ([TENANT], ("", None, None), "'' is no ticket; give its number"),
        ([TENANT], ("47 11", None, None), "'47 11' is no ticket"),
        ([TENANT], ("a/4711", None, None), "'a/4711' is no ticket"),
        ([TENANT], ("4711", "acne", None), "no tenant 'acne'; did you mean 'acme'?"),
        ([TENANT], ("4711", None, "zendesk"), "no helpdesk 'zendesk'; did you mean 'desk'? There are: desk"),
        ([TENANT], ("other/desk/4711", None, None), "no tenant 'other'"),
        ([TENANT, TENANT.model_copy(update={"id": "b"})], ("4711", None, None), "name one with --tenant: acme, b"),
        ([two_desks()], ("4711", None, None), "there are 2 helpdesks; name one with --helpdesk: desk, other"),
        ([TENANT.model_copy(update={"mode": Mode.OFF})], ("4711", None, None), "write `mode: shadow` in "),
        ([], ("4711", None, None), "does not exist or is empty. Run this with the worker's environment"),
        ([], ("4711", "acme", None), "name both --tenant and --helpdesk"),
    ],
)
def test_what_cannot_be_looked_into_is_said_with_the_remedy(
    tenants: list[Tenant], words: tuple[str, str | None, str | None], said: str
) -> None:
    with pytest.raises(UsageProblem) as refused:
        choose_ticket(settings_of(*tenants), *words)
    assert said in str(refused.value)


def test_without_a_server_it_says_how_to_start_one(whydesk: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    monkeypatch.setattr("cli.investigate._SERVER_WITHIN", 0.2)
    said = whydesk("investigate", "7", "--tenant", "demo", "--helpdesk", "zendesk")
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("whydesk: no Temporal server answered at ")
    assert "start one with `whydesk up`" in said.err
    assert "Traceback" not in said.err


def test_it_is_said_whether_a_note_may_come_of_it() -> None:
    shadow = TENANT.model_copy(update={"mode": Mode.SHADOW})
    assert intention(Wanted(REF, TENANT), post=False).endswith("nothing will be posted; --post posts the note")
    assert intention(Wanted(REF, TENANT), post=True).endswith("the note will be posted")
    assert "--post changes nothing: tenant 'acme' is in shadow mode" in intention(Wanted(REF, shadow), post=True)


def ended(outcome: Outcome | None, note: str = "shadow") -> RunRecord:
    unknown = dict.fromkeys(("started_at", "finished_at", "cause", "severity", "confidence", "fingerprint"))
    words = dict.fromkeys(("playbook", "reasoner", "note_status", "problem", "diagnosis"), "")
    key = RunKey(ref=REF, investigation="inv-x", revision=1)
    summary = RunSummary.model_validate(
        {**unknown, **words, "key": key, "opened_at": NOON, "outcome": outcome, "usd": 0.0, "gaps": ()}
    )
    kept = NoteRecord(
        status=note, note="", marker="m", mode="shadow", digest="d", begun_at=NOON, finished_at=NOON, body=None
    )
    return RunRecord(summary=summary, delivery=None, steps=(), evidence=(), answers=(), diagnosis=None, note=kept)


def test_every_outcome_has_its_exit_code() -> None:
    codes = {outcome: exit_code(ended(outcome)) for outcome in Outcome}
    assert codes[Outcome.DIAGNOSED] == codes[Outcome.NOTHING_WRONG] == 0
    others = [code for outcome, code in codes.items() if outcome not in (Outcome.DIAGNOSED, Outcome.NOTHING_WRONG)]
    assert sorted(others) == [1, 3, 4, 5], "2 is for what one can mend"
    assert exit_code(ended(None)) == 1
    assert exit_code(ended(Outcome.DIAGNOSED, "failed")) == 1, "a note that could not be posted"


@pytest.mark.parametrize(
    ("problem", "remedy"),
    [
        ("mode-off", "set another under `playbooks` in whydesk.yaml"),
        ("read_ticket: TicketNotFound", "The helpdesk has no ticket of that number"),
        ("read_ticket: HelpdeskDenied", "`whydesk doctor` says what it lacks"),
    ],
)
def test_a_problem_that_one_can_mend_comes_with_its_remedy(problem: str, remedy: str) -> None:
    record = ended(Outcome.FAILED)
    record = record.model_copy(update={"summary": record.summary.model_copy(update={"problem": problem})})
    console = Console(width=120, record=True, file=io.StringIO())
    print_end(console, record)
    said = console.export_text()
    assert remedy in said
    assert f"failed · {problem}" in said
    assert "`whydesk show inv-x --revision 1`" in said


def test_the_live_card_is_read_as_a_line_and_what_was_noted() -> None:
    progress = Progress(REF, revision=2, playbook="api-errors@1", stage="gathering evidence", asked=6, answered=4)
    progress.done.append("Stripe · not checked: Unavailable")
    assert read_card(progress.card()) == (
        "revision 2 · gathering evidence · evidence 4 of 6",
        ("Stripe · not checked: Unavailable",),
    )
    assert read_card(Progress(REF).card()) == ("claiming the delivery", ())


def test_its_help_tells_the_exit_codes(whydesk: Shell, tmp_path: Path) -> None:
    said = whydesk("investigate", "--help")
    assert said.code == 0
    assert "Ctrl-C, which leaves the investigation running" in " ".join(said.out.split())
    assert not (tmp_path / "state").exists()
