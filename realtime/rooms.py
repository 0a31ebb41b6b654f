"""Topics: what each name means, who may follow it, and where its log is. Nothing is joined without asking."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from quickshop.accounts import log as account_log
from quickshop.accounts.permissions import Permission
from quickshop.cart.live import follow
from quickshop.cart.refs import cart_of_token
from quickshop.kernel.errors import NotFound
from quickshop.kernel.ids import parse_id
from quickshop.kernel.unit_of_work import run_unit
from quickshop.monitoring import live
from quickshop.orders import queries as orders
from quickshop.support.holders import ticket_of_token
from quickshop.support.telling import topic as ticket_topic
from realtime.auth import Principal

PUBLIC, ADMIN = "/", "/admin"
# Whoever may open the namespace may read metrics; a topic may ask for more.
ADMIN_TOPICS = {
    "metrics": Permission.METRICS_READ,
    "orders": Permission.METRICS_READ,
    "queues": Permission.METRICS_READ,
    "errors": Permission.METRICS_READ,
    "imports": Permission.CATALOG_WRITE,
    "tickets": Permission.TICKETS_WRITE,
}


@dataclass(frozen=True)
class Room:
    """A topic as the bus names it and as the client does; `kind` and `id` say whose log it has, if it has one.

    `state` says that it has a present state instead, which is shown to whoever begins to follow it.
    """

    topic: str
    shown: str
    kind: str | None = None
    id: UUID | None = None
    state: str | None = None


@dataclass(frozen=True)
class Log:
    """How a kind of log is read: entries after a seq, and the last seq of many logs at once."""

    read: Callable[[UUID, int, int], list[dict[str, Any]]]
    heads: Callable[[Any], dict[UUID, int]]


LOGS = {
    "order": Log(orders.order_log, live.order_heads),
    "account": Log(account_log.read, live.account_heads),
}


# How the present state of many topics of a kind is read, as frames, and what a frame tells of.
STATES = {"product": live.product_frames}
WHAT_OF = live.what_of


def open_room(namespace: str, principal: Principal, topic: str) -> tuple[Room, int | None]:
    """The room of a topic and its log's last seq (None without a log), if this principal may follow it.

    Raises NotFound for what does not exist or may not be known, Unauthenticated, Forbidden.
    """
    if namespace == ADMIN:
        return _admin_room(principal, topic)
    kind, _, rest = topic.partition(":")
    if topic == "account":
        user_id = principal.caller.member_id()
        room = Room(account_log.topic(user_id), topic, "account", user_id)
        return room, account_log.latest(user_id)
    if kind == "order" and rest:
        order_id, latest = orders.find_order(rest, principal.viewer())
        return Room(topic, topic, "order", order_id), latest
    if kind == "cart" and rest:
        cart_id = cart_of_token(rest)
        if cart_id is None:
            raise NotFound("cart")
        run_unit(lambda: follow(cart_id))  # from now on its changes are told
        return Room(f"cart:{cart_id}", topic), None
    if kind == "ticket" and rest:
        ticket_id = ticket_of_token(rest)
        if ticket_id is None:
            raise NotFound("ticket")
        return Room(ticket_topic(ticket_id), topic), None
    if kind == "product" and rest:
        product_id = parse_id(rest, "product")
        if not live.product_exists(product_id):
            raise NotFound("product")
        return Room(live.product_topic(product_id), topic, id=product_id, state="product"), None
    raise NotFound("topic")


def _admin_room(principal: Principal, topic: str) -> tuple[Room, None]:
    principal.caller.require(Permission.METRICS_READ)
    if topic not in ADMIN_TOPICS:
        raise NotFound("topic")
    principal.caller.require(ADMIN_TOPICS[topic])
    return Room(f"admin:{topic}", topic), None
