"""The last look at a note: what is somebody's and comes from neither the ticket nor its evidence does not reach it."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from pydantic import JsonValue

from models.customer import Anchors
from models.evidence import Evidence
from models.playbook import Playbook
from models.ticket import Ticket
from reasoning.folding import fold, folded_with_places, occurrences
from reasoning.note import Block, Footer, Heading, Line, Listing, Paragraph, Quote
from reasoning.personal_data import find_personal

_CALLED = {
    "EMAIL": "e-mail address",
    "PHONE": "phone number",
    "CARD": "card number",
    "IBAN": "bank account",
    "ID": "identity number",
    "IP": "IP address",
    "SECRET": "secret",
    "CUSTOMER": "other customer",
    "PSEUDONYM": "unknown reference",
}
_PSEUDONYM = re.compile(r"<(?:EMAIL|PHONE|CARD|IBAN|ID|IP|SECRET|NAME|ORG|CUSTOMER|DOMAIN|TEXT)_\d{1,6}>")
_LEAST_NAME = 4
"""Letters of another customer's name or id that is looked for; shorter ones are ordinary words."""


class OutputGuard:
    """Knows what a note of one revision may say of people; everything else of a telling shape is withheld."""

    def __init__(
        self,
        ticket: Ticket | None,
        anchors: Anchors,
        evidence: Sequence[Evidence],
        playbook: Playbook,
        others: Collection[str] = (),
    ) -> None:
        """Learn what this revision stands on.

        Args:
            ticket: As it was read; None leaves its texts unknown, and withholds what only they hold.
            anchors: With the customer.
            evidence: All that is stored of this revision.
            playbook: Its texts are the tenant's own, such as the support team's address in a draft reply.
            others: Names and ids of the tenant's other customers, as far as they are known.
        """
        self._bodies = [body for body in (ticket, anchors, *evidence, playbook) if body is not None]
        self._others = {name: fold(name) for name in others if len(name.strip()) >= _LEAST_NAME}
        self.withheld: Counter[str] = Counter()
        """How much was withheld, by what it is."""

    def blocks(self, blocks: Iterable[Block]) -> list[Block]:
        """Return the note without what it must not hold; if anything was withheld, the note says so before its footer."""
        kept = [self._block(block) for block in blocks]
        if self.withheld:
            said = ", ".join(f"{count} × {name}" for name, count in sorted(self.withheld.items()))
            line = Paragraph("Withheld", f"{said}: in neither this ticket nor its evidence")
            kept[max(0, len(kept) - 1) :] = [line, *kept[max(0, len(kept) - 1) :]]
        return kept

    def _block(self, block: Block) -> Block:
        match block:
            case Heading() | Paragraph() | Quote():
                return replace(block, text=self.text(block.text))
            case Listing():
                return replace(block, lines=tuple(self._line(line) for line in block.lines))
            case Footer():
                # Code's own words, and a playbook's title.
                return block

    def _line(self, line: Line) -> Line:
        return replace(line, text=self.text(line.text))

    def text(self, text: str) -> str:
        """Return a text with what must not stand there replaced by what it was."""
        spans = sorted(self._strange(text), key=lambda span: (span[0], -span[1]))
        parts, last = [], 0
        for start, end, kind in spans:
            if start < last:
                continue
            name = _CALLED[kind]
            self.withheld[name] += 1
            parts += [text[last:start], f"[{name} withheld]"]
            last = end
        return "".join([*parts, text[last:]])

    def _strange(self, text: str) -> Iterator[tuple[int, int, str]]:
        for found in find_personal(text):
            if not self._is_known(text[found.start : found.end]):
                yield found
        for match in _PSEUDONYM.finditer(text):
            if match[0].casefold() not in self._known:
                yield *match.span(), "PSEUDONYM"
        folded, places = folded_with_places(text)
        for name, literal in self._others.items():
            for first, last in occurrences(literal, folded):
                start, end = places[first], places[last - 1] + 1
                # A name of one word is a name only where it is written as one: there is a customer called Export.
                written = " " in literal or text[start:end] == name
                if written and not any(occurrences(literal, self._folded)):
                    yield start, end, "CUSTOMER"

    def _is_known(self, value: str) -> bool:
        return value.casefold() in self._known or _squeezed(value.casefold()) in self._squeezed

    # All that a revision stands on is long, and most notes hold nothing that has to be looked for in it.

    @cached_property
    def _texts(self) -> Sequence[str]:
        return [text for body in self._bodies for text in _texts(body.model_dump(mode="json"))]

    @cached_property
    def _known(self) -> str:
        return "\n".join(self._texts).casefold()

    @cached_property
    def _squeezed(self) -> str:
        return "\n".join(_squeezed(text.casefold()) for text in self._texts)

    @cached_property
    def _folded(self) -> str:
        return "\n".join(map(fold, self._texts))


def guarded(blocks: list[Block], guard: OutputGuard | None) -> list[Block]:
    """Return the blocks as the guard lets them through; without one, as they are."""
    return blocks if guard is None else guard.blocks(blocks)


def _squeezed(text: str) -> str:
    """Return letters and digits alone: a number is the same with spaces in it."""
    return re.sub(r"[\W_]+", "", text)


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, bool | None):
        return
    elif isinstance(value, int | float):
        yield str(value)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
