"""The company's own tables and how it would map them: logs.yaml's tables and tenant.yaml."""

from evals.generate.company import CANONICAL, Company
from evals.generate.tickets import FIELD
from sandbox.world_logs import Column, Table
from sandbox.world_tickets import TenantFile, TenantTable

_LOW, _TIME = "LowCardinality(String)", "DateTime64(3, 'UTC')"
_KINDS: dict[str, tuple[str, dict[str, tuple[str, str, str]]]] = {
    "requests": (
        "api.calls",
        {
            "ts": ("at", _TIME, "ts"),
            "customer": ("account", _LOW, "customer"),
            "request_id": ("call", "String", "request_id"),
            "method": ("verb", _LOW, "method"),
            "route": ("path", _LOW, "route"),
            "status": ("http", "UInt16", "status"),
            "error_code": ("err", _LOW, "error"),
            "duration_ms": ("took_s", "Float32", "duration_ms / 1000"),
            "region": ("pop", _LOW, "region"),
            "version": ("build", _LOW, "version"),
            "key_id": ("api_key", _LOW, "key"),
            "rate_limit": ("limit_rpm", "UInt32", "rate_limit"),
        },
    ),
    "webhook_attempts": (
        "api.callbacks",
        {
            "ts": ("at", _TIME, "ts"),
            "customer": ("account", _LOW, "customer"),
            "delivery_id": ("delivery", "String", "delivery_id"),
            "endpoint_id": ("hook", _LOW, "endpoint"),
            "endpoint_host": ("hook_host", _LOW, "host"),
            "event_type": ("topic", _LOW, "event"),
            "status": ("http", "UInt16", "status"),
            "error": ("failure", _LOW, "error"),
            "duration_ms": ("took_s", "Float32", "duration_ms / 1000"),
        },
    ),
    "usage": (
        "counting.hours",
        {
            "ts": ("hour_at", _TIME, "ts"),
            "customer": ("account", _LOW, "customer"),
            "meter": ("unit", _LOW, "meter"),
            "route": ("path", _LOW, "route"),
            "quantity": ("units", "UInt64", "quantity"),
        },
    ),
    "accounts": (
        "office.accounts",
        {
            "customer": ("account", "String", "customer"),
            "name": ("title", "String", "name"),
            "domain": ("mail_domain", "String", "domain"),
            "plan": ("plan_name", _LOW, "plan"),
            "region": ("home_pop", _LOW, "region"),
            "rate_limit": ("rpm", "UInt32", "rate_limit"),
            "monthly_quota": ("included_units", "UInt64", "monthly_quota"),
            "created_at": ("joined_at", _TIME, "created"),
        },
    ),
}
"""Kind of table to its name and, for each logical column, the company's column, its type, and what fills it."""
_ORDER = {
    "requests": ["customer", "ts"],
    "webhook_attempts": ["customer", "ts"],
    "usage": ["customer", "ts"],
    "accounts": ["customer"],
}


def tables(company: Company) -> list[Table]:
    """Return the company's own tables; their columns carry its prefix."""
    return [
        Table.model_validate(
            {
                "kind": kind,
                "name": name,
                "columns": [
                    Column(name=company.schema + own, type=type_, value=value) for own, type_, value in columns.values()
                ],
                "order_by": [company.schema + columns[key][0] for key in _ORDER[kind]],
            }
        )
        for kind, (name, columns) in _KINDS.items()
    ]


def tenant(company: Company) -> TenantFile:
    """Return how the company would configure the product."""
    mapped = {
        kind: TenantTable(table=name, columns={key: company.schema + own for key, (own, _, _) in columns.items()})
        for kind, (name, columns) in _KINDS.items()
    }
    mapped["requests"].columns["error_code"] = _translation(company)
    for kind in ("requests", "webhook_attempts"):
        mapped[kind].columns["duration_ms"] += " * 1000"
    return TenantFile(tables=mapped, repositories=sorted(company.repositories.values()), customer_field=FIELD)


def _translation(company: Company) -> str:
    own = ", ".join(f"'{code}'" for code in company.codes.values())
    words = ", ".join(f"'{CANONICAL.get(kind, kind)}'" for kind in company.codes)
    column = company.schema + "err"
    return f"transform({column}, [{own}], [{words}], {column})"
