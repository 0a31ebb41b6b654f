"""Outbound webhooks: what receivers get and in which order, whatever they do; when is tried again, and when not."""

from dataclasses import replace

import pytest

from quickshop.accounts.roles import grant
from quickshop.extensions import settings as present_settings
from quickshop.factory import create_app
from quickshop.kernel import db, facts
from quickshop.kernel.events import Fact
from quickshop.kernel.master_keys import keyring
from quickshop.kernel.unit_of_work import run_unit
from quickshop.notifications.rendering import render
from quickshop.notifications.taking import take_facts
from quickshop.orders.log import Move, move
from quickshop.webhooks import delivering, noting, queries, rules, service
from quickshop.webhooks.errors import EndpointInactive
from tests.factories.receivers import QUICK, a_receiver, an_endpoint, documented_verify, let_pass, send
from tests.factories.shop import a_confirmed_order, a_member, a_variant, an_order, log_of, look

pytestmark = pytest.mark.usefixtures("core", "gateway")


@pytest.fixture
def receiver():
    with a_receiver() as made:
        yield made


def tell(*numbers):
    """Have the shop tell of something, once for each number."""
    for number in numbers:
        run_unit(lambda number=number: facts.announce("product.updated", {"product_id": number}))


def attempts():
    """(status, error) of every attempt, in order."""
    return [(a.status, a.error) for a in look("SELECT status, error FROM webhook_attempts ORDER BY id")]


def states():
    """The states of all deliveries, by the number of their event."""
    return [d.state for d in look("SELECT state FROM webhook_deliveries ORDER BY event_seq")]


def the_endpoint():
    return queries.list_endpoints()[0]


# --- what is told ----------------------------------------------------------------------------------------


def test_where_nobody_has_an_endpoint_nothing_is_written_for_one():
    a_confirmed_order()
    tell(1)
    assert look("SELECT count(*) AS n FROM pending_facts WHERE consumer = 'webhooks'")[0].n == 0
    assert look("SELECT count(*) AS n FROM outbox WHERE tasks::text LIKE '%webhooks%'")[0].n == 0
    assert send() == 0


def test_an_endpoint_costs_an_order_no_statement(receiver):
    def statements():
        order = an_order()
        ran = []
        db.watchers.append(ran.append)
        try:
            change = Move(("placed", "pending"), "processing", "pending", [Fact("order.processing")])
            run_unit(lambda: move(order.id, change, request_id=None))
        finally:
            db.watchers.remove(ran.append)
        return len(ran)

    without = statements()
    an_endpoint(receiver.url)
    assert statements() == without
    assert look("SELECT count(*) AS n FROM pending_facts WHERE consumer = 'webhooks'")[0].n == 2


def test_an_order_is_told_in_the_order_of_its_log_and_signed(receiver):
    _, secret = an_endpoint(receiver.url, "order.*")
    order = a_confirmed_order()
    assert send() == len(log_of(order))
    assert [e["type"] for e in receiver.events] == log_of(order)
    assert [e["data"]["order_seq"] for e in receiver.events] == list(range(1, len(log_of(order)) + 1))
    assert {e["data"]["number"] for e in receiver.events} == {order.number}
    assert receiver.seqs == list(range(1, len(log_of(order)) + 1))
    verify = documented_verify()
    for headers, body in receiver.taken:
        assert verify(secret, headers, body)
        assert not verify(secret, headers, body + b" ")
        assert not verify(secret, headers, body, tolerance=-1)
        assert headers["webhook-id"] == receiver.events[0]["id"] or body != receiver.taken[0][1]
        assert headers["path"] == "/in?from=shop"
    assert set(states()) == {"delivered"}


def test_a_hint_goes_out_with_the_fact(receiver):
    an_endpoint(receiver.url)
    before = look("SELECT coalesce(max(id), 0) AS n FROM outbox")[0].n
    an_order()
    tell(1)
    hinted = look("SELECT tasks FROM outbox WHERE id > :n AND tasks::text LIKE '%webhooks%'", n=before)
    assert [[t["name"] for t in row.tasks][-1] for row in hinted] == ["webhooks.drain", "webhooks.drain"]


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (["*"], {"order.placed", "product.updated", "stock.changed"}),
        (["product.*"], {"product.updated"}),
        (["stock.changed", "order.refunded"], {"stock.changed"}),
    ],
)
def test_an_endpoint_is_told_of_what_it_asked_for(receiver, wanted, told):
    goods = a_variant()
    an_endpoint(receiver.url, *wanted)
    an_order({goods: 1})
    tell(1)
    run_unit(lambda: facts.announce("stock.changed", {"variant_id": "x"}))
    send()
    assert {e["type"] for e in receiver.events} == told
    assert [e["seq"] for e in queries.list_events(0)] == [1, 2, 3]  # all of them stand in the log


