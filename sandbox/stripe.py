"""Stripe's API, read-only: lists with cursors, search, nested form parameters, `expand`, Stripe's own errors."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from itertools import count
from typing import cast

from pydantic import JsonValue
from starlette.responses import Response

from sandbox.stripe_catalog import Object
from sandbox.stripe_objects import API_VERSION, Account
from sandbox.stripe_search import SearchError, parse_search
from sandbox.vendor import Asked, Stage, Vendor, json_response, route

Condition = Callable[[Object, str], bool]
EXPAND_DEPTH = 4
RANGES = {"gt": int.__gt__, "gte": int.__ge__, "lt": int.__lt__, "lte": int.__le__}
PAGING = frozenset({"limit", "starting_after", "ending_before", "expand"})


class Rejected(Exception):
    """The request is wrong; carries Stripe's error."""

    def __init__(self, message: str, *, status: int = 400, code: str = "", param: str = "") -> None:
        """Keep what goes into the error body."""
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param


def _same(name: str) -> Condition:
    return lambda one, wanted: str(one.get(name) or "") == wanted


def _subscription_of(one: Object, wanted: str) -> bool:
    parent = one["parent"]
    details = parent.get("subscription_details") if isinstance(parent, dict) else None
    return isinstance(details, dict) and details.get("subscription") == wanted


def _subscription_status(one: Object, wanted: str) -> bool:
    return wanted == "all" or (wanted == "ended" and one["status"] == "canceled") or one["status"] == wanted


def _price_of(one: Object, wanted: str) -> bool:
    items = cast(Object, one["items"])["data"]
    return any(cast(Object, cast(Object, item)["price"])["id"] == wanted for item in cast(list[JsonValue], items))


def _event_type(one: Object, wanted: str) -> bool:
    prefix, star, _ = wanted.partition("*")
    return str(one["type"]).startswith(prefix) if star else one["type"] == wanted


def _pays(one: Object, wanted: str) -> bool:
    return cast(Object, one["payment"])["payment_intent"] == wanted


@dataclass(frozen=True, slots=True)
class Collection:
    """A resource that is listed: its objects, the parameters that filter it, the times that take ranges, whether it searches."""

    kind: str
    objects: Sequence[Object]
    filters: Mapping[str, Condition]
    ranges: frozenset[str] = frozenset({"created"})
    searchable: frozenset[str] = frozenset()
    default: Mapping[str, Condition] | None = None
    """Conditions in force where the parameter of that name is not given."""


def _collections(account: Account) -> dict[str, Collection]:
    alive: dict[str, Condition] = {"status": lambda one, _: one["status"] != "canceled"}
    named = {"customer": _same("customer"), "status": _same("status")}
    money = frozenset({"created", "currency", "customer", "metadata", "status"})
    return {
        "customers": Collection(
            "customer",
            account.customers,
            {"email": _same("email")},
            searchable=frozenset({"created", "email", "metadata", "name", "phone"}),
        ),
        "subscriptions": Collection(
            "subscription",
            account.subscriptions,
            {"customer": _same("customer"), "status": _subscription_status, "price": _price_of},
            searchable=frozenset({"created", "metadata", "status"}),
            default=alive,
        ),
        "invoices": Collection(
            "invoice",
            account.invoices,
            {**named, "subscription": _subscription_of, "collection_method": _same("collection_method")},
            frozenset({"created", "due_date"}),
            searchable=money | {"number", "receipt_number", "subscription", "total"},
        ),
        "charges": Collection(
            "charge",
            account.charges,
            {"customer": _same("customer"), "payment_intent": _same("payment_intent")},
            searchable=money | {"amount", "disputed", "refunded"},
        ),
        "payment_methods": Collection(
            "payment_method",
            account.payment_methods,
            {"customer": _same("customer"), "type": _same("type")},
            frozenset(),
        ),
        "invoice_payments": Collection(
            "invoice_payment",
            account.invoice_payments,
            {
                "invoice": _same("invoice"),
                "status": _same("status"),
                "payment[type]": lambda one, wanted: wanted == "payment_intent",
                "payment[payment_intent]": _pays,
            },
        ),
        "events": Collection("event", account.events, {"type": _event_type, "types": _event_type}),
        "prices": Collection(
            "price", account.prices, {"product": _same("product"), "active": lambda one, w: w == "true"}
        ),
        "products": Collection("product", account.products, {"active": lambda one, wanted: wanted == "true"}),
        "billing/meters": Collection("billing.meter", account.meters, {"status": _same("status")}, frozenset()),
    }


