"""A public status page, API v2: summary, status, components, incidents, maintenances. No key, no limits worth a header."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta

from pydantic import JsonValue
from starlette.responses import Response

from sandbox.clock import stamp_millis
from sandbox.vendor import Asked, Stage, Vendor, json_response, route
from sandbox.world import Component, Incident, IncidentUpdate, Maintenance, StatusPage

Body = dict[str, JsonValue]
RECENT = 50
OPEN = ("investigating", "identified", "monitoring")
INDICATORS = {
    "operational": "none",
    "under_maintenance": "maintenance",
    "degraded_performance": "minor",
    "partial_outage": "major",
    "major_outage": "critical",
}
RANK = ("none", "maintenance", "minor", "major", "critical")
DESCRIPTIONS = {
    "none": "All Systems Operational",
    "maintenance": "Service Under Maintenance",
    "minor": "Minor Service Outage",
    "major": "Partial System Outage",
    "critical": "Major Service Outage",
}


class StatusPageSite(Vendor):
    """One page. Everything is written once, at the start: nothing on it changes during a run."""

    def __init__(self, stage: Stage, page: StatusPage, *, name: str) -> None:
        """Write the page's documents."""
        super().__init__(stage)
        self.name = name
        self.page = page
        self._now = stage.started
        self._components = {one.id: self._component(one, number) for number, one in enumerate(page.components, 1)}
        groups = self._groups()
        incidents = sorted(page.incidents, key=lambda one: one.created, reverse=True)
        works = sorted(page.maintenances, key=lambda one: one.scheduled_for, reverse=True)
        shown = [self._incident(one) for one in incidents[:RECENT]]
        unresolved = [self._incident(one) for one in incidents if one.status in OPEN]
        planned = [self._maintenance(one) for one in works]
        upcoming = [body for body in planned if body["status"] == "scheduled"]
        active = [body for body in planned if body["status"] in ("in_progress", "verifying")]
        components = [*groups, *self._components.values()]
        status = self._status(incidents)
        self._documents: dict[str, dict[str, object]] = {
            "status": {"status": status},
            "summary": {
                "components": components,
                "incidents": unresolved,
                "scheduled_maintenances": [*active, *upcoming],
                "status": status,
            },
            "components": {"components": components},
            "incidents": {"incidents": shown},
            "incidents/unresolved": {"incidents": unresolved},
            "scheduled-maintenances": {"scheduled_maintenances": planned},
            "scheduled-maintenances/upcoming": {"scheduled_maintenances": upcoming},
            "scheduled-maintenances/active": {"scheduled_maintenances": active},
        }
        self.routes = [route("GET", r"/api/v2/{document:path}\.json", self._document), route("GET", "/", self._home)]

    def error(self, status: int, message: str = "") -> Response:
        """Return an error page: the public API has no error body of its own."""
        return Response(f"<html><body><h1>{status}</h1></body></html>", status, media_type="text/html")

    def headers(self, asked: Asked) -> Mapping[str, str]:
        """Allow caching as the vendor's edge does."""
        return {"cache-control": "max-age=0, private, must-revalidate", "access-control-allow-origin": "*"}

    def _document(self, asked: Asked) -> Response:
        document = self._documents.get(asked.values["document"])
        if document is None:
            return self.error(404)
        page: Body = {
            "id": self.page.id,
            "name": self.page.name,
            "url": asked.base,
            "time_zone": "Etc/UTC",
            "updated_at": stamp_millis(self._now),
        }
        return json_response({"page": page, **document})

    def _home(self, asked: Asked) -> Response:
        return Response(f"<html><head><title>{self.page.name} Status</title></head></html>", media_type="text/html")

    def _at(self, offset: timedelta) -> str:
        return stamp_millis(self._now + offset)

    def _maybe(self, offset: timedelta | None) -> str | None:
        return None if offset is None else self._at(offset)

    def _component(self, one: Component, position: int) -> Body:
        return {
            "id": one.id,
            "name": one.name,
            "status": one.status,
            "created_at": self._at(timedelta(days=-900)),
            "updated_at": self._at(one.updated),
            "position": position,
            "description": one.description or None,
            "showcase": False,
            "start_date": None,
            "group_id": _group_id(self.page.id, one.group) if one.group else None,
            "page_id": self.page.id,
            "group": False,
            "only_show_if_degraded": False,
        }

    def _groups(self) -> list[Body]:
        """Return the containers; each carries the worst status of its components, and lists them."""
        names = list(dict.fromkeys(one.group for one in self.page.components if one.group))
        groups: list[Body] = []
        for position, name in enumerate(names, 1):
            members = [one for one in self.page.components if one.group == name]
            worst = max((one.status for one in members), key=lambda status: RANK.index(INDICATORS[status]))
            latest = max(one.updated for one in members)
            container = Component(id=_group_id(self.page.id, name), name=name, status=worst, updated=latest)
            body = self._component(container, position)
            groups.append({**body, "group": True, "components": [one.id for one in members]})
        return groups

    def _status(self, incidents: list[Incident]) -> Body:
        """Return the headline: the worst of the open incidents' impacts and the components' states."""
        found = [one.impact for one in incidents if one.status in OPEN]
        worst = max([*found, *(INDICATORS[one.status] for one in self.page.components)], key=RANK.index)
        return {"indicator": worst, "description": DESCRIPTIONS[worst]}

    def _incident(self, one: Incident) -> Body:
        return {
            "id": one.id,
            "name": one.name,
            "status": one.status,
            "created_at": self._at(one.created),
            "updated_at": self._at(one.updated),
            "monitoring_at": self._maybe(one.monitoring),
            "resolved_at": self._maybe(one.resolved),
            "impact": one.impact,
            "shortlink": f"https://stspg.example.com/{one.id}",
            "started_at": self._at(one.created),
            "page_id": self.page.id,
            **self._posts(one.id, one.updates, one.components),
        }

    def _maintenance(self, one: Maintenance) -> Body:
        return {
            "id": one.id,
            "name": one.name,
            "status": one.status,
            "created_at": self._at(one.created),
            "updated_at": self._at(max([one.created, *(update.created for update in one.updates)])),
            "monitoring_at": None,
            "resolved_at": self._at(one.scheduled_until) if one.status == "completed" else None,
            "impact": one.impact,
            "shortlink": f"https://stspg.example.com/{one.id}",
            "started_at": self._at(one.scheduled_for),
            "page_id": self.page.id,
            "scheduled_for": self._at(one.scheduled_for),
            "scheduled_until": self._at(one.scheduled_until),
            **self._posts(one.id, one.updates, one.components),
        }

    def _posts(self, owner: str, updates: list[IncidentUpdate], components: list[str]) -> Body:
        touched: list[JsonValue] = [
            {"code": id, "name": self._components[id]["name"], "old_status": "operational", "new_status": "operational"}
            for id in components
        ]
        posts: list[JsonValue] = [
            {
                "id": f"{owner}-{number}",
                "status": update.status,
                "body": update.body,
                "incident_id": owner,
                "created_at": self._at(update.created),
                "updated_at": self._at(update.created),
                "display_at": self._at(update.created),
                "affected_components": touched,
                "deliver_notifications": True,
                "custom_tweet": None,
                "tweet_id": None,
            }
            for number, update in enumerate(updates, 1)
        ]
        return {"incident_updates": posts[::-1], "components": [self._components[id] for id in components]}


def _group_id(page: str, name: str) -> str:
    return hashlib.sha256(f"{page} {name}".encode()).hexdigest()[:12]
