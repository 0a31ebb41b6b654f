"""Erasing a person: nothing of them can be found or opened again; what tax law keeps is as it was."""

import uuid

import pytest

from quickshop.accounts.callers import Caller
from quickshop.accounts.errors import LastKeeper, PermissionNotHeld
from quickshop.accounts.people import load_person
from quickshop.accounts.permissions import Permission
from quickshop.accounts.queries import user_id_of_login
from quickshop.accounts.roles import grant
from quickshop.checkout.service import start_hold
from quickshop.kernel import db
from quickshop.kernel.errors import NotFound
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.notifications.service import drain
from quickshop.orders.errors import NotPayable
from quickshop.orders.queries import list_orders, order_events, order_view
from quickshop.orders.viewers import Viewer
from quickshop.payments import forgetting
from quickshop.payments.gateways.port import unknown
from quickshop.privacy.errors import OrderOfMember, OrdersUnderWay
from quickshop.privacy.service import erase_account, erase_customer, erase_guest, export_account
from quickshop.support.service import open_for_address
from tests.factories.accounts import an_account
from tests.factories.privacy import found_in_database, keys_that_remain, somebody_known
from tests.factories.returns import a_delivered_order, ask
from tests.factories.shop import (
    a_cart,
    a_confirmed_order,
    a_declined_order,
    a_member,
    a_variant,
    an_order,
    an_order_on_hold,
    look,
    pay_again,
    stock_of,
)
from tests.factories.support import a_guests_ticket, a_wish

pytestmark = pytest.mark.usefixtures("gateway")
STAFF = Viewer(staff=True)


@pytest.fixture
def ada(client):
    return somebody_known(client, "zqada")


def kept_of_orders(servers):
    """What tax law asks for."""
    return servers.run(
        """
        SELECT o.number, o.placed_at, o.currency, o.subtotal_minor, o.discount_minor, o.shipping_minor, o.tax_minor,
               o.total_minor, o.country, o.status, o.payment_status,
               (SELECT jsonb_agg(to_jsonb(l) ORDER BY l.position) FROM order_lines l WHERE l.order_id = o.id),
               (SELECT jsonb_agg(to_jsonb(e) ORDER BY e.seq) FROM order_events e WHERE e.order_id = o.id),
               (SELECT jsonb_agg(to_jsonb(p)) FROM payments p WHERE p.order_id = o.id)
        FROM orders o ORDER BY o.id
        """
    )


def test_nothing_of_an_erased_person_can_be_found_in_any_column(client, app, servers, ada):
    with app.app_context():
        drain()  # half of the messages are sent, half wait
        run_unit(lambda: db.run("UPDATE deliveries SET state = 'pending', sent_at = NULL WHERE id % 2 = 0"))
    client.post("/api/v1/auth/resend-verification", json={"email": ada.open["email"]})
    client.post("/api/v1/auth/password/forgot", json={"email": ada.open["email"]})
    before, orders = found_in_database(servers, ada.everything, keys_that_remain(app)), kept_of_orders(servers)
    assert {name for _, _, name in before} == set(ada.everything)  # the search finds what is there
    with app.app_context():
        erase_account(ada.user_id)
        assert forgetting.forget_cards() == 1  # until then the token waits for the provider
    assert found_in_database(servers, ada.everything, keys_that_remain(app)) == set()
    assert kept_of_orders(servers) == orders


def test_an_erased_persons_cards_are_forgotten_by_their_provider_once_it_answers(client, app, ada, gateway, later):
    gateway.queue("forget", unknown("timeout"), unknown("http_503", retriable=True))
    with app.app_context():
        erase_account(ada.user_id)
        assert [forgetting.forget_cards() for _ in range(4)] == [0, 0, 1, 0]
        assert len({token for verb, token in gateway.calls if verb == "forget"}) == 1
        assert gateway.calls[-1][1] in ada.hidden.values()
        run_unit(lambda: forgetting.leave("simulator", "tok_approve:x"))
        run_unit(lambda: forgetting.leave("nobody", "tok_approve:y"))
        later(days=31)
        gateway.queue("forget", unknown("timeout"))
        assert forgetting.forget_cards() == 0
        assert look("SELECT 1 FROM pending_facts WHERE consumer = 'cards'") == []


