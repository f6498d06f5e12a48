"""Where a text holds what opens a door: keys and tokens by shape, passwords by what stands before them."""

import re
from collections.abc import Iterator

_PREFIXES = "|".join(
    (
        r"(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{8,}",
        r"whsec_[A-Za-z0-9+/=]{16,}",
        r"sk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{20,}",
        r"gh[pousr]_[A-Za-z0-9]{20,}",
        r"github_pat_[A-Za-z0-9_]{20,}",
        r"gl(?:pat|ptt|dt|rt|soat|cbt|ft|imt|agent|oas)-[A-Za-z0-9_.-]{16,}",
        r"xox[abceprs]-[A-Za-z0-9-]{10,}",
        r"xapp-[A-Za-z0-9-]{10,}",
        r"(?:AKIA|ASIA)[A-Z0-9]{16}",
        r"AIza[A-Za-z0-9_-]{30,}",
        r"ya29\.[A-Za-z0-9_-]{20,}",
        r"GOCSPX-[A-Za-z0-9_-]{20,}",
        r"npm_[A-Za-z0-9]{30,}",
        r"pypi-[A-Za-z0-9_-]{30,}",
        r"lin_(?:api|oauth)_[A-Za-z0-9]{16,}",
        r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
        r"hf_[A-Za-z0-9]{20,}",
        r"do[oprt]_v1_[a-f0-9]{40,}",
        r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{20,}",
        r"dckr_pat_[A-Za-z0-9_-]{20,}",
        r"sq0(?:atp|csp)-[A-Za-z0-9_-]{20,}",
        r"AGE-SECRET-KEY-[A-Z0-9]{20,}",
        r"EAA[A-Za-z0-9]{40,}",
        r"\d{8,10}:AA[A-Za-z0-9_-]{30,}",
        # A vendor's own keys have the form that others made known.
        r"[a-z]{2,12}_(?:live|test|prod|sandbox|secret|key|pat|sk|api|token)_[A-Za-z0-9]{16,}",
    )
)
_PASSWORDS = (
    r"pass(?:word|phrase|wd|code)?|pwd|pw|pin|otp|secret|pass?wort|kennwort|mot[ ]de[ ]passe|mdp|contrase(?:ñ|n)a|clave|senha"
    r"|palavra[ -]passe|parola|wachtwoord|lösenord|passord|adgangskode|salasana|has(?:ł|l)o|heslo|jelszó|şifre|sifre"
    r"|пароль|κωδικός|密码|密碼|口令|パスワード|暗証番号|비밀번호|รหัสผ่าน"
)
_TOKENS = (
    r"(?:api|access|auth|private|secret|signing|encryption|account|license|shared[ _-]?access)[ _-]?(?:key|token|secret)"
    r"|api[ _-]?schlüssel|client[ _-]?secret|(?:refresh|bearer|session|id)[ _-]?token|token|credentials?"
    r"|aws_secret_access_key|authorization"
)
_IS = r"is|was|ist|war|lautet|est|es|é|è|jest|är|היא|:"
_STATES = (
    "invalid expired revoked missing required rejected unknown undefined null none empty wrong incorrect false true "
    "bearer basic redacted hidden removed unauthorized forbidden denied string falsch ungültig abgelaufen inválido inválida"
)
_NOT_VALUES = frozenset(_STATES.split())

