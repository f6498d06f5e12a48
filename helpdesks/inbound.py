"""What the bodies of signed webhooks share: reading them by a model, and who may start an investigation."""

import re
from collections.abc import Iterable
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, StringConstraints, ValidationError

from helpdesks.base import BadDelivery
from models.feedback import RERUN_TAG

Reason = Literal["", "own-actor", "private-comment", "agent-comment", "not-a-trigger", "other-tags"]

Model = TypeVar("Model", bound=BaseModel)


def id_text(value: object) -> object:
    """Read an id that may come as a number; anything else is left for the model to judge."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Id = Annotated[str, BeforeValidator(id_text), StringConstraints(min_length=1, max_length=200)]
"""An id as text, whether the vendor writes a number or a string."""
AnyText = Annotated[str, BeforeValidator(id_text)]
"""An id of somebody else's, which may be empty."""
DeliveryId = Annotated[str, BeforeValidator(id_text), StringConstraints(pattern=r"^[\x21-\x7e]{1,200}\z")]
"""Printable ASCII: it goes into histories, logs and the ledger."""


def message_text(value: object) -> object:
    """Read a message's id, or nothing where it is none: without it a late delivery is merely recognised later."""
    text = id_text(value)
    return text if isinstance(text, str) and _MESSAGE.fullmatch(text) else ""


_MESSAGE = re.compile(r"[\x21-\x7e]{1,100}")
MessageId = Annotated[str, BeforeValidator(message_text)]
"""The id of a message as far as it is told; it goes into histories and the ledger."""


def read_delivery(model: type[Model], body: bytes) -> Model:
    """Read a signed body.

    Raises:
        BadDelivery: not JSON (`field` is `body`), or the first field that does not fit, by its path: `event.comment.author.id`.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        # The input stays out: the body is a customer's.
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "body"
    raise BadDelivery(f"{field} cannot be read: {first['msg']}", field=field)


def why_ignored(*, own: bool, public: bool, by_requester: bool) -> Reason:
    """Return why a message may not trigger, or "" for a public message of the requester."""
    if own:
        return "own-actor"
    if not public:
        return "private-comment"
    return "" if by_requester else "agent-comment"


def why_tags_ignored(*, own: bool, added: Iterable[str]) -> Reason:
    """Return why newly added tags may not trigger, or "" where a person asks by one for a fresh look."""
    if own:
        return "own-actor"
    return "" if any(tag.strip().lower() == RERUN_TAG for tag in added) else "other-tags"
