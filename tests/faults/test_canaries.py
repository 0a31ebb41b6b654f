"""The canary scan: what must not be kept in the clear goes in through every field, and is then looked for everywhere.

A card number, a password, a mailed token and an e-mail address go through every text field of every operation of the
OpenAPI document and of the page forms; orders are processed and messages made. Then every table, Valkey, the frames
and hints that went out, and the logs are searched for them, also as hex and base64.
"""

import base64
import contextlib
import copy
import io
import itertools
import logging
import re

import pytest
import redis

from quickshop.kernel.logs import JsonLines
from quickshop.notifications import service as notifications
from quickshop.orders import processing
from tasks.feed import Feed
from tasks.pump import Pump
from tests.factories.accounts import PASSWORD, a_staff_account
from tests.factories.pages import ADDRESS, csrf, stock_shop

CARD = "4000056655665556"
CANARIES = {
    "card": CARD,
    "card in groups": "4000 0566 5566 5556",
    "password": "Zebra-Canary-7391!",
    "token": "ZebraTokenCanary0123456789ZebraTokenCanary7",
    "email": "zebra.canary@leak.quickshop.example",
}
# Texts that are public, or written by staff for the shop, or names by which a caller asks for something of their own.
PUBLIC = re.compile(
    r"(products|categories|variants|shipping_methods|media|pictures)\.\w+|users\.username|roles\.(name|description)"
    r"|(tax_classes|tax_rates|shipping_zones|holidays|promotions|order_discounts)\.(name|label)"
    r"|canned_replies\.\w+|api_keys\.name|reviews\.\w+|orders\.client_reference|sessions\.device|passkeys\.name"
    r"|push_devices\.name|outbox\.frames|order_lines\.\w+|stock_movements\.note"
)
_numbers = itertools.count(1)


def resolved(schema, document):
    """A schema with its references followed."""
    while "$ref" in schema:
        node = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            node = node[part]
        schema = node
    return schema


def kind_of(schema):
    """The JSON type of a schema, null aside."""
    kind = schema.get("type", "string")
    return next((k for k in kind if k != "null"), "string") if isinstance(kind, list) else kind


def sample(schema, document, name, known):
    """Something that the schema takes."""
    schema = resolved(schema, document)
    if name in known:
        value = known[name]
        return value() if callable(value) else copy.deepcopy(value)
    if "allOf" in schema or "anyOf" in schema:
        return sample((schema.get("allOf") or schema["anyOf"])[0], document, name, known)
    if "enum" in schema:
        return next(value for value in schema["enum"] if value is not None)
    kind = kind_of(schema)
    if kind == "object":
        properties = schema.get("properties", {})
        return {key: sample(inner, document, key, known) for key, inner in properties.items()}
    if kind == "array":
        return [sample(schema.get("items", {}), document, name, known)]
    if kind in ("integer", "number"):
        return max(1, schema.get("minimum", 1))
    return {"boolean": True, "string": "sample"}[kind]


def text_places(body, path=()):
    """Where texts stand in a body."""
    if isinstance(body, dict):
        for key, inner in body.items():
            yield from text_places(inner, (*path, key))
    elif isinstance(body, list):
        for place, inner in enumerate(body):
            yield from text_places(inner, (*path, place))
    elif isinstance(body, str):
        yield path


def with_text(body, path, text):
    """A copy of the body with another text at one place."""
    changed = copy.deepcopy(body)
    node = changed
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = text
    return changed


def operations(document):
    """Every operation: method, path, the schema of its JSON body or None."""
    for path, item in document["paths"].items():
        for method in ("get", "post", "put", "patch", "delete"):
            if method in item:
                content = item[method].get("requestBody", {}).get("content", {})
                yield method, path, content.get("application/json", {}).get("schema"), item[method]


def forms_of(html, page):
    """The page's posting forms: address and names of text fields."""
    for tag, inner in re.findall(r"(<form[^>]*method=\"post\"[^>]*>)(.*?)</form>", html, re.DOTALL):
        action = re.search(r'action="([^"]+)"', tag)
        fields = re.findall(r'<(?:input|textarea|select)[^>]*\bname="([^"]+)"', inner)
        values = dict(re.findall(r'<input[^>]*\bname="([^"]+)"[^>]*\bvalue="([^"]*)"', inner))
        yield (action[1] if action else page), [f for f in dict.fromkeys(fields) if f != "csrf_token"], values


