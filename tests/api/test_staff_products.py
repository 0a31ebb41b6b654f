"""Products as staff keep them by API: finding, changing, showing, variants and prices, and what is refused."""

import pytest

from quickshop.kernel import db
from tests.factories.accounts import a_staff_account, an_account, is_problem, rows
from tests.factories.pages import stock_shop

NOWHERE = "0198c000-0000-7000-8000-000000000000"


@pytest.fixture
def shop(client):
    """A shop with one product, and a member of staff."""
    variants = stock_shop(client.application)
    return Staff(client, variants)


class Staff:
    """Calls the staff's API."""

    def __init__(self, client, variants):
        self.client = client
        self.variants = variants
        self.account = a_staff_account(client)
        self.product_id = self.call("GET", "/products").json["items"][0]["id"]

    def call(self, method, path, body=None, **headers):
        """One call under /admin."""
        more = {} if body is None else {"json": body}
        return self.client.open(f"/api/v1/admin{path}", method=method, headers=self.account.headers | headers, **more)

    def product(self):
        """The product as staff see it."""
        answer = self.call("GET", f"/products/{self.product_id}")
        assert answer.status_code == 200
        assert answer.headers["ETag"] == f'"{answer.json["updated_at"]}"'
        return answer.json

    def change(self, body, **headers):
        """A change of the product."""
        return self.call("PATCH", f"/products/{self.product_id}", body, **headers)

    def variant(self, sku="MUG-RED"):
        """One of its variants as staff see it."""
        return next(v for v in self.product()["variants"] if v["sku"] == sku)

    def create(self, slug="lamp", **more):
        """Another product."""
        category = self.call("GET", "/categories").json["items"][0]["id"]
        body = {
            "slug": slug,
            "name": slug.title(),
            "category_id": category,
            "currency": "USD",
            "variants": [{"sku": f"{slug}-1".upper(), "price": usd(500), "stock": 3}],
        }
        return self.call("POST", "/products", body | more)


def usd(amount):
    return {"amount": amount, "currency": "USD"}


def shown(client, slug):
    """The public status of a product page's data."""
    return client.get(f"/api/v1/products/{slug}").status_code


# --- finding -------------------------------------------------------------------------------------------


def test_a_product_has_everything_staff_need(shop):
    product = shop.product()
    assert (product["name"], product["state"], product["category"]["slug"]) == ("Morning Mug", "shown", "mugs")
    red = shop.variant()
    assert red["stock"] == {"on_hand": 10, "held": 0, "available": 10, "low_at": None}
    assert [change["price"]["amount"] for change in red["history"]] == [1900]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["lamp", "morning-mug"]),
        ("q=morn", ["morning-mug"]),
        ("q=MUG-BLUE", ["morning-mug"]),
        ("q=mugblue", ["morning-mug"]),
        ("q=nothing", []),
        ("q=%25%27%3A*", []),
        ("category=mugs", ["lamp", "morning-mug"]),
        ("category=elsewhere", []),
        ("state=draft", ["lamp"]),
        ("state=shown", ["morning-mug"]),
        ("state=shown&q=lamp", []),
    ],
)
def test_all_products_are_listed_by_words_category_and_state(shop, query, found):
    shop.create(published_at=None)
    answer = shop.call("GET", f"/products?{query}")
    assert [item["slug"] for item in answer.json["items"]] == found


def test_the_list_goes_on_where_it_ended(shop):
    for number in range(4):
        assert shop.create(f"lamp-{number}").status_code == 201
    first = shop.call("GET", "/products?limit=2").json
    second = shop.call("GET", f"/products?limit=2&cursor={first['next_cursor']}").json
    third = shop.call("GET", f"/products?limit=2&cursor={second['next_cursor']}").json
    slugs = [item["slug"] for part in (first, second, third) for item in part["items"]]
    assert slugs == ["lamp-3", "lamp-2", "lamp-1", "lamp-0", "morning-mug"]
    assert third["next_cursor"] is None
    assert is_problem(shop.call("GET", "/products?cursor=nonsense"), 422, "validation_failed")


