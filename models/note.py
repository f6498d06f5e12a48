"""The note as it goes to a helpdesk."""

from models.base import Frozen, Moment


class RenderedNote(Frozen):
    """One note in both dialects; the helpdesk takes the one it can show."""

    html: str
    markdown: str
    marker: str
    """`whydesk:inv-…/2`: visible in the footer of both, to find the note again after a lost answer."""


class PostedNote(Frozen):
    """A note that is on the ticket."""

    id: str
    url: str = ""


class EarlierNote(Frozen):
    """The newest note of an earlier revision that is on the ticket."""

    revision: int
    posted_at: Moment


class IncidentPlace(Frozen):
    """That a ticket is one of several with one cause."""

    tickets: int
    """So far."""
    first: str
    """The first ticket's id."""
    url: str = ""
    """Where it is."""
    is_first: bool = False
