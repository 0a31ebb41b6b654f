"""The password policy, rule by rule, and hashing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quickshop.kernel.errors import Invalid
from quickshop.security import passwords

GOOD = ["Cobalt-Harvest-27", "correct horse 9 battery!", "пароль-длинный-7", "密码很长很长很长-9aa", "x" * 126 + "1!"]
LONG = "Use at least 10 characters."
LETTER = "Use at least one letter."
DIGIT = "Use at least one digit."
SPECIAL = "Use at least one special character."
COMMON = "This password is too common."


@pytest.mark.parametrize("password", GOOD)
def test_good_ones_pass(password):
    assert passwords.broken(password) == []


@pytest.mark.parametrize(
    ("password", "failed"),
    [
        ("", [LONG, LETTER, DIGIT, SPECIAL]),
        ("Short-1a", [LONG]),
        ("1234567890!", [LETTER]),
        ("only-letters-here", [DIGIT]),
        ("nothing5special", [SPECIAL]),
        ("blanks 5are not", [SPECIAL]),
        ("x" * 127 + "1!", ["Use 128 characters at most."]),
        ("Password2024!", [COMMON]),
        ("P@$$w0rd!!123", [COMMON]),
        ("!!qwerty123!!", [COMMON]),
        ("Football_1234", [COMMON]),
        ("Dr4g0n-123456", [COMMON]),
    ],
)
def test_each_failed_rule_is_named(password, failed):
    assert [rule.sentence for rule in passwords.broken(password)] == failed


@pytest.mark.parametrize(
    ("password", "names"),
    [
        ("", ["too_short", "no_letter", "no_digit", "no_special"]),
        ("x" * 127 + "1!", ["too_long"]),
        ("Password2024!", ["too_common"]),
        ("xx-Robin-22-xx", ["contains_name"]),
    ],
)
def test_each_failed_rule_has_a_name_for_machines(password, names):
    assert [rule.name for rule in passwords.broken(password, ["robin"])] == names


def test_ones_own_names_must_not_stand_in_it_unless_they_are_short():
    for name in ("Robin", "rOBIN", "robin.ashdown"):
        assert [rule.name for rule in passwords.broken(f"1-{name}-22-x", [name])] == ["contains_name"]
    assert passwords.broken("Canada-4-ever", ["ada", ""]) == []


def test_check_names_the_field_and_the_rules():
    with pytest.raises(Invalid) as caught:
        passwords.check("x", "new_password")
    assert list(caught.value.errors) == ["new_password"]
    assert caught.value.extra["rules"] == ["too_short", "no_digit", "no_special"]


def test_the_list_of_common_ones_is_long():
    assert len(passwords._common()) > 3000


@given(st.text(min_size=10, max_size=128))
def test_any_text_is_judged(password):
    assert isinstance(passwords.broken(password), list)


def test_a_hash_knows_its_password_and_no_other_and_cuts_nothing_off():
    long = "Aa1!" * 32
    stored = passwords.hash_password(long)
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.verify(stored, long)
    assert not passwords.verify(stored, long[:-1])
    assert not passwords.verify(stored, long + "x")
    assert passwords.hash_password(long) != stored


@pytest.mark.parametrize("letter", ["é", "密", "🎈", "x"])
def test_sixty_four_characters_of_any_script_pass_and_the_last_one_counts(letter):
    password = "a1" + letter * 61 + "!"
    assert len(password) == 64
    assert passwords.broken(password) == []
    stored = passwords.hash_password(password)
    assert passwords.verify(stored, password)
    assert not passwords.verify(stored, password[:-1] + "?")


def test_a_broken_or_foreign_hash_fits_nothing():
    for stored in ("", "none", "$argon2id$v=19$m=1,t=1,p=1$x$y", "pbkdf2:sha256:1$x$y"):
        assert not passwords.verify(stored, "x")


def test_weaker_hashes_are_outdated():
    from argon2 import PasswordHasher

    assert passwords.outdated(PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash("x"))
    assert not passwords.outdated(passwords.dummy_hash())


def test_the_runner_does_the_work():
    done = []

    def runner(work, *args):
        done.append(work.__name__)
        return work(*args)

    before = passwords.use_runner(runner)
    try:
        assert passwords.verify(passwords.hash_password("x"), "x")
    finally:
        passwords.use_runner(before)
    assert len(done) == 2
