"""Claude through Anthropic's own SDK: one streamed, structured answer per call."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx2
from anthropic import AnthropicError, APIConnectionError, APIStatusError, AsyncAnthropic, transform_schema
from anthropic.lib.streaming import AsyncMessageStreamManager
from anthropic.types import Message, OutputConfigParam, TextBlockParam, Usage
from pydantic import ValidationError

from models.diagnosis import Draft
from reasoning.providers.base import (
    BadAnswer,
    ModelMisconfigured,
    ModelRefused,
    ModelReply,
    ModelUnavailable,
    Prompt,
)
from reasoning.providers.prices import PriceList, Tokens, shipped_prices

DEFAULT_URL = "https://api.anthropic.com"
_OURS = frozenset(
    {"invalid_request_error", "authentication_error", "permission_error", "not_found_error", "billing_error"}
)
_LONGEST_WAIT = 3600.0
_LOOK_UP_WITHIN = 10.0


class AnthropicModel:
    """One link of the chain over one pooled client."""

    def __init__(
        self,
        model: str,
        api_key: str,
        base_url: str | None = None,
        timeout: float = 120.0,
        max_tokens: int = 8_000,
        prices: PriceList | None = None,
    ) -> None:
        """Make the client; nothing is sent yet.

        Args:
            model: The vendor's id.
            api_key: Sent as a bearer token.
            base_url: A gateway; the vendor's own address if None, whatever the environment says.
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
        # max_retries=0: Temporal owns retries, and a retry hidden in the SDK would be paid for without being seen.
        self._client = AsyncAnthropic(
            api_key=api_key, base_url=base_url or DEFAULT_URL, timeout=timeout, max_retries=0, open_telemetry=False
        )

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
        try:
            async with asyncio.timeout(self._timeout), self._stream(prompt) as stream:
                async for _ in stream:
                    beat()
                message = await stream.get_final_message()
        except APIStatusError as error:
            raise self._status_problem(error) from None
        except (TimeoutError, APIConnectionError, httpx2.HTTPError) as error:
            slow = isinstance(error, TimeoutError | httpx2.TimeoutException) or "Timeout" in type(error).__name__
            what = (
                f"no whole answer within {self._timeout:g} s" if slow else f"connection trouble: {type(error).__name__}"
            )
            raise ModelUnavailable(f"{self.model}: {what}") from None
        # The SDK says nothing clearer of a stream whose events come out of order or are not JSON.
        except (
            AnthropicError,
            AssertionError,
            AttributeError,
            LookupError,
            ValueError,
            TypeError,
            RuntimeError,
        ) as error:
            raise ModelUnavailable(f"{self.model}: malformed stream: {type(error).__name__}") from None
        return self._read(message)

    async def look_up(self) -> bool:
        """Look for the model in the far end's list, which costs nothing; False where the list does not have it, or there is none.

        Raises:
            ModelUnavailable, ModelMisconfigured: as for `answer`.
        """
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

    def _stream(self, prompt: Prompt) -> AsyncMessageStreamManager[None]:
        system: list[TextBlockParam] = [
            {"type": "text", "text": prompt.system, "cache_control": {"type": "ephemeral", "ttl": "5m"}}
        ]
        # The schema alone, not the class: the SDK would validate at the end of the block, before the stop reason and the
        # usage have come, and a draft cut by the token limit would be a bad draft of unknown cost.
        config: OutputConfigParam = {"format": {"type": "json_schema", "schema": transform_schema(Draft)}}
        return self._client.messages.stream(
            model=self.model,
            max_tokens=self._max_tokens,
            system=system,
            messages=[{"role": "user", "content": prompt.user}],
            output_config=config,
        )

    def _read(self, message: Message) -> ModelReply:
        used = _tokens(message.usage)
        usd = self._prices.price(self.model, datetime.now(UTC).date()).usd(used)
        reason = message.stop_reason
        if reason is None:
            raise ModelUnavailable(f"{self.model}: the stream was cut off", usd=usd)
        if reason == "refusal":
            raise ModelRefused(f"{self.model}: declined to answer", usd=usd)
        if reason != "end_turn":
            raise BadAnswer(f"{self.model}: stopped by {reason!r} after {used.output} tokens", usd=usd)
        text = "".join(block.text for block in message.content if block.type == "text")
        try:
            draft = Draft.model_validate_json(text)
        except ValidationError as error:
            where = sorted({".".join(str(part) for part in problem["loc"]) or "answer" for problem in error.errors()})
            raise BadAnswer(f"{self.model}: not a draft: {', '.join(where)[:200]}", usd=usd) from None
        return ModelReply(draft=draft, model=self.model, input_tokens=used.prompt, output_tokens=used.output, usd=usd)

    def _status_problem(self, error: APIStatusError) -> ModelUnavailable | ModelMisconfigured:
        """Turn a status, or an error event inside a stream (status 200), into what to do about it."""
        code = error.status_code
        # The vendor's message may quote the prompt, so only its type and the id of the request are passed on.
        said = f"{self.model}: {code} {error.type or 'error'} (request {error.request_id or 'without id'})"
        if error.type in _OURS or (400 <= code < 500 and code not in (408, 409, 429)):
            return ModelMisconfigured(said)
        return ModelUnavailable(said, retry_after=_retry_after(error))


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
