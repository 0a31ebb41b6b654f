"""Whose work is in hand: request id, actor and network, set by an edge or a task.

They are written beside what the work records: the id beside every fact, all three in the audit log."""

from __future__ import annotations

from contextvars import ContextVar

SYSTEM = "system"

_request_id: ContextVar[str | None] = ContextVar("quickshop_request_id", default=None)
_actor: ContextVar[str] = ContextVar("quickshop_actor", default=SYSTEM)
_network: ContextVar[str | None] = ContextVar("quickshop_network", default=None)


def request_id() -> str | None:
    """The id of the request that caused the present work, or None outside of one."""
    return _request_id.get()


def set_request_id(value: str | None) -> None:
    """Say which request the work of this thread or greenlet belongs to from now on."""
    _request_id.set(value)


def actor() -> str:
    """Who acts: `user:ID`, `key:ID`, `anonymous`, or `system` for tasks and commands."""
    return _actor.get()


def network() -> str | None:
    """The network the request came from (never the whole address), or None."""
    return _network.get()


def set_actor(actor: str, network: str | None = None) -> None:
    """Say who acts from now on in this thread or greenlet."""
    _actor.set(actor)
    _network.set(network)
