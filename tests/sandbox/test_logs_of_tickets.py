"""What the logs show for the tickets about slowness, refusals, and troubles of one customer among healthy ones."""

from datetime import timedelta

import pytest

from tests.sandbox.engine_process import NOW, EngineProcess

READS = "path_template = '/v1/documents/{id}'"
RENDERS = "path_template = '/v1/documents/render' AND http_status < 400"


def since(hours: float) -> str:
    return f"logged_at >= toDateTime64('{NOW - timedelta(hours=hours):%Y-%m-%d %H:%M:%S}', 3, 'UTC')"


def before(hours: float) -> str:
    return since(hours).replace(">=", "<")


def p95(company: EngineProcess, where: str) -> float:
    """Milliseconds over enough requests to say so."""
    count, found = company.ask(f"SELECT count(), quantile(0.95)(latency_s) * 1000 FROM edge.http_log WHERE {where}")[0]
    assert isinstance(count, int)
    assert isinstance(found, float)
    assert count >= 25, where
    return found


def share(company: EngineProcess, what: str, where: str) -> float:
    return company.number(f"SELECT countIf({what}) / count() FROM edge.http_log WHERE {where}")


def attempts(company: EngineProcess, what: str, where: str) -> float:
    return company.number(f"SELECT countIf({what}) / count() FROM hooks.delivery_log WHERE {where}")


def test_a_rotated_secret_is_refused_at_one_endpoint(company: EngineProcess) -> None:
    day = "account = 'ac_ironbark' AND " + since(11).replace("logged_at", "sent_at")
    assert attempts(company, "http_status = 401", f"{day} AND hook_id = 'hk_iron1'") == 1
    assert attempts(company, "http_status != 200", f"{day} AND hook_id = 'hk_iron2'") < 0.1
    assert company.number("SELECT uniqExact(account) FROM hooks.delivery_log WHERE http_status = 401") == 1


@pytest.mark.parametrize("region", ["eu-central", "eu-central-2", "us-east", "us-west"])
def test_one_region_became_slow(company: EngineProcess, region: str) -> None:
    here = f"{RENDERS} AND pop = '{region}'"
    rise = p95(company, f"{here} AND {since(6.5)}") / p95(company, f"{here} AND {before(6.5)} AND {since(72)}")
    assert rise > 3 if region == "eu-central-2" else 0.5 < rise < 1.7


def test_the_slow_region_is_slow_for_everybody_in_it(company: EngineProcess) -> None:
    medians = "quantileIf(0.5)(latency_s, {}) AS a, quantileIf(0.5)(latency_s, {}) AS b"
    rows = company.ask(
        f"SELECT account, {medians.format(since(6.5), before(6.5))} FROM edge.http_log WHERE {RENDERS} "
        "AND pop = 'eu-central-2' GROUP BY account"
    )
    assert len(rows) >= 5
    assert all(isinstance(a, float) and isinstance(b, float) and a > 2.5 * b for _, a, b in rows), rows


def test_reads_are_slow_on_the_new_version_only(company: EngineProcess) -> None:
    here = f"account = 'ac_tamarack' AND {since(17.8)}"
    old, new = (f"{here} AND gateway_version = '{version}'" for version in ("gw-7.3.2", "gw-7.3.3"))
    assert p95(company, f"{new} AND {READS}") > 20 * p95(company, f"{old} AND {READS}")
    assert p95(company, f"{new} AND path_template IN ('/v1/templates', '/v1/account', '/v1/batch')") < 300
    found = company.ask(f"SELECT DISTINCT pop FROM edge.http_log WHERE gateway_version = 'gw-7.3.3' AND {since(168)}")
    assert found == [["us-west"]]
    customers = company.number(
        f"SELECT uniqExact(account) FROM edge.http_log WHERE {READS} AND gateway_version = 'gw-7.3.3' AND latency_s > 0.5"
    )
    assert customers >= 5


def test_larger_documents_take_longer_for_the_one_who_sends_them(company: EngineProcess) -> None:
    theirs, others = f"{RENDERS} AND account = 'ac_calder'", f"{RENDERS} AND pop = 'us-east' AND account != 'ac_calder'"
    assert p95(company, f"{theirs} AND {since(21)}") > 5 * p95(company, f"{theirs} AND {before(21)}")
    assert p95(company, f"{others} AND {since(21)}") < 1.5 * p95(company, f"{others} AND {before(21)}")
    pages = "SELECT sum(units) / uniqExact(hour_start) FROM metering.usage_hourly WHERE account = 'ac_calder' AND "
    hours = since(21).replace("logged_at", "hour_start")
    assert company.number(pages + hours) > 10 * company.number(pages + hours.replace(">=", "<"))
    renders = f"SELECT count() / {{}} FROM edge.http_log WHERE {theirs} AND {since(189)} AND "
    assert company.number(renders.format(21) + since(21)) < 2 * company.number(renders.format(147) + before(21))


