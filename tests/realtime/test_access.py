"""Who is let in, and who may follow what. A token that is given must be good; what is not yours does not exist."""

import time

import jwt
import pytest
import socketio

from quickshop.support.telling import shown_topic
from tests.factories import shop, support
from tests.factories.accounts import a_staff_account, an_account, execute
from tests.factories.sockets import Refused, Screen
from tests.factories.tokens import FORGED, made, parts_of


@pytest.fixture
def account(client, web):
    return an_account(client)


@pytest.fixture
def staff(client, account):
    return make_staff(client, an_account(client))


def make_staff(client, account, role="support"):
    """Give somebody a role, and their session a second factor."""
    execute(
        client,
        "INSERT INTO user_roles (user_id, role) SELECT id, :role FROM users WHERE username = :name",
        role=role,
        name=account.username,
    )
    execute(
        client,
        "UPDATE sessions SET second_factor_at = now() FROM users u WHERE u.id = user_id AND username = :name",
        name=account.username,
    )
    return account


def user_id(account):
    return jwt.decode(account.access_token, options={"verify_signature": False})["sub"]


def parts(app, account):
    """Header and claims of the account's token, and the shop's key."""
    return parts_of(app, account.access_token)


def refusal(url, auth=None, **more):
    """The problem document of a connection that must be refused."""
    with pytest.raises(Refused) as refused:
        Screen(url, auth, **more)
    problem = refused.value.problem
    assert {"type", "title", "status", "detail", "code", "request_id"} <= problem.keys()
    return problem


def denied(screen, topic, code):
    """Assert that a topic is denied."""
    answer = screen.subscribe(topic)
    assert answer["ok"] is False
    assert answer["problem"]["code"] == code, answer
    return answer


REFUSALS = ("token_invalid", "token_expired", "session_ended", "validation_failed")


def batched(items, size):
    """The items, `size` at a time."""
    whole = list(items)
    return [whole[start : start + size] for start in range(0, len(whole), size)]


# --- connecting ----------------------------------------------------------------------------------------


def test_every_forged_token_is_refused_and_never_taken_for_nobody(app, account, web):
    real = parts(app, account)
    for kind, forge in FORGED.items():
        assert refusal(web.url, {"token": forge(real)})["code"] in ("token_invalid", "validation_failed"), kind


def test_every_forged_token_is_refused_as_a_cookie(app, account, web):
    real = parts(app, account)
    for kind, forge in FORGED.items():
        assert refusal(web.url, headers={"Cookie": f"access={forge(real)}"})["code"] == "token_invalid", kind
    assert refusal(web.url, headers={"Cookie": f"access={account.refresh_token}"})["code"] == "token_invalid"
    expired = made(real, exp=int(time.time()) - 60)
    assert refusal(web.url, headers={"Cookie": f"access={expired}"})["code"] == "token_expired"


def test_every_forged_token_is_refused_on_an_open_socket_which_stays_what_it_was(app, client, account, web):
    real = parts(app, account)
    forged = {kind: forge(real) for kind, forge in FORGED.items()}
    forged |= {"refresh": account.refresh_token, "expired": made(real, exp=int(time.time()) - 60)}
    others = parts(app, an_account(client))[1]
    forged["the session of another"] = made(real, sid=others["sid"])
    for tokens in batched(forged.items(), 15):  # a socket may say 20 things a second
        with Screen(web.url) as nobody:
            for kind, token in tokens:
                answer = nobody.call("authenticate", {"token": token})
                assert answer["ok"] is False, kind
                assert answer["problem"]["code"] in REFUSALS, (kind, answer)
            denied(nobody, "account", "unauthenticated")


