"""Every way in which an answer of the vendor is known to fail, over real HTTP: its name, its cost, and one request each.

| what comes                                                        | what it is called           | tried again |
|-------------------------------------------------------------------|-----------------------------|-------------|
| a stream without message_start, or without content_block_start    | ModelUnavailable, malformed | yes         |
| a block that never ends (the SDK says nothing of it)              | ModelUnavailable, malformed | yes         |
| no message_delta: a whole text whose stop reason never came       | ModelUnavailable, cut off   | yes         |
| a stream that ends in its middle, quietly or by a reset           | ModelUnavailable, cut off   | yes         |
| no message_stop                                                   | an answer                   |             |
| no usage, an empty stream, events that are not JSON               | ModelUnavailable, malformed | yes         |
| an error event inside a stream of status 200                      | by its type                 | by its type |
| 408, 409, 500, 502, 503, 504, with or without a body              | ModelUnavailable            | yes         |
| 429                                                               | ModelRateLimited            | yes         |
| 529                                                               | ModelOverloaded             | yes         |
| 400, 401, 402, 403, 404, 413, 422                                 | ModelMisconfigured          | no          |
| stop reason refusal                                               | ModelRefused, paid          | no          |
| max_tokens, stop_sequence, tool_use, pause_turn, context exceeded | BadAnswer, paid             | no          |
| a stop reason or a block that the SDK's types do not know         | BadAnswer, paid             | no          |
| end_turn with text that is no draft                               | BadAnswer, paid             | no          |
| silence that outlasts the timeout                                 | ModelTimedOut               | no          |

The cut streams, slow answers, retry-after headers and secrets are in test_anthropic.py.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import pytest
from pydantic import JsonValue

from models.diagnosis import Draft
from models.vocabulary import Outcome
from reasoning.providers.anthropic import AnthropicModel
from reasoning.providers.anthropic_clients import direct_client
from reasoning.providers.base import (
    BadAnswer,
    ModelError,
    ModelMisconfigured,
    ModelOverloaded,
    ModelRateLimited,
    ModelRefused,
    ModelReply,
    ModelTimedOut,
    ModelUnavailable,
    Prompt,
)
from tests.anthropic_server import Answer, AnthropicServer, Event, breaks_off, hangs, says, status

PROMPT = Prompt(system="You diagnose.", user="It fails.", version="diagnose@1")
DRAFT = Draft(outcome=Outcome.INCONCLUSIVE)
USAGE: Mapping[str, JsonValue] = {"input_tokens": 1_000, "output_tokens": 200}
PAID = (1_000 * 0.1 + 200 * 0.5) / 1e6
WHOLE = says(DRAFT, usage=USAGE)


async def answer_to(answer: Answer, timeout: float = 20.0) -> ModelReply:
    """Ask once; the far end must have been asked once."""
    with AnthropicServer([answer]) as server:
        model = AnthropicModel("claude-haiku-5-5", direct_client("sk-ant-test", server.address, timeout), timeout)
        try:
            return await model.answer(PROMPT, lambda: None)
        finally:
            await model.aclose()
            assert len(server.requests) == 1, "the SDK must not retry"


async def problem_of(answer: Answer, timeout: float = 20.0) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await answer_to(answer, timeout)
    return caught.value


def without(kind: str) -> Answer:
    return replace(WHOLE, events=tuple(event for event in WHOLE.events if event["type"] != kind))


def changed(kind: str, **fields: JsonValue) -> Answer:
    """The whole answer with some fields of one kind of event changed, which the SDK's types need not know."""

    def change(event: Event) -> Event:
        return {**event, **fields} if event["type"] == kind else event

    return replace(WHOLE, events=tuple(change(event) for event in WHOLE.events), unchecked=True)


async def test_the_whole_answer_is_one() -> None:
    reply = await answer_to(WHOLE)
    assert reply.draft == DRAFT
    assert reply.usd == pytest.approx(PAID)


@pytest.mark.parametrize("missing", ["message_start", "content_block_start", "content_block_stop"])
async def test_a_stream_that_lacks_an_event_is_malformed(missing: str) -> None:
    problem = await problem_of(without(missing))
    assert type(problem) is ModelUnavailable
    assert "malformed stream" in str(problem)


async def test_a_whole_text_whose_stop_reason_never_came_is_cut_off() -> None:
    problem = await problem_of(without("message_delta"))
    assert type(problem) is ModelUnavailable
    assert "cut off" in str(problem)


async def test_a_stream_without_its_last_event_is_an_answer() -> None:
    assert (await answer_to(without("message_stop"))).draft == DRAFT


async def test_pings_and_thinking_are_no_part_of_an_answer() -> None:
    thought = says(DRAFT, usage=USAGE, thinking='{"outcome": "diagnosed"}')
    ping: Event = {"type": "ping"}
    events = [part for event in thought.events for part in (event, ping)]
    assert (await answer_to(replace(thought, events=tuple(events), unchecked=True))).draft == DRAFT


async def test_an_answer_without_usage_has_no_known_cost_and_is_malformed() -> None:
    message = WHOLE.events[0]["message"]
    assert isinstance(message, dict)
    bare: JsonValue = {name: value for name, value in message.items() if name != "usage"}
    problem = await problem_of(changed("message_start", message=bare))
    assert type(problem) is ModelUnavailable
    assert "malformed stream" in str(problem)


@pytest.mark.parametrize(
    "reason", ["max_tokens", "stop_sequence", "tool_use", "pause_turn", "model_context_window_exceeded"]
)
async def test_only_end_turn_is_an_answer_although_the_draft_is_whole(reason: str) -> None:
    problem = await problem_of(says(DRAFT, usage=USAGE, stop_reason=reason))
    assert type(problem) is BadAnswer
    assert f"stopped by {reason!r}" in str(problem)
    assert problem.usd == pytest.approx(PAID)


