"""The request id of the work in hand: set by an edge or a task, written beside every fact that the work records."""

from __future__ import annotations

from contextvars import ContextVar

_request_id: ContextVar[str | None] = ContextVar("quickshop_request_id", default=None)


def request_id() -> str | None:
    """The id of the request that caused the present work, or None outside of one."""
    return _request_id.get()


def set_request_id(value: str | None) -> None:
    """Say which request the work of this thread or greenlet belongs to from now on."""
    _request_id.set(value)
