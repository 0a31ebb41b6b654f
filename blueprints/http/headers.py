"""The security headers that every answer carries; the border puts them on."""

from __future__ import annotations

from urllib.parse import urlsplit

from quickshop.config import Settings

Headers = list[tuple[str, str]]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


# Where Stripe's own card form comes from and whom it asks; the card number goes there and nowhere else.
_STRIPE_SCRIPTS = "https://js.stripe.com https://*.js.stripe.com"
_STRIPE_FRAMES = "https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com"
_STRIPE_CALLS = "https://api.stripe.com"


def content_security_policy(settings: Settings) -> str:
    """Only our own files run, and Stripe's card form where it takes the payments.

    The payment provider may be called for card tokens and redirected to.
    """
    socket = _origin(settings.public_url).replace("http", "ws", 1)
    gateway = f" {_origin(settings.gateway_url)}" if settings.gateway_url else ""
    stripe = settings.payment_provider == "stripe"
    rules = [
        "default-src 'self'",
        "base-uri 'none'",
        "object-src 'none'",
        "frame-ancestors 'none'",
        f"form-action 'self'{gateway}",
        f"connect-src 'self' {socket}{gateway}" + (f" {_STRIPE_CALLS}" if stripe else ""),
        "img-src 'self' data:",
    ]
    if stripe:
        rules += [f"script-src 'self' {_STRIPE_SCRIPTS}", f"frame-src {_STRIPE_FRAMES}"]
    return "; ".join(rules)


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