def test_an_api_key_opens_no_socket(app, client, web, clean):
    keyed = a_staff_account(client)
    body = {"name": "till", "scopes": ["metrics:read", "orders:read"]}
    key = client.post("/api/v1/admin/api-keys", json=body, headers=keyed.headers).json["key"]
    assert refusal(web.url, {"token": key})["code"] == "token_invalid"
    assert refusal(web.url, {"api_key": key})["code"] == "validation_failed"
    assert refusal(web.url, headers={"Cookie": f"access={key}"})["code"] == "token_invalid"
    assert refusal(web.url, headers={"X-API-Key": key}, namespace="/admin")["code"] == "unauthenticated"
    with Screen(web.url, headers={"X-API-Key": key}) as nobody:
        denied(nobody, "account", "unauthenticated")


def test_expired_ended_and_refresh_tokens_are_refused(client, app, account, web):
    real = parts(app, account)
    assert refusal(web.url, {"token": made(real, exp=int(time.time()) - 60)})["code"] == "token_expired"
    assert refusal(web.url, {"token": account.refresh_token})["code"] == "token_invalid"
    assert client.post("/api/v1/auth/logout", headers=account.headers).status_code < 300
    assert refusal(web.url, {"token": account.access_token})["code"] == "session_ended"


@pytest.mark.parametrize("auth", [{"token": 7}, {"token": ""}, {"user": "x"}, {"order_token": ["x"]}, ["token"], "x"])
def test_credentials_of_another_shape_are_refused(web, auth, clean):
    assert refusal(web.url, auth)["code"] == "validation_failed"


@pytest.mark.parametrize("token", ["x", "x.y", "0192f0e0-0000-7000-8000-000000000000.00000000000000000000000000000000"])
def test_a_bad_order_token_is_refused(web, clean, token):
    assert refusal(web.url, {"order_token": token})["code"] == "token_invalid"


def test_the_browsers_cookie_serves_and_a_bad_one_is_refused(account, web):
    with Screen(web.url, headers={"Cookie": f"access={account.access_token}"}) as screen:
        assert screen.subscribe("account")["ok"]
    assert refusal(web.url, headers={"Cookie": "access=forged"})["code"] == "token_invalid"


def test_beside_a_good_order_token_a_stale_cookie_does_no_harm(core, web):
    order = shop.an_order()
    with Screen(web.url, {"order_token": order.document["token"]}, headers={"Cookie": "access=stale"}) as screen:
        assert screen.subscribe(f"order:{order.number}")["ok"]


def test_pages_of_other_sites_are_refused(web, clean):
    for origin in ("http://evil.example", "null", web.url.replace("127.0.0.1", "localhost"), web.url + ".evil.example"):
        with pytest.raises(Exception, match="400"):
            Screen(web.url, headers={"Origin": origin})
    with Screen(web.url, headers={"Origin": web.url}):
        pass


def test_the_official_client_connects_and_long_polling_does_not(core, web):
    order = shop.an_order()
    client = socketio.Client(reconnection=False)
    client.connect(web.url, auth={"order_token": order.document["token"]}, transports=["websocket"])
    try:
        assert client.call("subscribe", {"topic": f"order:{order.number}"}) == {"ok": True, "latest": 1}
    finally:
        client.disconnect()
    with pytest.raises(socketio.exceptions.ConnectionError):
        socketio.Client(reconnection=False).connect(web.url, transports=["polling"])


# --- topics --------------------------------------------------------------------------------------------


def test_an_order_is_followed_by_its_guest_its_member_and_staff_only(app, client, account, staff, web):
    with app.app_context():  # of its own: the requests of `client` must not share it
        guests, members = shop.an_order(), shop.an_order(caller=shop.a_member())
    execute(client, "UPDATE orders SET user_id = :u WHERE id = :o", u=user_id(account), o=members.id)
    with Screen(web.url) as nobody:
        denied(nobody, f"order:{guests.number}", "not_found")
    with Screen(web.url, {"order_token": guests.document["token"]}) as guest:
        assert guest.subscribe(f"order:{guests.number}")["ok"]
        missing = denied(guest, "order:QS-999999999", "not_found")
        foreign = denied(guest, f"order:{members.number}", "not_found")
        assert foreign["problem"]["detail"] == missing["problem"]["detail"]
    with Screen(web.url, {"token": account.access_token}) as owner:
        assert owner.subscribe(f"order:{members.number}")["ok"]
        denied(owner, f"order:{guests.number}", "not_found")
    with Screen(web.url, {"token": staff.access_token}) as helper:
        assert helper.subscribe(f"order:{guests.number}")["ok"]


