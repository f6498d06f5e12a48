"""The real SDK against the loopback far end: every way an answer may go wrong has its name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from anthropic import transform_schema
from pydantic import JsonValue

from models.diagnosis import Claim, ClaimValue, Draft, Predicate
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
    ModelTimedOut,
    ModelUnavailable,
    Prompt,
)
from tests.anthropic_server import Answer, AnthropicServer, breaks_off, cut, hangs, refuses, says, status

KEY = "sk-ant-loopback-secret-0123456789"
PROMPT = Prompt(system="You diagnose. Playbook: …", user="The ticket says: it fails for <EMAIL_1>.")
DRAFT = Draft(
    outcome=Outcome.DIAGNOSED,
    hypothesis="regression",
    claims=(
        Claim(
            predicate=Predicate.FACT_IS,
            subject="error_rate",
            values=(ClaimValue(name="value", value="41%"),),
            evidence=("E1",),
            wording="41% of the requests failed",
        ),
    ),
    next_step="roll-back",
)


@asynccontextmanager
async def model_of(server: AnthropicServer, timeout: float = 20.0) -> AsyncIterator[AnthropicModel]:
    model = AnthropicModel("claude-haiku-5-5", direct_client(KEY, server.address, timeout), timeout, 4_000)
    try:
        yield model
    finally:
        await model.aclose()


async def problem_of(answer: Answer, timeout: float = 20.0) -> ModelError:
    with AnthropicServer([answer]) as server:
        async with model_of(server, timeout) as model:
            with pytest.raises(ModelError) as caught:
                await model.answer(PROMPT, lambda: None)
        assert len(server.requests) == 1, "the SDK must not retry"
    return caught.value


async def test_good_answer_is_read_beaten_and_priced() -> None:
    beats = 0

    def beat() -> None:
        nonlocal beats
        beats += 1

    usage: dict[str, JsonValue] = {
        "input_tokens": 1_000,
        "cache_creation_input_tokens": 3_000,
        "cache_read_input_tokens": 2_000,
        "cache_creation": {"ephemeral_5m_input_tokens": 2_000, "ephemeral_1h_input_tokens": 1_000},
        "output_tokens": 500,
    }
    with AnthropicServer([says(DRAFT, usage=usage, thinking="Let me see.")]) as server:
        async with model_of(server) as model:
            reply = await model.answer(PROMPT, beat)
    assert reply.draft == DRAFT
    assert (reply.model, reply.input_tokens, reply.output_tokens) == ("claude-haiku-5-5", 6_000, 500)
    micro = 1_000 * 0.1 + 2_000 * 0.125 + 1_000 * 0.2 + 2_000 * 0.01 + 500 * 0.5
    assert reply.usd == pytest.approx(micro / 1e6)
    assert beats > 5


async def test_request_asks_for_the_drafts_schema_and_caches_the_system_part() -> None:
    with AnthropicServer([says(DRAFT)]) as server:
        async with model_of(server) as model:
            await model.answer(PROMPT, lambda: None)
    request = server.requests[0]
    assert request.path == "/v1/messages"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    sent = request.json
    assert sent["stream"] is True
    assert sent["max_tokens"] == 4_000
    assert sent["system"] == [
        {"type": "text", "text": PROMPT.system, "cache_control": {"type": "ephemeral", "ttl": "5m"}}
    ]
    assert sent["messages"] == [{"role": "user", "content": PROMPT.user}]
    assert sent["output_config"] == {"format": {"type": "json_schema", "schema": transform_schema(Draft)}}
    assert "tools" not in sent


@pytest.mark.parametrize("reset", [False, True], ids=["quietly", "by a broken connection"])
async def test_cut_stream_is_unavailable(reset: bool) -> None:
    assert type(await problem_of(cut(DRAFT, reset=reset))) is ModelUnavailable


async def test_stream_cut_after_the_whole_text_is_not_taken_for_an_answer() -> None:
    assert type(await problem_of(says(DRAFT, stop_reason=None))) is ModelUnavailable


async def test_overload_passes_and_the_next_call_succeeds() -> None:
    with AnthropicServer([status(529, "overloaded_error", retry_after="7"), says(DRAFT)]) as server:
        async with model_of(server) as model:
            with pytest.raises(ModelUnavailable) as caught:
                await model.answer(PROMPT, lambda: None)
            assert caught.value.retry_after == 7
            assert (await model.answer(PROMPT, lambda: None)).draft == DRAFT


@pytest.mark.parametrize(
    ("answer", "kind", "wait"),
    [
        (status(429, "rate_limit_error", retry_after="12"), ModelRateLimited, 12.0),
        (status(429, "rate_limit_error", retry_after_ms="1500", retry_after="9"), ModelRateLimited, 1.5),
        (status(429, "rate_limit_error", retry_after="soon"), ModelRateLimited, None),
        (status(503, "api_error", retry_after="999999999"), ModelUnavailable, 3600.0),
        (status(503, "api_error", retry_after="Wed, 21 Oct 2015 07:28:00 GMT"), ModelUnavailable, 0.0),
        (status(500, "api_error"), ModelUnavailable, None),
        (breaks_off("overloaded_error"), ModelOverloaded, None),
        (breaks_off("invalid_request_error"), ModelMisconfigured, None),
        (status(400, "invalid_request_error"), ModelMisconfigured, None),
        (status(401, "authentication_error"), ModelMisconfigured, None),
        (status(402, "billing_error"), ModelMisconfigured, None),
        (status(403, "permission_error"), ModelMisconfigured, None),
        (status(404, "not_found_error"), ModelMisconfigured, None),
    ],
)
async def test_errors_have_their_names(answer: Answer, kind: type[ModelError], wait: float | None) -> None:
    problem = await problem_of(answer)
    assert type(problem) is kind
    assert problem.retry_after == wait


async def test_refusal() -> None:
    assert type(await problem_of(refuses())) is ModelRefused


async def test_answer_cut_by_the_token_limit_is_bad_and_was_paid() -> None:
    half = DRAFT.model_dump_json()[:60]
    problem = await problem_of(
        says(half, stop_reason="max_tokens", usage={"input_tokens": 1_000, "output_tokens": 4_000})
    )
    assert type(problem) is BadAnswer
    assert problem.usd == pytest.approx((1_000 * 0.1 + 4_000 * 0.5) / 1e6)


@pytest.mark.parametrize(
    "text", ["", "I think it is a regression.", '{"outcome": "diagnosed"', '{"outcome": "solved"}', "[]"]
)
async def test_text_that_is_no_draft_is_bad(text: str) -> None:
    problem = await problem_of(says(text))
    assert type(problem) is BadAnswer
    assert "regression" not in str(problem)


async def test_slow_answer_is_unavailable_in_time() -> None:
    async with asyncio.timeout(15):
        problem = await problem_of(hangs(), timeout=0.3)
    assert type(problem) is ModelTimedOut
    assert "0.3 s" in str(problem)


async def test_drip_that_never_ends_is_bounded_by_the_whole_time() -> None:
    drip = replace(says("{" + " " * 40 * 2_000), pace=0.02)
    async with asyncio.timeout(15):
        assert type(await problem_of(drip, timeout=0.5)) is ModelTimedOut


async def test_nobody_there_is_unavailable() -> None:
    with AnthropicServer([says(DRAFT)]) as server:
        address = server.address
    model = AnthropicModel("claude-haiku-5-5", direct_client(KEY, address, 5.0), 5.0)
    with pytest.raises(ModelUnavailable):
        await model.answer(PROMPT, lambda: None)
    await model.aclose()


@pytest.mark.parametrize("answer", [status(401, "authentication_error"), breaks_off(), says("jane@acme.example")])
async def test_errors_hold_neither_key_nor_text(answer: Answer) -> None:
    problem = await problem_of(answer)
    said = f"{problem!r} {problem} {problem.__cause__!r}"
    assert KEY not in said
    assert "jane@acme.example" not in said
    assert PROMPT.user not in said


async def test_environment_does_not_move_the_traffic(monkeypatch: pytest.MonkeyPatch) -> None:
    with AnthropicServer([says(DRAFT)]) as server, AnthropicServer([says(DRAFT)]) as elsewhere:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", elsewhere.address)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "another")
        async with model_of(server) as model:
            await model.answer(PROMPT, lambda: None)
    assert len(server.requests) == 1
    assert not elsewhere.requests


async def test_cancelling_a_call_ends_it() -> None:
    with AnthropicServer([hangs()]) as server:
        async with model_of(server) as model:
            begun = asyncio.Event()
            task = asyncio.create_task(model.answer(PROMPT, begun.set))
            await asyncio.wait_for(begun.wait(), 15)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task


def test_model_without_a_price_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(KeyError, match="no price for model 'claude-mystery'"):
        AnthropicModel("claude-mystery", direct_client(KEY))


async def test_repr_names_the_model_and_not_the_key() -> None:
    model = AnthropicModel("claude-haiku-5-5", direct_client(KEY))
    assert repr(model) == "AnthropicModel('claude-haiku-5-5')"
    assert KEY not in str(vars(model))
    await model.aclose()
