"""The keys of one run: made up at its start, shaped as each vendor's."""

import base64
import secrets
from dataclasses import dataclass, field

CLICKHOUSE_USER = "support_reader"


def _hex(count: int) -> str:
    return secrets.token_hex(count)


@dataclass(frozen=True)
class Credentials:
    """What the product needs to be let in; given out through the state file, never logged."""

    zendesk_email: str
    zendesk_token: str = field(default_factory=lambda: _hex(20), repr=False)
    zendesk_secret: str = field(default_factory=lambda: base64.b64encode(secrets.token_bytes(30)).decode(), repr=False)
    standard_token: str = field(default_factory=lambda: _hex(20), repr=False)
    standard_secret: str = field(
        default_factory=lambda: f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}", repr=False
    )
    linear_key: str = field(default_factory=lambda: f"lin_api_{_hex(20)}", repr=False)
    stripe_key: str = field(default_factory=lambda: f"rk_test_{_hex(24)}", repr=False)
    github_token: str = field(default_factory=lambda: f"github_pat_{_hex(20)}", repr=False)
    clickhouse_password: str = field(default_factory=lambda: _hex(16), repr=False)
