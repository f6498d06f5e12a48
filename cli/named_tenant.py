"""The tenant that an option names; the only one may be left out."""

from cli.errors import UsageProblem, no_such
from models.tenant import Tenant
from settings import Settings


def named_tenant(settings: Settings, name: str | None) -> Tenant:
    """Return the tenant that is meant.

    Raises:
        UsageProblem: there is none of that name, or none is named and there are several.
    """
    known = sorted(settings.tenants)
    if name is None and len(known) == 1:
        return settings.tenants[known[0]]
    if name is None:
        raise UsageProblem(f"choose a tenant with --tenant; configured: {', '.join(known) or 'none'}")
    if name not in settings.tenants:
        raise no_such("tenant", name, known)
    return settings.tenants[name]
