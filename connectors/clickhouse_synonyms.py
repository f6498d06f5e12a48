"""What the columns and tables of other people's ClickHouse are usually called, for proposing a mapping (clickhouse_suggest)."""

SYNONYMS: dict[str, dict[str, str]] = {
    "requests": {
        "ts": "timestamp event_time time occurred_at request_time received_at started_at created_at logged_at datetime at",
        "customer": "customer_id org_id organization_id organisation_id tenant_id account_id company_id workspace_id org "
        "tenant account organization company workspace team_id client_id",
        "request_id": "req_id req request_uuid correlation_id trace_id call_id call id",
        "method": "verb http_method request_method http_verb",
        "route": "path endpoint http_route url_path request_path uri resource url",
        "status": "status_code http_status response_code http_status_code response_status http_code code http",
        "error_code": "err err_code error error_type error_name failure_code reason",
        "duration_ms": "duration latency elapsed response_time request_duration took request_latency time_taken",
        "region": "dc datacenter data_center zone cluster location pop edge_pop colo point_of_presence site",
        "version": "build release app_version service_version api_version deploy git_sha revision",
        "key_id": "api_key_id api_key credential_id token_id access_key_id key",
        "rate_limit": "rpm rate_limit_per_minute requests_per_minute limit_per_minute rate_limit_rpm limit_rpm max_rpm rps "
        "limit_rps limit",
    },
    "webhook_attempts": {
        "ts": "timestamp attempted_at event_time sent_at time occurred_at created_at delivered_at started_at at",
        "customer": "customer_id org_id organization_id organisation_id tenant_id account_id company_id workspace_id org "
        "tenant account organization company workspace team_id client_id",
        "delivery_id": "webhook_delivery_id message_id msg_id event_id attempt_id webhook_id delivery id",
        "endpoint_id": "webhook_endpoint_id destination_id subscription_id target_id hook_id endpoint hook destination",
        "endpoint_host": "host target_host destination_host hostname endpoint_domain endpoint_url target_url "
        "destination_url url",
        "event_type": "event topic event_name type kind",
        "status": "status_code http_status response_code response_status http_status_code http_code code http",
        "error": "err error_message failure_reason error_type reason failure",
        "duration_ms": "duration latency elapsed response_time took request_duration",
    },
    "usage": {
        "ts": "timestamp event_time time occurred_at metered_at recorded_at created_at hour hour_at hour_start bucket "
        "bucket_start window_start period_start at",
        "customer": "customer_id org_id organization_id organisation_id tenant_id account_id company_id workspace_id org "
        "tenant account organization company workspace team_id client_id",
        "meter": "metric meter_name metric_name feature sku product unit event_name",
        "route": "path endpoint http_route url_path resource url",
        "quantity": "amount units value used qty usage count",
    },
    "accounts": {
        "customer": "customer_id id org_id organization_id organisation_id tenant_id account_id company_id workspace_id org "
        "tenant account organization organisation company workspace team_id client_id",
        "name": "company_name customer_name org_name organization_name account_name display_name title",
        "domain": "email_domain primary_domain mail_domain company_domain website",
        "plan": "tier plan_name subscription_plan package pricing_plan",
        "region": "dc datacenter home_region data_region location zone pop home_pop home_dc home_zone site",
        "rate_limit": "rpm rate_limit_per_minute requests_per_minute limit_per_minute rate_limit_rpm limit_rpm max_rpm rps "
        "limit_rps",
        "monthly_quota": "quota plan_quota included_units monthly_limit quota_per_month allowance",
        "created_at": "created signup_at signed_up_at registered_at joined_at onboarded_at opened_at created_on created_time "
        "customer_since joined since",
    },
}
"""Logical column to the names it goes by, the most telling first; its own name comes before all of them."""

TABLE_WORDS: dict[str, str] = {
    "requests": "request requests api http access log logs edge gateway call calls",
    "webhook_attempts": "webhook webhooks delivery deliveries attempt attempts hook hooks callback callbacks",
    "usage": "usage meter meters metering consumption billing metric metrics",
    "accounts": "account accounts customer customers org orgs organization organizations company companies tenant tenants",
}
"""Words in a table's name that speak for a logical table."""

REQUIRED: dict[str, tuple[str, ...]] = {
    "requests": ("customer", "ts"),
    "webhook_attempts": ("customer", "ts"),
    "usage": ("customer", "ts", "quantity"),
    "accounts": ("customer",),
}
"""Columns without which a table is not proposed at all."""

TO_MILLISECONDS = {
    "ms": "",
    "millis": "",
    "milliseconds": "",
    "msec": "",
    "s": " * 1000",
    "sec": " * 1000",
    "secs": " * 1000",
    "seconds": " * 1000",
    "us": " / 1000",
    "micros": " / 1000",
    "usec": " / 1000",
    "microseconds": " / 1000",
    "ns": " / 1000000",
    "nanos": " / 1000000",
    "nsec": " / 1000000",
    "nanoseconds": " / 1000000",
}
"""Last word of a column's name, where it is a unit of time, to what turns it into milliseconds."""
PER_SECOND = frozenset({"rps", "qps", "second", "sec"})
"""Words that say that a rate is per second."""
