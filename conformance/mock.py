"""Runs stripe-mock, Stripe's own check of requests, on two free ports of loopback."""

import contextlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from conformance.tools import stripe_mock

_STARTS = 30.0
"""Seconds that it has to answer."""
KEY = "rk_test_conformance"
"""Any that looks like a test key is taken."""


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Start it, yield its address, end it.

    Raises:
        RuntimeError: it did not come up; the message ends with what it said.
    """
    # With one address given it would listen for HTTPS on all interfaces.
    plain, secure = _free_port(), _free_port()
    command = [str(stripe_mock()), "-http-addr", f"127.0.0.1:{plain}", "-https-addr", f"127.0.0.1:{secure}"]
    with tempfile.TemporaryDirectory(prefix="stripe-mock-") as folder:
        said = Path(folder) / "said.txt"
        with said.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)  # noqa: S603  # our own build, above
        try:
            _wait(process, f"http://127.0.0.1:{plain}", said)
            yield f"http://127.0.0.1:{plain}"
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, said: Path) -> None:
    until = time.monotonic() + _STARTS
    with httpx.Client() as client:
        while time.monotonic() < until and process.poll() is None:
            with contextlib.suppress(httpx.TransportError):
                if client.get(f"{url}/v1/customers", headers={"authorization": f"Bearer {KEY}"}).status_code == 200:
                    return
            time.sleep(0.05)
    raise RuntimeError(f"stripe-mock did not answer: {said.read_text(errors='replace')[-500:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
