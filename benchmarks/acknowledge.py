"""How soon the gateway answers signed webhooks that come at a steady rate, whether or not it keeps up."""

import asyncio
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from standardwebhooks import Webhook

from benchmarks.figures import Figure, percentile
from benchmarks.runs import next_ticket
from benchmarks.sender import Sender
from benchmarks.site import Site, open_site

PER_SECOND = 100
ACCEPTED = 202


@dataclass(frozen=True)
class Round:
    """What came back."""

    seconds: tuple[float, ...]
    refused: int


async def measure_acknowledgement(folder: Path, *, short: bool) -> list[Figure]:
    """Deliver with no worker on the machine, then with one that investigates what was delivered.

    A refused delivery counts with the time that its refusal took, and in a figure of its own: the helpdesk sends it again.
    """
    rounds, seconds = (2, 2) if short else (5, 5)
    figures = []
    async with open_site(folder) as site:
        url = await site.start_gateway()
        await _round(site, url, 1)
        for beside in (False, True):
            if beside:
                await site.start_worker()
            taken = [await _round(site, url, seconds) for _ in range(rounds)]
            where = "beside a busy worker" if beside else "worker elsewhere"
            for share, name in ((0.5, "p50"), (0.99, "p99")):
                values = tuple(1000 * percentile(one.seconds, share) for one in taken)
                goal = 50.0 if share == 0.99 and not beside else None
                figures.append(Figure(f"acknowledgement {name}, {PER_SECOND}/s, {where}", "ms", values, at_most=goal))
            refused = tuple(float(one.refused) for one in taken)
            figures.append(
                Figure(f"acknowledgement refused, {where}", f"of {PER_SECOND * seconds}", refused, at_most=0)
            )
    return figures


async def _round(site: Site, url: str, seconds: int) -> Round:
    """Send at the rate whatever comes back, and return the seconds from when each was due to its answer."""
    signer = Webhook(site.webhook_secret)
    signed = [_signed(signer, next_ticket()) for _ in range(PER_SECOND * seconds)]
    async with Sender(url) as sender:

        async def send(due: float, body: bytes, headers: dict[str, str]) -> tuple[float, bool]:
            status = await sender.post(body, headers)
            return time.perf_counter() - due, status == ACCEPTED

        began = time.perf_counter() + 0.2
        async with asyncio.TaskGroup() as group:
            sent = []
            for number, (body, headers) in enumerate(signed):
                due = began + number / PER_SECOND
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                sent.append(group.create_task(send(due, body, headers)))
    answers = [one.result() for one in sent]
    return Round(tuple(seconds for seconds, _ in answers), sum(not accepted for _, accepted in answers))


def _signed(signer: Webhook, ticket: str) -> tuple[bytes, dict[str, str]]:
    now = datetime.now(UTC)
    data = {"ticket_id": ticket, "author": {"id": "501", "role": "requester"}}
    body = json.dumps({"type": "ticket.created", "timestamp": now.isoformat(), "data": data})
    delivery = f"msg_{ticket}"
    return body.encode(), {
        "content-type": "application/json",
        "webhook-id": delivery,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signer.sign(delivery, now, body),
    }
