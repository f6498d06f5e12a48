"""Signs in texts from outside that somebody may want more of a machine than to be read.

Nothing is decided by them but what a note says of its input, and that a text which gives orders is not quoted. What keeps
orders from being obeyed is that a model can only point at what is stored; this finds the clumsy ones, and shows them.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from models.evidence import Evidence
from models.screening import Screened, Sign
from models.ticket import Role, Ticket
from models.vocabulary import Source
from reasoning.redact import visible
from reasoning.ticket_text import LONGEST

_SHORTEST = 12
"""Characters below which nothing is an order."""
_REMEMBERED = 200
"""Characters up to which a verdict is kept: a route, a title or an error stands in many rows, and is weighed twice in a run."""
_LETTERS = 20
"""Fewer letters than that tell no script."""
_GAP = r"(?:\W+\w+){0,5}?\W+"
_MACHINE = r"(?:assistants?|ai|llms?|language models?|models?|bots?|chatbots?|copilot|whydesk|claude|gpt|gemini)"
_ORDERS = re.compile(
    "|".join(
        (
            # Forget what you were told: in the languages that support teams get such texts in.
            r"\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|es|ing)|bypass|stop following|do not follow|don'?t follow"
            rf"|no attention to)\b{_GAP}(?:instruction|direction|directive|prompt|rule|guideline|order|guardrail|constraint)s?\b",
            rf"\b(?:ignorier(?:e|en|t)|vergiss|vergesst|missachte)\b{_GAP}(?:anweisung|vorgabe|regel|instruktion|befehl)",
            rf"\b(?:ignor[ae]|olvid[ae]|haz caso omiso|desconsidere|esque[cç]a|dimentica)\b{_GAP}"
            r"(?:instrucc?ion|[oó]rdenes|regla|instru[cç][oõ]es|ordens|regras|istruzioni|regole)",
            rf"\b(?:ignore[rz]?|oublie[rz]?|ne tiens pas compte)\b{_GAP}(?:instruction|consigne|directive|r[eè]gle)",
            rf"\b(?:negeer|vergeet|zignoruj|zapomnij)\b{_GAP}(?:instructie|aanwijzing|regel|instrukcj|polece)",
            r"talimat\w*\W+(?:yok say|unut|görmezden|dikkate alma)",
            r"(?:игнориру|забудь|забудьте|не обращай)\w*\W+(?:\w+\W+){0,5}(?:инструкц|указани|правил|команд)",
            r"(?:指示|命令|プロンプト|ルール).{0,8}(?:無視|忘れ)|(?:忽略|无视|無視|忘记).{0,14}(?:指令|指示|提示|规则|說明)",
            r"(?:지시|명령|프롬프트).{0,10}무시|تجاهل.{0,40}(?:التعليمات|الأوامر)",
            # A voice that is not the writer's.
            r"</?\s*(?:system|assistant|instructions?|ticket|evidence|facts|prompt|human|user|tool_\w+|function_calls?)\s*/?>",
            r"<\|\w+\|>|\[/?inst\]|<</?sys>>|\b(?:begin|end) (?:ticket|facts|verdicts|evidence)\b(?:\W+[0-9a-f]{8,}|\s*$)",
            r"\b(?:system|developer|admin)\W+(?:message|prompt|override|instruction|notice|note|command)s?\s*[:=]",
            r"\bsystem\s*:\W*(?:\w+\W+){0,3}(?:ignore|you|obey|mark|set|answer|reply|respond|write|say|output|refund|from now)\b",
            # Said to a machine.
            r"\b(?:notes?|messages?|notice|instructions?|reminder|attention|hint|orders?|memo|commands?)\W+(?:to|for)\W+"
            rf"(?:(?:the|any|all|an?|every|our|your|whichever)\W+)?(?:\w+\W+)?{_MACHINE}\b",
            rf"\b(?:if|since|because|as) you(?:\W?re| are) (?:an? |the )?(?:\w+ )?{_MACHINE}\b",
            rf"\b(?:dear|hey|attention|attn|to the|to any|to all)\W+(?:\w+\W+)?{_MACHINE}\b\W",
            r"\b(?:ai|llm|automated|support) (?:agents?|assistants?|models?|readers?|tools?)\W+(?:\w+\W+){0,3}"
            r"(?:must|should|shall|have to|are to|are required|please)\b",
            rf"(?:^|[.!?\n]\W*){_MACHINE}\W*[:,]\W*(?:please|you|ignore|do|say|write|mark|set|answer|reply|refund|add|output)\b",
            r"\byou are (?:now|no longer)\b|\bfrom now on,?\W+you\b|\bpretend (?:to be|you|that you)\b",
            r"\bdeveloper mode\b|\bjailbreak",
            r"\b(?:new|updated|revised|real|actual) (?:instructions?|rules|task|objective|orders)\W*[:=]",
            # What it should bring out.
            r"\b(?:reveal|print|repeat|output|show|leak|quote|disclose|dump|copy|include|recite)\W+(?:\w+\W+){0,4}"
            r"(?:system prompt|your (?:\w+ )?(?:instructions|prompt|rules)"
            r"|(?:initial|hidden|original|secret) (?:prompt|instructions))",
            r"\b(?:mark|set|classify|treat|rate|report|raise|flag|grade|make)\W+(?:\w+\W+){0,5}severity\W+(?:\w+\W+){0,2}"
            r"(?:high|critical|urgent|maximum|sev\W?[01])\b",
            r"\b(?:respond|answer|reply|output)\W+(?:only\W+)?with\W+"
            r"(?:only|exactly|nothing but|the (?:word|text|following|json|phrase))\b",
            r"\b(?:write|put|add|include|insert|append|copy|quote|say|state|post)\W+(?:\S+\W+){0,6}?(?:in|into|to|on)\W+"
            r"(?:the|your|this|its)\W+(?:internal\W+|private\W+)?(?:note|output|diagnosis|draft reply|verdict|next step)\b",
            r"[\"'](?:predicate|next_step|follow_ups|hypothesis|outcome|wording)[\"']\s*:",
        )
    )
)
_WHO = r"(?:them|him|her|me|us|this|the|these|that|every(?:one|body)|customers?|all|in full|immediately)"
_ENTRUSTED = r"(?:keys?|tokens?|passwords?|secrets?|credentials?|otp|codes?)"
_SEND = r"\b(?:send|give|share|forward|e-?mail|paste|provide|hand|tell)\W+"
_SECOND_FACTOR = r"(?:2fa|mfa|two.factor|multi.factor|passwords?|verification)"
_ADVICE = re.compile(
    "|".join(
        (
            rf"\b(?:refund|reimburse|compensate|credit|pay)\W+(?:back\W+)?{_WHO}\b",
            r"\b(?:grant|issue|give)\W+(?:\w+\W+){0,3}refunds?\b",
            r"\bclick\W+(?:here|this|on|the|below)\b",
            r"\b(?:visit|open|go to|log ?in at|sign ?in at|download|install|curl)\W+(?:\w+\W+){0,3}(?:https?|www)\b",
            r"\b(?:disable|turn off|switch off|remove|reset|bypass|deactivate)\W+(?:\w+\W+){0,3}"
            rf"{_SECOND_FACTOR}\W+(?:for|of|on|so|and|now|first)\b",
            r"\b(?:disable|turn off) (?:their|his|her|the|your)\W+(?:\w+\W+)?(?:2fa|mfa)\b",
            rf"{_SEND}(?:them|him|her|me|us|the customers?|over|your|their|our)\W+(?:\w+\W+){{0,4}}{_ENTRUSTED}\b",
            rf"{_SEND}(?:\w+\W+){{0,4}}{_ENTRUSTED}\W+(?:to|over|by)\b",
            r"\bcall (?:us |them |this number|(?:at |on )?\+?\d[\d ()-]{5,})",
            r"\b(?:approve|grant|upgrade|escalate|close|delete|verify)\W+(?:this|the|their)\W+"
            r"(?:request|ticket|account|customer|access)\b",
            r"\btell\W+(?:the\W+)?(?:customer|them|user)s?\W+(?:that|to)\b",
        )
    )
)
_HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\u202d\u202e\ud800-\udfff\U000e0000-\U000e007f]|[A-Za-z][\u200b\u2060\ufeff][A-Za-z]"
)
"""Escape sequences of a pasted terminal and marks of direction around a phone number come from honest programs."""
_NO_WORDS = re.compile(r"\W{41,}")
_ENDS = 20
"""Characters kept of both ends of what has no words: a gap between words is tried at each of its own."""
_SPACED = re.compile(r"\b(?:\w[ ._*-]){3,}\w\b")
_TWINS = str.maketrans("аеорсухіјѕԁһӏбαοερυικνт", "aeopcyxijsdhl6aoepuiknt")
"""Letters of other alphabets that look like Latin ones."""


def orders(text: str) -> bool:
    """Whether a text reads like orders to a machine."""
    return _short_orders(text) if len(text) <= _REMEMBERED else _reads_like_orders(text)


def _reads_like_orders(text: str) -> bool:
    return any(_ORDERS.search(said) for said in _readings(text))


_short_orders = lru_cache(maxsize=8192)(_reads_like_orders)


def advises(text: str) -> bool:
    """Whether a text reads like orders to a machine, or like advice to whoever reads it: what only a playbook may give."""
    return any(_ORDERS.search(said) or _ADVICE.search(said) for said in _readings(text))


def screen_ticket(ticket: Ticket) -> tuple[Sign, ...]:
    """Return the signs in what others wrote in a ticket, each once."""
    said = [ticket.subject, *(message.text for message in ticket.messages if message.role is not Role.OWN)]
    names = [ticket.requester.name, ticket.organization.name if ticket.organization else "", *ticket.fields.values()]
    seen = {sign for text in (*said, *names) for sign in _signs(text)}
    if _is_of_another_script("".join(said)[:LONGEST]):
        seen.add(Sign.SCRIPT)
    return tuple(sorted(seen))


def screen_evidence(evidence: Sequence[Evidence]) -> tuple[Screened, ...]:
    """Return the signs in what sources answered, each once for its source."""
    seen: set[tuple[Source, Sign]] = set()
    for item in evidence:
        texts = {text for row in item.rows for text in _texts(row.values())}
        seen.update((item.source, sign) for text in texts for sign in _signs(text))
    return tuple(Screened(source=source, sign=sign) for source, sign in sorted(seen))


def _texts(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            if len(value) >= _SHORTEST or not value.isascii():
                yield value
        elif isinstance(value, list):
            yield from _texts(value)
        elif isinstance(value, dict):
            yield from _texts(value.values())


def _signs(text: str) -> Iterator[Sign]:
    if len(text) > LONGEST:
        yield Sign.LENGTH
    if not text.isprintable() and _HIDDEN.search(text):
        yield Sign.HIDDEN
    if orders(text):
        yield Sign.ORDERS


def _readings(text: str) -> Iterator[str]:
    """Yield a text as a reader takes it in: without what is hidden, letters that look alike as the Latin ones."""
    if len(text) < _SHORTEST and text.isascii():
        return
    plain = unicodedata.normalize("NFKC", visible(text[:LONGEST])).casefold()
    plain = _NO_WORDS.sub(lambda gap: f"{gap[0][:_ENDS]}{gap[0][-_ENDS:]}", plain)
    plain = _SPACED.sub(lambda match: re.sub(r"[ ._*-]", "", match[0]), plain)
    yield plain
    if not plain.isascii():
        yield plain.translate(_TWINS)


def _is_of_another_script(text: str) -> bool:
    letters = [char for char in text if char.isalpha()]
    # Latin with all its accents ends at U+024F, and has a block of its own for Vietnamese.
    latin = sum(char < "\u0250" or "\u1e00" <= char < "\u1f00" for char in letters)
    return len(letters) >= _LETTERS and latin * 2 < len(letters)
