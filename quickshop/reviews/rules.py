"""What a review may say: plain text only, and what makes one wait for a member of staff. Pure."""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

import nh3

from quickshop.kernel.errors import Invalid
from quickshop.reviews.states import State

LONGEST_TITLE = 120
LONGEST_BODY = 4000

_BLANK_LINES = re.compile(r"\n\s*\n\s*\n+")
_LINK = re.compile(
    r"https?:|www\.|\b[\w-]+\.(?:com|net|org|info|biz|shop|store|xyz|top|ru|cn|io|co|uk|de)\b|\S@\S", re.I
)
_WORD = re.compile(r"[^\W\d_]+")
# Letters in capitals from which a text shouts, and their share of all letters.
_SHOUTING_FROM, _SHOUTING_SHARE = 20, 0.7
# Kept short on purpose: these wait for a person, they are not forbidden.
_BLOCKED = frozenset(
    _WORD.findall(
        "arsehole asshole bastard bitch bollocks bullshit cunt dickhead fuck fucked fucker fucking motherfucker nigger "
        "faggot retard retarded shit shitty slut wanker whore casino viagra"
    )
)
# Characters that turn the reading direction around: nobody types them, and they make a text read as another.
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Held(StrEnum):
    """Why a review waits for staff."""

    LINKS = "links"
    SHOUTING = "shouting"
    WORDS = "words"
    REJECTED_BEFORE = "rejected_before"
    EVERY_REVIEW = "every_review"


@dataclass(frozen=True)
class Words:
    """A rating of 1 to 5 with its text, as it will stand."""

    rating: int
    title: str | None
    body: str


def plain(text: str) -> str:
    """The text without any markup, line ends as `\\n`, and no more than one blank line in a row."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    for _ in range(5):  # what a writer escaped twice is not markup the first time
        bare = html.unescape(nh3.clean(text, tags=set()))
        if bare == text:
            break
        text = bare
    return _BLANK_LINES.sub("\n\n", text).strip()


def words(rating: int, title: str | None, body: str) -> Words:
    """What was given, as it will stand. Raises Invalid."""
    errors: dict[str, list[str]] = {}
    if not 1 <= rating <= 5:
        errors["rating"] = ["1 to 5 stars."]
    shown_title = " ".join(_text("title", title or "", LONGEST_TITLE, errors).split()) or None
    shown_body = _text("body", body, LONGEST_BODY, errors)
    if not shown_body and "body" not in errors:
        errors["body"] = ["Please say a few words."]
    if errors:
        raise Invalid(errors)
    return Words(rating, shown_title, shown_body)


def _text(field: str, given: str, longest: int, errors: dict[str, list[str]]) -> str:
    if any(c in _TURNING or (unicodedata.category(c) == "Cc" and c not in "\n\r\t") for c in given):
        errors[field] = ["Control characters are not allowed."]
        return ""
    if len(given) > 2 * longest:  # before markup goes; sanitising has a bound, too
        errors[field] = [f"{longest} characters at most."]
        return ""
    text = plain(given)
    if len(text) > longest:
        errors[field] = [f"{longest} characters at most."]
    return text


def held_because(said: Words) -> Held | None:
    """Why staff should look at a text before others see it, or None."""
    text = f"{said.title or ''}\n{said.body}"
    if _LINK.search(text):
        return Held.LINKS
    if any(word.casefold() in _BLOCKED for word in _WORD.findall(unicodedata.normalize("NFKC", text))):
        return Held.WORDS
    letters = [c for c in text if c.isalpha()]
    capitals = sum(c.isupper() for c in letters)
    if capitals >= _SHOUTING_FROM and capitals > _SHOUTING_SHARE * len(letters):
        return Held.SHOUTING
    return None


def after_writing(before: State | None, said: Words, *, moderate_all: bool) -> tuple[State, Held | None]:
    """Where a review stands once its author has (re)written it, and why it waits.

    What staff turned down is looked at again whatever it says now.
    """
    held = held_because(said)
    if held is None and before == State.REJECTED:
        held = Held.REJECTED_BEFORE
    if held is None and moderate_all:
        held = Held.EVERY_REVIEW
    return (State.PENDING, held) if held else (State.PUBLISHED, None)