_SECRETS = re.compile(
    rf"""
      -----BEGIN[ A-Z]*PRIVATE[ ]KEY-----[\s\S]*?(?:-----END[ A-Z]*PRIVATE[ ]KEY-----|\Z)
    | (?<![A-Za-z0-9])(?:{_PREFIXES})
    | (?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{{6,}}\.[A-Za-z0-9_-]{{6,}}(?:\.[A-Za-z0-9_-]*)?
    | (?<=://)[^\s/@:]{{0,200}}:[^\s/@]{{1,200}}(?=@)
    | (?<=://)[A-Za-z0-9_-]{{20,200}}(?=@)
    | (?<=/services/)T[A-Z0-9]{{6,16}}/B[A-Z0-9]{{6,16}}/[A-Za-z0-9]{{16,}}
    | (?<=hooks\.slack\.com/services/)[A-Za-z0-9/]{{20,}}
    | (?<=/api/webhooks/)\d{{6,22}}/[A-Za-z0-9_-]{{30,}}
    """,
    re.VERBOSE,
)
_HEADER = re.compile(r"\b(?:bearer|basic)[ \t]+([A-Za-z0-9._~+/=-]{8,})", re.IGNORECASE)
_LABELLED = re.compile(
    rf"""(?<![A-Za-z0-9])(?:[A-Za-z0-9]+[_-])?(?:(?P<password>{_PASSWORDS})|(?P<token>{_TOKENS}))["'`*]{{0,3}}
    (?:[ \t]*(?P<sign>:=|=>|[:=：])|[ \t]+(?:{_IS})[ \t]*:?|(?P<bare>[ \t]))
    [ \t]*(?:bearer[ \t]+|basic[ \t]+)?
    (?:(?P<quote>["'`])(?P<quoted>[^"'`\n]{{4,200}})(?P=quote)|["'`“„«]?(?P<value>[^\s"'`,;<>”“»]{{4,}}))""",
    re.IGNORECASE | re.VERBOSE,
)
_QUERY_SECRET = re.compile(
    r"[?&](?:[a-z_-]*(?:token|secret|password|signature|sig|api_?key|access_?key)|key)=([^&\s#\"'<>]{6,})",
    re.IGNORECASE,
)
_COOKIES = re.compile(r"\b(?:set-)?cookie2?\b[\"']?\s{0,3}[:=]([^\n]{1,4000})", re.IGNORECASE)
_COOKIE = re.compile(r"[\w.-]{1,80}=([^;\s\"',]{12,})")
_OPAQUE = re.compile(r"(?<![A-Za-z0-9_/+.:=-])[A-Za-z0-9_-]{32,}(?![A-Za-z0-9_/+.=-])")
_PLACEHOLDER = re.compile(r"[$%<{*]|\.\.\.$|…|[xX*•]{4,}|your[_-]|(?:example|placeholder|changeme)$", re.IGNORECASE)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)|\d{1,2}:\d{2}")
_ID_PREFIX = re.compile(r"[a-z]{2,8}_")
_LEAST_BARE = 16


def find_secrets(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of secrets, the surest first; they may overlap."""
    yield from (match.span() for match in _SECRETS.finditer(text))
    for match in _HEADER.finditer(text):
        if _looks_random(match[1]):
            yield match.span(1)
    yield from _labelled(text)
    yield from (match.span(1) for match in _QUERY_SECRET.finditer(text))
    for line in _COOKIES.finditer(text):
        for match in _COOKIE.finditer(text, *line.span(1)):
            if _looks_random(match[1]):
                yield match.span(1)
    yield from (match.span() for match in _OPAQUE.finditer(text) if _is_opaque(match[0]))


def _labelled(text: str) -> Iterator[tuple[int, int]]:
    for match in _LABELLED.finditer(text):
        group = "quoted" if match["quoted"] else "value"
        value = match[group] if group == "quoted" else match[group].rstrip(".)]}!?*_:")
        start = match.start(group)
        if text[match.start() - 1 : match.start()] in ("?", "&"):
            value = value.partition("&")[0]
        if match["bare"] and (len(value) < _LEAST_BARE or not any(char.isdigit() for char in value)):
            continue
        if _is_secret_value(value, password=match["password"] is not None, signed=match["sign"] is not None):
            yield start, start + len(value)


def _is_secret_value(value: str, *, password: bool, signed: bool) -> bool:
    if len(value) < 4 or value.lower() in _NOT_VALUES or _PLACEHOLDER.match(value) or _TIME.match(value):
        return False
    if password and signed:
        return True
    return len(value) >= 6 and _looks_random(value)


def _looks_random(value: str) -> bool:
    """Tell `hunter2!` and `dGhpc19pcw==` from the words that may follow `token is` or `Basic`."""
    if any(char.isdigit() for char in value):
        return True
    letters = value.strip("=").isalpha()
    return not letters or (len(value) >= 16 and not value.islower() and not value.istitle())


def _is_opaque(value: str) -> bool:
    """A long mixture without a label is a key; a digest has one case only, and an id of a vendor's object its prefix."""
    kinds = (str.islower, str.isupper, str.isdigit)
    counts = [sum(1 for char in value if kind(char)) for kind in kinds]
    return min(counts) >= 3 and not _ID_PREFIX.match(value)
