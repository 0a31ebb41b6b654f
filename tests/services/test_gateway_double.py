"""The simulated gateway as it really runs: every token, racing keys, kill -9, webhooks, pages, the mailbox."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import urllib3

from quickshop.payments.gateways.port import AnswerState, ChargeRequest
from quickshop.payments.gateways.simulator import SimulatorGateway, read_event
from quickshop.payments.signatures import HEADER, BadSignature, verify
from quickshop.runtime.doubles.cards import SCRIPTS
from tests.factories.gateways import CONFIG, ROOT, WEBHOOK_SECRET, GatewayProcess, WebhookReceiver
from tests.factories.waiting import eventually

QUICK = {
    "GATEWAY_HANG_SECONDS": "0.4",
    "GATEWAY_SLOW_SECONDS": "0.4",
    "GATEWAY_LATE_SECONDS": "0.05",
    "GATEWAY_WEBHOOK_BACKOFF_SECONDS": "0.02",
}
WEBHOOK_PATH = "/api/v1/payments/webhooks/simulator"


@pytest.fixture(scope="module")
def shop():
    with WebhookReceiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def gateway(tmp_path_factory, shop):
    process = GatewayProcess(tmp_path_factory.mktemp("gateway"), SHOP_URL=shop.url, **QUICK)
    try:
        yield process.start()
    finally:
        process.stop()


@pytest.fixture
def own_gateway(tmp_path, request):
    """A gateway of this test alone, to be killed and started again."""
    process = GatewayProcess(tmp_path, **QUICK)
    try:
        yield process
    finally:
        process.stop()


@pytest.fixture
def key(request):
    """A key no other test uses; also the order's number."""
    return f"{request.node.name}-{os.urandom(6).hex()}"


def client(gateway, read_seconds=5.0):
    return SimulatorGateway(gateway.url, lambda: False, read_seconds=read_seconds)


def request_for(key, token="tok_approve", amount=1999):
    return ChargeRequest(key, f"QS-{key}", amount, "USD", token)


def events_for(shop, key):
    return [d for d in shop.deliveries if read_event(d[2]).key == key]


# --- tokens --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "state", "code"),
    [
        ("tok_approve", AnswerState.AUTHORIZED, None),
        ("tok_approve:another", AnswerState.AUTHORIZED, None),
        ("tok_decline", AnswerState.DECLINED, "card_declined"),
        ("tok_insufficient_funds", AnswerState.DECLINED, "insufficient_funds"),
        ("tok_slow", AnswerState.AUTHORIZED, None),
        ("tok_late", AnswerState.PENDING, None),
    ],
)
def test_a_token_is_answered_as_its_name_says(gateway, key, token, state, code):
    answer = client(gateway).authorize(request_for(key, token))
    assert (answer.state, answer.code, answer.amount_minor, answer.currency) == (state, code, 1999, "USD")
    assert client(gateway).authorize(request_for(key, token)).provider_ref == answer.provider_ref
    assert len(gateway.ledger(f"QS-{key}")) == 1


def test_another_suffix_is_another_card(gateway, key):
    prints = {
        client(gateway).authorize(request_for(f"{key}-{n}", token)).card_fingerprint
        for n, token in enumerate(["tok_approve", "tok_approve:1", "tok_approve:2", "tok_approve:2"])
    }
    assert len(prints) == 3


def test_an_unknown_token_is_a_decline_and_leaves_nothing(gateway, key):
    answer = client(gateway).authorize(request_for(key, "tok_nonsense"))
    assert (answer.state, answer.code) == (AnswerState.DECLINED, "unknown_token")
    assert client(gateway).look_up(key).state is AnswerState.NOT_FOUND


def test_charged_but_silent_is_unknown_until_it_is_looked_up(gateway, key):
    silent = client(gateway, read_seconds=0.1).authorize(request_for(key, "tok_timeout_charged"))
    assert (silent.state, silent.code, silent.retriable) == (AnswerState.UNKNOWN, "timeout", False)
    found = client(gateway).look_up(key)
    assert (found.state, found.amount_minor, found.currency) == (AnswerState.AUTHORIZED, 1999, "USD")
    again = client(gateway).authorize(request_for(key, "tok_timeout_charged"))
    assert (again.state, again.provider_ref) == (AnswerState.AUTHORIZED, found.provider_ref)
    assert len(gateway.ledger(f"QS-{key}")) == 1


