"""Wrapping people's keys anew under the current master key, a few at a time, while the shop serves.

A reader opens a key under whichever master key stands beside it, so it does not matter when a key is wrapped anew.
"""

from __future__ import annotations

from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.crypto import WrappedKey
from quickshop.kernel.master_keys import keyring

_FIRST = UUID(int=0)

# No lock that an order of the person would wait for; who is being changed at this moment comes in the next round.
_TAKE = """
SELECT id, key_id, wrapped_key FROM persons
WHERE id > :after AND wrapped_key IS NOT NULL AND key_id <> :current
ORDER BY id LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
"""

_KEEP = """
UPDATE persons p SET key_id = :current, wrapped_key = x.wrapped
FROM unnest(CAST(:ids AS uuid[]), CAST(:wrapped AS bytea[])) AS x (id, wrapped)
WHERE p.id = x.id AND p.wrapped_key IS NOT NULL
"""


def rewrap(after: UUID | None, limit: int) -> UUID | None:
    """Wrap the keys of up to `limit` people behind `after` anew; the last one's id, None at the end.

    Writes; the caller commits. Raises SealBroken where a master key is missing.
    """
    keys = keyring()
    taken = db.rows(_TAKE, after=after or _FIRST, current=keys.current, limit=limit)
    if not taken:
        return None
    wrapped = []
    for row in taken:
        plain = keys.unwrap(WrappedKey(row.key_id, bytes(row.wrapped_key)), str(row.id))
        wrapped.append(keys.wrap(plain, str(row.id)).wrapped)
    db.run(_KEEP, ids=[row.id for row in taken], wrapped=wrapped, current=keys.current)
    last: UUID = taken[-1].id
    return last


def in_use() -> dict[str, int]:
    """How many people's keys each master key wraps."""
    found = db.rows("SELECT key_id, count(*) AS number FROM persons WHERE wrapped_key IS NOT NULL GROUP BY key_id")
    return {row.key_id: row.number for row in found}
