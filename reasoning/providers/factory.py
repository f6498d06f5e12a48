"""A link of the configuration ▶ a model. The vendors' SDKs are loaded by the first that is made."""

from collections.abc import Callable

from models.tenant import ModelConfig
from reasoning.providers.anthropic import AnthropicModel
from reasoning.providers.anthropic_clients import Client, bedrock_client, direct_client, vertex_client


def make_model(link: ModelConfig, secret: Callable[[str], str]) -> AnthropicModel:
    """Make the model of one link; nothing is sent yet.

    Raises:
        KeyError: the model has no price.
    """
    return AnthropicModel(link.model, _client(link, secret), link.timeout, link.max_tokens)


def _client(link: ModelConfig, secret: Callable[[str], str]) -> Client:
    key = secret(link.api_key) if link.api_key is not None else None
    base_url = str(link.base_url) if link.base_url else None
    if link.provider == "bedrock":
        return bedrock_client(link.region, key, base_url, link.timeout)
    if link.provider == "vertex":
        return vertex_client(link.region, link.project, base_url, link.timeout)
    assert key is not None
    return direct_client(key, base_url, link.timeout)