def test_a_hanging_call_is_dropped_in_the_end(gateway, key):
    answer = client(gateway).authorize(request_for(key, "tok_timeout_charged"))
    assert (answer.state, answer.code) == (AnswerState.UNKNOWN, "connection_lost")


def test_lost_is_silent_every_time_and_stores_nothing(gateway, key):
    for _ in range(2):
        answer = client(gateway, read_seconds=0.1).authorize(request_for(key, "tok_timeout_lost"))
        assert answer.state is AnswerState.UNKNOWN
        assert client(gateway).look_up(key).state is AnswerState.NOT_FOUND
    assert gateway.ledger(f"QS-{key}") == []


def test_slow_is_pending_while_it_thinks(gateway, key):
    silent = client(gateway, read_seconds=0.1).authorize(request_for(key, "tok_slow"))
    assert silent.code == "timeout"
    assert client(gateway).look_up(key).state is AnswerState.PENDING
    assert client(gateway).authorize(request_for(key, "tok_slow")).state is AnswerState.PENDING
    eventually(lambda: client(gateway).look_up(key).state is AnswerState.AUTHORIZED)


def test_an_error_comes_once_and_may_be_retried_with_the_same_key(gateway, key):
    first = client(gateway).authorize(request_for(key, "tok_error_once"))
    assert (first.state, first.code, first.retriable) == (AnswerState.UNKNOWN, "try_again", True)
    assert client(gateway).look_up(key).state is AnswerState.NOT_FOUND
    assert client(gateway).authorize(request_for(key, "tok_error_once")).state is AnswerState.AUTHORIZED
    assert client(gateway).authorize(request_for(key, "tok_error_once")).state is AnswerState.AUTHORIZED
    assert len(gateway.ledger(f"QS-{key}")) == 1


# --- capture, void, refund -----------------------------------------------------------------------------


def authorized(gateway, key, amount=1999):
    return client(gateway).authorize(request_for(key, amount=amount)).provider_ref


def test_money_is_captured_and_given_back(gateway, key):
    ref = authorized(gateway, key)
    asked = client(gateway)
    for _ in range(2):
        answer = asked.capture(ref, f"{key}:c", 1500)
        assert (answer.state, answer.amount_minor, answer.captured_minor) == (
            AnswerState.CAPTURED,
            1500,
            1500,
        )
    for _ in range(2):
        answer = asked.refund(ref, f"{key}:r1", 400)
        assert (answer.state, answer.amount_minor, answer.refunded_minor) == (AnswerState.REFUNDED, 400, 400)
    assert asked.refund(ref, f"{key}:r2", 1100).refunded_minor == 1500
    refused = asked.refund(ref, f"{key}:r3", 1)
    assert (refused.state, refused.code) == (AnswerState.REFUSED, "not_captured")
    row = gateway.ledger(f"QS-{key}")[0]
    assert (row["state"], row["amount"], row["captured"], row["refunded"]) == ("refunded", 1999, 1500, 1500)
    found = asked.look_up(key)
    assert (found.state, found.captured_minor, found.refunded_minor) == (AnswerState.REFUNDED, 1500, 1500)


def test_a_void_lets_go_and_nothing_can_be_taken_after_it(gateway, key):
    ref = authorized(gateway, key)
    assert client(gateway).void(ref, f"{key}:v").state is AnswerState.VOIDED
    assert client(gateway).void(ref, f"{key}:v").state is AnswerState.VOIDED
    refused = client(gateway).capture(ref, f"{key}:c", 1)
    assert (refused.state, refused.code) == (AnswerState.REFUSED, "not_authorized")


def test_more_than_authorised_is_refused(gateway, key):
    refused = client(gateway).capture(authorized(gateway, key), f"{key}:c", 2000)
    assert (refused.state, refused.code) == (AnswerState.REFUSED, "amount_too_large")


def test_a_charge_nobody_made_is_not_found(gateway, key):
    assert client(gateway).capture("ch_none", f"{key}:c", 1).state is AnswerState.NOT_FOUND
    assert client(gateway).void("ch_none/../..", f"{key}:v").state in (
        AnswerState.NOT_FOUND,
        AnswerState.UNKNOWN,
    )


def test_a_key_reused_for_another_charge_is_unknown_not_a_decline(gateway, key):
    authorized(gateway, key)
    answer = client(gateway).authorize(request_for(key, amount=5))
    assert (answer.state, answer.code, answer.retriable) == (AnswerState.UNKNOWN, "key_reused", False)


