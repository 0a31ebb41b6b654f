"""Wishlists by API: several, private or seen by a link, and the way into the cart."""

import pytest

from quickshop.accounts.queries import user_id_of_login
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.wishlists import queries, service
from tests.factories import reviews as r
from tests.factories.accounts import an_account, execute, is_problem, rows


@pytest.fixture
def member(client):
    return an_account(client)


@pytest.fixture
def shelf(app):
    with app.app_context():
        return r.a_product(price=1900, stock=3)


def call(account, method, path, body=None):
    return account.client.open(f"/api/v1{path}", method=method, json=body, headers=account.headers)


def make(account, name="Birthday"):
    answer = call(account, "POST", "/wishlists", {"name": name})
    assert answer.status_code == 201, answer.text
    return answer.json


def put(account, wishlist_id, shelf):
    return call(account, "PUT", f"/wishlists/{wishlist_id}/items/{shelf.variant_id}")


def test_the_first_list_is_the_default_and_several_may_be_kept(member):
    assert call(member, "GET", "/wishlists").json["items"] == []
    first, second = make(member, "Birthday"), make(member, "Kitchen")
    assert (first["default"], second["default"], first["item_count"]) == (True, False, 0)
    assert [w["name"] for w in call(member, "GET", "/wishlists").json["items"]] == ["Birthday", "Kitchen"]
    changed = call(member, "PATCH", f"/wishlists/{second['id']}", {"default": True, "name": "Home"}).json
    assert (changed["default"], changed["name"]) == (True, "Home")
    assert [(w["name"], w["default"]) for w in call(member, "GET", "/wishlists").json["items"]] == [
        ("Home", True),
        ("Birthday", False),
    ]
    assert call(member, "DELETE", f"/wishlists/{second['id']}").status_code == 204
    assert [(w["name"], w["default"]) for w in call(member, "GET", "/wishlists").json["items"]] == [("Birthday", True)]


def test_names_stand_sealed(client, member):
    make(member, "Robin's secret list")
    (row,) = rows(client, "SELECT name FROM wishlists")
    assert b"secret" not in bytes(row.name)


def test_an_item_is_put_once_shown_with_todays_price_and_taken(client, member, shelf):
    wishlist = make(member)
    assert put(member, wishlist["id"], shelf).status_code == 204
    assert put(member, wishlist["id"], shelf).status_code == 204
    execute(client, "UPDATE variants SET price_minor = 1500")
    shown = call(member, "GET", f"/wishlists/{wishlist['id']}").json
    (item,) = shown["items"]
    assert (item["price"]["amount"], item["price_when_added"]["amount"]) == (1500, 1900)
    assert (item["available"], item["product_slug"], item["on_sale"]) == (3, shelf.slug, True)
    assert shown["item_count"] == 1
    path = f"/wishlists/{wishlist['id']}/items/{shelf.variant_id}"
    assert call(member, "DELETE", path).status_code == 204
    assert is_problem(call(member, "DELETE", path), 404, "not_found")


def test_the_default_list_is_made_when_something_is_put_on_it(member, shelf):
    assert is_problem(call(member, "GET", "/wishlists/default"), 404, "not_found")
    assert put(member, "default", shelf).status_code == 204
    shown = call(member, "GET", "/wishlists/default").json
    assert (shown["name"], shown["default"], len(shown["items"])) == ("Wishlist", True, 1)
    assert len(call(member, "GET", "/wishlists").json["items"]) == 1


def test_what_is_not_on_sale_any_more_keeps_its_name_and_cannot_be_added(client, member, shelf):
    put(member, "default", shelf)
    execute(client, "UPDATE products SET published_at = NULL")
    (item,) = call(member, "GET", "/wishlists/default").json["items"]
    assert (item["on_sale"], item["product_slug"], item["available"]) == (False, None, 0)
    assert is_problem(put(member, make(member)["id"], shelf), 404, "not_found")


def test_items_come_page_by_page_the_last_added_first(app, member):
    with app.app_context():
        shelves = [r.a_product() for _ in range(5)]
    for shelf in shelves:
        put(member, "default", shelf)
    seen, cursor = [], ""
    while cursor is not None:
        body = call(member, "GET", f"/wishlists/default?limit=2{cursor and '&cursor=' + cursor}").json
        seen += [i["product_slug"] for i in body["items"]]
        cursor = body["next_cursor"]
    assert seen == [s.slug for s in reversed(shelves)]


# --- sharing -------------------------------------------------------------------------------------------


def share(account, wishlist, shared=True):
    return call(account, "PATCH", f"/wishlists/{wishlist['id']}", {"shared": shared}).json


def test_a_shared_list_shows_its_name_and_items_and_nothing_of_its_owner(client, member, shelf):
    wishlist = make(member)
    put(member, wishlist["id"], shelf)
    link = share(member, wishlist)["share"]
    assert link["url"].endswith(f"/wishlists/shared/{link['token']}")
    answer = client.get(f"/api/v1/wishlists/shared/{link['token']}")
    assert answer.status_code == 200
    assert set(answer.json) == {"name", "items", "next_cursor"}
    assert (answer.json["name"], len(answer.json["items"])) == ("Birthday", 1)
    for personal in ("Robin", "Ashdown", member.email, member.username):
        assert personal not in answer.text