def test_the_account_topic_is_ones_own(client, account, history, web, relay):
    with Screen(web.url) as nobody:
        denied(nobody, "account", "unauthenticated")
        denied(nobody, f"account:{user_id(account)}", "not_found")
    other = an_account(client)
    with (
        Screen(web.url, {"token": account.access_token}) as mine,
        Screen(web.url, {"token": other.access_token}) as theirs,
    ):
        mine.follow("account")
        theirs.follow("account")
        seq = history.account_happens(user_id(account))
        history.account_happens(user_id(other), "account.of_another")
        mine.wait_for(lambda events: events)
        theirs.wait_for(lambda events: events)
        (event,) = mine.events
        assert (event["topic"], event["seq"], event["type"]) == ("account", seq, "account.noted")
        assert [e["type"] for e in theirs.events] == ["account.of_another"]
        seen = [e for e in account.get("/me/events").json["items"] if e["seq"] == seq]
        assert seen == [{k: v for k, v in event.items() if k != "topic"}]


def test_a_cart_is_followed_by_who_holds_its_token(core, history, web, relay):
    cart = shop.a_cart({shop.a_variant(): 1})
    topic = f"cart:{cart.token}"
    with Screen(web.url) as screen:
        assert screen.subscribe(topic) == {"ok": True, "latest": None}
        denied(screen, f"cart:{cart.id}", "not_found")
        history.frame(f"cart:{cart.id}", "cart.updated", {"items": 2})
        screen.wait_for(lambda events: events)
        (event,) = screen.events
        assert (event["topic"], event["seq"], event["data"]) == (topic, None, {"items": 2})


def test_a_product_is_followed_by_everybody(core, history, web, second_web, relay):
    variant = shop.a_variant()
    product = shop.look("SELECT product_id FROM variants WHERE id = :id", id=variant)[0].product_id
    with Screen(web.url) as here, Screen(second_web.url) as there:
        for screen in (here, there):
            denied(screen, "product:no-id", "not_found")
            denied(screen, "product:0192f0e0-0000-7000-8000-000000000000", "not_found")
            screen.follow(f"product:{product}")
        history.frame(f"product:{product}", "stock.updated", {"available": 3})
        for screen in (here, there):
            screen.wait_for(lambda events: {"available": 3} in [e["data"] for e in events])


@pytest.mark.parametrize("topic", ["metrics", "admin:metrics", "order", "order:", "users:1", "*", "event", "orders"])
def test_other_names_are_no_topics(web, clean, topic):
    with Screen(web.url) as screen:
        denied(screen, topic, "not_found")


BAD = [{}, {"topic": 7}, {"topic": ""}, {"topic": "x" * 500}, {"topic": "account", "room": "y"}, [], "account", None, 7]


@pytest.mark.parametrize("message", BAD)
def test_messages_of_another_shape_are_refused(web, clean, message):
    with Screen(web.url) as screen:
        for name in ("subscribe", "unsubscribe", "authenticate"):
            assert screen.call(name, message)["problem"]["code"] == "validation_failed"
        assert screen.call("subscribe")["problem"]["code"] == "validation_failed"
        assert screen.call("emit", message)["problem"]["code"] == "unknown_message"


@pytest.mark.parametrize("after", [-1, 1.5, "1", True, [], 2**60])
def test_a_seq_is_a_whole_number(web, clean, after):
    with Screen(web.url) as screen:
        answer = screen.subscribe("account", after=after)
        assert answer["problem"]["code"] == "validation_failed"
        assert "after" in answer["problem"]["errors"]