def test_somebody_else_loses_nothing(client, app, servers, ada):
    bob = somebody_known(client, "zqbob")
    before = found_in_database(servers, bob.everything, keys_that_remain(app))
    with app.app_context():
        erase_account(ada.user_id)
    assert found_in_database(servers, bob.everything, keys_that_remain(app)) == before
    assert bob.account.get("/me").status_code == 200


def test_the_key_is_destroyed_and_the_account_cannot_be_used(client, app, ada):
    with app.app_context():
        erase_account(ada.user_id)
        with reading(), pytest.raises(NotFound):
            load_person(ada.person_id)
    assert ada.account.get("/me").status_code == 401
    old = ada.account.refresh_token
    assert client.post("/api/v1/auth/refresh", headers={"Authorization": f"Bearer {old}"}).status_code == 401
    assert ada.account.sign_in().status_code == 401
    with app.app_context(), reading():
        erased = db.scalar("SELECT username FROM users WHERE id = :id", id=ada.user_id)
    assert erased.startswith("erased-")
    answer = client.post("/api/v1/auth/login", json={"login": erased, "password": ada.account.password})
    assert answer.json["code"] == "wrong_credentials"


def test_the_same_address_and_name_may_sign_up_anew_as_somebody_new(client, app, ada):
    with app.app_context():
        erase_account(ada.user_id)
    again = an_account(client, email=ada.open["email"], username=ada.open["username"])
    assert again.get("/orders").json["items"] == []
    with app.app_context(), reading():
        assert user_id_of_login(again.email) != ada.user_id


def test_staff_still_read_the_orders_of_an_erased_person(client, app, ada):
    with app.app_context():
        with reading():
            number = list_orders(user_id=ada.user_id)["items"][0]["number"]
        erase_account(ada.user_id)
        with reading():
            order = order_view(number, STAFF)
            assert (order["email"], order["shipping_address"], order["client_reference"]) == (None, None, None)
            assert order["items"] and order["totals"]["total"]["amount"] > 0
            assert [e["type"] for e in order_events(number, STAFF, 0)][-1] == "order.return_withdrawn"
            assert list_orders()["items"][0]["country"] == "GB"


def test_no_message_goes_to_an_erased_person(client, app, ada, settings):
    client.post("/api/v1/auth/password/forgot", json={"email": ada.open["email"]})
    before = settings.mail_file.read_text() if settings.mail_file.exists() else ""
    with app.app_context():
        erase_account(ada.user_id)
        drain()
    after = settings.mail_file.read_text() if settings.mail_file.exists() else ""
    assert ada.open["email"] not in after.removeprefix(before)


def test_a_held_cart_gives_its_stock_back(core):
    member, mug = a_member(), a_variant(stock=5)
    ref = a_cart({mug: 3}, member)
    run_unit(lambda: start_hold(ref))
    assert stock_of(mug) == (5, 3)
    erase_account(member.user_id)
    assert stock_of(mug) == (5, 0)
    assert look("SELECT id FROM carts WHERE user_id = :id", id=member.user_id) == []


def test_the_audit_log_has_the_erasure_by_id(core):
    member = a_member()
    erase_account(member.user_id)
    entry = look("SELECT action, chain FROM audit_log WHERE target = :who", who=f"user:{member.user_id}")[0]
    assert tuple(entry) == ("account.erased", "security")


# --- what stands in the way ----------------------------------------------------------------------------


def test_an_order_under_way_keeps_the_account_whole(core):
    member = a_member()
    waiting, held = an_order(caller=member), an_order_on_hold(caller=member)
    undelivered = a_confirmed_order(caller=member)
    asked = a_delivered_order(caller=member)
    ask(asked)
    a_delivered_order(caller=member)
    with pytest.raises(OrdersUnderWay) as refused:
        erase_account(member.user_id)
    assert refused.value.extra == {"orders": [o.number for o in (waiting, held, undelivered, asked)]}
    assert look(
        "SELECT wrapped_key FROM persons p JOIN users u ON u.person_id = p.id WHERE u.id = :id AND"
        " p.wrapped_key IS NOT NULL AND u.erased_at IS NULL",
        id=member.user_id,
    )


