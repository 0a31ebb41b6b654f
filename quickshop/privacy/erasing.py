"""Erasing a person: their key is destroyed, what nobody needs is deleted, what law wants kept names nobody.

All of it is one transaction. Locks are taken in the order of checkout and of an order's moves: cart, person, orders,
sessions and cards, account; so whoever is at work on any of these comes wholly before the erasure or wholly after it,
and afterwards finds that there is no such account.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

from quickshop.accounts import roles, sessions
from quickshop.accounts.callers import Caller
from quickshop.accounts.permissions import Permission
from quickshop.inventory import service as inventory
from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders.states import Status
from quickshop.payments import methods
from quickshop.privacy import subjects
from quickshop.privacy.errors import OrdersUnderWay
from quickshop.privacy.map import MAP, Erasure, Holding
from quickshop.privacy.subjects import Subject
from quickshop.returns.states import OPEN
from quickshop.reviews import service as reviews
from quickshop.security import audit, lockout
from quickshop.wishlists import alerts

# Work still needs the address or the card of these, or a person has to look at them.
UNDER_WAY = (Status.PLACED, Status.PROCESSING, Status.ON_HOLD)
# Also what is paid and has not arrived, unless its money went back, and what is on its way back.
_UNDER_WAY = """(o.status = ANY(:under_way) OR (o.status = 'confirmed' AND o.payment_status <> 'refunded')
    OR EXISTS (SELECT FROM order_processing w WHERE w.order_id = o.id AND w.step <> 'done')
    OR EXISTS (SELECT FROM returns r WHERE r.order_id = o.id AND r.state = ANY(:returning)))"""


def erase_account(user_id: UUID) -> None:
    """Erase an account at its owner's wish. Runs its own unit.

    Raises NotFound for nobody or an erased person, OrdersUnderWay, LastKeeper.
    """
    _run(lambda: _erase(subjects.of_user(user_id)))


def erase_customer(by: Caller, user_id: UUID) -> None:
    """Erase an account on behalf of its owner. Runs its own unit.

    Raises as erase_account, and PermissionNotHeld where they may do something that `by` may not.
    """

    def work() -> list[UUID]:
        roles.check_held(by, roles.permissions_of(user_id))
        return _erase(subjects.of_user(user_id))

    _run(work)


def erase_guest(number: str) -> None:
    """Erase the guest of an order, with their other orders of the same address; again changes nothing.

    Runs its own unit. Raises NotFound, OrderOfMember, OrdersUnderWay.
    """
    _run(lambda: _erase(subjects.of_guest_order(number)))


def under_way(user_id: UUID) -> list[str]:
    """The numbers of the account's orders that keep it from being erased now."""
    return [row.number for row in _orders(subjects.of_user(user_id)) if row.under_way]


def _run(work: Callable[[], list[UUID]]) -> None:
    # Looked up again only after the commit: before it they would be found alive once more.
    sessions.forget(*run_unit(work))


def _erase(who: Subject) -> list[UUID]:
    """Do it; the sessions that ended. Writes; the caller commits."""
    if not who.keys:
        return []
    who, ended = _lock(who)
    keeps = _keeps_roles(who)
    _clear_by_verbs(who)
    for name, holding in MAP.items():
        _erase_table(name, holding, who)
    if keeps:
        roles.check_keeper()
    target = f"user:{who.user_id}" if who.user_id else f"person:{next(iter(who.keys))}"
    audit.record("account.erased", target=target, data={"orders": len(who.orders)})
    return ended


def _lock(who: Subject) -> tuple[Subject, list[UUID]]:
    """Take the locks, in their order; the person with the orders of now, and their sessions.

    Raises NotFound where somebody else was quicker, OrdersUnderWay.
    """
    params = who.params()
    for cart in db.rows("SELECT id FROM carts WHERE user_id = :user AND state = 'active' FOR UPDATE", **params):
        inventory.release_cart_hold(cart.id)
    persons = db.rows(
        "SELECT id FROM persons WHERE id = ANY(:persons) AND wrapped_key IS NOT NULL ORDER BY id FOR UPDATE", **params
    )
    if len(persons) < len(who.keys):
        raise NotFound("account")
    db.run("SELECT 1 FROM orders WHERE user_id = :user OR id = ANY(:orders) ORDER BY id FOR UPDATE", **params)
    orders = _orders(who)
    waiting = [order.number for order in orders if order.under_way]
    if waiting:
        raise OrdersUnderWay(waiting)
    db.run(
        "SELECT 1 FROM refresh_tokens WHERE session_id IN (SELECT id FROM sessions WHERE user_id = :user)"
        " ORDER BY token_hash FOR UPDATE",
        **params,
    )
    ended = db.rows("SELECT id FROM sessions WHERE user_id = :user ORDER BY id FOR UPDATE", **params)
    db.run("SELECT 1 FROM payment_methods WHERE user_id = :user ORDER BY id FOR UPDATE", **params)
    # From here on nobody else writes anything that refers to the account.
    db.run("SELECT 1 FROM users WHERE id = :user FOR UPDATE", **params)
    return replace(who, orders=[order.id for order in orders]), [session.id for session in ended]


def _orders(who: Subject) -> list[Any]:
    """All orders of the person: those read before, and those that were placed meanwhile."""
    return db.rows(
        f"SELECT o.id, o.number, {_UNDER_WAY} AS under_way"
        " FROM orders o WHERE o.user_id = :user OR o.id = ANY(:orders) ORDER BY o.id",
        **who.params(),
        under_way=[str(status) for status in UNDER_WAY],
        returning=[str(state) for state in OPEN],
    )


def _keeps_roles(who: Subject) -> bool:
    """Whether the person may give roles; then takings of that right wait for each other until the commit."""
    if who.user_id is None or Permission.ROLES_WRITE not in roles.permissions_of(who.user_id):
        return False
    roles.keep_order()
    return True


def _clear_by_verbs(who: Subject) -> None:
    if who.user_id is not None:
        reviews.forget_author(who.user_id)
        methods.leave_all(who.user_id)
        if db.scalar("SELECT email_verified_at IS NOT NULL FROM users WHERE id = :user", user=who.user_id):
            for login in who.logins:
                if "@" in login:
                    alerts.forget_guest(login)
    for login in who.logins:
        lockout.clear(lockout.ACCOUNT, login)
        lockout.clear(lockout.SECOND_FACTOR, login)


def _erase_table(name: str, holding: Holding, who: Subject) -> None:
    if holding.erasure is Erasure.DELETED:
        db.run(f"DELETE FROM {name} WHERE {holding.rows}", **who.params())
    elif holding.erasure is Erasure.CHANGED:
        changes = ", ".join(f"{column} = {value}" for column, value in holding.blanked.items())
        db.run(f"UPDATE {name} SET {changes} WHERE {holding.rows}", **who.params())