def test_a_fact_makes_one_event_however_often_it_is_left(receiver):
    an_endpoint(receiver.url)
    order = an_order()
    left = look("SELECT type, data FROM pending_facts WHERE consumer = 'webhooks'")
    for _ in range(2):
        run_unit(lambda: [facts.leave("webhooks", f.type, f.data) for f in left])
    send()
    run_unit(lambda: [facts.leave("webhooks", f.type, f.data) for f in left])
    send()
    assert [e["type"] for e in receiver.events] == log_of(order)


# --- receivers in trouble --------------------------------------------------------------------------------


def test_what_fails_is_tried_again_with_pauses_and_the_log_tells_of_it(receiver):
    an_endpoint(receiver.url)
    receiver.does = 500
    tell(1)
    for pause in rules.PAUSES[:3]:
        send()
        assert send() == 0  # not before its time
        run_unit(lambda: db.run("UPDATE webhook_endpoints SET open_until = NULL"))
        wait = look("SELECT extract(epoch FROM next_run_at - now()) AS s FROM webhook_deliveries")[0].s
        assert pause * 0.85 < wait < pause * 1.15
        let_pass(pause * 1.2)
    receiver.does = 200
    assert send() == 1
    assert attempts() == [(500, None)] * 3 + [(200, None)]
    assert len({headers["webhook-id"] for headers, _ in receiver.taken}) == 1
    assert len({body for _, body in receiver.taken}) == 1
    assert states() == ["delivered"]


def test_a_delivery_is_given_up_after_its_last_attempt_and_can_be_sent_again(receiver):
    an_endpoint(receiver.url)
    receiver.does = 400
    tell(1)
    for _ in range(rules.MOST_ATTEMPTS):
        send()
        run_unit(lambda: db.run("UPDATE webhook_endpoints SET failing_since = now() WHERE failures > 0"))
        let_pass(50_000)
    assert attempts() == [(400, None)] * rules.MOST_ATTEMPTS
    assert states() == ["given_up"]
    receiver.does = 200
    [delivery] = look("SELECT id FROM webhook_deliveries")
    run_unit(lambda: service.redeliver(delivery.id))
    assert send() == 1
    assert queries.get_delivery(delivery.id)["state"] == "delivered"
    assert len(queries.get_delivery(delivery.id)["tried"]) == rules.MOST_ATTEMPTS + 1


def test_the_breaker_opens_probes_with_one_message_and_lets_all_go_in_order(receiver):
    an_endpoint(receiver.url)
    receiver.does = 503
    tell(*range(10))
    for _ in range(rules.OPENS_AFTER):
        send()
        let_pass(0 if the_endpoint()["breaker"]["state"] == "open" else 10_000)
    assert the_endpoint()["breaker"]["state"] == "open"
    tried = len(receiver.taken)
    let_pass(20)  # what waits is due, the breaker is open
    assert send() == 0
    assert len(receiver.taken) == tried
    let_pass(20)
    assert the_endpoint()["breaker"]["state"] == "trying"
    assert send() == 0
    assert len(receiver.taken) == tried + 1  # one, not ten
    assert the_endpoint()["breaker"] | {"failing_since": None, "tried_again_at": None} == {
        "state": "open", "failures": rules.OPENS_AFTER + 1, "failing_since": None, "tried_again_at": None,
    }  # fmt: skip
    receiver.does, receiver.taken = 200, []
    let_pass(10_000)
    assert send() == 10
    assert receiver.seqs == list(range(1, 11))
    assert the_endpoint()["breaker"]["state"] == "closed"
    assert the_endpoint()["breaker"]["failures"] == 0


@pytest.mark.parametrize("does", ["hang", "drip"])
def test_a_receiver_that_hangs_holds_up_nobody_else(receiver, does):
    receiver.does = does
    an_endpoint(receiver.url, name="Slow")
    with a_receiver() as quick:
        an_endpoint(quick.url, name="Quick")
        tell(1, 2, 3)
        assert send() == 3
        assert quick.seqs == [1, 2, 3]
    assert attempts().count((None, "timeout")) == 1
    assert len(receiver.taken) == 1  # what follows is not sent into the same trouble
    tried = look("SELECT milliseconds AS ms FROM webhook_attempts WHERE error = 'timeout'")[0].ms
    assert 350 < tried < 2000


def test_a_thread_that_never_comes_back_is_not_waited_for(receiver, monkeypatch):
    monkeypatch.setattr(delivering, "LONGEST_SECONDS", 0.2)
    an_endpoint(receiver.url)
    tell(1)

    def looks_up_a_name_for_ever(*_, **__):
        receiver.let_go.wait(20)
        return 200

    assert send(looks_up_a_name_for_ever) == 0
    assert attempts() == [(None, "timeout")]
    assert states() == ["pending"]
    assert the_endpoint()["breaker"]["failures"] == 1


