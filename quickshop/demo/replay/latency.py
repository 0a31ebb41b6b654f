"""How fast the shop was: orders a second, and from POST /orders to `confirmed`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from quickshop.demo.replay.reconcile import ShopOrder
from quickshop.demo.replay.state import Bought


@dataclass(frozen=True)
class Speed:
    """Figures of one run; seconds. `from_post` says whether waits begin at our POST or at the shop's `placed_at`."""

    orders: int
    seconds: float
    p50: float
    p95: float
    slowest: float
    from_post: bool

    @property
    def rate(self) -> float:
        """Orders placed and confirmed a second, from the first POST to the last confirmation."""
        return self.orders / self.seconds if self.seconds else 0.0


def moment(text: str) -> float:
    """An RFC 3339 time as seconds since the epoch."""
    return datetime.fromisoformat(text).timestamp()


def speed(placed: Sequence[Bought], orders: Sequence[ShopOrder], *, same_clock: bool) -> Speed | None:
    """The figures of what this run placed; None where nothing of it was confirmed.

    On the same machine waits are counted from the moment before POST /orders was sent to the order's
    `confirmed_at`; else, as clocks may differ, from its `placed_at`.
    """
    confirmed: Mapping[str, ShopOrder] = {o.number: o for o in orders if o.confirmed_at}
    spans = []
    for bought in placed:
        order = confirmed.get(bought.number or "")
        if order is not None and order.confirmed_at and bought.sent_at is not None:
            began = bought.sent_at if same_clock else moment(order.placed_at)
            spans.append((began, moment(order.confirmed_at)))
    if not spans:
        return None
    waits = sorted(end - began for began, end in spans)
    return Speed(
        orders=len(waits),
        seconds=max(end for _, end in spans) - min(began for began, _ in spans),
        p50=percentile(waits, 0.50),
        p95=percentile(waits, 0.95),
        slowest=waits[-1],
        from_post=same_clock,
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` of the ordered values do not exceed (nearest rank)."""
    return ordered[max(0, min(len(ordered), -int(-share * len(ordered) // 1)) - 1)]
