"""What every language model is: a prompt in, one structured answer out, nothing else."""

from collections.abc import Callable, Sequence
from typing import Protocol

from models.base import Frozen
from models.diagnosis import Draft


class ModelError(Exception):
    """Base of all; the message never holds prompt text or a secret."""

    retry_after: float | None = None
    usd: float = 0.0

    def __init__(self, message: str, *, retry_after: float | None = None, usd: float = 0.0) -> None:
        """Keep the server's delay in seconds, if there was one, and what the useless answer cost all the same."""
        super().__init__(message)
        self.retry_after = retry_after
        self.usd = usd


class ModelUnavailable(ModelError):
    """May pass: overload, rate limit, 5xx, connection trouble, a stream that was cut off."""


class ModelOverloaded(ModelUnavailable):
    """The vendor has too much to do: 529, or an overload told in the stream."""


class ModelRateLimited(ModelUnavailable):
    """The vendor's own limit for this key and model: 429."""


class ModelTimedOut(ModelUnavailable):
    """No whole answer in the link's own time. Not retried on this link: the same wait again would cost every ticket minutes."""


class ModelRefused(ModelError):
    """The model declined. Not retried; the next link of the chain answers."""


class BadAnswer(ModelError):
    """Not of the asked shape, or cut by the token limit. Not retried on this link."""


class RateBudget(ModelError):
    """Our own limit of requests a minute for that model is used up, and it was not asked; the next link answers."""


class ModelMisconfigured(ModelError):
    """Wrong key, unknown model, bad request: ours to mend. Not retried."""


class Prompt(Frozen):
    """All that a model sees, already redacted."""

    system: str
    """Who you are, how to answer, and the playbook: the part that repeats and is cached."""
    user: str
    """The ticket, the facts, the verdicts and the evidence of this one investigation."""
    version: str = ""
    """Which file the words are from: `diagnose@1`."""


class ModelReply(Frozen):
    """One answer and what it cost."""

    draft: Draft
    model: str
    input_tokens: int
    """All input, cached or not."""
    output_tokens: int
    usd: float


class ModelChoice(Frozen):
    """The one that was chosen of a few, and what it cost."""

    chosen: str
    """One of those that were offered."""
    model: str
    input_tokens: int
    output_tokens: int
    usd: float


CLASSIFIER = "classifier"
"""What the tenant's fast model is called in a pool, whichever model it is."""


class LanguageModel(Protocol):
    """One link of the chain, or the classifier."""

    model: str

    async def answer(self, prompt: Prompt, beat: Callable[[], None]) -> ModelReply:
        """Ask once, streaming; `beat` is called as the answer arrives.

        Raises:
            ModelError: see the module's classes.
        """
        ...

    async def choose(self, prompt: Prompt, among: Sequence[str], beat: Callable[[], None]) -> ModelChoice:
        """Ask once for one of these ids; any other answer is a BadAnswer.

        Raises:
            ModelError: see the module's classes.
        """
        ...

    async def aclose(self) -> None:
        """Close the pooled client."""
        ...


class ModelPool(Protocol):
    """Hands out the models of a tenant's chain."""

    async def get(self, tenant: str, model: str) -> LanguageModel:
        """Return that link, or the tenant's `CLASSIFIER`; a KeyError names the ones configured."""
        ...
