"""An erasure beside other work on the same person: each comes wholly before it or wholly after it."""

import pytest
from sqlalchemy.exc import IntegrityError

from blueprints.http.errors import as_shop_error
from quickshop.accounts import log
from quickshop.accounts import service as accounts
from quickshop.accounts.errors import SessionEnded, WrongCredentials
from quickshop.accounts.queries import buyer
from quickshop.accounts.refreshing import Origin
from quickshop.accounts.roles import grant
from quickshop.checkout import service as checkout
from quickshop.kernel import db
from quickshop.kernel.errors import NotFound, ShopError
from quickshop.kernel.events import Fact
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import log as order_log
from quickshop.privacy import erasing
from quickshop.privacy.errors import OrdersUnderWay
from quickshop.privacy.service import erase_account
from tests.factories.accounts import registration
from tests.factories.racing import Beside, Gate, together, until_blocked
from tests.factories.returns import a_delivered_order
from tests.factories.shop import (
    a_cart,
    a_declined_order,
    a_member,
    a_variant,
    a_wish,
    look,
    pay_again,
    stock_of,
)

PASSWORD = "Cobalt-Harvest-27"
ORIGIN = Origin("device", "192.0.2.1")
OWNED = (
    "sessions", "carts", "email_tokens", "addresses", "preferences", "push_devices", "search_words", "payment_methods",
    "passkeys", "two_factors", "recovery_codes", "challenges", "user_roles", "account_events",
)  # fmt: skip


def erased(user_id):
    """Whether the person is erased; asserts that they are so wholly or not at all."""
    found = look(
        "SELECT u.erased_at IS NOT NULL AS account, p.wrapped_key IS NULL AS key, u.username, length(u.email) AS email,"
        " u.phone FROM users u JOIN persons p ON p.id = u.person_id WHERE u.id = :id",
        id=user_id,
    )[0]
    assert found.account == found.key == (found.email == 0) == found.username.startswith("erased-")
    if found.account:
        assert found.phone is None
        left = {name: look(f"SELECT 1 FROM {name} WHERE user_id = :id", id=user_id) for name in OWNED}
        assert {name for name, rows in left.items() if rows and name != "carts"} == set()
        assert look("SELECT 1 FROM carts WHERE user_id = :id AND state = 'active'", id=user_id) == []
    return found.account


def refused(outcome):
    """Whether work was refused, and not by a failure of the shop."""
    assert not isinstance(outcome, Exception) or isinstance(outcome, ShopError) or is_erased_account(outcome), outcome
    return isinstance(outcome, Exception)


def is_erased_account(error):
    """The database's own refusal, which the edge answers as the end of the session."""
    return isinstance(error, IntegrityError) and as_shop_error(error).code == "session_ended"


def test_a_profile_change_beside_an_erasure_leaves_nothing_behind(core):
    for _ in range(12):
        member = a_member()
        outcomes = together(
            core,
            lambda member=member: erase_account(member.user_id),
            lambda member=member: run_unit(
                lambda: accounts.change_profile(member.user_id, {"phone": "+44 20 4711", "locale": "de"})
            ),
        )
        assert outcomes[0] is None
        refused(outcomes[1])
        assert erased(member.user_id)


def test_a_profile_change_that_waited_for_the_erasure_is_refused(core, servers, monkeypatch):
    """It asks for the person, whom the erasure holds."""
    member, gate = a_member(), Gate()
    clear = erasing._clear_by_verbs
    monkeypatch.setattr(erasing, "_clear_by_verbs", lambda who: (gate.passing(), clear(who)))
    erasure = Beside(core, lambda: erase_account(member.user_id))
    gate.reached()
    change = Beside(core, lambda: run_unit(lambda: accounts.change_profile(member.user_id, {"phone": "+44 20 4711"})))
    until_blocked(servers)
    gate.open()
    erasure.result()
    with pytest.raises(NotFound):
        change.result()
    assert erased(member.user_id)


def test_an_order_beside_an_erasure_is_placed_for_a_living_person_or_not_at_all(core):
    for _ in range(16):
        member, mug = a_member(), a_variant(stock=5)
        ref = a_cart({mug: 1}, member)
        wish = a_wish(ref)
        outcomes = together(
            core,
            lambda member=member: erase_account(member.user_id),
            lambda member=member, ref=ref, wish=wish: run_unit(lambda: checkout.place_order(member, ref, wish)),
        )
        placed = not refused(outcomes[1])
        assert placed == isinstance(outcomes[0], OrdersUnderWay), outcomes
        assert erased(member.user_id) != placed
        assert stock_of(mug) == (5, 1 if placed else 0)


def test_an_order_that_has_the_key_is_waited_for(core, servers, monkeypatch):
    """Checkout holds the person from reading the key until the order is written."""
    member, gate = a_member(), Gate()
    ref = a_cart({a_variant(): 1}, member)
    wish, reserve = a_wish(ref), checkout._reserve
    monkeypatch.setattr(checkout, "_reserve", lambda *about: (gate.passing(), reserve(*about)))
    order = Beside(core, lambda: run_unit(lambda: checkout.place_order(member, ref, wish)))
    gate.reached()
    erasure = Beside(core, lambda: erase_account(member.user_id))
    until_blocked(servers)
    gate.open()
    number = order.result()["number"]
    with pytest.raises(OrdersUnderWay) as refusal:
        erasure.result()
    assert refusal.value.extra == {"orders": [number]}
    assert not erased(member.user_id)


