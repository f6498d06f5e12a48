"""Claude on Bedrock and Vertex: their own SDK clients against a loopback far end that speaks as they do."""

from collections.abc import Callable
from pathlib import Path

import pytest
from anthropic.lib.aws import _auth
from google.auth.exceptions import DefaultCredentialsError

from models.diagnosis import Draft
from models.tenant import ModelConfig
from models.vocabulary import Outcome
from reasoning.providers.anthropic import AnthropicModel
from reasoning.providers.anthropic_models import vendor_id
from reasoning.providers.base import (
    ModelError,
    ModelMisconfigured,
    ModelOverloaded,
    ModelRateLimited,
    ModelUnavailable,
    Prompt,
)
from reasoning.providers.factory import make_model
from tests.anthropic_server import Answer, AnthropicServer, breaks_off, cut, says, status

PROMPT = Prompt(system="You diagnose.", user="It fails for <EMAIL_1>.")
DRAFT = Draft(outcome=Outcome.DIAGNOSED, hypothesis="regression", next_step="roll-back")
ON_BEDROCK = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"
ON_VERTEX = "claude-haiku-4-5@20251001"


@pytest.fixture(autouse=True)
def no_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave nothing of this machine's that the clouds' packages would look for, above all no call to a metadata server."""
    for name in ("AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    # The SDK keeps Amazon's sessions for the life of the process, credentials and all.
    _auth._get_session.cache_clear()  # type: ignore[attr-defined]  # the SDK hides that it is a cache
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))


def bedrock(address: str, **more: str) -> AnthropicModel:
    link = {"provider": "bedrock", "model": ON_BEDROCK, "region": "eu-central-1", "base_url": address, **more}
    return make_model(ModelConfig.model_validate(link), lambda ref: f"secret of {ref}")


def vertex(address: str) -> AnthropicModel:
    link = {"provider": "vertex", "model": ON_VERTEX, "region": "europe-west1", "project": "acme", "base_url": address}
    model = make_model(ModelConfig.model_validate(link), lambda ref: ref)
    # Google's own credentials would be fetched from Google: a token that is there already takes their place.
    model._client.access_token = "ya29.loopback"  # type: ignore[union-attr]
    return model


async def asked(model: AnthropicModel) -> Draft:
    try:
        return (await model.answer(PROMPT, lambda: None)).draft
    finally:
        await model.aclose()


async def test_bedrock_streams_in_amazons_frames_with_a_bedrock_key() -> None:
    with AnthropicServer([says(DRAFT, usage={"input_tokens": 1_000_000, "output_tokens": 0})]) as server:
        model = bedrock(server.address, api_key="env:AWS_BEDROCK_KEY")
        reply = await model.answer(PROMPT, lambda: None)
        await model.aclose()
    [request] = server.requests
    assert request.path == "/model/eu.anthropic.claude-haiku-4-5-20251001-v1:0/invoke-with-response-stream"
    assert request.headers["authorization"] == "Bearer secret of env:AWS_BEDROCK_KEY"
    assert "anthropic_version" in request.json
    assert "model" not in request.json
    assert "output_config" in request.json
    assert reply.draft == DRAFT
    assert reply.usd == pytest.approx(1.0), "at the price of claude-haiku-4-5"


async def test_bedrock_signs_with_the_machines_own_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIALOOPBACK")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "loopback")
    with AnthropicServer([says(DRAFT)]) as server:
        assert await asked(bedrock(server.address)) == DRAFT
    signed = server.requests[0].headers["authorization"]
    assert signed.startswith("AWS4-HMAC-SHA256 Credential=AKIALOOPBACK/")
    assert "/eu-central-1/bedrock/aws4_request" in signed


async def test_vertex_streams_under_its_project_and_region() -> None:
    with AnthropicServer([says(DRAFT)]) as server:
        assert await asked(vertex(server.address)) == DRAFT
    [request] = server.requests
    where = "/projects/acme/locations/europe-west1/publishers/anthropic/models/claude-haiku-4-5@20251001"
    assert request.path == f"{where}:streamRawPredict"
    assert request.headers["authorization"] == "Bearer ya29.loopback"


CLOUDS: list[Callable[[str], AnthropicModel]] = [lambda address: bedrock(address, api_key="env:X"), vertex]


@pytest.mark.parametrize("cloud", CLOUDS, ids=["bedrock", "vertex"])
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (status(429, "rate_limit_error", retry_after="3"), ModelRateLimited),
        (status(503, "overloaded_error"), ModelOverloaded),
        (status(403, "permission_error"), ModelMisconfigured),
        (cut(DRAFT), ModelUnavailable),
        (cut(DRAFT, reset=True), ModelUnavailable),
        (breaks_off("overloaded_error"), ModelUnavailable),
    ],
    ids=["busy", "overloaded", "denied", "cut", "reset", "error in the stream"],
)
async def test_what_goes_wrong_has_the_same_names_everywhere(
    cloud: Callable[[str], AnthropicModel], answer: Answer, kind: type[ModelError]
) -> None:
    with AnthropicServer([answer]) as server, pytest.raises(ModelError) as caught:
        await asked(cloud(server.address))
    # Of an error inside Amazon's stream the SDK does not tell the type.
    in_stream = answer.status == 200 and answer.error
    assert isinstance(caught.value, kind) if in_stream else type(caught.value) is kind
    assert "jane@acme.example" not in str(caught.value)
    assert len(server.requests) == 1, "the SDK must not retry"


async def test_without_credentials_nothing_is_sent_and_it_is_ours_to_mend() -> None:
    with AnthropicServer([says(DRAFT)]) as server:
        with pytest.raises(ModelMisconfigured, match="credentials"):
            await asked(bedrock(server.address))
        model = vertex(server.address)
        model._client.access_token = None  # type: ignore[union-attr]
        with pytest.raises(ModelMisconfigured, match=DefaultCredentialsError.__name__):
            await asked(model)
    assert server.requests == []


@pytest.mark.parametrize(
    ("written", "own"),
    [
        (ON_BEDROCK, "claude-haiku-4-5-20251001"),
        ("anthropic.claude-opus-5-v1", "claude-opus-5"),
        ("us-gov.anthropic.claude-opus-5-v1:0", "claude-opus-5"),
        ("global.anthropic.claude-sonnet-5-5", "claude-sonnet-5-5"),
        (ON_VERTEX, "claude-haiku-4-5-20251001"),
        ("claude-opus-5", "claude-opus-5"),
        ("meta.llama-9", "meta.llama-9"),
    ],
)
def test_ids_of_the_clouds_are_read(written: str, own: str) -> None:
    assert vendor_id(written) == own


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ({"provider": "anthropic", "model": "m"}, "anthropic needs api_key"),
        ({"provider": "bedrock", "model": "m"}, "bedrock needs region"),
        ({"provider": "vertex", "model": "m", "region": "eu"}, "vertex needs project"),
        ({"provider": "vertex", "model": "m", "region": "eu", "project": "p", "api_key": "env:K"}, "takes no api_key"),
        ({"provider": "anthropic", "model": "m", "api_key": "env:K", "region": "eu"}, "takes no region"),
    ],
)
def test_a_link_says_what_it_lacks(link: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        ModelConfig.model_validate(link)
