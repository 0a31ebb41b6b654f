"""The currency that the pages show in this browser: its cart's, remembered in a cookie."""

from __future__ import annotations

from blueprints.http import cookies
from blueprints.http.cookies import Cookie
from quickshop.extensions import settings


def shown_currency() -> str:
    """What prices are shown in: what this browser chose, as long as the shop takes it, else the shop's own."""
    kept = cookies.read(Cookie.CURRENCY)
    return kept if kept in settings().currencies else settings().base_currency


def show_in(currency: str) -> None:
    """Show prices in this currency from now on."""
    if currency != shown_currency() and currency in settings().currencies:
        cookies.write(Cookie.CURRENCY, currency)
