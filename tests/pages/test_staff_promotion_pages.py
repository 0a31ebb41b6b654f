"""The staff's pages of promotions, gift cards and store credit, without scripts."""

import re
from html import unescape

import pytest

from blueprints.api.schemas.promotions import NewPromotionBody
from tests.factories.accounts import a_staff_account, an_account, rows
from tests.factories.pages import stock_shop, submit

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
    limits = NEW | {"priority": "2", "total_limit": "9", "person_limit": "1", "version": "1"}
    assert submit(client, address, limits).status_code == 303
    assert submit(client, address, limits).status_code == 409
    assert submit(client, f"{address}/codes", {"code": "NEW-ONE", "code_limit": "3"}).status_code == 303
    assert submit(client, f"{address}/codes", {"stop": "SPRING"}).status_code == 303
    assert submit(client, f"{address}/active", {"active": "0"}).status_code == 303
    row = rows(client, "SELECT total_limit, person_limit, active FROM promotions WHERE id = :id", id=made[1].id)[0]
    assert tuple(row) == (9, 1, False)
    codes = rows(client, "SELECT code, active, total_limit FROM promotion_codes ORDER BY code")
    assert [tuple(c) for c in codes] == [("NEWONE", True, 3), ("SPRING", False, None)]


EVERYTHING = {
    "kind": "buy_x_get_y",
    "name": "Three for two",
    "label": "The third is free",
    "rate": "100",
    "amounts": "USD 5, EUR 4.50",
    "tiers": "5 %: USD 50, EUR 45",
    "buy": "2",
    "get": "1",
    "minimums": "USD 20, EUR 18",
    "products": "morning-mug",
    "segments": "trade, students",
    "starts_at": "2027-01-01T09:30:15",
    "ends_at": "2027-02-01T00:00",
    "total_limit": "100",
    "person_limit": "2",
    "priority": "7",
    "automatic": "1",
    "exclusive": "1",
    "first_order": "1",
    "active": "1",
}


def test_the_form_sets_every_field_that_the_api_can_and_shows_what_it_set(client, app, admin):
    mugs = str(rows(client, "SELECT id FROM categories")[0].id) if stock_shop(app) else None
    chosen = EVERYTHING | {"category_ids": [mugs]}
    assert submit(client, "/admin/coupons", chosen).status_code == 303
    promotion = rows(client, "SELECT * FROM promotions")[0]
    api = {"Authorization": f"Bearer {admin.access_token}"}
    before = client.get(f"/api/v1/admin/coupons/{promotion.id}", headers=api).json
    settable = {field.data_key or name for name, field in NewPromotionBody().fields.items()}
    assert {name for name in settable if not before[name]} == set()
    page = client.get(f"/admin/coupons/{promotion.id}").text
    shown = typed_fields(page)
    assert shown["amounts"] == "EUR 4.50, USD 5.00" and shown["starts_at"] == "2027-01-01T09:30:15"
    assert shown["category_ids"] == [mugs] and "morning-mug" in page
    # What stands in the form, sent back untouched, changes nothing.
    assert submit(client, f"/admin/coupons/{promotion.id}", shown).status_code == 303
    after = client.get(f"/api/v1/admin/coupons/{promotion.id}", headers=api).json
    assert {**after, "version": 0} == {**before, "version": 0}
    bare = {"name": "Bare", "label": "Bare", "rate": "50", "buy": "1", "get": "1", "version": str(after["version"])}
    assert submit(client, f"/admin/coupons/{promotion.id}", bare).status_code == 303
    empty = client.get(f"/api/v1/admin/coupons/{promotion.id}", headers=api).json
    assert [name for name in settable if empty[name]] == [n for n in settable if n in {*bare, "kind"}]


def test_a_fresh_form_is_blank_but_for_what_suits_most(client, admin):
    shown = typed_fields(client.get("/admin/coupons/new").text)
    assert {name: value for name, value in shown.items() if value} == {"priority": "0", "active": "1"}


def typed_fields(page):
    """What the form of a promotion's page would send."""
    form = page[page.index('<form class="panel stack"') :].partition("</form>")[0]
    found = {"category_ids": []}
    for tag in re.findall(r"<input[^>]*>", form):
        given = dict(re.findall(r'([a-z_-]+)="([^"]*)"', tag))
        if given["type"] == "checkbox" and " checked" not in tag:
            continue
        if given["name"] == "category_ids":
            found["category_ids"].append(given["value"])
        elif given["name"] != "csrf_token":
            found[given["name"]] = unescape(given["value"])
    found |= {name: unescape(text).strip() for name, text in re.findall(r'name="(\w+)" rows[^>]*>([^<]*)<', form)}
    return found


@pytest.mark.parametrize("wrong", [{"rate": "ten"}, {"rate": "101"}, {"kind": "gift"}, {"name": ""}, {"kind": "fixed"},
                                   {"amounts": "5 dollars"}, {"minimums": "USD 0"}, {"priority": "-1"},
                                   {"products": "nothing-such"}, {"category_ids": "x"},
                                   {"amounts": "USD 5, USD 6"}])  # fmt: skip
def test_what_cannot_be_is_refused_in_words_and_stays_typed(client, admin, wrong):
    answer = submit(client, "/admin/coupons", NEW | wrong)
    assert answer.status_code == 422
    assert 'class="note bad"' in answer.text and 'value="10 % off"' in answer.text
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
