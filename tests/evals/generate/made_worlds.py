"""Worlds that several tests look at, each made once."""

from functools import cache

from evals.generate.make import Made, make


@cache
def published() -> Made:
    """Return a world of the published size."""
    return make(1, 240)


@cache
def small(seed: int) -> Made:
    """Return a small world."""
    return make(seed, 24)
