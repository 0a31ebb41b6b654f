"""Support on the pages: asking as a member and as a guest, the thread, the inbox of staff, and what stays hidden."""

import io
import re

import pytest

from quickshop.privacy.service import erase_account
from quickshop.support import canned
from quickshop.support.holders import ticket_token
from tests.factories import shop, support
from tests.factories.accounts import mailed, rows
from tests.factories.pages import csrf, hidden_fields, submit
from tests.factories.staff_pages import a_staff_client

QUESTION = {"subject": "My parcel", "body": "Where is it? <b>now</b>"}


def with_files(client, address, fields, *files):
    """Post a form with files."""
    sent = [(io.BytesIO(raw), name) for raw, name in files]
    return client.post(address, data={**fields, "files": sent, "csrf_token": csrf(client)})


def own_ticket(client):
    return str(rows(client, "SELECT id FROM tickets")[0].id)


@pytest.fixture
def sam(app):
    return a_staff_client(app, "support")


@pytest.fixture
def guest_order(client, app):
    """A guest's order whose token this browser holds."""
    with app.app_context():
        order = shop.an_order()
    client.get(f"/orders/{order.number}?token={order.document['token']}")
    return order


def test_a_member_asks_with_a_file_reads_the_answer_and_closes(client, ada, sam):
    assert "No questions yet" in client.get("/account/tickets").text
    asked = with_files(client, "/account/tickets/new", QUESTION, (support.PICTURE.body, "photo.png"))
    address = f"/account/tickets/{own_ticket(client)}"
    assert (asked.status_code, asked.location) == (303, address)
    page = client.get(address).text
    assert "Where is it? &lt;b&gt;now&lt;/b&gt;" in page and "photo.png" in page and "We will answer" in page
    file = client.get(re.search(rf'href="({address}/attachments/[^"]+)"', page)[1])
    assert file.data == support.PICTURE.body and file.headers["Content-Disposition"].startswith("attachment;")
    staffs = f"/admin/tickets/{own_ticket(client)}"
    assert submit(sam, f"{staffs}/messages", {"body": "On its way.", "do": "answer"}).status_code == 303
    assert "On its way." in client.get(f"{address}/live").text
    assert submit(client, f"{address}/messages", {"body": "Thanks."}).status_code == 303
    assert submit(client, f"{address}/close").status_code == 303
    assert "This conversation is closed" in client.get(address).text
    assert submit(client, f"{address}/messages", {"body": "And?"}).status_code == 409
    assert "My parcel" in client.get("/account/tickets").text


def test_what_is_wrong_stands_on_the_form_with_what_was_typed(client, ada):
    refused = submit(client, "/account/tickets/new", {"subject": "My parcel", "body": " "})
    assert refused.status_code == 422 and "Please write a few words." in refused.text and "My parcel" in refused.text
    page = with_files(client, "/account/tickets/new", QUESTION, (b"MZ\x90\x00", "run.exe"))
    assert page.status_code == 422 and "Send a picture" in page.text
    many = with_files(client, "/account/tickets/new", QUESTION, *[(b"a", f"{n}.txt") for n in range(6)])
    assert many.status_code == 422 and "5 files at most" in many.text
    assert rows(client, "SELECT count(*) AS n FROM tickets")[0].n == 0


def test_the_page_of_an_order_leads_to_its_questions(client, ada, app):
    with app.app_context():
        order = shop.an_order(caller=shop.Caller(user_id=ada, email_verified=True))
        other = shop.an_order()
    assert f'href="/account/tickets/new?order={order.number}"' in client.get(f"/orders/{order.number}").text
    form = client.get(f"/account/tickets/new?order={order.number}")
    assert hidden_fields(form.text)["order"] == order.number
    assert submit(client, "/account/tickets/new", QUESTION | {"order": other.number}).status_code == 404
    assert submit(client, "/account/tickets/new", QUESTION | {"order": order.number}).status_code == 303
    assert f'href="/account/tickets/{own_ticket(client)}"' in client.get(f"/orders/{order.number}").text
    assert order.number in client.get(f"/account/tickets/{own_ticket(client)}").text


def test_the_guest_of_an_order_asks_without_saying_who_they_are(client, app, guest_order):
    page = client.get(f"/support?order={guest_order.number}").text
    assert 'name="email"' not in page and 'name="files"' in page
    asked = with_files(
        client, "/support", QUESTION | {"order": guest_order.number}, (b"%PDF-" + b"x" * 2**20 * 2, "bill.pdf")
    )
    ticket = own_ticket(client)
    assert (asked.status_code, asked.location) == (303, f"/support/{ticket}")
    assert "bill.pdf" in client.get(f"/support/{ticket}").text
    assert submit(client, f"/support/{ticket}/messages", {"body": "And?"}).status_code == 303
    elsewhere = app.test_client()
    for path in ("", "/live", "?order=" + guest_order.number, "?token=x"):
        assert elsewhere.get(f"/support/{ticket}{path}").status_code == 404
    assert submit(elsewhere, f"/support/{ticket}/messages", {"body": "x"}).status_code == 404
    elsewhere.get(f"/orders/{guest_order.number}?token={guest_order.document['token']}")
    opened = elsewhere.get(f"/support/{ticket}?order={guest_order.number}")
    assert opened.location == f"/support/{ticket}" and elsewhere.get(opened.location).status_code == 200


