"""What keeps an account from being erased."""

from __future__ import annotations

from collections.abc import Sequence

from quickshop.kernel.errors import Conflict


class OrdersUnderWay(Conflict):
    """Orders still need the person; `orders` are their numbers."""

    code, title = "orders_under_way", "Orders are still under way"

    def __init__(self, numbers: Sequence[str]) -> None:
        shown = ", ".join(numbers[:5]) + (" and more" if len(numbers) > 5 else "")
        super().__init__(f"Wait until these are finished, or cancel them: {shown}.", orders=list(numbers))


class OrderOfMember(Conflict):
    """The order belongs to an account, which is erased as a whole or not at all."""

    code, title = "order_of_member", "This order belongs to an account"

    def __init__(self) -> None:
        super().__init__("Erase the customer's account instead; their orders go with it.")
