"""The live card: what ops read, and that the UI shows it as it is meant."""

from models.ticket import TicketRef
from workflows.progress import Progress

REF = TicketRef(tenant="acme", helpdesk="desk", ticket="4711")


def test_the_card_of_a_run_that_has_just_begun() -> None:
    assert Progress(REF).card() == "**acme · 4711**\n\nclaiming the delivery"


def test_the_card_of_a_run_in_the_middle() -> None:
    progress = Progress(REF, revision=2, playbook="api-errors@3", stage="gathering evidence", asked=6, answered=4)
    progress.done.append("Stripe · not checked: SlowAnswer")
    assert progress.card().splitlines() == [
        "**acme · 4711 · api-errors@3**",
        "",
        "revision 2 · gathering evidence",
        "",
        "evidence 4 of 6",
        "- Stripe · not checked: SlowAnswer",
    ]


def test_each_run_has_its_own_list() -> None:
    Progress(REF).done.append("x")
    assert Progress(REF).done == []
