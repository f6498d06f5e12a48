"""What an ops person reads in the Temporal UI while a run is going: ids, counts and enum values, nothing personal."""

from dataclasses import dataclass, field

from models.ticket import TicketRef


@dataclass
class Progress:
    """The live card of one run."""

    ref: TicketRef
    revision: int = 0
    playbook: str = ""
    stage: str = "claiming the delivery"
    asked: int = 0
    answered: int = 0
    done: list[str] = field(default_factory=list)
    paused: str = ""
    """Since when, by whom and why; empty while the run goes on."""

    def card(self) -> str:
        """Return it as Markdown. "4 of 6", because the UI turns 4/6 into a fraction glyph."""
        title = " · ".join(part for part in (self.ref.tenant, self.ref.ticket, self.playbook) if part)
        lines = [f"**{title}**", "", f"revision {self.revision} · {self.stage}" if self.revision else self.stage]
        if self.paused:
            lines += ["", f"**{self.paused}**"]
        if self.asked:
            lines += ["", f"evidence {self.answered} of {self.asked}"]
        lines += [f"- {line}" for line in self.done]
        return "\n".join(lines)
