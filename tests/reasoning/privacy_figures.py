"""How much of the personal data in labelled texts redaction hides, and how much else.

`python -m tests.reasoning.privacy_figures` prints it.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from reasoning.redact import Redactor
from tests.reasoning.privacy_corpus import EITHER, HIDDEN, KEPT, UNKNOWN, Hidden, Label, Text, as_ticket, hidden, texts

HALVES = ("seen", "unseen")
TARGET_MILLISECONDS = 20.0
_LONG = 4_000
_ROUNDS = 5


@dataclass
class Figures:
    """Counts over one half."""

    labelled: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    """Labels of which no letter and no digit is left."""
    touched: int = 0
    """Labels `keep:` of which anything was hidden."""
    wrong: Counter[str] = field(default_factory=Counter)
    """Replaced spans that touch nothing personal, by the kind they were taken for."""
    replaced: int = 0

    def recall(self, *entities: str) -> float:
        """Return the share of these entities' labels that is hidden; all that have a shape or are known by default."""
        chosen = entities or HIDDEN
        return sum(self.found[name] for name in chosen) / max(1, sum(self.labelled[name] for name in chosen))

    def over(self) -> float:
        """Return the share of what must stay that was touched."""
        return self.touched / max(1, self.labelled[KEPT])


def measure(half: Sequence[Text]) -> Figures:
    """Redact each text as a ticket of its own and compare with its labels."""
    figures = Figures()
    for text in half:
        spans = hidden(text)
        for label in text.labels:
            figures.labelled[label.entity] += 1
            figures.found[label.entity] += is_hidden(text.text, label, spans)
            figures.touched += label.entity == KEPT and any(_meet(label, span) for span in spans)
        figures.replaced += len(spans)
        personal = [label for label in text.labels if label.entity != KEPT]
        figures.wrong.update(span.kind for span in spans if not any(_meet(label, span) for label in personal))
    return figures


def is_hidden(text: str, label: Label, spans: Sequence[Hidden]) -> bool:
    """Say whether no letter and no digit of the label is left."""
    covered = {place for span in spans for place in range(span.start, span.end)}
    return all(place in covered for place in range(label.start, label.end) if text[place].isalnum())


def misses(half: Sequence[Text]) -> list[str]:
    """Return what was missed and what was wrongly hidden, with its text. Only for the half that may be looked at."""
    lines = []
    for text in half:
        spans = hidden(text)
        for label in text.labels:
            shown = text.text[label.start : label.end]
            if label.entity in (*HIDDEN, *UNKNOWN) and not is_hidden(text.text, label, spans):
                lines.append(f"missed  {text.id:16} {label.entity:12} {shown!r}")
            if label.entity == KEPT and any(_meet(label, span) for span in spans):
                lines.append(f"touched {text.id:16} {label.entity:12} {shown!r}")
        personal = [label for label in text.labels if label.entity != KEPT]
        for span in spans:
            if not any(_meet(label, span) for label in personal):
                lines.append(f"wrong   {text.id:16} {span.kind:12} {text.text[span.start : span.end]!r}")
    return lines


def milliseconds() -> tuple[float, float]:
    """Return the median CPU time to learn and redact a text of the corpus, and one of 4,000 characters made of them."""
    corpus = texts("seen")
    long, gathered = [], ""
    for text in corpus:
        gathered += text.text + "\n"
        if len(gathered) >= _LONG:
            long.append(Text(text.id, text.known, gathered[:_LONG], ()))
            gathered = ""
    return _median_time(corpus), _median_time(long)


def _median_time(corpus: Sequence[Text]) -> float:
    taken = []
    for _ in range(_ROUNDS):
        for text in corpus:
            ticket = as_ticket(text)
            begun = time.process_time()
            Redactor.for_ticket(ticket, None, ()).redact(text.text)
            taken.append(time.process_time() - begun)
    return 1_000 * median(taken)


def _meet(label: Label, span: Hidden) -> bool:
    return label.start < span.end and span.start < label.end


def table(measured: dict[str, Figures]) -> str:
    """Return the figures as a Markdown table, a column per half."""
    lines = ["| entity | " + " | ".join(measured) + " |", "|---|" + "---|" * len(measured)]
    for entity in (*HIDDEN, *UNKNOWN):
        cells = (f"{figures.found[entity]} of {figures.labelled[entity]}" for figures in measured.values())
        lines.append(f"| `{entity}` | " + " | ".join(cells) + " |")
    rows = {
        "recall of what has a shape or is known": [f"{figures.recall():.1%}" for figures in measured.values()],
        "`keep` touched": [f"{f.touched} of {f.labelled[KEPT]}, {f.over():.1%}" for f in measured.values()],
        "replaced without need": [
            f"{sum(f.wrong.values())} of {f.replaced}" + "".join(f", {kind} {n}" for kind, n in sorted(f.wrong.items()))
            for f in measured.values()
        ],
        f"`{EITHER}` hidden": [f"{f.found[EITHER]} of {f.labelled[EITHER]}" for f in measured.values()],
    }
    lines += [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows.items()]
    return "\n".join(lines)


def main() -> None:
    """Print the table, the time, and with `--misses` what is wrong in the half that may be looked at."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--misses", action="store_true", help="show what is wrong in the seen half")
    parser.add_argument("--half", choices=HALVES, help="measure this one alone")
    arguments = parser.parse_args()
    said = [table({half: measure(texts(half)) for half in HALVES if arguments.half in (None, half)})]
    short, long = milliseconds()
    said.append(f"\nCPU time, median: {short:.2f} ms a text, {long:.2f} ms for {_LONG:,} characters of such texts")
    if arguments.misses:
        said += ["", *misses(texts("seen"))]
    sys.stdout.write("\n".join(said) + "\n")


if __name__ == "__main__":
    main()
