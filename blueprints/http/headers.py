"""Security headers on every answer, errors and files included: put on at the WSGI border, where nothing gets past.

Whatever does not say how it may be cached must not be stored at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from quickshop.config import Settings

Headers = list[tuple[str, str]]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def content_security_policy(settings: Settings) -> str:
    """Only our own files run. The payment provider may be called for card tokens and redirected to."""
    socket = _origin(settings.public_url).replace("http", "ws", 1)
    gateway = _origin(settings.gateway_url)
    return "; ".join(
        (
            "default-src 'self'",
            "base-uri 'none'",
            "object-src 'none'",
            "frame-ancestors 'none'",
            f"form-action 'self' {gateway}",
            f"connect-src 'self' {socket} {gateway}",
            "img-src 'self' data:",
        )
    )


def fixed_headers(settings: Settings) -> Headers:
    """The headers that every answer carries."""
    fixed = [
        ("Content-Security-Policy", content_security_policy(settings)),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "strict-origin-when-cross-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
    ]
    if settings.secure_cookies:
        fixed.append(("Strict-Transport-Security", "max-age=63072000; includeSubDomains"))
    return fixed


class SecurityHeaders:
    """WSGI middleware that adds the headers an answer does not carry yet."""

    def __init__(self, app: Callable[..., Iterable[bytes]], settings: Settings) -> None:
        self._app = app
        self._fixed = [(name.lower(), (name, value)) for name, value in fixed_headers(settings)]

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: Headers, *more: Any) -> Any:
            there = {name.lower() for name, _ in headers}
            headers.extend(pair for name, pair in self._fixed if name not in there)
            if "cache-control" not in there:
                headers.append(("Cache-Control", "no-store"))
            return start_response(status, headers, *more)

        return self._app(environ, start)
