"""Idempotency keys in Postgres: the same key and body give the same answer, for as long as the row is kept.

Answers hold addresses and tokens, so they stand sealed under the master key that is named beside them.

An advisory transaction lock tells a call still running from one that is done, without a second commit.
Only a 2xx binds a key; a refusal rolls back and frees it. (After Stripe's and brandur.org's published rules.)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.cards import holds_card_number
from quickshop.kernel.errors import Conflict, ShopError
from quickshop.kernel.master_keys import keyring

KEEP_HOURS = 72
LONGEST_KEY = 255


class KeyRequired(ShopError):
    """This call needs an Idempotency-Key header."""

    status, code, title = 400, "idempotency_key_required", "Idempotency-Key required"


class KeyInvalid(ShopError):
    """The key is empty or longer than 255 characters."""

    status, code, title = 400, "idempotency_key_invalid", "Idempotency-Key invalid"


class KeyReused(ShopError):
    """The key was used before with another body."""

    status, code, title = 422, "idempotency_key_reused", "Idempotency-Key reused with another request"


class InProgress(Conflict):
    """The first call with this key is still running."""

    code, title = "idempotency_in_progress", "The first call with this key is still running"

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "1"})


@dataclass(frozen=True)
class Slot:
    """Where an answer is bound: caller, route, key, and the digest of the request."""

    caller: str
    route: str
    key: str
    request_hash: bytes


@dataclass(frozen=True)
class StoredAnswer:
    """An answer given before."""

    status: int
    body: bytes


def check_key(key: str | None) -> str:
    """The key, or KeyRequired / KeyInvalid."""
    if key is None:
        raise KeyRequired("Send an Idempotency-Key header: any string of up to 255 characters, new for each order.")
    if not 1 <= len(key) <= LONGEST_KEY:
        raise KeyInvalid("An Idempotency-Key has 1 to 255 characters.")
    if holds_card_number(key):
        raise KeyInvalid("An Idempotency-Key is any text of yours but a card number.")
    return key


def form_key(key: str | None) -> str:
    """The key that a page of ours put into its form: an id, so that nothing typed in is kept. Raises KeyInvalid."""
    try:
        return str(UUID(check_key(key)))
    except ValueError as error:
        raise KeyInvalid("This form is not the one we sent: load the page again.") from error


def slot(caller: str, route: str, key: str, body: bytes) -> Slot:
    """The slot of one request."""
    return Slot(caller, route, key, hashlib.sha256(body).digest())


def enter(place: Slot) -> StoredAnswer | None:
    """Take the slot's lock for this transaction; the stored answer, if there is one.

    Raises InProgress at once while another transaction works on the same key, KeyReused for another body.
    """
    name = f"{place.caller}\0{place.route}\0{place.key}"
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    # Two statements in one round trip: the second's snapshot must be younger than the lock, or a just-committed answer
    # is missed. What the first one came to stands in a setting of the transaction.
    db.run_along("SELECT set_config('quickshop.alone', pg_try_advisory_xact_lock(:n)::text, true)", n=number)
    found = db.run(
        "SELECT current_setting('quickshop.alone')::boolean AS alone, k.request_hash, k.status, k.body, k.key_id"
        " FROM (SELECT) AS once LEFT JOIN idempotency_keys k"
        " ON k.caller = :caller AND k.route = :route AND k.key = :key",
        caller=place.caller,
        route=place.route,
        key=place.key,
    ).one()
    if not found.alone:
        raise InProgress
    if found.status is None:
        return None
    if bytes(found.request_hash) != place.request_hash:
        raise KeyReused("This Idempotency-Key belongs to another request body; use a new key.")
    if found.key_id is None:
        return StoredAnswer(found.status, bytes(found.body))
    return StoredAnswer(found.status, str(keyring().unseal(found.body, _place(place))).encode())


def _place(place: Slot) -> str:
    """Where a sealed answer stands: it opens in no other row."""
    return f"idempotency_keys/body/{place.caller}\0{place.route}\0{place.key}"


def bind(place: Slot, status: int, body: bytes) -> None:
    """Bind an answer to the slot, in the transaction that made it."""
    keys = keyring()
    db.run_along(
        "INSERT INTO idempotency_keys (caller, route, key, request_hash, status, body, key_id)"
        " VALUES (:caller, :route, :key, :hash, :status, :body, :key_id)",
        caller=place.caller,
        route=place.route,
        key=place.key,
        hash=place.request_hash,
        status=status,
        body=keys.seal(body.decode(), _place(place)),
        key_id=keys.current,
    )


def reseal(limit: int) -> int:
    """Seal up to `limit` answers anew that stand under an older master key, or in the clear; returns how many.

    Writes; the caller commits.
    """
    keys = keyring()
    taken = db.rows(
        "SELECT caller, route, key, body, key_id FROM idempotency_keys WHERE key_id IS DISTINCT FROM :current"
        " LIMIT :limit FOR UPDATE SKIP LOCKED",
        current=keys.current,
        limit=limit,
    )
    for row in taken:
        place = _place(Slot(row.caller, row.route, row.key, b""))
        body = bytes(row.body).decode() if row.key_id is None else keys.unseal(row.body, place)
        db.run(
            "UPDATE idempotency_keys SET body = :body, key_id = :current"
            " WHERE caller = :caller AND route = :route AND key = :key",
            body=keys.seal(body, place),
            current=keys.current,
            caller=row.caller,
            route=row.route,
            key=row.key,
        )
    return len(taken)


def in_use() -> dict[str, int]:
    """How many answers stand under each master key."""
    found = db.rows("SELECT key_id, count(*) AS number FROM idempotency_keys WHERE key_id IS NOT NULL GROUP BY key_id")
    return {row.key_id: row.number for row in found}


def prune() -> int:
    """Delete answers older than 72 hours; returns how many."""
    return db.run(
        "DELETE FROM idempotency_keys WHERE created_at < now() - make_interval(hours => :h)", h=KEEP_HOURS
    ).rowcount
