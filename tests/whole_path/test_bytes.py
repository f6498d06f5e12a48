"""Every byte that an installation keeps: none of them tells of the customers whose tickets it investigated."""

import base64
import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
import zstandard
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from cli.demo import DEFAULT_WORLD
from cli.dev_server import free_port, start_dev_server
from cli.processes import Household
from sandbox.world import World
from sandbox.world_files import load_world
from tests.master_keys import PLUGIN
from tests.whole_path.byte_search import Search, bytes_of_database, needles
from tests.whole_path.town import Ended, Town

LEAST = 200


def all_needles(world: World) -> set[str]:
    """Return all of them, enough to say something."""
    found = {text for texts in needles(world).values() for text in texts}
    assert len(found) > LEAST
    assert all(len(texts) > 20 for texts in needles(world).values())
    return found


async def test_the_search_finds_all_of_it_in_temporals_database_when_nothing_is_encrypted(tmp_path: Path) -> None:
    """The same run with and without the plugin; how Temporal's server stores it is its own affair."""
    texts = all_needles(load_world(DEFAULT_WORLD))
    found = {}
    for name, options in (("plain", {"data_converter": pydantic_data_converter}), ("sealed", {"plugins": [PLUGIN]})):
        database = tmp_path / name / "temporal.db"
        async with Household(tmp_path / name) as household:
            server = await start_dev_server(household, {"HOME": str(tmp_path)}, database, free_port(), free_port())
            client = await Client.connect(server.address, **options)
            handle = await client.start_workflow(
                "Nobody", sorted(texts), id="acme/desk/1", task_queue="nobody", memo={"about": sorted(texts)[:20]}
            )
            history = b"".join(event.SerializeToString() for event in (await handle.fetch_history()).events)
            search = Search(texts)
            found[name] = {
                "history": search.found_in(history),
                "database": {text for data in bytes_of_database(database).values() for text in search.found_in(data)},
            }
    assert found == {"plain": {"history": texts, "database": texts}, "sealed": {"history": set(), "database": set()}}


def test_the_search_finds_what_is_compressed_escaped_or_in_base64(tmp_path: Path) -> None:
    """A ledger of before kept bodies compressed and not encrypted, which hides them from a plain search."""
    texts = all_needles(load_world(DEFAULT_WORLD)) | {"Jürgen Weiß", 'Zoë "Z" Ångström'}
    body = json.dumps(sorted(texts)).encode()
    forms = {
        "zstd": zstandard.compress(body),
        "base64": base64.b64encode(b"x" + body),
        "shouted": "\n".join(texts).upper().encode(),
        "plain": "\n".join(texts).encode(),
    }
    with sqlite3.connect(tmp_path / "ledger.db") as database:
        database.execute("CREATE TABLE bodies (body BLOB)")
        database.executemany("INSERT INTO bodies VALUES (?)", [(forms["zstd"],)])
    database.close()
    search = Search(texts)
    kept = bytes_of_database(tmp_path / "ledger.db")
    assert search.found_in(b"....." + kept["ledger.db:bodies"]) == texts
    for name in ("zstd", "base64", "plain"):
        assert search.found_in(b"......" + forms[name] + b"......") == texts, name
    assert {text for text in texts if text.isascii()} <= search.found_in(forms["shouted"])


@pytest.mark.usefixtures("tickets")
def test_temporals_database_holds_nobody(town: Town) -> None:
    search = Search(all_needles(town.world))
    kept = bytes_of_database(town.state / "temporal.db")
    assert sum(map(len, kept.values())) > 1_000_000
    assert b"demo/zendesk/" in kept["temporal.db:current_executions"], (
        "the runs are there, under ids that anyone may read"
    )
    assert {name: found for name, data in kept.items() if (found := search.found_in(data))} == {}


async def test_exported_histories_hold_nobody(town: Town, tickets: Mapping[str, Ended]) -> None:
    search = Search(all_needles(town.world))
    for key, ended in tickets.items():
        history = await town.handle(ended.ref).fetch_history()
        raw = b"".join(event.SerializeToString() for event in history.events)
        assert ended.last.investigation.encode() not in raw, "not even an id of ours stands in a payload"
        assert search.found_in(raw) == set(), key
        assert search.found_in(history.to_json().encode()) == set(), key


@pytest.mark.usefixtures("tickets")
def test_the_ledger_holds_nobody_but_by_your_id(town: Town) -> None:
    """`whydesk list --customer` finds by the id that you gave a customer; it stands among the steps and nowhere else."""
    kinds = needles(town.world)
    search, ids = Search(all_needles(town.world)), set(kinds["customers"])
    found = {name: search.found_in(data) for name, data in bytes_of_database(town.state / "ledger.db").items()}
    assert found["ledger.db:steps"] <= ids
    assert {name: texts - ids for name, texts in found.items() if texts - ids} == {}
    assert {name for name, texts in found.items() if ":" in name and texts} <= {"ledger.db:steps"}


@pytest.mark.usefixtures("tickets")
async def test_logs_and_metrics_hold_nobody(town: Town) -> None:
    search = Search(all_needles(town.world))
    logs = {path.name: path.read_bytes() for path in (town.state / "logs").glob("*.log")}
    assert {"worker.log", "gateway.log", "temporal.log", "sandbox.log"} <= set(logs)
    async with httpx.AsyncClient(trust_env=False) as http:
        worker = f"http://127.0.0.1:{town.stack.settings.metrics_port}"
        for name, address in (("gateway", town.stack.gateway), ("worker", worker)):
            logs[f"metrics of the {name}"] = (await http.get(f"{address}/metrics")).raise_for_status().content
    assert all(b"whydesk" in data for name, data in logs.items() if name.startswith("metrics"))
    assert {name: found for name, data in logs.items() if (found := search.found_in(data))} == {}