PAGES = [
    "/sign-in", "/sign-up", "/forgot-password", "/reset-password?token=x", "/verify-email", "/cart", "/checkout",
    "/account", "/account/addresses", "/account/security", "/account/payment-methods", "/account/preferences",
    "/account/profile", "/account/devices", "/products/morning-mug", "/admin/customers", "/admin/roles",
    "/admin/api-keys",
]  # fmt: skip


class Bird:
    """Sends the canaries and remembers what was answered."""

    def __init__(self, client, servers, variants):
        self.client, self.servers = client, servers
        self.staff = a_staff_account(client)
        self.sent = self.accepted = self.crashed = 0
        self.secrets = [self.staff.access_token, self.staff.refresh_token]
        self.known = {
            **ADDRESS,
            "region": "",
            "line2": "",
            "phone": "",
            "email": lambda: f"bird{next(_numbers)}@quickshop.example",
            "username": lambda: f"bird{next(_numbers)}",
            "password": PASSWORD,
            "current_password": PASSWORD,
            "login": self.staff.email,
            "variant_id": str(variants["MUG-RED"]),
            "payment": {"token": "tok_approve"},
            "expected_total": {"amount": 2399, "currency": "USD"},
            "shipping_method": "standard",
            "currency": "USD",
            "category_id": lambda: str(servers.run("SELECT id FROM categories LIMIT 1")[0][0]),
            "slug": lambda: f"bird-{next(_numbers)}",
            "sku": lambda: f"BIRD-{next(_numbers)}",
            "code": lambda: f"bird{next(_numbers)}",
            "locale": "en",
            "parent_id": None,
            "options": {"colour": "red"},
            "attributes": {"material": "clay"},
            "shipping_address": {**ADDRESS, "region": "", "line2": "", "phone": "+442079460958"},
            "billing_address": None,
            "shipping_address_id": None,
            "billing_address_id": None,
            "compare_at_price": None,
            "client_reference": lambda: f"bird-{next(_numbers)}",
            "min_days": 1,
            "max_days": 2,
        }

    def revive(self):
        """Undo what the last call may have done to the caller's own session."""
        self.servers.run(
            "UPDATE sessions SET revoked_at = NULL, revoked_reason = NULL; UPDATE users SET disabled_at = NULL"
        )

    def note(self, answer):
        self.sent += 1
        self.accepted += answer.status_code < 400
        if answer.status_code >= 500:
            self.crashed += 1
        return answer

    def call(self, method, path, body):
        """One call as staff, who may do the most."""
        headers = {**self.staff.headers, "Idempotency-Key": f"bird-{next(_numbers)}"}
        return self.note(self.client.open(path, method=method.upper(), json=body, headers=headers))

    def fly_through_the_api(self, document):
        for method, path, schema, _ in operations(document):
            address = re.sub(r"\{(\w+)\}", lambda m: str(self.known.get(m[1], lambda: "x") if not callable(
                self.known.get(m[1])) else "x"), path)  # fmt: skip
            for text in CANARIES.values():
                if "{" in path:
                    self.call(method, re.sub(r"\{\w+\}", text, path), {} if schema else None)
                if method == "get":
                    self.call(method, f"{address}?q={text}&cursor={text}&status={text}", None)
            if schema is None:
                continue
            base = sample(schema, document, "", self.known)
            for place in list(text_places(base)):
                for text in CANARIES.values():
                    if path.endswith("/orders"):
                        self.fill_cart()
                    self.call(method, address, with_text(sample(schema, document, "", self.known), place, text))
            self.revive()

    def fill_cart(self):
        body = {"variant_id": self.known["variant_id"], "quantity": 1}
        self.client.delete("/api/v1/cart", headers=self.staff.headers)
        self.client.post("/api/v1/cart/items", json=body, headers=self.staff.headers)

    def fly_through_the_pages(self):
        for page in PAGES:
            for signed_in in (False, True):
                client = self.client.application.test_client()
                if signed_in:
                    client.set_cookie("access", self.staff.access_token)
                client.post("/cart/items", data={"variant_id": self.known["variant_id"], "csrf_token": csrf(client)})
                shown = client.get(page)
                if shown.status_code != 200:
                    continue
                for action, fields, values in forms_of(shown.text, page):
                    if "sign-out" in action:
                        continue
                    for field, text in itertools.product(fields, CANARIES.values()):
                        filled = {f: values.get(f) or str(self._plain(f)) for f in fields} | {field: text}
                        self.note(client.post(action, data=filled | {"csrf_token": csrf(client)}))
                self.revive()

    def _plain(self, field):
        value = self.known.get(field.rpartition("-")[2], "sample")
        return value() if callable(value) else value


