"""What a truth requires is in the world: by id in the vendors' files, and as rows in the engine that plays the logs."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from evals.generate.make import Made
from evals.generate.stage import ROWS_PER_WEIGHT
from evals.generate.truth import TIMES_NOISE, Axis, Effect, Row, Signal, TicketTruth
from evals.generate.writer import write_world
from sandbox.world import CustomersFile, World, WorldFile
from sandbox.world_base import Part
from sandbox.world_billing import BillingFile
from sandbox.world_files import load_world
from sandbox.world_logs import LogsFile
from tests.evals.generate.made_worlds import published, small
from tests.sandbox.engine_process import NOW, EngineProcess, running


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("made") / "world"
    write_world(published(), folder)
    return load_world(folder)


def ids(world: World) -> dict[str, set[str]]:
    billing, pages = world.billing, [world.status.own, *world.status.upstream]
    return {
        "linear": {issue.id for issue in world.bugs.issues},
        "github": {str(one.id) for one in world.deployments.deployments},
        "stripe": {one.id for one in billing.invoices}
        | {one.id for one in billing.charges}
        | {one.id for one in billing.events},
        "docs": {page.path for page in world.docs},
        "statuspage": {incident.id for page in pages for incident in page.incidents} | {"own"},
    }


def test_the_published_size_is_valid(world: World) -> None:
    assert len(world.customers) >= 300
    assert len(world.tickets.tickets) == 240


def test_evidence_and_decoys_exist_by_id(world: World) -> None:
    known = ids(world)
    for key, truth in published().bench.tickets.items():
        for row in [*truth.required_evidence, *truth.decoys]:
            if row.source != "clickhouse" and not row.where:
                assert row.id in known[row.source], (key, row)


def test_a_source_that_is_down_is_not_required() -> None:
    for key, truth in published().bench.tickets.items():
        assert not {row.source for row in truth.required_evidence} & set(truth.sources_down), key


def test_a_writer_is_touched_by_nobody_elses_trouble(world: World) -> None:
    """On the routes that a writer uses, no other ticket's trouble of many runs in their region."""
    customers = {customer.id: customer for customer in world.customers}
    shares = {route.name: route.share for route in world.logs.baseline.routes}
    for key, truth in published().bench.tickets.items():
        if not truth.customer:
            continue
        who = customers[truth.customer]
        touching = [one for one in world.logs.episodes if one.match.regions == [who.region]]
        used = {route for route, share in {**shares, **who.routes}.items() if share}
        hit = [one for one in touching if not one.match.routes or used & set(one.match.routes)]
        own = [one for one in world.logs.episodes if who.id in one.match.customers]
        assert len(hit) <= 1, key
        assert not (hit and [one for one in own if truth.axis is not Axis.NOISE]), key


def test_sources_contradict_each_other_while_the_trouble_goes_on(world: World) -> None:
    own = {incident.id: incident for incident in world.status.own.incidents}
    issues = {issue.id: issue for issue in world.bugs.issues}
    plans = {customer.id: customer.plan for customer in world.customers}
    seen = set()
    for key, truth in published().bench.tickets.items():
        if truth.axis is not Axis.CONTRADICTION:
            continue
        seen.add(truth.cause)
        span = next(row for row in truth.required_evidence if row.source == "clickhouse")
        assert span.end == timedelta(0), key
        assert span.start is not None
        decoy = truth.decoys[0]
        if decoy.source == "statuspage":
            assert own[decoy.id].status == "resolved", key
            assert span.start < (own[decoy.id].resolved or timedelta(0)) < timedelta(0), key
        elif decoy.source == "linear":
            assert span.start < (issues[decoy.id].completed or timedelta(0)) < timedelta(0), key
        else:
            assert plans[truth.customer] == decoy.where["plan"], key
    assert len(seen) == 3


def test_clocks_are_off_where_the_truth_says_so(world: World) -> None:
    truths = [truth for truth in published().bench.tickets.values() if truth.axis is Axis.NOISE]
    assert {truth.clock_skew_minutes > 0 for truth in truths} == {True, False}
    assert all(20 <= abs(truth.clock_skew_minutes) <= 180 for truth in truths)
    noisy = [
        one
        for one in world.logs.episodes
        if one.start == timedelta(days=-7) and not one.match.routes and not one.match.keys
    ]
    assert {one.match.customers[0] for one in noisy} == {truth.customer for truth in truths}


def test_a_trap_is_a_customer_of_nearly_the_same_name(world: World) -> None:
    names = {customer.id: customer.name for customer in world.customers}
    traps = [truth for truth in published().bench.tickets.values() if truth.axis is Axis.TRAP]
    assert len(traps) >= 15
    for truth in traps:
        assert names[truth.forbidden_customers[0]][:3] == names[truth.customer][:3]


