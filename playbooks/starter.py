"""What `whydesk playbooks new` writes: a small playbook that is valid, measures before it believes, and has one fixture."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from playbooks.library import FIXTURES, LoadedPlaybook
from playbooks.schema import FIXTURE_HINT, PLAYBOOK_HINT

REVIEW_AFTER = timedelta(days=180)
"""How long an owner stands by a new version, unless the file says otherwise."""

_PLAYBOOK = """\
format: 1
id: $ID
version: 1
title: $TITLE
owner: $OWNER
review_by: $REVIEW

# What in a ticket speaks for this playbook. Weights are added; the highest sum wins. Symptoms are listed in docs/playbooks.md.
applies_when:
  terms: {$TERM: 3}
  symptoms: {errors: 1}

# Anchors without which nothing can be said, and what the agent then asks the customer.
needs: [customer]
questions:
  customer: Which account is this about? A request id or the account's name is enough.

# 1. Measure the symptom, 2. is it only them, 3. correlate, 4. eliminate. `whydesk ask clickhouse QUERY --customer ID` tries one.
queries:
  - id: measured
    source: clickhouse
    title: requests and errors
    scope: customer        # the customer's filter is added by code
    window: {before: 6h, after: 1h}
    sql: |
      SELECT count() AS requests, countIf(status >= 500) AS errors FROM requests
      WHERE ts >= {start:DateTime64(3)} AND ts < {end:DateTime64(3)}
    row_sentence: "{errors:count} of {requests:count} requests failed"

  - id: everyone
    source: clickhouse
    title: the same over all customers
    scope: fleet           # counts and rates only; groups of few customers are left out
    window: {before: 6h, after: 1h}
    sql: |
      SELECT count() AS requests, countIf(status >= 500) AS errors FROM requests
      WHERE ts >= {start:DateTime64(3)} AND ts < {end:DateTime64(3)}
    row_sentence: "Over all customers {errors:count} of {requests:count} requests failed"

  - id: incidents
    source: statuspage
    title: incidents of our own
    scope: shared
    operation: list_incidents
    parameters: {upstream: false}
    row_sentence: "{name} ({status}) since {created_at}"
    absent_sentence: The status page has no incident at that time

# What code computes from the answers. What lacks evidence is unknown, and stays unknown in everything that stands on it.
facts:
  requests: {fn: value, label: requests, unit: count, args: {query: measured, column: requests}}
  errors: {fn: value, label: errors, unit: count, args: {query: measured, column: errors}}
  error_rate:
    fn: ratio
    label: share of requests that failed
    unit: percent          # 0.2 is 20%
    args: {of: $errors, to: $requests}
    say: "{value} of {requests} requests failed"
  all_requests: {fn: value, label: requests of all, unit: count, args: {query: everyone, column: requests}}
  all_errors: {fn: value, label: errors of all, unit: count, args: {query: everyone, column: errors}}
  fleet_error_rate:
    fn: ratio
    label: share of all customers' requests that failed
    unit: percent
    args: {of: $all_errors, to: $all_requests}
    say: "{value} of all customers' requests failed"
  open_incidents: {fn: count, label: incidents, unit: count, args: {query: incidents}}
  incident: {fn: first, label: the incident, unit: text, args: {query: incidents, column: name}}

# The explanations. All of supported_when must hold; any of refuted_when refutes. Unknown decides nothing.
hypotheses:
  - id: own-incident
    cause: own_incident    # docs/cause-classes.md
    title: "An incident of ours, {incident}, makes requests fail: {error_rate}"
    requires: [measured, everyone, incidents]
    supported_when: [error_rate >= 0.05, fleet_error_rate >= 0.02, open_incidents >= 1, incident != '']
    refuted_when: [open_incidents == 0, error_rate < 0.01]
    ruled_out_sentence: No incident of ours was open, or the requests do not fail
    would_change: An incident that begins before the errors, or none at all.
    claims: [incidents, error_rate, fleet_error_rate]
    weight: 50             # of several that are supported, the heavier comes first
    next_step: join-incident
    reply: incident

  - id: nothing-wrong
    cause: nothing_wrong
    title: "The customer's requests succeed: {error_rate} of {requests} failed"
    requires: [measured, incidents]
    supported_when: [requests >= 20, error_rate < 0.01, open_incidents == 0]
    refuted_when: [error_rate >= 0.05]
    ruled_out_sentence: The customer's requests do fail
    would_change: One request id of a call that failed.
    claims: [error_rate, incidents]
    next_step: nothing-wrong
    reply: ask-for-example

