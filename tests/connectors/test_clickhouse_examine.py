"""Examining a ClickHouse: the real engine, whose user may do everything, and servers that tell less."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.base import Finding, FindingStatus
from connectors.clickhouse import ClickHouseConnector
from connectors.clickhouse_examine import (
    examine_mapping,
    fits,
    missing_columns,
    read_clock,
    read_grants,
    read_limits,
    read_reach,
)
from connectors.clickhouse_suggest import ServerColumn
from models.base import Row
from models.tables import LOGICAL_TABLES, TableMapping
from models.tenant import ClickHouseConfig
from tests.clickhouse_server import PASSWORD, TABLES, USER, ClickHouseServer


def connected(url: str, password: str = PASSWORD) -> ClickHouseConnector:
    return ClickHouseConnector(ClickHouseConfig.model_validate({"url": url, "user": USER}), password)


def by_check(findings: list[Finding], check: str) -> list[Finding]:
    return [finding for finding in findings if finding.check == check]


async def test_a_server_that_answers_is_examined_whole(clickhouse_connector: ClickHouseConnector) -> None:
    found = await clickhouse_connector.examine()
    assert [one.check for one in found] == ["reach", "key", "latency", "clock", "rights", "rights"]
    assert [one.status for one in found[:4]] == [FindingStatus.OK] * 4
    profile, grants = by_check(found, "rights")
    assert "readonly=2" in profile.detail
    # The engine knows one user, who may do everything; on a server this is what must not be.
    assert grants.status is FindingStatus.WARNING
    assert "INSERT" in grants.detail or "ALTER" in grants.detail
    assert "docs/clickhouse-user.sql" in grants.remedy


async def test_a_mapping_that_fits_is_told_table_by_table(clickhouse_connector: ClickHouseConnector) -> None:
    found = by_check(await clickhouse_connector.examine_tables(TABLES), "shape")
    told = {finding.detail.partition(":")[0]: finding.status for finding in found}
    assert told == {
        "requests": FindingStatus.OK,
        "webhook_attempts": FindingStatus.UNKNOWN,
        "usage": FindingStatus.OK,
        "accounts": FindingStatus.OK,
    }


async def test_what_drifted_is_named_with_the_key_to_correct(clickhouse_connector: ClickHouseConnector) -> None:
    requests = TABLES["requests"]
    drifted = {
        "requests": requests.model_copy(update={"columns": {**requests.columns, "status": "err", "region": "zone"}}),
        "usage": TableMapping(table="prod.gone"),
        "accounts": TableMapping(table="prod.orgs", columns={"rate_limit": "rpm"}),
    }
    found = by_check(await clickhouse_connector.examine_tables(drifted), "shape")
    failed = {finding.detail: finding.remedy for finding in found if finding.status is FindingStatus.FAILURE}
    assert failed["requests.region: prod.api_log has no column 'zone'"].startswith(
        "correct tables.requests.columns.region"
    )
    assert "toUInt16OrZero" in failed["requests.status is String, and queries count on UInt16"]
    assert "GRANT SELECT ON prod.gone" in failed["usage: there is no prod.gone for this user"]
    assert any(detail.startswith("accounts: prod.orgs has no column customer") for detail in failed)


async def test_a_wrong_password_and_no_server_are_findings(server: ClickHouseServer) -> None:
    for url, password, check in ((server.url, "pass-phrase-88", "key"), ("http://127.0.0.1:9", PASSWORD, "reach")):
        connector = connected(url, password)
        found = await connector.examine()
        shape = await connector.examine_tables(TABLES)
        await connector.aclose()
        assert [(one.check, one.status) for one in found + shape] == [(check, FindingStatus.FAILURE)] * 2
        assert "connectors.clickhouse" in found[0].remedy
        assert "pass-phrase" not in repr(found + shape)


def limits(level: str, **most: str | None) -> list[Row]:
    names = ("max_execution_time", "max_memory_usage", "max_result_rows")
    rows: list[Row] = [{"name": "readonly", "value": level, "most": None, "readonly": 1}]
    return rows + [{"name": name, "value": "30", "most": most.get(name), "readonly": 0} for name in names]


def test_a_profile_has_to_be_read_only_and_bounded() -> None:
    bounded = dict.fromkeys(("max_execution_time", "max_memory_usage", "max_result_rows"), "30")
    assert read_limits(limits("0", **bounded)).status is FindingStatus.WARNING
    loose = read_limits(limits("2", max_execution_time="30"))
    assert loose.status is FindingStatus.WARNING
    assert "max_memory_usage, max_result_rows" in loose.detail
    assert read_limits(limits("2", **bounded)).status is FindingStatus.OK
    # Under readonly=1 nobody changes a setting: its value is the bound.
    assert read_limits(limits("1")).status is FindingStatus.OK
    assert read_limits([]).status is FindingStatus.WARNING


@pytest.mark.parametrize(
    ("grant", "more"),
    [
        ("GRANT SELECT ON prod.api_log TO whydesk", False),
        ("GRANT SELECT(event_time, org_id) ON prod.api_log TO whydesk", False),
        ("GRANT SHOW TABLES, SELECT ON prod.* TO whydesk", False),
        ("GRANT SELECT, INSERT(a, b) ON prod.api_log TO whydesk", True),
        ("GRANT ALTER UPDATE ON prod.api_log TO whydesk WITH GRANT OPTION", True),
        ("GRANT SOURCES ON *.* TO whydesk", True),
        ("GRANT dictGet ON prod.d TO whydesk", True),
    ],
)
def test_grants_beyond_reading_are_seen(grant: str, more: bool) -> None:
    assert read_grants([grant]).status is (FindingStatus.WARNING if more else FindingStatus.OK)


def test_what_comes_by_a_role_is_not_known() -> None:
    own = ["GRANT whydesk_reader TO whydesk", "GRANT SELECT ON prod.api_log TO whydesk"]
    for found in (read_grants(own), read_reach(own, {"requests": TableMapping(table="api_log")}, "prod")):
        assert found.status is FindingStatus.UNKNOWN
        assert "SHOW GRANTS FOR whydesk_reader" in found.remedy


def test_grants_beyond_the_mapped_tables_are_seen() -> None:
    tables = {"requests": TableMapping(table="api_log")}
    assert read_reach(["GRANT SELECT ON prod.api_log TO w"], tables, "prod").status is FindingStatus.OK
    for what in ("*.*", "prod.*", "prod.secret", "`other`.api_log"):
        wide = read_reach([f"GRANT SELECT ON {what} TO w"], tables, "prod")
        assert wide.status is FindingStatus.WARNING
        assert what.replace("`", "") in wide.detail


def test_clocks_that_differ_are_told() -> None:
    now = datetime(2026, 3, 1, 10, tzinfo=UTC)
    later = now + timedelta(seconds=2)
    assert read_clock({"at": "2026-03-01T10:00:01Z"}, now, later).detail == "0.0 s apart"
    behind = read_clock({"at": "2026-03-01T09:58:01Z"}, now, later)
    assert behind.status is FindingStatus.WARNING
    assert "120 s behind" in behind.detail
    assert read_clock({"at": None}, now, later).status is FindingStatus.UNKNOWN


def test_a_missing_column_that_no_query_need_have_is_a_warning() -> None:
    real = {name: kind for name, kind in LOGICAL_TABLES["usage"].items() if name != "route"}
    (found,) = missing_columns("usage", TableMapping(table="a.usage"), real)
    assert found.status is FindingStatus.WARNING
    assert missing_columns("usage", TableMapping(table="a.usage"), {**real, "route": "String"}) == []


@pytest.mark.parametrize(
    ("name", "wanted", "kind", "fit"),
    [
        ("status", "UInt16", "LowCardinality(UInt16)", True),
        ("status", "UInt16", "String", False),
        ("duration_ms", "Float64", "UInt32", True),
        ("ts", "DateTime64(3, 'UTC')", "Date", False),
        ("ts", "DateTime64(3, 'UTC')", "DateTime", True),
        ("customer", "String", "UInt64", True),
        ("route", "String", "UInt64", False),
        ("region", "String", "Enum8('eu' = 1)", True),
    ],
)
def test_types_fit_by_family(name: str, wanted: str, kind: str, fit: bool) -> None:
    assert fits(name, wanted, kind) is fit


def test_a_table_without_a_database_lies_in_the_configured_one() -> None:
    columns = [ServerColumn("prod", "usage", name, kind) for name, kind in LOGICAL_TABLES["usage"].items()]
    mapping = {"usage": TableMapping(table="usage")}
    by_table = {one.detail.partition(":")[0]: one.status for one in examine_mapping(mapping, columns, "prod")}
    assert by_table["usage"] is FindingStatus.OK
    by_table = {one.detail.partition(":")[0]: one.status for one in examine_mapping(mapping, columns, "other")}
    assert by_table["usage"] is FindingStatus.FAILURE
