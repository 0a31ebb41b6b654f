"""What operators and their tools ask: does the process live, is the shop ready, what has been measured."""

from __future__ import annotations

from flask import Response
from marshmallow import Schema, fields
from prometheus_client import CONTENT_TYPE_LATEST

from blueprints.http.access import public
from blueprints.http.body import ApiBlueprint
from blueprints.http.json import json_response
from blueprints.http.limits import limited
from blueprints.http.timing import exposition
from quickshop.extensions import db
from quickshop.monitoring import readiness

blp = ApiBlueprint("ops", __name__, description="Probes and measurements")


class Health(Schema):
    """The process lives."""

    status = fields.String(required=True, metadata={"example": "ok"})


class PartOut(Schema):
    """One part of the shop."""

    name = fields.String(required=True)
    ok = fields.Boolean(required=True)
    state = fields.String(required=True)


class Readiness(Schema):
    """Whether requests can be served, and what does not work as it should."""

    status = fields.String(required=True, metadata={"enum": ["ready", "degraded", "unavailable"]})
    degraded = fields.List(fields.String(), required=True)
    parts = fields.List(fields.Nested(PartOut), required=True)


@blp.get("/healthz")
@public
@limited("none")
@blp.answers(200, Health)
def healthz() -> Response:
    """Whether the process lives."""
    return json_response({"status": "ok"})


@blp.get("/readyz")
@public
@limited("none")
@blp.answers(200, Readiness)
@blp.answers(503, Readiness)
def readyz() -> Response:
    """Each part with its state; 503 only where the database or its migrations fail."""
    parts = readiness.parts()
    ready = readiness.ready(parts)
    degraded = [part.name for part in parts if not part.ok]
    body = {
        "status": "unavailable" if not ready else "degraded" if degraded else "ready",
        "degraded": degraded,
        "parts": [part.as_dict() for part in parts],
    }
    return json_response(body, 200 if ready else 503, None if ready else {"Retry-After": "2"})


@blp.get("/metrics")
@public
@limited("none")
@blp.answers(200, content_type="text/plain")
def metrics() -> Response:
    """Measurements in Prometheus' text form."""
    pool = db.engine.pool
    lines = "".join(
        f"# TYPE quickshop_db_pool_{name} gauge\nquickshop_db_pool_{name} {value}\n"
        for name, value in (
            ("checked_out", getattr(pool, "checkedout", lambda: 0)()),
            ("size", getattr(pool, "size", lambda: 0)()),
        )
    )
    return Response(exposition() + lines.encode(), content_type=CONTENT_TYPE_LATEST)
