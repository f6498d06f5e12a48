"""Stripe, read-only: customers, subscriptions, invoices, payments, credit, usage and events, through the vendor's own SDK.

`ReadOnlyStripeHttp` sits below the whole SDK and sends GET of known paths alone, whatever method of whatever service is
called. docs/stripe.md says how to make the restricted key.
"""

from collections.abc import Awaitable

import httpx
import stripe

from connectors.answers import answer, no_answer, time_limit
from connectors.base import Finding, Plugin, Secrets
from connectors.http import Declined, SchemaDrift, network_of
from connectors.parameters import read_parameters
from connectors.stripe_account import Account, Found
from connectors.stripe_client import ReadOnlyStripeHttp, read_error, sent_requests
from connectors.stripe_customers import find_customer, get_credit, list_cards, list_subscriptions
from connectors.stripe_events import list_events, list_plan_changes
from connectors.stripe_examine import examine
from connectors.stripe_invoices import list_invoice_lines, list_invoices
from connectors.stripe_parameters import (
    OPERATIONS,
    FindCustomer,
    GetCredit,
    ListCards,
    ListCharges,
    ListDisputes,
    ListEvents,
    ListFailedPayments,
    ListInvoiceLines,
    ListInvoices,
    ListPlanChanges,
    ListSubscriptions,
    ListUsage,
)
from connectors.stripe_payments import list_charges, list_disputes, list_failed_payments
from connectors.stripe_usage import list_usage
from models.base import Strict
from models.evidence import Answer, SourceRequest
from models.tenant import StripeConfig
from models.vocabulary import Scope, Source


class StripeConnector:
    """One Stripe account by a restricted key, over one pooled client."""

    source = Source.STRIPE

    def __init__(
        self, config: StripeConfig, api_key: str, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Open nothing yet; `transport` replaces the network in tests."""
        url = str(config.url).rstrip("/")
        self._http = ReadOnlyStripeHttp(url, transport, network_of(config))
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": url, "connect": url, "files": url, "meter_events": url},
            http_client=self._http,
            max_network_retries=0,
        )
        # Which kind of key it is lies in its first letters; the rest is not looked at.
        self._key_kind = api_key[:8]
        self._account = Account(
            self._client,
            config.metadata_key,
            str(config.dashboard).rstrip("/") + ("/test" if "_test_" in api_key[:12] else ""),
        )

    async def fetch(self, request: SourceRequest) -> Answer:
        """Ask Stripe; the operations, their parameters and columns are in connectors/stripe_parameters.py.

        A customer that Stripe does not know is an empty `find_customer` and a failed list: a list for a wrong customer says
        nothing about the right one.

        Raises:
            ConnectorError: see connectors.base.
            ValueError: an unknown operation or parameter.
        """
        parameters = read_parameters(request, OPERATIONS)
        sent: list[str] = []
        token = sent_requests.set(sent)
        url = self._account.customer_url()
        try:
            async with time_limit(request):
                found = await self._ask(request, parameters)
        except Declined as no:
            return no_answer(no.status, no.reason, asked="\n".join(sent), url=url)
        except stripe.StripeError as error:
            status, reason = read_error(error, request.operation)
            return no_answer(status, reason, asked="\n".join(sent), url=url)
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            # The SDK builds its objects from whatever came, and fails in as many ways as an answer can be wrong.
            drift = SchemaDrift(
                f"Stripe's SDK cannot read the answer to {request.operation!r} ({type(error).__name__})"
            )
            return no_answer(drift.status, drift.reason, asked="\n".join(sent), url=url)
        finally:
            sent_requests.reset(token)
        return answer(
            request,
            found.rows,
            asked="\n".join(sent),
            url=found.url,
            truncated=found.truncated,
            reason=found.reason,
        )

    async def examine(self) -> list[Finding]:
        """Look whether Stripe can be reached, takes the key, and lets it read what the operations need, and no more."""
        return await examine(self._account, self._http, self._key_kind)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.close_async()

    def _ask(self, request: SourceRequest, parameters: Strict) -> Awaitable[Found]:
        return self._ask_about_money(request, parameters) or self._ask_about_customer(request, parameters)

    def _ask_about_customer(self, request: SourceRequest, parameters: Strict) -> Awaitable[Found]:
        match parameters:
            case FindCustomer():
                return find_customer(self._account, request, parameters)
            case ListSubscriptions():
                return list_subscriptions(self._account, request, parameters)
            case ListCards():
                return list_cards(self._account, request, parameters)
            case GetCredit():
                return get_credit(self._account, request, parameters)
            case ListEvents():
                return list_events(self._account, request, parameters)
            case ListPlanChanges():
                return list_plan_changes(self._account, request, parameters)
        raise AssertionError(f"{request.operation!r} is listed but not implemented")

    def _ask_about_money(self, request: SourceRequest, parameters: Strict) -> Awaitable[Found] | None:
        match parameters:
            case ListInvoices():
                return list_invoices(self._account, request, parameters)
            case ListInvoiceLines():
                return list_invoice_lines(self._account, request, parameters)
            case ListCharges():
                return list_charges(self._account, request, parameters)
            case ListFailedPayments():
                return list_failed_payments(self._account, request, parameters)
            case ListDisputes():
                return list_disputes(self._account, request, parameters)
            case ListUsage():
                return list_usage(self._account, request, parameters)
        return None


def _make(config: StripeConfig, secret: Secrets) -> StripeConnector:
    return StripeConnector(config, secret(config.api_key))


PLUGIN = Plugin(
    config=StripeConfig,
    make=_make,
    scopes=frozenset({Scope.CUSTOMER}),
    operations=OPERATIONS,
)