def test_a_stranger_is_mailed_the_link_which_opens_the_conversation(client, app):
    assert 'name="files"' not in client.get("/support").text
    wrong = submit(client, "/support", QUESTION | {"email": "eve"})
    assert wrong.status_code == 422 and "That is not an e-mail address." in wrong.text
    sent = submit(client, "/support", QUESTION | {"email": "eve@quickshop.example"})
    assert sent.location == "/support/sent" and "Please look into your mail" in client.get(sent.location).text
    ticket = own_ticket(client)
    assert client.get(f"/support/{ticket}").status_code == 404
    (mail,) = mailed(client, "support.received")
    opened = client.get(mail["page"][mail["page"].index("/support/") :])
    assert opened.status_code == 303 and "token" not in opened.location
    assert submit(client, f"/support/{ticket}/messages", {"body": "And?"}).status_code == 303
    assert submit(client, f"/support/{ticket}/close").status_code == 303


def test_a_large_form_of_somebody_unknown_is_not_read(client):
    page = with_files(client, "/support", QUESTION | {"email": "eve@quickshop.example"}, (b"x" * 2**21, "x.txt"))
    assert page.status_code == 413


def test_nobody_reads_the_conversation_of_another(client, ada, app):
    with app.app_context():
        theirs = support.a_ticket()
        token = ticket_token(theirs)
    for address in (f"/account/tickets/{theirs}", f"/support/{theirs}", f"/support/{theirs}?token={token}"):
        assert client.get(address).status_code == 404
    for what in ("messages", "close"):
        assert submit(client, f"/account/tickets/{theirs}/{what}", {"body": "x"}).status_code == 404
    assert app.test_client().get(f"/account/tickets/{theirs}").location.startswith("/sign-in")


# --- staff ---------------------------------------------------------------------------------------------


def test_the_inbox_shows_who_waits_and_is_filtered(client, app, ada, sam):
    submit(client, "/account/tickets/new", QUESTION)
    page = sam.get("/admin/tickets").text
    assert "My parcel" in page and "Ada Byron" in page and "1 open" in page and "1 unassigned" in page
    assert "My parcel" in sam.get("/admin/tickets?who=none").text
    for query in ("who=me", "state=closed", "order=QS-1"):
        assert "Nothing here." in sam.get(f"/admin/tickets/list?{query}").text
    assert sam.get("/admin/tickets?who=x").status_code == 404
    ticket = own_ticket(client)
    fields = hidden_fields(sam.get(f"/admin/tickets/{ticket}").text)
    assert (
        submit(sam, f"/admin/tickets/{ticket}/change", fields).status_code == 303
    )  # "Take it" is the last form of them
    late = submit(sam, f"/admin/tickets/{ticket}/change", fields | {"version": "1"})
    assert late.status_code == 409 and "A colleague has changed" in late.text
    assert "My parcel" in sam.get("/admin/tickets?who=me").text
    assert client.get("/admin/tickets").status_code == 403


def test_a_canned_reply_is_filled_in_and_notes_stay_with_staff(client, app, ada, sam):
    submit(client, "/account/tickets/new", QUESTION)
    ticket = own_ticket(client)
    words = "Hello {name}, your order {order} is on its way."
    added = submit(sam, "/admin/canned-replies", {"title": "Hello", "body": words})
    assert added.status_code == 303
    twice = submit(sam, "/admin/canned-replies", {"title": "hello", "body": "x"})
    assert twice.status_code == 409 and "has this title" in twice.text
    with app.app_context():
        (reply,) = canned.list_replies()
    page = sam.get(f"/admin/tickets/{ticket}?canned={reply['id']}").text
    assert ">Hello Ada, your order is on its way.</textarea>" in page
    noted = submit(sam, f"/admin/tickets/{ticket}/messages", {"body": "ZQ-NOTE", "do": "note"})
    assert noted.status_code == 303 and "ZQ-NOTE" in sam.get(f"/admin/tickets/{ticket}/live").text
    for path in ("", "/live"):
        assert "ZQ-NOTE" not in client.get(f"/account/tickets/{ticket}{path}").text
    solved = submit(sam, f"/admin/tickets/{ticket}/messages", {"body": "Done.", "do": "solve"})
    assert solved.status_code == 303 and "Solved" in client.get(f"/account/tickets/{ticket}/live").text
    changed = {"title": "Hi", "body": "Hi", "version": "1"}
    assert submit(sam, f"/admin/canned-replies/{reply['id']}", changed).status_code == 303
    assert submit(sam, f"/admin/canned-replies/{reply['id']}", {"do": "remove"}).status_code == 303
    assert submit(sam, f"/admin/canned-replies/{reply['id']}", {"do": "remove"}).status_code == 404


def test_somebody_forgotten_leaves_no_conversation(client, app, ada, sam):
    submit(client, "/account/tickets/new", QUESTION)
    ticket = own_ticket(client)
    with app.app_context():
        erase_account(ada)
    assert sam.get(f"/admin/tickets/{ticket}").status_code == 404
    assert "Nothing here." in sam.get("/admin/tickets").text