def spellings(text):
    """A text as it may stand somewhere."""
    raw = text.encode()
    inner = base64.b64encode(raw).decode().rstrip("=")
    return {text.casefold(), raw.hex(), inner.casefold(), text.replace(" ", "").casefold()}


def hits(where, text):
    """Names of the canaries that stand in the text."""
    lowered = text.casefold()
    return {f"{name} in {where}" for name, canary in CANARIES.items() if any(s in lowered for s in spellings(canary))}


def found_in_tables(servers):
    """Where canaries stand in the database: "name in table.column"."""
    found = set()
    columns = servers.run(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
    )
    with contextlib.closing(servers.connect()) as connection, connection.cursor() as cursor:
        for table, column in columns:
            cursor.execute(f'SELECT lower(string_agg(CAST("{column}" AS text), chr(10))) FROM "{table}"')
            found |= hits(f"{table}.{column}", cursor.fetchone()[0] or "")
    return found


def found_in_valkey(servers):
    """Where canaries stand in Valkey."""
    link, found = redis.Redis.from_url(servers.redis), set()
    for key in link.scan_iter(count=1000):
        dumped = {
            b"string": link.get, b"list": lambda k: link.lrange(k, 0, -1), b"hash": link.hgetall,
            b"set": link.smembers, b"zset": lambda k: link.zrange(k, 0, -1), b"stream": link.xrange,
        }[link.type(key)](key)  # fmt: skip
        found |= hits(f"valkey {key!r}", f"{key!r} {dumped!r}")
    return found


@pytest.fixture
def written():
    """All that is logged meanwhile, in the form in which processes log."""
    stream, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def test_what_goes_in_through_any_field_stands_nowhere_in_the_clear(client, servers, gateway, written):
    variants = stock_shop(client.application, stock=5000)
    bird = Bird(client, servers, variants)
    document = client.get("/api/openapi.json").json
    bird.fly_through_the_api(document)
    through_api = bird.sent
    bird.fly_through_the_pages()
    frames, hints = [], []
    with client.application.app_context():
        for (order_id,) in servers.run("SELECT order_id FROM order_processing WHERE step <> 'done'"):
            processing.process(order_id)
        notifications.drain()
        pump = Pump(lambda sent, tasks: (frames.extend(sent), hints.extend(tasks)), Feed())
        while pump.move_batch():
            pass
    (orders,) = servers.run("SELECT count(*) FROM orders")[0]
    print(
        f"{bird.sent} requests ({through_api} by API), {bird.accepted} accepted, {orders} orders, {len(frames)} frames"
    )
    assert bird.crashed == 0
    assert through_api > 300
    assert bird.sent - through_api > 100
    assert bird.accepted > 50
    assert orders >= 15

    found = found_in_tables(servers) | found_in_valkey(servers)
    found |= hits("hints", repr(hints)) | hits("logs", written.getvalue())
    cards = {hit for hit in found | hits("frames", repr(frames)) if hit.startswith("card")}
    assert cards == set()
    assert {hit for hit in found if not PUBLIC.fullmatch(hit.partition(" in ")[2])} == set()
    logged = written.getvalue()
    assert not [secret for secret in bird.secrets if secret in logged]
    assert PASSWORD not in logged
    tables = servers.run("SELECT 1 FROM sessions s, refresh_tokens r WHERE s::text || r::text LIKE ANY(%s)", [
        f"%{secret}%" for secret in bird.secrets])  # fmt: skip
    assert tables == []


def test_the_scan_would_find_what_is_left_lying_about(client, servers, written):
    servers.run("UPDATE roles SET description = %s WHERE name = 'support'", CANARIES["password"])
    redis.Redis.from_url(servers.redis).lpush("left", CANARIES["email"])
    try:
        assert "password in roles.description" in found_in_tables(servers)
        assert found_in_valkey(servers)
        assert hits("x", base64.b64encode(CARD.encode()).decode()) == {"card in x"}
    finally:
        servers.run("UPDATE roles SET description = 'Reads orders, customers and figures' WHERE name = 'support'")
