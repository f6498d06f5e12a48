"""What may be asked of a model in a minute: two workers over one ledger, and what a question beyond it meets."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from time import monotonic

import pytest

from activities.model_rates import PATIENCE, RatedModels
from ledger.coordinator import coordinate
from ledger.store import SqlLedger
from models.diagnosis import Draft
from models.tenant import ModelConfig, Tenant
from models.vocabulary import Outcome
from reasoning.providers.base import CLASSIFIER, LanguageModel, ModelChoice, ModelReply, Prompt, RateBudget
from tests.workflows.house import TENANT, Models

MODEL, OTHER = "claude-haiku-5-5", "claude-opus-5"
PROMPT = Prompt(system="You diagnose.", user="It fails.")


class Counted:
    """Answers at once, and counts."""

    def __init__(self, model: str) -> None:
        """Nothing was asked yet."""
        self.model = model
        self.asked = 0

    async def answer(self, prompt: Prompt, beat: Callable[[], None]) -> ModelReply:
        """Say nothing of use."""
        self.asked += 1
        draft = Draft(outcome=Outcome.INCONCLUSIVE)
        return ModelReply(draft=draft, model=self.model, input_tokens=1, output_tokens=1, usd=0.01)

    async def choose(self, prompt: Prompt, among: Sequence[str], beat: Callable[[], None]) -> ModelChoice:
        """Take the first."""
        self.asked += 1
        return ModelChoice(chosen=among[0], model=self.model, input_tokens=1, output_tokens=1, usd=0.01)

    async def aclose(self) -> None:
        """Nothing is open."""


def link(model: str, per_minute: int) -> ModelConfig:
    return ModelConfig(model=model, api_key="env:NONE", requests_per_minute=per_minute)


def tenant(*links: ModelConfig, classifier: ModelConfig | None = None) -> Tenant:
    return TENANT.model_copy(update={"models": list(links), "classifier": classifier})


def worker(ledger: SqlLedger, of: Tenant, *models: Counted) -> RatedModels:
    """What one worker has; all share the ledger and nothing else."""
    pool: dict[str, LanguageModel] = {model.model: model for model in models}
    if of.classifier is not None:
        pool[CLASSIFIER] = models[0]
    return RatedModels(Models(pool), coordinate(ledger).rates, {of.id: of})


async def asked(models: RatedModels, name: str = MODEL) -> str:
    """Ask once; return what kept the question from being asked."""
    try:
        await (await models.get(TENANT.id, name)).answer(PROMPT, lambda: None)
    except RateBudget as error:
        return f"{error} · {timedelta(seconds=error.retry_after or 0)}"
    return ""


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.model_rates.PATIENCE", 0.0)


@pytest.mark.usefixtures("no_patience")
async def test_two_workers_keep_to_one_limit_and_what_is_beyond_is_not_asked(ledger: SqlLedger) -> None:
    far_end, of = Counted(MODEL), tenant(link(MODEL, 12))
    one, two = worker(ledger, of, far_end), worker(ledger, of, far_end)
    said = [await asked(each) for _ in range(4) for each in (one, two)]
    assert far_end.asked == 2, "ten seconds' worth of twelve a minute"
    assert said[-1] == f"{MODEL}: rate budget: the 12 requests a minute are used up · 0:00:05"


async def test_a_question_waits_for_its_turn_and_says_that_it_lives() -> None:
    class Busy:
        patience: list[float] = []

        async def reserve(self, tenant: str, source: str, per_minute: int, cost: int, at_most: float) -> float | None:
            self.patience.append(at_most)
            return 0.05

        async def settle(self, tenant: str, source: str, per_minute: int, more: int) -> None:
            raise NotImplementedError

    far_end, of, busy = Counted(MODEL), tenant(link(MODEL, 60)), Busy()
    model = await RatedModels(Models({MODEL: far_end}), busy, {of.id: of}).get(of.id, MODEL)
    beats: list[float] = []
    began = monotonic()
    await model.answer(PROMPT, lambda: beats.append(monotonic()))
    assert monotonic() - began >= 0.05
    assert (far_end.asked, len(beats)) == (1, 1)
    await model.choose(PROMPT, ["a"], lambda: None)
    assert busy.patience == [PATIENCE, 1.0], "the choice of a playbook is worth less waiting"


@pytest.mark.usefixtures("no_patience")
async def test_each_link_has_its_own_limit_and_none_is_none(ledger: SqlLedger) -> None:
    first, second = Counted(MODEL), Counted(OTHER)
    rated = worker(ledger, tenant(link(MODEL, 6), link(OTHER, 0)), first, second)
    assert [bool(await asked(rated, MODEL)) for _ in range(3)] == [False, True, True]
    assert [await asked(rated, OTHER) for _ in range(20)] == [""] * 20


@pytest.mark.usefixtures("no_patience")
async def test_a_classifier_that_is_a_link_too_is_the_same_model_to_its_vendor(ledger: SqlLedger) -> None:
    far_end = Counted(MODEL)
    rated = worker(ledger, tenant(link(MODEL, 6), classifier=link(MODEL, 6)), far_end)
    chosen = await (await rated.get(TENANT.id, CLASSIFIER)).choose(PROMPT, ["a", "b"], lambda: None)
    assert chosen.chosen == "a"
    assert "rate budget" in await asked(rated)
    assert far_end.asked == 1


@pytest.mark.usefixtures("no_patience")
async def test_the_same_model_at_two_places_is_two_links(ledger: SqlLedger) -> None:
    vertex = ModelConfig(provider="vertex", model=MODEL, region="europe-west1", project="p", requests_per_minute=6)
    of = tenant(link(MODEL, 6), vertex)
    assert list(of.chain()) == [MODEL, f"{MODEL}#2"]
    here, there = Counted(MODEL), Counted(f"{MODEL}#2")
    rated = worker(ledger, of, here, there)
    assert [await asked(rated, name) for name in of.chain()] == ["", ""]
    assert "rate budget" in await asked(rated)
    assert (here.asked, there.asked) == (1, 1)
