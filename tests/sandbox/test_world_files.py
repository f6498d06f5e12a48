"""Loading worlds, and the message for each kind of mistake."""

import shutil
from datetime import timedelta
from pathlib import Path

import jsonschema
import pytest
import yaml

from models import vocabulary
from models.vocabulary import CauseClass
from sandbox.world_base import format_offset, parse_offset
from sandbox.world_checks import CAUSES
from sandbox.world_files import FILES, WorldError, json_schema, load_world, validate_world
from sandbox.world_tickets import Outcome, Severity
from tests.sandbox.engine_process import CHECKOUT, WORLD

WORLDS = sorted(path.parent for path in (CHECKOUT / "sandbox" / "worlds").glob("*/world.yaml"))


CHANGED = "  customer: cus_3cBJiUxw3Vma"
"""The line after the type of the event of a scheduled downgrade."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the first world that a test may spoil."""
    return Path(shutil.copytree(WORLD, tmp_path / "world"))


def spoil(world: Path, file: str, old: str, new: str) -> int:
    """Replace the first occurrence of a text and return its line."""
    text = (world / file).read_text(encoding="utf-8")
    assert old in text, f"{file} no longer holds {old!r}"
    (world / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize("path", WORLDS, ids=lambda path: path.name)
def test_every_world_of_ours_is_valid(path: Path) -> None:
    assert validate_world(path) == []
    world = load_world(path)
    assert {ticket.key for ticket in world.tickets.tickets} == set(world.truth.tickets)


@pytest.mark.parametrize("file", FILES)
def test_the_schema_accepts_our_file_and_refuses_an_unknown_key(file: str) -> None:
    schema = json_schema(file)
    data = yaml.safe_load((WORLD / file).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(data, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**data, "surprise": 1}, schema)


def test_a_schema_of_no_file_names_those_that_exist() -> None:
    with pytest.raises(KeyError, match=r"world\.yaml"):
        json_schema("nope.yaml")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("-2h", -7_200), ("-3d4h", -273_600), ("+0m", 0), ("-90s", -90), ("+1d2h3m4s", 93_784), ("-0d5m", -300)],
)
def test_offsets(text: str, seconds: int) -> None:
    assert parse_offset(text) == timedelta(seconds=seconds)
    assert parse_offset(format_offset(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["2h", "-2", "-", "-h", "-2h3d", "2026-01-01", "-2 h", "", None, -7200])
def test_what_is_no_offset(text: object) -> None:
    with pytest.raises(ValueError, match="such as -2h"):
        parse_offset(text)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("world.yaml", "company: Vellumworks", "company: Vellumworks\nsurprise: 1", "surprise: unknown key"),
        ("world.yaml", "days: 7", "days: seven", "days: "),
        ("world.yaml", "summary: >-", "zummary: >-", "summary: this key is required"),
        ("world.yaml", "vellumworks/metering]", "vellumworks/nothing]", "repository 'vellumworks/nothing' is not in"),
        ("world.yaml", "Glyphwise, North", "Glyphwiser, North", "page 'Glyphwiser' is not in status.yaml"),
        ("customers.yaml", "plan: team", "plan: gold", "plan 'gold' is not in world.yaml: add it there or use one of"),
        ("customers.yaml", "region: eu-central", "region: moon", "region 'moon' is not in world.yaml"),
        ("customers.yaml", "weight: 3.4", "weight: 90", "requests a minute of a limit of 300: lower it"),
        ("customers.yaml", "created: -610d", "created: yesterday", "is no time: write an offset"),
        ("customers.yaml", "- id: ac_nordlys", "- id: ac_brightwater", "'ac_brightwater' is there twice"),
        ("customers.yaml", "name: Nordlys Energi\n", "name: A\n  name: B\n", "the key is there twice"),
        (
            "logs.yaml",
            "start: -26h\n  end: +0m",
            "start: -9d\n  end: +0m",
            "outside the logs, which go from -7d to +0m",
        ),
        ("logs.yaml", "start: -3h10m\n  end: +0m", "start: -1h\n  end: -2h", "not after its start"),
        (
            "logs.yaml",
            "customers: [ac_mossanchor]",
            "customers: [ac_nobody]",
            "customer 'ac_nobody' is not in customers",
        ),
        ("logs.yaml", "routes: [/v1/ocr]", "routes: [/v9/ocr]", "route '/v9/ocr' is not in logs.yaml"),
        ("logs.yaml", "versions: [gw-7.4.0]", "versions: [gw-9]", "version 'gw-9' is not in logs.yaml"),
        ("logs.yaml", "keys: [vk_live_m2Xd]", "keys: [vk_x]", "key 'vk_x' is not in customers.yaml"),
        ("logs.yaml", "endpoints: [hk_pc01]", "endpoints: [hk_x]", "endpoint 'hk_x' is not in customers.yaml"),
        ("logs.yaml", "share: 0.72", "share: 1.72", "share: "),
        ("logs.yaml", "refused: {status: 429", "# refused: {status: 429", "say in `refused`"),
        ("logs.yaml", "regions: [us-west], share: 0.6", "regions: [mars]", "region 'mars' is not in world.yaml"),
        ("logs.yaml", "  lasts: +5m\n", "", "`every` and `lasts` belong together"),
        ("logs.yaml", "lasts: +5m", "lasts: +90m", "ends before the next: make it shorter"),
        ("logs.yaml", "lasts: +5m", "lasts: +5m30s", "whole minutes"),
        ("logs.yaml", "every: +1h", "every: +8d", "longer than the whole span"),
        (
            "customers.yaml",
            "/v1/ocr: 0.85, /v1/merge: 0.0, /v1/batch: 0.0, /v1/account: 0.15",
            "/v1/ocr: 0.0, /v1/merge: 0.0, /v1/batch: 0.0, /v1/account: 0.0",
            "no route has a share of the traffic",
        ),
        ("logs.yaml", "order_by: [account, logged_at]", "order_by: [account, when]", "column 'when' is not in"),
        ("logs.yaml", "gw-7.3.2, start: -9d", "gw-7.3.2, start: -2d", "before this first version"),
        ("logs.yaml", "kind: webhook_attempts", "kind: usage", "no table of kind webhook_attempts"),
        ("logs.yaml", "/v1/batch: 9416", "/v1/batch: 9417", "quantity: is 77016, but the usage of pages"),
        ("billing.yaml", "double_counts: [/v1/batch]", "double_counts: []", "is 77016, but the usage of pages"),
        ("billing.yaml", "subtotal: 126916", "subtotal: 126915", "but the lines add up to 126916"),
        ("billing.yaml", "total: 32400", "total: 32401", "but the lines add up to 32400"),
        ("billing.yaml", "failure_code: expired_card,", "", "failed charge"),
        (
            "billing.yaml",
            "si_MBkxsDpErG, price: price_scale",
            "si_MBkxsDpErG, price: gold",
            "price 'gold' is not in prices",
        ),
        ("billing.yaml", f"updated\n{CHANGED}", f"created\n{CHANGED}", "only a customer.subscription.updated has"),
        ("billing.yaml", "object: sub_E28rzLsbqqZs", "object: sub_x", "subscription 'sub_x' is not in subscriptions"),
        (
            "billing.yaml",
            "price: price_scale, quantity: 1}\n  - {id: si_hG77VoCSzY, price: price_pages, quantity: null}",
            "price: price_team, quantity: 1}",
            "the subscription still holds the same prices",
        ),
        ("bugs.yaml", "id: EDGE-412", "id: NOPE-412", "team 'NOPE' is not in teams"),
        ("bugs.yaml", "completed: -150d", "labels2: []", "unknown key"),
        ("bugs.yaml", "issue: EDGE-298", "issue: EDGE-1", "issue 'EDGE-1' is not in issues"),
        (
            "deployments.yaml",
            "id: 88312, repository: vellumworks/dashboard",
            "id: 88312, repository: a/b",
            "repository 'a/b'",
        ),
        ("status.yaml", "components: [c-api-ap]", "components: [c-none]", "component 'c-none' is not in this page"),
        ("status.yaml", "name: Vellumworks Status", "name: Other", "calls the company's page 'Vellumworks Status'"),
        ("tickets.yaml", "key: ocr-failing", "key: ocr-broken", "no truth for 'ocr-broken': add it to truth.yaml"),
        ("tickets.yaml", "id: 4102", "id: 4101", "'4101' is there twice"),
        ("tickets.yaml", "organization: ac_ferngate", "organization: ac_x", "customer 'ac_x' is not in customers.yaml"),
        ("tickets.yaml", "{Account reference: ac_larkfield}", "{Acct: x}", "field 'Acct' is not in fields"),
        ("tickets.yaml", "created: -50m", "created: +50m", "cannot come from the future"),
        ("truth.yaml", "cause: payment_failed", "cause: bad_luck", "cause class 'bad_luck' is not in docs/worlds.md"),
        ("truth.yaml", "outcome: needs-info", "outcome: shrug", "outcome: "),
        ("truth.yaml", "sources: [clickhouse, stripe]", "sources: [crystal-ball]", "sources"),
        ("tenant.yaml", "table: edge.http_log", "table: edge.nope", "table 'edge.nope' is not in logs.yaml"),
        ("tenant.yaml", "customer_field: Account reference", "customer_field: Nope", "field 'Nope' is not in tickets"),
        ("docs/ocr.md", "title: ", "tittle: ", "a page starts with front matter"),
    ],
)
def test_each_mistake_is_named_with_its_file(copy: Path, file: str, old: str, new: str, message: str) -> None:
    spoil(copy, file, old, new)
    problems = validate_world(copy)
    assert any(message in problem for problem in problems), problems
    assert all(problem.partition(":")[0] in {*FILES, "docs/ocr.md"} for problem in problems)


