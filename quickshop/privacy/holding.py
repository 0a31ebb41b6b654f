"""What one table holds of people, in the words of the map (`privacy.map`): types and expressions, no tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# How the rows of a person are found. `:user` is the account (or NULL), `:persons` are whose keys seal it: the account's
# person and those of the guest orders placed with its proven address; `:orders` are the orders of all these.
OF_USER = "user_id = :user"
OF_PERSON = "person_id = ANY(:persons)"
OF_ORDER = "order_id = ANY(:orders)"
OF_RETURN = "return_id IN (SELECT id FROM returns WHERE order_id = ANY(:orders))"
OF_CART = "cart_id IN (SELECT id FROM carts WHERE user_id = :user AND state = 'active')"
OF_SESSION = "session_id IN (SELECT id FROM sessions WHERE user_id = :user)"
OF_CALLER = "caller = ANY(:callers)"
# What another transaction takes at this moment becomes a delivery to somebody erased, which is given up.
OF_FACT = (
    "id IN (SELECT id FROM pending_facts WHERE data->>'person_id' = ANY(:person_texts) ORDER BY id"
    " FOR UPDATE SKIP LOCKED)"
)


class Erasure(StrEnum):
    """What becomes of a person's rows."""

    DELETED = "deleted"
    CHANGED = "changed"  # the row stays, `blanked` says what its columns become
    KEPT = "kept"
    BY_VERB = "by a verb of its room"


@dataclass(frozen=True)
class Holding:
    """What one table holds of people.

    Each column is in exactly one of: `shown` (personal, in the export as it stands), `sealed` (personal, sealed with
    the person's key at "table/column/id", in the export under the given name), `secret` (personal, or good only to
    somebody who would be that person, and never shown: digests, tokens, blind indexes), `plain` (says nothing of a
    person). `blanked` are the SQL expressions that columns get. `why` says what is kept and why, or for how long.
    """

    about: str
    rows: str | None = None
    erasure: Erasure = Erasure.KEPT
    why: str = ""
    section: str | None = None  # where the export has it; rows of `under` stand inside its rows
    under: str | None = None
    shown: tuple[str, ...] = ()
    sealed: Mapping[str, str] = field(default_factory=dict)
    secret: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    blanked: Mapping[str, str] = field(default_factory=dict)
    # Personal columns that stay readable, each with the reason.
    kept: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is accounted for."""
        return (*self.shown, *self.sealed, *self.secret, *self.plain)


def cols(names: str) -> tuple[str, ...]:
    """Column names written one after the other."""
    return tuple(names.split())


DELETED, CHANGED, BY_VERB = Erasure.DELETED, Erasure.CHANGED, Erasure.BY_VERB
EMPTY = "''::bytea"
TAX = "books must show it for as long as tax law says; it names nobody once the key is gone"
NOBODY_LEFT = "an id or class that says nothing of a person whose key is gone"
