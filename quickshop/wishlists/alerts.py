"""Asking to be told, once, when a variant can be had again. A guest's address counts once its owner followed a link.

Whether something can be had is looked at under a share lock of its stock: whoever restocks it comes before, and is
seen, or after, and finds the alert.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from quickshop.accounts import mailing
from quickshop.accounts.errors import LinkInvalid
from quickshop.accounts.people import email_index, load_person, make_key
from quickshop.kernel import db, facts
from quickshop.kernel.clock import now
from quickshop.kernel.crypto import digest
from quickshop.kernel.errors import NotFound
from quickshop.kernel.ids import new_id
from quickshop.wishlists.errors import InStock, TooManyAlerts

MOST_OF_MEMBER = 200
# A stranger's address may be typed in by anybody: so many links a day at most, and not two in a minute for one thing.
MOST_LINKS_A_DAY = 5
LINK_LIFE = timedelta(hours=48)
COOL_DOWN = timedelta(seconds=60)
KEEP_TOLD = timedelta(days=30)

CONFIRM_ASKED = "wishlist.alert_asked"
CONSUMER, BACK_IN_STOCK = "wishlists", "inventory.back_in_stock"

_VARIANT = """
SELECT v.id, v.options, p.name, p.slug, s.on_hand - s.held AS available
FROM variants v JOIN products p ON p.id = v.product_id JOIN stock_items s ON s.variant_id = v.id
WHERE v.id = :variant AND p.published_at <= now() {more} FOR SHARE OF s
"""


def place(alert_id: UUID) -> str:
    """The place that a guest's address is sealed for."""
    return f"stock_alerts/email/{alert_id}"


def described(name: str, options: dict[str, str]) -> str:
    """A variant in words: "Morning Mug (red)"."""
    return f"{name} ({', '.join(options.values())})" if options else name


def _sold_out(product_id: UUID, variant_id: UUID) -> Any:
    """The variant, which cannot be had now. Raises NotFound, InStock."""
    found = db.row(_VARIANT.format(more="AND p.id = :product"), variant=variant_id, product=product_id)
    if found is None:
        raise NotFound("variant")
    if found.available > 0:
        raise InStock
    return found


def ask_as_member(user_id: UUID, product_id: UUID, variant_id: UUID) -> None:
    """Let a member wait for a variant; again changes nothing. They are told at their own verified address.

    Raises NotFound, InStock, TooManyAlerts. Writes; the caller commits.
    """
    _sold_out(product_id, variant_id)
    done = db.run(
        """
        WITH made AS (
            INSERT INTO stock_alerts (id, variant_id, user_id, state, asked_at)
            VALUES (:id, :variant, :user, 'waiting', :at)
            ON CONFLICT (user_id, variant_id) WHERE user_id IS NOT NULL AND state <> 'told' DO NOTHING RETURNING 1
        )
        SELECT (SELECT count(*) FROM made) AS made,
               (SELECT count(*) FROM stock_alerts WHERE user_id = :user AND state = 'waiting') AS before
        """,
        id=new_id(),
        variant=variant_id,
        user=user_id,
        at=now(),
    ).one()
    if done.made and done.before >= MOST_OF_MEMBER:
        raise TooManyAlerts(f"There is room for {MOST_OF_MEMBER} alerts.")


def cancel(user_id: UUID, variant_id: UUID) -> None:
    """Let a member wait no longer. Raises NotFound. Writes; the caller commits."""
    gone = db.run(
        "DELETE FROM stock_alerts WHERE user_id = :user AND variant_id = :variant AND state = 'waiting'",
        user=user_id,
        variant=variant_id,
    )
    if not gone.rowcount:
        raise NotFound("stock alert")


_ASK = """
WITH made AS (
    INSERT INTO stock_alerts (id, variant_id, person_id, email, email_index, token_hash, state, asked_at)
    VALUES (:id, :variant, :person, :email, :index, :hash, 'unconfirmed', :at)
    ON CONFLICT (email_index, variant_id) WHERE email_index IS NOT NULL AND state <> 'told' DO NOTHING
    RETURNING person_id
)
INSERT INTO persons (id, key_id, wrapped_key) SELECT person_id, :key_id, :wrapped FROM made RETURNING id
"""