# --- changing ------------------------------------------------------------------------------------------


def test_a_renamed_product_is_found_under_both_addresses(shop, client):
    answer = shop.change({"name": "Evening Mug", "slug": "evening-mug", "attributes": {"material": "Glass"}})
    assert answer.status_code == 200
    assert answer.json["former_slugs"] == ["morning-mug"]
    public = client.get("/api/v1/products/morning-mug").json
    assert (public["slug"], public["name"], public["attributes"]) == (
        "evening-mug",
        "Evening Mug",
        {"material": "Glass"},
    )


def test_a_description_is_cleaned(shop):
    assert "script" not in shop.change({"description": "<p>Good</p><script>alert(1)</script>"}).json["description"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": ""}, 422, "validation_failed"),
        ({"slug": "Not A Slug"}, 422, "validation_failed"),
        ({"price": usd(5)}, 422, "validation_failed"),
        ({"category_id": NOWHERE}, 409, "already_exists"),
        ({"related": [NOWHERE]}, 409, "already_exists"),
        ({"options": [{"name": "size", "values": ["S"]}]}, 422, "validation_failed"),
        ({"published_at": "2030-01-01T00:00:00Z", "withdrawn_at": "2029-01-01T00:00:00Z"}, 422, "validation_failed"),
        ({"published_at": "2030-01-01T00:00:00"}, 422, "validation_failed"),
        ({"published_at": "0001-01-01T00:00:00+10:00"}, 422, "validation_failed"),
    ],
)
def test_a_change_that_cannot_be_is_refused_whole(shop, body, status, code):
    before = shop.product()
    assert is_problem(shop.change({"name": "Another"} | body), status, code)
    assert shop.product() == before


def test_a_taken_slug_is_refused(shop):
    shop.create()
    assert is_problem(shop.change({"slug": "lamp"}), 409, "already_exists")


def test_a_product_is_shown_and_hidden_by_its_dates(shop, client):
    assert shop.change({"published_at": None}).json["state"] == "draft"
    assert shown(client, "morning-mug") == 404
    assert shop.change({"published_at": "2099-01-01T00:00:00Z"}).json["state"] == "scheduled"
    assert shown(client, "morning-mug") == 404
    told = shop.change({"published_at": "2020-01-01T00:00:00Z", "withdrawn_at": "2099-01-01T00:00:00Z"}).json
    assert (told["state"], told["published_at"]) == ("shown", "2020-01-01T00:00:00.000Z")
    assert shown(client, "morning-mug") == 200
    assert shop.change({"withdrawn_at": "2021-01-01T00:00:00Z"}).json["state"] == "withdrawn"
    assert shown(client, "morning-mug") == 404


def test_many_products_are_shown_and_hidden_at_once(shop, client):
    made = shop.create(published_at=None).json["id"]
    both = {"product_ids": [made, shop.product_id, NOWHERE]}
    assert shop.call("POST", "/products/show", both | {"shown": True}).json == {"changed": 1}
    assert (shown(client, "lamp"), shown(client, "morning-mug")) == (200, 200)
    assert shop.call("POST", "/products/show", both | {"shown": False}).json == {"changed": 2}
    assert (shown(client, "lamp"), shown(client, "morning-mug")) == (404, 404)


def test_a_product_is_made_with_options_dates_and_companions(shop, client):
    answer = shop.create(
        "tee",
        options=[{"name": "size", "values": ["S", "M"]}],
        variants=[
            {"sku": "TEE-S", "price": usd(900), "options": {"size": "S"}},
            {"sku": "TEE-M", "price": usd(900), "options": {"size": "M"}},
        ],
        related=[shop.product_id],
        published_at="2020-05-01T10:00:00+02:00",
        withdrawn_at="2099-01-01T00:00:00Z",
    )
    assert answer.status_code == 201, answer.text
    told = shop.call("GET", f"/products/{answer.json['id']}").json
    assert told["published_at"] == "2020-05-01T08:00:00.000Z"
    assert [other["slug"] for other in told["related"]] == ["morning-mug"]
    assert client.get("/api/v1/products/tee").json["options"] == [{"name": "size", "values": ["S", "M"]}]