# --- racing keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["tok_approve", "tok_late", "tok_slow", "tok_timeout_charged", "tok_challenge"])
def test_calls_racing_with_one_key_make_one_charge(gateway, key, token):
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: client(gateway).authorize(request_for(key, token)), range(40)))
    refs = {answer.provider_ref for answer in answers if answer.provider_ref}
    assert len(refs) == len(gateway.ledger(f"QS-{key}")) == 1


def test_captures_and_refunds_racing_with_one_key_happen_once(gateway, key):
    ref = authorized(gateway, key, 1000)
    with ThreadPoolExecutor(20) as pool:
        captured = list(pool.map(lambda _: client(gateway).capture(ref, f"{key}:c", 600), range(20)))
        refunded = list(pool.map(lambda _: client(gateway).refund(ref, f"{key}:r", 200), range(20)))
    assert {a.captured_minor for a in captured} == {600}
    assert {a.refunded_minor for a in refunded} == {200}
    assert gateway.ledger(f"QS-{key}")[0]["refunded"] == 200


def test_captures_racing_with_their_own_keys_happen_once_too(gateway, key):
    ref = authorized(gateway, key, 1000)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: client(gateway).capture(ref, f"{key}:c{n}", 600), range(20)))
    assert sorted(a.state for a in answers) == [AnswerState.CAPTURED] + [AnswerState.REFUSED] * 19


# --- kill -9 -------------------------------------------------------------------------------------------


def test_a_gateway_killed_and_started_again_has_lost_nothing(own_gateway):
    gateway = own_gateway.start()
    made = {token: client(gateway, 0.2).authorize(request_for(f"k-{token}", token)) for token in SCRIPTS}
    ref = made["tok_approve"].provider_ref
    captured = client(gateway).capture(ref, "c", 1500)
    refunded = client(gateway).refund(ref, "r", 500)
    gateway.kill()
    with gateway.journal.open("ab") as journal:
        journal.write(b'{"op":"charge","id":"ch_torn","key":"torn","or')
    gateway.start()
    asked = client(gateway)
    assert asked.authorize(request_for("k-tok_approve")) == made["tok_approve"]
    assert asked.authorize(request_for("k-tok_decline", "tok_decline")) == made["tok_decline"]
    assert asked.authorize(request_for("k-tok_error_once", "tok_error_once")).state is AnswerState.AUTHORIZED
    assert asked.look_up("k-tok_timeout_charged").state is AnswerState.AUTHORIZED
    assert asked.look_up("k-tok_timeout_lost").state is AnswerState.NOT_FOUND
    assert asked.look_up("torn").state is AnswerState.NOT_FOUND
    assert asked.capture(ref, "c", 1500) == captured
    assert asked.refund(ref, "r", 500) == refunded
    for token in ("tok_slow", "tok_late"):
        eventually(lambda token=token: asked.look_up(f"k-{token}").state is AnswerState.AUTHORIZED)
    rows = {row["key"]: row for row in gateway.ledger()}
    assert set(rows) == {f"k-{token}" for token in SCRIPTS} - {"k-tok_timeout_lost"}
    assert (rows["k-tok_approve"]["captured"], rows["k-tok_approve"]["refunded"]) == (1500, 500)
    assert "Traceback" not in gateway.log.read_text()


def test_killing_only_the_worker_is_healed_by_its_parent(own_gateway):
    gateway = own_gateway.start()
    ref = authorized(gateway, "k")
    (worker,) = psutil.Process(gateway.process.pid).children()
    worker.kill()
    found = eventually(lambda: (answer := client(gateway).look_up("k")).provider_ref and answer)
    assert (found.state, found.provider_ref) == (AnswerState.AUTHORIZED, ref)


def test_a_gateway_whose_parent_was_killed_can_be_started_again_at_once(own_gateway):
    """The orphaned worker still owns port and journal for a moment; the new one waits for both."""
    gateway = own_gateway.start()
    ref = authorized(gateway, "k")
    orphans = psutil.Process(gateway.process.pid).children()
    gateway.process.kill()
    gateway.process.wait(10)
    gateway.start()
    assert not psutil.wait_procs(orphans, timeout=10)[1]
    found = eventually(lambda: (answer := client(gateway).look_up("k")).provider_ref and answer)
    assert (found.state, found.provider_ref) == (AnswerState.AUTHORIZED, ref)


