"""Parameters of operations and questions that are asked together."""

import asyncio

import pytest

from connectors.base import operation
from connectors.parameters import TextList, ask_both, ask_together, read_parameters
from models.base import Strict
from models.vocabulary import Source
from tests.connectors.far_end import ask


class Find(Strict):
    terms: TextList
    limit: int = 5


OPERATIONS = {"find": operation(Find, "id")}


def test_one_string_is_a_list_of_one() -> None:
    assert read_parameters(ask(Source.LINEAR, "find", {"terms": "x"}), OPERATIONS) == Find(terms=["x"])


def test_a_wrong_value_is_named_but_not_told() -> None:
    with pytest.raises(ValueError, match="'limit'") as raised:
        read_parameters(ask(Source.LINEAR, "find", {"terms": "x", "limit": "bo@acme.example.com"}), OPERATIONS)
    assert "bo@acme" not in str(raised.value)
    assert raised.value.__cause__ is None


async def test_answers_come_in_the_order_of_the_questions() -> None:
    async def answer(number: int) -> int:
        await asyncio.sleep(0.02 / (number + 1))
        return number

    assert await ask_together(answer(number) for number in range(5)) == [0, 1, 2, 3, 4]
    assert await ask_both(answer(1), answer(2)) == (1, 2)


async def test_the_first_failure_is_raised_as_itself_and_stops_the_others() -> None:
    stopped = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    async def fail() -> None:
        await asyncio.sleep(0)
        raise LookupError("no")

    with pytest.raises(LookupError):
        await ask_together([hang(), fail()])
    assert stopped.is_set()
    with pytest.raises(LookupError):
        await ask_both(hang(), fail())


async def test_being_cancelled_cancels_the_questions() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await ask_together([asyncio.sleep(60)])
