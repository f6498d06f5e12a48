"""Which tickets changed, as both helpdesks list it over real sockets."""

from datetime import UTC, datetime

import pytest
from pydantic import HttpUrl, JsonValue

from helpdesks.base import ChangedTicket, HelpdeskUnavailable
from helpdesks.standard import StandardHelpdesk
from helpdesks.zendesk import ZendeskHelpdesk
from models.tenant import StandardConfig
from tests.helpdesks.far_end import Asked, FarEnd, Said, say
from tests.helpdesks.zendesk_account import config

SINCE = datetime(2026, 11, 21, 10, 0, 0, 250_000, tzinfo=UTC)
SECRET = "whsec_dGhlIHNlY3JldCBvZiBhIHRlc3Q="


def hit(number: int, minute: int, status: str = "open") -> dict[str, JsonValue]:
    return {"id": number, "updated_at": f"2026-11-21T10:{minute:02}:00Z", "status": status, "result_type": "ticket"}


def at(minute: int) -> datetime:
    return datetime(2026, 11, 21, 10, minute, tzinfo=UTC)


async def test_zendesk_is_searched_page_by_page_oldest_change_first() -> None:
    asked: list[dict[str, str]] = []

    def answer(request: Asked) -> Said:
        asked.append(request.query)
        if request.query["page"] == "1":
            return say(
                {"results": [hit(1, 1), hit(2, 2, "closed")], "count": 3, "next_page": "https://elsewhere.example"}
            )
        return say({"results": [hit(3, 3)], "count": 3, "next_page": None})

    async with FarEnd(answer) as far_end:
        helpdesk = ZendeskHelpdesk(config(far_end.url), "s3cret", tenant="acme", helpdesk="zendesk")
        found = await helpdesk.list_changed(SINCE)
        await helpdesk.aclose()
    assert found == [ChangedTicket(ticket="1", updated_at=at(1)), ChangedTicket(ticket="3", updated_at=at(3))]
    assert asked[0]["query"] == "type:ticket updated>=2026-11-21T10:00:00Z", "a part of a second is rounded down"
    assert [(one["sort_by"], one["sort_order"], one["page"]) for one in asked] == [
        ("updated_at", "asc", "1"),
        ("updated_at", "asc", "2"),
    ]


async def test_a_search_that_never_ends_is_left_for_the_next_one() -> None:
    def endless(request: Asked) -> Said:
        page = int(request.query["page"])
        return say({"results": [hit(page, page)], "next_page": "more"})

    async with FarEnd(endless) as far_end:
        helpdesk = ZendeskHelpdesk(config(far_end.url), "s3cret", tenant="acme", helpdesk="zendesk")
        found = await helpdesk.list_changed(SINCE)
        await helpdesk.aclose()
    assert len(found) == 10


async def test_a_search_that_fails_lists_nothing() -> None:
    async with FarEnd(lambda _: say({}, 503, retry_after="7")) as far_end:
        helpdesk = ZendeskHelpdesk(config(far_end.url), "s3cret", tenant="acme", helpdesk="zendesk")
        with pytest.raises(HelpdeskUnavailable) as caught:
            await helpdesk.list_changed(SINCE)
        await helpdesk.aclose()
    assert caught.value.retry_after == 7


def standard(url: str, changed: str | None) -> StandardHelpdesk:
    written = StandardConfig(
        kind="standard",
        note_url=HttpUrl(f"{url}/notes"),
        ticket_url=HttpUrl(f"{url}/tickets/{{ticket}}"),
        changed_url=HttpUrl(changed) if changed else None,
        webhook_secrets=["env:SECRET"],
    )
    return StandardHelpdesk(written, SECRET, "t0ken", tenant="acme", helpdesk="desk")


async def test_any_system_lists_what_changed_at_its_own_address() -> None:
    asked: list[Asked] = []

    def answer(request: Asked) -> Said:
        asked.append(request)
        listed: list[JsonValue] = [
            {"id": "T-2", "updated_at": "2026-11-21T10:02:00Z"},
            {"id": 1, "updated_at": "2026-11-21T10:01:00Z"},
            {"id": "../x", "updated_at": "2026-11-21T10:03:00Z"},
        ]
        return say({"tickets": listed})

    async with FarEnd(answer) as far_end:
        helpdesk = standard(far_end.url, f"{far_end.url}/tickets?updated_since={{since}}")
        found = await helpdesk.list_changed(SINCE)
        await helpdesk.aclose()
    assert found == [ChangedTicket(ticket="1", updated_at=at(1)), ChangedTicket(ticket="T-2", updated_at=at(2))]
    assert asked[0].query == {"updated_since": "2026-11-21T10:00:00.250Z"}
    assert asked[0].headers["authorization"] == "Bearer t0ken"


async def test_without_an_address_nothing_can_be_listed() -> None:
    helpdesk = standard("http://127.0.0.1:9", None)
    assert await helpdesk.list_changed(SINCE) is None
    await helpdesk.aclose()


@pytest.mark.parametrize(
    ("changed", "said"),
    [("http://127.0.0.1:9/tickets", "needs {since}"), ("http://127.0.0.2:9/t?s={since}", "the host of ticket_url")],
)
def test_an_address_that_cannot_be_right_is_refused(changed: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        standard("http://127.0.0.1:9", changed)