async def test_a_refusal_is_one_although_the_draft_is_whole() -> None:
    problem = await problem_of(says(DRAFT, usage=USAGE, stop_reason="refusal"))
    assert type(problem) is ModelRefused
    assert problem.usd == pytest.approx(PAID)


async def test_a_stop_reason_that_nobody_knows_is_no_answer_and_not_repeated_at_length() -> None:
    delta: JsonValue = {"stop_reason": "nope" * 500, "stop_sequence": None}
    problem = await problem_of(changed("message_delta", delta=delta))
    assert type(problem) is BadAnswer
    assert len(str(problem)) < 200


async def test_a_block_that_nobody_knows_holds_no_answer() -> None:
    start: JsonValue = {"type": "prophecy", "text": ""}
    problem = await problem_of(changed("content_block_start", content_block=start))
    assert type(problem) is BadAnswer


@pytest.mark.parametrize(
    "text",
    ["", "null", "{", '{"outcome": "solved"}', DRAFT.model_dump_json() + "}", "```json\n" + DRAFT.model_dump_json()],
    ids=["nothing", "null", "half", "unknown-outcome", "more-after-it", "in-a-fence"],
)
async def test_end_turn_with_text_that_is_no_draft_is_bad_and_paid(text: str) -> None:
    problem = await problem_of(says(text, usage=USAGE))
    assert type(problem) is BadAnswer
    assert problem.usd == pytest.approx(PAID)


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("overloaded_error", ModelOverloaded),
        ("api_error", ModelUnavailable),
        ("rate_limit_error", ModelRateLimited),
        ("timeout_error", ModelUnavailable),
        ("authentication_error", ModelMisconfigured),
        ("billing_error", ModelMisconfigured),
    ],
)
async def test_an_error_inside_a_stream_is_named_by_its_type(kind: str, named: type[ModelError]) -> None:
    assert type(await problem_of(breaks_off(kind))) is named


@pytest.mark.parametrize("code", [408, 409, 429, 500, 502, 503, 504, 529])
async def test_what_may_pass_is_unavailable_even_where_the_server_asks_for_a_retry(code: int) -> None:
    problem = await problem_of(status(code, "api_error", x_should_retry="true"))
    assert type(problem) is {429: ModelRateLimited, 529: ModelOverloaded}.get(code, ModelUnavailable)
    assert str(code) in str(problem)


@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 413, 422])
async def test_what_is_ours_to_mend_is_misconfigured(code: int) -> None:
    assert type(await problem_of(status(code, "invalid_request_error"))) is ModelMisconfigured


@pytest.mark.parametrize(
    ("code", "named"), [(200, ModelUnavailable), (502, ModelUnavailable), (403, ModelMisconfigured)]
)
async def test_a_page_of_something_between_us_is_no_answer(code: int, named: type[ModelError]) -> None:
    problem = await problem_of(Answer(status=code, page="<html>Please log in as jane@acme.example</html>"))
    assert type(problem) is named
    assert "jane" not in str(problem)


@pytest.mark.parametrize("page", ["data: {not json}\n\n", "event: message_start\ndata: []\n\n", "\n\n"])
async def test_a_body_that_is_no_stream_of_events_is_malformed(page: str) -> None:
    problem = await problem_of(Answer(page=page))
    assert type(problem) is ModelUnavailable


async def test_an_empty_stream_is_malformed() -> None:
    assert type(await problem_of(Answer())) is ModelUnavailable


async def test_a_silent_model_beats_until_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reasoning.providers.anthropic._BEAT_EVERY", 0.02)
    beats = 0

    def beat() -> None:
        nonlocal beats
        beats += 1

    with AnthropicServer([hangs()]) as server:
        model = AnthropicModel("claude-haiku-5-5", direct_client("sk-ant-test", server.address, 1.0), 1.0)
        with pytest.raises(ModelTimedOut, match="no whole answer within 1 s"):
            await model.answer(PROMPT, beat)
        heard = beats
        await model.aclose()
    assert heard > 10, "an event came, then nothing: who waits must still be told that we live"
    await asyncio.sleep(0.1)
    assert beats == heard, "nobody may beat for a call that is over"


async def test_a_call_that_is_cancelled_beats_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reasoning.providers.anthropic._BEAT_EVERY", 0.02)
    begun = asyncio.Event()
    with AnthropicServer([hangs()]) as server:
        model = AnthropicModel("claude-haiku-5-5", direct_client("sk-ant-test", server.address, 20.0), 20.0)
        task = asyncio.create_task(model.answer(PROMPT, begun.set))
        await asyncio.wait_for(begun.wait(), 15)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        begun.clear()
        await asyncio.sleep(0.1)
        assert not begun.is_set()
        await model.aclose()


async def test_a_choice_is_one_of_those_that_were_offered() -> None:
    with AnthropicServer([says('{"id": "two"}', usage=USAGE, thinking="one?"), says('{"id": "three"}')]) as server:
        model = AnthropicModel("claude-haiku-5-5", direct_client("sk-ant-test", server.address))
        choice = await model.choose(PROMPT, ["one", "two"], lambda: None)
        assert (choice.chosen, choice.model) == ("two", "claude-haiku-5-5")
        assert choice.usd == pytest.approx(PAID)
        with pytest.raises(BadAnswer, match="not one of one, two"):
            await model.choose(PROMPT, ["one", "two"], lambda: None)
        await model.aclose()
