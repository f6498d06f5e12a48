"""Writes a world's logs as SQL: the engine itself generates the rows, the same ones for the same seed and "now"."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.world import Customer, World
from sandbox.world_logs import Burst, Episode, Response, Table

_QUANTILES = 512
_SLOT = 900
"""Seconds: the grain of the day's rhythm."""
_QUICK = (401, 402, 403, 429)
"""Statuses that the edge answers by itself, in milliseconds."""


def logs_sql(world: World, now: datetime, rows: int | None = None) -> Iterator[str]:
    """Yield the statements that make and fill the company's tables, to be run in order.

    Args:
        world: A valid world.
        now: What every offset counts from.
        rows: Rows of baseline traffic; the world's own number by default. Bursts, webhook attempts and usage do not scale.
    """
    tables = {table.kind: table for table in world.logs.tables}
    for database in sorted({table.name.partition(".")[0] for table in world.logs.tables}):
        yield f"CREATE DATABASE IF NOT EXISTS {database}"
    for table in world.logs.tables:
        columns = ", ".join(f"{column.name} {column.type}" for column in table.columns)
        yield f"CREATE TABLE {table.name} ({columns}) ENGINE = MergeTree ORDER BY ({', '.join(table.order_by)})"
    yield _insert(tables["accounts"], _accounts(world, now))
    if world.logs.usage:
        yield _insert(tables["usage"], _usage(world, now))
    if any(customer.endpoints for customer in world.customers):
        yield _insert(tables["webhook_attempts"], _webhooks(world, now))
    scale = (rows or world.about.rows) / sum(customer.weight for customer in world.customers)
    for customer in world.customers:
        traffic = _Traffic(world, customer, now)
        yield _insert(tables["requests"], traffic.baseline(scale * customer.weight))
        for burst in world.logs.bursts:
            if burst.customer == customer.id:
                yield _insert(tables["requests"], traffic.burst(burst))


