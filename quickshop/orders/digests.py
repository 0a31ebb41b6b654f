"""The digest of an order: a MAC over all that must never change again once it was placed. Pure.

Written with the order, it betrays whoever changes a row behind the shop's back, and tells which column. What erasure
takes away (`PERSONAL`) has a MAC of its own, which is not asked once the person's key is gone. A short mark for each
column only tells where to look; the two MACs prove.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson


def _columns(table: str, names: str) -> tuple[tuple[str, str], ...]:
    return tuple((table, name) for name in names.split())


# In the order in which they came: a digest covers as many of these as there were when it was written, so add new ones
# at the end. A column of these tables is here, in PERSONAL or in MUTABLE; a test sees to it.
COVERED = (
    *_columns(
        "orders",
        "id number user_id person_id cart_id country priority priority_reason currency subtotal_minor "
        "discount_minor shipping_minor tax_minor tax_included_minor shipping_tax_minor tax_lines total_minor "
        "credit_minor shipping_method deliver_from deliver_to request_id placed_at",
    ),
    *_columns(
        "order_lines",
        "id order_id position variant_id sku name options quantity unit_price_minor discount_minor total_minor "
        "tax_minor tax_rate tax_included",
    ),
    *_columns("order_discounts", "order_id position line promotion_id rule label code amount_minor"),
)
PERSONAL = _columns("orders", "caller client_reference email shipping_address billing_address")
MUTABLE = _columns(
    "orders",
    "status payment_status fulfilment_status hold_reason failure_code payment_token payment_token_sealed "
    "payment_method_id payment_round next_action event_seq confirmed_at packing_at delivered_at expected_from "
    "expected_to digest",
)

_FORMAT = 1
_MAC = 32
_MARK = 4
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


class KeyMissing(Exception):
    """The digest was made under a master key that is no longer among MASTER_KEYS."""


def make(rows: Rows, master_keys: Sequence[tuple[str, bytes]]) -> bytes:
    """The digest of the rows of an order, by table, under the first of the keys."""
    key_id, master = master_keys[0]
    name, key = key_id.encode(), _key(master)
    head = bytes([_FORMAT, len(name)]) + name + bytes([len(COVERED)])
    covered, personal = _values(rows, COVERED), _values(rows, PERSONAL)
    marks = b"".join(_mark(key, where, value) for where, value in (covered | personal).items())
    return head + _mac(key, b"covered", covered) + _mac(key, b"personal", personal) + marks


def differences(
    digest: bytes, rows: Rows, master_keys: Sequence[tuple[str, bytes]], *, erased: bool = False
) -> list[str]:
    """Which columns are not as they were, as "table.column"; none where the order is whole. `erased` leaves out what is
    personal. Raises KeyMissing.
    """
    try:
        return _differences(digest, rows, dict(master_keys), erased)
    except (IndexError, UnicodeDecodeError):
        return ["orders.digest"]


def key_id_of(digest: bytes) -> str:
    """The id of the master key under which a digest was made."""
    return digest[2 : 2 + digest[1]].decode()


def _differences(digest: bytes, rows: Rows, keys: Mapping[str, bytes], erased: bool) -> list[str]:
    if digest[0] != _FORMAT:
        return ["orders.digest"]
    key_id, at = key_id_of(digest), 2 + digest[1]
    if key_id not in keys:
        raise KeyMissing(key_id)
    key, fields = _key(keys[key_id]), COVERED[: digest[at]]
    covered, personal = _values(rows, fields), _values(rows, PERSONAL)
    macs = digest[at + 1 : at + 1 + 2 * _MAC]
    whole = hmac.compare_digest(macs[:_MAC], _mac(key, b"covered", covered))
    own = erased or hmac.compare_digest(macs[_MAC:], _mac(key, b"personal", personal))
    if whole and own:
        return []
    marks = digest[at + 1 + 2 * _MAC :]
    asked = (covered | personal) if not own else covered
    found = [
        ".".join(where)
        for place, (where, value) in enumerate((covered | personal).items())
        if where in asked and marks[place * _MARK : (place + 1) * _MARK] != _mark(key, where, value)
    ]
    return found or ["orders.digest"]


def _values(rows: Rows, fields: Sequence[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
    """Each column's values over the rows of its table, in one form however they were read."""
    return {
        (table, name): orjson.dumps([_plain(row[name]) for row in rows[table]], option=orjson.OPT_SORT_KEYS)
        for table, name in fields
    }


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    return value.astimezone(UTC) if isinstance(value, datetime) else value


@lru_cache(maxsize=16)
def _key(master: bytes) -> bytes:
    return hmac.digest(master, b"orders/digest", "sha256")


def _mac(key: bytes, part: bytes, values: Mapping[tuple[str, str], bytes]) -> bytes:
    told = b"".join(len(value).to_bytes(4, "big") + value for value in values.values())
    return hmac.digest(key, part + bytes([len(values)]) + told, "sha256")


def _mark(key: bytes, where: tuple[str, str], value: bytes) -> bytes:
    return hashlib.blake2b(".".join(where).encode() + b"\0" + value, digest_size=_MARK, key=key).digest()