def test_the_line_is_that_of_the_mistake(copy: Path) -> None:
    line = spoil(copy, "truth.yaml", "cause: payment_failed", "cause: bad_luck")
    assert [problem.split(":")[:2] for problem in validate_world(copy)] == [["truth.yaml", str(line)]]


def test_every_mistake_is_named_at_once(copy: Path) -> None:
    spoil(copy, "world.yaml", "days: 7", "days: seven")
    spoil(copy, "bugs.yaml", "id: EDGE-412", "id: lower-412")
    (copy / "status.yaml").unlink()
    (copy / "tickets.yaml").write_text("tickets: [", encoding="utf-8")
    problems = validate_world(copy)
    assert {problem.partition(":")[0] for problem in problems} == {
        "world.yaml",
        "bugs.yaml",
        "status.yaml",
        "tickets.yaml",
    }
    with pytest.raises(WorldError) as caught:
        load_world(copy)
    assert caught.value.problems == problems


def test_an_empty_file_and_no_folder(copy: Path, tmp_path: Path) -> None:
    (copy / "truth.yaml").write_text("", encoding="utf-8")
    assert validate_world(copy) == ["truth.yaml:1: tickets: this key is required: add it"]
    assert "no such folder" in validate_world(tmp_path / "nowhere")[0]