def _insert(table: Table, source: str) -> str:
    names = ", ".join(column.name for column in table.columns)
    values = ", ".join(column.value for column in table.columns)
    return f"INSERT INTO {table.name} ({names}) SELECT {values} FROM ({source})"


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _millis(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _moment(now: datetime, offset: timedelta) -> str:
    return f"fromUnixTimestamp64Milli({_millis(now + offset)}, 'UTC')"


def _pick(unit: str, weighted: Sequence[tuple[str, float]]) -> str:
    """Choose one of several SQL values by a number in [0, 1); what weighs nothing is never chosen."""
    weighted = [(value, weight) for value, weight in weighted if weight]
    whole = sum(weight for _, weight in weighted)
    bounds, reached = [], 0.0
    for value, weight in weighted[:-1]:
        reached += weight / whole
        bounds.append(f"{unit} < {reached:.9f}, {value}")
    last = weighted[-1][0]
    return f"multiIf({', '.join(bounds)}, {last})" if bounds else last


def _unit(salt: str) -> str:
    """A number in [0, 1) of the row, another one for each salt."""
    return f"cityHash64(h, {_text(salt)}) / 18446744073709551616.0"


_NORMAL = f"sqrt(-2 * log(greatest({_unit('radius')}, 1e-12))) * cos(2 * pi() * {_unit('angle')})"
"""A normally distributed number of the row."""


def quantiles(start: datetime, end: datetime, peak_hour: int, rhythm: float, weekend: float) -> list[int]:
    """Return where requests fall in a span with a daily rhythm: milliseconds from its start at equal steps of probability."""
    length = (end - start).total_seconds()
    edges, mass = [0.0], [0.0]
    while edges[-1] < length:
        width = min(_SLOT, length - edges[-1])
        middle = start + timedelta(seconds=edges[-1] + width / 2)
        hour = middle.hour + middle.minute / 60
        density = 1 + rhythm * math.cos((hour - peak_hour) * math.pi / 12)
        edges.append(edges[-1] + width)
        mass.append(mass[-1] + width * max(density, 0.05) * (weekend if middle.weekday() >= 5 else 1.0))
    found, slot = [], 0
    for step in range(_QUANTILES + 1):
        wanted = mass[-1] * step / _QUANTILES
        while slot < len(mass) - 2 and mass[slot + 1] < wanted:
            slot += 1
        part = (wanted - mass[slot]) / (mass[slot + 1] - mass[slot])
        found.append(round((edges[slot] + part * (edges[slot + 1] - edges[slot])) * 1000))
    return found


@dataclass(frozen=True)
class _Answers:
    """Numbered answers: 0 is success, then whatever episodes and the baseline may give instead."""

    choices: list[str]
    """`condition, number` pairs for a multiIf, first match wins."""
    found: list[Response]

    def number(self, forced: str = "") -> str:
        pairs = [*([forced] if forced else []), *self.choices]
        return f"multiIf({', '.join(pairs)}, 0)" if pairs else "0"


class _Traffic:
    """The requests of one customer."""

    def __init__(self, world: World, customer: Customer, now: datetime) -> None:
        self.world = world
        self.customer = customer
        self.now = now
        self.start = max(now - timedelta(days=world.about.days), now + customer.created)
        self.region = next(region for region in world.about.regions if region.name == customer.region)
        self.plan = world.plan(customer.plan)
        self.episodes = [episode for episode in world.logs.episodes if self._touched(episode)]
        self.routes = world.logs.baseline.routes

    def _touched(self, episode: Episode) -> bool:
        match, customer = episode.match, self.customer
        keys = {key.id for key in customer.keys}
        return (
            (not match.customers or customer.id in match.customers)
            and customer.id not in match.not_customers
            and (not match.plans or customer.plan in match.plans)
            and (not match.regions or customer.region in match.regions)
            and (not match.keys or not keys.isdisjoint(match.keys))
        )

    def baseline(self, rows: float) -> str:
        """Rows over the whole span, following the day's rhythm."""
        span = self.now - self.start
        count = max(1, round(rows * (span / timedelta(days=self.world.about.days))))
        shape = self.world.logs.baseline
        table = quantiles(self.start, self.now, self.region.peak_hour, shape.rhythm, shape.weekend)
        weights = [(str(n), self.customer.routes.get(r.name, r.share)) for n, r in enumerate(self.routes, start=1)]
        keys = [(_text(key.id), key.share) for key in self.customer.keys]
        source = (
            f"SELECT cityHash64({self.world.about.seed}, {_text(self.customer.id)}, number) AS h, "
            f"(number + {_unit('time')}) * {_QUANTILES} / {count} AS place, "
            f"toUInt32(least(floor(place), {_QUANTILES - 1})) AS slot, {table} AS marks, "
            f"toInt64({_millis(self.start)} + marks[slot + 1] + "
            "(place - slot) * (toInt64(marks[slot + 2]) - toInt64(marks[slot + 1]))) AS at_ms, "
            f"{_pick(_unit('route'), weights)} AS route_no, {_pick(_unit('key'), keys)} AS key "
            f"FROM numbers({count})"
        )
        return self._rows(source, self._answers(), "")

    def burst(self, burst: Burst) -> str:
        """Rows of one burst, spread evenly over each clock minute, the accepted ones first."""
        begin, end = _millis(self.now + burst.start) // 60_000 * 60_000, _millis(self.now + burst.end)
        every = end - begin if burst.every is None else round(burst.every.total_seconds() * 1000)
        lasts = every if burst.lasts is None else round(burst.lasts.total_seconds() * 1000)
        times = max(1, 1 + (end - begin - lasts) // every)
        one = max(1, lasts // 60_000) * burst.per_minute
        route_no = 1 + [route.name for route in self.routes].index(burst.route)
        per = burst.per_minute
        source = (
            f"SELECT cityHash64({self.world.about.seed}, {_text(burst.name)}, number) AS h, number % {per} AS turn, "
            f"toInt64({begin} + intDiv(number, {one}) * {every} + intDiv(number % {one}, {per}) * 60000 "
            f"+ (turn + 0.8 * {_unit('time')}) * 60000 / {per}) AS at_ms, "
            f"{route_no} AS route_no, {_text(burst.key or self.customer.keys[0].id)} AS key "
            f"FROM numbers({times * one})"
        )
        answers = self._answers()
        forced = ""
        if burst.refused is not None and burst.accepted is not None:
            answers.found.append(burst.refused)
            forced = f"turn >= {burst.accepted}, {len(answers.found)}"
        return self._rows(source, answers, forced)

    def _answers(self) -> _Answers:
        answers = _Answers([], [])
        for episode in reversed(self.episodes):
            self._choose(answers, self._condition(episode), f"episode {episode.name}", episode.responses)
        self._choose(answers, "1", "baseline", self.world.logs.baseline.errors)
        return answers

    def _choose(self, answers: _Answers, condition: str, salt: str, responses: Sequence[Response]) -> None:
        reached = 0.0
        for response in responses:
            reached += response.share
            answers.found.append(response)
            answers.choices.append(f"({condition}) AND {_unit(salt)} < {reached:.9f}, {len(answers.found)}")

    def _condition(self, episode: Episode) -> str:
        start, end = (_millis(self.now + offset) for offset in (episode.start, episode.end))
        terms = [f"at_ms >= {start}", f"at_ms < {end}"]
        for column, values in (
            ("routes[route_no]", episode.match.routes),
            ("key", episode.match.keys),
            ("version", episode.match.versions),
        ):
            if values:
                terms.append(f"{column} IN ({', '.join(map(_text, values))})")
        return " AND ".join(terms)

    def _version(self) -> str:
        choices = []
        for version in reversed(self.world.logs.baseline.versions):
            if not version.regions or self.customer.region in version.regions:
                start = _millis(self.now + version.start)
                choices.append(f"at_ms >= {start} AND {_unit(version.name)} < {version.share}, {_text(version.name)}")
        oldest = self.world.logs.baseline.versions[0].name
        return f"multiIf({', '.join(choices)}, {_text(oldest)})"

    def _rows(self, source: str, answers: _Answers, forced: str) -> str:
        """Turn a source of (h, at_ms, route_no, key) into rows with every field of docs/worlds.md."""
        routes = self.routes
        names = f"[{', '.join(_text(route.name) for route in routes)}]"
        limits = [
            f"{self._condition(episode)}, {episode.rate_limit}"
            for episode in reversed(self.episodes)
            if episode.rate_limit is not None
        ]
        limit = f"multiIf({', '.join(limits)}, {self.plan.rate_limit})" if limits else str(self.plan.rate_limit)
        slow = [
            f"if({self._condition(episode)}, {episode.latency_factor}, 1)"
            for episode in self.episodes
            if episode.latency_factor != 1
        ]
        statuses = f"[{', '.join(str(response.status) for response in answers.found) or '0'}]"
        errors = f"[{', '.join(_text(response.error) for response in answers.found)}]" if answers.found else "['']"
        with_version = f"SELECT *, {names} AS routes, {self._version()} AS version FROM ({source})"
        answered = f"SELECT *, {answers.number(forced)} AS answer FROM ({with_version})"
        return (
            f"SELECT fromUnixTimestamp64Milli(at_ms, 'UTC') AS ts, {_text(self.customer.id)} AS customer, "
            f"concat('req_', lower(hex(h))) AS request_id, "
            f"[{', '.join(_text(route.method) for route in routes)}][route_no] AS method, routes[route_no] AS route, "
            f"if(answer = 0, [{', '.join(str(route.status) for route in routes)}][route_no], {statuses}[answer]) AS status, "
            f"if(answer = 0, '', {errors}[answer]) AS error, "
            f"if(status IN {_QUICK}, 2 + 6 * {_unit('quick')}, "
            f"[{', '.join(str(route.latency_ms) for route in routes)}][route_no] * "
            f"exp([{', '.join(str(route.spread) for route in routes)}][route_no] * {_NORMAL})"
            f"{''.join(' * ' + factor for factor in slow)}) AS duration_ms, "
            f"{_text(self.customer.region)} AS region, version, key, {limit} AS rate_limit, "
            f"{_text(self.customer.plan)} AS plan FROM ({answered})"
        )


def _webhooks(world: World, now: datetime) -> str:
    """Attempts to every endpoint, evenly spread; the same number at any scale of the requests."""
    endpoints = []
    for customer in world.customers:
        start = max(now - timedelta(days=world.about.days), now + customer.created)
        for endpoint in customer.endpoints:
            count = max(1, round(endpoint.per_hour * ((now - start) / timedelta(hours=1))))
            words = ", ".join(map(_text, (customer.id, endpoint.id, endpoint.host)))
            events = ", ".join(map(_text, endpoint.events))
            endpoints.append(f"({words}, [{events}], {_millis(start)}, {count})")
    baseline = world.logs.baseline
    found, choices, slow = [(200, "")], [], []
    for episode in reversed(world.logs.webhooks):
        begin, end = (_millis(now + offset) for offset in (episode.start, episode.end))
        named = f" AND endpoint IN ({', '.join(map(_text, episode.endpoints))})" if episode.endpoints else ""
        condition = f"at_ms >= {begin} AND at_ms < {end}{named}"
        found.append((episode.status, episode.error))
        choices.append(f"{condition} AND {_unit('episode ' + episode.name)} < {episode.share}, {len(found)}")
        slow.append(f" * if({condition}, {episode.latency_factor}, 1)")
    reached = 0.0
    for response in baseline.webhook_errors:
        reached += response.share
        found.append((response.status, response.error))
        choices.append(f"{_unit('baseline')} < {reached}, {len(found)}")
    answer = f"multiIf({', '.join(choices)}, 1)" if choices else "1"
    source = (
        f"SELECT *, cityHash64({world.about.seed}, endpoint, number) AS h, "
        f"toInt64(start_ms + (number + {_unit('time')}) * ({_millis(now)} - start_ms) / attempts) AS at_ms "
        "FROM values('customer String, endpoint String, host String, events Array(String), start_ms Int64, "
        f"attempts UInt32', {', '.join(endpoints)}) ARRAY JOIN range(attempts) AS number"
    )
    return (
        "SELECT fromUnixTimestamp64Milli(at_ms, 'UTC') AS ts, customer, concat('whd_', lower(hex(h))) AS delivery_id, "
        f"endpoint, host, events[1 + toUInt32(floor({_unit('event')} * length(events)))] AS event, "
        f"[{', '.join(str(status) for status, _ in found)}][answer] AS status, "
        f"[{', '.join(_text(error) for _, error in found)}][answer] AS error, "
        f"{baseline.webhook_latency_ms} * exp(0.5 * {_NORMAL}){''.join(slow)} AS duration_ms "
        f"FROM (SELECT *, {answer} AS answer FROM ({source}))"
    )


def _usage(world: World, now: datetime) -> str:
    """Spread each stated quantity over its hours by a running sum, so that the hours add up to exactly that quantity."""
    peaks = {region.name: region.peak_hour for region in world.about.regions}
    stated = []
    for usage in world.logs.usage:
        start = now + usage.start
        hours = math.ceil((usage.end - usage.start) / timedelta(hours=1))
        phase = start.hour + start.minute / 60 - peaks[world.customer(usage.customer).region]
        for route, quantity in usage.routes.items():
            words = ", ".join(map(_text, (usage.customer, usage.meter, route)))
            stated.append(f"({words}, {quantity}, {_millis(start)}, {hours}, {phase})")
    swing = 0.6 * 12 / math.pi
    running = f"({{0}} + {swing} * (sin(({{0}} + phase) * pi() / 12) - sin(phase * pi() / 12)))"
    reached = f"toUInt64(floor(stated * ({running.format('{0}')} / {running.format('hours')})))"
    return (
        "SELECT fromUnixTimestamp64Milli(start_ms + hour * 3600000, 'UTC') AS ts, customer, meter, route, "
        f"{reached.format('(hour + 1)')} - {reached.format('hour')} AS quantity "
        "FROM values('customer String, meter String, route String, stated UInt64, start_ms Int64, hours UInt32, "
        f"phase Float64', {', '.join(stated)}) ARRAY JOIN range(hours) AS hour WHERE quantity > 0"
    )


def _accounts(world: World, now: datetime) -> str:
    rows = []
    for customer in world.customers:
        plan = world.plan(customer.plan)
        words = ", ".join(map(_text, (customer.id, customer.name, customer.domain, customer.plan, customer.region)))
        rows.append(f"({words}, {plan.rate_limit}, {plan.monthly_quota}, {_millis(now + customer.created)})")
    return (
        "SELECT customer, name, domain, plan, region, rate_limit, monthly_quota, "
        "fromUnixTimestamp64Milli(created_ms, 'UTC') AS created FROM values('customer String, name String, domain String, "
        f"plan String, region String, rate_limit UInt32, monthly_quota UInt64, created_ms Int64', {', '.join(rows)})"
    )