def test_too_many_messages_and_topics_are_refused(web, clean):
    with Screen(web.url) as screen:
        codes = [screen.subscribe("order:QS-1")["problem"]["code"] for _ in range(40)]
        assert codes[0] == "not_found"
        assert "rate_limited" in codes


# --- the live page -------------------------------------------------------------------------------------


def test_the_live_page_is_for_staff(account, staff, history, web, relay):
    assert refusal(web.url, namespace="/admin")["code"] == "unauthenticated"
    assert refusal(web.url, {"token": account.access_token}, namespace="/admin")["code"] == "forbidden"
    with Screen(web.url, {"token": staff.access_token}, namespace="/admin") as screen:
        for topic in ("metrics", "orders", "queues", "errors"):
            assert screen.subscribe(topic) == {"ok": True, "latest": None}
        denied(screen, "account", "not_found")
        denied(screen, "admin:orders", "not_found")


def test_a_conversation_is_told_to_both_of_its_sides_and_a_note_to_staff_alone(app, staff, history, web, relay):
    with app.app_context():
        ticket, sam = support.a_ticket(), shop.a_member()
        topic = shown_topic(ticket)
    screens = Screen(web.url), Screen(web.url, {"token": staff.access_token}, namespace="/admin")
    with screens[0] as shopper, screens[1] as desk:
        shopper.follow(topic)
        desk.follow("tickets")
        with app.app_context():
            support.noted(ticket, sam, "ZQ-NOTE")
            support.answered(ticket, sam, "ZQ-ANSWER")
        desk.wait_for(lambda events: [e for e in events if e["data"].get("by") == "staff"])
        shopper.wait_for(lambda events: [e for e in events if e["type"] == "ticket.message_added"])
        assert [e["data"]["by"] for e in desk.events if e["type"] == "ticket.message_added"] == ["note", "staff"]
        assert {e["topic"] for e in shopper.events} == {topic}
        assert [e["data"]["by"] for e in shopper.events if e["type"] == "ticket.message_added"] == ["staff"]
        assert "ZQ" not in str(shopper.events) + str(desk.events)


def test_conversations_are_followed_by_their_token_or_by_those_who_answer(app, client, staff, web):
    with app.app_context():
        ticket = support.a_ticket()
        real = shown_topic(ticket)
    with Screen(web.url) as nobody:
        for forged in (real[:-1] + ("0" if real[-1] != "0" else "1"), f"ticket:{ticket}", "ticket:", "tickets"):
            denied(nobody, forged, "not_found")
    execute(client, "UPDATE roles SET permissions = '{metrics:read}' WHERE name = 'support'")
    with Screen(web.url, {"token": staff.access_token}, namespace="/admin") as clerk:
        denied(clerk, "tickets", "forbidden")
        denied(clerk, real, "not_found")


def test_imports_are_followed_by_those_who_keep_the_catalogue(client, staff, history, web, relay):
    keeper = make_staff(client, an_account(client), "admin")
    with Screen(web.url, {"token": staff.access_token}, namespace="/admin") as screen:
        denied(screen, "imports", "forbidden")
    with Screen(web.url, {"token": keeper.access_token}, namespace="/admin") as screen:
        assert screen.subscribe("imports") == {"ok": True, "latest": None}
        history.frame("admin:imports", "import.progress", {"percent": 7})
        screen.wait_for(lambda events: {"percent": 7} in [e["data"] for e in events])
        assert screen.events[-1]["topic"] == "imports"


# --- while it is open ----------------------------------------------------------------------------------


def closing(screen):
    """The reason the server gave for closing."""
    return [e["data"]["code"] for e in screen.events if e["type"] == "connection.closing"]


def test_a_socket_is_closed_when_its_token_runs_out_and_stays_when_it_was_renewed(app, account, web):
    real = parts(app, account)
    soon = made(real, exp=int(time.time()) + 3)
    with Screen(web.url, {"token": soon}) as ends, Screen(web.url, {"token": soon}) as stays:
        answer = stays.call("authenticate", {"token": account.access_token})
        assert answer == {"ok": True, "expires_at": real[1]["exp"]}
        assert ends.ended.wait(10)
        assert closing(ends) == ["token_expired"]
        assert stays.subscribe("account")["ok"]
        assert not stays.ended.is_set()


