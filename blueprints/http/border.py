"""The WSGI border: each request gets its id here, and each answer its headers and its measurement.

It stands outside of everything else, so that files, errors and crashes pass it too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from blueprints.http import request_id, timing
from blueprints.http.headers import Headers, fixed_headers
from quickshop.config import Settings
from quickshop.kernel import tracing

ROUTE = "quickshop.route"
EXTRA = "quickshop.headers"
# Who acts until the caller is known: a connection's greenlet must not keep the last request's.
NOBODY = "anonymous"


class Border:
    """Middleware. The application leaves the rule it matched in `environ[ROUTE]`, more headers in `environ[EXTRA]`."""

    def __init__(self, app: Callable[..., Iterable[bytes]], settings: Settings) -> None:
        self._app = app
        self._fixed = [(name.lower(), (name, value)) for name, value in fixed_headers(settings)]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        began = time.perf_counter()
        ours = request_id.begin(environ.get("HTTP_X_REQUEST_ID"))
        tracing.set_actor(NOBODY)
        environ[EXTRA] = extra = [(request_id.HEADER, ours)]

        def start(status: str, headers: Headers, *more: Any) -> Any:
            there = {name.lower() for name, _ in headers}
            headers.extend(pair for name, pair in self._fixed if name not in there)
            headers.extend(extra)
            if "cache-control" not in there:
                # Whatever does not say how it may be cached must not be stored at all.
                headers.append(("Cache-Control", "no-store"))
            seconds = time.perf_counter() - began
            timing.observe(environ["REQUEST_METHOD"], environ.get(ROUTE, "none"), status[:3], seconds)
            return start_response(status, headers, *more)

        return self._app(environ, start)
