"""A helpdesk that two tenants have."""

from pydantic import HttpUrl

from cli.doctor import _shared
from models.finding import FindingStatus
from models.tenant import HelpdeskConfig, Tenant
from tests.workflows.house import TENANT


def tenant(name: str, **changed: object) -> Tenant:
    desk = TENANT.helpdesks["desk"].model_copy(update={"changed_url": HttpUrl("http://127.0.0.1:9/changed"), **changed})
    return TENANT.model_copy(update={"id": name, "helpdesks": {"desk": desk}})


def desk(of: Tenant) -> HelpdeskConfig:
    return of.helpdesks["desk"]


def test_two_tenants_that_sweep_one_helpdesk_are_told() -> None:
    first, other = tenant("first"), tenant("twin", note_url=HttpUrl("http://127.0.0.1:9/another-door"))
    [found] = _shared(first, desk(first), [first, other])
    assert (found.status, "twin.desk is at the same address" in found.detail) == (FindingStatus.WARNING, True)
    silent = other.model_copy(update={"sweep_minutes": 0})
    elsewhere = tenant("twin", changed_url=HttpUrl("http://127.0.0.1:9/other"))
    for none in (silent, elsewhere, first):
        assert _shared(first, desk(first), [first, none]) == []


def test_two_tenants_at_one_helpdesk_that_nobody_can_sweep_are_fine() -> None:
    first, other = tenant("first", changed_url=None), tenant("twin", changed_url=None)
    assert _shared(first, desk(first), [first, other]) == []
