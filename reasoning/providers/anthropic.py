"""Claude through Anthropic's own SDK: one streamed, structured answer per call."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
from anthropic import AnthropicError, APIConnectionError, APIStatusError, AsyncAnthropic, transform_schema
from anthropic.lib.streaming import AsyncMessageStreamManager
from anthropic.types import Message, OutputConfigParam, TextBlockParam, Usage
from pydantic import BaseModel, JsonValue, ValidationError

from models.diagnosis import Draft
from reasoning.providers.anthropic_clients import Client
from reasoning.providers.base import (
    BadAnswer,
    ModelChoice,
    ModelMisconfigured,
    ModelOverloaded,
    ModelRateLimited,
    ModelRefused,
    ModelReply,
    ModelTimedOut,
    ModelUnavailable,
    Prompt,
)
from reasoning.providers.prices import PriceList, Tokens, shipped_prices

_OURS = frozenset(
    {"invalid_request_error", "authentication_error", "permission_error", "not_found_error", "billing_error"}
)
_BUSY: Mapping[str, type[ModelUnavailable]] = {
    "overloaded_error": ModelOverloaded,
    "rate_limit_error": ModelRateLimited,
}
_BUSY_BY_STATUS: Mapping[int, type[ModelUnavailable]] = {429: ModelRateLimited, 529: ModelOverloaded}
_LONGEST_WAIT = 3600.0
_LOOK_UP_WITHIN = 10.0
_BEAT_EVERY = 5.0
"""Seconds: a model that thinks sends nothing for a long time, and is no dead worker for that."""
_CHOICE_TOKENS = 1_024
"""Of an answer that is one word: room for those that think before it."""
_CHOICE = "id"
_CLOUDS = ("google.auth", "botocore", "boto3")


class AnthropicModel:
    """One link of the chain over one pooled client."""

    def __init__(
        self,
        model: str,
        client: Client,
        timeout: float = 120.0,
        max_tokens: int = 8_000,
        prices: PriceList | None = None,
    ) -> None:
        """Take a client; nothing is sent yet.

        Args:
            model: The provider's id.
            client: Of `anthropic_clients`.
            timeout: Seconds for one whole answer.
            max_tokens: Of the answer.
            prices: The shipped list if None.

        Raises:
            KeyError: the model has no price.
        """
        self.model = model
        self._timeout = timeout
        self._max_tokens = max_tokens
        self._prices = prices or shipped_prices()
        self._prices.price(model, datetime.now(UTC).date())
        self._client = client

    def __repr__(self) -> str:
        """Name the model; never the key."""
        return f"AnthropicModel({self.model!r})"

    async def answer(self, prompt: Prompt, beat: Callable[[], None]) -> ModelReply:
        """Ask once, streaming.

        Raises:
            ModelUnavailable: overload, rate limit, 5xx, connection trouble, too slow, or a stream that was cut off.
            ModelRefused: the model declined.
            BadAnswer: cut by the token limit, or not a draft.
            ModelMisconfigured: wrong key, unknown model, bad request.
        """
        text, used, usd = await self._ask(prompt, transform_schema(Draft), self._max_tokens, beat)
        try:
            draft = Draft.model_validate_json(text)
        except ValidationError as error:
            where = sorted({".".join(str(part) for part in problem["loc"]) or "answer" for problem in error.errors()})
            raise BadAnswer(f"{self.model}: not a draft: {', '.join(where)[:200]}", usd=usd) from None
        return ModelReply(draft=draft, model=self.model, input_tokens=used.prompt, output_tokens=used.output, usd=usd)

    async def choose(self, prompt: Prompt, among: Sequence[str], beat: Callable[[], None]) -> ModelChoice:
        """Ask once for one of these ids.

        Raises:
            ModelUnavailable, ModelRefused, ModelMisconfigured: as for `answer`.
            BadAnswer: cut by the token limit, or not one of those.
        """
        schema: dict[str, JsonValue] = {
            "type": "object",
            "properties": {_CHOICE: {"type": "string", "enum": list(among)}},
            "required": [_CHOICE],
            "additionalProperties": False,
        }
        text, used, usd = await self._ask(prompt, schema, _CHOICE_TOKENS, beat)
        chosen = _named(text)
        if chosen not in among:
            raise BadAnswer(f"{self.model}: not one of {', '.join(among)}", usd=usd)
        return ModelChoice(
            chosen=chosen, model=self.model, input_tokens=used.prompt, output_tokens=used.output, usd=usd
        )

    async def structured(
        self, prompt: Prompt, shape: type[BaseModel], beat: Callable[[], None]
    ) -> tuple[str, Tokens, float]:
        """Ask once for an answer of another shape; return its text, what it used and what it cost in US dollars.

        Raises:
            ModelUnavailable, ModelRefused, ModelMisconfigured, BadAnswer: as for `answer`, but that nobody has read the text.
        """
        return await self._ask(prompt, transform_schema(shape), self._max_tokens, beat)

    async def look_up(self) -> bool:
        """Look for the model in the far end's list, which costs nothing; False where the list does not have it, or there is none.

        Bedrock and Vertex have none that this SDK reads.

        Raises:
            ModelUnavailable, ModelMisconfigured: as for `answer`.
        """
        if not isinstance(self._client, AsyncAnthropic):
            return False
        try:
            await self._client.models.retrieve(self.model, timeout=_LOOK_UP_WITHIN)
        except APIStatusError as error:
            if error.status_code == 404:
                return False
            raise self._status_problem(error) from None
        except (APIConnectionError, httpx2.HTTPError) as error:
            raise ModelUnavailable(f"{self.model}: connection trouble: {type(error).__name__}") from None
        return True

    async def aclose(self) -> None:
        """Close the pooled client."""
        await self._client.close()

    async def _ask(
        self, prompt: Prompt, schema: Mapping[str, JsonValue], max_tokens: int, beat: Callable[[], None]
    ) -> tuple[str, Tokens, float]:
        """Return the text of a whole answer, what it used and what it cost; all else is an error of `base`."""
        begun = ended = 0
        try:
            async with (
                asyncio.timeout(self._timeout),
                _beating(beat),
                self._stream(prompt, schema, max_tokens) as stream,
            ):
                async for event in stream:
                    beat()
                    begun += event.type == "content_block_start"
                    ended += event.type == "content_block_stop"
                message = await stream.get_final_message()
                used = _tokens(message.usage)
        except APIStatusError as error:
            raise self._status_problem(error) from None
        except (TimeoutError, APIConnectionError, httpx2.HTTPError) as error:
            if isinstance(error, TimeoutError | httpx2.TimeoutException) or "Timeout" in type(error).__name__:
                raise ModelTimedOut(f"{self.model}: no whole answer within {self._timeout:g} s") from None
            raise ModelUnavailable(f"{self.model}: connection trouble: {type(error).__name__}") from None
        except RuntimeError as error:
            raise self._sdk_problem(error, begun) from None
        # The SDK says nothing clearer of a stream whose events come out of order or are not JSON.
        except (
            AnthropicError,
            AssertionError,
            AttributeError,
            LookupError,
            ValueError,
            TypeError,
        ) as error:
            raise ModelUnavailable(f"{self.model}: malformed stream: {type(error).__name__}") from None
        except Exception as error:
            # The clouds' own packages are not there on every machine, so their errors are known by name.
            if not type(error).__module__.startswith(_CLOUDS):
                raise
            if begun or type(error).__name__ == "TransportError":
                raise ModelUnavailable(f"{self.model}: {type(error).__name__}") from None
            raise ModelMisconfigured(f"{self.model}: no credentials that count: {type(error).__name__}") from None
        usd = self._prices.price(self.model, datetime.now(UTC).date()).usd(used)
        return self._whole_text(message, used, usd, begun == ended), used, usd

    def _sdk_problem(self, error: RuntimeError, begun: int) -> ModelMisconfigured | ModelUnavailable:
        """Without credentials the SDK of Bedrock raises a bare RuntimeError before it sends anything."""
        if isinstance(self._client, AsyncAnthropic) or begun:
            return ModelUnavailable(f"{self.model}: malformed stream: {type(error).__name__}")
        return ModelMisconfigured(f"{self.model}: the machine has no credentials for it, or they do not count")

    def _stream(
        self, prompt: Prompt, schema: Mapping[str, JsonValue], max_tokens: int
    ) -> AsyncMessageStreamManager[None]:
        system: list[TextBlockParam] = [
            {"type": "text", "text": prompt.system, "cache_control": {"type": "ephemeral", "ttl": "5m"}}
        ]
        # The schema alone, not the class: the SDK would validate at the end of the block, before the stop reason and the
        # usage have come, and a draft cut by the token limit would be a bad draft of unknown cost.
        config: OutputConfigParam = {"format": {"type": "json_schema", "schema": dict(schema)}}
        return self._client.messages.stream(
            model=self.model,
            max_tokens=max_tokens,
            system=system,
            messages=[{"role": "user", "content": prompt.user}],
            output_config=config,
        )

    def _whole_text(self, message: Message, used: Tokens, usd: float, closed: bool) -> str:
        """Return the text of an answer that ended by itself, every block of it."""
        reason = message.stop_reason
        if reason is None:
            raise ModelUnavailable(f"{self.model}: the stream was cut off", usd=usd)
        if reason == "refusal":
            raise ModelRefused(f"{self.model}: declined to answer", usd=usd)
        if reason != "end_turn":
            raise BadAnswer(f"{self.model}: stopped by {str(reason)[:40]!r} after {used.output} tokens", usd=usd)
        if not closed:
            raise ModelUnavailable(f"{self.model}: malformed stream: a block without its end", usd=usd)
        return "".join(block.text for block in message.content if block.type == "text")

    def _status_problem(self, error: APIStatusError) -> ModelUnavailable | ModelMisconfigured:
        """Turn a status, or an error event inside a stream (status 200), into what to do about it."""
        code = error.status_code
        # The vendor's message may quote the prompt, so only its type and the id of the request are passed on.
        said = f"{self.model}: {code} {error.type or 'error'} (request {error.request_id or 'without id'})"
        if error.type in _OURS or (400 <= code < 500 and code not in (408, 409, 429)):
            return ModelMisconfigured(said)
        named = _BUSY.get(error.type or "") or _BUSY_BY_STATUS.get(code, ModelUnavailable)
        return named(said, retry_after=_retry_after(error))


@asynccontextmanager
async def _beating(beat: Callable[[], None]) -> AsyncIterator[None]:
    """Beat while nothing arrives; how long that may go on is the timeout's affair."""

    async def go_on() -> None:
        while True:
            await asyncio.sleep(_BEAT_EVERY)
            beat()

    beating = asyncio.create_task(go_on())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


def _named(text: str) -> str | None:
    try:
        said = json.loads(text)
    except ValueError:
        return None
    named = said.get(_CHOICE) if isinstance(said, dict) and set(said) == {_CHOICE} else None
    return named if isinstance(named, str) else None


def _tokens(usage: Usage) -> Tokens:
    written = usage.cache_creation_input_tokens or 0
    long = usage.cache_creation.ephemeral_1h_input_tokens if usage.cache_creation else 0
    return Tokens(
        input=usage.input_tokens or 0,
        cache_write_5m=max(0, written - long),
        cache_write_1h=long,
        cache_read=usage.cache_read_input_tokens or 0,
        output=usage.output_tokens or 0,
    )


def _retry_after(error: APIStatusError) -> float | None:
    """Read `retry-after-ms`, or `retry-after` in seconds or as a date; nonsense counts as absent, an hour is the most."""
    headers = error.response.headers
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name, "")
        try:
            return min(max(0.0, float(value) / scale), _LONGEST_WAIT)
        except ValueError:
            continue
    try:
        wait = (parsedate_to_datetime(headers.get("retry-after", "")) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(0.0, wait), _LONGEST_WAIT)
