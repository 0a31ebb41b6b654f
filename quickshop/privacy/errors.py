"""What keeps an account from being erased."""

from __future__ import annotations

from collections.abc import Sequence

from quickshop.kernel.errors import Conflict, Forbidden


class OrdersUnderWay(Conflict):
    """Orders still need the person; `orders` are their numbers."""

    code, title = "orders_under_way", "Orders are still under way"

    def __init__(self, numbers: Sequence[str]) -> None:
        shown = ", ".join(numbers[:5]) + (" and more" if len(numbers) > 5 else "")
        super().__init__(f"Wait until these are finished, or cancel them: {shown}.", orders=list(numbers))


class LastKeeper(Conflict):
    """Afterwards nobody who can sign in would be able to give roles."""

    code, title = "last_roles_keeper", "Somebody must be able to give roles"

    def __init__(self) -> None:
        super().__init__("Nobody else who can sign in holds roles:write; give it to somebody first.")


class HoldsMore(Forbidden):
    """Staff would erase somebody who may do more than they."""

    code, title = "permission_not_held", "They may do more than you"

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(f"You do not hold {', '.join(missing)} yourself.", permissions=list(missing))


class OrderOfMember(Conflict):
    """The order belongs to an account, which is erased as a whole or not at all."""

    code, title = "order_of_member", "This order belongs to an account"

    def __init__(self) -> None:
        super().__init__("Erase the customer's account instead; their orders go with it.")
