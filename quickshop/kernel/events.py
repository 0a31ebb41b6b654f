"""Facts of a log: what happened, as one entry of an order's or an account's log, in the form clients see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from quickshop.kernel.clock import rfc3339


@dataclass(frozen=True)
class Fact:
    """Something that happened: a type in the past tense (`order.placed`) and small data without secrets.

    `consumers` names the rooms that must take the fact later, each at least once.
    """

    type: str
    data: Mapping[str, Any] = field(default_factory=dict)
    consumers: tuple[str, ...] = ()


def entry(seq: int, type_: str, at: datetime, data: Mapping[str, Any], request_id: str | None) -> dict[str, Any]:
    """A log entry as REST and the socket give it."""
    return {"seq": seq, "type": type_, "at": rfc3339(at), "data": dict(data), "request_id": request_id}
