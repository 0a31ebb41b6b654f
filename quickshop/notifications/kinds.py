"""What kinds of messages there are: the topic each belongs to, which channels it is worth, where it leads. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Context = Mapping[str, Any]

ACCOUNT = "account"  # security and legal: always mailed, and by nothing else

_DELIVERY = frozenset(
    f"order.{what}"
    for what in (
        "packed", "shipped", "in_transit", "out_for_delivery", "delivered", "delivery_exception", "parcel_lost",
        "delivery_delayed",
    )
)  # fmt: skip
_TOPICS = {
    "order": "orders",
    "draft": "orders",
    "support": "support",
    "wishlist": "wishlist",
    "cart": "cart_reminders",
    "stock": "shop",
    "webhook": "shop",
    "account": ACCOUNT,
}
# Steps on the way that nobody waits for: they lie in the inbox and may be pushed, but are not worth a mail or a text.
_SLIGHT = frozenset(
    {"order.packed", "order.in_transit", "order.completed", "order.refund_requested", "order.return_withdrawn"}
)
# Somebody who may be no member asked for exactly this one: it is answered by mail alone, whatever was chosen.
_ASKED = frozenset({"wishlist.alert_asked"})


def topic_of(kind: str) -> str:
    """The topic of a kind, as in people's preferences."""
    return "delivery" if kind in _DELIVERY else _TOPICS[kind.partition(".")[0]]


def worth(kind: str, channel: str) -> bool:
    """Whether a kind is worth a channel at all."""
    if kind in _ASKED or topic_of(kind) == ACCOUNT:
        return channel == "email"
    return kind not in _SLIGHT or channel in ("inbox", "push")


def may_be_sent_again(kind: str) -> bool:
    """Whether staff may have it sent once more: nothing that opens an account, and nothing that was answered."""
    return kind not in _ASKED and topic_of(kind) != ACCOUNT


def _order(c: Context) -> str:
    return f"/orders/{c['number']}"


def _product(c: Context) -> str:
    return f"/products/{c['slug']}?variant={c['variant_id']}"


def _token(page: str) -> Callable[[Context], str]:
    return lambda c: f"{page}?token={c['token']}"


# By the kind, else by what stands before its first dot.
_PATHS: dict[str, Callable[[Context], str]] = {
    "order": _order,
    "draft": lambda c: str(c["page"]),
    "support": lambda c: str(c["page"]),
    "wishlist": _product,
    "wishlist.alert_asked": _token("/stock-alerts/confirm"),
    "cart": lambda c: str(c["page"]),
    "stock": lambda c: "/admin/stock",
    "webhook": lambda c: f"/admin/webhooks/{c['webhook_id']}",
    "account": lambda c: "/forgot-password",
    "account.verification_requested": _token("/verify-email"),
    "account.already_registered": lambda c: "/sign-in",
    "account.password_reset_requested": _token("/reset-password"),
    "account.email_change_requested": _token("/confirm-email"),
    "account.email_changed": lambda c: "",
}


def path_of(kind: str, context: Context) -> str:
    """The page that a message leads to, as a path of the shop."""
    return (_PATHS.get(kind) or _PATHS[kind.partition(".")[0]])(context)


def words_of(kind: str, context: Context) -> str:
    """Which words a message has: most kinds have one set, some another for a part, or for a reason."""
    data = context.get("data") or {}
    if kind in ("order.shipped", "order.delivered") and data.get("whole") is False:
        return f"{kind}.part"
    if kind == "order.on_hold" and data.get("reason") == "shopper_confirmation":
        return "order.on_hold.shopper"
    if kind == "order.on_hold" and data.get("reason") == "staff":
        return "order.held"
    if kind == "stock.low_found" and context.get("count", 1) > 1:
        return "stock.low_found.many"
    return kind
