"""What this browser looked at last: product ids in a signed cookie, and nowhere else. Nothing of it is stored."""

from __future__ import annotations

from uuid import UUID

from itsdangerous import BadSignature, URLSafeSerializer

from blueprints.http import cookies
from blueprints.http.cookies import Cookie
from quickshop.extensions import settings

KEPT = 9


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(settings().secret_key, salt="recently-viewed")


def _kept() -> list[str]:
    sent = cookies.read(Cookie.RECENT)
    try:
        return [str(i) for i in _signer().loads(sent)] if sent else []
    except BadSignature:
        return []


def seen(*, but: str) -> list[UUID]:
    """The products looked at, the last one first, without `but`."""
    return [UUID(i) for i in _kept() if i != but]


def note(product_id: str) -> None:
    """Remember that this product was looked at."""
    kept = [product_id, *(i for i in _kept() if i != product_id)][:KEPT]
    cookies.write(Cookie.RECENT, str(_signer().dumps(kept)))
