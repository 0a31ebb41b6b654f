"""Whose data it is about: an account with all that belongs to it, or the guest of some orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from quickshop.accounts import users
from quickshop.accounts.people import PersonKey, email_index, person_key
from quickshop.cart.refs import CartRef
from quickshop.kernel import db
from quickshop.kernel.crypto import digest
from quickshop.kernel.errors import NotFound
from quickshop.orders.viewers import order_token
from quickshop.privacy.errors import OrderOfMember
from quickshop.support import queries as support


@dataclass(frozen=True)
class Subject:
    """Somebody the shop knows: the account (None for a guest), the keys that seal what is theirs, and their orders."""

    user_id: UUID | None
    keys: Mapping[UUID, PersonKey]
    orders: Sequence[UUID]
    callers: Sequence[str]
    # The account's own key, and what somebody may type to sign in.
    own: PersonKey | None = None
    logins: Sequence[str] = ()

    def params(self) -> dict[str, Any]:
        """The parameters of the conditions in `map`."""
        return {
            "user": self.user_id,
            "persons": list(self.keys),
            "person_texts": [str(person) for person in self.keys],
            "orders": list(self.orders),
            "callers": list(self.callers),
        }


_ORDERS = """
SELECT o.id, o.cart_id, o.person_id, o.caller, p.key_id, p.wrapped_key
FROM orders o JOIN persons p ON p.id = o.person_id WHERE {which} ORDER BY o.id
"""


def of_user(user_id: UUID) -> Subject:
    """An account, with what its address ordered and asked as a guest, where the address is proven to be theirs.

    Raises NotFound for nobody or an erased person.
    """
    found = users.by_id(user_id)
    if found is None:
        raise NotFound("account")
    email = found.opened("email")
    orders = db.rows(_ORDERS.format(which="o.user_id = :user"), user=user_id)
    keys = [found.person]
    if found.row.email_verified_at is not None:
        orders += _of_guest(f"guest:{email_index(email).hex()}")
        keys += support.persons_of_address(email)
    return Subject(
        user_id=user_id,
        keys={**{person.id: person for person in keys}, **_keys(orders)},
        orders=[order.id for order in orders],
        callers=[f"user:{user_id}", *_callers(orders)],
        own=found.person,
        logins=(str(user_id), email, found.row.username),
    )


def of_guest_order(number: str) -> Subject:
    """The guest of an order, with all orders of the same address. Raises NotFound, OrderOfMember."""
    order = db.row("SELECT user_id, caller FROM orders WHERE number = :number", number=number)
    if order is None:
        raise NotFound("order")
    if order.user_id is not None:
        raise OrderOfMember
    orders = _of_guest(order.caller)
    return Subject(None, _keys(orders), [found.id for found in orders], _callers(orders))


def _of_guest(caller: str) -> list[Any]:
    # No index: this is asked for once in a person's life, and orders are written all the time.
    return db.rows(_ORDERS.format(which="o.caller = :caller AND o.user_id IS NULL"), caller=caller)


def _keys(orders: Sequence[Any]) -> dict[UUID, PersonKey]:
    return {
        order.person_id: person_key(order.person_id, order.key_id, order.wrapped_key)
        for order in orders
        if order.wrapped_key is not None
    }


def _callers(orders: Sequence[Any]) -> list[str]:
    """Under which names answers to calls about these orders are kept, by the API and by the pages."""
    names = []
    for order in orders:
        names += [f"order:{order.id}", f"order:{digest(order_token(order.id)).hex()}"]
        names += [f"cart:{order.cart_id}", f"cart:{digest(CartRef(order.cart_id, None).token).hex()}"]
    return names