def test_a_payment_that_failed_does_not_stand_in_the_way_but_cannot_be_tried_again(core):
    member = a_member()
    order = a_declined_order(caller=member)
    erase_account(member.user_id)
    with pytest.raises(NotPayable):
        pay_again(order)
    assert look("SELECT status FROM orders")[0].status == "payment_failed"


def test_the_last_who_may_give_roles_stays(core):
    ada, bob, cleo = a_member(), a_member(), a_member()
    for member in (ada, bob):
        run_unit(lambda member=member: grant(member.user_id, "admin"))
    erase_account(ada.user_id)
    with pytest.raises(LastKeeper):
        erase_account(bob.user_id)
    run_unit(lambda: grant(cleo.user_id, "admin"))
    erase_account(bob.user_id)
    assert [r.user_id for r in look("SELECT user_id FROM user_roles")] == [cleo.user_id]


def test_nobody_erases_somebody_who_may_do_more(core):
    admin, spare = a_member(), a_member()
    for member in (admin, spare):
        run_unit(lambda member=member: grant(member.user_id, "admin"))
    clerk = Caller(user_id=spare.user_id, permissions=frozenset({Permission.CUSTOMERS_ERASE}), second_factor=True)
    with pytest.raises(PermissionNotHeld):
        erase_customer(clerk, admin.user_id)
    customer = a_member()
    erase_customer(clerk, customer.user_id)
    with pytest.raises(NotFound):
        erase_customer(clerk, customer.user_id)


def test_nobody_is_erased_twice(core):
    member = a_member()
    erase_account(member.user_id)
    for user_id in (member.user_id, uuid.uuid4()):
        with pytest.raises(NotFound):
            erase_account(user_id)


# --- guests --------------------------------------------------------------------------------------------


def opened(order):
    with reading():
        return order_view(order.number, STAFF)["email"]


def test_a_guest_is_erased_with_all_orders_of_the_same_address(core):
    first, second = (a_delivered_order(email="Guest@canary.example") for _ in range(2))
    other = a_delivered_order(email="other@canary.example")
    erase_guest(first.number)
    erase_guest(first.number)  # again changes nothing
    assert (opened(first), opened(second), opened(other)) == (None, None, "other@canary.example")
    assert [r.caller[:6] for r in look("SELECT caller FROM orders ORDER BY placed_at")] == [
        "erased",
        "erased",
        "guest:",
    ]


def test_a_guest_whose_order_is_under_way_is_not_erased(core):
    order = an_order(email="guest@canary.example")
    with pytest.raises(OrdersUnderWay):
        erase_guest(order.number)
    assert opened(order) == "guest@canary.example"


def test_a_members_order_is_not_erased_without_the_member(core):
    order = a_confirmed_order(caller=a_member())
    with pytest.raises(OrderOfMember):
        erase_guest(order.number)


def test_orders_a_member_placed_as_a_guest_go_with_a_proven_address_only(core):
    proven = a_member(email="proven@canary.example")
    claimed = a_member(email="claimed@canary.example", verified=False)
    theirs, somebodys = (a_delivered_order(email=f"{name}@canary.example") for name in ("proven", "claimed"))
    erase_account(proven.user_id)
    erase_account(claimed.user_id)
    assert (opened(theirs), opened(somebodys)) == (None, "claimed@canary.example")


def test_what_the_proven_address_asked_support_as_a_guest_goes_too(client, app, ada):
    with app.app_context():
        asked = run_unit(lambda: open_for_address(ada.open["email"].upper(), a_wish("ZQ-asked-as-guest")))
        other = run_unit(lambda: open_for_address("else@quickshop.example", a_wish()))
        with export_account(ada.user_id) as copy:
            assert b"ZQ-asked-as-guest" in copy.read()
        person = look("SELECT person_id FROM tickets WHERE id = :id", id=asked)[0].person_id
        erase_account(ada.user_id)
        assert [t.id for t in look("SELECT id FROM tickets")] == [other]
        assert look("SELECT wrapped_key FROM persons WHERE id = :id", id=person)[0].wrapped_key is None


def test_a_guests_questions_go_with_the_guest(core):
    order = a_delivered_order()
    ticket = a_guests_ticket(order)
    erase_guest(order.number)
    assert look("SELECT 1 FROM tickets WHERE id = :id", id=ticket) == []
    assert look("SELECT 1 FROM ticket_messages") == []
