"""The models of every tenant's chain, made when first asked for and shared. What makes one is injected."""

from collections.abc import Callable, Mapping

from reasoning.providers.base import LanguageModel

Factory = Callable[[], LanguageModel]


class ChainPool:
    """A `ModelPool` over factories, by tenant and model id."""

    def __init__(self, factories: Mapping[str, Mapping[str, Factory]]) -> None:
        """Keep the factories; none is called before its model is asked for."""
        self._factories = factories
        self._made: dict[tuple[str, str], LanguageModel] = {}

    async def get(self, tenant: str, model: str) -> LanguageModel:
        """Return that link of the tenant's chain.

        Raises:
            KeyError: names the models that the tenant has configured.
        """
        made = self._made.get((tenant, model))
        if made is None:
            chain = self._factories.get(tenant, {})
            if model not in chain:
                known = ", ".join(sorted(chain)) or "none"
                raise KeyError(f"tenant {tenant!r} has no model {model!r} in its chain; configured: {known}")
            made = self._made[tenant, model] = chain[model]()
        return made

    async def aclose(self) -> None:
        """Close all that were made; all are tried even if one fails."""
        made, self._made = self._made, {}
        problems = []
        for link in made.values():
            try:
                await link.aclose()
            except Exception as problem:  # noqa: BLE001 - the others must still be closed
                problems.append(problem)
        if problems:
            raise ExceptionGroup("models did not close", problems)
