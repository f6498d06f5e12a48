"""What must hold between the files of a world: references, sums, time ranges."""

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import timedelta

from sandbox.world import World
from sandbox.world_base import format_offset
from sandbox.world_logs import Burst, Episode
from sandbox.world_money import check_money
from sandbox.world_references import Location, Problem, all_known, span, unknown

CAUSES = frozenset(
    {
        "already_fixed",
        "billing_double_count",
        "billing_proration_or_tax_expected",
        "client_misuse_or_bad_request",
        "customer_traffic_spike",
        "deploy_regression",
        "documented_limitation",
        "duplicate_of_open_incident",
        "key_revoked_or_expired",
        "known_bug",
        "nothing_wrong",
        "own_incident",
        "payment_failed",
        "permission_or_scope",
        "plan_downgrade",
        "quota_exhausted",
        "rate_limit_plan",
        "regional_latency",
        "third_party_network",
        "too_vague",
        "two_causes",
        "unknown",
        "upstream_incident",
        "webhook_endpoint_slow_or_down",
        "webhook_endpoint_tls",
        "webhook_secret_rotated",
    }
)
"""The cause classes that a truth may name."""


def check_world(world: World) -> list[Problem]:
    """Return every problem between the files; the files themselves have the right shape already."""
    checks = (_unique, _customers, _traffic, _logs, check_money, _deployments, _bugs, _status, _tickets, _tenant)
    return [problem for check in checks for problem in check(world)]


def _unique(world: World) -> Iterator[Problem]:
    billing, deployments = world.billing, world.deployments
    lists: list[tuple[str, str, list[str]]] = [
        ("world.yaml", "plans", [plan.name for plan in world.about.plans]),
        ("world.yaml", "regions", [region.name for region in world.about.regions]),
        ("customers.yaml", "customers", [customer.id for customer in world.customers]),
        ("logs.yaml", "tables", [table.kind for table in world.logs.tables]),
        ("logs.yaml", "episodes", [episode.name for episode in world.logs.episodes]),
        ("bugs.yaml", "issues", [issue.id for issue in world.bugs.issues]),
        ("billing.yaml", "prices", [price.id for price in billing.prices]),
        ("billing.yaml", "customers", [customer.id for customer in billing.customers]),
        ("billing.yaml", "subscriptions", [subscription.id for subscription in billing.subscriptions]),
        ("billing.yaml", "invoices", [invoice.id for invoice in billing.invoices]),
        ("billing.yaml", "charges", [charge.id for charge in billing.charges]),
        ("billing.yaml", "events", [event.id for event in billing.events]),
        ("deployments.yaml", "commits", [commit.sha for commit in deployments.commits]),
        ("deployments.yaml", "deployments", [str(deployment.id) for deployment in deployments.deployments]),
        ("tickets.yaml", "tickets", [ticket.key for ticket in world.tickets.tickets]),
        ("tickets.yaml", "tickets", [str(ticket.id) for ticket in world.tickets.tickets]),
    ]
    for file, name, ids in lists:
        for index, id in enumerate(ids):
            if ids.index(id) < index:
                yield file, (name, index), f"{id!r} is there twice: give each its own"
    keys = Counter(key.id for customer in world.customers for key in customer.keys)
    for index, customer in enumerate(world.customers):
        for position, key in enumerate(customer.keys):
            if keys[key.id] > 1:
                yield "customers.yaml", ("customers", index, "keys", position), f"key {key.id!r} is there twice"


def _customers(world: World) -> Iterator[Problem]:
    plans = {plan.name for plan in world.about.plans}
    regions = {region.name for region in world.about.regions}
    routes = {route.name for route in world.logs.baseline.routes}
    for index, customer in enumerate(world.customers):
        at: Location = ("customers", index)
        yield from unknown("customers.yaml", (*at, "plan"), "plan", customer.plan, plans, "world.yaml")
        yield from unknown("customers.yaml", (*at, "region"), "region", customer.region, regions, "world.yaml")
        for route in customer.routes:
            yield from unknown("customers.yaml", (*at, "routes", route), "route", route, routes, "logs.yaml")
        if not sum(key.share for key in customer.keys):
            yield "customers.yaml", (*at, "keys"), "no key has a share of the traffic: give one a share above 0"
        shares = (customer.routes.get(route.name, route.share) for route in world.logs.baseline.routes)
        if not any(share > 0 for share in shares):
            yield "customers.yaml", (*at, "routes"), "no route has a share of the traffic: give one a share above 0"


