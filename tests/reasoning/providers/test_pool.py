"""The chain's models are made once, on demand, and closed together."""

from collections.abc import Callable

import pytest

from reasoning.providers.anthropic import AnthropicModel
from reasoning.providers.anthropic_clients import direct_client
from reasoning.providers.base import LanguageModel
from reasoning.providers.pool import ChainPool


def anthropic(made: list[str], model: str) -> Callable[[], LanguageModel]:
    def make() -> LanguageModel:
        made.append(model)
        return AnthropicModel(model, direct_client("sk-ant-test"))

    return make


async def test_model_is_made_once_and_only_when_asked_for() -> None:
    made: list[str] = []
    pool = ChainPool({"acme": {name: anthropic(made, name) for name in ("claude-haiku-5-5", "claude-opus-5")}})
    assert made == []
    first = await pool.get("acme", "claude-haiku-5-5")
    assert await pool.get("acme", "claude-haiku-5-5") is first
    assert made == ["claude-haiku-5-5"]
    await pool.aclose()
    assert await pool.get("acme", "claude-haiku-5-5") is not first
    await pool.aclose()


async def test_unknown_model_or_tenant_names_what_is_configured() -> None:
    pool = ChainPool({"acme": {"claude-haiku-5-5": anthropic([], "claude-haiku-5-5")}})
    with pytest.raises(KeyError, match="configured: claude-haiku-5-5"):
        await pool.get("acme", "claude-opus-5")
    with pytest.raises(KeyError, match=r"tenant 'other'.*configured: none"):
        await pool.get("other", "claude-haiku-5-5")


async def test_closing_goes_on_after_a_failure() -> None:
    closed: list[str] = []

    class Link(AnthropicModel):
        async def aclose(self) -> None:
            await super().aclose()
            closed.append(self.model)
            if self.model == "claude-haiku-5-5":
                raise OSError("the socket was gone")

    def link(model: str) -> Callable[[], LanguageModel]:
        return lambda: Link(model, direct_client("sk-ant-test"))

    pool = ChainPool({"acme": {name: link(name) for name in ("claude-haiku-5-5", "claude-opus-5")}})
    for name in ("claude-haiku-5-5", "claude-opus-5"):
        await pool.get("acme", name)
    with pytest.raises(ExceptionGroup, match="did not close"):
        await pool.aclose()
    assert closed == ["claude-haiku-5-5", "claude-opus-5"]
