"""Drawing from a seed: named streams of numbers that are the same on every machine and every Python."""

import hashlib
import math
import string
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")
_WIDTH = 1 << 64


class Draw:
    """A stream of choices, made from a name by SHA-256 in counter mode.

    Streams of other names are independent: what one part of the generator draws moves nothing in another part.
    """

    def __init__(self, name: str) -> None:
        """Start the stream of a name; the seed is part of it."""
        self.name = name
        self.stratum: float | None = None
        """Where in its range an effect lies, in [0, 1): set from outside, so that the effects of a cause cover their range."""
        self._count = 0

    def sub(self, name: object) -> "Draw":
        """Return the stream of a part."""
        return Draw(f"{self.name}/{name}")

    def unit(self) -> float:
        """Return a number in [0, 1)."""
        digest = hashlib.sha256(f"{self.name}#{self._count}".encode()).digest()
        self._count += 1
        return int.from_bytes(digest[:8], "big") / _WIDTH

    def between(self, low: int, high: int) -> int:
        """Return a whole number, both ends included."""
        return low + int(self.unit() * (high - low + 1))

    def real(self, low: float, high: float) -> float:
        """Return a number between two, evenly."""
        return low + self.unit() * (high - low)

    def log(self, low: float, high: float) -> float:
        """Return a number between two, evenly on the logarithmic scale, to three significant digits."""
        value = math.exp(self.real(math.log(low), math.log(high)))
        return round(value, 2 - math.floor(math.log10(value)))

    def effect(self, low: float, high: float) -> float:
        """Return the size of an effect, evenly on the logarithmic scale, at this stream's stratum if it has one."""
        part = self.unit() if self.stratum is None else self.stratum
        value = math.exp(math.log(low) + part * (math.log(high) - math.log(low)))
        return round(value, 2 - math.floor(math.log10(value)))

    def chance(self, share: float) -> bool:
        """Return true for that share of the draws."""
        return self.unit() < share

    def pick(self, values: Sequence[T]) -> T:
        """Return one of several."""
        return values[int(self.unit() * len(values))]

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """Return them in another order."""
        rest = list(values)
        for index in range(len(rest) - 1, 0, -1):
            other = int(self.unit() * (index + 1))
            rest[index], rest[other] = rest[other], rest[index]
        return rest

    def some(self, values: Sequence[T], count: int) -> list[T]:
        """Return several different ones."""
        return self.shuffled(values)[:count]

    def word(self, length: int, alphabet: str = string.ascii_letters + string.digits) -> str:
        """Return random characters, as ids are made of."""
        return "".join(self.pick(alphabet) for _ in range(length))

    def sha(self) -> str:
        """Return 40 hexadecimal digits."""
        return self.word(40, "0123456789abcdef")
