"""Gives every trouble of many customers a place of its own, so that none moves what another ticket is measured against."""

from dataclasses import dataclass, field

from evals.generate.causes.fleet import Place
from evals.generate.company import Archetype
from evals.generate.draw import Draw
from evals.generate.schedule import Slot
from evals.generate.truth import Axis
from models.vocabulary import CauseClass

_TROUBLES_A_REGION = 3
_ALONE = (Axis.CONTRADICTION, Axis.NOISE)
"""Axes whose trouble is bent for one ticket and is not shared."""


@dataclass
class Trouble:
    """A trouble of many, before it is planted: its cause, whether it takes a whole region, and the tickets about it."""

    cause: CauseClass
    whole: bool
    slots: list[int]
    place: Place = field(default_factory=lambda: Place(""))


def troubles(draw: Draw, slots: list[Slot], fleet: set[CauseClass]) -> list[Trouble]:
    """Group the tickets about troubles of many: one to three on each."""
    found: list[Trouble] = []
    open_ones: dict[CauseClass, Trouble] = {}
    for number, slot in enumerate(slots):
        cause = slot.causes[0]
        if cause not in fleet:
            continue
        trouble = open_ones.get(cause)
        alone = slot.axis in _ALONE
        if trouble is None or alone or len(trouble.slots) >= draw.between(1, 3):
            whole = cause is CauseClass.REGIONAL_LATENCY or (cause is CauseClass.OWN_INCIDENT and draw.chance(0.4))
            trouble = Trouble(cause, whole, [])
            found.append(trouble)
            if not alone:
                open_ones[cause] = trouble
        trouble.slots.append(number)
    return found


def regions_needed(found: list[Trouble]) -> int:
    """Return how many regions hold these troubles, generously."""
    small = [trouble for trouble in found if not trouble.whole]
    once = max(sum(one.cause is cause for one in small) for cause in CauseClass)
    return len(found) - len(small) + max(once, -(-len(small) // _TROUBLES_A_REGION) + 1)


def settle(draw: Draw, found: list[Trouble], regions: list[str], kind: Archetype) -> None:
    """Give each trouble its place: a whole region, or a route; a region has each cause at most once."""
    free = list(regions)
    for trouble in found:
        if trouble.whole:
            trouble.place = Place(free.pop())
    held: dict[str, list[Trouble]] = {region: [] for region in free}
    routes = [route[0] for route in kind.routes[:-1] if route[0] != kind.provider]
    for trouble in found:
        if not trouble.whole:
            trouble.place = _place(draw, trouble, held, routes, kind.provider)


def _place(draw: Draw, trouble: Trouble, held: dict[str, list[Trouble]], routes: list[str], provider: str) -> Place:
    fewest = sorted(held, key=lambda region: (len(held[region]), region))
    region = next(one for one in fewest if all(other.cause is not trouble.cause for other in held[one]))
    taken = {other.place.route for other in held[region]}
    held[region].append(trouble)
    if trouble.cause is CauseClass.UPSTREAM_INCIDENT:
        return Place(region, provider)
    return Place(region, draw.pick([route for route in routes if route not in taken]))
