"""The security headers that every answer carries; the border puts them on."""

from __future__ import annotations

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
