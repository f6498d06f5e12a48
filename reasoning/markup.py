"""Text into HTML and Markdown so that nothing in it becomes markup, a link or somebody else's marker."""

import html
import re
from collections.abc import Collection, Iterator
from urllib.parse import SplitResult, quote, urlsplit

from reasoning.redact import visible

_LINK = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,20})://|\b(www)\.|\b(mailto|javascript|data|vbscript|tel):(?=\S)")
_ADDRESS = re.compile(r"https?://[^\s<>]+")
_TEMPLATE = re.compile(r"(?<=\{)(?=[{%#])|(?<=[}%#])(?=\})|(?<=\[)(?=\[)|(?<=\])(?=\])|(?<=<)(?=%)|(?<=%)(?=>)")
"""Within `{{ticket.requester.email}}`, `{% … %}` and the like: helpdesks fill them in, also in what was pasted into an answer."""
_MENTION = re.compile(r"(?<![\w@.])@(?=[\w-])")
_COMMAND = re.compile(r"^(?=[/#!.][a-z_]+(?:\s|:|$))", re.IGNORECASE)
"""`/assign`, `#solved`, `!refund` at the start of a line are commands in one helpdesk or another."""
_MARKER = re.compile(r"(?i)\bwhydesk:(?=inv-)")
_SAFE_URL = re.compile(r"https?://[A-Za-z0-9.\-:\[\]]+(?:[/?#][A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*)?")
_LONGEST_URL = 2_000
_MARKDOWN = re.compile(r"([\\`*_\[\]{}<>#|~&@!])")
_LEADING = re.compile(r"^([-+=]|\d{1,9}(?=[.)](?:\s|$)))")


def plain(text: str) -> str:
    """Return text as one visible line in which no address is live and no other note's marker stands.

    Helpdesks turn bare addresses into links by themselves, so `https://x` becomes `https[:]//x` and `www.x` `www[.]x`.
    """
    return _inert(_one_line(text))


def html_text(text: str, allowed_hosts: Collection[str] = ()) -> str:
    """Escape one line for HTML; addresses on allowed hosts become links."""
    return "".join(
        html_link(part, part) if is_link else html.escape(_inert(part), quote=True)
        for part, is_link in _parts(text, allowed_hosts)
    )


def markdown_text(text: str, allowed_hosts: Collection[str] = ()) -> str:
    """Escape one line for Markdown, CommonMark and GitHub's; addresses on allowed hosts become links."""
    escaped = "".join(
        f"<{part}>" if is_link else _MARKDOWN.sub(r"\\\1", _inert(part))
        for part, is_link in _parts(text, allowed_hosts)
    )
    return _LEADING.sub(lambda match: _numbered(match[1]), escaped)


def html_link(url: str, label: str) -> str:
    """Link to a checked address."""
    return f'<a href="{html.escape(url, quote=True)}">{html.escape(label, quote=True)}</a>'


def markdown_link(url: str, label: str) -> str:
    """Link to a checked address."""
    target = url.translate({ord("("): "%28", ord(")"): "%29", ord("["): "%5B", ord("]"): "%5D"})
    return f"[{markdown_text(label)}](<{target}>)"


def safe_link(url: str | None, allowed_hosts: Collection[str]) -> str | None:
    """Return the address where a note may link to it: https, or http on loopback; an allowed host; nothing odd in it."""
    parts = _parsed(url) if url else None
    if url is None or parts is None:
        return None
    host, port = (parts.hostname or "").lower(), parts.port
    if parts.scheme == "http" and host not in ("127.0.0.1", "::1", "localhost"):
        return None
    allowed = {each.lower() for each in allowed_hosts}
    default = port is None or port == (443 if parts.scheme == "https" else 80)
    # A host that is allowed without a port is not allowed on any other than its own.
    return url if parts.netloc.lower() in allowed or (default and host in allowed) else None


def _parsed(url: str) -> SplitResult | None:
    """Return the parts of a web address without anything odd in it; its port can be read."""
    if len(url) > _LONGEST_URL or not _SAFE_URL.fullmatch(url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.hostname and "@" not in parts.netloc else None


def console_link(template: str, investigation: str) -> str | None:
    """Return the address of an investigation's own page, from the tenant's `console_url`; None where there is none.

    Who configures the tenant chose the host, so plain http is good here on any of them.
    """
    url = template.replace("{investigation}", quote(investigation, safe=""))
    return url if _parsed(url) else None


def _parts(text: str, allowed_hosts: Collection[str]) -> Iterator[tuple[str, bool]]:
    line = _one_line(text)
    last = 0
    for match in _ADDRESS.finditer(line) if allowed_hosts else ():
        url = match[0].rstrip(".,;:!?'\")]")
        if safe_link(url, allowed_hosts):
            yield line[last : match.start()], False
            yield url, True
            last = match.start() + len(url)
    yield line[last:], False


def _one_line(text: str) -> str:
    return _COMMAND.sub("· ", " ".join(visible(text).split()))


def _inert(line: str) -> str:
    return _MENTION.sub("@ ", _TEMPLATE.sub(" ", _MARKER.sub("whydesk·", _LINK.sub(_defanged, line))))


def _defanged(match: re.Match[str]) -> str:
    if match[1]:
        return f"{match[1]}[:]//"
    return "www[.]" if match[2] else f"{match[3]}[:]"


def _numbered(start: str) -> str:
    return f"{start}\\" if start.isdigit() else f"\\{start}"