def test_a_socket_is_renewed_by_its_own_member_only(client, account, web):
    other = an_account(client)
    with Screen(web.url, {"token": account.access_token}) as screen:
        assert screen.call("authenticate", {"token": other.access_token})["problem"]["code"] == "forbidden"
        assert screen.call("authenticate", {"token": "forged"})["problem"]["code"] == "token_invalid"
        assert screen.subscribe("account")["ok"]


def test_somebody_who_signs_in_may_say_so_on_the_open_socket(account, web):
    with Screen(web.url) as screen:
        denied(screen, "account", "unauthenticated")
        assert screen.call("authenticate", {"token": account.access_token})["ok"]
        assert screen.subscribe("account")["ok"]


def test_a_socket_is_closed_within_15_s_of_the_end_of_its_session(client, account, web):
    with Screen(web.url, {"token": account.access_token}) as screen:
        assert client.post("/api/v1/auth/logout", headers=account.headers).status_code < 300
        assert screen.ended.wait(15)
        assert closing(screen) == ["session_ended"]


def test_a_socket_is_closed_within_15_s_of_the_idle_end_which_it_does_not_put_off(client, account, web):
    execute(client, "UPDATE sessions SET kind = 'web', last_used_at = now() - interval '29 min 57 s'")
    with Screen(web.url, {"token": account.access_token}) as screen:
        assert screen.subscribe("account")["ok"]
        assert screen.ended.wait(15)
        assert closing(screen) == ["session_ended"]


def test_a_socket_is_closed_within_15_s_when_the_account_is(client, account, web):
    with Screen(web.url, {"token": account.access_token}) as screen:
        execute(client, "UPDATE users SET disabled_at = now()")
        assert screen.ended.wait(15)
        assert closing(screen) == ["session_ended"]


def test_staff_whose_session_lost_its_second_factor_lose_the_live_page(client, staff, web):
    with Screen(web.url, {"token": staff.access_token}, namespace="/admin") as screen:
        execute(client, "UPDATE sessions SET second_factor_at = NULL")
        assert screen.ended.wait(15)
        assert closing(screen) == ["forbidden"]


def test_staff_who_lose_their_role_lose_the_orders_of_others_too(client, staff, web):
    with Screen(web.url, {"token": staff.access_token}) as screen:
        execute(client, "DELETE FROM user_roles")
        assert screen.ended.wait(15)
        assert closing(screen) == ["forbidden"]


def test_staff_with_one_factor_do_not_reach_the_live_page(client, staff, web):
    execute(client, "UPDATE sessions SET second_factor_at = NULL")
    problem = refusal(web.url, {"token": staff.access_token}, namespace="/admin")
    assert problem["code"] == "second_factor_needed"


def test_staff_who_lose_their_role_lose_the_live_page(client, staff, web):
    with Screen(web.url, {"token": staff.access_token}, namespace="/admin") as screen:
        execute(client, "DELETE FROM user_roles")
        assert screen.ended.wait(15)
        assert closing(screen) == ["forbidden"]


def test_staff_who_lose_a_permission_lose_the_orders_of_others(app, client, staff, web):
    with app.app_context():  # of its own: the requests of `client` must not share it
        order = shop.an_order()
    with Screen(web.url, {"token": staff.access_token}) as helper:
        assert helper.subscribe(f"order:{order.number}")["ok"]
        execute(client, "UPDATE roles SET permissions = '{metrics:read}' WHERE name = 'support'")
        assert helper.ended.wait(15)
        assert closing(helper) == ["forbidden"]
    with Screen(web.url, {"token": staff.access_token}) as helper:
        denied(helper, f"order:{order.number}", "not_found")
