"""How often each route was called, how it ended and how long it took; read by /metrics."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

SHARED = "PROMETHEUS_MULTIPROC_DIR"
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
REGISTRY = CollectorRegistry()
_REQUESTS = Histogram(
    "quickshop_http_request_seconds",
    "Time from a request's arrival to its answer's first byte",
    ("pid", "method", "route", "status"),
    buckets=_BUCKETS,
    registry=REGISTRY,
)
# A scrape meets one of several processes: each tells its own counts apart, unless they share a folder.
_PID = "" if SHARED in os.environ else str(os.getpid())
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_series: dict[tuple[str, str, str], Histogram] = {}


def observe(method: str, route: str, status: str, seconds: float) -> None:
    """Count one answered request. `route` is the rule, not the address, so that there are few of them."""
    series = _series.get((method, route, status))
    if series is None:
        known = method if method in _METHODS else "OTHER"
        series = _REQUESTS.labels(_PID, known, route, status)
        if known == method:
            _series[method, route, status] = series
    series.observe(seconds)


def exposition() -> bytes:
    """All measurements in Prometheus' text form.

    Of all processes where PROMETHEUS_MULTIPROC_DIR names a folder they share, else of this one.
    """
    if SHARED not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return generate_latest(registry)
