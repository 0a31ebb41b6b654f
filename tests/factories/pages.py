"""Walking the pages without a browser: forms with their tokens, people, and a small catalogue to buy from."""

import re
from html import unescape

from quickshop.accounts import service as accounts
from quickshop.catalog.service import NewProduct, NewVariant, create_category, create_product
from quickshop.inventory.service import receive
from quickshop.kernel.unit_of_work import run_unit
from quickshop.shipping.rules import Method
from quickshop.shipping.service import set_method

_FIELD = re.compile(r"<input[^>]*>")
_TOKEN = re.compile(r'"X-CSRFToken": "([^"]+)"')
_ATTRIBUTE = re.compile(r'([a-z_-]+)="([^"]*)"')

PASSWORD = "Quick-Parcel-17"
TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PERSON = {"email": "ada@quickshop.example", "username": "ada", "first_name": "Ada", "last_name": "Byron"}
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "postal_code": "SW1Y 4JH",
    "city": "London",
    "country": "GB",
}


def hidden_fields(html):
    """The hidden inputs of a page by name (the last of each name)."""
    found = {}
    for tag in _FIELD.findall(html):
        attributes = dict(_ATTRIBUTE.findall(tag))
        if attributes.get("type") == "hidden" and "name" in attributes:
            found[attributes["name"]] = unescape(attributes.get("value", ""))
    return found


def csrf(client):
    """A token that the client's next form may carry: every page has it for htmx."""
    return _TOKEN.search(client.get("/cart").text)[1]


def submit(client, address, fields=None, **more):
    """Post a form as a browser without scripts does, with a fresh token."""
    return client.post(address, data={**(fields or {}), "csrf_token": csrf(client)}, **more)


def a_person(app, name="ada"):
    """The id of a new member with a verified address, in no browser yet."""
    person = PERSON | {"email": f"{name}@quickshop.example", "username": name, "first_name": name.title()}
    with app.app_context():
        user_id = accounts.register(accounts.Registration(**person, password=PASSWORD))
        run_unit(lambda: accounts.mark_verified(user_id))
    return user_id


def sign_in(client, login="ada", password=PASSWORD, **more):
    """Sign in by the form; its answer."""
    return submit(client, "/sign-in", {"login": login, "password": password, **more})


def stock_shop(app, *, stock=10, price=1900):
    """One category, one product in two colours ("red" in stock, "blue" sold out) and two ways of shipping.

    Returns the variant ids by SKU.
    """
    with app.app_context():
        return run_unit(lambda: _stock_shop(stock, price))


def _stock_shop(stock, price):
    category = create_category("mugs", "Mugs")
    _, variants = create_product(
        NewProduct(
            slug="morning-mug",
            name="Morning Mug",
            description="<p>Holds <em>coffee</em>.</p><script>alert(1)</script>",
            category_id=category,
            currency="USD",
            attributes={"material": "Stoneware"},
            options=[{"name": "colour", "values": ["red", "blue"]}],
            variants=[
                NewVariant("MUG-RED", price, {"colour": "red"}, compare_at_minor=price * 2),
                NewVariant("MUG-BLUE", price + 100, {"colour": "blue"}),
            ],
        )
    )
    receive({variants["MUG-RED"]: stock})
    set_method(Method("standard", "Standard delivery", "USD", 499, None, 2, 4), 0)
    set_method(Method("express", "Express delivery", "USD", 1299, None, 1, 1), 1)
    return variants
