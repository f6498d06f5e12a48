"""Holds workers to what each tenant allows them to ask of a model in a minute: the bucket is in the ledger."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from ledger.coordination import Rates
from models.tenant import ModelConfig, Tenant
from reasoning.providers.base import (
    CLASSIFIER,
    LanguageModel,
    ModelChoice,
    ModelPool,
    ModelReply,
    Prompt,
    RateBudget,
)

PATIENCE = 10.0
"""Seconds that a question waits for its turn, in a worker's slot; the next link of the chain may answer at once."""
_CHOICE_PATIENCE = 1.0
"""The same for the choice of a playbook, which code makes as well."""


class RatedModels:
    """A pool of models that are asked no more often than their links say, by all workers together."""

    def __init__(self, pool: ModelPool, rates: Rates, tenants: Mapping[str, Tenant]) -> None:
        """Put the buckets before the pool."""
        self._pool = pool
        self._rates = rates
        self._tenants = tenants

    async def get(self, tenant: str, model: str) -> LanguageModel:
        """As `ModelPool`."""
        found = await self._pool.get(tenant, model)
        link = _link(self._tenants.get(tenant), model)
        return _Rated(found, self._rates, tenant, link) if link is not None and link.requests_per_minute else found


class _Rated:
    """One link, behind its bucket."""

    def __init__(self, model: LanguageModel, rates: Rates, tenant: str, link: ModelConfig) -> None:
        self.model = model.model
        self._asked = model
        self._rates = rates
        self._tenant = tenant
        self._limit = link.requests_per_minute
        # A classifier that is also a link of the chain is one model to its vendor.
        self._bucket = f"model/{link.provider}/{link.region}/{link.model}"

    async def answer(self, prompt: Prompt, beat: Callable[[], None]) -> ModelReply:
        """Ask when it is this question's turn.

        Raises:
            RateBudget: that would be too late; nothing was asked.
        """
        await self._turn(PATIENCE, beat)
        return await self._asked.answer(prompt, beat)

    async def choose(self, prompt: Prompt, among: Sequence[str], beat: Callable[[], None]) -> ModelChoice:
        """The same for a choice."""
        await self._turn(_CHOICE_PATIENCE, beat)
        return await self._asked.choose(prompt, among, beat)

    async def aclose(self) -> None:
        """Leave the model open: the pool closes it."""

    async def _turn(self, patience: float, beat: Callable[[], None]) -> None:
        wait = await self._rates.reserve(self._tenant, self._bucket, self._limit, 1, patience)
        if wait is None:
            raise RateBudget(
                f"{self.model}: rate budget: the {self._limit} requests a minute are used up",
                retry_after=patience + 60 / self._limit,
            )
        if wait:
            beat()
            await asyncio.sleep(wait)


def _link(tenant: Tenant | None, model: str) -> ModelConfig | None:
    if tenant is None:
        return None
    return tenant.classifier if model == CLASSIFIER else tenant.chain().get(model)
