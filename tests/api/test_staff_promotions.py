"""Staff set promotions and codes, make gift cards, and give members segments and store credit."""

import pytest

from quickshop.promotions.crediting import card_digest
from tests.factories.accounts import a_staff_account, an_account, is_problem, rows

COUPONS, CARDS = "/api/v1/admin/coupons", "/api/v1/admin/gift-cards"
TEN_PERCENT = {"name": "Spring", "label": "10 % off", "kind": "percent", "rate": 1000}


@pytest.fixture
def admin(client):
    return a_staff_account(client)


@pytest.fixture
def post(client, admin):
    def send(address, status=201, **body):
        answer = client.post(address, json=body, headers=admin.headers)
        assert answer.status_code == status, answer.text
        return answer.json

    return send


@pytest.fixture
def patch(client, admin):
    def send(address, status=200, **body):
        answer = client.patch(address, json=body, headers=admin.headers)
        assert answer.status_code == status, answer.text
        return answer.json

    return send


def test_a_promotion_is_made_read_listed_and_changed(client, admin, post, patch):
    dollars, yen = {"amount": 5000, "currency": "USD"}, {"amount": 6000, "currency": "JPY"}
    made = post(COUPONS, **TEN_PERCENT, minimums=[dollars, yen], segments=["trade"], ends_at="2099-01-01T00:00:00Z")
    address = f"{COUPONS}/{made['id']}"
    assert client.get(address, headers=admin.headers).json == made
    assert (made["minimums"], made["segments"], made["used"]) == ([yen, dollars], ["trade"], 0)
    changed = patch(address, rate=2500, minimums=[], version=1)
    assert (changed["rate"], changed["minimums"], changed["segments"], changed["version"]) == (2500, [], ["trade"], 2)
    post(COUPONS, **TEN_PERCENT)
    first = client.get(COUPONS, query_string={"limit": 1}, headers=admin.headers).json
    rest = client.get(COUPONS, query_string={"cursor": first["next_cursor"]}, headers=admin.headers).json
    assert [p["id"] for p in rest["items"]] == [made["id"]]


def test_who_changes_what_they_did_not_see_is_told(post, patch):
    address = f"{COUPONS}/{post(COUPONS, **TEN_PERCENT)['id']}"
    patch(address, priority=1, version=1)
    refused = patch(address, 409, priority=2, version=1)
    assert (refused["code"], refused["version"]) == ("changed_meanwhile", 2)


@pytest.mark.parametrize(
    ("field", "body"),
    [
        ("rate", {"rate": 0}),
        ("rate", {"rate": 10_001}),
        ("rate", {"rate": 12.5}),
        ("amounts", {"kind": "fixed"}),
        ("amounts", {"kind": "fixed", "amounts": [{"amount": 0, "currency": "USD"}]}),
        ("amounts", {"kind": "fixed", "amounts": [{"amount": 1, "currency": "USD"}] * 2}),
        ("tiers", {"kind": "tiered"}),
        ("buy", {"kind": "buy_x_get_y", "buy": 2}),
        ("ends_at", {"starts_at": "2030-01-02T00:00:00Z", "ends_at": "2030-01-01T00:00:00Z"}),
        ("category_ids", {"category_ids": ["0198c0de-0000-7000-8000-000000000000"]}),
        ("product_ids", {"product_ids": ["0198c0de-0000-7000-8000-000000000000"]}),
        ("kind", {"kind": "gift"}),
        ("segments.0", {"segments": ["Not One"]}),
        ("total_limit", {"total_limit": 0}),
        ("person_limit", {"person_limit": True}),
        ("discount", {"discount": 1}),
    ],
)
def test_what_no_promotion_can_be_is_refused_by_field(post, field, body):
    refused = post(COUPONS, 422, **TEN_PERCENT | body)
    assert [name for name in refused["errors"] if name.startswith(field)], refused["errors"]


