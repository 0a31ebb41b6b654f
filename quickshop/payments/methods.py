"""Cards that a member keeps at the provider: by their token alone, sealed, with what may be shown of them.

Locks are taken in the order cards, member. Removing a card needs to see orders and lives in orders/saved_cards.py.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from quickshop.accounts import log, users
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.crypto import blind_index
from quickshop.kernel.errors import Invalid, NotFound, Unavailable
from quickshop.kernel.events import Fact
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.payments import forgetting
from quickshop.payments.errors import AlreadySaved, TooManyMethods
from quickshop.payments.gateways.port import AnswerState, StoredCard
from quickshop.payments.gateways.registry import gateway_for
from quickshop.payments.rules import is_token

MOST_METHODS = 20
_SELECT = """
SELECT id, brand, last4, exp_month, exp_year, is_default, created_at FROM payment_methods WHERE user_id = :user
"""


# --- reads ---------------------------------------------------------------------------------------------


def payment_methods(user_id: UUID) -> list[dict[str, Any]]:
    """A member's cards: the default first, then the newest. Tokens are not among what is told."""
    rows = db.rows(f"{_SELECT} ORDER BY is_default DESC, created_at DESC, id DESC", user=user_id)
    return [_document(row) for row in rows]


def payment_method(user_id: UUID, method_id: UUID) -> dict[str, Any]:
    """One card. Raises NotFound, also for another's."""
    row = db.row(f"{_SELECT} AND id = :id", user=user_id, id=method_id)
    if row is None:
        raise NotFound("payment method")
    return _document(row)


def token_to_pay(user_id: UUID, method_id: UUID) -> str:
    """The token of a member's card, which cannot be removed until this unit is over.

    Raises NotFound, and Invalid for a card that is kept at a provider that takes no payments any more.
    """
    row = db.row(
        "SELECT token, provider FROM payment_methods WHERE user_id = :user AND id = :id FOR KEY SHARE",
        user=user_id,
        id=method_id,
    )
    found = users.by_id(user_id)
    if row is None or found is None:
        raise NotFound("payment method")
    if row.provider != settings().payment_provider:
        raise Invalid({"payment": ["This card was saved with another payment provider. Please add it again."]})
    return str(found.person.unseal(row.token, place(method_id)))


def kept_at(user_id: UUID, method_id: UUID) -> tuple[str, str]:
    """The provider that keeps a member's card, and the token it is kept under. Raises NotFound."""
    row = db.row(
        "SELECT provider, token FROM payment_methods WHERE user_id = :user AND id = :id", user=user_id, id=method_id
    )
    found = users.by_id(user_id)
    if row is None or found is None:
        raise NotFound("payment method")
    return row.provider, str(found.person.unseal(row.token, place(method_id)))


def leave_all(user_id: UUID) -> None:
    """Leave all cards of a member to be forgotten by their providers. Writes; the caller commits, and deletes them."""
    rows = db.rows("SELECT id, provider, token FROM payment_methods WHERE user_id = :user ORDER BY id", user=user_id)
    found = users.by_id(user_id)
    if found is not None:
        for row in rows:
            forgetting.leave(row.provider, str(found.person.unseal(row.token, place(row.id))))


def place(method_id: UUID) -> str:
    """The place that a sealed token is bound to."""
    return f"payment_methods/token/{method_id}"


def token_index(token: str) -> bytes:
    """The blind index of a token."""
    return blind_index(settings().index_key, "payment_token", token)


# --- verbs ---------------------------------------------------------------------------------------------


def save_method(user_id: UUID, token: str) -> UUID:
    """Keep a card by its token; the first becomes the default. Runs its own units, around the call to the provider.

    Raises Invalid (no token, or none that the provider knows), AlreadySaved, TooManyMethods, Unavailable. Facts:
    account.payment_method_added.
    """
    if not is_token(token):
        raise Invalid({"token": ["Not a payment token. A card number must never be sent to the shop."]})
    with reading():
        _refuse_known(user_id, token)
        beside = _another(user_id)
    card = _kept(token, beside)
    return run_unit(lambda: _write(user_id, token, card))


