"""Whether a sentence of a model's own may stand for the sentence that code renders.

It may where it says no more: the same numbers, times, ids and words of relation and denial in the same order, every specific
of the rendering still there, and no content word from elsewhere.
"""

import re
import unicodedata
from collections.abc import Iterable

from reasoning.redact import visible

LONGEST = 300
_NEUTRAL_WORDS = (
    "a an the is are was were be been being has have had this that these those it its and of in on at for with which "
    "there where when while during about as"
)
_NEUTRAL = frozenset(_NEUTRAL_WORDS.split())
"""Words that carry no claim of their own; all others must come from the rendering or what it stands on."""
_RELATION_WORDS = (
    "not no never none nothing nobody neither nor without cannot only all every each any some most least many few both "
    "either or but except unless if than over under above below before after since until again still yet already from to "
    "between into by through within outside against due because caused causes cause more less fewer higher lower greater "
    "smaller increased decreased rose fell grew dropped up down started stopped began ended opened closed open resolved "
    "unresolved fixed broken failed failing fails fail succeeded succeeds succeed success successful rejected accepted "
    "refused allowed blocked denied granted paid unpaid valid invalid expired revoked active inactive enabled disabled "
    "healthy normal abnormal ok fast slow first last next previous same different equal twice once half double may might "
    "could would should will can must likely unlikely probably possibly perhaps maybe always sometimes often rarely "
    "first's we you they he she our your their us them customer customers"
)
_RELATIONS = frozenset(_RELATION_WORDS.split())
"""Words that turn a sentence round: they must stand in the same order as in the rendering."""
_TOKEN = re.compile(r"[^\W_]+(?:[._:/@#%+'’-]+[^\W_]+|_+[^\W_]+)*%?|[$€£¥%<>=≈~≥≤±]")
_PLAIN = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*")
_MARKUP = re.compile(r"://|www\.|[<>`*\[\]{}|\\]|&\w+;|^\s*[#>+-]\s|\b(?:javascript|data|mailto):", re.IGNORECASE)
_ASIDE = frozenset("–—‘’“”…·×%")


def is_grounded(wording: str, sentence: str, specifics: Iterable[str], vocabulary: Iterable[str]) -> bool:
    """Decide whether a wording may replace the rendered sentence.

    Args:
        wording: The model's, with pseudonyms already resolved.
        sentence: By code.
        specifics: Values that the sentence was filled with: each word of them must be in the wording too.
        vocabulary: Further texts whose plain words may be used: the fact's label, the query's title.
    """
    if not _is_plain_text(wording, sentence):
        return False
    said, rendered = _tokens(wording), _tokens(sentence)
    if _skeleton(said) != _skeleton(rendered):
        return False
    here = {_stem(token) for token in said}
    known = {_stem(token) for token in rendered}
    if any(_stem(token) in known and _stem(token) not in here for text in specifics for token in _tokens(text)):
        return False
    borrowed = {_stem(token) for text in vocabulary for token in _tokens(text) if _is_plain(token)}
    return all(stem in known or stem in borrowed or stem in _NEUTRAL for stem in here)


def _is_plain_text(wording: str, sentence: str) -> bool:
    if not wording.strip() or len(wording) > LONGEST or wording != visible(wording) or "\n" in wording:
        return False
    if unicodedata.normalize("NFKC", wording) != unicodedata.normalize("NFC", wording) and "…" not in wording:
        return False
    strange = {char for char in wording if not char.isascii()} - _ASIDE
    return strange <= set(sentence) and not _MARKUP.search(wording)


def _tokens(text: str) -> list[str]:
    joined = re.sub(r"(?<=\d)\s+(?=%)", "", text)
    return [match[0].casefold() if _is_plain(match[0]) else match[0] for match in _TOKEN.finditer(joined)]


def _is_plain(token: str) -> bool:
    return bool(_PLAIN.fullmatch(token))


def _skeleton(tokens: list[str]) -> list[str]:
    """Keep, in order, what makes the claim: numbers, times, ids, signs, and words of relation or denial."""
    return [
        token
        for token in tokens
        if not _is_plain(token) or token in _RELATIONS or token.endswith(("n't", "n’t")) or _denies(token)
    ]


def _denies(token: str) -> bool:
    return token.startswith(("un", "non", "dis", "mis")) and len(token) > 5


def _stem(token: str) -> str:
    return token[:-1] if len(token) > 4 and token.endswith("s") and not token.endswith("ss") else token