def test_too_large_bodies_were_refused_on_every_day(company: EngineProcess) -> None:
    days = company.ask(
        "SELECT countIf(http_status = 413) / count() FROM edge.http_log WHERE account = 'ac_wickham' "
        "AND path_template = '/v1/merge' GROUP BY toDate(logged_at) HAVING count() >= 30"
    )
    assert len(days) >= 5
    assert all(isinstance(day[0], float) and 0.05 < day[0] < 0.5 for day in days), days


def test_the_nights_errors_are_over(company: EngineProcess) -> None:
    here = "pop = 'us-west' AND path_template = '/v1/documents/render'"
    assert 0.3 < share(company, "http_status = 500", f"{here} AND {since(22)} AND {before(15)}") < 0.6
    assert share(company, "http_status = 500", f"{here} AND {since(15)}") < 0.05
    assert share(company, "http_status = 500", f"{here} AND {before(22)}") < 0.02


def test_two_troubles_that_have_nothing_to_do_with_each_other(company: EngineProcess) -> None:
    theirs = "account = 'ac_halvorsen'"
    assert share(company, "http_status = 401", f"{theirs} AND key_prefix = 'vk_live_Qe8k' AND {since(5.5)}") == 1
    assert share(company, "http_status = 401", f"{theirs} AND key_prefix = 'vk_live_Hm3x'") == 0
    listing = f"{theirs} AND path_template = '/v1/templates' AND http_status != 401"
    assert 0.35 < share(company, "http_status = 500", f"{listing} AND {since(60)}") < 0.75
    assert share(company, "http_status = 500", f"{listing} AND {before(60)}") < 0.05
    assert share(company, "http_status = 500", f"{theirs} AND path_template != '/v1/templates'") < 0.02
    failing = f"http_status = 500 AND path_template = '/v1/templates' AND {since(60)}"
    assert company.number(f"SELECT uniqExact(account) FROM edge.http_log WHERE {failing}") >= 5


def test_a_scheduled_job_is_over_the_limit_at_every_hour_of_every_day(company: EngineProcess) -> None:
    minutes = (
        "SELECT toStartOfMinute(logged_at) AS minute, count() AS offered, countIf(http_status = 429) AS refused, "
        "max(limit_per_min) AS allowed FROM edge.http_log WHERE account = 'ac_pagewright' GROUP BY minute"
    )
    hours, peak, allowed, quiet, passed = company.ask(
        "SELECT uniqExactIf(toStartOfHour(minute), offered > 30), max(offered), max(allowed), "
        f"sumIf(refused, offered <= 20), max(offered - refused) FROM ({minutes})"
    )[0]
    assert (hours, allowed, quiet) == (168, 30, 0)
    assert isinstance(peak, int)
    assert isinstance(passed, int)
    assert peak > 40
    assert passed <= 30
    for span in (before(26), since(26)):
        assert 0.25 < share(company, "http_status = 429", f"account = 'ac_pagewright' AND {span}") < 0.45


def test_pages_that_lie_on_their_side(company: EngineProcess) -> None:
    scans = "account = 'ac_mesquite' AND path_template = '/v1/ocr'"
    assert 0.45 < share(company, "err_code = 'E_NO_TEXT'", f"{scans} AND {since(28)}") < 0.75
    assert share(company, "err_code = 'E_NO_TEXT'", f"{scans} AND {before(28)}") == 0
    assert company.number("SELECT uniqExact(account) FROM edge.http_log WHERE err_code = 'E_NO_TEXT'") == 1
    assert share(company, "err_code = 'E_PROVIDER'", "pop IN ('us-west', 'eu-central-2')") == 0


def test_an_expired_key_and_a_smaller_plan(company: EngineProcess) -> None:
    assert share(company, "err_code = 'E_KEY_EXPIRED'", f"account = 'ac_westering' AND {since(8)}") == 1
    assert share(company, "err_code = 'E_KEY_EXPIRED'", f"account != 'ac_westering' OR {before(8)}") == 0
    exports = "account = 'ac_marlowe' AND path_template = '/v1/exports'"
    assert share(company, "err_code = 'E_PLAN'", f"{exports} AND {since(48)}") == 1
    assert share(company, "http_status >= 400", f"{exports} AND {before(48)}") < 0.06
    limits = "SELECT groupUniqArray(limit_per_min) FROM edge.http_log WHERE account = 'ac_marlowe' AND "
    assert company.ask(limits + since(48)) == [[[300]]]
    assert company.ask(limits + before(48)) == [[[900]]]


def test_a_route_without_a_share_is_used_by_those_who_name_it(company: EngineProcess) -> None:
    found = company.ask("SELECT DISTINCT account FROM edge.http_log WHERE path_template = '/v1/exports' ORDER BY 1")
    assert found == [["ac_kestrel"], ["ac_lotusline"], ["ac_marlowe"], ["ac_millrace"]]


def test_who_complains_of_slowness_is_answered_as_ever(company: EngineProcess) -> None:
    theirs = "account = 'ac_quarterdeck'"
    assert 0.6 < p95(company, f"{theirs} AND {since(12)}") / p95(company, f"{theirs} AND {before(12)}") < 1.6
    assert share(company, "http_status >= 400", f"{theirs} AND {since(12)}") < 0.1
