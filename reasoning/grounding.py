"""Whether a sentence of a model's own may stand for the sentence that code renders.

It may where it says the same: every content word, number, time and id of the rendering is there, as often and in the same
order but for one exchange of two neighbouring parts; no content word comes from elsewhere, and no question, aside or stop turns
it round. Little is left to a model, and that is meant: the small words, the order of two parts, and plain words of the label.
"""

import re
import unicodedata
from collections.abc import Iterable

from reasoning.redact import visible
from reasoning.wording import CAUSES, DENIALS, MADE, denies, denying

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
_RELATIONS = frozenset(_RELATION_WORDS.split()) | CAUSES | DENIALS | MADE
"""Words that turn a sentence round: they must stand in the same order as in the rendering."""
_TOKEN = re.compile(r"[^\W_]+(?:[._:/@#%+'’-]+[^\W_]+|_+[^\W_]+)*%?|(?<!\w)[-+](?=[$€£¥]?\d)|[$€£¥%<>=≈~≥≤±−×÷]")
_PLAIN = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*")
_MARKUP = re.compile(r"://|www\.|[<>`*\[\]{}|\\]|&\w+;|^\s*[#>+-]\s|\b(?:javascript|data|mailto):", re.IGNORECASE)
_ASIDE = frozenset("–—‘’“”…·×%")
_TONE = re.compile(r"[?!;\"“”«»]|(?<!\w)['‘’]|['‘’](?!\w)")
"""Marks that make a statement a question, a mockery or two."""
_STOPS = re.compile(r"[.,:;…·–—()-]+(?=\s|$)|(?<=\s)[(–—-]+|^[(–—-]+")
"""Marks that part a sentence; within a number, a time or an id they are of it."""


def is_grounded(
    wording: str, sentence: str, specifics: Iterable[str], vocabulary: Iterable[str], *, ordered: bool = False
) -> bool:
    """Decide whether a wording may replace the rendered sentence.

    Args:
        wording: The model's, with pseudonyms already resolved.
        sentence: By code.
        specifics: Values that the sentence was filled with: each word of them must be in the wording too.
        vocabulary: Further texts whose plain words may be used: the fact's label, the query's title.
        ordered: No two parts may be exchanged: who did what to whom is in the order, as in a sentence on a cause.
    """
    if not _is_plain_text(wording, sentence) or not _same_tone(wording, sentence):
        return False
    said, rendered = _tokens(wording), _tokens(sentence)
    if _skeleton(said) != _skeleton(rendered):
        return False
    here = {_stem(token) for token in said}
    known = {_stem(token) for token in rendered}
    if any(_stem(token) in known and _stem(token) not in here for text in specifics for token in _tokens(text)):
        return False
    if not _same_order(_content(said, known), _content(rendered, known), ordered, denies(sentence)):
        return False
    borrowed = {_stem(token) for text in vocabulary for token in _tokens(text) if _is_plain(token)}
    return all(stem in known or stem in borrowed or stem in _NEUTRAL for stem in here)


def _content(tokens: list[str], known: set[str]) -> list[str]:
    """Return the words of the rendering that say something, in the order in which they stand."""
    stems = (_stem(token) for token in tokens if token not in _NEUTRAL)
    return [stem for stem in stems if stem in known]


def _same_order(said: list[str], rendered: list[str], ordered: bool, denied: bool) -> bool:
    """Whether both are the same words, and in one order but for one exchange of two neighbouring parts.

    `The status page has no incident` may become `There is no incident on the status page`, but `the worker crashes the gateway`
    never `the gateway crashes the worker`: that takes two exchanges.
    """
    if said == rendered:
        return True
    if ordered or sorted(said) != sorted(rendered):
        return False
    start = next(index for index, pair in enumerate(zip(said, rendered, strict=True)) if pair[0] != pair[1])
    end = len(said) - next(
        index for index, pair in enumerate(zip(said[::-1], rendered[::-1], strict=True)) if pair[0] != pair[1]
    )
    one, other = said[start:end], rendered[start:end]
    # What is denied stays beside the word that denies it.
    cuts = [index for index in range(1, len(other)) if not denied or other[index] in DENIALS]
    return any(other[index:] + other[:index] == one for index in cuts)


def _same_tone(wording: str, sentence: str) -> bool:
    if len(_TONE.findall(wording)) > len(_TONE.findall(sentence)):
        return False
    # `No, requests failed` is not `No requests failed`.
    return not denies(sentence) or _stops(wording) == _stops(sentence)


def _stops(text: str) -> list[str]:
    return _STOPS.findall(text.strip().removesuffix("."))


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
        token for token in tokens if not _is_plain(token) or token in _RELATIONS or denying(token) or _denies(token)
    ]


def _denies(token: str) -> bool:
    return token.startswith(("un", "non", "dis", "mis")) and len(token) > 5


def _stem(token: str) -> str:
    return token[:-1] if len(token) > 4 and token.endswith("s") and not token.endswith("ss") else token