def make_default(user_id: UUID, method_id: UUID) -> None:
    """Pay with this card unless something else is said. Writes; the caller commits.

    Raises NotFound. Facts: account.payment_method_changed, where it was not the default already.
    """
    lock(user_id)
    if payment_method(user_id, method_id)["default"]:
        return
    # Taken from the old one first: the index allows no second, not even for a moment.
    db.run("UPDATE payment_methods SET is_default = false WHERE user_id = :user AND is_default", user=user_id)
    db.run("UPDATE payment_methods SET is_default = true WHERE id = :id", id=method_id)
    tell(user_id, "account.payment_method_changed", method_id)


def drop(user_id: UUID, method_id: UUID) -> None:
    """Forget a card that no unpaid order uses; the default passes to the newest one left. Writes; the caller commits.

    The caller holds the lock. Raises NotFound. Facts: account.payment_method_removed.
    """
    gone = db.row(
        "DELETE FROM payment_methods WHERE user_id = :user AND id = :id RETURNING is_default",
        user=user_id,
        id=method_id,
    )
    if gone is None:
        raise NotFound("payment method")
    if gone.is_default:
        db.run(
            """
            UPDATE payment_methods SET is_default = true WHERE id =
                (SELECT id FROM payment_methods WHERE user_id = :user ORDER BY created_at DESC, id DESC LIMIT 1)
            """,
            user=user_id,
        )
    tell(user_id, "account.payment_method_removed", method_id)


def lock(user_id: UUID) -> None:
    """Lock a member's cards in the order of their ids: one change at a time, so that one of them is the default."""
    db.run("SELECT 1 FROM payment_methods WHERE user_id = :user ORDER BY id FOR UPDATE", user=user_id)


def tell(user_id: UUID, fact: str, method_id: UUID) -> None:
    """Write a fact of a card to the account's log."""
    log.append(user_id, [Fact(fact, {"id": str(method_id)})])


# --- inside --------------------------------------------------------------------------------------------


def _refuse_known(user_id: UUID, token: str) -> None:
    known = [
        bytes(row.token_index)
        for row in db.rows("SELECT token_index FROM payment_methods WHERE user_id = :user", user=user_id)
    ]
    if token_index(token) in known:
        raise AlreadySaved("You have saved this card before.")
    if len(known) >= MOST_METHODS:
        raise TooManyMethods(f"An account keeps {MOST_METHODS} cards at most; remove one first.")


def _another(user_id: UUID) -> str | None:
    """The token of another card that the member keeps at the provider in force: some keep all cards of one person."""
    row = db.row(
        "SELECT id, token FROM payment_methods WHERE user_id = :user AND provider = :provider ORDER BY id LIMIT 1",
        user=user_id,
        provider=settings().payment_provider,
    )
    found = users.by_id(user_id)
    return str(found.person.unseal(row.token, place(row.id))) if row is not None and found is not None else None


def _kept(token: str, beside: str | None) -> StoredCard:
    """The card as the provider keeps it for later payments."""
    answer = gateway_for(settings().payment_provider, settings()).keep(token, beside)
    if answer.card is not None:
        return answer.card
    if answer.state is AnswerState.NOT_FOUND:
        raise Invalid({"token": ["The payment provider does not know this card."]})
    raise Unavailable("The payment provider does not answer; nothing was saved. Please try again in a moment.")


def _write(user_id: UUID, token: str, card: StoredCard) -> UUID:
    lock(user_id)
    # A member without any card has none to lock.
    users.lock(user_id)
    person = users.known(user_id).person
    _refuse_known(user_id, token)
    method_id = new_id()
    db.run(
        """
        INSERT INTO payment_methods (id, user_id, provider, token, token_index, brand, last4, exp_month, exp_year,
                                     is_default)
        VALUES (:id, :user, :provider, :token, :index, :brand, :last4, :month, :year,
                NOT EXISTS (SELECT 1 FROM payment_methods WHERE user_id = :user))
        """,
        id=method_id,
        user=user_id,
        provider=settings().payment_provider,
        token=person.seal(card.token or token, place(method_id)),
        index=token_index(token),
        brand=card.brand,
        last4=card.last4,
        month=card.exp_month,
        year=card.exp_year,
    )
    tell(user_id, "account.payment_method_added", method_id)
    return method_id


def _document(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "brand": row.brand,
        "last4": row.last4,
        "exp_month": row.exp_month,
        "exp_year": row.exp_year,
        "default": row.is_default,
        "created_at": rfc3339(row.created_at),
    }
