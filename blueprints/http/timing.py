"""How often each route was called, how it ended and how long it took; read by /metrics."""

from __future__ import annotations

import os
import time

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
REGISTRY = CollectorRegistry()
_REQUESTS = Histogram(
    "quickshop_http_request_seconds",
    "Time from the first byte of a request to its answer",
    ("method", "route", "status"),
    buckets=_BUCKETS,
    registry=REGISTRY,
)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_series: dict[tuple[str, str, int], Histogram] = {}


def _begin() -> None:
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    began = g.get("began")
    if began is not None:
        method = request.method if request.method in _METHODS else "OTHER"
        name = (method, request.url_rule.rule if request.url_rule else "none", response.status_code)
        series = _series.get(name)
        if series is None:
            series = _series[name] = _REQUESTS.labels(name[0], name[1], str(name[2]))
        series.observe(time.perf_counter() - began)
    return response


def exposition() -> bytes:
    """All measurements in Prometheus' text form.

    Of all processes where PROMETHEUS_MULTIPROC_DIR names a folder they share, else of this one.
    """
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return generate_latest(registry)


def install_timing(app: Flask) -> None:
    """Measure every request."""
    app.before_request(_begin)
    app.after_request(_end)