def _traffic(world: World) -> Iterator[Problem]:
    """Ordinary traffic must stay well below the limit that a plan sells, or healthy customers look throttled."""
    limits = {plan.name: plan.rate_limit for plan in world.about.plans}
    scale = world.about.rows / sum(customer.weight for customer in world.customers) / (world.about.days * 24 * 60)
    for index, customer in enumerate(world.customers):
        limit, rate = limits.get(customer.plan, 0), customer.weight * scale
        if limit and rate > limit / 4:
            message = f"means {rate:.0f} requests a minute of a limit of {limit}: lower it, or `rows` in world.yaml"
            yield "customers.yaml", ("customers", index, "weight"), message


def _logs(world: World) -> Iterator[Problem]:
    first = timedelta(days=-world.about.days)
    kinds = {table.kind for table in world.logs.tables}
    for kind in sorted({"requests", "webhook_attempts", "usage", "accounts"} - kinds):
        yield "logs.yaml", ("tables",), f"no table of kind {kind}: add one, the company must keep these rows somewhere"
    for index, table in enumerate(world.logs.tables):
        columns = [column.name for column in table.columns]
        at: Location = ("tables", index, "order_by")
        yield from all_known("logs.yaml", at, "column", table.order_by, columns, "this table's columns")
    if world.logs.baseline.versions[0].start > first:
        yield (
            "logs.yaml",
            ("baseline", "versions", 0, "start"),
            f"the logs start at {format_offset(first)}, before this first version: start it there or earlier",
        )
    regions = {region.name for region in world.about.regions}
    for index, version in enumerate(world.logs.baseline.versions):
        where: Location = ("baseline", "versions", index, "regions")
        yield from all_known("logs.yaml", where, "region", version.regions, regions, "world.yaml")
    spans = [
        *((("episodes", index), episode.start, episode.end) for index, episode in enumerate(world.logs.episodes)),
        *((("bursts", index), burst.start, burst.end) for index, burst in enumerate(world.logs.bursts)),
        *((("webhooks", index), episode.start, episode.end) for index, episode in enumerate(world.logs.webhooks)),
    ]
    for at, start, end in spans:
        yield from span(at, start, end)
        if start < first or end > timedelta(0):
            yield (
                "logs.yaml",
                (*at, "start" if start < first else "end"),
                f"outside the logs, which go from {format_offset(first)} to +0m: move it inside or raise `days`",
            )
    for index, episode in enumerate(world.logs.episodes):
        yield from _episode(world, ("episodes", index), episode)
    yield from _bursts(world)
    endpoints = {endpoint.id for customer in world.customers for endpoint in customer.endpoints}
    for index, hook in enumerate(world.logs.webhooks):
        at = ("webhooks", index, "endpoints")
        yield from all_known("logs.yaml", at, "endpoint", hook.endpoints, endpoints, "customers.yaml")


def _episode(world: World, at: Location, episode: Episode) -> Iterator[Problem]:
    customers = {customer.id for customer in world.customers}
    known: list[tuple[str, str, list[str], Collection[str], str]] = [
        ("customers", "customer", episode.match.customers, customers, "customers.yaml"),
        ("not_customers", "customer", episode.match.not_customers, customers, "customers.yaml"),
        ("plans", "plan", episode.match.plans, {plan.name for plan in world.about.plans}, "world.yaml"),
        ("regions", "region", episode.match.regions, {region.name for region in world.about.regions}, "world.yaml"),
        ("routes", "route", episode.match.routes, {r.name for r in world.logs.baseline.routes}, "logs.yaml"),
        ("versions", "version", episode.match.versions, {v.name for v in world.logs.baseline.versions}, "logs.yaml"),
        ("keys", "key", episode.match.keys, {k.id for c in world.customers for k in c.keys}, "customers.yaml"),
    ]
    for field, what, values, names, home in known:
        yield from all_known("logs.yaml", (*at, "match", field), what, values, names, home)
    if sum(response.share for response in episode.responses) > 1 + 1e-9:
        yield "logs.yaml", (*at, "responses"), "the shares add up to more than 1: lower them"


