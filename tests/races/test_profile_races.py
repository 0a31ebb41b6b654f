"""Address book, cards and devices under rivals: always exactly one default, and nothing lost or doubled."""

import pytest

from quickshop.accounts import addresses, devices
from quickshop.accounts.errors import TooManyDevices
from quickshop.kernel.errors import NotFound
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders.errors import MethodInUse
from quickshop.orders.saved_cards import remove_method
from quickshop.payments import methods
from quickshop.payments.errors import AlreadySaved
from tests.factories.racing import together
from tests.factories.shop import ADDRESS, a_cart, a_member, a_variant, look, order_cart


@pytest.fixture(autouse=True)
def provider(gateway):
    """Every test here has the scripted gateway."""
    return gateway


@pytest.fixture
def ada(core):
    return a_member().user_id


def add_address(user_id):
    return run_unit(lambda: addresses.add_address(user_id, ADDRESS))


def defaults(table, *columns):
    """How many defaults of each kind there are."""
    return [look(f"SELECT count(*) AS n FROM {table} WHERE {column}")[0].n for column in columns]


def log_is_whole(user_id):
    seqs = [r.seq for r in look("SELECT seq FROM account_events WHERE user_id = :id ORDER BY seq", id=user_id)]
    return seqs == list(range(1, len(seqs) + 1))


def test_twenty_first_addresses_at_once_make_one_default_of_each(core, ada):
    outcomes = together(core, *[lambda: add_address(ada)] * 20)
    assert len(set(outcomes)) == 20
    assert defaults("addresses", "default_shipping", "default_billing", "true") == [1, 1, 20]
    assert log_is_whole(ada)


def test_twenty_who_set_the_default_address_at_once_leave_one(core, ada):
    there = [add_address(ada) for _ in range(5)]
    kinds = ("shipping", "billing", "both")
    outcomes = together(
        core,
        *[lambda n=n: run_unit(lambda: addresses.make_default(ada, there[n % 5], kinds[n % 3])) for n in range(20)],
    )
    assert outcomes == [None] * 20
    assert defaults("addresses", "default_shipping", "default_billing") == [1, 1]


def test_addresses_removed_while_others_become_the_default_leave_one(core, ada):
    there = [add_address(ada) for _ in range(11)]
    outcomes = together(
        core,
        *[lambda a=a: run_unit(lambda: addresses.remove_address(ada, a)) for a in there[:10]],
        *[lambda a=a: run_unit(lambda: addresses.make_default(ada, a, "both")) for a in there[:10]],
    )
    assert outcomes[:10] == [None] * 10
    assert {type(o) for o in outcomes[10:]} <= {type(None), NotFound}
    assert defaults("addresses", "default_shipping", "default_billing", "true") == [1, 1, 1]
    assert log_is_whole(ada)


def test_twenty_cards_saved_at_once_make_one_default(core, ada):
    outcomes = together(core, *[lambda n=n: methods.save_method(ada, f"tok_approve:{n}") for n in range(20)])
    assert len(set(outcomes)) == 20
    assert defaults("payment_methods", "is_default", "true") == [1, 20]
    assert log_is_whole(ada)


def test_one_card_saved_twenty_times_at_once_is_kept_once(core, ada):
    outcomes = together(core, *[lambda: methods.save_method(ada, "tok_approve")] * 20)
    assert sorted(type(o).__name__ for o in outcomes) == sorted(["AlreadySaved"] * 19 + ["UUID"])
    assert all(isinstance(o, AlreadySaved) for o in outcomes if isinstance(o, Exception))
    assert defaults("payment_methods", "is_default", "true") == [1, 1]


def test_twenty_who_set_the_default_card_at_once_leave_one(core, ada):
    there = [methods.save_method(ada, f"tok_approve:{n}") for n in range(5)]
    outcomes = together(
        core, *[lambda n=n: run_unit(lambda: methods.make_default(ada, there[n % 5])) for n in range(20)]
    )
    assert outcomes == [None] * 20
    assert defaults("payment_methods", "is_default", "true") == [1, 5]


def test_cards_saved_removed_and_made_the_default_at_once_leave_one(core, ada):
    there = [methods.save_method(ada, f"tok_approve:{n}") for n in range(8)]
    outcomes = together(
        core,
        *[lambda m=m: run_unit(lambda: remove_method(ada, m)) for m in there],
        *[lambda m=m: run_unit(lambda: methods.make_default(ada, m)) for m in there[:6]],
        *[lambda n=n: methods.save_method(ada, f"tok_approve:new-{n}") for n in range(6)],
    )
    assert outcomes[:8] == [None] * 8
    assert {type(o) for o in outcomes[8:14]} <= {type(None), NotFound}
    assert defaults("payment_methods", "is_default", "true") == [1, 6]
    assert log_is_whole(ada)


def test_a_card_is_used_by_an_order_or_removed_never_both(core):
    mug = a_variant(stock=50)
    for _ in range(10):
        member = a_member()
        card = methods.save_method(member.user_id, "tok_approve")
        ref = a_cart({mug: 1}, member)
        ordered, removed = together(
            core,
            lambda ref=ref, member=member, card=card: order_cart(ref, member, payment_method_id=card),
            lambda member=member, card=card: run_unit(lambda: remove_method(member.user_id, card)),
        )
        kept = look("SELECT payment_method_id FROM orders WHERE user_id = :id", id=member.user_id)
        if removed is None:
            assert isinstance(ordered, NotFound) and kept == []
        else:
            assert isinstance(removed, MethodInUse) and kept[0].payment_method_id == card


def test_thirty_devices_at_once_keep_to_the_bound(core, ada):
    outcomes = together(
        core, *[lambda n=n: run_unit(lambda: devices.register_device(ada, f"t-{n}", "ios", "")) for n in range(30)]
    )
    assert outcomes.count(True) == devices.MOST_DEVICES
    assert {type(o) for o in outcomes if o is not True} == {TooManyDevices}


def test_one_device_registered_by_ten_members_at_once_has_one_owner(core):
    people = [a_member().user_id for _ in range(10)]
    outcomes = together(
        core, *[lambda u=u: run_unit(lambda: devices.register_device(u, "shared", "ios", "")) for u in people]
    )
    assert outcomes == [True] * 10
    owner = look("SELECT user_id FROM push_devices")
    assert len(owner) == 1 and owner[0].user_id in people
    assert [d["token"] for d in devices.devices(owner[0].user_id)] == ["shared"]
