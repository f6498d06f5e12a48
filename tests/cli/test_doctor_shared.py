"""A helpdesk that two tenants have."""

from cli.doctor import _shared
from models.finding import FindingStatus
from tests.workflows.house import TENANT


def test_two_tenants_that_sweep_one_helpdesk_are_told() -> None:
    other = TENANT.model_copy(update={"id": "twin"})
    [found] = _shared(TENANT, TENANT.helpdesks["desk"], [TENANT, other])
    assert (found.status, "twin.desk is at the same address" in found.detail) == (FindingStatus.WARNING, True)
    silent = other.model_copy(update={"sweep_minutes": 0})
    elsewhere = TENANT.helpdesks["desk"].model_copy(update={"note_url": "http://127.0.0.1:9/other"})
    apart = other.model_copy(update={"helpdesks": {"desk": elsewhere}})
    for none in (silent, apart, TENANT):
        assert _shared(TENANT, TENANT.helpdesks["desk"], [TENANT, none]) == []