def test_a_code_is_kept_in_one_spelling_and_belongs_to_one_promotion(client, admin, post):
    mine, other = (f"{COUPONS}/{post(COUPONS, **TEN_PERCENT)['id']}" for _ in range(2))
    made = post(f"{mine}/codes", code=" sum-mer 25", total_limit=3)
    assert made["codes"] == [{"code": "SUMMER25", "active": True, "total_limit": 3, "used": 0}]
    assert post(f"{other}/codes", 409, code="Summer25")["code"] == "already_exists"
    assert post(f"{mine}/codes", 422, code="no/such")["errors"]
    assert client.delete(f"{other}/codes/SUMMER25", headers=admin.headers).status_code == 404
    assert client.delete(f"{mine}/codes/summer-25", headers=admin.headers).status_code == 204
    assert [c["active"] for c in client.get(mine, headers=admin.headers).json["codes"]] == [False]
    assert [c["active"] for c in post(f"{mine}/codes", code="SUMMER25")["codes"]] == [True]


def test_a_gift_card_shows_its_code_once_and_keeps_a_keyed_digest(client, app, admin, post, patch):
    made = post(CARDS, value={"amount": 5000, "currency": "USD"})
    code = made.pop("code")
    assert (len(code.replace("-", "")), code[-4:], made["state"]) == (20, made["last4"], "active")
    assert [(e["cause"], e["amount"]["amount"]) for e in made["entries"]] == [("issued", 5000)]
    address = f"{CARDS}/{made['id']}"
    assert client.get(address, headers=admin.headers).json == made
    kept = rows(client, "SELECT code_digest, c::text AS whole FROM credits c")[0]
    assert code not in kept.whole and code.replace("-", "") not in kept.whole
    with app.app_context():
        assert bytes(kept.code_digest) == card_digest(code.lower())
    assert code not in str(rows(client, "SELECT a::text AS entry FROM audit_log a"))
    assert patch(address, active=False)["state"] == "stopped"
    assert [c["id"] for c in client.get(f"{CARDS}?last4={code[-4:]}", headers=admin.headers).json["items"]] == [
        made["id"]
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"value": {"amount": 0, "currency": "USD"}},
        {"value": {"amount": 1, "currency": "usd"}},
        {"value": {"amount": 1, "currency": "USD"}, "expires_at": "2001-01-01T00:00:00Z"},
    ],
)
def test_a_gift_card_that_could_not_pay_is_not_made(client, post, body):
    post(CARDS, 422, **body)
    assert rows(client, "SELECT 1 FROM credits") == []


def test_store_credit_is_a_ledger_that_never_goes_below_zero(client, admin, post):
    member = an_account(client)
    known = rows(client, "SELECT id FROM users WHERE username = :u", u=member.username)[0].id
    address = f"/api/v1/admin/customers/{known}/credit"
    post(address, amount=1500, currency="USD", note="Late parcel")
    post(address, amount=-500, currency="USD")
    assert post(address, 409, amount=-1001, currency="USD")["code"] == "credit_spent"
    assert post(address, 422, amount=0, currency="USD")["errors"]
    seen = client.get("/api/v1/me/credit", headers=member.headers).json["balances"]
    assert [b["balance"] for b in seen] == [{"amount": 1000, "currency": "USD"}]
    assert [(e["amount"]["amount"], e["cause"], e["note"]) for e in seen[0]["entries"]] == [
        (-500, "corrected", None),
        (1500, "corrected", "Late parcel"),
    ]
    entries = rows(client, "SELECT data FROM audit_log WHERE target = :t ORDER BY seq", t=f"customer:{known}")
    assert [e.data["after"]["amount"] for e in entries] == [1500, -500]


def test_the_same_key_gives_store_credit_once(client, admin):
    member = an_account(client)
    known = rows(client, "SELECT id FROM users WHERE username = :u", u=member.username)[0].id
    for _ in range(2):
        answer = client.post(
            f"/api/v1/admin/customers/{known}/credit",
            json={"amount": 700, "currency": "USD"},
            headers=admin.headers | {"Idempotency-Key": "once"},
        )
        assert answer.status_code == 201
        assert answer.json["balances"][0]["balance"]["amount"] == 700


def test_a_member_is_put_into_a_segment_and_out_of_it(client, admin, patch):
    member = an_account(client)
    known = rows(client, "SELECT id FROM users WHERE username = :u", u=member.username)[0].id
    address = f"/api/v1/admin/customers/{known}"
    assert patch(address, segment="trade")["segment"] == "trade"
    assert client.get(address, headers=admin.headers).json["segment"] == "trade"
    is_problem(client.patch(address, json={"segment": "No Way"}, headers=admin.headers), 422, "validation_failed")
    assert patch(address, segment="")["segment"] is None
