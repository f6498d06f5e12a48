"""A world of two customers, small enough to know by heart."""

from sandbox.world import World
from tests.sandbox.small_billing import BILLING

SHAS = [f"{number:040x}" for number in range(0xA0, 0xC8)]
DEPLOYED = SHAS[30]
MERGED = SHAS[29]
ABOUT = {
    "name": "small",
    "company": "Small Co",
    "domain": "small.example",
    "summary": "Sends letters.",
    "repositories": ["small/api", "small/web"],
    "status_page": "Small Co",
    "upstream_pages": ["Cloudy"],
    "plans": [{"name": "team", "rate_limit": 600, "monthly_quota": 100_000}],
    "regions": [{"name": "eu"}],
}
CUSTOMERS = [
    {
        "id": "acc_1",
        "name": "Acme",
        "domain": "acme.example",
        "plan": "team",
        "region": "eu",
        "created": "-300d",
        "keys": [{"id": "key_1"}],
        "organization": {"id": 31, "name": "Acme Ltd", "domains": ["acme.example"], "external_id": "acc_1"},
    },
    {
        "id": "acc_2",
        "name": "Bolt",
        "domain": "bolt.example",
        "plan": "team",
        "region": "eu",
        "created": "-200d",
        "keys": [{"id": "key_2"}],
    },
]
LOGS = {
    "tables": [
        {
            "kind": "requests",
            "name": "logs.requests",
            "columns": [{"name": "ts", "type": "DateTime", "value": "ts"}],
            "order_by": ["ts"],
        }
    ],
    "baseline": {
        "routes": [{"name": "/letters", "method": "POST", "share": 1, "latency_ms": 50}],
        "versions": [{"name": "v1", "start": "-30d"}],
    },
    "usage": [
        {"customer": "acc_1", "meter": "letters", "start": "-40d", "end": "-10d", "routes": {"/letters": 1_000}},
        {"customer": "acc_1", "meter": "letters", "start": "-10d", "end": "+0m", "routes": {"/letters": 300}},
    ],
}
BUGS = {
    "teams": [{"key": "ENG", "name": "Engineering"}],
    "issues": [
        {
            "id": "ENG-7",
            "title": "Letters API answers 502 in Europe",
            "description": "Since the last deployment the letters endpoint times out upstream.",
            "state": "In Progress",
            "state_type": "started",
            "priority": 1,
            "labels": ["bug", "incident"],
            "assignee": "Ada Engineer",
            "created": "-3h",
            "updated": "-20m",
            "attachments": [{"title": "Fix pool size", "url": "https://github.example.com/small/api/pull/12"}],
            "comments": [{"author": "Ada Engineer", "body": "The connection pool is exhausted.", "created": "-1h"}],
            "relations": [{"type": "related", "issue": "ENG-3"}],
        },
        {
            "id": "ENG-3",
            "title": "Slow letters listing",
            "description": "Listing is slow for big accounts.",
            "state": "Done",
            "state_type": "completed",
            "priority": 3,
            "labels": ["bug"],
            "created": "-30d",
            "updated": "-20d",
            "completed": "-20d",
        },
        *(
            {
                "id": f"ENG-{number}",
                "title": f"Printer profile {number} is outdated",
                "description": "Printer chore.",
                "state": "Backlog",
                "state_type": "backlog",
                "priority": 4,
                "created": f"-{number}d",
                "updated": f"-{number}d",
            }
            for number in range(100, 130)
        ),
    ],
}
DEPLOYMENTS = {
    "repositories": [{"name": "small/api"}, {"name": "small/web"}],
    "commits": [
        {
            "repository": "small/api",
            "sha": sha,
            "message": f"Change number {number}\n\nBody.",
            "author": "ada",
            "created": f"-{100 - number}h",
            "files": [f"src/part_{number}.py"],
        }
        for number, sha in enumerate(SHAS)
        if sha != MERGED
    ],
    "pulls": [
        {
            "repository": "small/api",
            "number": 12,
            "title": "Halve the connection pool",
            "author": "bo",
            "labels": ["risky"],
            "created": "-75h",
            "merged": "-71h",
            "merge_sha": MERGED,
            "files": ["src/pool.py", "tests/test_pool.py"],
        }
    ],
    "deployments": [
        {
            "id": 500 + number,
            "repository": "small/api",
            "sha": SHAS[number],
            "environment": "production" if number % 2 == 0 else "staging",
            "creator": "deploy[bot]",
            "created": f"-{99 - number}h",
            "statuses": [
                {"state": "in_progress", "created": f"-{99 - number}h"},
                {"state": "success", "created": f"-{98 - number}h"},
            ],
        }
        for number in range(31)
    ],
    "releases": [
        {
            "id": 9,
            "repository": "small/api",
            "tag": "v1.2.0",
            "name": "1.2.0",
            "author": "ada",
            "sha": DEPLOYED,
            "published": "-2d",
        }
    ],
}
STATUS = {
    "own": {
        "id": "own-page",
        "name": "Small Co",
        "components": [
            {"id": "c-api", "name": "API", "group": "Core", "status": "partial_outage", "updated": "-1h"},
            {"id": "c-web", "name": "Dashboard", "group": "Core", "status": "operational", "updated": "-9d"},
            {"id": "c-docs", "name": "Docs", "status": "operational", "updated": "-9d"},
        ],
        "incidents": [
            {
                "id": "inc-1",
                "name": "Errors in Europe",
                "status": "identified",
                "impact": "major",
                "created": "-1h",
                "updated": "-30m",
                "components": ["c-api"],
                "updates": [
                    {"status": "investigating", "body": "We look.", "created": "-1h"},
                    {"status": "identified", "body": "We know.", "created": "-30m"},
                ],
            },
            {
                "id": "inc-0",
                "name": "Old trouble",
                "status": "resolved",
                "impact": "minor",
                "created": "-20d",
                "updated": "-19d",
                "resolved": "-19d",
            },
        ],
        "maintenances": [
            {
                "id": "m-1",
                "name": "Database upgrade",
                "status": "scheduled",
                "created": "-2d",
                "scheduled_for": "+1d",
                "scheduled_until": "+1d2h",
                "components": ["c-api"],
            }
        ],
    },
    "upstream": [
        {
            "id": "cloudy",
            "name": "Cloudy",
            "components": [{"id": "u-net", "name": "Network", "status": "operational", "updated": "-9d"}],
        }
    ],
}
DOCS = [
    {
        "path": "rate-limits.md",
        "title": "Rate limits",
        "updated": "-20d",
        "body": "Each key has a limit.\n\n## Raising a limit\n\nAsk [support](guides/support.md#plans) & wait.\n\n"
        "## Raising a limit\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    },
    {"path": "guides/support.md", "title": "Support <plans>", "updated": "-5d", "body": "# Support plans\n\nText.\n"},
]
TICKETS = {
    "fields": ["Account reference", "Area"],
    "tickets": [
        {
            "key": "errors-eu",
            "id": 1,
            "requester": {"name": "Ann Acme", "email": "ann@acme.example"},
            "organization": "acc_1",
            "subject": "502 from the letters API",
            "body": "Since an hour we get 502.\n\nKey key_1 & <region> eu.",
            "created": "-30m",
            "priority": "high",
            "tags": ["api"],
            "fields": {"Account reference": "acc_1"},
            "replies": [
                {"at": "-10m", "author": "agent", "public": False, "body": "Looks like the pool."},
                {"at": "+5m", "body": "It is still going on."},
            ],
        },
        {
            "key": "question",
            "id": 2,
            "requester": {"name": "Bea Bolt", "email": "bea@bolt.example"},
            "subject": "How do I raise my limit?",
            "body": "We need more.",
            "created": "-5m",
        },
    ],
}


def small_world() -> World:
    """Return the world."""
    return World.model_validate(
        {
            "about": ABOUT,
            "customers": CUSTOMERS,
            "logs": LOGS,
            "bugs": BUGS,
            "billing": BILLING,
            "deployments": DEPLOYMENTS,
            "status": STATUS,
            "docs": DOCS,
            "tickets": TICKETS,
            "tenant": {"metadata_key": "account"},
            "truth": {"tickets": {}},
        }
    )
