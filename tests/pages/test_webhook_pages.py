"""The staff's pages of outbound webhooks, without scripts."""

import re

import pytest

from quickshop.webhooks import delivering
from tests.factories.accounts import a_staff_account, rows
from tests.factories.pages import submit
from tests.factories.receivers import QUICK, a_receiver, documented_verify

SECRET = re.compile(r'<code class="secret">(whsec_[^<]+)</code>')


@pytest.fixture
def admin(client):
    account = a_staff_account(client)
    client.set_cookie("access", account.access_token)
    return account


@pytest.fixture
def receiver():
    with a_receiver() as made:
        yield made


def work(client):
    with client.application.app_context():
        return delivering.drain(QUICK)


def made(client, url, **more):
    """An endpoint by the form: the address of its page, and the secret that the answer shows."""
    wish = {"name": "Warehouse", "url": url, "nouns": ["order.*"], "types": "stock.changed"} | more
    answer = submit(client, "/admin/webhooks", wish)
    assert answer.status_code == 200
    [row] = rows(client, "SELECT id, events FROM webhook_endpoints")
    return f"/admin/webhooks/{row.id}", SECRET.search(answer.text)[1].replace("&#43;", "+").replace("&#47;", "/")


def test_others_do_not_get_in(client):
    support = a_staff_account(client, "support")
    client.set_cookie("access", support.access_token)
    assert client.get("/admin/webhooks").status_code == 403
    assert "/admin/webhooks" not in client.get("/admin").text
    assert submit(client, "/admin/webhooks", {"name": "W", "url": "https://a.example", "nouns": "*"}).status_code == 403
    assert rows(client, "SELECT 1 FROM webhook_endpoints") == []


def test_an_endpoint_is_made_tested_and_its_log_read(client, admin, receiver):
    address, secret = made(client, receiver.url)
    assert rows(client, "SELECT events FROM webhook_endpoints")[0].events == ["order.*", "stock.changed"]
    page = client.get(address).text
    assert secret not in page
    assert "stock.changed" in page and receiver.url.partition("?")[0] in page
    assert submit(client, f"{address}/test").status_code == 303
    receiver.does = 500
    work(client)
    assert documented_verify()(secret, *receiver.taken[0])
    page = client.get(address).text
    assert "webhook.test" in page and ">500<" in page and "Pending" in page
    delivery = re.search(r"/admin/webhook-deliveries/[0-9a-f-]+", page)[0]
    receiver.does = 204
    assert submit(client, f"{delivery}/redeliver").status_code == 303
    with client.application.app_context():
        rows(client, "SELECT 1")
    assert "500" in client.get(delivery).text
    assert "webhook.test" in client.get(f"{address}?state=pending").text
    assert "webhook.test" not in client.get(f"{address}?state=delivered").text


def test_a_new_secret_is_shown_once(client, admin):
    address, old = made(client, "https://hooks.example/in")
    answer = submit(client, f"{address}/rotate", {"hours": "24"})
    new = SECRET.search(answer.text)[1]
    assert new != old
    page = client.get(address).text
    assert new not in page and "Old secret signs until" in page
    assert submit(client, f"{address}/rotate", {"hours": "200"}).status_code == 422


def test_it_is_changed_disabled_enabled_recovered_and_removed(client, admin, receiver):
    address, _ = made(client, receiver.url)
    change = {"name": "Depot", "url": receiver.url, "nouns": ["*"], "types": "", "version": "1"}
    assert submit(client, address, change).status_code == 303
    assert submit(client, address, change).status_code == 409
    assert submit(client, f"{address}/enabled", {"enabled": "0"}).status_code == 303
    assert submit(client, f"{address}/test").status_code == 409
    assert "Enable" in client.get(address).text
    assert submit(client, f"{address}/enabled", {"enabled": "1"}).status_code == 303
    assert submit(client, f"{address}/recover", {"after": "0"}).status_code == 303
    assert submit(client, f"{address}/recover", {"after": "-1"}).status_code == 422
    assert "Depot" in client.get("/admin/webhooks").text
    assert submit(client, f"{address}/remove").status_code == 303
    assert client.get(address).status_code == 404
    assert client.get("/admin/webhook-deliveries/nothing").status_code == 404


@pytest.mark.parametrize(
    "wrong", [{"url": "ftp://a.example"}, {"url": ""}, {"name": ""}, {"nouns": [], "types": ""}, {"types": "order"}]
)
def test_what_cannot_be_is_refused_in_words_and_stays_typed(client, admin, wrong):
    wish = {"name": "Typed name", "url": "https://a.example/in", "nouns": ["order.*"], "types": "stock.changed"} | wrong
    answer = submit(client, "/admin/webhooks", wish)
    assert answer.status_code == 422
    assert 'class="note bad"' in answer.text
    assert wish["name"] in answer.text and wish["types"] in answer.text
    assert rows(client, "SELECT 1 FROM webhook_endpoints") == []
