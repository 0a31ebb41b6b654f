"""Wishlists and alerts on the pages: the heart, one's lists, a list seen by a link, and waiting for stock."""

import re

import pytest

from quickshop.kernel import db
from quickshop.kernel.unit_of_work import reading, run_unit
from tests.factories.pages import stock_shop, submit

HTMX = {"HX-Request": "true"}


@pytest.fixture
def mug(app):
    """The variant ids of a mug: red is in stock, blue sold out."""
    return stock_shop(app)


def heart(client, variant_id, wish="on", **more):
    fields = {"variant_id": str(variant_id), "wish": wish, "next": "/products/morning-mug", "name": "Morning Mug"}
    return submit(client, "/wishlists/items", fields, **more)


def count(app, table):
    with app.app_context(), reading():
        return db.scalar(f"SELECT count(*) FROM {table}")


# --- the heart -----------------------------------------------------------------------------------------


def test_the_heart_fills_and_empties(client, app, mug, ada):
    page = client.get("/products/morning-mug").text
    assert 'aria-pressed="false" aria-label="Morning Mug on the wishlist"' in page
    answer = heart(client, mug["MUG-RED"])
    assert (answer.status_code, answer.location) == (303, "/products/morning-mug")
    for address in ("/", "/products/morning-mug"):
        assert 'aria-pressed="true" aria-label="Morning Mug on the wishlist"' in client.get(address).text
    heart(client, mug["MUG-RED"], "off")
    assert 'aria-pressed="true"' not in client.get("/").text
    assert count(app, "wishlist_items") == 0


def test_htmx_gets_the_heart_alone(client, mug, ada):
    answer = heart(client, mug["MUG-RED"], headers=HTMX)
    assert answer.text.lstrip().startswith('<form class="wish"')
    assert 'aria-pressed="true"' in answer.text and 'value="off"' in answer.text


def test_guests_are_asked_to_sign_in_first(client, app, mug):
    page = client.get("/").text
    assert "Sign in to put Morning Mug on a wishlist" in page
    assert heart(client, mug["MUG-RED"]).location == "/sign-in?next=/products/morning-mug"
    answer = heart(client, mug["MUG-RED"], headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, "/sign-in?next=/products/morning-mug")
    assert client.get("/account/wishlists").status_code == 303
    assert count(app, "wishlists") == 0


def test_the_heart_leads_nowhere_else_and_takes_no_nonsense(client, mug, ada):
    fields = {"variant_id": str(mug["MUG-RED"]), "wish": "on", "next": "//evil.example"}
    assert submit(client, "/wishlists/items", fields).location == "/"
    assert submit(client, "/wishlists/items", {"variant_id": "x"}).status_code == 404


# --- lists ---------------------------------------------------------------------------------------------


def make(client, name="Birthday"):
    answer = submit(client, "/account/wishlists", {"name": name})
    assert answer.status_code == 303
    return answer.location


def test_lists_are_made_renamed_switched_and_deleted(client, mug, ada):
    assert "Nothing wished for yet" in client.get("/account/wishlists").text
    address = make(client)
    assert submit(client, "/account/wishlists", {"name": ""}).status_code == 422
    assert submit(client, address, {"name": ""}).status_code == 422
    submit(client, address, {"name": "Kitchen <b>"})
    submit(client, address, {"change": "alerts-on"})
    page = client.get("/account/wishlists").text
    assert "Kitchen &lt;b&gt;" in page and "Price alerts" in page and "Default" in page
    assert "Stop price alerts" in client.get(address).text
    other = make(client, "Other")
    submit(client, other, {"change": "default"})
    assert "Make it the default" in client.get(address).text
    assert submit(client, f"{address}/delete").location == "/account/wishlists"
    assert client.get(address).status_code == 404


def test_items_are_moved_to_the_bag_to_another_list_and_away(client, mug, ada):
    heart(client, mug["MUG-RED"])
    heart(client, mug["MUG-BLUE"])
    page = client.get("/account/wishlists").text
    address = re.search(r'href="(/account/wishlists/[0-9a-f-]+)"', page)[1]
    other = make(client, "Other")
    shown = client.get(address).text
    assert shown.count("Move to bag") == 1 and "Sold out" in shown
    answer = submit(client, f"{address}/items/{mug['MUG-BLUE']}/move", {"list": other.rpartition("/")[2]})
    assert answer.location == address
    assert "blue" in client.get(other).text and "blue" not in client.get(address).text
    assert submit(client, f"{address}/items/{mug['MUG-RED']}/move-to-cart").location == "/cart"
    assert "Morning Mug" in client.get("/cart").text
    assert "Nothing on this list yet" in client.get(address).text
    submit(client, f"{other}/items/{mug['MUG-BLUE']}/remove")
    assert "Nothing on this list yet" in client.get(other).text
    for what in ("remove", "explode"):
        assert submit(client, f"{other}/items/{mug['MUG-BLUE']}/{what}").status_code == 404


