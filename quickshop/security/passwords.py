"""Passwords: the one policy, and hashing with Argon2id. How failed sign-ins are slowed is in `lockout`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from quickshop.kernel.errors import Invalid

SHORTEST = 10
LONGEST = 128
SHORTEST_NAME = 4  # shorter ones stand in too many words by chance

_AROUND = "0123456789!@#$%^&*()?.,:;_-+=~/ "
_SPELLED = str.maketrans("0134578@$!", "oieastbasi")

Runner = Callable[..., Any]

# OWASP's floor for Argon2id, which keeps a sign-in near 30 ms of one core.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)


def _in_place(work: Callable[..., Any], *args: Any) -> Any:
    return work(*args)


_runner: Runner = _in_place


def use_runner(runner: Runner) -> Runner:
    """Let `runner(work, *args)` do the hashing (an edge sends it to native threads); returns the previous one."""
    global _runner
    before, _runner = _runner, runner
    return before


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    return frozenset(files("quickshop.security").joinpath("common_passwords.txt").read_text("utf-8").split())


def _is_common(password: str) -> bool:
    """Whether it is a well-known password, also with digits and signs put around it or in place of letters."""
    lowered = password.casefold()
    bare = lowered.strip(_AROUND)
    return not {lowered, bare, lowered.translate(_SPELLED), bare.translate(_SPELLED)}.isdisjoint(_common())


@dataclass(frozen=True)
class Rule:
    """A rule that a password breaks: its name for machines and a sentence for people."""

    name: str
    sentence: str


def broken(password: str, names: Iterable[str] = ()) -> list[Rule]:
    """Every rule that a password breaks; none for a good one. Nothing is cut off or folded.

    `names` are the user's own: one of four characters or more must not stand in the password, in any case.
    """
    lowered = password.casefold()
    own = any(len(name) >= SHORTEST_NAME and name.casefold() in lowered for name in names)
    special = any(not c.isalnum() and not c.isspace() for c in password)
    rules = (
        (len(password) >= SHORTEST, "too_short", f"Use at least {SHORTEST} characters."),
        (len(password) <= LONGEST, "too_long", f"Use {LONGEST} characters at most."),
        (any(c.isalpha() for c in password), "no_letter", "Use at least one letter."),
        (any(c.isdigit() for c in password), "no_digit", "Use at least one digit."),
        (special, "no_special", "Use at least one special character."),
        (not _is_common(password), "too_common", "This password is too common."),
        (not own, "contains_name", "Do not use your username or e-mail address in it."),
    )
    return [Rule(name, sentence) for fine, name, sentence in rules if not fine]


def check(password: str, field: str = "password", names: Iterable[str] = ()) -> None:
    """Raises Invalid with each failed rule as a sentence under `field`, and by name in `rules`."""
    found = broken(password, names)
    if found:
        raise Invalid({field: [rule.sentence for rule in found]}, rules=[rule.name for rule in found])


def hash_password(password: str) -> str:
    """The Argon2id hash to store. CPU work: never inside a transaction."""
    return str(_runner(_hasher.hash, password))


def _verify(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def verify(stored: str, password: str) -> bool:
    """Whether the password made this hash. CPU work: never inside a transaction."""
    return bool(_runner(_verify, stored, password))


def outdated(stored: str) -> bool:
    """Whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)


@lru_cache(maxsize=1)
def dummy_hash() -> str:
    """A hash of nobody's password, so that an unknown account costs the same work as a known one."""
    return _hasher.hash("nobody has this password")
