"""The generated logs: the same for the same seed, with every episode's effect, and usage that adds up exactly."""

import itertools
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sandbox.logs import logs_sql, quantiles
from sandbox.world import World
from sandbox.world_files import load_world
from tests.sandbox.engine_process import NOW, ROWS, WORLD, EngineProcess, running

TABLES = ("edge.http_log", "hooks.delivery_log", "metering.usage_hourly", "crm.accounts")


@pytest.fixture(scope="module")
def world() -> World:
    return load_world(WORLD)


def moment(**before: float) -> str:
    return f"toDateTime64('{NOW - timedelta(**before):%Y-%m-%d %H:%M:%S}', 3, 'UTC')"


def share(company: EngineProcess, what: str, where: str) -> float:
    return company.number(f"SELECT countIf({what}) / count() FROM edge.http_log WHERE {where}")


def digests(company: EngineProcess) -> list[list[list[object]]]:
    return [company.ask(f"SELECT count(), groupBitXor(cityHash64(*)), sum(cityHash64(*)) FROM {t}") for t in TABLES]


def test_the_same_seed_and_now_give_the_same_rows(company: EngineProcess, tmp_path: Path) -> None:
    with running(tmp_path, rows=ROWS) as again:
        assert digests(again) == digests(company)


def test_another_seed_gives_other_rows(world: World) -> None:
    inserts = len(world.customers) + len(world.logs.bursts)
    other = world.model_copy(update={"about": world.about.model_copy(update={"seed": 1})})
    ours, theirs = (list(logs_sql(each, NOW, 1_000)) for each in (world, other))
    assert [a == b for a, b in zip(ours, theirs, strict=True) if "INSERT INTO edge.http_log" in a] == [False] * inserts


def test_rows_and_range(company: EngineProcess, world: World) -> None:
    count, first, last, customers = company.ask(
        "SELECT count(), toUnixTimestamp(min(logged_at)), toUnixTimestamp(max(logged_at)), uniqExact(account) "
        "FROM edge.http_log"
    )[0]
    assert isinstance(count, int)
    assert isinstance(first, int)
    assert isinstance(last, int)
    launch, hourly = 115 * 340, 167 * 5 * 44
    assert abs(count - ROWS - launch - hourly) < 400
    assert timedelta(days=6.9) < NOW - datetime.fromtimestamp(first, NOW.tzinfo) <= timedelta(days=7)
    assert timedelta(0) <= NOW - datetime.fromtimestamp(last, NOW.tzinfo) < timedelta(minutes=5)
    assert customers == len(world.customers)


def test_the_day_has_its_rhythm(company: EngineProcess) -> None:
    def between(start: int, end: int) -> float:
        hours = f"pop = 'us-east' AND account != 'ac_tidepool' AND toHour(logged_at) BETWEEN {start} AND {end}"
        return company.number(f"SELECT count() FROM edge.http_log WHERE {hours}")

    assert between(16, 18) > 2 * between(4, 6)


def test_the_limiter_regression_shows_in_one_version_and_region(company: EngineProcess) -> None:
    for plan, limit, low, high in (("ac_brightwater", 6, 0.36, 0.56), ("ac_kestrel", 18, 0.24, 0.44)):
        since = f"account = '{plan}' AND logged_at >= {moment(hours=26)}"
        assert low < share(company, "err_code = 'E_THROTTLED'", since) < high
        found = company.ask(f"SELECT DISTINCT gateway_version, limit_per_min FROM edge.http_log WHERE {since}")
        assert found == [["gw-7.4.0", limit]]
        before = f"account = '{plan}' AND logged_at < {moment(hours=26)}"
        assert share(company, "http_status = 429", before) == 0
    spared = f"logged_at >= {moment(hours=26)} AND pop != 'eu-central' AND account NOT IN ('ac_tidepool')"
    assert share(company, "err_code = 'E_THROTTLED'", spared) == 0
    hit = company.number("SELECT uniqExact(account) FROM edge.http_log WHERE limit_per_min IN (6, 18)")
    assert hit >= 5


def test_the_providers_outage_hits_one_route_for_many_customers(company: EngineProcess) -> None:
    since = f"logged_at >= {moment(hours=3, minutes=10)} AND path_template = '/v1/ocr'"
    # Limits, holds and quotas answer first for some.
    assert 0.5 < share(company, "err_code = 'E_PROVIDER'", since) < 0.85
    assert (
        company.number(f"SELECT uniqExact(account) FROM edge.http_log WHERE err_code = 'E_PROVIDER' AND {since}") > 10
    )
    assert company.number("SELECT uniqExact(path_template) FROM edge.http_log WHERE err_code = 'E_PROVIDER'") == 1
    before = f"logged_at < {moment(hours=3, minutes=10)}"
    assert share(company, "err_code = 'E_PROVIDER'", before) == 0


def test_episodes_of_single_customers(company: EngineProcess) -> None:
    held = f"account = 'ac_mossanchor' AND logged_at >= {moment(hours=5)}"
    assert share(company, "http_status = 402", held) == 1
    assert share(company, "http_status = 402", f"logged_at < {moment(hours=5)}") == 0
    revoked = f"account = 'ac_ferngate' AND logged_at >= {moment(hours=4)}"
    assert share(company, "http_status = 401", f"{revoked} AND key_prefix = 'vk_live_m2Xd'") == 1
    assert share(company, "http_status = 401", f"{revoked} AND key_prefix != 'vk_live_m2Xd'") == 0
    used_up = f"account = 'ac_cobaltkite' AND logged_at >= {moment(hours=7)}"
    assert share(company, "err_code = 'E_QUOTA'", f"{used_up} AND verb = 'POST'") == 1
    assert share(company, "err_code = 'E_QUOTA'", f"{used_up} AND verb = 'GET'") == 0
    healthy = f"account = 'ac_larkfield' AND path_template != '/v1/ocr' AND logged_at >= {moment(days=2)}"
    assert share(company, "http_status >= 400", healthy) < 0.08


