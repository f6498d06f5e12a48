"""What a note says of its confidence: counted in the ledger, read seldom, said of explanations alone."""

from collections.abc import Sequence

import pytest

from activities.calibrating import FRESH, Calibration
from models.diagnosis import Diagnosis
from models.feedback import Labelled
from models.vocabulary import Confidence, Outcome
from tests.ledger.investigations import diagnosis


class Counting:
    """Labels of one tenant, and how often they were read."""

    def __init__(self) -> None:
        """Nobody has said anything."""
        self.labelled: list[Labelled] = []
        self.reads: list[str | None] = []

    async def labelled_runs(self, tenant: str | None = None) -> Sequence[Labelled]:
        """Return them."""
        self.reads.append(tenant)
        return list(self.labelled)


async def test_labels_are_read_once_in_a_while_and_for_each_tenant() -> None:
    runs, now = Counting(), [0.0]
    calibration = Calibration(runs, lambda: now[0])
    found = diagnosis()

    async def said(tenant: str = "acme") -> str:
        return await calibration.of(tenant, "latency", found)

    assert [await said() for _ in range(50)] == ["uncalibrated"] * 50
    runs.labelled = [Labelled(tenant="acme", playbook="latency", confidence=Confidence.MEDIUM, right=90, of=100)]
    assert await said() == "uncalibrated", "what was read is good enough for a while"
    now[0] = FRESH
    assert await said() == "right in 90% of 100 labelled runs of this playbook, 82–95%"
    await said("zenith")
    assert runs.reads == ["acme", "acme", "zenith"]


@pytest.mark.parametrize("outcome", [Outcome.INCONCLUSIVE, Outcome.NEEDS_INFO])
async def test_what_explains_nothing_has_no_confidence_to_be_right_about(outcome: Outcome) -> None:
    runs = Counting()
    found: Diagnosis = diagnosis().model_copy(update={"outcome": outcome})
    assert await Calibration(runs).of("acme", "latency", found) == ""
    assert runs.reads == []
