"""ClickHouse's exception codes in our words: what may pass, what was denied, and what to change for the rest."""

import re
from collections.abc import Iterable

from clickhouse_connect.driver.exceptions import DatabaseError

from connectors.base import ConnectorError, RateLimited, SlowAnswer, Unavailable
from connectors.clickhouse_delay import delay_of
from connectors.http import Declined, SchemaDrift
from models.vocabulary import EvidenceStatus

_SLOW = frozenset({159, 160, 209})
_BUSY = frozenset({201, 202, 745})
_PASSING = frozenset({3, 32, 95, 198, 203, 210, 225, 236, 242, 254, 279, 285, 319, 335, 394, 499, 519, 999, 1000, 1002})
"""Network, keeper, replica and shutdown trouble, and a query that somebody cancelled."""
_DENIED = frozenset({192, 193, 194, 195, 291, 497, 516})
_COLUMN_GONE = frozenset({8, 10, 16, 47})
_TYPE_CHANGED = frozenset({36, 43, 44, 53, 70, 386})
_NOT_CONVERTED = frozenset({6, 27, 38, 41, 69, 72, 131, 376, 675, 676})
_QUOTED_NAME = re.compile(r"[`'\"]([A-Za-z_][\w.]{0,80})[`'\"]")
_DATABASE = re.compile(r"Database (\w{1,80})\b")
_QUALIFIED = re.compile(r"\b__(?:table\d+|whydesk_source)\.([A-Za-z_]\w{0,80})")
_TYPE = re.compile(
    r"\b(String|FixedString|U?Int\d+|Float\d+|Decimal|DateTime64|DateTime|Date32|Date|UUID|Array|Map|Enum\d+|Bool|IPv[46])\b"
)
_CHECK_MAPPING = "correct it under `tables` in whydesk.yaml; `whydesk doctor` compares the mapping with the server"
REMEDIES = {
    62: "the server's parser does not take the query",
    115: "the server does not know a setting of ours",
    158: "it would read more rows than the server allows; narrow the window",
    164: "the server's profile forbids it",
    215: "a column is neither grouped nor aggregated",
    184: "an aggregate stands inside another, or in WHERE",
    241: "it needs more memory than allowed; narrow the window, or raise max_memory_bytes",
    307: "it would read more bytes than the server allows; narrow the window",
    349: "a value is NULL where the query allows none",
    396: "its result is larger than the limit; aggregate in the query",
    452: "the server's profile forbids a setting of ours",
    456: "a parameter is not bound",
    457: "a parameter's value does not fit its type",
}


def explain(error: DatabaseError, sql: str) -> ConnectorError | Declined:
    """Return what an error of the driver stands for. Never quotes the server, whose messages can hold rows and parameters.

    Args:
        sql: The query as sent: a name that the server complains of is repeated only if it stands there.
    """
    code = error.code
    if code is None:
        return _without_code(error)
    said = f"ClickHouse answered with error {code}" + (f" ({error.name})" if error.name else "")
    if code in _SLOW:
        return SlowAnswer(f"{said}: no answer within the time limit")
    if code in _BUSY:
        return RateLimited(f"{said}: too many queries", retry_after=delay_of(error))
    if (code in _PASSING and "Cannot parse" not in str(error)) or (code == 241 and "(total)" in str(error)):
        return Unavailable(f"{said}: the server is in trouble")
    if code in _DENIED:
        return Declined(EvidenceStatus.DENIED, f"{said}: the user is wrong or may not read this")
    drifted = _drift(code, str(error), sql)
    if drifted:
        return SchemaDrift(f"{drifted}; {_CHECK_MAPPING} ({said})")
    return Declined(EvidenceStatus.FAILED, f"{said}: {REMEDIES.get(code, 'it does not take the query')}")


def _without_code(error: DatabaseError) -> ConnectorError | Declined:
    """No exception code: the network, or something in front of the server."""
    text = str(error)
    status = re.search(r"HTTP status (\d{3})", text)
    number = int(status[1]) if status else 0
    if number in (401, 403):
        return Declined(EvidenceStatus.DENIED, f"ClickHouse answered {number}: the user is wrong or may not read this")
    if number == 429:
        return RateLimited("ClickHouse answered 429: too many queries", retry_after=delay_of(error))
    if 400 <= number < 500 and number != 408:
        return Declined(EvidenceStatus.FAILED, f"ClickHouse answered {number}; check its url in the configuration")
    if "imeout" in text:
        return SlowAnswer("ClickHouse gave no answer in time")
    return Unavailable(
        f"ClickHouse answered {number}" if number else "ClickHouse could not be reached or cut its answer"
    )


def _drift(code: int, text: str, sql: str) -> str:
    """Return what of the expected shape the server no longer has, or nothing. Names are repeated only if the query has them."""
    if code in _COLUMN_GONE:
        return f"column {_name(_QUOTED_NAME.findall(text), sql)} is missing"
    if code == 60:
        return f"table {_name(_QUOTED_NAME.findall(text), sql)} is missing"
    if code == 81:
        return f"database {_name([*_QUOTED_NAME.findall(text), *_DATABASE.findall(text)], sql)} is missing"
    if code in _TYPE_CHANGED:
        return f"column {_name(_QUALIFIED.findall(text), sql)} has another type{_misfit(text)}"
    if code in _NOT_CONVERTED or (code == 32 and "Cannot parse" in text):
        column = _name(_QUALIFIED.findall(text), sql)
        return f"column {column} holds what does not convert, or the customer's id does not fit it{_misfit(text)}"
    return ""


def _name(candidates: Iterable[str], sql: str) -> str:
    for candidate in candidates:
        # A qualified name ends in the column; the guard's own names mean nothing to people.
        bare = candidate.rpartition(".")[2]
        if not bare.startswith("__") and re.search(rf"\b{re.escape(bare)}\b", sql):
            return repr(bare)
    return "of the query"


def _misfit(text: str) -> str:
    """Say which function does not take which types: words of ClickHouse, never of the data."""
    before = text.partition(" In scope ")[0]
    function = re.search(r"\b(?:function|operation) '?(?:FUNCTION )?([a-z]\w{1,40})\b", before)
    types = list(dict.fromkeys(_TYPE.findall(before)))[:2]
    if not function or not types:
        return ""
    return f" ({function[1]} with {' and '.join(types)})"
