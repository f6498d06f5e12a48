"""Plays the corpus with defences and without."""

from collections.abc import Sequence

from tests.compromised.attacks import Attack
from tests.compromised.path import Posted, Stage, off
from tests.compromised.results import Result


async def play(stage: Stage, attacks: Sequence[Attack]) -> list[Result]:
    """Play each attack both ways. One that makes the product raise has succeeded, too."""
    return [await _one(stage, attack) for attack in attacks]


async def _one(stage: Stage, attack: Attack) -> Result:
    try:
        posted = await stage.on(attack.scene, lambda _: attack.answer)
    except Exception as error:  # noqa: BLE001 -- whatever is raised here would have stopped a run
        posted, crashed = Posted(html=f"{type(error).__name__}: {error}", markdown=""), True
    else:
        crashed = False
    bare = off(attack.scene, attack.answer)
    succeeded = crashed or attack.succeeded(posted)
    return Result(attack.kind, attack.name, succeeded, attack.succeeded(bare), posted.html if succeeded else "")