def test_a_redirect_is_a_failure_and_nobody_goes_there(receiver):
    with a_receiver() as inside:
        an_endpoint(receiver.url)
        receiver.does = inside.url
        tell(1)
        assert send() == 0
        assert inside.taken == []
    assert attempts() == [(302, "redirect")]
    assert states() == ["pending"]


@pytest.mark.parametrize(("does", "error"), [("junk", "bad_answer"), ("gone", "unreachable")])
def test_what_is_no_answer_is_a_failure_with_a_word(receiver, does, error):
    url = receiver.url
    if does == "gone":
        with a_receiver() as short_lived:
            url = short_lived.url
    receiver.does = does
    an_endpoint(url)
    tell(1)
    send()
    assert attempts() == [(None, error)]


def test_private_addresses_are_refused_where_the_operator_has_not_allowed_them(receiver, core, monkeypatch):
    an_endpoint(receiver.url)
    tell(1)
    monkeypatch.setitem(
        core.extensions, "quickshop.settings", replace(present_settings(), webhook_private_addresses=False)
    )
    assert not present_settings().webhook_private_addresses
    assert send() == 0
    assert receiver.taken == []
    assert attempts() == [(None, "private_address")]


def test_after_three_days_of_failures_an_endpoint_is_given_up_staff_are_told_and_enabling_sends_all(receiver):
    endpoint, _ = an_endpoint(receiver.url)
    receiver.does = 500
    tell(1, 2)
    for _ in range(rules.OPENS_AFTER):
        send()
        let_pass(10_000)
    assert the_endpoint()["state"] == "active"
    let_pass(3 * 24 * 3600)
    send()
    assert the_endpoint()["state"] == "given_up"
    [fact] = look("SELECT data FROM pending_facts WHERE type = :t", t=delivering.GIVEN_UP)
    assert fact.data["items"] == ["Warehouse"]
    audited = look("SELECT target, outcome FROM audit_log WHERE action = 'webhook.given_up' ORDER BY seq DESC LIMIT 1")
    assert audited == [(f"webhook:{endpoint}", "failed")]
    tell(3)
    let_pass(10_000)
    tried = len(receiver.taken)
    assert send() == 0
    assert len(receiver.taken) == tried
    with pytest.raises(EndpointInactive):
        run_unit(lambda: service.send_test(endpoint))
    receiver.does, receiver.taken = 200, []
    run_unit(lambda: service.change(endpoint, {"enabled": True}))
    assert send() == 2
    assert receiver.seqs == [1, 2]
    assert run_unit(lambda: service.recover(endpoint, 0)) == 1  # what happened while nothing was sent
    assert send() == 1
    assert receiver.seqs == [1, 2, 3]


def test_who_answers_gone_is_given_up_at_once_and_its_keepers_are_mailed(receiver):
    keeper, _customer = a_member(), a_member()
    run_unit(lambda: grant(keeper.user_id, "admin"))
    an_endpoint(receiver.url)
    receiver.does = 410
    tell(1)
    send()
    assert the_endpoint()["state"] == "given_up"
    run_unit(lambda: take_facts(10))
    [mail] = look(
        "SELECT person_id, context FROM deliveries WHERE kind = :k AND channel = 'email'", k=delivering.GIVEN_UP
    )
    assert mail.person_id == look("SELECT person_id FROM users WHERE id = :id", id=keeper.user_id)[0].person_id
    assert "Warehouse is not told any more" in render(delivering.GIVEN_UP, mail.context | {"public_url": ""}).subject


def test_what_a_dying_worker_had_claimed_comes_again_under_the_same_id(receiver):
    an_endpoint(receiver.url)
    tell(1)
    run_unit(lambda: noting.note(10))
    [turn] = run_unit(delivering._claim)
    delivering._send(turn, QUICK, True)  # sent, and never recorded
    assert send() == 0  # somebody owns it
    let_pass(delivering.LEASE_SECONDS + 1)
    assert send() == 1
    assert [h["webhook-id"] for h, _ in receiver.taken] == [receiver.events[0]["id"]] * 2
    assert run_unit(lambda: delivering._record(turn)) is None  # the dead one was only slow: it changes nothing
    assert attempts() == [(204, None)]
    assert the_endpoint()["breaker"]["failures"] == 0


def test_workers_send_and_the_relay_looks_with_no_more_rights_than_they_have(receiver, settings):
    an_endpoint(receiver.url)
    receiver.does = 410
    tell(1, 2)
    with create_app(role="relay", settings=settings).app_context():
        assert queries.due()
    with create_app(role="worker", settings=settings).app_context():
        assert send() == 0
        assert run_unit(noting.prune) == 0
    assert the_endpoint()["state"] == "given_up"
    assert attempts() == [(410, None)]


