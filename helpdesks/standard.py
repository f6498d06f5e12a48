"""Any system that answers one GET and takes one signed POST: tickets read by URL, notes sent by Standard Webhooks."""

import hashlib
from datetime import UTC, datetime
from urllib.parse import quote

import httpx
from pydantic import ValidationError
from standardwebhooks import Webhook

from helpdesks.base import ChangedTicket, HelpdeskUnavailable, TicketNotFound
from helpdesks.examination import observed, refusal, unreachable
from helpdesks.fields import field_text
from helpdesks.http import TIMEOUT, HelpdeskHttp, Objection, parse_unambiguous, same_origin
from helpdesks.standard_inbound import TICKET_ID, decode_secret
from helpdesks.standard_wire import ChangedPage, NoteBody, NoteData, NoteEvent, NotesPage, TicketBody
from models.finding import Finding, FindingStatus
from models.note import PostedNote, RenderedNote
from models.tenant import StandardConfig
from models.ticket import Message, Organization, Person, Role, Ticket, TicketRef

_PLACE = "%7Bticket%7D"
_SINCE = "%7Bsince%7D"
_PROBE = "whydesk-doctor"
"""The id of a ticket that nobody has: whether it is refused or not found tells whether the key is taken."""
_ROLES = {"requester": Role.REQUESTER, "whydesk": Role.OWN}


