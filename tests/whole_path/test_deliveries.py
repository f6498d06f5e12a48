"""Webhooks as they really come: many times, from anyone, about anything."""

import asyncio
import json

import httpx
import pytest

from models.vocabulary import Outcome
from sandbox.clock import wall_clock
from sandbox.webhooks import ZendeskSigner
from tests.whole_path.town import PATIENCE, Town


async def test_twenty_copies_and_a_late_one_make_one_note(town: Town) -> None:
    opened = await town.open("quota-used-up", copies=20)
    assert opened.statuses == (202,) * 20
    first = await town.ended(opened.ref)
    assert len(first.result.revisions) == 1
    assert (await town.redeliver(opened.ref)).statuses == (202,)
    again = await town.ended(opened.ref)
    assert again.result.revisions == ()
    assert len(again.notes) == 1
    record = await town.record(opened.ref)
    assert record.summary.key.revision == 1


async def test_our_own_note_starts_nothing(town: Town) -> None:
    ended = await town.investigate("it-does-not-work")
    run = await town.newest_run(ended.ref)
    for _ in range(int(PATIENCE * 20)):
        [about_the_note] = await town.deliveries(ended.ref, "note")
        if about_the_note["statuses"]:
            break
        await asyncio.sleep(0.05)
    assert about_the_note["statuses"] == [200]
    assert (await town.newest_run(ended.ref)).run_id == run.run_id


async def test_courtesies_agents_and_private_comments_post_nothing_and_news_does(town: Town) -> None:
    ended = await town.investigate("all-calls-402")
    run = await town.newest_run(ended.ref)
    for author, public in (("agent", True), ("agent", False)):
        told = await town.reply(ended.ref, "We are looking at the 503 now.", author=author, public=public)
        assert told.statuses == (200,), (author, public)
    assert (await town.newest_run(ended.ref)).run_id == run.run_id
    assert (await town.reply(ended.ref, "Thanks!")).statuses == (202,)
    thanked = await town.ended(ended.ref)
    assert [(one.revision, one.outcome) for one in thanked.result.revisions] == [(2, Outcome.NOTHING_NEW)]
    assert thanked.last.note_status == "silent"
    assert len(thanked.notes) == 1
    assert (await town.reply(ended.ref, "Now we also see 401 unauthorized on /v1/merge.")).statuses == (202,)
    told_more = await town.ended(ended.ref)
    [third] = told_more.result.revisions
    assert (third.revision, third.note_status) == (3, "posted")
    assert third.outcome is not Outcome.NOTHING_NEW
    assert len(told_more.notes) == 2
    assert told_more.notes[0] == ended.note
    assert told_more.notes[1].endswith(f"whydesk:{third.investigation}/3")


async def test_a_new_symptom_makes_the_second_revision_and_its_note(town: Town) -> None:
    ended = await town.investigate("billed-nearly-twice")
    await town.reply(ended.ref, "Also every call answers 403 forbidden since an hour ago.")
    second = await town.ended(ended.ref)
    assert [one.revision for one in second.result.revisions] == [2]
    assert len(second.notes) == 2


@pytest.mark.parametrize("path", ["/hooks/demo/zendesk", "/hooks/nobody/zendesk", "/hooks/demo/nothing"])
async def test_a_stranger_learns_nothing(town: Town, path: str) -> None:
    body = json.dumps({"type": "zen:event-type:ticket.created", "detail": {"id": "1"}}).encode()
    headers = ZendeskSigner("not-the-secret", webhook_id="01SANDBOXWEBHOOK").headers("d-1", body, wall_clock())
    async with httpx.AsyncClient(base_url=town.stack.gateway, trust_env=False) as http:
        answer = await http.post(path, content=body, headers={**headers, "content-type": "application/json"})
    assert answer.status_code == 401
    assert answer.json() == {"detail": "the delivery is not signed by a secret that is valid here, or too old"}


async def test_the_other_helpdesk_gets_its_signed_note_back(town: Town) -> None:
    ended = await town.investigate("one-service-gets-401", helpdesk="standard")
    assert ended.last.note_status == "posted"
    [note] = [one for one in await town.comments(ended.ref) if one["role"] == "own"]
    assert note["private"] is True
    assert note["marker"] == f"whydesk:{ended.last.investigation}/1"
    [about_the_note] = await town.deliveries(ended.ref, "note")
    assert about_the_note["helpdesk"] == "standard"