@pytest.mark.parametrize(
    "choices", [[{"size": "XL"}], [{"size": "S"}, {"size": "S"}], [{}], [{"size": "S", "colour": "red"}]]
)
def test_variants_must_fit_the_options(shop, choices):
    variants = [{"sku": f"TEE-{i}", "price": usd(900), "options": o} for i, o in enumerate(choices)]
    answer = shop.create("tee", options=[{"name": "size", "values": ["S", "M"]}], variants=variants)
    assert is_problem(answer, 422, "validation_failed")


# --- two at once ---------------------------------------------------------------------------------------


def test_a_change_made_meanwhile_is_not_undone(shop):
    seen = shop.call("GET", f"/products/{shop.product_id}")
    assert shop.change({"name": "First"}, **{"If-Match": seen.headers["ETag"]}).status_code == 200
    late = shop.change({"name": "Second"}, **{"If-Match": seen.headers["ETag"]})
    assert is_problem(late, 409, "changed_meanwhile")
    assert late.json["updated_at"] == shop.product()["updated_at"] != seen.json["updated_at"]
    assert is_problem(shop.change({"name": "Second", "updated_at": seen.json["updated_at"]}), 409, "changed_meanwhile")
    assert shop.product()["name"] == "First"


def test_each_answer_names_the_version_for_the_next_change(shop):
    tag = shop.call("GET", f"/products/{shop.product_id}").headers["ETag"]
    for body in ({"name": "One"}, {"name": "Two"}):
        answer = shop.change(body, **{"If-Match": tag})
        assert answer.status_code == 200
        tag = answer.headers["ETag"]
    path = f"/variants/{shop.variants['MUG-RED']}"
    answer = shop.call("PUT", f"{path}/price", {"price": usd(1000)}, **{"If-Match": tag})
    assert answer.status_code == 200
    late = shop.call("PUT", f"{path}/sale", {"price": usd(900)}, **{"If-Match": tag})
    assert is_problem(late, 409, "changed_meanwhile")
    stated = {"sku": "MUG-X", "updated_at": answer.json["updated_at"]}
    assert shop.call("PATCH", path, stated).status_code == 200


def test_stock_moves_without_changing_the_version(shop):
    before = shop.product()["updated_at"]
    moved = {"delta": 5, "cause": "received"}
    assert shop.call("POST", f"/variants/{shop.variants['MUG-RED']}/stock-movements", moved).status_code == 201
    assert shop.product()["updated_at"] == before


# --- variants and prices -------------------------------------------------------------------------------


def test_a_variant_is_added_changed_and_taken_away(shop):
    shop.change({"options": [{"name": "colour", "values": ["red", "blue", "green"]}]})
    path = f"/products/{shop.product_id}/variants"
    green = {"sku": "MUG-GREEN", "price": usd(2100), "options": {"colour": "green"}}
    made = shop.call("POST", path, green)
    assert made.status_code == 201
    assert is_problem(shop.call("POST", path, green | {"sku": "MUG-G2"}), 422, "validation_failed")
    address = f"/variants/{made.json['id']}"
    assert shop.call("PATCH", address, {"sku": "MUG-G", "weight_grams": 300, "position": 0}).status_code == 200
    assert (shop.variant("MUG-G")["weight_grams"], shop.variant("MUG-G")["position"]) == (300, 0)
    assert is_problem(shop.call("PATCH", address, {"sku": "MUG-RED"}), 409, "already_exists")
    assert is_problem(shop.call("PATCH", address, {"options": {"colour": "red"}}), 422, "validation_failed")
    assert shop.call("DELETE", address).status_code == 204
    assert [v["sku"] for v in shop.product()["variants"]] == ["MUG-RED", "MUG-BLUE"]


