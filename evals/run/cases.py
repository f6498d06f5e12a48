"""Past tickets of one's own as a folder: evidence without people, and the cause that somebody named, for the rules."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from evals.generate.digest import world_digest
from evals.records import Arm, RunFacts, TicketRun
from evals.run.digests import code_digest
from evals.run.frozen import Frozen, reweigh
from evals.score.run_file import PAST_TICKETS, RunFile
from evals.score.truth import Known, Truths
from models.base import digest_of, to_body
from models.customer import Anchors
from models.evidence import Evidence
from models.playbook import Playbook
from models.vocabulary import CauseClass, Outcome

_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)
ABOUT = "about.json"
FOLDER = "cases"


class CasesProblem(ValueError):
    """The folder holds no cases; the message says what was looked at."""


class About(BaseModel):
    """about.json"""

    format: int = 1
    exported: date
    since: date
    cases: int


class Case(BaseModel):
    """cases/case-0001.json"""

    format: int = 1
    key: str
    playbook: Playbook
    """The one that the run followed, whole."""
    anchors: Anchors
    evidence: tuple[Evidence, ...]
    cause: CauseClass
    """As people named or confirmed it."""
    parts: tuple[CauseClass, ...] = ()
    """Of two causes both, where the diagnosis that was confirmed named them."""
    outcome: Outcome | None = None
    """Only where the diagnosis was confirmed."""
    told: CauseClass
    """What the note said."""

    @property
    def known(self) -> Known:
        """The truth as far as people said it."""
        outcomes = (self.outcome,) if self.outcome else ()
        return Known(key=self.key, cause=self.cause, parts=self.parts, outcomes=outcomes)


def write_cases(folder: Path, about: About, cases: Sequence[Case]) -> None:
    """Write a folder that does not exist yet, or is empty.

    Raises:
        CasesProblem: there is something in the folder already.
    """
    if folder.exists() and any(folder.iterdir()):
        raise CasesProblem(f"{str(folder)!r} is not empty: name a folder that does not exist yet")
    (folder / FOLDER).mkdir(parents=True)
    (folder / ABOUT).write_text(about.model_dump_json(indent=1) + "\n", encoding="utf-8")
    for case in cases:
        body = case.model_dump(mode="json", exclude={"playbook"})
        # A playbook as its author wrote it, or its digest would not be that of the file.
        body["playbook"] = case.playbook.model_dump(mode="json", exclude_unset=True)
        text = _JSON.validate_python(body)
        (folder / FOLDER / f"{case.key}.json").write_bytes(_JSON.dump_json(text, indent=1) + b"\n")


def read_cases(folder: Path) -> list[Case]:
    """Read a folder of cases.

    Raises:
        CasesProblem: it is none, or a file of it cannot be read.
    """
    if not (folder / ABOUT).is_file():
        raise CasesProblem(f"{str(folder)!r} holds no {ABOUT}: `whydesk eval export` writes such a folder")
    found = []
    for path in sorted((folder / FOLDER).glob("*.json")):
        try:
            found.append(Case.model_validate_json(path.read_bytes()))
        except ValidationError as problem:
            raise CasesProblem(f"{path}: {problem.error_count()} problems in a {problem.title}") from None
    return found


def play_cases(folder: Path, cases: Sequence[Case], playbooks: Sequence[Playbook]) -> tuple[RunFile, Truths]:
    """Let the rules diagnose all cases over their evidence.

    Args:
        folder: Where they lie, for its digest.
        cases: Those to diagnose.
        playbooks: Versions to follow in place of those that were followed then, by their ids.
    """
    instead = {playbook.id: playbook for playbook in playbooks}
    lines: list[TicketRun] = []
    followed: dict[str, str] = {}
    for case in cases:
        playbook = instead.get(case.playbook.id, case.playbook)
        lines.append(reweigh(Frozen(case.key, case.playbook, case.anchors, case.evidence), playbook).line)
        followed[f"{playbook.id}@{playbook.version}"] = digest_of(to_body(playbook))
    digest, name = world_digest(folder / FOLDER), folder.resolve().name
    facts = RunFacts(
        world=digest,
        world_name=name,
        playbooks=dict(sorted(followed.items())),
        code=code_digest(),
        arms=(Arm.RULES,),
        rows=0,
        split=PAST_TICKETS,
        began=datetime.now(UTC),
    )
    truths = Truths(world=digest, name=name, tickets={case.key: case.known for case in cases})
    return RunFile(folder, facts, tuple(lines)), truths