def test_yaml_cannot_run_code(copy: Path) -> None:
    (copy / "truth.yaml").write_text("tickets: !!python/object/apply:os.getcwd []", encoding="utf-8")
    assert validate_world(copy)[0].startswith("truth.yaml:1:")


def test_truth_stays_out_of_what_the_helpdesk_serves() -> None:
    world = load_world(WORLD)
    for ticket in world.tickets.tickets:
        shown = ticket.model_dump_json()
        assert world.truth.tickets[ticket.key].why not in shown
        assert "cause" not in ticket.model_dump()


def keys_of(schema: object) -> set[str]:
    """Every key that a schema's files may hold."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        own = set(properties) if isinstance(properties, dict) else set()
        return own.union(*(keys_of(part) for part in schema.values()))
    return set().union(*(keys_of(part) for part in schema)) if isinstance(schema, list) else set()


def test_the_documentation_names_every_key_and_every_cause() -> None:
    text = (CHECKOUT / "docs" / "worlds.md").read_text(encoding="utf-8")
    keys = {key for file in FILES for key in keys_of(json_schema(file))}
    assert {"outcome", "double_counts", "peak_hour"} <= keys
    assert {key for key in keys if f"`{key}`" not in text and f"`{key}:" not in text} == set()
    assert {cause for cause in CAUSES if f"`{cause}`" not in text} == set()


def test_truths_use_the_products_vocabulary() -> None:
    assert {cause.value for cause in CauseClass} == CAUSES
    assert {outcome.value for outcome in Outcome} < {outcome.value for outcome in vocabulary.Outcome}
    assert [severity.value for severity in Severity] == [severity.value for severity in vocabulary.Severity]