def test_whoever_seals_with_the_key_is_waited_for_even_without_a_cart(core, servers):
    member, gate = a_member(), Gate()
    sealing = Beside(core, lambda: run_unit(lambda: (buyer(member.user_id), gate.passing())))
    gate.reached()
    erasure = Beside(core, lambda: erase_account(member.user_id))
    until_blocked(servers)
    gate.open()
    sealing.result()
    erasure.result()
    assert erased(member.user_id)


def test_a_sign_in_beside_an_erasure_leaves_no_session(core):
    for _ in range(6):
        wish = registration()
        user_id = accounts.register(accounts.Registration(**wish))
        sign_in = lambda wish=wish: accounts.authenticate(wish["email"], PASSWORD, ORIGIN)  # noqa: E731
        sign_in()
        outcomes = together(core, lambda user_id=user_id: erase_account(user_id), sign_in, sign_in)
        assert outcomes[0] is None, outcomes
        for outcome in outcomes[1:]:
            refused(outcome)
        assert erased(user_id)


def test_a_sign_in_that_waited_for_the_erasure_is_refused(core, servers, monkeypatch):
    wish, gate = registration(), Gate()
    user_id = accounts.register(accounts.Registration(**wish))
    clear = erasing._clear_by_verbs
    monkeypatch.setattr(erasing, "_clear_by_verbs", lambda who: (gate.passing(), clear(who)))
    erasure = Beside(core, lambda: erase_account(user_id))
    gate.reached()
    signing_in = Beside(core, lambda: accounts.authenticate(wish["email"], PASSWORD, ORIGIN))
    until_blocked(servers)
    gate.open()
    erasure.result()
    with pytest.raises(WrongCredentials):
        signing_in.result()
    assert erased(user_id)


def test_a_refresh_beside_an_erasure_leaves_no_token(core):
    for _ in range(6):
        wish = registration()
        user_id = accounts.register(accounts.Registration(**wish))
        secret = accounts.authenticate(wish["email"], PASSWORD, ORIGIN).refresh_secret
        outcomes = together(
            core, lambda user_id=user_id: erase_account(user_id), lambda secret=secret: accounts.refresh(secret)
        )
        assert outcomes[0] is None, outcomes
        refused(outcomes[1])
        assert erased(user_id)
        assert look("SELECT 1 FROM refresh_tokens") == []


def test_of_two_erasures_at_once_one_happens(core):
    member = a_member()
    outcomes = together(core, *[lambda: erase_account(member.user_id)] * 6)
    assert sorted(type(o).__name__ for o in outcomes) == ["NoneType"] + ["NotFound"] * 5
    assert erased(member.user_id)


def test_of_the_two_last_who_give_roles_one_stays(core):
    for _ in range(5):
        run_unit(lambda: db.run("DELETE FROM user_roles"))
        pair = [a_member(), a_member()]
        for member in pair:
            run_unit(lambda member=member: grant(member.user_id, "admin"))
        outcomes = together(core, *[lambda member=member: erase_account(member.user_id) for member in pair])
        assert sorted(type(o).__name__ for o in outcomes) == ["LastKeeper", "NoneType"], outcomes


def test_a_payment_tried_again_beside_an_erasure_is_for_a_living_person(core, gateway):
    for _ in range(8):
        member, mug = a_member(), a_variant(stock=5)
        order = a_declined_order(items={mug: 1}, caller=member)
        outcomes = together(core, lambda member=member: erase_account(member.user_id), lambda o=order: pay_again(o))
        again = not refused(outcomes[1])
        assert again == isinstance(outcomes[0], OrdersUnderWay), outcomes
        assert erased(member.user_id) != again


# --- after it ------------------------------------------------------------------------------------------


def test_a_move_of_a_kept_order_writes_the_orders_log_but_no_account(core, gateway):
    """Staff and carriers go on with orders whose person is gone."""
    member = a_member()
    order = a_delivered_order(caller=member)
    erase_account(member.user_id)
    change = order_log.Move(("completed", "captured"), "completed", "captured", [Fact("order.invoiced")])
    run_unit(lambda: order_log.move(order.id, change, request_id=None))
    assert look("SELECT type FROM order_events ORDER BY seq DESC LIMIT 1")[0].type == "order.invoiced"
    assert erased(member.user_id)  # which has no log
    frames = [f["topic"] for r in look("SELECT frames FROM outbox ORDER BY id DESC LIMIT 1") for f in r.frames]
    assert frames == [f"order:{order.number}"]


@pytest.mark.parametrize("table", ["sessions", "carts", "user_roles"])
def test_the_database_itself_refuses_what_would_belong_to_an_erased_account(core, table):
    member = a_member()
    erase_account(member.user_id)
    work = {
        "sessions": "INSERT INTO sessions (id, user_id, device, ends_at) VALUES (gen_random_uuid(), :id, 'x', now())",
        "carts": "INSERT INTO carts (id, user_id) VALUES (gen_random_uuid(), :id)",
        "user_roles": "INSERT INTO user_roles (user_id, role) VALUES (:id, 'support')",
    }
    with pytest.raises(Exception) as refusal:
        run_unit(lambda: db.run(work[table], id=member.user_id))
    assert is_erased_account(refusal.value)


def test_the_account_of_an_erased_person_is_never_written_again(core):
    member = a_member()
    erase_account(member.user_id)
    with pytest.raises(SessionEnded):
        run_unit(lambda: log.append(member.user_id, [Fact("account.tested")]))
    with pytest.raises(Exception) as refusal:
        run_unit(lambda: db.run("UPDATE users SET vip = true WHERE id = :id", id=member.user_id))
    assert is_erased_account(refusal.value)
    with pytest.raises(NotFound):
        run_unit(lambda: buyer(member.user_id))
