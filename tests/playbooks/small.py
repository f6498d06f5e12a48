"""A whole playbook of few lines, and a folder that holds it."""

from pathlib import Path

from playbooks.library import Library, LoadedPlaybook

SMALL = """\
format: 1
id: small
version: 1
title: Small
owner: support
review_by: 2099-01-01
applies_when: {fallback: true}
queries:
  - id: incidents
    source: statuspage
    title: incidents
    scope: shared
    operation: list_incidents
    row_sentence: "{name} since {created_at}"
  - id: load
    source: clickhouse
    title: load
    scope: customer
    sql: SELECT count() AS requests FROM requests WHERE ts >= {start:DateTime64(3)} AND ts < {end:DateTime64(3)}
facts:
  open: {fn: count, label: open, unit: count, args: {query: incidents, where: {upstream: false}}}
  name: {fn: first, label: name, unit: text, args: {query: incidents, column: name}}
  requests: {fn: value, label: requests, unit: count, args: {query: load, column: requests}}
hypotheses:
  - id: incident
    cause: own_incident
    title: "It is {name}"
    requires: [incidents]
    supported_when: [open > 0, name != '']
    claims: [open, incidents]
    next_step: wait
next_steps: {wait: Wait., inconclusive: Look., nothing-wrong: Ask., needs-info: Ask.}
"""

FIXTURE = """\
says: An incident is open.
reported_at: 2026-03-04T10:00:00Z
evidence:
  incidents:
    rows:
      - {name: API is down, upstream: false, created_at: 2026-03-04T09:00:00Z}
  load:
    rows: [{requests: 40}]
expect:
  outcome: diagnosed
  hypothesis: incident
  verdicts: {incident: supported}
  facts: {open: 1}
  claims: [open, incidents]
"""


def write(folder: Path, text: str, name: str = "small/1.yaml") -> Path:
    """Write one file."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def load(folder: Path, text: str = SMALL, name: str = "small/1.yaml") -> Library:
    """Write one playbook and load the folder."""
    write(folder, text, name)
    return Library.load([folder])


def with_fixture(folder: Path, text: str = FIXTURE, name: str = "open") -> LoadedPlaybook:
    """Write the playbook and one fixture beside it."""
    write(folder, text, f"small/fixtures/{name}.yaml")
    return load(folder).get("small")