def ask_as_guest(email: str, product_id: UUID, variant_id: UUID) -> None:
    """Mail a link to an address, which waits for the variant once the link was followed.

    Says nothing of what is known of the address: an alert that waits already, or too many links, send no mail.
    Raises NotFound, InStock. Writes; the caller commits.
    """
    variant = _sold_out(product_id, variant_id)
    index, at = email_index(email), now()
    links = db.scalar(
        "SELECT count(*) FROM stock_alerts WHERE email_index = :i AND state = 'unconfirmed' AND asked_at > :since",
        i=index,
        since=at - timedelta(days=1),
    )
    if links >= MOST_LINKS_A_DAY:
        return
    (person, wrapped), alert_id, token = make_key(), new_id(), secrets.token_urlsafe(32)
    made = db.scalar(
        _ASK,
        id=alert_id,
        variant=variant_id,
        person=person.id,
        email=person.seal(email.strip(), place(alert_id)),
        index=index,
        hash=digest(token),
        at=at,
        key_id=wrapped.key_id,
        wrapped=wrapped.wrapped,
    )
    if made is None:
        _mail_again(index, variant, token)
        return
    _mail_link(alert_id, person, email.strip(), variant, token)


def _mail_again(index: bytes, variant: Any, token: str) -> None:
    """Mail a new link in place of one that was not followed, at most once a minute."""
    at = now()
    again = db.row(
        "UPDATE stock_alerts SET token_hash = :hash, asked_at = :at WHERE email_index = :i AND variant_id = :variant"
        " AND state = 'unconfirmed' AND asked_at < :before RETURNING id, person_id, email",
        hash=digest(token),
        at=at,
        i=index,
        variant=variant.id,
        before=at - COOL_DOWN,
    )
    if again is not None:
        person = load_person(again.person_id)
        _mail_link(again.id, person, person.unseal(again.email, place(again.id)), variant, token)


def _mail_link(alert_id: UUID, person: Any, email: str, variant: Any, token: str) -> None:
    what = described(variant.name, variant.options)
    mailing.leave(CONFIRM_ASKED, alert_id, person, {"email": email, "product": what, "token": token})
    mailing.wake()


def confirm(token: str) -> dict[str, str]:
    """Take a mailed token as the wish of the address' owner; the product: {name, slug}. Raises LinkInvalid.

    Where the variant came back meanwhile, they are told at once. Writes; the caller commits.
    """
    found = db.row(
        "UPDATE stock_alerts SET state = 'waiting', token_hash = NULL"
        " WHERE token_hash = :hash AND state = 'unconfirmed' AND asked_at > :since RETURNING variant_id",
        hash=digest(token),
        since=now() - LINK_LIFE,
    )
    if found is None:
        raise LinkInvalid
    variant = db.row(_VARIANT.format(more=""), variant=found.variant_id)
    if variant is None:
        raise LinkInvalid
    if variant.available > 0:
        facts.leave(CONSUMER, BACK_IN_STOCK, {"variant_id": str(found.variant_id)})
    return {"name": described(variant.name, variant.options), "slug": variant.slug}


def prune() -> int:
    """Delete alerts that were told of a month ago, and links that nobody followed; how many.

    The guests' addresses go with them. Writes; the caller commits.
    """
    at = now()
    return db.run(
        "DELETE FROM stock_alerts WHERE (state = 'told' AND told_at < :told)"
        " OR (state = 'unconfirmed' AND asked_at < :asked)",
        told=at - KEEP_TOLD,
        asked=at - LINK_LIFE,
    ).rowcount


def forget_guest(email: str) -> int:
    """Delete every alert of an address, with its key; how many. For the erasure of a guest. Writes."""
    gone = db.rows("DELETE FROM stock_alerts WHERE email_index = :i RETURNING person_id", i=email_index(email))
    db.run(
        "UPDATE persons SET wrapped_key = NULL, key_id = NULL, erased_at = :at"
        " WHERE id = ANY(:ids) AND erased_at IS NULL",
        ids=[r.person_id for r in gone],
        at=now(),
    )
    return len(gone)