def test_the_burst_is_refused_above_the_plans_limit_only(company: EngineProcess) -> None:
    # The first and last clock minute of the burst are cut short or touch the run's now.
    minutes = company.ask(
        "SELECT countIf(http_status < 400), count() FROM edge.http_log WHERE account = 'ac_tidepool' "
        f"AND logged_at >= {moment(hours=2, minutes=3)} AND logged_at < {moment(minutes=13)} "
        "GROUP BY toStartOfMinute(logged_at) HAVING count() > 100 ORDER BY 2"
    )
    assert len(minutes) > 100
    for accepted, offered in minutes[2:]:
        assert isinstance(accepted, int)
        assert isinstance(offered, int)
        assert offered > 300
        assert 90 < accepted <= 120
    assert company.ask("SELECT DISTINCT limit_per_min FROM edge.http_log WHERE account = 'ac_tidepool'") == [[120]]


def test_a_slow_region(company: EngineProcess) -> None:
    def median(where: str) -> float:
        route = "path_template = '/v1/documents/render'"
        return company.number(f"SELECT quantile(0.5)(latency_s) FROM edge.http_log WHERE {route} AND {where}")

    assert median(f"pop = 'ap-south' AND logged_at >= {moment(hours=5)}") > 4 * median(
        "pop = 'us-east' AND verb = 'POST'"
    )
    assert median(f"pop = 'ap-south' AND logged_at < {moment(hours=5)}") < 0.6


def test_webhook_episodes(company: EngineProcess) -> None:
    def failing(hook: str, hours: float) -> float:
        since = f"hook_id = '{hook}' AND sent_at >= {moment(hours=hours)}"
        return company.number(f"SELECT countIf(http_status != 200) / count() FROM hooks.delivery_log WHERE {since}")

    assert failing("hk_pc01", 9) == 1
    assert 0.6 < failing("hk_sr01", 6) < 0.97
    assert failing("hk_sr02", 6) < 0.2
    errors = company.ask(
        f"SELECT DISTINCT http_status, failure FROM hooks.delivery_log WHERE hook_id = 'hk_pc01' AND sent_at >= {moment(hours=9)}"
    )
    assert errors == [[0, "tls_certificate_expired"]]


def test_usage_adds_up_to_what_is_stated(company: EngineProcess, world: World) -> None:
    rows = company.ask("SELECT account, path_template, sum(units) FROM metering.usage_hourly GROUP BY 1, 2")
    stated: dict[tuple[object, object], int] = {}
    for usage in world.logs.usage:
        for route, quantity in usage.routes.items():
            stated[usage.customer, route] = stated.get((usage.customer, route), 0) + quantity
    assert {(account, route): total for account, route, total in rows} == stated


def test_every_period_adds_up_by_itself(company: EngineProcess, world: World) -> None:
    for usage in world.logs.usage[::7]:
        total = company.number(
            "SELECT sum(units) FROM metering.usage_hourly WHERE account = {account:String} "
            "AND hour_start >= fromUnixTimestamp64Milli({start:Int64}) AND hour_start < fromUnixTimestamp64Milli({end:Int64})",
            account=usage.customer,
            start=str(round((NOW + usage.start).timestamp() * 1000)),
            end=str(round((NOW + usage.end).timestamp() * 1000)),
        )
        assert total == usage.total


def test_the_double_counted_invoice_differs_by_one_route(company: EngineProcess, world: World) -> None:
    invoice = next(invoice for invoice in world.billing.invoices if invoice.number == "VW-10433")
    line = next(line for line in invoice.lines if line.price == "price_pages")
    start, end = (f"fromUnixTimestamp({round((NOW + at).timestamp())})" for at in (line.period_start, line.period_end))
    period = f"account = 'ac_harrowpike' AND hour_start >= {start} AND hour_start < {end}"
    total = company.number(f"SELECT sum(units) FROM metering.usage_hourly WHERE {period}")
    batch = company.number(
        f"SELECT sum(units) FROM metering.usage_hourly WHERE {period} AND path_template = '/v1/batch'"
    )
    assert (total, batch, line.quantity) == (67_600, 9_416, 77_016)


def test_the_tenants_mapping_runs_on_the_companys_tables(company: EngineProcess, world: World) -> None:
    for logical, table in world.tenant.tables.items():
        columns = ", ".join(f"{expression} AS c_{name}" for name, expression in table.columns.items())
        row = company.ask(f"SELECT {columns} FROM {table.table} LIMIT 1")
        assert len(row[0]) == len(table.columns), logical
    mapped = world.tenant.tables["requests"].columns["error_code"]
    codes = {row[0] for row in company.ask(f"SELECT DISTINCT {mapped} FROM edge.http_log")}
    assert {"rate_limited", "quota_exceeded", "upstream_error", "payment_required", "key_revoked", ""} <= codes
    assert "E_THROTTLED" not in codes


def test_quantiles_rise_from_start_to_end() -> None:
    marks = quantiles(NOW - timedelta(days=7), NOW, 14, 0.9, 0.1)
    assert marks[0] == 0
    assert marks[-1] == 7 * 86_400_000
    assert all(low <= high for low, high in itertools.pairwise(marks))