def test_charges_made_while_it_is_being_killed_are_never_doubled(own_gateway):
    """Callers ask until they are answered, with the same key; the ledger has each charge once, all answers agree."""
    gateway = own_gateway.start()
    answered = {}

    def pay(number):
        asked = client(gateway, 1.0)
        answer = eventually(
            lambda: (a := asked.authorize(request_for(f"k{number}"))).state is AnswerState.AUTHORIZED and a,
            60,
        )
        answered[number] = answer.provider_ref

    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(pay, n) for n in range(300)]
        for _ in range(2):
            before = len(answered)
            eventually(lambda before=before: len(answered) >= min(before + 20, 300))
            gateway.kill()
            gateway.start()
        for job in jobs:
            job.result(60)
    rows = gateway.ledger()
    assert len(rows) == 300
    assert {row["key"]: row["id"] for row in rows} == {f"k{n}": ref for n, ref in answered.items()}


def test_it_stops_within_seconds_though_a_call_is_hanging(tmp_path):
    gateway = GatewayProcess(tmp_path, **QUICK | {"GATEWAY_HANG_SECONDS": "600"}).start()
    try:
        client(gateway, 0.1).authorize(request_for("k", "tok_timeout_charged"))
        started = time.monotonic()
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(8) == 0
        assert time.monotonic() - started < 8
    finally:
        gateway.stop()


def test_it_refuses_to_start_in_production(tmp_path):
    env = {k: v for k, v in os.environ.items() if k != "QUICKSHOP_ENV"} | {
        "QUICKSHOP_HOME": str(tmp_path),
        "GATEWAY_PORT": "0",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "gunicorn", "-c", str(CONFIG)],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode != 0
    assert "runs only with QUICKSHOP_ENV set to development" in ended.stdout + ended.stderr


# --- webhooks ------------------------------------------------------------------------------------------


def test_a_late_decision_is_told_once_with_a_good_signature(gateway, shop, key):
    answer = client(gateway).authorize(request_for(key, "tok_late"))
    ((path, headers, body),) = eventually(lambda: events_for(shop, key))
    assert path == WEBHOOK_PATH
    assert verify([WEBHOOK_SECRET], headers[HEADER], body, time.time())
    with pytest.raises(BadSignature):
        verify([WEBHOOK_SECRET], headers[HEADER], body + b" ", time.time())
    event = json.loads(body)
    assert event["id"].startswith("evt_") and event["type"] == "charge.updated"
    assert (event["charge"]["state"], event["charge"]["id"]) == ("authorized", answer.provider_ref)
    assert read_event(body).provider_ref == answer.provider_ref
    assert client(gateway).look_up(key).state is AnswerState.AUTHORIZED


@pytest.mark.parametrize(("refusals", "deliveries"), [([500, 404, 302], 4), ([503] * 20, 6)])
def test_a_refused_delivery_is_tried_five_times_more(tmp_path, refusals, deliveries):
    with WebhookReceiver(*refusals) as shop:
        gateway = GatewayProcess(tmp_path, SHOP_URL=shop.url, **QUICK)
        try:
            client(gateway.start()).authorize(request_for("k", "tok_late"))
            eventually(lambda: b'"closed"' in gateway.journal.read_bytes())
        finally:
            gateway.stop()
    assert len(shop.deliveries) == deliveries
    assert len({body for _, _, body in shop.deliveries}) == 1


def test_a_decision_not_yet_told_is_told_after_a_restart(tmp_path):
    with WebhookReceiver() as shop:
        slow = QUICK | {"GATEWAY_WEBHOOK_BACKOFF_SECONDS": "600"}
        gateway = GatewayProcess(tmp_path, SHOP_URL=shop.url, GATEWAY_WEBHOOK_URL="http://127.0.0.1:1/", **slow)
        try:
            asked = client(gateway.start())
            asked.authorize(request_for("k", "tok_late"))
            eventually(lambda: asked.look_up("k").state is AnswerState.AUTHORIZED)
            gateway.kill()
            del gateway.settings["GATEWAY_WEBHOOK_URL"]
            gateway.start()
            eventually(lambda: events_for(shop, "k"))
        finally:
            gateway.stop()


