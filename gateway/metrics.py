"""What the gateway counts: deliveries by helpdesk and result, and how long an answer takes."""

from prometheus_client import CollectorRegistry, Counter, Histogram

UNKNOWN = "unknown"
"""The label of what names no configured helpdesk: a stranger must not be able to make up labels."""


class GatewayMetrics:
    """The gateway's metrics in one registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register them; a registry takes them once."""
        self._deliveries = Counter(
            "whydesk_gateway_deliveries",
            "Webhook deliveries by helpdesk and what became of them.",
            ["helpdesk", "result"],
            registry=registry,
        )
        self._seconds = Histogram(
            "whydesk_gateway_acknowledgement_seconds",
            "Time from the request's head to the answer.",
            ["helpdesk"],
            registry=registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
        )

    def answered(self, helpdesk: str, result: str, seconds: float) -> None:
        """Count one delivery. `result` is `started`, `ignored`, `refused`, `unreadable`, `temporal-down` …"""
        self._deliveries.labels(helpdesk, result).inc()
        self._seconds.labels(helpdesk).observe(seconds)
