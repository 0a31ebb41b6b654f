"""`Prefer: return=minimal` on the cart: done, and nothing told but the guest's token."""

from tests.factories.shop import a_variant

MINIMAL = {"Prefer": "return=minimal"}


def put_in(client, variant_id, **headers):
    return client.post("/api/v1/cart/items", json={"variant_id": str(variant_id), "quantity": 2}, headers=headers)


def test_a_minimal_answer_has_no_body_and_names_the_guests_cart(client):
    with client.application.app_context():
        first, second = a_variant(price=700), a_variant(price=30)
    answer = put_in(client, first, **MINIMAL)
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Preference-Applied"] == "return=minimal"
    token = answer.headers["X-Cart-Token"]
    put_in(client, second, **MINIMAL, **{"X-Cart-Token": token})
    cart = client.get("/api/v1/cart", headers={"X-Cart-Token": token}).json
    assert (cart["quantity"], cart["total"]["amount"], cart["token"]) == (4, 1460, token)


def test_without_the_preference_the_whole_cart_is_told(client):
    with client.application.app_context():
        variant = a_variant(price=700)
    answer = put_in(client, variant)
    assert answer.status_code == 200
    assert answer.json["total"]["amount"] == 1400
