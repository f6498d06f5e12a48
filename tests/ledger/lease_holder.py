"""Takes the lease of a question, keeps renewing it, and never answers: `python -m tests.ledger.lease_holder URL SCOPE DIGEST`."""

import asyncio
import sys
from datetime import UTC, datetime

from activities.sharing import Shareable, SharedFetch
from ledger.coordinator import coordinate
from ledger.store import SqlLedger
from models.coordination import SharedAnswer, SharedQuestion
from models.vocabulary import Source
from tests.master_keys import KEYRING


async def hold(url: str, scope: str, digest: str) -> None:
    """Ask a source that is silent, and say when it was asked."""

    async def silent() -> SharedAnswer:
        sys.stdout.write(f"{datetime.now(UTC).isoformat()}\n")
        sys.stdout.flush()
        return await asyncio.Future()

    async with await SqlLedger.open(url, KEYRING) as ledger:
        question = SharedQuestion(scope=scope, digest=digest, source=Source.STATUSPAGE, fresh_seconds=60)
        await SharedFetch(coordinate(ledger).answers).get(Shareable(question, stored=True), silent)


if __name__ == "__main__":
    asyncio.run(hold(*sys.argv[1:]))
