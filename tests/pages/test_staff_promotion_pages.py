"""The staff's pages of promotions, gift cards and store credit, without scripts."""

import re

import pytest

from tests.factories.accounts import a_staff_account, an_account, rows
from tests.factories.pages import submit

NEW = {"kind": "percent", "name": "Spring", "label": "10 % off", "rate": "10", "priority": "0", "code": "spring"}


@pytest.fixture
def admin(client):
    account = a_staff_account(client)
    client.set_cookie("access", account.access_token)
    return account


def test_others_do_not_get_in(client):
    support = a_staff_account(client, "support")
    client.set_cookie("access", support.access_token)
    assert [client.get(f"/admin/{area}").status_code for area in ("coupons", "gift-cards")] == [403, 403]
    assert submit(client, "/admin/coupons", NEW).status_code == 403
    assert rows(client, "SELECT 1 FROM promotions") == []


def test_a_promotion_is_made_limited_and_stopped(client, admin):
    steps = {"kind": "tiered", "tiers": "5 %: USD 50\n10.5%: USD 100, JPY 11000", "minimums": "USD 20", "code": ""}
    assert submit(client, "/admin/coupons", NEW | steps | {"automatic": "1"}).status_code == 303
    assert submit(client, "/admin/coupons", NEW).status_code == 303
    page = client.get("/admin/coupons").text
    assert "SPRING" in page and "10.5 % from" in page and "$20.00" in page
    made = rows(client, "SELECT id, tiers, version FROM promotions ORDER BY id")
    assert made[0].tiers == [{"rate": 500, "from": {"USD": 5000}}, {"rate": 1050, "from": {"USD": 10000, "JPY": 11000}}]
    address = f"/admin/coupons/{made[1].id}"
    limits = {"priority": "2", "total_limit": "9", "person_limit": "1", "version": "1"}
    assert submit(client, f"{address}/limits", limits).status_code == 303
    assert submit(client, f"{address}/limits", limits).status_code == 409
    assert submit(client, f"{address}/codes", {"code": "NEW-ONE", "code_limit": "3"}).status_code == 303
    assert submit(client, f"{address}/codes", {"stop": "SPRING"}).status_code == 303
    assert submit(client, f"{address}/active", {"active": "0"}).status_code == 303
    row = rows(client, "SELECT total_limit, person_limit, active FROM promotions WHERE id = :id", id=made[1].id)[0]
    assert tuple(row) == (9, 1, False)
    codes = rows(client, "SELECT code, active, total_limit FROM promotion_codes ORDER BY code")
    assert [tuple(c) for c in codes] == [("NEWONE", True, 3), ("SPRING", False, None)]


@pytest.mark.parametrize("wrong", [{"rate": "ten"}, {"rate": "101"}, {"kind": "gift"}, {"name": ""}, {"kind": "fixed"},
                                   {"amounts": "5 dollars"}, {"minimums": "USD 0"}, {"priority": "-1"}])  # fmt: skip
def test_what_cannot_be_is_refused_in_words_and_stays_typed(client, admin, wrong):
    answer = submit(client, "/admin/coupons", NEW | wrong)
    assert answer.status_code == 422
    assert 'class="note bad"' in answer.text
    assert rows(client, "SELECT 1 FROM promotions") == []


def test_a_gift_cards_code_is_shown_once(client, admin):
    made = submit(client, "/admin/gift-cards", {"value": "USD 25"})
    code = re.search(r"<code class=\"secret\">([A-Z0-9-]+)</code>", made.text)[1]
    page = client.get(f"/admin/gift-cards?last4={code[-4:]}").text
    assert code not in page and code[-4:] in page and "$25.00" in page
    card = rows(client, "SELECT id FROM credits")[0].id
    assert submit(client, f"/admin/gift-cards/{card}/active", {"active": "0"}).status_code == 303
    assert "Stopped" in client.get("/admin/gift-cards").text
    assert submit(client, "/admin/gift-cards", {"value": "25"}).status_code == 422


def test_a_member_gets_a_segment_and_store_credit(client, admin):
    member = an_account(client)
    known = rows(client, "SELECT id FROM users WHERE username = :u", u=member.username)[0].id
    client.set_cookie("access", admin.access_token)
    address = f"/admin/customers/{known}"
    assert submit(client, f"{address}/segment", {"segment": "trade"}).status_code == 303
    assert submit(client, f"{address}/credit", {"value": "USD 12.50", "note": "Late"}).status_code == 303
    assert submit(client, f"{address}/credit", {"value": "-USD 2.50"}).status_code == 303
    page = client.get(address).text
    assert 'value="trade"' in page and "$10.00" in page
    assert submit(client, f"{address}/credit", {"value": "-USD 11"}).status_code == 409
    assert submit(client, f"{address}/segment", {"segment": "No Way"}).status_code == 422
