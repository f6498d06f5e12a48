"""Invented names: companies from syllables, people by language. None is taken from anywhere."""

from pathlib import Path

import yaml
from pydantic import BaseModel

from evals.generate.draw import Draw


class _Parts(BaseModel):
    """What names.yaml holds: words with spaces between."""

    heads: str
    tails: str
    trades: str
    places: str
    first: dict[str, str]
    last: dict[str, str]


_PARTS = _Parts.model_validate(yaml.safe_load((Path(__file__).parent / "names.yaml").read_text(encoding="utf-8")))
_HEADS, _TAILS, _TRADES = _PARTS.heads.split(), _PARTS.tails.split(), _PARTS.trades.split()
PLACES = _PARTS.places.split()
"""Short names of places that regions are called by."""
_ASCII = str.maketrans(
    "äöüßéèêëáàâãçğıİíîïłñóôõøşúûżąćęńśźÖÇŁÓÉŞÂ", "aousEeeeaaaacgiiiiilnooooouuzacenszOCLOEsA".lower()
)


def company(draw: Draw, taken: set[str]) -> str:
    """Return a company's name that is not taken yet, and take it."""
    while True:
        name = draw.pick(_HEADS) + draw.pick(_TAILS)
        if draw.chance(0.7):
            name += f" {draw.pick(_TRADES)}"
        if slug(name) not in taken:
            taken.add(slug(name))
            return name


def lookalike(draw: Draw, name: str, taken: set[str]) -> str:
    """Return the name of another company that is easily taken for this one, and take it."""
    head = name.split(" ")[0]
    while True:
        other = (
            f"{head} {draw.pick(_TRADES)}"
            if draw.chance(0.6)
            else f"{head[:-1]}{draw.pick('aeios')} {draw.pick(_TRADES)}"
        )
        if slug(other) not in taken:
            taken.add(slug(other))
            return other


def person(draw: Draw, language: str) -> str:
    """Return somebody's name in a language, family name first in Japanese."""
    first, last = draw.pick(_PARTS.first[language].split()), draw.pick(_PARTS.last[language].split())
    return f"{last} {first}" if language == "ja" else f"{first} {last}"


def mailbox(name: str, draw: Draw) -> str:
    """Return the part of an e-mail address before the @, in ASCII."""
    plain = name.translate(_ASCII).lower().replace(" ", ".")
    return plain if plain.isascii() else f"{draw.pick(('support', 'dev', 'api', 'system'))}{draw.between(1, 99)}"


def slug(name: str) -> str:
    """Return a name in lower case with hyphens."""
    return name.lower().replace("&", "and").replace(" ", "-")
