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
_OVERSTEPPING = frozenset(_DENIALS.split()) | frozenset(_CAUSES.split())
_PLACE = re.compile(r"\{[^{}]*\}")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


def oversteps(sentence: str) -> str:
    """Return the first word with which a sentence on a fact or a row says more than one shows, or nothing.

    Args:
        sentence: Of a playbook, with places in braces; what fills them comes from the evidence and is not looked at.
    """
    words = (match[0].casefold() for match in _WORD.finditer(_PLACE.sub(" ", sentence)))
    return next((word for word in words if word in _OVERSTEPPING or word.endswith(("n't", "n’t"))), "")
