"""Finding people whose names, e-mail and phone are sealed: each of their words stands as a keyed digest beside them.

Whole words are found, and the last four or more digits of a phone number; parts of words are not, for that would
take digests of so few letters that they could be guessed. What the digests say is lost with the index key.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from quickshop.accounts import users
from quickshop.accounts.people import normal_email
from quickshop.extensions import settings
from quickshop.kernel import db
from quickshop.kernel.crypto import blind_index

# The columns of a user that words are taken from.
SOURCES = frozenset({"first_name", "last_name", "email", "phone", "username"})
SHORTEST_PHONE_PART = 4
MOST_WORDS = 8
_LONGEST_PHONE = 15  # E.164

_LETTERS = re.compile(r"[^\W\d_]+")
_PHONE = re.compile(r"\+?[0-9 ()./-]+").fullmatch
# Letters that are not a base letter with a mark, so that Unicode does not take them apart.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})


def normal(text: str) -> str:
    """The one spelling by which words are compared: lower case, without accents."""
    taken_apart = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in taken_apart if not unicodedata.combining(letter))
    return bare.translate(_PLAIN).casefold()


def name_words(name: str) -> set[str]:
    """The words of a name: "Jean-Luc O'Neill" has four."""
    return set(_LETTERS.findall(normal(name)))


def digits(text: str) -> str:
    """Only the digits of a phone number."""
    return "".join(letter for letter in text if letter in "0123456789")


def phone_words(phone: str) -> set[str]:
    """A phone number and its endings of four digits or more."""
    whole = digits(phone)[-_LONGEST_PHONE:]
    return {whole[-length:] for length in range(SHORTEST_PHONE_PART, len(whole) + 1)}


def words_of(first_name: str, last_name: str, email: str, phone: str | None, username: str) -> set[str]:
    """Every word by which a user is found."""
    address = normal_email(email)
    local, _, domain = address.rpartition("@")
    found = name_words(first_name) | name_words(last_name) | {address, local, domain, username.casefold()}
    return {word for word in found | phone_words(phone or "") if word}


@dataclass(frozen=True)
class Wanted:
    """One thing typed: any of `words` finds a user, all of `parts` together do, or a username that begins so."""

    words: frozenset[str]
    parts: frozenset[str]
    prefix: str


def wanted(query: str) -> list[Wanted]:
    """What a typed query asks for: everything named must be found. A phone number may be typed with blanks."""
    typed = query.strip()
    if _PHONE(typed) and len(digits(typed)) >= SHORTEST_PHONE_PART:
        return [_typed(typed)]
    return [_typed(part) for part in typed.split()[:MOST_WORDS]]


def _typed(text: str) -> Wanted:
    exact = {normal_email(text).removeprefix("@"), normal(text)}
    if _PHONE(text):
        # A number typed as at home begins with a 0 that is not part of it abroad.
        exact |= {digits(text), digits(text).lstrip("0")}
    return Wanted(frozenset(exact - {""}), frozenset(name_words(text)), text.casefold())


def blind(words: Iterable[str]) -> list[bytes]:
    """The digests of words, in order."""
    key = settings().index_key
    return sorted(blind_index(key, "word", word) for word in words)


def index_user(user_id: UUID, words: Iterable[str]) -> None:
    """Let a user be found by exactly these words. Writes; the caller commits."""
    db.run(
        """
        WITH gone AS (
            DELETE FROM search_words WHERE user_id = :user AND word <> ALL(CAST(:words AS bytea[])))
        INSERT INTO search_words (user_id, word) SELECT :user, unnest(CAST(:words AS bytea[]))
        ON CONFLICT DO NOTHING
        """,
        user=user_id,
        words=blind(words),
    )


def refresh(user_id: UUID) -> None:
    """Let a user be found by what we know of them now; to be called after each change of it.

    Writes; the caller commits. Raises NotFound for nobody or an erased person.
    """
    index_user(user_id, _words(users.known(user_id)))


def forget(user_id: UUID) -> None:
    """Let a user be found no longer. Writes; the caller commits."""
    db.run("DELETE FROM search_words WHERE user_id = :user", user=user_id)


def _words(found: users.Found) -> set[str]:
    return words_of(
        found.opened("first_name"),
        found.opened("last_name"),
        found.opened("email"),
        found.opened("phone"),
        found.row.username,
    )


def reindex(after: UUID | None, limit: int) -> tuple[int, UUID | None]:
    """Index the next `limit` users after an id, in the order of ids: how many, and the last one's id (None: no more).

    Users are locked in turn, so that a change made meanwhile is not overwritten. Writes; the caller commits.
    """
    due = db.rows(
        "SELECT id FROM users WHERE erased_at IS NULL AND (CAST(:after AS uuid) IS NULL OR id > :after)"
        " ORDER BY id LIMIT :limit FOR NO KEY UPDATE",
        after=after,
        limit=limit,
    )
    for row in due:
        refresh(row.id)
    return len(due), due[-1].id if due else None
