"""The address book by API: rules, defaults, sealed rows, and nobody else's business."""

import uuid

import pytest

from quickshop.accounts.addresses import MOST_ADDRESSES, address_book
from quickshop.accounts.queries import user_id_of_login
from tests.factories.accounts import an_account, execute, is_problem, rows
from tests.factories.shop import ADDRESS, everything

BOOK = "/api/v1/me/addresses"
US = {
    "name": "Ada Lovelace",
    "line1": "1 Loop Street",
    "city": "Springfield",
    "region": "Illinois",
    "postal_code": "62701",
    "country": "US",
}


@pytest.fixture
def ada(client):
    return an_account(client)


def add(account, **changes):
    answer = account.client.post(BOOK, json={**ADDRESS, **changes}, headers=account.headers)
    assert answer.status_code == 201, answer.text
    return answer.json


def call(account, method, address_id="", body=None):
    path = f"{BOOK}/{address_id}" if address_id else BOOK
    return account.client.open(path, method=method, json=body, headers=account.headers)


def book(account):
    return account.get("/me/addresses").json["items"]


def defaults(account):
    """The names of the addresses that are the default for shipping, and for billing."""
    return tuple(
        [entry["name"] for entry in book(account) if entry[kind]] for kind in ("default_shipping", "default_billing")
    )


def test_the_first_address_becomes_both_defaults_and_later_ones_none(ada):
    first = add(ada, name="First")
    second = add(ada, name="Second")
    assert first["default_shipping"] and first["default_billing"]
    assert not second["default_shipping"] and not second["default_billing"]
    assert [entry["name"] for entry in book(ada)] == ["First", "Second"]
    assert call(ada, "GET", first["id"]).json == first


def test_an_address_is_kept_as_its_country_writes_it(ada):
    added = add(ada, **US)
    assert (added["region"], added["postal_code"]) == ("IL", "62701")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"city": ""}, "city"),
        ({"postal_code": "12345"}, "postal_code"),
        ({**US, "region": "Ontario"}, "region"),
        ({"country": "ZZ"}, "country"),
        ({"name": ""}, "name"),
        ({"line1": "x" * 201}, "line1"),
        ({"default_shipping": True}, "default_shipping"),
        ({"user_id": "1"}, "user_id"),
    ],
)
def test_a_wrong_address_is_refused_at_its_field(ada, changes, field):
    answer = call(ada, "POST", body={**ADDRESS, **changes})
    assert is_problem(answer, 422, "validation_failed")
    assert list(answer.json["errors"]) == [field]
    assert book(ada) == []


def test_changing_one_field_keeps_the_others_and_checks_the_whole(ada):
    added = add(ada)
    changed = call(ada, "PATCH", added["id"], {"name": "Robin B. Ashdown"})
    assert changed.status_code == 200
    assert changed.json == {**added, "name": "Robin B. Ashdown", "updated_at": changed.json["updated_at"]}
    answer = call(ada, "PATCH", added["id"], {"country": "US"})
    assert is_problem(answer, 422, "validation_failed")
    assert set(answer.json["errors"]) == {"region", "postal_code"}
    assert book(ada) == [changed.json]


def test_a_default_moves_and_there_is_always_one_of_each(ada):
    add(ada, name="First")
    second = add(ada, name="Second")
    for kind, expected in (
        ("billing", (["First"], ["Second"])),
        ("shipping", (["Second"], ["Second"])),
        ("both", (["Second"], ["Second"])),
    ):
        assert call(ada, "POST", f"{second['id']}/default", {"kind": kind}).status_code == 200
        assert defaults(ada) == expected


def test_a_removed_default_passes_to_the_newest_left(ada):
    first, second = add(ada, name="First"), add(ada, name="Second")
    add(ada, name="Third")
    call(ada, "POST", f"{second['id']}/default", {"kind": "billing"})
    assert call(ada, "DELETE", first["id"]).status_code == 204
    assert defaults(ada) == (["Third"], ["Second"])
    assert call(ada, "DELETE", second["id"]).status_code == 204
    assert defaults(ada) == (["Third"], ["Third"])
    assert call(ada, "DELETE", second["id"]).status_code == 404


def test_removing_the_last_one_leaves_an_empty_book(ada):
    assert call(ada, "DELETE", add(ada)["id"]).status_code == 204
    assert book(ada) == []
    assert add(ada)["default_shipping"]


def test_a_full_book_takes_no_more(ada, client):
    first = add(ada)
    execute(
        client,
        "INSERT INTO addresses (id, user_id, sealed, country)"
        " SELECT gen_random_uuid(), user_id, sealed, country FROM addresses, generate_series(2, :most)",
        most=MOST_ADDRESSES,
    )
    assert is_problem(call(ada, "POST", body=ADDRESS), 409, "too_many_addresses")
    assert call(ada, "DELETE", first["id"]).status_code == 204


@pytest.mark.parametrize(
    ("method", "end", "body"),
    [("GET", "", None), ("PATCH", "", {"name": "Eve"}), ("DELETE", "", None), ("POST", "/default", {"kind": "both"})],
)
def test_anothers_address_does_not_exist_and_nothing_changes(client, app, ada, method, end, body):
    added = add(ada)
    eve = an_account(client)
    add(eve)
    with app.app_context():
        before = everything()
    for address_id in (added["id"], uuid.uuid4(), "nonsense"):
        assert is_problem(call(eve, method, f"{address_id}{end}", body), 404, "not_found")
    with app.app_context():
        assert everything() == before


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("POST", ""),
        *[(m, f"/{uuid.UUID(int=7)}") for m in ("GET", "PATCH", "DELETE")],
        ("POST", "/1/default"),
    ],
)
def test_guests_have_no_book(client, method, path):
    assert is_problem(client.open(f"{BOOK}{path}", method=method, json={}), 401, "unauthenticated")


def test_nothing_of_an_address_stands_open_in_rows_or_log(ada, client, servers):
    added = add(ada)
    call(ada, "PATCH", added["id"], {"name": "Robin B. Ashdown"})
    call(ada, "DELETE", added["id"])
    add(ada)
    events = [e for e in ada.get("/me/events").json["items"] if "address" in e["type"]]
    assert [e["type"] for e in events] == [
        f"account.address_{what}" for what in ("added", "changed", "removed", "added")
    ]
    assert all(list(e["data"]) == ["id"] for e in events)
    for table in ("addresses", "account_events", "outbox"):
        text = " ".join(row[0] for row in servers.run(f"SELECT t::text FROM {table} t"))
        for secret in (ADDRESS["name"], ADDRESS["line1"], ADDRESS["postal_code"], "Robin B."):
            assert secret not in text
            assert secret.encode().hex() not in text


def test_a_sealed_address_does_not_open_in_another_row(ada, client, app):
    one, other = add(ada, name="One"), add(ada, name="Other")
    execute(
        client,
        "UPDATE addresses SET sealed = (SELECT sealed FROM addresses WHERE id = :one) WHERE id = :other",
        one=one["id"],
        other=other["id"],
    )
    with app.app_context(), pytest.raises(Exception, match="does not open"):
        address_book(user_id_of_login(ada.email))


@pytest.mark.parametrize("column", ["default_shipping", "default_billing"])
def test_the_database_refuses_two_defaults(ada, client, column):
    add(ada)
    other = add(ada)
    with pytest.raises(Exception, match=f"uq_addresses_{column}"):
        execute(client, f"UPDATE addresses SET {column} = true WHERE id = :id", id=other["id"])
    assert sum(row[0] for row in rows(client, f"SELECT {column} FROM addresses")) == 1
