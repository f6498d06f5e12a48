"""Words with which a sentence denies something or names a cause: what only a checked absence or verdict may say.

A fact or a row shows what was measured. That something was not there, that nobody else is affected or that one thing came of
another is more than that, so a sentence on a fact or a row that says so is not used.
"""

import re

_DENIALS = (
    "no not never none nothing nobody nowhere neither nor without cannot lack lacks lacked lacking absent absence only alone "
    "solely exclusively unaffected unrelated excluded"
)
_CAUSES = (
    "because cause causes caused causing due owing therefore thus hence consequently result results resulted resulting lead "
    "leads leading led trigger triggers triggered triggering introduce introduces introduced introducing blame blamed blames "
    "culprit fault responsible attributable explain explains explained explaining explanation reason reasons root stem stems "
    "stemmed thanks behind"
)
_MADE = "made make makes making broke break breaks breaking"
DENIALS = frozenset(_DENIALS.split())
"""Words that deny, or that say of one what denies it of all others."""
CAUSES = frozenset(_CAUSES.split())
"""Words that say that one thing came of another."""
MADE = frozenset(_MADE.split())
"""Words that may name a cause: `made 41% of the requests fail`, but also `a deployment made at 14:05`."""
_PLACE = re.compile(r"\{[^{}]*\}")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


def denies(text: str) -> bool:
    """Whether a text denies something."""
    return any(denying(word) for word in _words(text))


def oversteps(sentence: str) -> str:
    """Return the first word with which a sentence on a fact or a row says more than one shows, or nothing.

    Args:
        sentence: Of a playbook, with places in braces; what fills them comes from the evidence and is not looked at.
    """
    return next((word for word in _words(sentence) if word in CAUSES or denying(word)), "")


def denying(word: str) -> bool:
    """Whether a word, in lower case, denies."""
    return word in DENIALS or word.endswith(("n't", "n’t"))


def _words(text: str) -> list[str]:
    return [match[0].casefold() for match in _WORD.finditer(_PLACE.sub(" ", text))]
