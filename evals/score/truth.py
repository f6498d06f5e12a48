"""What is right for each ticket: of a generated world all of it, of anybody's world what truth.yaml has a place for."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel

from evals.generate.digest import world_digest
from evals.generate.truth import BenchFile, Effect, Row, TicketTruth
from models.vocabulary import CauseClass, Outcome, Severity
from sandbox.world import World
from sandbox.world_files import load_world
from sandbox.world_tickets import Truth

WHYBENCH = Path("truth") / "whybench.json"


class TruthProblem(ValueError):
    """The truth does not belong to the run, or there is none; the message says what was looked at."""


class Known(BaseModel):
    """One ticket's truth. What nobody knows is left empty, and is not scored."""

    key: str
    axis: str = ""
    language: str = ""
    region: str = ""
    customer: str = ""
    cause: CauseClass
    parts: tuple[CauseClass, ...] = ()
    also: tuple[CauseClass, ...] = ()
    severities: tuple[Severity, ...] = ()
    """All that are accepted; empty: not scored."""
    outcomes: tuple[Outcome, ...] = ()
    """The same."""
    required: tuple[Row, ...] = ()
    decoys: tuple[Row, ...] = ()
    forbidden_causes: tuple[CauseClass, ...] = ()
    forbidden_customers: tuple[str, ...] = ()
    forbidden_words: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    solvable: bool | None = None
    """None: the world does not say."""


class Truths(BaseModel):
    """The truths of a world, with what it takes to read notes and evidence by them."""

    world: str = ""
    """Digest of the world; empty where the truth comes from past tickets."""
    name: str = ""
    rows: int = 0
    """Log rows that the world states."""
    tickets: dict[str, Known]
    people: dict[str, tuple[str, ...]] = {}
    """By customer's id: what names them, ids and domains."""
    tables: dict[str, str] = {}
    """Logical table to the one that a query asks."""

    def ensure_of(self, world: str) -> None:
        """Refuse the truth of another world.

        Raises:
            TruthProblem: the run was made on another one.
        """
        if self.world and world and self.world != world:
            raise TruthProblem(
                f"the run was made on the world {world[:12]}, and {self.name!r} is {self.world[:12]}: name the world "
                "that was played, or make it again from its seed"
            )


def read_truths(folder: Path) -> Truths:
    """Read the truth of a world's folder.

    Raises:
        WorldError: the folder holds no world.
    """
    world = load_world(folder)
    bench = folder / WHYBENCH
    if bench.exists():
        whole = BenchFile.model_validate_json(bench.read_bytes())
        tickets = {key: of_bench(key, truth) for key, truth in whole.tickets.items()}
    else:
        tickets = {key: _of_world(key, truth) for key, truth in world.truth.tickets.items()}
    return Truths(
        world=world_digest(folder),
        name=world.about.name,
        rows=world.about.rows,
        tickets=tickets,
        people=_people(world),
        tables={name: one.table for name, one in world.tenant.tables.items()},
    )


def of_bench(key: str, truth: TicketTruth) -> Known:
    """Return a ticket's truth as the generator knows it."""
    return Known(
        key=key,
        axis=truth.axis.value,
        language=truth.language,
        region=truth.region,
        customer=truth.customer,
        cause=truth.cause,
        parts=tuple(truth.parts),
        also=tuple(truth.also),
        severities=tuple(truth.severity_accepts),
        outcomes=tuple(truth.outcome_accepts),
        required=tuple(truth.required_evidence),
        decoys=tuple(truth.decoys),
        forbidden_causes=tuple(truth.forbidden_causes),
        forbidden_customers=tuple(truth.forbidden_customers),
        forbidden_words=tuple(truth.forbidden_words),
        effects=tuple(truth.effects),
        solvable=truth.solvable,
    )


def _of_world(key: str, truth: Truth) -> Known:
    return Known(
        key=key,
        customer=truth.customer,
        cause=CauseClass(truth.cause),
        also=_causes(truth.also),
        severities=(Severity(truth.severity.value),),
        outcomes=(Outcome(truth.outcome.value),),
        required=tuple(Row(source=source) for source in truth.sources),
        forbidden_causes=_causes(truth.not_causes),
    )


def _causes(names: Sequence[str]) -> tuple[CauseClass, ...]:
    return tuple(CauseClass(name) for name in names)


def _people(world: World) -> Mapping[str, tuple[str, ...]]:
    billed: dict[str, list[str]] = {}
    for one in world.billing.customers:
        billed.setdefault(one.customer, []).append(one.id)
    return {one.id: (one.id, one.domain, *billed.get(one.id, ())) for one in world.customers}