def test_a_variant_with_stock_that_nobody_bought_can_go_and_the_last_one_cannot(shop):
    assert shop.call("DELETE", f"/variants/{shop.variants['MUG-RED']}").status_code == 204
    assert is_problem(shop.call("DELETE", f"/variants/{shop.variants['MUG-BLUE']}"), 409, "last_variant")


def test_a_variant_in_somebodys_cart_stays(shop, client):
    red = shop.variants["MUG-RED"]
    assert client.post("/api/v1/cart/items", json={"variant_id": str(red)}).status_code == 200
    assert is_problem(shop.call("DELETE", f"/variants/{red}"), 409, "variant_in_use")
    assert shop.variant()["stock"]["on_hand"] == 10


def test_a_price_reaches_lists_and_carts_and_is_remembered(shop, client):
    red = shop.variants["MUG-RED"]
    cart = client.post("/api/v1/cart/items", json={"variant_id": str(red)}).json["token"]
    answer = shop.call("PUT", f"/variants/{red}/price", {"price": usd(1500), "compare_at_price": usd(1800)})
    assert answer.status_code == 200
    card = client.get("/api/v1/products").json["items"][0]
    assert (card["price"]["amount"], card["compare_at_price"]["amount"]) == (1500, 1800)
    assert client.get("/api/v1/cart", headers={"X-Cart-Token": cart}).json["subtotal"]["amount"] == 1500
    assert [change["price"]["amount"] for change in shop.variant()["history"]] == [1500, 1900]


def test_a_sale_holds_between_its_times(shop, client):
    path = f"/variants/{shop.variants['MUG-RED']}/sale"
    coming = {"price": usd(990), "from": "2090-01-01T00:00:00Z", "until": "2091-01-01T00:00:00Z"}
    assert shop.call("PUT", path, coming).status_code == 200
    assert (shop.variant()["on_sale"], shop.variant()["price_now"]["amount"]) == (False, 1900)
    assert shop.call("PUT", path, {"price": usd(990)}).status_code == 200
    assert shop.variant()["price_now"]["amount"] == 990
    assert client.get("/api/v1/products").json["items"][0]["price"]["amount"] == 990
    assert shop.call("DELETE", path).json["variants"][0]["sale"] is None
    assert is_problem(shop.call("PUT", path, {"price": usd(1900)}), 409, "already_exists")
    assert is_problem(shop.call("PUT", path, coming | {"until": "2089-01-01T00:00:00Z"}), 409, "already_exists")
    assert is_problem(shop.call("PUT", path, {"price": usd(9.5)}), 422, "validation_failed")


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("PUT", "/variants/{variant}/price", {}),
        ("PUT", "/variants/{variant}/sale", {}),
        ("POST", "/products/{product}/variants", {"sku": "MUG-EURO", "options": {"colour": "green"}}),
    ],
)
def test_a_price_in_another_currency_is_refused_and_changes_nothing(shop, method, path, more):
    place = path.format(variant=shop.variants["MUG-RED"], product=shop.product_id)
    answer = shop.call(method, place, {"price": {"amount": 100, "currency": "EUR"}} | more)
    assert is_problem(answer, 422, "validation_failed")
    assert list(answer.json["errors"]) == ["price.currency"]
    assert (shop.variant()["price_now"]["amount"], len(shop.variant()["history"])) == (1900, 1)


# --- categories and attributes -------------------------------------------------------------------------


def test_the_category_tree_is_changed(shop, client):
    made = shop.call("POST", "/categories", {"slug": "kitchen", "name": "Kitchen"}).json["id"]
    mugs = next(c for c in shop.call("GET", "/categories").json["items"] if c["slug"] == "mugs")
    assert mugs["products"] == 1
    path = f"/categories/{mugs['id']}"
    assert shop.call("PATCH", path, {"parent_id": made, "slug": "cups", "name": "Cups"}).status_code == 204
    assert [(c["slug"], c["depth"]) for c in shop.call("GET", "/categories").json["items"]] == [
        ("kitchen", 0),
        ("cups", 1),
    ]
    assert is_problem(shop.call("PATCH", f"/categories/{made}", {"parent_id": mugs["id"]}), 409, "category_loop")
    assert is_problem(shop.call("DELETE", path), 409, "category_in_use")
    assert is_problem(shop.call("DELETE", f"/categories/{made}"), 409, "category_in_use")
    assert shop.call("PATCH", path, {"parent_id": None}).status_code == 204
    assert shop.call("DELETE", f"/categories/{made}").status_code == 204
    [trail] = client.get("/api/v1/products/morning-mug").json["categories"]
    assert trail["slug"] == "cups"