# --- secrets ---------------------------------------------------------------------------------------------


def test_both_secrets_sign_until_the_hours_are_over(receiver):
    endpoint, old = an_endpoint(receiver.url)
    new = run_unit(lambda: service.rotate(endpoint, 24))
    assert new != old
    verify = documented_verify()

    def good():
        tell(1)
        send()
        headers, body = receiver.taken[-1]
        return verify(old, headers, body), verify(new, headers, body)

    assert good() == (True, True)
    assert queries.get_endpoint(endpoint)["previous_secret_until"]
    let_pass(24 * 3600 + 1)
    assert good() == (False, True)
    assert queries.get_endpoint(endpoint)["previous_secret_until"] is None
    newest = run_unit(lambda: service.rotate(endpoint, 0))
    assert good() == (False, False)
    headers, body = receiver.taken[-1]
    assert verify(newest, headers, body)


def test_secrets_stand_sealed_and_come_under_the_new_master_key(receiver, core, monkeypatch):
    endpoint, old = an_endpoint(receiver.url)
    new = run_unit(lambda: service.rotate(endpoint))
    [row] = look("SELECT secret, previous_secret FROM webhook_endpoints")
    for secret, sealed in ((new, row.secret), (old, row.previous_secret)):
        assert secret.encode() not in bytes(sealed)
        assert keyring().unseal(sealed, service.secret_place(endpoint)) == secret
    keys = (("fresh", b"f" * 32), *present_settings().master_keys)
    monkeypatch.setitem(core.extensions, "quickshop.settings", replace(present_settings(), master_keys=keys))
    assert run_unit(service.reseal) == 1
    assert run_unit(service.reseal) == 0
    assert service.in_use() == {"fresh": 2}
    tell(1)
    send()
    headers, body = receiver.taken[-1]
    assert documented_verify()(old, headers, body)


# --- the log of events -----------------------------------------------------------------------------------


def test_a_receiver_that_was_away_finds_everything_in_order(receiver):
    an_endpoint(receiver.url)
    receiver.does = 500
    orders = [a_confirmed_order() for _ in range(2)]
    send()
    found = []
    while page := queries.list_events(found[-1]["seq"] if found else 0, limit=3):
        found += page
    assert [e["seq"] for e in found] == list(range(1, len(found) + 1))
    for order in orders:
        assert [e["type"] for e in found if e["data"]["number"] == order.number] == log_of(order)
    receiver.does, receiver.taken = 200, []
    let_pass(10_000)
    send()
    assert receiver.events == found  # the very same


def test_a_test_goes_to_one_endpoint_alone(receiver):
    endpoint, _ = an_endpoint(receiver.url, "order.placed")
    with a_receiver() as other:
        an_endpoint(other.url)
        delivery = run_unit(lambda: service.send_test(endpoint))
        assert send() == 1
        assert other.taken == []
    assert [e["type"] for e in receiver.events] == ["webhook.test"]
    assert queries.get_delivery(delivery)["state"] == "delivered"


def test_a_disabled_endpoint_is_sent_nothing_and_what_waited_goes_when_it_is_enabled(receiver):
    endpoint, _ = an_endpoint(receiver.url)
    tell(1)
    run_unit(lambda: noting.note(10))
    run_unit(lambda: service.change(endpoint, {"enabled": False}))
    assert send() == 0
    run_unit(lambda: service.change(endpoint, {"enabled": True}))
    assert send() == 1


def test_removing_the_last_endpoint_stops_the_listening(receiver):
    endpoint, _ = an_endpoint(receiver.url)
    tell(1)
    send()
    run_unit(lambda: service.remove(endpoint))
    tell(2)
    assert look("SELECT count(*) AS n FROM pending_facts WHERE consumer = 'webhooks'")[0].n == 0
    assert look("SELECT count(*) AS n FROM webhook_deliveries")[0].n == 0
    assert [e["seq"] for e in queries.list_events(0)] == [1]


def test_old_events_go_and_their_numbers_never_come_again(receiver):
    an_endpoint(receiver.url)
    tell(1, 2, 3)
    send()
    run_unit(lambda: db.run("UPDATE webhook_events SET noted_at = now() - interval '31 days'"))
    assert run_unit(noting.prune) == 2
    tell(4)
    send()
    assert [e["seq"] for e in queries.list_events(0)] == [3, 4]


def test_work_is_hinted_while_something_is_due_and_only_then(receiver):
    assert not queries.due()
    an_endpoint(receiver.url)
    tell(1)
    assert queries.due()
    receiver.does = 500
    send()
    assert not queries.due()  # a pause
    let_pass(60)
    assert queries.due()
    receiver.does = 200
    send()
    assert not queries.due()