class StandardHelpdesk:
    """One such system over one pooled client."""

    def __init__(
        self,
        config: StandardConfig,
        signing_secret: str,
        token: str | None = None,
        *,
        tenant: str,
        helpdesk: str,
        timeout: float = TIMEOUT,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            config: The addresses.
            signing_secret: The first of the resolved `webhook_secrets`: signs notes.
            token: The resolved bearer token for reading; it is not sent to `note_url`.
            tenant: For the reference of the tickets read.
            helpdesk: The helpdesk's name in the tenant's configuration, for the same.
            timeout: Seconds for each request.
            transport: Replaces the network below the guard, for tests.

        Raises:
            ValueError: `ticket_url` has no `{ticket}` in it, `changed_url` no `{since}` or another host; a secret is malformed.
        """
        self._tenant = tenant
        self._helpdesk = helpdesk
        # Pydantic encodes the braces of a URL.
        self._ticket_address = str(config.ticket_url).replace("{ticket}", _PLACE)
        self._note_url = str(config.note_url)
        if _PLACE not in self._ticket_address:
            raise ValueError(f"ticket_url {self._ticket_address!r} needs {{ticket}} where the ticket's id goes")
        self._changed_address = str(config.changed_url).replace("{since}", _SINCE) if config.changed_url else ""
        self._check_changed_address()
        if token is not None and not (token.isascii() and token.isprintable()):
            raise ValueError("the helpdesk's token holds characters that a header cannot carry; copy it again")
        self._has_token = bool(token)
        self._webhook = Webhook(decode_secret(signing_secret))
        self._http = HelpdeskHttp(
            f"The helpdesk at {config.ticket_url.host}",
            reads=self._ticket_address,
            write=self._objection,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=timeout,
            transport=transport,
        )

    async def read_ticket(self, ticket: str) -> Ticket:
        """Read the ticket; one request. See helpdesks.base.Helpdesk."""
        body = await self._http.get(self._ticket_url(ticket), TicketBody)
        if body.id != ticket or not body.messages:
            raise HelpdeskUnavailable(f"asked for ticket {ticket!r}, the helpdesk gave another one or no message")
        organization = body.organization and Organization(
            id=body.organization.id,
            name=body.organization.name or "",
            domains=body.organization.domains or (),
            external_id=body.organization.external_id or "",
        )
        return Ticket(
            ref=TicketRef(tenant=self._tenant, helpdesk=self._helpdesk, ticket=ticket),
            subject=body.subject,
            status=body.status,
            requester=Person(id=body.requester.id, name=body.requester.name or "", email=body.requester.email or ""),
            organization=organization,
            tags=body.tags,
            fields={name: text for name, value in body.fields.items() if (text := field_text(value))},
            messages=tuple(
                Message(
                    id=message.id,
                    role=_ROLES.get(message.role, Role.AGENT),
                    public=message.public,
                    text=message.text,
                    created_at=message.created_at,
                )
                for message in sorted(body.messages, key=lambda message: message.created_at)
            ),
            created_at=body.created_at,
            updated_at=body.updated_at,
            url=body.url,
        )

    async def list_changed(self, since: datetime) -> list[ChangedTicket] | None:
        """Ask `changed_url`, where there is one. See helpdesks.base.Helpdesk."""
        if not self._changed_address:
            return None
        stamp = since.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        page = await self._http.get(self._changed_address.replace(_SINCE, quote(stamp, safe="")), ChangedPage)
        tickets = sorted(page.tickets, key=lambda one: one.updated_at)
        return [
            ChangedTicket(ticket=one.id, updated_at=one.updated_at) for one in tickets if TICKET_ID.fullmatch(one.id)
        ]

    async def find_note(self, ticket: str, marker: str) -> PostedNote | None:
        """Ask for the note with that marker. See helpdesks.base.Helpdesk."""
        page = await self._http.get(self._notes_url(ticket, marker), NotesPage)
        return next((PostedNote(id=note.id) for note in page.notes if note.marker == marker), None)

    async def post_note(self, ticket: str, note: RenderedNote, updated_stamp: str = "") -> PostedNote:
        """POST the note, signed. The same note of a ticket always has the same `webhook-id`, so the far end can drop a second.

        `updated_stamp` is not used. See helpdesks.base.Helpdesk.
        """
        self._ticket_url(ticket)
        now = datetime.now(UTC)
        event = NoteEvent(
            timestamp=now.isoformat(timespec="seconds").replace("+00:00", "Z"),
            data=NoteData(ticket_id=ticket, marker=note.marker, markdown=note.markdown, html=note.html),
        )
        body = event.model_dump_json()
        identity = "note_" + hashlib.sha256(f"{ticket}\0{note.marker}".encode()).hexdigest()[:32]
        headers = {
            "webhook-id": identity,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(identity, now, body),
        }
        reply = await self._http.write("POST", self._note_url, body.encode(), headers)
        return PostedNote(id=self._http.read(NoteBody, reply, "POST", self._note_url).id)

    async def examine(self) -> list[Finding]:
        """Ask for a ticket that is not there; one request. See helpdesks.base.ExaminableHelpdesk.

        `note_url` is not asked: the only request that it takes writes.
        """
        try:
            looked = await self._http.look(self._ticket_url(_PROBE))
        except HelpdeskUnavailable as error:
            return [unreachable(error, "ticket_url")]
        refused = refusal(looked, "the helpdesk", "ticket_url", "`token`")
        if refused is not None:
            return [refused, *observed(looked)]
        reach = Finding("reach", FindingStatus.OK, f"the helpdesk answers at {httpx.URL(self._ticket_address).host}")
        rights = Finding("rights", FindingStatus.UNKNOWN, "Standard Webhooks has no way to ask what a key may do")
        return [reach, self._key_finding(looked.reply.status), rights, *observed(looked)]

    def _key_finding(self, status: int) -> Finding:
        if status != 404:
            detail = f"a ticket that is not there was answered with {status} instead of 404; the key may not have been looked at"
            return Finding("key", FindingStatus.UNKNOWN, detail, "check that `ticket_url` is the address of tickets")
        said = "the key is taken" if self._has_token else "reading takes no key"
        return Finding("key", FindingStatus.OK, f"{said}: a ticket that is not there is not found")

    async def aclose(self) -> None:
        """Close the pooled client."""
        await self._http.aclose()

    def _check_changed_address(self) -> None:
        if not self._changed_address:
            return
        if _SINCE not in self._changed_address:
            raise ValueError(f"changed_url {self._changed_address!r} needs {{since}} where the time goes")
        # The token goes with it, so it must not lead elsewhere.
        if not same_origin(httpx.URL(self._changed_address), httpx.URL(self._ticket_address)):
            raise ValueError(f"changed_url {self._changed_address!r} must have the host of ticket_url")

    def _ticket_url(self, ticket: str) -> str:
        if not TICKET_ID.fullmatch(ticket):
            raise TicketNotFound(f"{ticket!r} is not the id of a ticket")
        return self._ticket_address.replace(_PLACE, quote(ticket, safe=""))

    def _notes_url(self, ticket: str, marker: str) -> str:
        url = httpx.URL(self._ticket_url(ticket))
        # What the configured address already asks for is kept.
        return str(url.copy_with(path=url.path.rstrip("/") + "/notes").copy_merge_params({"marker": marker}))

    def _objection(self, request: httpx.Request, body: bytes) -> Objection:
        if request.method != "POST" or str(request.url) != str(httpx.URL(self._note_url)):
            return "the only write is a POST to note_url"
        try:
            NoteEvent.model_validate(parse_unambiguous(body), strict=True)
        except (ValidationError, ValueError, RecursionError):
            return "the only write is one note, and nothing else"
        return ""
