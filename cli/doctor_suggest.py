"""`whydesk doctor --suggest`: a proposal for the tenants' table mapping, from the columns that ClickHouse names."""

import json
import sys
from collections.abc import Sequence
from textwrap import indent

from cli.errors import UsageProblem
from connectors.base import ConnectorError, Secrets
from connectors.clickhouse_suggest import Suggestion, as_yaml, suggest
from connectors.http import Declined
from connectors.registry import plugin
from models.tenant import Tenant
from models.vocabulary import Source
from reasoning.sql import SqlRefused, check_mapping

Proposal = dict[str, Suggestion]


async def suggest_tables(tenants: Sequence[Tenant], secrets: Secrets, *, as_json: bool) -> int:
    """Print the proposals of all tenants that have connected ClickHouse; return the exit code.

    Raises:
        UsageProblem: none of them has.
    """
    connected = [tenant for tenant in tenants if Source.CLICKHOUSE in tenant.connectors]
    if not connected:
        raise UsageProblem("--suggest looks at ClickHouse's columns, and no tenant has `connectors.clickhouse`")
    proposals: dict[str, Proposal] = {}
    for tenant in connected:
        try:
            proposals[tenant.id] = await _propose(tenant, secrets)
        except (ConnectorError, Declined) as error:
            print(f"whydesk: {tenant.id}: {error}; `whydesk doctor` says more", file=sys.stderr)
    if as_json:
        print(json.dumps({"format": 1, "tables": {name: _mappings(one) for name, one in proposals.items()}}, indent=2))
    elif proposals:
        print(
            "# Proposed from the names and types of the server's columns. Read it, mend it, then put it into whydesk.yaml."
        )
        print("tenants:")
        for name, proposal in proposals.items():
            print(f"  {name}:\n{indent(as_yaml(proposal), '    ')}", end="")
    return 0 if len(proposals) == len(connected) else 1


async def _propose(tenant: Tenant, secrets: Secrets) -> Proposal:
    from connectors.clickhouse import ClickHouseConnector

    connector = plugin(Source.CLICKHOUSE).make(tenant.connectors[Source.CLICKHOUSE], secrets)
    try:
        assert isinstance(connector, ClickHouseConnector)
        proposal = suggest(await connector.columns())
    finally:
        await connector.aclose()
    return {logical: _usable(logical, one) for logical, one in proposal.items()}


def _usable(logical: str, suggestion: Suggestion) -> Suggestion:
    """Keep what the settings would take; for another it is said that nothing was found."""
    mapping = suggestion.mapping
    if mapping is None:
        return suggestion
    try:
        check_mapping(logical, mapping)
    except SqlRefused as refusal:
        return Suggestion("", {}, {f"what is allowed ({refusal})": ""})
    return suggestion


def _mappings(proposal: Proposal) -> dict[str, object]:
    return {logical: one.mapping.model_dump() for logical, one in proposal.items() if one.mapping}