# The first line that holds decides, else low. High needs evidence from two systems.
severity:
  - {severity: high, when: [error_rate >= 0.2, errors >= 50]}
  - {severity: medium, when: [error_rate >= 0.02]}

next_steps:
  join-incident: Link this ticket to the incident and answer when the status page is updated.
  inconclusive: Ask the owning team to look at the evidence below; the checks do not decide it.
  nothing-wrong: Ask for the request id and the time of one failed call before looking further.
  needs-info: Send the question below; the checks need to know whose requests these are.

# Drafts for the agent; nothing is ever sent by itself.
replies:
  incident: |
    Thank you for reporting this. It is part of an incident that we are working on; our status page has the latest.
  ask-for-example: |
    Thank you for writing. Your requests of that time were answered as usual. Could you send us the request id and the time of one
    call that failed?

# For a model, where one is configured: how an experienced engineer weighs this evidence.
instructions: |
  Measure first. An incident explains the ticket only if the customer's own requests fail.
"""
_FIXTURE = """\
# Run by `whydesk playbooks test $ID`. Write one that supports and one near miss for every hypothesis.
says: Requests of this customer and of all fail while an incident is open.
reported_at: 2026-03-04T10:00:00Z
evidence:
  measured: {rows: [{requests: 400, errors: 100}]}
  everyone: {rows: [{requests: 90000, errors: 9000}]}
  incidents:
    rows:
      - {name: API errors, status: investigating, created_at: 2026-03-04T09:10:00Z}
expect:
  outcome: diagnosed
  hypothesis: own-incident
  severity: high
  verdicts: {nothing-wrong: refuted}
  facts: {error_rate: 0.25, fleet_error_rate: 0.1}
  claims: [incidents, error_rate]
"""
_STARTER_FIXTURE = "own-incident.yaml"


@dataclass(frozen=True)
class NewFile:
    """A file to write."""

    path: Path
    text: str


def start(folder: Path, name: str, owner: str, today: date) -> list[NewFile]:
    """Return the files of a new playbook: `<folder>/<name>/1.yaml` and one fixture."""
    words = name.replace("-", " ").replace("_", " ")
    values = {
        "$ID": name,
        "$TITLE": words.capitalize(),
        "$OWNER": owner,
        "$REVIEW": f"{today + REVIEW_AFTER}",
        "$TERM": words,
    }
    playbook, fixture = _PLAYBOOK, _FIXTURE
    for place, value in values.items():
        playbook, fixture = playbook.replace(place, value), fixture.replace(place, value)
    home = folder / name
    return [
        NewFile(home / "1.yaml", PLAYBOOK_HINT + playbook),
        NewFile(home / FIXTURES / _STARTER_FIXTURE, FIXTURE_HINT + fixture),
    ]


def copy_of(original: LoadedPlaybook, folder: Path, name: str, version: int, today: date) -> list[NewFile]:
    """Return the files of a copy: the text as it was written, with its own id, version and review date, and all fixtures."""
    text = original.path.read_text(encoding="utf-8")
    changes = {
        "id": name,
        "version": str(version),
        "review_by": f"{today + REVIEW_AFTER}",
    }
    for field, value in changes.items():
        text = re.sub(rf"^{field}:.*$", f"{field}: {value}", text, count=1, flags=re.MULTILINE)
    if name != original.playbook.id:
        text = re.sub(r"fallback: true", "fallback: false", text, count=1)
    text = PLAYBOOK_HINT + "".join(line for line in text.splitlines(keepends=True) if "$schema=" not in line)
    home = folder / name
    fixtures = sorted((original.path.parent / FIXTURES).glob("*.yaml"))
    copied = [NewFile(home / FIXTURES / path.name, path.read_text(encoding="utf-8")) for path in fixtures]
    return [NewFile(home / f"{version}.yaml", text), *copied]
