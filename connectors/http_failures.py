"""What a failure over HTTP means: `ConnectorError` for what may pass, `Declined` for an answer that is no."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ssl import SSLCertVerificationError

import httpx

from connectors.base import RateLimited, SlowAnswer, Unavailable
from models.vocabulary import EvidenceStatus


class Declined(Exception):
    """The far end answered, and the answer is no: never retried, always told.

    `reason` is for people and holds neither a secret nor any part of the body. `http_status` is 0 where no status says it.
    """

    def __init__(self, status: EvidenceStatus, reason: str, *, http_status: int = 0) -> None:
        """Keep what the `Answer` needs: `failed` or `denied`, and why."""
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.http_status = http_status


class SchemaDrift(Declined):
    """The far end answered in another shape than the one that it is known for: not looked at, and told."""

    def __init__(self, what: str) -> None:
        """Name the field and what it holds instead, never a value: `"invoices[0].total is text, not a whole number"`."""
        super().__init__(EvidenceStatus.FAILED, f"schema drift: {what}")


def translate(error: Exception, what: str) -> Exception:
    """Return the `ConnectorError` or `Declined` that an httpx error stands for. `what` names the far end, without secrets."""
    kind = type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        return SlowAnswer(f"{what} gave no answer in time ({kind})")
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL | httpx.LocalProtocolError):
        return _failed(f"{what} cannot be asked ({kind}); check its url and key in the configuration")
    if isinstance(error, httpx.TooManyRedirects):
        return _failed(f"{what} redirects in circles; check its url in the configuration")
    untrusted = _untrusted(error)
    if untrusted:
        return _failed(f"the certificate of {what} is not trusted ({untrusted}); check its url, or name its CA's file")
    return Unavailable(f"{what} could not be reached or cut its answer ({kind})")


def raise_for_status(status: int, headers: Mapping[str, str], what: str) -> None:
    """Raise what an HTTP status stands for; 2xx passes.

    Args:
        headers: Looked up in lower case, so give `httpx.Headers` or lower-case names.
        what: Names the far end, without secrets.
    """
    if 200 <= status < 300:
        return
    delay = retry_after(headers)
    said = f"{what} answered {status}"
    if status == 429 or (status == 403 and (delay is not None or headers.get("x-ratelimit-remaining") == "0")):
        raise RateLimited(f"{said}: too many requests", retry_after=delay)
    if status == 408:
        raise SlowAnswer(said, retry_after=delay)
    if status >= 500 or status == 425:
        raise Unavailable(said, retry_after=delay)
    if status in (401, 403, 407):
        raise Declined(EvidenceStatus.DENIED, f"{said}: the key is wrong or may not read this", http_status=status)
    if 300 <= status < 400:
        raise _failed(f"{said}, a redirect; set the url that it points to", status)
    raise _failed(f"{said}: it does not take the question", status)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds that `retry-after` asks to wait: from a number or an HTTP date; None if absent or unreadable."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d{1,6})?", value):
        return float(value)
    moment = http_date(value)
    return None if moment is None else max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def http_date(value: str) -> datetime | None:
    """Read a date as HTTP's headers write it; None for what is none."""
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    # RFC 5322 lets "-0000" mean a time of unknown zone, which Python reads as naive; HTTP dates are always GMT.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def place(url: str) -> str:
    """Return how messages name a far end: its host, without what else its URL may hold."""
    try:
        return repr(httpx.URL(url).host)
    except httpx.InvalidURL:
        return "the configured url"


def _failed(reason: str, http_status: int = 0) -> Declined:
    return Declined(EvidenceStatus.FAILED, reason, http_status=http_status)


def _untrusted(error: BaseException) -> str:
    """Return why a certificate was refused, in OpenSSL's words; empty where the failure was another."""
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, SSLCertVerificationError):
            return at.verify_message or "not trusted"
        at = at.__cause__ or at.__context__
    return ""