def test_a_link_dies_when_sharing_ends_and_a_new_one_is_another(client, member):
    wishlist = make(member)
    old = share(member, wishlist)["share"]["token"]
    assert share(member, wishlist)["share"]["token"] == old
    assert share(member, wishlist, shared=False)["share"] is None
    assert is_problem(client.get(f"/api/v1/wishlists/shared/{old}"), 404, "not_found")
    new = share(member, wishlist)["share"]["token"]
    assert new != old
    assert is_problem(client.get(f"/api/v1/wishlists/shared/{old}"), 404, "not_found")
    assert client.get(f"/api/v1/wishlists/shared/{new}").status_code == 200


def test_links_cannot_be_made_up(client, member):
    wishlist, other = make(member), make(member, "Other")
    token = share(member, wishlist)["share"]["token"]
    share(member, other)
    mac = token.rpartition(".")[2]
    for forged in (wishlist["id"], f"{other['id']}.{mac}", token[:-1] + "0", token + "0", "x", f"{wishlist['id']}."):
        if forged != token:
            assert is_problem(client.get(f"/api/v1/wishlists/shared/{forged}"), 404, "not_found")


def test_what_is_not_on_sale_is_not_shared(client, member, shelf):
    put(member, "default", shelf)
    token = call(member, "PATCH", "/wishlists/default", {"shared": True}).json["share"]["token"]
    execute(client, "UPDATE products SET published_at = NULL")
    assert client.get(f"/api/v1/wishlists/shared/{token}").json["items"] == []


# --- into the cart -------------------------------------------------------------------------------------


def test_moving_puts_into_the_cart_and_takes_from_the_list(member, shelf):
    put(member, "default", shelf)
    path = f"/wishlists/default/items/{shelf.variant_id}/move-to-cart"
    cart = call(member, "POST", path, {"quantity": 2})
    assert cart.status_code == 200
    assert [(i["variant_id"], i["quantity"]) for i in cart.json["items"]] == [(str(shelf.variant_id), 2)]
    assert call(member, "GET", "/wishlists/default").json["items"] == []
    assert is_problem(call(member, "POST", path, {}), 404, "not_found")
    assert member.get("/cart").json["quantity"] == 2


# --- refusals ------------------------------------------------------------------------------------------


def test_lists_of_others_are_not_there(client, member, shelf):
    wishlist, other = make(member), an_account(client)
    put(member, wishlist["id"], shelf)
    path = f"/wishlists/{wishlist['id']}"
    item = f"{path}/items/{shelf.variant_id}"
    for method, address, body in (
        ("GET", path, None),
        ("PATCH", path, {"name": "Mine now"}),
        ("DELETE", path, None),
        ("PUT", item, None),
        ("DELETE", item, None),
        ("POST", f"{item}/move-to-cart", {}),
        ("GET", "/wishlists/x", None),
    ):
        assert is_problem(call(other, method, address, body), 404, "not_found"), (method, address)
    assert call(member, "GET", path).json["name"] == "Birthday"
    assert other.get("/cart").json["items"] == []


def test_guests_have_no_lists(client, shelf):
    for method, path in (("GET", ""), ("POST", ""), ("GET", "/default"), ("PUT", f"/default/items/{shelf.variant_id}")):
        answer = client.open(
            f"/api/v1/wishlists{path}", method=method, json={"name": "x"} if method == "POST" else None
        )
        assert is_problem(answer, 401, "unauthenticated")


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": "x" * 81}, {"name": "a\u0000b"}, {"name": 7}, {"name": "x", "a": 1}]
)
def test_wrong_lists_are_refused(member, body):
    assert call(member, "POST", "/wishlists", body).status_code in (400, 422)
    assert call(member, "GET", "/wishlists").json["items"] == []


def test_there_must_be_a_default_and_flags_are_booleans(member):
    wishlist = make(member)
    for body in ({"default": False}, {"shared": 1}, {"price_alerts": "yes"}, {"name": None}):
        assert is_problem(call(member, "PATCH", f"/wishlists/{wishlist['id']}", body), 422, "validation_failed")


def test_lists_and_their_items_have_limits(client, member, shelf, monkeypatch):
    monkeypatch.setattr(service, "MOST_LISTS", 2)
    monkeypatch.setattr(service, "MOST_ITEMS", 0)
    wishlist = make(member)
    make(member)
    assert is_problem(call(member, "POST", "/wishlists", {"name": "x"}), 422, "too_many_wishlists")
    assert is_problem(put(member, wishlist["id"], shelf), 422, "wishlist_full")
    assert rows(client, "SELECT count(*) AS n FROM wishlist_items")[0].n == 0


def test_a_forgotten_member_has_no_lists_and_the_copy_of_data_has_all(app, client, member, shelf):
    put(member, "default", shelf)
    with app.app_context():
        with reading():
            user_id = user_id_of_login(member.email)
            copy = queries.everything_of(user_id)
        assert [i["sku"] for w in copy["wishlists"] for i in w["items"]] != []
        run_unit(lambda: service.forget_member(user_id))
        run_unit(lambda: service.forget_member(user_id))
    assert rows(client, "SELECT count(*) AS n FROM wishlist_items")[0].n == 0