def test_an_attribute_gets_a_label_and_can_leave_the_facets(shop, client):
    assert shop.call("PATCH", "/attributes/material", {"label": "Made of", "position": 3}).status_code == 204
    assert shop.call("PATCH", "/attributes/material", {"facetable": False}).status_code == 204
    material = next(a for a in shop.call("GET", "/attributes").json["items"] if a["name"] == "material")
    told = {"name": "material", "label": "Made of", "facetable": False, "position": 3, "values": 1}
    assert material == told | {"version": material["version"]}
    assert client.get("/api/v1/products/morning-mug").json["labels"] == {"material": "Made of"}
    assert "material" not in client.get("/api/v1/products?facets=true").json["facets"]["attributes"]
    assert is_problem(shop.call("PATCH", "/attributes/nothing", {"label": "X"}), 404, "not_found")


# --- strangers -----------------------------------------------------------------------------------------

_CALLS = [
    ("GET", "/products", None),
    ("GET", "/products/{product}", None),
    ("PATCH", "/products/{product}", {"name": "X"}),
    ("POST", "/products/show", {"product_ids": [NOWHERE], "shown": True}),
    ("POST", "/products/{product}/variants", {"sku": "X", "price": usd(1)}),
    ("POST", "/products/{product}/images", None),
    ("PATCH", "/variants/{variant}", {"sku": "X"}),
    ("DELETE", "/variants/{variant}", None),
    ("PUT", "/variants/{variant}/price", {"price": usd(1)}),
    ("PUT", "/variants/{variant}/sale", {"price": usd(1)}),
    ("DELETE", "/variants/{variant}/sale", None),
    ("POST", "/variants/{variant}/stock-movements", {"delta": 1, "cause": "received"}),
    ("GET", "/variants/{variant}/stock-movements", None),
    ("GET", "/stock/movements", None),
    ("GET", "/stock/low", None),
    ("GET", "/categories", None),
    ("GET", "/attributes", None),
]


@pytest.mark.parametrize(("method", "path", "body"), _CALLS, ids=[f"{m} {p}" for m, p, _ in _CALLS])
def test_only_staff_with_the_permission_come_in_and_unknown_ids_are_404(client, method, path, body):
    variants = stock_shop(client.application)
    product = rows(client, "SELECT id FROM products")[0].id
    here = path.format(product=product, variant=variants["MUG-RED"])
    more = {} if body is None else {"json": body}
    assert is_problem(client.open(f"/api/v1/admin{here}", method=method, **more), 401, "unauthenticated")
    for account in (an_account(client), a_staff_account(client, "support")):
        answer = client.open(f"/api/v1/admin{here}", method=method, headers=account.headers, **more)
        assert is_problem(answer, 403, "forbidden")
    if here != path:
        staff = a_staff_account(client)
        there = path.format(product=NOWHERE, variant=NOWHERE)
        answer = client.open(f"/api/v1/admin{there}", method=method, headers=staff.headers, **more)
        assert is_problem(answer, 404, "not_found")


def test_the_list_takes_one_statement_whatever_its_length(shop):
    for number in range(5):
        shop.create(f"lamp-{number}")
    told = []

    def counted(path):
        told.clear()
        shop.call("GET", path)
        return len([sql for sql in told if "FROM products" in sql or "FROM variants" in sql])

    db.watchers.append(told.append)
    try:
        assert counted("/products?limit=1") == counted("/products?limit=6") == 1
    finally:
        db.watchers.remove(told.append)
