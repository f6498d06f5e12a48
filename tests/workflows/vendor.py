"""A model's vendor for workflow tests: its far end, and the real SDK that asks it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from reasoning.providers.anthropic import AnthropicModel
from reasoning.providers.anthropic_clients import direct_client
from reasoning.providers.base import LanguageModel
from tests.anthropic_server import AnthropicServer, Script
from tests.workflows.house import Models

PATIENCE = 20.0


@asynccontextmanager
async def vendor(script: Script, models: Mapping[str, str]) -> AsyncIterator[tuple[AnthropicServer, Models]]:
    """Run the far end; `models` are a pool's ids and the model that each of them is."""
    with AnthropicServer(script) as server:
        made: dict[str, LanguageModel] = {
            one: AnthropicModel(model, direct_client("sk-ant-test", server.address, PATIENCE), PATIENCE)
            for one, model in models.items()
        }
        try:
            yield server, Models(made)
        finally:
            for model in made.values():
                await model.aclose()
