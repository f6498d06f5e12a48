"""Examines a Stripe account with one cheap read per permission."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import stripe

from connectors.base import ConnectorError, Finding, FindingStatus, SlowAnswer
from connectors.http import Declined, SchemaDrift, finding_for, observed_findings
from connectors.stripe_account import Account
from connectors.stripe_client import ReadOnlyStripeHttp, items, missing_permission, read_error
from connectors.stripe_customers import credit_summary
from connectors.stripe_event_rows import event_row
from connectors.stripe_fields import Fields
from connectors.stripe_payment_rows import charge_row, credit_note_row, dispute_row
from connectors.stripe_permissions import (
    CHARGES,
    CREDIT_GRANTS,
    CREDIT_NOTES,
    CUSTOMERS,
    DISPUTES,
    EVENTS,
    INVOICES,
    METERS,
    PAYMENT_METHODS,
    PRICES,
    READ_ALL,
    SUBSCRIPTIONS,
    Permission,
)
from connectors.stripe_rows import customer_row, invoice_row, subscription_rows

_TIME_LIMIT = 30.0
"""Seconds for the whole examination: a dozen reads."""
_AT_ONCE = 4
_SAMPLED_CUSTOMERS = 10
_URL, _KEY = "connectors.stripe.url", "connectors.stripe.api_key"

Ask = Callable[[], Awaitable[object]]
Read = Callable[[Fields], object]


@dataclass(frozen=True)
class _Probe:
    permission: Permission
    ask: Ask
    read: Read | None = None
    """Builds rows of a sample, so that an unknown shape shows; None where the answer is not a list of what is shown."""
    name: str = ""


@dataclass
class _Seen:
    """What the probes brought."""

    allowed: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    samples: list[Fields] = field(default_factory=list)
    drifted: bool = False


async def examine(account: Account, http: ReadOnlyStripeHttp, key_kind: str) -> list[Finding]:
    """Return the findings `key`, `mode`, `rights`, `reach`, `shape`, `version` and what the last answer's headers tell.

    Args:
        key_kind: The key's first letters, such as `rk_live_`.
    """
    findings, seen = _key_findings(key_kind), _Seen()
    try:
        async with asyncio.timeout(_TIME_LIMIT):
            await _probe(account, seen)
    except TimeoutError:
        slow = SlowAnswer(f"Stripe did not answer a dozen cheap reads within {_TIME_LIMIT:g} s")
        return [*findings, *seen.findings, finding_for(slow, url=_URL)]
    except (ConnectorError, Declined) as error:
        return [*findings, *seen.findings, finding_for(error, url=_URL, key=_KEY, needs=f"Read on {READ_ALL}")]
    except stripe.AuthenticationError:
        remedy = f"put a restricted key that is not revoked or expired where `{_KEY}` points to"
        reached = Finding("reach", FindingStatus.OK, "Stripe answers")
        return [reached, Finding("key", FindingStatus.FAILURE, "Stripe does not take the key (401)", remedy), *findings]
    return [
        Finding("reach", FindingStatus.OK, "Stripe answers"),
        Finding("key", FindingStatus.OK, "Stripe takes the key"),
        *findings,
        *seen.findings,
        *_shape_findings(account, seen),
        _version_finding(http.answered_version),
        *observed_findings(http.observed),
    ]


def _key_findings(kind: str) -> list[Finding]:
    mode = "live" if "_live_" in kind else "test" if "_test_" in kind else ""
    told = Finding(
        "mode", FindingStatus.OK, f"{mode} mode: what is read is {'real' if mode == 'live' else 'test'} data"
    )
    unknown = Finding("mode", FindingStatus.UNKNOWN, "the key does not say whether it is for live or test mode")
    narrow = f"make a restricted key with Read on {READ_ALL} and None on all else; put it where `{_KEY}` points to"
    if kind.startswith("rk_"):
        more = "Stripe does not tell what else a restricted key may do; Whydesk itself sends reads alone"
        rights = Finding(
            "rights", FindingStatus.UNKNOWN, more, "in the dashboard, set every row not named in docs/stripe.md to None"
        )
    elif kind.startswith("sk_"):
        more = "a full secret key is more powerful than needed: it may write"
        rights = Finding("rights", FindingStatus.WARNING, more, narrow)
    else:
        rights = Finding("rights", FindingStatus.WARNING, "this is not known as a restricted key (rk_…)", narrow)
    return [told if mode else unknown, rights]


async def _probe(account: Account, seen: _Seen) -> None:
    v1 = account.client.v1
    customers = partial(v1.customers.list_async, {"limit": _SAMPLED_CUSTOMERS})
    as_customer = partial(customer_row, metadata_key=account.metadata_key, matched_by="")
    # The first on its own: what is wrong with the way there or the key is told once.
    await _ask(_Probe(CUSTOMERS, customers, as_customer, "customers"), seen)
    probes = [
        _Probe(
            SUBSCRIPTIONS,
            partial(v1.subscriptions.list_async, {"limit": 1, "status": "all"}),
            subscription_rows,
            "subscriptions",
        ),
        _Probe(INVOICES, partial(v1.invoices.list_async, {"limit": 1}), partial(invoice_row, dashboard=""), "invoices"),
        _Probe(CHARGES, partial(v1.charges.list_async, {"limit": 1}), partial(charge_row, invoices={}), "charges"),
        _Probe(EVENTS, partial(v1.events.list_async, {"limit": 1}), event_row, "events"),
        _Probe(PRICES, partial(v1.prices.list_async, {"limit": 1})),
        _Probe(METERS, partial(v1.billing.meters.list_async, {"limit": 1})),
        _Probe(DISPUTES, partial(v1.disputes.list_async, {"limit": 1}), dispute_row, "disputes"),
        _Probe(CREDIT_NOTES, partial(v1.credit_notes.list_async, {"limit": 1}), credit_note_row, "credit_notes"),
        *_of_one_customer(account, seen),
    ]
    for start in range(0, len(probes), _AT_ONCE):
        await _together([_ask(probe, seen) for probe in probes[start : start + _AT_ONCE]])
    await _ask_search(account, seen)
    if seen.allowed:
        seen.findings.insert(0, Finding("rights", FindingStatus.OK, f"may read {', '.join(seen.allowed)}"))


def _of_one_customer(account: Account, seen: _Seen) -> list[_Probe]:
    name = next((one.id() for one in seen.samples if one.where.startswith("customers")), "")
    if not name:
        asked = f"{PAYMENT_METHODS.row} and {CREDIT_GRANTS.row}"
        unknown = f"whether the key may read {asked} shows only with a customer, and none was seen"
        seen.findings.append(Finding("rights", FindingStatus.UNKNOWN, unknown))
        return []
    v1 = account.client.v1
    return [
        _Probe(PAYMENT_METHODS, partial(v1.customers.payment_methods.list_async, name, {"type": "card", "limit": 1})),
        _Probe(CREDIT_GRANTS, partial(credit_summary, account, name)),
    ]


async def _together(questions: Sequence[Awaitable[None]]) -> None:
    # All are waited for: one that fails leaves none running behind an examination that is over.
    for result in await asyncio.gather(*questions, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


async def _ask(probe: _Probe, seen: _Seen) -> None:
    try:
        page = await probe.ask()
        seen.allowed.append(probe.permission.row)
        if probe.read is not None:
            async for sample in items(page, _SAMPLED_CUSTOMERS if probe.permission is CUSTOMERS else 1, probe.name):
                probe.read(sample)
                seen.samples.append(sample)
    except stripe.PermissionError as error:
        seen.findings.append(_missing(probe.permission, error))
    except stripe.AuthenticationError:
        raise
    except stripe.StripeError as error:
        _, reason = read_error(error, "examine")
        seen.findings.append(_not_read(probe.permission, reason))
    except SchemaDrift as drift:
        seen.drifted = True
        seen.findings.append(finding_for(drift, url=_URL))
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        seen.drifted = True
        what = f"Stripe's SDK cannot read the answer to a question for {probe.permission.row} ({type(error).__name__})"
        seen.findings.append(finding_for(SchemaDrift(what), url=_URL))


async def _ask_search(account: Account, seen: _Seen) -> None:
    try:
        await account.client.v1.customers.search_async({"query": "metadata['whydesk']:'examination'", "limit": 1})
    except stripe.AuthenticationError:
        raise
    except stripe.StripeError as error:
        _, reason = read_error(error, "find_customer")
        seen.findings.append(
            Finding(
                "rights",
                FindingStatus.WARNING,
                f"customers cannot be searched: {reason or 'Stripe does not know the search'}",
                "find_customer then sees those made in the last hour and those with the e-mail asked for; Search is not "
                f"sold everywhere, and needs {CUSTOMERS.row}: Read",
            )
        )


def _missing(permission: Permission, error: stripe.PermissionError) -> Finding:
    status = FindingStatus.FAILURE if permission.essential else FindingStatus.WARNING
    token = f" ({permission.token})" if permission.token else ""
    said = missing_permission(error) if "rak_" in str(error.user_message or "") else ""
    return Finding(
        "rights",
        status,
        f"the key may not read {permission.row} (403){'; ' + said if said else ''}: {permission.operations} will be denied"
        + ("" if permission.essential else " or incomplete"),
        f"in the dashboard, give the restricted key Read on {permission.row}{token}",
    )


def _not_read(permission: Permission, reason: str) -> Finding:
    return Finding("rights", FindingStatus.UNKNOWN, f"{permission.row} could not be probed: {reason}")


def _shape_findings(account: Account, seen: _Seen) -> list[Finding]:
    findings: list[Finding] = []
    if seen.samples and not seen.drifted:
        what = f"{len(seen.samples)} sampled objects have the fields that are needed"
        findings.append(Finding("shape", FindingStatus.OK, what))
    customers = [one for one in seen.samples if one.where.startswith("customers")]
    if customers and not any(one.at("metadata", account.metadata_key) for one in customers):
        findings.append(
            Finding(
                "shape",
                FindingStatus.WARNING,
                f"none of the newest {len(customers)} customers has {account.metadata_key!r} in its metadata",
                "set `connectors.stripe.metadata_key` to the key that holds your customer id, or write it there",
            )
        )
    return findings


def _version_finding(answered: str) -> Finding:
    asked = str(stripe.api_version or "") or stripe.VERSION
    if not answered:
        return Finding("version", FindingStatus.UNKNOWN, "Stripe does not tell the API version that it answered in")
    if answered == asked:
        return Finding("version", FindingStatus.OK, f"API version {answered}")
    return Finding(
        "version",
        FindingStatus.WARNING,
        f"asked in API version {asked}, answered in {answered}: fields may lie elsewhere",
        "if `shape` fails as well, use the release of Whydesk that is pinned to that version",
    )
