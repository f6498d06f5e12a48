"""Stripe's search language."""

import pytest

from sandbox.stripe_search import Object, SearchError, parse_search

FIELDS = frozenset({"email", "metadata", "created", "name"})
ONE: Object = {"email": "Ann@example.com", "name": None, "created": 100, "metadata": {"account": "acc_1", "it's": "x"}}


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ("email:'ann@EXAMPLE.com'", True),
        ("email:'ann'", False),
        ("email~'ann@'", True),
        ("-email:'ann@example.com'", False),
        ("metadata['account']:'acc_1'", True),
        ('metadata["account"]:"acc_2"', False),
        ("metadata['missing']:null", True),
        ("-metadata['account']:null", True),
        (r"""metadata["it's"]:'x\'' """, False),
        ("name:null", True),
        ("created>99 AND created<=100", True),
        ("created>100 OR email~'ann'", True),
        ("created>=100 email~'bob'", False),
        ("email:'a\\'b'", False),
    ],
)
def test_queries(query: str, matches: bool) -> None:
    assert parse_search(query, FIELDS)(ONE) is matches


@pytest.mark.parametrize(
    "query",
    [
        "",
        "email",
        "email=x",
        "email:'x",
        "phone:'1'",
        "metadata:'x'",
        "email['x']:'y'",
        "email:'a' AND",
        "email:'a' AND name:'b' OR name:'c'",
        " AND ".join(["email:'a'"] * 11),
    ],
)
def test_what_is_no_query_is_refused(query: str) -> None:
    with pytest.raises(SearchError):
        parse_search(query, FIELDS)