# --- the bank's question -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decision", "state", "code"),
    [("approve", AnswerState.AUTHORIZED, None), ("refuse", AnswerState.DECLINED, "challenge_failed")],
)
def test_the_shopper_decides_a_challenge_once(gateway, shop, key, decision, state, code):
    asked = client(gateway).authorize(request_for(key, "tok_challenge"))
    assert asked.state is AnswerState.REQUIRES_ACTION
    assert asked.next_action == {"type": "redirect", "url": f"{gateway.url}/challenge/{asked.provider_ref}"}
    path = f"/challenge/{asked.provider_ref}"
    page = gateway.get(path).data.decode()
    assert "Approve" in page and "19.99 USD" in page and f"QS-{key}" in page
    for choice in (decision, "approve", "refuse"):
        back = gateway.http.request("POST", gateway.url + path, fields={"decision": choice}, redirect=False)
        assert back.status == 303
        assert back.headers["Location"].startswith(f"{shop.url}/orders/QS-")
    found = client(gateway).look_up(key)
    assert (found.state, found.code, found.next_action) == (state, code, None)
    assert client(gateway).authorize(request_for(key, "tok_challenge")).state is state
    eventually(lambda: events_for(shop, key))
    assert len(events_for(shop, key)) == 1
    assert "Approve" not in gateway.get(path).data.decode()


def test_a_challenge_wants_a_clear_answer(gateway, key):
    ref = client(gateway).authorize(request_for(key, "tok_challenge")).provider_ref
    answer = gateway.http.request("POST", f"{gateway.url}/challenge/{ref}", fields={"decision": "maybe"})
    assert answer.status == 400
    assert gateway.get("/challenge/ch_none").status == 404
    assert client(gateway).look_up(key).state is AnswerState.REQUIRES_ACTION


# --- card tokens ---------------------------------------------------------------------------------------

CARD = {"number": "4242 4242 4242 4242", "exp_month": 12, "exp_year": 2090, "cvc": "123"}


def test_a_card_becomes_a_token_that_pays_and_leaves_no_trace(gateway, key):
    card = CARD | {"exp_year": time.gmtime().tm_year + 2}
    answer = gateway.post("/v1/tokens", card)
    assert answer.status == 201
    made = answer.json()
    assert (made["brand"], made["last4"]) == ("visa", "4242")
    assert client(gateway).authorize(request_for(key, made["token"])).state is AnswerState.AUTHORIZED
    assert b"4242424242424242" not in gateway.journal.read_bytes()
    assert "4242424242424242" not in gateway.log.read_text()


def test_a_refused_card_says_why(gateway):
    answer = gateway.post("/v1/tokens", CARD | {"number": "4242424242424241"})
    assert (answer.status, answer.json()["code"]) == (400, "invalid_number")


def test_what_may_be_shown_of_a_card_is_told_by_its_token(gateway):
    made = gateway.post("/v1/tokens", CARD | {"exp_year": time.gmtime().tm_year + 2}).json()
    for token, last4 in ((made["token"], "4242"), ("tok_decline", "0002")):
        answer = client(gateway).describe(token)
        assert answer.state is AnswerState.DESCRIBED
        assert (answer.card.brand, answer.card.last4) == ("visa", last4)
    assert (
        client(gateway).describe("tok_approve:a/b?c#d%20").card
        == client(gateway).describe("tok_approve:a/b?c#d%20").card
    )
    assert client(gateway).describe("tok_none").state is AnswerState.NOT_FOUND


def test_only_the_shops_pages_may_ask_for_tokens(gateway, shop):
    def allowed(origin):
        preflight = gateway.http.request("OPTIONS", f"{gateway.url}/v1/tokens", headers={"Origin": origin})
        asked = gateway.post("/v1/tokens", CARD | {"number": "1"}, Origin=origin)
        return {a.headers.get("Access-Control-Allow-Origin") for a in (preflight, asked)}

    assert allowed(shop.url) == {shop.url}
    assert allowed(shop.url.replace("127.0.0.1", "localhost")) == {shop.url.replace("127.0.0.1", "localhost")}
    assert allowed("https://evil.example") == allowed("null") == {None}


# --- bad calls -----------------------------------------------------------------------------------------


