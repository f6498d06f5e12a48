"""The SDK's client for each place where Claude runs. Retries are off: Temporal owns them, and a hidden one is paid for unseen."""

from importlib.util import find_spec

from anthropic import AsyncAnthropic
from anthropic.lib.bedrock import AsyncAnthropicBedrock
from anthropic.lib.vertex import AsyncAnthropicVertex

from reasoning.providers.base import ModelMisconfigured

Client = AsyncAnthropic | AsyncAnthropicBedrock | AsyncAnthropicVertex
DIRECT_URL = "https://api.anthropic.com"


def direct_client(api_key: str, base_url: str | None = None, timeout: float = 120.0) -> AsyncAnthropic:
    """Make a client of Anthropic's own address, or of a gateway, whatever the environment says."""
    return AsyncAnthropic(
        api_key=api_key, base_url=base_url or DIRECT_URL, timeout=timeout, max_retries=0, open_telemetry=False
    )


def bedrock_client(
    region: str, api_key: str | None = None, base_url: str | None = None, timeout: float = 120.0
) -> AsyncAnthropicBedrock:
    """Make a client of Amazon Bedrock: a Bedrock API key, or the machine's own AWS credentials, such as a role.

    Raises:
        ModelMisconfigured: Amazon's package is not installed.
    """
    _ensure_installed("boto3", "bedrock")
    return AsyncAnthropicBedrock(
        aws_region=region,
        api_key=api_key,
        base_url=base_url or f"https://bedrock-runtime.{region}.amazonaws.com",
        timeout=timeout,
        max_retries=0,
        open_telemetry=False,
    )


def vertex_client(
    region: str, project: str, base_url: str | None = None, timeout: float = 120.0
) -> AsyncAnthropicVertex:
    """Make a client of Google Vertex by Google's application default credentials.

    Raises:
        ModelMisconfigured: Google's package is not installed.
    """
    _ensure_installed("google.auth", "vertex")
    return AsyncAnthropicVertex(
        region=region,
        project_id=project,
        # The SDK knows the addresses of regions and of `global`; a gateway takes their place.
        base_url=base_url,
        timeout=timeout,
        max_retries=0,
        open_telemetry=False,
    )


def _ensure_installed(package: str, provider: str) -> None:
    try:
        found = find_spec(package)
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise ModelMisconfigured(f"{provider} needs the package {package}: install requirements/production.txt")
