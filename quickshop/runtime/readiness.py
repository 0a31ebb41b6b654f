"""Asks a running shop, over HTTP, whether it is ready."""

from __future__ import annotations

import http.client


def is_ready(port: int) -> bool:
    """Whether `/readyz` on this machine answers 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/readyz", headers={"Connection": "close"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
