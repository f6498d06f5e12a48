"""The decisions that follow from switches."""

from datetime import UTC, datetime

from models.control import (
    ALL,
    PAUSED,
    PERCENT,
    STABLE,
    Control,
    Controls,
    in_rollout,
    playbook_scope,
    source_scope,
    tenant_scope,
)
from models.ticket import TicketRef
from models.vocabulary import Mode, Source

AT = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


def switched(*rows: tuple[str, str, str]) -> Controls:
    return Controls(
        {
            (scope, name): Control(scope=scope, name=name, value=value, changed_at=AT, changed_by="ada")
            for scope, name, value in rows
        }
    )


def ref(number: int) -> TicketRef:
    return TicketRef(tenant="acme", helpdesk="desk", ticket=str(number))


def test_a_pause_of_one_tenant_is_not_that_of_another() -> None:
    controls = switched((tenant_scope("acme"), PAUSED, "yes"))
    assert controls.paused("acme") is not None
    assert controls.paused("globex") is None
    assert switched((ALL, PAUSED, "yes")).paused("globex") is not None
    assert switched((ALL, PAUSED, "")).paused("globex") is None, "resumed"


def test_a_pause_of_a_source_names_it() -> None:
    controls = switched((source_scope("stripe"), PAUSED, "yes"))
    assert controls.paused_source(Source.STRIPE) is not None
    assert controls.paused_source(Source.GITHUB) is None
    assert controls.paused("acme") is None


def test_the_share_of_tickets_is_as_it_was_said_and_raising_it_only_adds() -> None:
    refs = [ref(number) for number in range(4000)]
    by_percent = {
        percent: {one.ticket for one in refs if in_rollout(one, "probe", percent)} for percent in (0, 10, 25, 100)
    }
    assert by_percent[0] == set()
    assert len(by_percent[100]) == 4000
    assert 300 < len(by_percent[10]) < 500
    assert 900 < len(by_percent[25]) < 1100
    assert by_percent[10] < by_percent[25]
    assert in_rollout(ref(1), "probe", 25) == in_rollout(ref(1), "probe", 25)


def test_what_is_said_of_one_playbook_counts_before_what_is_said_of_all() -> None:
    controls = switched((playbook_scope("*", "acme"), PERCENT, "10"), (playbook_scope("probe", "acme"), PERCENT, "0"))
    assert (controls.percent("acme", "probe"), controls.percent("acme", "other")) == (0, 10)
    assert controls.percent("globex", "probe") == 100


def test_a_tenants_own_playbook_does_not_follow_the_one_of_all() -> None:
    controls = switched((playbook_scope("probe"), STABLE, "3"), (playbook_scope("probe", "globex"), STABLE, "7"))
    assert controls.channel(STABLE, "acme", "probe") == 3
    assert controls.channel(STABLE, "acme", "probe", own=True) is None
    assert controls.channel(STABLE, "globex", "probe", own=True) == 7


def test_no_note_without_leave() -> None:
    assert [mode.lowered(False) for mode in (Mode.OFF, Mode.SHADOW, Mode.NOTE)] == [Mode.OFF, Mode.SHADOW, Mode.SHADOW]
    assert [mode.lowered(True) for mode in Mode] == list(Mode)
