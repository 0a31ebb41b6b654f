"""Whatever is wrong with a request, the answer is a problem document, never a 500, and nothing is changed."""

import json

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from quickshop.accounts import queries
from tests.factories.accounts import an_account, is_problem, registration, rows

REGISTER = "/api/v1/auth/register"


def post(client, body, content_type="application/json", path=REGISTER):
    return client.post(path, data=body, content_type=content_type)


def text(**changes):
    return json.dumps(registration(**changes))


@pytest.fixture
def untouched(client):
    """Nothing may stand in the database afterwards."""
    yield
    assert rows(client, "SELECT id FROM users") == []


BROKEN = {
    "cut off": '{"email": "a@b.exa',
    "words": "hello",
    "trailing comma": '{"email": "x",}',
    "single quotes": "{'email': 'x'}",
    "two values": "{} {}",
    "NaN": '{"email": NaN}',
    "Infinity": '{"email": -Infinity}',
    "the same key twice": '{"email": "a@b.example", "email": "c@d.example"}',
    "the same key twice inside": '{"a": {"b": 1, "b": 2}}',
    "33 levels of lists": "[" * 33 + "]" * 33,
    "33 levels of objects": '{"a":' * 33 + "1" + "}" * 33,
    "100,000 levels": "[" * 100_000 + "]" * 100_000,
    "5,000 digits": '{"email": ' + "9" * 5000 + "}",
    "not UTF-8": b'{"email": "\xff\xfe"}',
    "UTF-16": json.dumps({"email": "x"}).encode("utf-16"),
    "NUL in a text": '{"email": "a\\u0000b@quickshop.example"}',
    "half a surrogate pair": '{"first_name": "\\ud800"}',
    "a control character as it is": '{"email": "a\nb"}',
    "a byte order mark": "\ufeff{}".encode(),
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.usefixtures("untouched")
def test_broken_json_is_named(client, kind):
    is_problem(post(client, BROKEN[kind]), 400, "invalid_json")


@pytest.mark.parametrize("body", ["[]", '"text"', "1", "null", "true", "1.5"])
@pytest.mark.usefixtures("untouched")
def test_json_that_is_no_object_fails_validation(client, body):
    is_problem(post(client, body), 422, "validation_failed")


def test_depth_32_is_parsed(client):
    is_problem(post(client, '{"a":' * 32 + "1" + "}" * 32), 422, "validation_failed")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/json", ""]
)
@pytest.mark.usefixtures("untouched")
def test_another_content_type_is_415(client, kind):
    is_problem(post(client, text(), kind), 415, "unsupported_media_type")


def test_a_charset_may_be_named(client):
    assert post(client, text(), "application/json; charset=utf-8").status_code == 202


WRONG = {
    "missing": ({"email": None}, "email"),
    "number for text": ({"username": 12345}, "username"),
    "list for text": ({"first_name": ["x"]}, "first_name"),
    "object for text": ({"password": {"a": 1}}, "password"),
    "truth for text": ({"last_name": True}, "last_name"),
    "blank": ({"first_name": "   "}, "first_name"),
    "very long": ({"last_name": "x" * 101}, "last_name"),
    "no address": ({"email": "nobody"}, "email"),
    "two addresses": ({"email": "a@b.example, c@d.example"}, "email"),
    "a header inside": ({"email": "a@b.example\r\nBcc: all@b.example"}, "email"),
    "spaces in a username": ({"username": "two words"}, "username"),
    "a username with a line end": ({"username": "robin\n"}, "username"),
    "words as telephone": ({"phone": "call me"}, "phone"),
    "an unknown field": ({"is_admin": True}, "is_admin"),
    "a control character": ({"first_name": "a\u0007b"}, "first_name"),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.usefixtures("untouched")
def test_wrong_fields_are_named_by_path(client, kind):
    changes, field = WRONG[kind]
    body = {k: v for k, v in registration(**changes).items() if v is not None}
    answer = post(client, json.dumps(body))
    is_problem(answer, 422, "validation_failed")
    assert list(answer.json["errors"]) == [field]
    assert all(isinstance(message, str) for message in answer.json["errors"][field])


def test_nested_fields_are_named_by_their_whole_path(client):
    body = {"shipping_address": {"country": 5}, "payment": {}, "expected_total": {"amount": 19.99, "currency": "USD"}}
    answer = client.post("/api/v1/orders", json=body, headers={"Idempotency-Key": "k"})
    is_problem(answer, 422, "validation_failed")
    assert {"shipping_address.country", "expected_total.amount"} <= set(answer.json["errors"])


@pytest.mark.parametrize("amount", [19.99, 1999.0, "1999", True, -1, 10**30, None, [1999]])
def test_money_is_a_whole_number_of_minor_units(client, amount):
    body = {"expected_total": {"amount": amount, "currency": "USD"}}
    answer = client.post("/api/v1/orders", json=body, headers={"Idempotency-Key": "k"})
    is_problem(answer, 422, "validation_failed")
    assert "expected_total.amount" in answer.json["errors"]


@pytest.mark.parametrize("quantity", [-1, 0, 1.5, "1", 2**31, 10**18, 10**400, False, None])
def test_quantities_are_whole_and_within_bounds(client, quantity):
    body = {"variant_id": "01890000-0000-7000-8000-000000000000", "quantity": quantity}
    answer = client.post("/api/v1/cart/items", json=body)
    is_problem(answer, 422, "validation_failed")
    assert "quantity" in answer.json["errors"]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=x", "limit=1e9", "limit=-5", "limit=1.0", "limit=", "cursor=%FF", "after=-1"],
)
def test_bad_queries_are_named(client, query):
    account = an_account(client)
    path = "/me/events" if "after" in query else "/orders"
    answer = account.get(f"{path}?{query}")
    is_problem(answer, 422, "validation_failed")
    assert list(answer.json["errors"]) == [query.partition("=")[0]]