def asked_for(gateway):
    """What callers had written into the ledger; what banks say later of other tests' charges is not among it."""
    lines = gateway.journal.read_bytes().splitlines() if gateway.journal.exists() else []
    return [line for line in lines if not line.startswith(b'{"op":"settle"')]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/charges", b"{", 400),
        ("POST", "/v1/charges", b"[]", 400),
        ("POST", "/v1/charges", b"x" * 70_000, 413),
        ("POST", "/v1/charges/ch_none/capture", b"{}", 400),
        ("POST", "/v1/charges/ch_none/steal", b"{}", 404),
        ("GET", "/v1/charges/ch_none", None, 404),
        ("GET", "/v1/charges", None, 400),
        ("GET", "/v1/chargesx", None, 404),
        ("DELETE", "/v1/charges", None, 405),
        ("GET", "/v1/charges/ch_none/capture", None, 404),
        ("POST", "/v1/tokens", b"x" * 70_000, 413),
        ("POST", "/charges", b"{}", 405),
        ("GET", "/nothing", None, 404),
        ("GET", "/outbox?limit=-1", None, 400),
        ("GET", "/outbox/99999999999", None, 404),
    ],
)
def test_a_bad_call_gets_a_code_and_changes_nothing(gateway, method, path, body, status):
    before = asked_for(gateway)
    answer = gateway.http.request(method, gateway.url + path, body=body)
    assert answer.status == status
    assert answer.json()["code"]
    assert asked_for(gateway) == before


def test_latency_can_be_added(tmp_path):
    gateway = GatewayProcess(tmp_path, **QUICK, GATEWAY_LATENCY_MS="150")
    try:
        gateway.start()
        started = time.monotonic()
        gateway.charge("k")
        assert time.monotonic() - started >= 0.15
    finally:
        gateway.stop()


# --- pages and mailbox ---------------------------------------------------------------------------------


def test_the_ledger_lists_charges_with_their_times(gateway, key):
    gateway.charge(key, order=f"QS-{key}")
    (row,) = gateway.ledger(f"QS-{key}")
    assert set(row) >= {"id", "key", "order", "amount", "currency", "state", "at", "captured", "refunded"}
    assert row["at"].endswith("Z") and len(row["at"]) == len("2026-07-15T12:00:00.000Z")
    assert f"QS-{key}" in gateway.get("/").data.decode()


def test_the_mailbox_shows_what_was_mailed(gateway, key):
    mail = {
        "channel": "email",
        "to": f"{key}@shop.example",
        "subject": "Hi",
        "text": "Text",
        "html": "<p>H</p>",
        "at": "t",
    }
    with (gateway.home / "outbox.jsonl").open("a") as file:
        file.write(json.dumps(mail) + "\n" + json.dumps(mail | {"subject": "Later"}) + "\n")
    found = gateway.get(f"/outbox?to={key}@shop.example")
    assert found.headers["Content-Type"] == "application/json"
    assert [m["subject"] for m in found.json()] == ["Later", "Hi"]
    assert found.json()[1] == mail
    assert len(gateway.get("/outbox?limit=1").json()) == 1
    page = gateway.get("/outbox", Accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert page.headers["Content-Type"].startswith("text/html")
    assert "Later" in page.data.decode()
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    body = gateway.get("/outbox/0")
    assert body.headers["Content-Security-Policy"].startswith("sandbox")


def test_many_hanging_calls_do_not_hold_up_the_others(gateway, key):
    ends = threading.Barrier(51)

    def hang(number):
        client(gateway, 0.3).authorize(request_for(f"{key}-{number}", "tok_timeout_lost"))
        ends.wait(20)

    threads = [threading.Thread(target=hang, args=(n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    assert client(gateway).authorize(request_for(key)).state is AnswerState.AUTHORIZED
    ends.wait(20)
    for thread in threads:
        thread.join(20)


def test_an_unreachable_gateway_is_unknown_and_may_be_asked_again(own_gateway):
    answer = client(own_gateway).authorize(request_for("k"))
    assert (answer.state, answer.code, answer.retriable) == (AnswerState.UNKNOWN, "unreachable", True)
    gateway = own_gateway.start()
    asked = client(gateway)
    assert asked.authorize(request_for("k")).state is AnswerState.AUTHORIZED
    gateway.kill()
    assert asked.look_up("k").state is AnswerState.UNKNOWN
    gateway.start()
    assert asked.look_up("k").state is AnswerState.AUTHORIZED


def test_the_pool_of_the_tests_sees_keep_alive(gateway):
    """Answers keep the connection: a new one for each call would double its cost."""
    pool = urllib3.HTTPConnectionPool("127.0.0.1", gateway.port, maxsize=1)
    for number in range(5):
        pool.request("GET", "/v1/charges", fields={"key": str(number)})
    assert pool.num_connections == 1
    pool.close()
