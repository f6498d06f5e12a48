"""What a run of a benchmark leaves behind, one line of JSON for each ticket: all that the scores are computed from."""

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel

from models.customer import Anchors
from models.evidence import Evidence
from models.vocabulary import CauseClass, Confidence, Outcome, Severity


class Arm(StrEnum):
    """Who diagnosed."""

    RULES = "rules"
    MODEL = "model"
    """A model with the playbook, and every claim verified."""
    BARE = "bare"
    """The same model with the ticket and the evidence alone: no playbook, nothing verified."""


class Script(StrEnum):
    """How a scripted model answers where there is no key; its figures say how safe the product is, never how right."""

    PERFECT = "perfect"
    SLOPPY = "sloppy"
    HOSTILE = "hostile"


class Said(BaseModel):
    """One statement of an answer."""

    text: str
    kept: bool
    """Whether it reached the note."""
    true: bool | None = None
    """Whether the stored evidence shows it; None where no code could tell, which counts as unverified."""
    problem: str = ""


class TicketRun(BaseModel):
    """One ticket, one arm, one repetition."""

    key: str
    """The ticket's key in the world."""
    arm: Arm
    script: Script | None = None
    model: str = ""
    repeat: int = 0
    playbook: str = ""
    """`id@version` that was followed."""
    playbook_digest: str = ""
    outcome: Outcome
    cause: CauseClass
    also: tuple[CauseClass, ...] = ()
    """The causes of the further hypotheses in the note; with `two_causes`, both parts."""
    severity: Severity
    confidence: Confidence
    probability: float | None = None
    """The calibrated probability that the cause is right, where there is one."""
    said: tuple[Said, ...] = ()
    note: str = ""
    """What stands on the ticket, as text without markup."""
    evidence: tuple[Evidence, ...] = ()
    """All that was gathered, whole; bodies of a benchmark's invented company only."""
    anchors: Anchors | None = None
    """What the ticket pinned the investigation to: without it nobody can weigh the evidence again."""
    cited: tuple[str, ...] = ()
    """Ids of the evidence that the note's kept statements stand on."""
    seconds: float = 0.0
    """From delivery to note; of an arm over kept evidence, of the diagnosis alone."""
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    problem: str = ""


class RunFacts(BaseModel):
    """Under what a run was made: the first line of its file."""

    format: int = 1
    world: str
    """Digest of the world, as `python -m evals.generate` prints it."""
    world_name: str
    seed: int | None = None
    generator: str = ""
    playbooks: dict[str, str]
    """Digest of each playbook by `id@version`."""
    code: str = ""
    """Digest of the code that reasons."""
    arms: tuple[Arm, ...]
    script: Script | None = None
    repeats: int = 1
    rows: int
    """Log rows that were loaded."""
    split: str = "dev"
    """`test` for the split that is opened once for a release."""
    opened: int = 0
    """How many runs on the test split there had been, this one included."""
    began: AwareDatetime
