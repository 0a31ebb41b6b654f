"""The verbs of wishlists. What a member has of lists changes under the member's row lock, a list's items under its own.

Alerts on stock are in `alerts`; telling people, in `telling`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from quickshop.accounts import users
from quickshop.accounts.people import PersonKey
from quickshop.catalog.prices import PRICE_NOW
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.errors import Invalid, NotFound
from quickshop.kernel.ids import new_id
from quickshop.wishlists.errors import TooManyLists, WishlistFull

MOST_LISTS = 50
MOST_ITEMS = 500
LONGEST_NAME = 80
DEFAULT_NAME = "Wishlist"


def place(wishlist_id: UUID) -> str:
    """The place that a list's name is sealed for."""
    return f"wishlists/name/{wishlist_id}"


def _lists_of(user_id: UUID) -> list[Any]:
    return db.rows("SELECT id, is_default FROM wishlists WHERE user_id = :user ORDER BY id", user=user_id)


def create(user_id: UUID, name: str) -> UUID:
    """Make a list; its id. The first one is the default. Raises TooManyLists. Writes; the caller commits."""
    person, there = users.lock_with_key(user_id), _lists_of(user_id)
    if len(there) >= MOST_LISTS:
        raise TooManyLists(f"There is room for {MOST_LISTS} lists.")
    return _insert(user_id, person, name, default=not any(r.is_default for r in there))


def _insert(user_id: UUID, person: PersonKey, name: str, *, default: bool) -> UUID:
    wishlist_id, at = new_id(), now()
    db.run(
        "INSERT INTO wishlists (id, user_id, name, is_default, created_at, updated_at)"
        " VALUES (:id, :user, :name, :default, :at, :at)",
        id=wishlist_id,
        user=user_id,
        name=person.seal(name, place(wishlist_id)),
        default=default,
        at=at,
    )
    return wishlist_id


def default_list(user_id: UUID) -> UUID:
    """The member's default list, made where there is none. Raises TooManyLists. Writes; the caller commits."""
    found: UUID | None = db.scalar("SELECT id FROM wishlists WHERE user_id = :user AND is_default", user=user_id)
    if found is not None:
        return found
    person, there = users.lock_with_key(user_id), _lists_of(user_id)
    for row in there:
        if row.is_default:
            return UUID(str(row.id))
    if len(there) >= MOST_LISTS:
        raise TooManyLists(f"There is room for {MOST_LISTS} lists.")
    return _insert(user_id, person, DEFAULT_NAME, default=True)


def change(user_id: UUID, wishlist_id: UUID, changes: Mapping[str, Any]) -> None:
    """Set some of name, shared, price_alerts, default (True only: another list must take its place).

    A list that is shared anew gets another link; the old ones stay dead. Raises NotFound for a list that is not
    the member's own, Invalid. Writes; the caller commits.
    """
    person = users.lock_with_key(user_id)
    _lock(user_id, wishlist_id)
    values: dict[str, Any] = {}
    if "name" in changes:
        values["name"] = person.seal(changes["name"], place(wishlist_id))
    if "price_alerts" in changes:
        values["price_alerts"] = changes["price_alerts"]
    if values:
        columns = ", ".join(f"{name} = :{name}" for name in values)
        db.run(f"UPDATE wishlists SET {columns} WHERE id = :id", id=wishlist_id, **values)
    if "shared" in changes:
        db.run(
            "UPDATE wishlists SET shared = :shared, share_number = share_number + (:shared AND NOT shared)::int"
            " WHERE id = :id",
            id=wishlist_id,
            shared=changes["shared"],
        )
    if "default" in changes:
        if not changes["default"]:
            raise Invalid({"default": ["Make another list the default instead."]})
        db.run("UPDATE wishlists SET is_default = false WHERE user_id = :user AND is_default", user=user_id)
        db.run("UPDATE wishlists SET is_default = true WHERE id = :id", id=wishlist_id)


def remove(user_id: UUID, wishlist_id: UUID) -> None:
    """Delete a list with what is on it; the oldest other one becomes the default where it was that.

    Raises NotFound. Writes; the caller commits.
    """
    users.lock_with_key(user_id)
    gone = db.row(
        "DELETE FROM wishlists WHERE id = :id AND user_id = :user RETURNING is_default", id=wishlist_id, user=user_id
    )
    if gone is None:
        raise NotFound("wishlist")
    if gone.is_default:
        db.run(
            "UPDATE wishlists SET is_default = true"
            " WHERE id = (SELECT id FROM wishlists WHERE user_id = :user ORDER BY id LIMIT 1)",
            user=user_id,
        )


def _lock(user_id: UUID, wishlist_id: UUID) -> None:
    """Lock a member's own list until the transaction ends. Raises NotFound."""
    found = db.run(
        "UPDATE wishlists SET updated_at = :at WHERE id = :id AND user_id = :user",
        id=wishlist_id,
        user=user_id,
        at=now(),
    )
    if not found.rowcount:
        raise NotFound("wishlist")


_PUT = f"""
WITH variant AS (
    SELECT v.id, {PRICE_NOW} AS price_minor, v.currency FROM variants v JOIN products p ON p.id = v.product_id
    WHERE v.id = :variant AND p.published_at <= now()
), made AS (
    INSERT INTO wishlist_items (wishlist_id, variant_id, price_minor, currency, added_at)
    SELECT :list, id, price_minor, currency, :at FROM variant
    ON CONFLICT (wishlist_id, variant_id) DO NOTHING RETURNING 1
)
SELECT (SELECT count(*) FROM variant) AS variants, (SELECT count(*) FROM made) AS made,
       (SELECT count(*) FROM wishlist_items WHERE wishlist_id = :list) AS before
"""


def put(user_id: UUID, wishlist_id: UUID, variant_id: UUID) -> bool:
    """Put a variant on a list; says whether it was not there. Raises NotFound, WishlistFull.

    Writes; the caller commits.
    """
    _lock(user_id, wishlist_id)
    done = db.run(_PUT, list=wishlist_id, variant=variant_id, at=now()).one()
    if not done.variants:
        raise NotFound("variant")
    if done.made and done.before >= MOST_ITEMS:
        raise WishlistFull(f"A list has room for {MOST_ITEMS} different items.")
    return bool(done.made)


def take(user_id: UUID, wishlist_id: UUID, variant_id: UUID) -> None:
    """Take a variant from a list. Raises NotFound. Writes; the caller commits."""
    _lock(user_id, wishlist_id)
    gone = db.run(
        "DELETE FROM wishlist_items WHERE wishlist_id = :list AND variant_id = :variant",
        list=wishlist_id,
        variant=variant_id,
    )
    if not gone.rowcount:
        raise NotFound("wishlist item")


def drop(user_id: UUID, variant_id: UUID) -> None:
    """Take a variant from every list of a member; none having it is fine. Writes; the caller commits."""
    db.run(
        "DELETE FROM wishlist_items i USING wishlists w"
        " WHERE w.id = i.wishlist_id AND w.user_id = :user AND i.variant_id = :variant",
        user=user_id,
        variant=variant_id,
    )


def forget_member(user_id: UUID) -> None:
    """Delete a member's lists and alerts, for the erasure of a person, in its transaction; safe to run twice."""
    db.run("DELETE FROM wishlists WHERE user_id = :user", user=user_id)
    db.run("DELETE FROM stock_alerts WHERE user_id = :user", user=user_id)
