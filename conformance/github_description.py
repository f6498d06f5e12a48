"""GitHub's own OpenAPI description, cut down to what the connector and the sandbox use, and exchanges held to it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import cast
from urllib.parse import parse_qs

from openapi_core import OpenAPI  # type: ignore[import-not-found,unused-ignore]  # make conformance installs it
from openapi_core.testing import (  # type: ignore[import-not-found,unused-ignore]  # make conformance installs it
    MockRequest,
    MockResponse,
)
from pydantic import JsonValue

from conformance.exchanges import Exchange
from conformance.tools import GITHUB, file_of

_ORIGIN = "https://api.github.com"
_PREVIEWS = re.compile(r"^application/vnd\.github(\.v3|\.[a-z-]+-preview)?\+json$")
"""What PyGithub and others may ask for; GitHub answers all of them with the same JSON."""
_LEFT_OUT = re.compile(
    r"_url$|^_links$|^(gravatar_id|node_id|auto_merge|milestone|assignee|author_association|review_comments|comments|locked"
    r"|maintainer_can_modify|mergeable_state|search_type|head_commit|head_repository|repository|repo|user"
    r"|forks|network_count|homepage|language|license|size|open_issues|watchers|has_[a-z]+|[a-z_]+_count)$"
)
"""Fields that GitHub always sends and that nobody here reads, so the sandbox may leave them out; sent, they must be right."""
Thing = dict[str, JsonValue]


class Description:
    """The addresses that were asked for, with all that they refer to."""

    def __init__(self, paths: Sequence[str]) -> None:
        """Cut the description down to the templates that fit the paths.

        Raises:
            LookupError: GitHub describes no such path.
        """
        whole = cast(Thing, json.loads(file_of(GITHUB).read_bytes()))
        described = cast(dict[str, Thing], whole["paths"])
        self.templates = {path: _template(path, list(described)) for path in paths}
        kept = {name: _reads(described[name]) for name in sorted(set(self.templates.values()))}
        self._parameters = {name: _parameters(one, whole) for name, one in kept.items()}
        trimmed: Thing = {name: whole[name] for name in ("openapi", "info")}
        trimmed["servers"] = [{"url": _ORIGIN}]
        trimmed["paths"] = cast(JsonValue, kept)
        trimmed["components"] = _reachable(whole, cast(JsonValue, kept))
        _relax(trimmed)
        self._api = OpenAPI.from_dict(trimmed)

    def faults(self, exchange: Exchange) -> Iterator[str]:
        """Yield what is wrong with a request and with its answer."""
        yield from self.request_faults(exchange)
        yield from self.answer_faults(exchange)

    def request_faults(self, exchange: Exchange) -> Iterator[str]:
        """Yield parameters that GitHub does not describe, or not so."""
        known = self._parameters[self.templates[exchange.path]]
        for name, _ in exchange.arguments:
            if name not in known:
                yield f"{exchange.target}: GitHub takes no {name!r} here"
        try:
            self._api.validate_request(_request(exchange))
        except Exception as error:  # noqa: BLE001  # openapi-core's errors have no common base that says why
            yield f"{exchange.target}: {_told(error)}"

    def answer_faults(self, exchange: Exchange) -> Iterator[str]:
        """Yield where an answer is not what GitHub describes for that address and status."""
        answer = MockResponse(exchange.answer, status_code=exchange.status, content_type="application/json")
        if not exchange.content_type.startswith("application/json"):
            yield f"{exchange.target}: answered with {exchange.content_type!r}"
            return
        try:
            self._api.validate_response(_request(exchange), answer)
        except Exception as error:  # noqa: BLE001  # as above
            yield f"{exchange.target}: {_told(error)}"


def _request(exchange: Exchange) -> MockRequest:
    arguments = {name: values[-1] for name, values in parse_qs(exchange.query, keep_blank_values=True).items()}
    return MockRequest(_ORIGIN, exchange.method.lower(), exchange.path, args=arguments)


def _told(error: BaseException) -> str:
    errors = getattr(error.__cause__, "schema_errors", None) or ()
    places = [f"{'.'.join(str(step) for step in one.absolute_path)}: {one.message[:160]}" for one in errors]
    return "; ".join(places) or f"{type(error).__name__}: {error} {error.__cause__ or ''}"


def accepted(header: str) -> bool:
    """Whether GitHub answers such an Accept header with JSON."""
    kinds = [kind.partition(";")[0].strip() for kind in header.split(",")]
    return any(kind in ("*/*", "application/json") or _PREVIEWS.match(kind) for kind in kinds)


def _template(path: str, templates: Sequence[str]) -> str:
    fitting = [one for one in templates if re.fullmatch(re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(one)), path)]
    if not fitting:
        raise LookupError(f"GitHub describes no {path!r}")
    return min(fitting, key=lambda one: one.count("{"))


def _reads(one: Thing) -> Thing:
    return {name: one[name] for name in ("get", "parameters") if name in one}


def _parameters(one: Thing, whole: Thing) -> set[str]:
    listed = _listed(one.get("parameters")) + _listed(cast(Thing, one["get"]).get("parameters"))
    return {str(_resolved(parameter, whole)["name"]) for parameter in listed}


def _listed(value: JsonValue) -> list[Thing]:
    return cast(list[Thing], value or [])


def _resolved(value: Thing, whole: Thing) -> Thing:
    pointer = value.get("$ref")
    return cast(Thing, _at(whole, str(pointer))) if pointer else value


def _at(whole: Thing, pointer: str) -> JsonValue:
    found: JsonValue = whole
    for step in pointer.removeprefix("#/").split("/"):
        found = cast(Thing, found)[step.replace("~1", "/").replace("~0", "~")]
    return found


def _reachable(whole: Thing, start: JsonValue) -> Thing:
    """Return the components that are referred to, however far away."""
    kept: dict[str, Thing] = {}
    waiting = list(_pointers(start))
    seen: set[str] = set()
    while waiting:
        pointer = waiting.pop()
        if pointer in seen:
            continue
        seen.add(pointer)
        _, _, kind, name = pointer.split("/")[:4]
        found = _at(whole, "/".join(pointer.split("/")[:4]))
        kept.setdefault(kind, {})[name.replace("~1", "/")] = found
        waiting += _pointers(found)
    return cast(Thing, kept)


def _relax(value: JsonValue) -> None:
    """Take from all schemas the demand for what may be left out."""
    if isinstance(value, dict):
        if value.get("name") == "created" and isinstance(schema := value.get("schema"), dict):
            # Documented as `2026-01-01..2026-01-02` and described as one moment.
            schema.pop("format", None)
        required = value.get("required")
        if isinstance(required, list) and (kept := [one for one in required if not _LEFT_OUT.search(str(one))]):
            value["required"] = kept
        elif isinstance(required, list):
            del value["required"]
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _relax(inner)


def _pointers(value: JsonValue) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name == "$ref" and isinstance(inner, str):
                yield inner
            else:
                yield from _pointers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _pointers(inner)
