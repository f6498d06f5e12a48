"""The alerts, by Prometheus' own checker and runner of their tests."""

import shutil
import subprocess
from pathlib import Path

import pytest

from conformance.tools import promtool

FOLDER = Path(__file__).resolve().parent.parent / "ops" / "prometheus"


def ask(*command: str, folder: Path = FOLDER) -> subprocess.CompletedProcess[str]:
    """Run promtool."""
    return subprocess.run(  # noqa: S603  # our own build
        [promtool(), *command], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )


def test_the_rules_are_rules() -> None:
    said = ask("check", "rules", "rules.yaml")
    assert (said.returncode, "6 rules found" in said.stdout) == (0, True), said


def test_the_alerts_fire_when_they_should_and_not_else() -> None:
    said = ask("test", "rules", "rules_test.yaml")
    assert said.returncode == 0, said


@pytest.mark.parametrize(
    ("of", "to"),
    [
        ("> 1800", "> 18000"),
        ("unless on (tenant) max by (tenant) (whydesk_paused) == 1", ""),
        ("max by (connector) (whydesk_circuit_open) == 1", "max by (connector) (whydesk_circuit_open) == 2"),
        ("> 120", "> 1200"),
        (">= on (tenant)", "> on (tenant)"),
        ("> 2 *", "> 20 *"),
        ("unless sum(increase(whydesk_investigations_total[30m])) > 0", ""),
        ("unless (count(whydesk_paused) > 0 and min(whydesk_paused) == 1)", ""),
    ],
)
def test_an_alert_that_is_wrong_is_noticed(tmp_path: Path, of: str, to: str) -> None:
    text = (FOLDER / "rules.yaml").read_text(encoding="utf-8")
    assert text.count(of) == 1
    (tmp_path / "rules.yaml").write_text(text.replace(of, to), encoding="utf-8")
    shutil.copy(FOLDER / "rules_test.yaml", tmp_path)
    said = ask("test", "rules", "rules_test.yaml", folder=tmp_path)
    assert "FAILED" in said.stdout + said.stderr, said
