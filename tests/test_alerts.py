"""The alerts: every metric and label in them is exported, and each has its entry in the runbook. promtool runs their tests."""

import re
from pathlib import Path
from typing import TypedDict, cast

import pytest
import yaml
from prometheus_client import CollectorRegistry

from activities.control_board import ControlBoard
from activities.watching import look
from gateway.metrics import GatewayMetrics
from ledger.controls import Change, Said, SqlControls
from ledger.standing import SqlStanding
from ledger.store import SqlLedger
from metrics import REGISTRY
from models.control import PAUSED, tenant_scope
from models.tenant import Budget
from tests.ledger.investigations import claim, investigate
from tests.master_keys import KEYRING
from tests.workflows.house import TENANT

ROOT = Path(__file__).parent.parent
RULES = ROOT / "ops" / "prometheus" / "rules.yaml"
RUNBOOK = ROOT / "docs" / "runbook.md"


class Rule(TypedDict):
    """One alert."""

    alert: str
    expr: str
    labels: dict[str, str]
    annotations: dict[str, str]


def rules() -> list[Rule]:
    found = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    return [cast(Rule, rule) for group in found["groups"] for rule in group["rules"]]


def exported() -> dict[str, set[str]]:
    """Every series' name that worker and gateway export, with its labels."""
    gateway = CollectorRegistry()
    GatewayMetrics(gateway)
    found: dict[str, set[str]] = {}
    for registry in (REGISTRY, gateway):
        for collector in registry._collector_to_names:
            labels = {*getattr(collector, "_labelnames", ())}
            for name in registry._collector_to_names[collector]:
                found[name] = labels | ({"le"} if name.endswith("_bucket") else set())
    return found


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_what_an_alert_asks_for_is_exported(rule: Rule) -> None:
    known = exported()
    named = re.findall(r"(whydesk_\w+)(?:\{([^}]*)\})?", rule["expr"])
    assert named
    for name, selector in named:
        assert name in known, f"{rule['alert']} asks for {name}; there are {sorted(known)}"
        asked = {*re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector)}
        assert asked <= known[name], f"{rule['alert']}: {name} has no label {sorted(asked - known[name])}"
    grouped = {label for group in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in group.split(", ")}
    assert grouped <= {label for name, _ in named for label in known[name]}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_each_alert_has_its_entry_in_the_runbook(rule: Rule) -> None:
    assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
    entry = RUNBOOK.read_text(encoding="utf-8").partition(f"\n## {rule['alert']}\n")[2].partition("\n## ")[0]
    assert all(part in entry for part in ("**Means.**", "**Look.**", "**Do.**")), rule["alert"]


def test_each_alert_has_a_test_that_it_fires_and_one_that_it_does_not() -> None:
    tests = yaml.safe_load(RULES.with_name("rules_test.yaml").read_text(encoding="utf-8"))["tests"]
    cases = [(case["alertname"], bool(case["exp_alerts"])) for test in tests for case in test["alert_rule_test"]]
    assert {*cases} == {(rule["alert"], fires) for rule in rules() for fires in (True, False)}


async def test_the_gauges_say_how_a_tenant_stands(tmp_path: Path) -> None:
    tenant = TENANT.model_copy(update={"budget": Budget(usd_per_day=5.0)})
    url = f"sqlite:///{tmp_path}/ledger.db"
    async with await SqlLedger.open(url, KEYRING) as ledger:
        controls = SqlControls(ledger.database)
        board = ControlBoard(controls, fresh=0.0)
        standing = SqlStanding(ledger.database)
        await look(standing, board, {"acme": tenant})
        assert value("whydesk_oldest_open_run_seconds") == 0
        assert value("whydesk_paused") == 0
        assert value("whydesk_model_usd_budget") == 5.0
        await investigate(ledger, claim("4711", "d-1"))
        await look(standing, board, {"acme": tenant})
        assert value("whydesk_oldest_open_run_seconds") == 0, "it has ended"
        spent = value("whydesk_model_usd_today")
        await ledger.claim_delivery(claim("4712", "d-2"))
        await controls.change([Change(tenant_scope("acme"), PAUSED, "yes")], Said("ada", "pause", "tenant/acme"))
        await look(standing, board, {"acme": tenant})
        assert value("whydesk_oldest_open_run_seconds") > 0
        assert value("whydesk_paused") == 1
        assert value("whydesk_model_usd_today") == spent


def value(name: str) -> float:
    found = REGISTRY.get_sample_value(name, {"tenant": "acme"})
    assert found is not None, name
    return found
