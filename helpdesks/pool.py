"""One pooled client for each helpdesk of each tenant, made when it is first asked for."""

from collections.abc import Callable, Mapping

from helpdesks.base import Helpdesk

HelpdeskFactory = Callable[[], Helpdesk]


class HelpdeskPool:
    """Hands out helpdesks and closes them. What makes them is injected: `{("acme", "zendesk"): make}`."""

    def __init__(self, factories: Mapping[tuple[str, str], HelpdeskFactory]) -> None:
        """Take a factory for each (tenant, name of the helpdesk in its configuration)."""
        self._factories = dict(factories)
        self._open: dict[tuple[str, str], Helpdesk] = {}
        self._closed = False

    async def get(self, tenant: str, helpdesk: str) -> Helpdesk:
        """Return the helpdesk, the same one each time.

        Raises:
            KeyError: not configured; names what is.
            RuntimeError: the pool was closed.
        """
        if self._closed:
            raise RuntimeError("the pool of helpdesks is closed; a step still runs after the worker stopped")
        key = (tenant, helpdesk)
        if key not in self._factories:
            known = ", ".join(sorted(name for owner, name in self._factories if owner == tenant)) or "none"
            raise KeyError(f"tenant {tenant!r} has no helpdesk {helpdesk!r}; configured: {known}")
        # No await between looking and keeping, so two callers cannot make two clients.
        if key not in self._open:
            self._open[key] = self._factories[key]()
        return self._open[key]

    async def aclose(self) -> None:
        """Close every client that was made; the first failure is raised after all were tried."""
        self._closed = True
        failures: list[Exception] = []
        while self._open:
            _, helpdesk = self._open.popitem()
            try:
                await helpdesk.aclose()
            except Exception as error:  # noqa: BLE001  # one client that fails to close must not keep the others open
                failures.append(error)
        if failures:
            raise failures[0]