def _bursts(world: World) -> Iterator[Problem]:
    routes = {route.name for route in world.logs.baseline.routes}
    keys = {customer.id: {key.id for key in customer.keys} for customer in world.customers}
    for index, burst in enumerate(world.logs.bursts):
        at: Location = ("bursts", index)
        yield from unknown("logs.yaml", (*at, "customer"), "customer", burst.customer, keys, "customers.yaml")
        yield from unknown("logs.yaml", (*at, "route"), "route", burst.route, routes, "baseline.routes")
        if burst.key and burst.customer in keys:
            home = "the customer's keys"
            yield from unknown("logs.yaml", (*at, "key"), "key", burst.key, keys[burst.customer], home)
        if burst.accepted is not None and burst.refused is None:
            yield "logs.yaml", at, "`accepted` is given: say in `refused` what the other requests get"
        yield from _repeated(at, burst)


def _repeated(at: Location, burst: Burst) -> Iterator[Problem]:
    if (burst.every is None) != (burst.lasts is None):
        yield "logs.yaml", at, "`every` and `lasts` belong together: give both, or neither for a burst that comes once"
    elif burst.every is not None and burst.lasts is not None:
        minute = timedelta(minutes=1)
        if not minute <= burst.lasts < burst.every or burst.lasts % minute or burst.every % minute:
            yield (
                "logs.yaml",
                (*at, "lasts"),
                "a time comes whole minutes long and ends before the next: make it shorter",
            )
        elif burst.end - burst.start < burst.every:
            yield (
                "logs.yaml",
                (*at, "every"),
                "longer than the whole span: shorten it, or leave it out for a burst that comes once",
            )


def _deployments(world: World) -> Iterator[Problem]:
    files = world.deployments
    repositories = {repository.name for repository in files.repositories}
    home = "deployments.yaml's repositories"
    yield from all_known("world.yaml", ("repositories",), "repository", world.about.repositories, repositories, home)
    commits = {(commit.repository, commit.sha) for commit in files.commits}
    lists: list[tuple[str, str, list[tuple[str, str]]]] = [
        ("pulls", "merge_sha", [(pull.repository, pull.merge_sha) for pull in files.pulls]),
        ("deployments", "sha", [(deployment.repository, deployment.sha) for deployment in files.deployments]),
        ("releases", "sha", [(release.repository, release.sha) for release in files.releases]),
    ]
    for name, field, values in lists:
        for index, (repository, sha) in enumerate(values):
            at: Location = (name, index)
            where: Location = (*at, "repository")
            yield from unknown("deployments.yaml", where, "repository", repository, repositories, "repositories")
            if repository in repositories and (repository, sha) not in commits:
                message = f"{sha[:10]} is no commit of {repository}: add it to commits"
                yield "deployments.yaml", (*at, field), message
    for index, commit in enumerate(files.commits):
        where = ("commits", index, "repository")
        yield from unknown("deployments.yaml", where, "repository", commit.repository, repositories, "repositories")


def _bugs(world: World) -> Iterator[Problem]:
    teams = {team.key for team in world.bugs.teams}
    ids = {issue.id for issue in world.bugs.issues}
    for index, issue in enumerate(world.bugs.issues):
        at: Location = ("issues", index)
        yield from unknown("bugs.yaml", (*at, "id"), "team", issue.team, teams, "teams")
        for position, relation in enumerate(issue.relations):
            where: Location = (*at, "relations", position, "issue")
            yield from unknown("bugs.yaml", where, "issue", relation.issue, ids, "issues")
        if (issue.state_type == "completed") != (issue.completed is not None):
            yield "bugs.yaml", (*at, "completed"), "a completed issue, and only that, has a time of completion"