@pytest.mark.usefixtures("untouched")
def test_ten_megabytes_are_413(client):
    is_problem(post(client, text(first_name="x" * 10 * 1024 * 1024)), 413, "body_too_large")


@pytest.mark.usefixtures("untouched")
def test_a_body_without_a_length_is_measured_as_it_comes(client):
    from io import BytesIO

    answer = client.post(
        REGISTER,
        input_stream=BytesIO(b" " * (2 * 1024 * 1024)),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )
    is_problem(answer, 413, "body_too_large")


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nothing",
        "/api/nothing",
        "/api/v1/orders/QS-0/nothing",
        "/api/v1/auth/sessions/not-an-id",
        "/api/v1/%00",
        "/api/v1/products/a%00b",
        "/api/v1/products?q=%00",
        "/api/v1/products/%FF%FE",
        "/api/v1/" + "x" * 3000,
    ],
)
def test_unknown_addresses_are_404(client, path):
    is_problem(client.get(path), 404, "not_found")


def test_the_wrong_method_says_which_are_right(client):
    answer = client.put("/api/v1/auth/login", json={})
    is_problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) >= {"POST"}
    assert client.open("/api/v1/products", method="TRACE").status_code == 405


def test_errors_outside_the_api_are_pages(client):
    answer = client.get("/nothing")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


def test_request_ids_are_taken_or_made_and_returned(client):
    taken = client.get("/healthz", headers={"X-Request-ID": "abc-123"})
    assert taken.headers["X-Request-ID"] == "abc-123"
    for bad in ("", "a" * 129, "a b", "<script>"):
        made = client.get("/healthz", headers={"X-Request-ID": bad}).headers["X-Request-ID"]
        assert made not in ("", bad)
    assert client.get("/healthz").headers["X-Request-ID"] != client.get("/healthz").headers["X-Request-ID"]


class Sql(Exception):
    """A database's own error with its SQLSTATE."""

    def __init__(self, state):
        super().__init__("password=secret")
        self.pgcode = state


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OperationalError("SELECT 1", {}, Sql(None)), 503, "unavailable"),
        (OperationalError("SELECT 1", {}, Sql("57P01")), 503, "unavailable"),
        (OperationalError("SELECT 1", {}, Sql("53300")), 503, "unavailable"),
        (OperationalError("SELECT 1", {}, Sql("53100")), 503, "unavailable"),
        (OperationalError("SELECT 1", {}, Sql("40P01")), 503, "unavailable"),
        (PoolTimeout("QueuePool limit"), 503, "unavailable"),
        (KeyError("secret"), 500, "internal_error"),
    ],
)
def test_trouble_behind_the_view_is_told_without_its_inside(client, monkeypatch, error, status, code):
    account = an_account(client)

    def fail(*_args):
        raise error

    monkeypatch.setattr(queries, "me", fail)
    answer = account.get("/me")
    is_problem(answer, status, code)
    assert "secret" not in answer.get_data(as_text=True)
    assert ("Retry-After" in answer.headers) == (status == 503)
