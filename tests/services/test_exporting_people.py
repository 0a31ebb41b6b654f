"""The copy of what the shop knows of a person: all of it, opened, and nothing of anybody else."""

import json
import uuid

import pytest

from quickshop.accounts.people import email_index
from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.unit_of_work import run_unit
from quickshop.privacy import exporting
from quickshop.privacy.map import MAP
from quickshop.privacy.service import erase_account, export_account
from tests.factories.privacy import somebody_known
from tests.factories.shop import a_confirmed_order, a_member, an_order

pytestmark = pytest.mark.usefixtures("gateway")


def exported(user_id):
    """The text of an export and what it says."""
    with export_account(user_id) as made:
        text = made.read()
    return text, json.loads(text)


def test_everything_open_is_in_the_export_and_nothing_hidden_or_of_anybody_else(client, app):
    ada, bob = somebody_known(client, "zqada"), somebody_known(client, "zqbob")
    with app.app_context():
        text, _ = exported(ada.user_id)
    assert {name for name, value in ada.open.items() if value.encode() not in text} == set()
    assert {name for name, value in ada.everything.items() if name in ada.hidden and value in text} == set()
    assert b"zqbob" not in text and str(bob.user_id).encode() not in text
    assert b"password" not in text and b"argon2" not in text


def test_the_document_has_every_section_in_the_apis_forms(client, app):
    ada = somebody_known(client, "zqada")
    with app.app_context():
        _, document = exported(ada.user_id)
    assert document["format"] == "quickshop.export/1"
    sections = {holding.section for holding in MAP.values() if holding.section and not holding.under}
    assert set(document["sections"]) == sections <= set(document)
    account, order = document["account"], document["orders"][0]
    assert (account["email"], account["first_name"]) == (ada.open["email"], ada.open["first_name"])
    assert account["created_at"].endswith("Z")
    assert document["addresses"][0]["address"]["line1"] == ada.open["book street"]
    assert order["billing_address"]["line1"] == ada.open["billing street"]
    assert order["lines"][0]["quantity"] == 2 and order["total_minor"] == order["payments"][0]["captured_minor"]
    assert order["events"][0]["type"] == "order.placed"
    assert document["payment_methods"][0]["last4"] == "4242"
    assert document["cart"][0]["quantity"] == 2
    assert document["account_log"][0]["type"] == "account.registered"


def test_a_long_history_is_read_in_pages_without_a_gap_or_a_repetition(core, monkeypatch):
    monkeypatch.setattr(exporting, "PAGE", 3)
    monkeypatch.setattr(exporting, "IN_MEMORY", 100)
    member = a_member()
    orders = [an_order(caller=member).number for _ in range(7)]
    _, document = exported(member.user_id)
    assert sorted(order["number"] for order in document["orders"]) == sorted(orders)
    assert [entry["seq"] for entry in document["account_log"]] == list(range(1, 8))
    assert all(len(order["lines"]) == 1 for order in document["orders"])


def test_orders_placed_as_a_guest_are_there_for_a_proven_address_only(core):
    proven = a_member(email="proven@canary.example")
    claimed = a_member(email="claimed@canary.example", verified=False)
    theirs = a_confirmed_order(email="Proven@canary.example")
    a_confirmed_order(email="claimed@canary.example")
    order = exported(proven.user_id)[1]["orders"][0]
    assert (order["number"], order["email"]) == (theirs.number, "Proven@canary.example")
    assert exported(claimed.user_id)[1]["orders"] == []


def test_an_order_whose_guest_was_erased_does_not_break_the_export(core):
    """Its caller no longer names the address; should it ever, what is sealed is told as gone."""
    member = a_member(email="proven@canary.example")
    order = a_confirmed_order(email="proven@canary.example")
    caller = f"guest:{email_index('proven@canary.example').hex()}"
    run_unit(
        lambda: db.run(
            "UPDATE persons SET wrapped_key = NULL, erased_at = now()"
            " WHERE id = (SELECT person_id FROM orders WHERE caller = :caller)",
            caller=caller,
        )
    )
    found = exported(member.user_id)[1]["orders"][0]
    assert (found["number"], found["email"], found["shipping_address"]) == (order.number, None, None)


def test_there_is_no_export_of_nobody_or_an_erased_person(core):
    member = a_member()
    erase_account(member.user_id)
    for user_id in (member.user_id, uuid.uuid4()):
        with pytest.raises(NotFound):
            export_account(user_id)