def _status(world: World) -> Iterator[Problem]:
    pages: list[tuple[Location, str]] = [(("own", "name"), world.about.status_page)]
    if world.status.own.name != world.about.status_page:
        yield (
            "status.yaml",
            pages[0][0],
            f"world.yaml calls the company's page {world.about.status_page!r}: use one name",
        )
    names = [page.name for page in world.status.upstream]
    where: Location = ("upstream_pages",)
    yield from all_known("world.yaml", where, "page", world.about.upstream_pages, names, "status.yaml")
    roots: list[Location] = [("own",), *(("upstream", index) for index in range(len(world.status.upstream)))]
    for root, page in zip(roots, [world.status.own, *world.status.upstream], strict=True):
        components = {component.id for component in page.components}
        for index, incident in enumerate(page.incidents):
            at: Location = (*root, "incidents", index)
            home = "this page"
            yield from all_known("status.yaml", (*at, "components"), "component", incident.components, components, home)
            if (incident.status in ("resolved", "postmortem")) != (incident.resolved is not None):
                yield "status.yaml", at, "a resolved incident, and only that, has a time of `resolved`: mend one"
        for index, maintenance in enumerate(page.maintenances):
            at = (*root, "maintenances", index, "components")
            yield from all_known("status.yaml", at, "component", maintenance.components, components, "this page")


def _tickets(world: World) -> Iterator[Problem]:
    customers = {customer.id for customer in world.customers}
    keys = {ticket.key for ticket in world.tickets.tickets}
    for index, ticket in enumerate(world.tickets.tickets):
        at: Location = ("tickets", index)
        if ticket.key not in world.truth.tickets:
            yield "tickets.yaml", (*at, "key"), f"no truth for {ticket.key!r}: add it to truth.yaml"
        if ticket.organization:
            where: Location = (*at, "organization")
            yield from unknown("tickets.yaml", where, "customer", ticket.organization, customers, "customers.yaml")
        for name in ticket.fields:
            yield from unknown("tickets.yaml", (*at, "fields", name), "field", name, world.tickets.fields, "fields")
        if ticket.created > timedelta(0):
            yield "tickets.yaml", (*at, "created"), "a ticket cannot come from the future: use a time before now"
    for key, truth in world.truth.tickets.items():
        at = ("tickets", key)
        yield from unknown("truth.yaml", at, "ticket", key, keys, "tickets.yaml")
        for field, causes in (("cause", [truth.cause]), ("also", truth.also), ("not_causes", truth.not_causes)):
            for cause in causes:
                yield from unknown("truth.yaml", (*at, field), "cause class", cause, CAUSES, "docs/worlds.md")
        if truth.customer:
            yield from unknown("truth.yaml", (*at, "customer"), "customer", truth.customer, customers, "customers.yaml")


def _tenant(world: World) -> Iterator[Problem]:
    tables = {table.name for table in world.logs.tables}
    for logical, table in world.tenant.tables.items():
        at: Location = ("tables", logical, "table")
        yield from unknown("tenant.yaml", at, "table", table.table, tables, "logs.yaml")
    where: Location = ("repositories",)
    repositories = {repository.name for repository in world.deployments.repositories}
    home = "deployments.yaml"
    yield from all_known("tenant.yaml", where, "repository", world.tenant.repositories, repositories, home)
    if world.tenant.customer_field:
        at = ("customer_field",)
        yield from unknown(
            "tenant.yaml", at, "field", world.tenant.customer_field, world.tickets.fields, "tickets.yaml"
        )
    if world.tenant.team:
        teams = {team.key for team in world.bugs.teams}
        yield from unknown("tenant.yaml", ("team",), "team", world.tenant.team, teams, "bugs.yaml")
