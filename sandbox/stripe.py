"""Stripe's API, read-only: lists with cursors, search, nested form parameters, `expand`, Stripe's own errors."""

import base64
import binascii
from collections.abc import Callable, Mapping
from hashlib import sha256
from hmac import compare_digest
from itertools import count
from typing import cast

from pydantic import JsonValue
from starlette.responses import Response

from sandbox.stripe_catalog import Object
from sandbox.stripe_collections import Collection, Condition, collections_of
from sandbox.stripe_objects import API_VERSION, Account
from sandbox.stripe_parameters import (
    PAGING,
    RANGES,
    Rejected,
    found,
    limit_of,
    many,
    minute_of,
    page_of,
    position_of,
    ranges_of,
)
from sandbox.stripe_search import SearchError, parse_search
from sandbox.vendor import Asked, Stage, Vendor, json_response, route

EXPAND_DEPTH = 4


class Stripe(Vendor):
    """One account behind one restricted, read-only key."""

    name = "stripe"

    def __init__(self, stage: Stage, account: Account, api_key: str) -> None:
        """Serve the account to the bearer of the key."""
        super().__init__(stage)
        self._account = account
        self._key = api_key
        self._numbers = count(1)
        self._collections = collections_of(account)
        routes = []
        for path, collection in self._collections.items():
            routes.append(route("GET", f"/v1/{path}", self._guarded(self._lister(collection, f"/v1/{path}"))))
            if collection.searchable:
                routes.append(route("GET", f"/v1/{path}/search", self._guarded(self._searcher(collection, path))))
            routes.append(route("GET", f"/v1/{path}/{{id}}", self._guarded(self._retriever(collection))))
        routes += [
            route("GET", "/v1/customers/{customer}/payment_methods", self._guarded(self._customer_cards)),
            route("GET", "/v1/invoices/{invoice}/lines", self._guarded(self._invoice_lines)),
            route("GET", "/v1/billing/meters/{meter}/event_summaries", self._guarded(self._event_summaries)),
            route("GET", "/v1/billing/credit_balance_summary", self._guarded(self._credit_summary)),
        ]
        self.routes = routes

    # Manner

    def admit(self, asked: Asked) -> Response | None:
        """Check the key: Bearer, or as the user name of Basic auth."""
        given = _bearer(asked.headers.get("authorization", ""))
        if not given:
            return _error(
                401,
                "You did not provide an API key. You need to provide your API key in the Authorization header, using "
                "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
            )
        if not compare_digest(given.encode(), self._key.encode()):
            return _error(401, f"Invalid API Key provided: {given[:7]}{'*' * 12}{given[-4:]}")
        return None

    def error(self, status: int, message: str = "") -> Response:
        """Return Stripe's error envelope."""
        if status == 429:
            return self.rate_limited()
        if status == 404:
            return _error(404, message or "Unrecognized request URL.")
        if status >= 500:
            return _error(status, message or "An unknown error occurred", kind="api_error")
        return _error(status, message or f"status {status}")

    def rate_limited(self) -> Response:
        """Return 429 with the code `rate_limit`."""
        response = _error(
            429, "Request rate limit exceeded. Learn more about rate limits in the documentation.", code="rate_limit"
        )
        response.headers["stripe-rate-limited-reason"] = "global-rate"
        return response

    def headers(self, asked: Asked) -> Mapping[str, str]:
        """Return the request id and the version that answered."""
        seed = f"{self._key}{next(self._numbers)}".encode()
        return {
            "request-id": f"req_{sha256(seed).hexdigest()[:14]}",
            "stripe-version": asked.headers.get("stripe-version", API_VERSION),
            "idempotency-replayed": "false",
        }

    def refuse_write(self, asked: Asked) -> Response:
        """Refuse as a restricted key without write permission is refused."""
        self.record_write(asked, what=f"{asked.method} {asked.path}", accepted=False)
        return _error(
            403,
            f"The provided key '{self._key[:7]}{'*' * 8}' does not have the required permissions for this endpoint. "
            "Having the '_write' permission would allow this request to continue.",
        )

    # Reading

    def _guarded(self, answer: Callable[[Asked], Object]) -> Callable[[Asked], Response]:
        def handle(asked: Asked) -> Response:
            try:
                body: JsonValue = answer(asked)
                for path in many(asked, "expand"):
                    body = self._expanded(body, path.split("."), path)
                return json_response(body)
            except Rejected as rejected:
                return _error(rejected.status, str(rejected), code=rejected.code, param=rejected.param)

        return handle

    def _lister(self, collection: Collection, url: str) -> Callable[[Asked], Object]:
        known = PAGING | collection.filters.keys()

        def answer(asked: Asked) -> Object:
            for key in asked.query:
                name, _, inner = key.partition("[")
                operator = inner.rstrip("]")
                if key in known or (name in known and (operator == "" or operator.isdigit())):
                    continue
                if name not in collection.ranges or (inner and operator not in RANGES):
                    raise Rejected(f"Received unknown parameter: {key}", code="parameter_unknown", param=key)
            conditions = _conditions(collection, asked)
            chosen = [one for one in collection.objects if all(condition(one) for condition in conditions)]
            return page_of(chosen, asked, url, collection.kind)

        return answer

    def _retriever(self, collection: Collection) -> Callable[[Asked], Object]:
        by_id = {str(one["id"]): one for one in collection.objects}

        def answer(asked: Asked) -> Object:
            return found(by_id, asked.values["id"], collection.kind)

        return answer

    def _searcher(self, collection: Collection, path: str) -> Callable[[Asked], Object]:
        def answer(asked: Asked) -> Object:
            text = asked.query.get("query")
            if not text:
                raise Rejected("Missing required param: query.", code="parameter_missing", param="query")
            try:
                matches = parse_search(text, collection.searchable)
            except SearchError as error:
                raise Rejected(str(error), param="query") from None
            chosen = [one for one in collection.objects if matches(one)]
            start = position_of(asked.query.get("page", "0"))
            limit = limit_of(asked)
            more = len(chosen) > start + limit
            body: Object = {
                "object": "search_result",
                "data": cast(JsonValue, chosen[start : start + limit]),
                "has_more": more,
                "next_page": f"{start + limit}" if more else None,
                "url": f"/v1/{path}/search",
            }
            return body

        return answer

    def _customer_cards(self, asked: Asked) -> Object:
        customer = asked.values["customer"]
        found(self._account.by_id, customer, "customer")
        cards = [one for one in self._account.payment_methods if one["customer"] == customer]
        wanted = asked.query.get("type", "card")
        return page_of([one for one in cards if one["type"] == wanted], asked, asked.path, "payment_method")

    def _invoice_lines(self, asked: Asked) -> Object:
        invoice = asked.values["invoice"]
        if invoice not in self._account.lines:
            raise Rejected(f"No such invoice: '{invoice}'", status=404, code="resource_missing", param="invoice")
        return page_of(self._account.lines[invoice], asked, asked.path, "line_item")

    def _event_summaries(self, asked: Asked) -> Object:
        meter = asked.values["meter"]
        found(self._account.by_id, meter, "billing.meter")
        for name in ("customer", "start_time", "end_time"):
            if name not in asked.query:
                raise Rejected(f"Missing required param: {name}.", code="parameter_missing", param=name)
        start, end = minute_of(asked, "start_time"), minute_of(asked, "end_time")
        step = {"": end - start, "hour": 3_600, "day": 86_400}.get(asked.query.get("value_grouping_window", ""))
        if step is None or start >= end:
            raise Rejected(
                "Invalid time window: end_time must be after start_time; group by 'hour' or 'day'.", param="end_time"
            )
        if (start % step or end % step) and asked.query.get("value_grouping_window"):
            raise Rejected(
                "Invalid time window: start_time and end_time must align with UTC boundaries of the grouping window.",
                param="start_time",
            )
        spans = self._account.metered.get((meter, asked.query["customer"]), [])
        summaries: list[Object] = []
        for left in range(start, end, step):
            right = min(left + step, end)
            shares = (max(0, min(right, s.end) - max(left, s.start)) / (s.end - s.start) * s.units for s in spans)
            value = round(sum(shares))
            if value:
                seed = f"{meter}{asked.query['customer']}{left}{right}".encode()
                summaries.append(
                    {
                        "id": f"mtrusg_{sha256(seed).hexdigest()[:24]}",
                        "object": "billing.meter_event_summary",
                        "aggregated_value": float(value),
                        "end_time": right,
                        "livemode": False,
                        "meter": meter,
                        "start_time": left,
                    }
                )
        return page_of(summaries[::-1], asked, asked.path, "billing.meter_event_summary")

    def _credit_summary(self, asked: Asked) -> Object:
        for name in ("customer", "filter[type]"):
            if name not in asked.query:
                raise Rejected(f"Missing required param: {name}.", code="parameter_missing", param=name)
        customer = asked.query["customer"]
        found(self._account.by_id, customer, "customer")
        return {
            "object": "billing.credit_balance_summary",
            "balances": [],
            "customer": customer,
            "customer_account": None,
            "livemode": False,
        }

    def _expanded(self, value: JsonValue, steps: list[str], path: str) -> JsonValue:
        """Return a copy in which the ids at the path are replaced by their objects."""
        if len(path.split(".")) > EXPAND_DEPTH:
            raise Rejected(
                f"You cannot expand more than {EXPAND_DEPTH} levels of a property (property: {path}).", param="expand"
            )
        if isinstance(value, list):
            return [self._expanded(one, steps, path) for one in value]
        if not steps:
            return self._account.by_id.get(value, value) if isinstance(value, str) else value
        if value is None:
            return None
        if isinstance(value, str):
            value = self._account.by_id.get(value)
        if not isinstance(value, dict):
            raise Rejected(f"This property cannot be expanded ({path}).", param="expand")
        if steps == ["payments"] and value.get("object") == "invoice":
            return {**value, "payments": self._payments(str(value["id"]))}
        if steps[0] not in value:
            raise Rejected(f"This property cannot be expanded ({path}).", param="expand")
        return {**value, steps[0]: self._expanded(value[steps[0]], steps[1:], path)}

    def _payments(self, invoice: str) -> Object:
        data: list[JsonValue] = [one for one in self._account.invoice_payments if one["invoice"] == invoice]
        return {"object": "list", "data": data, "has_more": False, "url": f"/v1/invoice_payments?invoice={invoice}"}


def _bearer(header: str) -> str:
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def _error(
    status: int, message: str, *, kind: str = "invalid_request_error", code: str = "", param: str = ""
) -> Response:
    body: Object = {"message": message, "type": kind}
    if code:
        body |= {"code": code, "doc_url": f"https://docs.example.com/error-codes/{code}"}
    if param:
        body["param"] = param
    return json_response({"error": body}, status)


def _conditions(collection: Collection, asked: Asked) -> list[Callable[[Object], bool]]:
    """Return what an object has to be, worked out once for the whole list."""
    conditions = ranges_of(asked, collection.ranges, collection.moment)
    for name, condition in collection.filters.items():
        wanted = many(asked, name)
        if wanted:
            conditions.append(_any_of(condition, wanted))
        elif collection.default is not None and name in collection.default:
            conditions.append(_any_of(collection.default[name], [""]))
    return conditions


def _any_of(condition: Condition, wanted: list[str]) -> Callable[[Object], bool]:
    return lambda one: any(condition(one, value) for value in wanted)
