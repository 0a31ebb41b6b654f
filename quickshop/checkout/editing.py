"""Editing an order before it is packed. Goods that are added are an order of their own, paid by its link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from quickshop.checkout import drafts
from quickshop.checkout.drafts import NewDraft
from quickshop.orders import editing
from quickshop.orders.refunds import Given


def edit(
    number: str,
    quantities: Mapping[int, int],
    shipping_address: Mapping[str, Any] | None,
    added: Mapping[UUID, int],
    staff_id: UUID | None,
    request_id: str | None,
) -> tuple[Given | None, dict[str, Any] | None]:
    """Let fewer units come, change the address, add goods: what goes back, and the draft of what is to be paid more.

    The added goods travel with the rest and cost no shipping. Writes; the caller commits. Raises as
    `orders.editing.edit` and `drafts.make`. Records `order.edited`.
    """
    given = editing.edit(number, quantities, shipping_address, request_id, adds=bool(added))
    if not added:
        return given, None
    return given, drafts.make(NewDraft(added, for_order=number, free_shipping=True), staff_id)