class Stripe(Vendor):
    """One account behind one restricted, read-only key."""

    name = "stripe"

    def __init__(self, stage: Stage, account: Account, api_key: str) -> None:
        """Serve the account to the bearer of the key."""
        super().__init__(stage)
        self._account = account
        self._key = api_key
        self._numbers = count(1)
        self._collections = _collections(account)
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
                for path in _many(asked, "expand"):
                    body = self._expanded(body, path.split("."), path)
                return json_response(body)
            except Rejected as rejected:
                return _error(rejected.status, str(rejected), code=rejected.code, param=rejected.param)

        return handle

    def _lister(self, collection: Collection, url: str) -> Callable[[Asked], Object]:
        def answer(asked: Asked) -> Object:
            chosen = [one for one in collection.objects if self._matches(collection, asked, one)]
            return _page(chosen, asked, url, collection.kind)

        def checked(asked: Asked) -> Object:
            known = PAGING | collection.filters.keys()
            for key in asked.query:
                name, _, inner = key.partition("[")
                operator = inner.rstrip("]")
                if key in known or (name in known and (operator == "" or operator.isdigit())):
                    continue
                if name not in collection.ranges or (inner and operator not in RANGES):
                    raise Rejected(f"Received unknown parameter: {key}", code="parameter_unknown", param=key)
            return answer(asked)

        return checked

    def _matches(self, collection: Collection, asked: Asked, one: Object) -> bool:
        for name, condition in collection.filters.items():
            wanted = _many(asked, name)
            if wanted and not any(condition(one, value) for value in wanted):
                return False
            fallback = (collection.default or {}).get(name)
            if not wanted and fallback is not None and not fallback(one, ""):
                return False
        return all(_within(asked, name, one.get(name)) for name in collection.ranges)

    def _retriever(self, collection: Collection) -> Callable[[Asked], Object]:
        by_id = {str(one["id"]): one for one in collection.objects}

        def answer(asked: Asked) -> Object:
            return _found(by_id, asked.values["id"], collection.kind)

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
            start = _position(asked.query.get("page", "0"))
            limit = _limit(asked)
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
        _found(self._account.by_id, customer, "customer")
        cards = [one for one in self._account.payment_methods if one["customer"] == customer]
        wanted = asked.query.get("type", "card")
        return _page([one for one in cards if one["type"] == wanted], asked, asked.path, "payment_method")

    def _invoice_lines(self, asked: Asked) -> Object:
        invoice = asked.values["invoice"]
        if invoice not in self._account.lines:
            raise Rejected(f"No such invoice: '{invoice}'", status=404, code="resource_missing", param="invoice")
        return _page(self._account.lines[invoice], asked, asked.path, "line_item")

    def _event_summaries(self, asked: Asked) -> Object:
        meter = asked.values["meter"]
        _found(self._account.by_id, meter, "billing.meter")
        for name in ("customer", "start_time", "end_time"):
            if name not in asked.query:
                raise Rejected(f"Missing required param: {name}.", code="parameter_missing", param=name)
        start, end = _minute(asked, "start_time"), _minute(asked, "end_time")
        step = {"": end - start, "hour": 3_600, "day": 86_400}.get(asked.query.get("value_grouping_window", ""))
        if step is None or start >= end:
            raise Rejected(
                "Invalid time window: end_time must be after start_time; group by 'hour' or 'day'.", param="end_time"
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
        return _page(summaries[::-1], asked, asked.path, "billing.meter_event_summary")

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


def _found(by_id: Mapping[str, Object], id: str, kind: str) -> Object:
    one = by_id.get(id)
    if one is None or one["object"] != kind:
        raise Rejected(f"No such {kind}: '{id}'", status=404, code="resource_missing", param="id")
    return one


def _many(asked: Asked, name: str) -> list[str]:
    """Return the values of `name`, `name[]` and `name[0]`, `name[1]` …"""
    return [
        value
        for key, value in asked.query.multi_items()
        if key == name or (key.startswith(f"{name}[") and (key[len(name) + 1 : -1].isdigit() or key.endswith("[]")))
    ]


def _limit(asked: Asked) -> int:
    text = asked.query.get("limit", "10")
    if not text.isdigit():
        raise Rejected(f"Invalid integer: {text}", code="parameter_invalid_integer", param="limit")
    if not 1 <= int(text) <= 100:
        raise Rejected("This value must be between 1 and 100.", code="parameter_invalid_integer", param="limit")
    return int(text)


def _position(text: str) -> int:
    if not text.isdigit():
        raise Rejected("Invalid page token.", param="page")
    return int(text)


def _minute(asked: Asked, name: str) -> int:
    text = asked.query[name]
    if not text.isdigit() or int(text) % 60:
        raise Rejected(f"Invalid {name}: a whole minute in epoch seconds is expected.", param=name)
    return int(text)


def _within(asked: Asked, name: str, value: JsonValue) -> bool:
    exact = asked.query.get(name)
    if exact is not None and str(value) != exact:
        return False
    for operator, compare in RANGES.items():
        bound = asked.query.get(f"{name}[{operator}]")
        if bound is None:
            continue
        if not bound.isdigit():
            raise Rejected(f"Invalid integer: {bound}", code="parameter_invalid_integer", param=f"{name}[{operator}]")
        if not isinstance(value, int) or not compare(value, int(bound)):
            return False
    return True


def _page(objects: Sequence[Object], asked: Asked, url: str, kind: str) -> Object:
    limit = _limit(asked)
    ids = [one["id"] for one in objects]
    start, stop = 0, len(objects)
    for name in ("starting_after", "ending_before"):
        cursor = asked.query.get(name)
        if cursor is None:
            continue
        if cursor not in ids:
            raise Rejected(f"No such {kind}: '{cursor}'", code="resource_missing", param=name)
        if name == "starting_after":
            start = ids.index(cursor) + 1
        else:
            stop = ids.index(cursor)
            start = max(start, stop - limit)
    more = stop - start > limit if "ending_before" not in asked.query else start > 0
    data = objects[start : min(start + limit, stop)]
    return {"object": "list", "data": cast(JsonValue, list(data)), "has_more": more, "url": url}