def test_what_an_injection_asks_for_is_in_its_channel_and_nowhere_else(world: World) -> None:
    texts = {
        "ticket": " ".join(ticket.body for ticket in world.tickets.tickets),
        "linear": " ".join(issue.description for issue in world.bugs.issues),
        "github": " ".join(commit.message for commit in world.deployments.commits),
        "docs": " ".join(page.body for page in world.docs),
    }
    channels = set()
    for truth in published().bench.tickets.values():
        for word in truth.forbidden_words:
            assert [name for name, text in texts.items() if word in text] == [truth.injection_channel]
            channels.add(truth.injection_channel)
    assert channels == set(texts)


def test_a_signal_is_visible_from_three_times_the_noise_on() -> None:
    strong = Signal(kind="share", size=0.5, hours=10).effect(per_hour=20)
    weak = Signal(kind="share", size=0.01, hours=10, base=0.009).effect(per_hour=20)
    assert strong.visible
    assert not weak.visible
    assert strong.rows == pytest.approx(20 * 10 * 0.3)
    slow, same = (Signal(kind="latency", size=size, hours=10).effect(per_hour=20) for size in (2.0, 1.05))
    assert slow.visible
    assert not same.visible
    assert not Effect(unit="x", size=0.5, noise=0.5 / TIMES_NOISE + 0.01, rows=100, affected=50).visible
    assert not Effect(unit="x", size=0.5, noise=0.01, rows=12, affected=6).visible


def test_a_trouble_of_many_counts_as_visible_only_if_others_show_it() -> None:
    fleet = {"deploy_regression", "known_bug", "own_incident", "regional_latency", "upstream_incident", "already_fixed"}
    for key, truth in published().bench.tickets.items():
        whose = [effect.whose for effect in truth.effects]
        assert ("others" in whose) == (bool({truth.cause, *truth.also} & fleet) and truth.cause != "nothing_wrong"), key


def test_solvable_follows_from_what_was_planted_alone() -> None:
    for key, truth in published().bench.tickets.items():
        blind = truth.axis is Axis.MISSING and truth.cause == "unknown"
        assert truth.solvable == (not blind and all(effect.visible for effect in truth.effects)), key


def count(company: EngineProcess, world: World, truth: TicketTruth, row: Row) -> float:
    table = world.tenant.tables[row.table]
    where = dict(row.where)
    if "customer" not in where:
        where["customer"] = truth.customer
    terms = [
        f"({table.columns[name]}) = {json.dumps(value).replace(chr(34), chr(39))}" for name, value in where.items()
    ]
    for sign, offset in ((">=", row.start), ("<", row.end)):
        moment = NOW + (offset if offset is not None else timedelta(0))
        if offset is not None:
            terms.append(f"{table.columns['ts']} {sign} toDateTime('{moment:%Y-%m-%d %H:%M:%S}', 'UTC')")
    return company.number(f"SELECT count() FROM {table.table} WHERE {' AND '.join(terms)}")


def only_writers(made: Made) -> Made:
    """Return the world without those who write nothing: a customer's own rows are the same ones, and fewer have to be made."""
    truths = made.bench.tickets.values()
    named = {truth.customer for truth in truths} | {one for truth in truths for one in truth.forbidden_customers}
    about, customers, logs, billing = (made.files[f"{name}.yaml"] for name in ("world", "customers", "logs", "billing"))
    assert isinstance(about, WorldFile)
    assert isinstance(customers, CustomersFile)
    assert isinstance(logs, LogsFile)
    assert isinstance(billing, BillingFile)
    kept = [customer for customer in customers.customers if customer.id in named]
    rows = round(sum(customer.weight for customer in kept) * ROWS_PER_WEIGHT)
    usage = [one for one in logs.usage if one.customer in named]
    files: dict[str, Part] = {
        "world.yaml": about.model_copy(update={"rows": rows}),
        "customers.yaml": CustomersFile(customers=kept),
        "logs.yaml": logs.model_copy(update={"usage": usage}),
        "billing.yaml": BillingFile(meters=billing.meters, prices=billing.prices),
    }
    return Made(made.files | files, made.pages, made.bench)


def test_the_rows_of_every_solvable_ticket_are_in_the_log(tmp_path: Path) -> None:
    made = only_writers(small(4))
    write_world(made, tmp_path / "world")
    world = load_world(tmp_path / "world")
    checked = 0
    with running(tmp_path, tmp_path / "world", world.about.rows) as company:
        for key, truth in made.bench.tickets.items():
            for row in truth.required_evidence if truth.solvable else []:
                if row.table:
                    assert count(company, world, truth, row) >= 3, (key, row)
                    checked += 1
    assert checked >= 8
