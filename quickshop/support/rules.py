"""What a message may say and what a file may be: judged by content, never by its name or what came with it. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from quickshop.kernel.errors import Invalid
from quickshop.support.errors import FileRefused

LONGEST_SUBJECT = 150
LONGEST_BODY = 5000
LARGEST_BYTES = 5 * 1024 * 1024
LONGEST_NAME = 100
MOST_FILES = 5  # with one message
MOST_FILES_OF_TICKET = 30
MOST_BYTES_A_DAY = 100 * 1024 * 1024  # of one shopper's files
MOST_MESSAGES = 300
MOST_OPEN = 20  # conversations of one shopper at a time
MOST_OF_ADDRESS_A_DAY = 3  # opened for an address that nobody has proven

# What is taken, and the end that a file's name gets.
TYPES = {
    "application/pdf": "pdf",
    "image/avif": "avif",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "text/plain": "txt",
}
_ALSO = {"jpg": ("jpeg", "jpe"), "txt": ("log", "csv")}

_BLANK_LINES = re.compile(r"\n\s*\n\s*\n+")
_CONTROL_BUT_BREAKS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]").search
# Characters that turn the reading direction around make a text, or a file's name, read as another.
_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\"<>|:*?\\/;%]")

_IMAGES: tuple[tuple[str, Callable[[bytes], bool]], ...] = (
    ("image/jpeg", lambda raw: raw.startswith(b"\xff\xd8\xff")),
    ("image/png", lambda raw: raw.startswith(b"\x89PNG\r\n\x1a\n")),
    ("image/gif", lambda raw: raw.startswith((b"GIF87a", b"GIF89a"))),
    ("image/webp", lambda raw: raw.startswith(b"RIFF") and raw[8:12] == b"WEBP"),
    ("image/avif", lambda raw: raw[4:12] in (b"ftypavif", b"ftypavis")),
    ("application/pdf", lambda raw: raw.startswith(b"%PDF-")),
)


@dataclass(frozen=True)
class File:
    """A file that is taken: its cleaned name, what it is by its content, and the content."""

    name: str
    type: str
    body: bytes


def text(field: str, given: str, longest: int) -> str:
    """What somebody wrote, as it will stand: no control or turning characters, line ends as `\\n`, stripped.

    Raises Invalid for an empty or too long text.
    """
    if not isinstance(given, str) or _CONTROL_BUT_BREAKS(given) or any(c in _TURNING for c in given):
        raise Invalid({field: ["Control characters are not allowed."]})
    if len(given) > 2 * longest:
        raise Invalid({field: [f"{longest} characters at most."]})
    told = unicodedata.normalize("NFC", given.replace("\r\n", "\n").replace("\r", "\n"))
    told = _BLANK_LINES.sub("\n\n", told).strip()
    if not told:
        raise Invalid({field: ["Please write a few words."]})
    if len(told) > longest:
        raise Invalid({field: [f"{longest} characters at most."]})
    return told


def line(field: str, given: str, longest: int) -> str:
    """The same in one line."""
    return " ".join(text(field, given, longest).split())


def sniff(raw: bytes) -> str:
    """What a file is by its content, one of `TYPES`. Raises FileRefused for anything else.

    A text is UTF-8 without control characters; what a browser might take for a page is no text.
    """
    for type_, fits in _IMAGES:
        if fits(raw):
            return type_
    try:
        told = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FileRefused("unknown_type") from None
    if _CONTROL_BUT_BREAKS(told) or told.lstrip().startswith("<"):
        raise FileRefused("unknown_type")
    return "text/plain"


def file_name(given: str, type_: str) -> str:
    """A name that is safe to show and to save: the last part of a path, without odd characters, with its type's end."""
    last = re.split(r"[\\/]", given)[-1]
    last = unicodedata.normalize("NFC", "".join(c for c in last if c not in _TURNING and c.isprintable()))
    last = _NOT_IN_NAMES.sub("", last).strip(" .")
    stem, _, end = last.rpartition(".")
    wanted = TYPES[type_]
    if stem and end.lower() in (wanted, *_ALSO.get(wanted, ())):
        last = stem.strip(" .")
    else:
        end = wanted
    return f"{last[: LONGEST_NAME - len(end) - 1].strip(' .') or 'file'}.{end.lower()}"


def file(name: str, raw: bytes) -> File:
    """An upload as it is kept. Raises FileRefused: empty, too large, or of a type that is not taken."""
    if not raw:
        raise FileRefused("empty")
    if len(raw) > LARGEST_BYTES:
        raise FileRefused("too_large")
    type_ = sniff(raw)
    return File(file_name(name, type_), type_, raw)
