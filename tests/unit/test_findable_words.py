"""The words by which people are found, and what a typed query asks for."""

import pytest

from quickshop.accounts.findable import normal, wanted, words_of

ROBIN = ("Robin", "Ashdown", "robin@quickshop.example", "+44 20 7946 0958", "robin_a")


def found(query, words):
    """Whether everything typed is among a person's words (the rule that the database follows)."""
    return all(wish.words & words or (wish.parts and wish.parts <= words) for wish in wanted(query))


@pytest.mark.parametrize(
    ("typed", "spelt"),
    [
        ("ÉLODIE", "elodie"),
        ("Müller", "muller"),
        ("Straße", "strasse"),
        ("Łukasz", "lukasz"),
        ("Ørsted", "orsted"),
        ("Þór", "thor"),
        ("İpek", "ipek"),
        ("Ñandú", "nandu"),
    ],
)
def test_case_and_accents_do_not_matter(typed, spelt):
    assert normal(typed) == spelt


def test_the_words_are_names_address_its_halves_username_and_phone_endings():
    words = words_of(*ROBIN)
    assert {"robin", "ashdown", "robin@quickshop.example", "quickshop.example", "robin_a"} <= words
    assert {"442079460958", "0958", "60958", "2079460958"} <= words
    assert not {"958", "ash", "quickshop"} & words


def test_a_person_without_a_phone_or_with_a_double_name_has_words_too():
    words = words_of("Jean-Luc", "O'Neill", "jl@x.example", None, "jl7")
    assert words == {"jean", "luc", "o", "neill", "jl@x.example", "jl", "x.example", "jl7"}


@pytest.mark.parametrize(
    "query",
    [
        "robin",
        "ROBIN ashdown",
        "ashdown robin",
        "robin@quickshop.example",
        "Robin@QuickShop.example",
        "quickshop.example",
        "@quickshop.example",
        "0958",
        "+44 20 7946 0958",
        "020 7946 0958",
        "(020) 7946-0958",
        "ashdown 0958",
        "Róbin",
    ],
)
def test_what_staff_type_finds_the_person(query):
    assert found(query, words_of(*ROBIN))


@pytest.mark.parametrize("query", ["rob", "robin smith", "958", "020 7946 0959", "other@quickshop.example", "!!!", "%"])
def test_what_does_not_fit_does_not(query):
    assert not found(query, words_of(*ROBIN))


def test_a_name_typed_in_one_piece_is_found_by_its_words():
    assert found("jean-luc", words_of("Jean-Luc", "Picard", "p@x.example", None, "jlp"))
    assert not found("jean-paul", words_of("Jean-Luc", "Picard", "p@x.example", None, "jlp"))


def test_nothing_typed_asks_for_nothing_and_very_much_for_eight_words():
    assert wanted("") == wanted("  ") == []
    assert len(wanted("a " * 100)) == 8
