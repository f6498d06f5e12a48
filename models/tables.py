"""The logical tables that playbooks query. A tenant's file maps them to its own tables, columns and units."""

from models.base import Strict

LOGICAL_TABLES: dict[str, dict[str, str]] = {
    "requests": {
        "ts": "DateTime64(3, 'UTC')",
        "customer": "String",
        "request_id": "String",
        "method": "String",
        "route": "String",
        "status": "UInt16",
        "error_code": "String",
        "duration_ms": "Float64",
        "region": "String",
        "version": "String",
        "key_id": "String",
        "rate_limit": "UInt32",
    },
    "webhook_attempts": {
        "ts": "DateTime64(3, 'UTC')",
        "customer": "String",
        "delivery_id": "String",
        "endpoint_id": "String",
        "endpoint_host": "String",
        "event_type": "String",
        "status": "UInt16",
        "error": "String",
        "duration_ms": "Float64",
    },
    "usage": {
        "ts": "DateTime64(3, 'UTC')",
        "customer": "String",
        "meter": "String",
        "route": "String",
        "quantity": "UInt64",
    },
    "accounts": {
        "customer": "String",
        "name": "String",
        "domain": "String",
        "plan": "String",
        "region": "String",
        "rate_limit": "UInt32",
        "monthly_quota": "UInt64",
        "created_at": "DateTime64(3, 'UTC')",
    },
}
"""Table to its columns and their ClickHouse types. `error_code` is empty for a success; `rate_limit` is requests per minute in
force for that request; `status` of a webhook attempt is 0 where no HTTP answer came and `error` says why."""

ERROR_CODES = frozenset(
    {
        "rate_limited",
        "quota_exceeded",
        "key_revoked",
        "key_expired",
        "permission_denied",
        "payment_required",
        "invalid_request",
        "upstream_error",
        "internal_error",
        "timeout",
    }
)
"""What `requests.error_code` may hold where playbooks rely on it; a tenant translates its own codes in the mapping."""

FLEET_COLUMNS: dict[str, frozenset[str]] = {
    "requests": frozenset({"ts", "method", "route", "status", "error_code", "duration_ms", "region", "version"}),
    "webhook_attempts": frozenset({"ts", "event_type", "status", "error", "duration_ms"}),
    "usage": frozenset({"ts", "meter", "route", "quantity"}),
    "accounts": frozenset({"plan", "region"}),
}
"""Columns that a fleet query may use; a customer's identity is never one of them."""


class TableMapping(Strict):
    """Where a logical table lives at a tenant."""

    table: str
    """`database.table` or a view."""
    columns: dict[str, str] = {}
    """Logical column to the tenant's column name or a scalar expression over its columns, such as `latency_s * 1000`;
    a column that is left out has the same name."""