def test_a_fallen_price_is_said_on_the_list(client, app, mug, ada):
    heart(client, mug["MUG-RED"])
    with app.app_context():
        run_unit(lambda: db.run("UPDATE variants SET price_minor = 950, compare_at_minor = NULL"))
    address = re.search(r'href="(/account/wishlists/[0-9a-f-]+)"', client.get("/account/wishlists").text)[1]
    assert "50% less than when you added it" in client.get(address).text


def test_a_shared_list_is_seen_by_whoever_has_the_link_and_by_nobody_after_it_ended(app, client, mug, ada):
    address = make(client)
    heart(client, mug["MUG-RED"])
    submit(client, address, {"change": "share"})
    link = re.search(r'value="https?://[^/]+(/wishlists/shared/[^"]+)"', client.get(address).text)[1]
    visitor = app.test_client()
    answer = visitor.get(link)
    assert answer.status_code == 200
    assert "Birthday" in answer.text and "Morning Mug" in answer.text and "Add to bag" in answer.text
    assert not re.search(r"Ada|Byron|ada@|>ada<", answer.text)
    assert (answer.headers["X-Robots-Tag"], answer.headers["Referrer-Policy"]) == ("noindex", "same-origin")
    submit(client, address, {"change": "unshare"})
    assert visitor.get(link).status_code == 404
    assert visitor.get("/wishlists/shared/nonsense").status_code == 404


# --- alerts --------------------------------------------------------------------------------------------


def ask(client, mug, **more):
    headers = more.pop("headers", None)
    fields = {"variant_id": str(mug["MUG-BLUE"])} | more
    return submit(client, "/products/morning-mug/stock-alerts", fields, headers=headers)


def test_a_guest_asks_and_looks_in_the_mailbox(client, app, mug):
    page = client.get("/products/morning-mug").text
    assert "Tell me when it is back" in page and f'<option value="{mug["MUG-BLUE"]}">blue' in page
    assert f'<option value="{mug["MUG-RED"]}"' not in page
    assert "Look in your mailbox" in ask(client, mug, email="g@quickshop.example").text
    wrong = ask(client, mug, email="nobody", headers=HTMX)
    assert wrong.status_code == 422 and wrong.text.lstrip().startswith('<div id="stock-alert"')
    assert "That is not an e-mail address." in wrong.text and 'value="nobody"' in wrong.text
    assert count(app, "stock_alerts") == 1


def test_a_member_asks_sees_it_in_the_account_and_stops_waiting(client, app, mug, ada):
    assert "We will write to you once" in ask(client, mug).text
    page = client.get("/account/wishlists").text
    assert "Waiting for" in page and "blue" in page
    assert submit(client, f"/account/wishlists/alerts/{mug['MUG-BLUE']}/cancel").status_code == 303
    assert count(app, "stock_alerts") == 0


def test_what_is_in_stock_needs_no_alert(client, mug):
    answer = ask(client, mug, variant_id=str(mug["MUG-RED"]), email="g@quickshop.example")
    assert answer.status_code == 409 and "can be ordered now" in answer.text
    assert ask(client, mug, variant_id="x", email="g@quickshop.example").status_code == 404


def test_the_mailed_link_asks_before_it_counts(client, mug):
    page = client.get("/stock-alerts/confirm?token=whatever").text
    assert "Yes, tell me" in page and 'value="whatever"' in page
    answer = submit(client, "/stock-alerts/confirm", {"token": "whatever"})
    assert answer.status_code == 400 and "That link does not work" in answer.text


# --- live and share ------------------------------------------------------------------------------------


def test_a_product_page_brings_what_sharing_and_following_need(client, mug):
    page = client.get("/products/morning-mug").text
    assert re.search(r'data-share="http[^"]+/products/morning-mug"', page)
    assert 'id="product-live" data-product="' in page and "storefront/product_live.js" in page
    assert str(mug["MUG-BLUE"]) in page


def test_hearts_cost_members_one_statement_and_guests_none(client, app, mug, ada):
    seen = []
    db.watchers.append(seen.append)
    try:
        client.get("/")
        ours = [sql for sql in seen if "wishlist" in sql]
        seen.clear()
        app.test_client().get("/")
        assert len(ours) == 1
        assert not any("wishlist" in sql for sql in seen)
    finally:
        db.watchers.remove(seen.append)
