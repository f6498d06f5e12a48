"""Which of the shipped playbooks a ticket gets, where two could take it."""

import pytest

from playbooks.library import Library
from playbooks.lock import SHIPPED
from reasoning.anchors import find_anchors
from reasoning.select import select_playbook
from tests.reasoning.tickets import NOW, ticket


@pytest.mark.parametrize(
    ("subject", "text", "chosen"),
    [
        (
            "401 from one service",
            "The label service gets 401 on every call to the API, other keys work.",
            "access-and-keys",
        ),
        ("nothing works", 'The API answers "402" to everything since this morning.', "access-and-keys"),
        ("403 on exports", "POST /v1/exports is forbidden for our API key since Monday.", "access-and-keys"),
        ("two things", "401 on each call of the app, and the list of templates answers 500.", "api-errors"),
        ("429 for our key", "We get too many requests with key pk_live_abcd1234 on all calls.", "api-errors"),
        ("413 on merge", "POST /v1/merge answers 413 for some of our files.", "api-errors"),
        ("webhooks get 401", "Your webhooks fail: our endpoint answers 401 to their signatures.", "webhook-delivery"),
    ],
)
def test_a_ticket_gets_the_playbook_that_knows_most_of_it(subject: str, text: str, chosen: str) -> None:
    written = ticket(subject, text)
    anchors = find_anchors(written, None, "", NOW)
    books = [loaded.playbook for loaded in Library.load([SHIPPED]).newest()]
    assert select_playbook(written, anchors, books)[0].id == chosen
