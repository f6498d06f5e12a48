"""ClickHouse's exception codes in our words: what may pass, what was denied, and what to change for the rest."""

import re

from clickhouse_connect.driver.exceptions import DatabaseError

from connectors.base import ConnectorError, RateLimited, SlowAnswer, Unavailable
from connectors.http import Declined
from models.vocabulary import EvidenceStatus

_SLOW = frozenset({159, 160, 209})
_BUSY = frozenset({201, 202, 745})
_PASSING = frozenset({3, 32, 95, 198, 203, 210, 225, 236, 242, 254, 279, 285, 319, 335, 394, 499, 519, 999, 1000, 1002})
"""Network, keeper, replica and shutdown trouble, and a query that somebody cancelled."""
_DENIED = frozenset({192, 193, 194, 195, 291, 497, 516})
_DRIFT = {
    16: "a column is missing",
    36: "an argument does not fit its column",
    43: "a column has another type",
    47: "a column is missing",
    53: "a column has another type",
    60: "a table is missing",
    81: "a database is missing",
    386: "a column has another type",
}
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
        return RateLimited(f"{said}: too many queries")
    if code in _PASSING or (code == 241 and "(total)" in str(error)):
        return Unavailable(f"{said}: the server is in trouble")
    if code in _DENIED:
        return Declined(EvidenceStatus.DENIED, f"{said}: the user is wrong or may not read this")
    if code in _DRIFT:
        return Declined(
            EvidenceStatus.FAILED,
            f"schema drift: {_DRIFT[code]}{_name_in(error, sql)}; check the table mapping ({said})",
        )
    return Declined(EvidenceStatus.FAILED, f"{said}: {REMEDIES.get(code, 'it does not take the query')}")


def _without_code(error: DatabaseError) -> ConnectorError | Declined:
    """No exception code: the network, or something in front of the server."""
    text = str(error)
    status = re.search(r"HTTP status (\d{3})", text)
    number = int(status[1]) if status else 0
    if number in (401, 403):
        return Declined(EvidenceStatus.DENIED, f"ClickHouse answered {number}: the user is wrong or may not read this")
    if number == 429:
        return RateLimited("ClickHouse answered 429: too many queries")
    if 400 <= number < 500 and number != 408:
        return Declined(EvidenceStatus.FAILED, f"ClickHouse answered {number}; check its url in the configuration")
    if "imeout" in text:
        return SlowAnswer("ClickHouse gave no answer in time")
    return Unavailable(
        f"ClickHouse answered {number}" if number else "ClickHouse could not be reached or cut its answer"
    )


def _name_in(error: DatabaseError, sql: str) -> str:
    for name in re.findall(r"[`'\"]([A-Za-z_][\w.]{0,80})[`'\"]", str(error)):
        bare = name.rpartition(".")[2]
        if not bare.startswith("__whydesk") and re.search(rf"\b{re.escape(bare)}\b", sql):
            return f" ({bare})"
    return ""
