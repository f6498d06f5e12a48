"""Where a command looks for the server of `whydesk up`."""

import json
from pathlib import Path

import pytest

from cli.connection import LOCAL_ADDRESS, RUNNING_FILE, load_settings, where


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (json.dumps({"pid": 1, "temporal": "127.0.0.1:7244"}), "127.0.0.1:7244"),
        (json.dumps({"pid": 1}), LOCAL_ADDRESS),
        ("", LOCAL_ADDRESS),
        ('{"pid": ', LOCAL_ADDRESS),
        ("[]", LOCAL_ADDRESS),
        (None, LOCAL_ADDRESS),
    ],
)
def test_the_server_of_up_is_found_where_it_was_started(text: str | None, address: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / RUNNING_FILE).write_text(text)
    settings = load_settings({"WHYDESK_STATE": str(tmp_path)})
    assert where(settings)[0] == address


def test_what_is_set_counts_first(tmp_path: Path) -> None:
    (tmp_path / RUNNING_FILE).write_text(json.dumps({"temporal": "127.0.0.1:7244"}))
    settings = load_settings({"WHYDESK_STATE": str(tmp_path), "TEMPORAL_ADDRESS": "temporal.example.com:7233"})
    assert where(settings)[0] == "temporal.example.com:7233"
