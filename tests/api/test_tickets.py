"""Conversations with support by API: who may ask and read, files, what each side is told, and what is refused."""

import io
import re
from uuid import UUID

import pytest

from quickshop.accounts.queries import user_id_of_login
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.notifications.service import drain
from quickshop.support import pruning, rules
from quickshop.support.holders import ticket_token
from tests.factories import shop
from tests.factories.accounts import a_staff_account, an_account, is_problem, mailed, rows
from tests.factories.uploads import drawn

QUESTION = {"subject": "My parcel", "body": "Where is it?"}
PNG = drawn(40, 30, "PNG")


def send(account, path, body=None, **headers):
    return account.client.post(f"/api/v1{path}", json=body, headers=account.headers | headers)


def ask(account, **changes):
    """A new conversation; its document."""
    answer = send(account, "/tickets", QUESTION | changes)
    assert answer.status_code == 201, answer.text
    return answer.json


def upload(client, headers, path, raw=PNG, name="photo.png"):
    return client.post(f"/api/v1{path}/attachments", data={"file": (io.BytesIO(raw), name)}, headers=headers)


@pytest.fixture
def ada(client):
    return an_account(client)


@pytest.fixture
def sam(client):
    return a_staff_account(client, "support", first_name="Sam")


def order_of(app, account=None):
    with app.app_context():
        if account is None:
            return shop.an_order()
        with reading():
            caller = shop.Caller(user_id=user_id_of_login(account.email), email_verified=True)
        return shop.an_order(caller=caller)


def seen_by(account, ticket):
    return account.get(f"/tickets/{ticket['id']}").json


# --- a conversation ------------------------------------------------------------------------------------


def test_a_question_its_answer_and_the_word_after_it(client, app, ada, sam):
    order = order_of(app, ada)
    ticket = ask(ada, order=order.number)
    assert (ticket["state"], ticket["order"], ticket["number"] > 1000) == ("open", order.number, True)
    (waiting,) = sam.get("/admin/tickets?state=open").json["items"]
    assert (waiting["id"], waiting["subject"], waiting["assignee"]) == (ticket["id"], "My parcel", None)
    assert (waiting["customer"]["name"], waiting["customer"]["email"]) == ("Robin Ashdown", ada.email)

    answer = send(sam, f"/admin/tickets/{ticket['id']}/messages", {"body": "It is on its way."})
    assert answer.status_code == 201 and answer.json["assignee"]["username"] == sam.username
    seen = seen_by(ada, ticket)
    assert seen["state"] == "answered"
    assert [(m["by"], m["name"], m["body"]) for m in seen["messages"]] == [
        ("customer", None, "Where is it?"),
        ("staff", "Sam", "It is on its way."),
    ]
    again = send(ada, f"/tickets/{ticket['id']}/messages", {"body": "Still not here."})
    assert again.status_code == 201 and again.json["state"] == "open"
    assert [t["id"] for t in sam.get("/admin/tickets?state=open&assignee=me").json["items"]] == [ticket["id"]]


def test_notes_reach_no_shopper_on_any_way(client, app, ada, sam):
    ticket = ask(ada)
    before = len(ada.get("/me/events").json["items"])
    file = upload(client, sam.headers, f"/admin/tickets/{ticket['id']}").json
    note = {"body": "ZQ-NOTE", "internal": True, "attachments": [file["id"]]}
    noted = send(sam, f"/admin/tickets/{ticket['id']}/messages", note)
    assert noted.json["state"] == "open" and noted.json["assignee"] is None
    assert noted.json["messages"][-1]["by"] == "note"
    assert "ZQ-NOTE" not in ada.get(f"/tickets/{ticket['id']}").text
    assert len(seen_by(ada, ticket)["messages"]) == 1
    assert ada.get(f"/tickets/{ticket['id']}/attachments/{file['id']}").status_code == 404
    assert len(ada.get("/me/events").json["items"]) == before
    frames = [f for r in rows(client, "SELECT frames FROM outbox") for f in r.frames]
    assert {f["topic"] for f in frames if f["data"].get("by") == "note"} == {"admin:tickets"}
    assert mailed(client, "support.answered") == []


def test_each_side_is_told_by_ids_alone(client, ada, sam):
    ticket = ask(ada)
    send(sam, f"/admin/tickets/{ticket['id']}/messages", {"body": "ZQ-SECRET"})
    events = [e for e in ada.get("/me/events").json["items"] if e["type"].startswith("ticket.")]
    assert [e["type"] for e in events] == ["ticket.opened", "ticket.message_added"]
    assert events[1]["data"]["by"] == "staff" and events[1]["data"]["ticket_id"] == ticket["id"]
    frames = [f for r in rows(client, "SELECT frames FROM outbox") for f in r.frames]
    topics = {f["topic"] for f in frames if f["type"] == "ticket.message_added"}
    assert topics == {f"ticket:{ticket['id']}", "admin:tickets", f"account:{UUID(_id_of(client, ada))}"}
    assert "ZQ-SECRET" not in str(frames)


def _id_of(client, account):
    return str(rows(client, "SELECT id FROM users WHERE username = :n", n=account.username)[0].id)


def test_what_was_said_stands_nowhere_readable(client, ada, sam):
    ticket = ask(ada, subject="ZQ-SUBJECT", body="ZQ-BODY")
    upload(client, ada.headers, f"/tickets/{ticket['id']}", b"ZQ-FILE", "ZQ-NAME.txt")
    send(sam, f"/admin/tickets/{ticket['id']}/messages", {"body": "ZQ-ANSWER"})
    tables = (
        "tickets",
        "ticket_messages",
        "ticket_attachments",
        "account_events",
        "outbox",
        "pending_facts",
        "audit_log",
    )
    for table in tables:
        written = "".join(r.row for r in rows(client, f"SELECT to_jsonb(t)::text AS row FROM {table} t"))
        assert written
        assert not re.search("ZQ-" + "|" + b"ZQ-".hex(), written), table


def test_an_answer_is_mailed_once_with_the_way_back_and_without_its_words(client, ada, sam):
    ticket = ask(ada)
    key = {"Idempotency-Key": "answer-1"}
    first = send(sam, f"/admin/tickets/{ticket['id']}/messages", {"body": "ZQ-ANSWER"}, **key)
    again = send(sam, f"/admin/tickets/{ticket['id']}/messages", {"body": "ZQ-ANSWER"}, **key)
    assert again.headers["Idempotent-Replayed"] == "true" and again.json == first.json
    (mail,) = mailed(client, "support.answered")
    assert mail["email"] == ada.email and mail["page"].endswith(f"/account/tickets/{ticket['id']}")
    assert "ZQ-ANSWER" not in str(mail)
    assert len(seen_by(ada, ticket)["messages"]) == 2


def test_an_answer_is_told_by_mail_and_in_the_inbox_once_unless_its_shopper_wants_none(client, app, ada, sam):
    ticket = ask(ada)
    path = f"/admin/tickets/{ticket['id']}/messages"
    send(sam, path, {"body": "Yes."})
    with app.app_context():
        drain()
        drain()
    told = [
        m for m in ada.get("/notifications").json["items"] if m["link"].endswith(f"/account/tickets/{ticket['id']}")
    ]
    assert len(told) == 2  # that it came, and that it is answered
    sent = "SELECT kind FROM deliveries WHERE kind LIKE 'support.%' AND channel = 'email' ORDER BY id"
    assert [r.kind for r in rows(client, sent)] == ["support.received", "support.answered"]
    wanted = {"topics": {"support": {"email": False, "inbox": False}}}
    assert client.put("/api/v1/me/preferences", json=wanted, headers=ada.headers).status_code == 200
    send(sam, path, {"body": "And yes."})
    with app.app_context():
        drain()
    assert [r.kind for r in rows(client, sent)] == ["support.received", "support.answered"]


def test_a_solved_conversation_opens_again_and_a_closed_one_takes_nothing(client, ada, sam):
    ticket = ask(ada)
    path = f"/tickets/{ticket['id']}"
    assert send(sam, f"/admin{path}/messages", {"body": "Done.", "state": "solved"}).json["state"] == "solved"
    assert send(ada, f"{path}/messages", {"body": "No."}).json["state"] == "open"
    assert send(ada, f"{path}/close").json["state"] == "closed"
    assert send(ada, f"{path}/close").json["state"] == "closed"
    assert is_problem(send(ada, f"{path}/messages", {"body": "And?"}), 409, "ticket_closed")
    assert is_problem(upload(client, ada.headers, path), 409, "ticket_closed")
    assert is_problem(send(sam, f"/admin{path}/messages", {"body": "So?"}), 409, "wrong_state")
    now = sam.get(f"/admin{path}").json
    opened = client.patch(
        f"/api/v1/admin{path}", json={"version": now["version"], "state": "open"}, headers=sam.headers
    )
    assert opened.json["state"] == "open"
    assert send(ada, f"{path}/messages", {"body": "And?"}).status_code == 201


# --- guests --------------------------------------------------------------------------------------------


def test_the_guest_of_an_order_asks_by_its_token_and_nobody_else_reads_it(client, app, ada, sam):
    order, other = order_of(app), order_of(app)
    holds = {"X-Order-Token": order.document["token"]}
    made = client.post("/api/v1/tickets", json=QUESTION, headers=holds)
    assert made.status_code == 201 and made.json["order"] == order.number
    path = f"/api/v1/tickets/{made.json['id']}"
    assert client.get(path, headers=holds).json["messages"][0]["body"] == "Where is it?"
    assert [t["id"] for t in client.get("/api/v1/tickets", headers=holds).json["items"]] == [made.json["id"]]
    for headers in ({}, {"X-Order-Token": other.document["token"]}, {"X-Order-Token": "x"}, ada.headers):
        assert is_problem(client.get(path, headers=headers), 404, "not_found")
        assert is_problem(client.post(f"{path}/messages", json={"body": "x"}, headers=headers), 404, "not_found")
    assert is_problem(
        client.post("/api/v1/tickets", json=QUESTION | {"order": other.number}, headers=holds), 404, "not_found"
    )
    send(sam, f"/admin/tickets/{made.json['id']}/messages", {"body": "Yes."})
    (mail,) = mailed(client, "support.answered")
    token = mail["page"].partition("token=")[2]
    assert client.get(path, headers={"X-Ticket-Token": token}).json["state"] == "answered"


def test_a_stranger_gets_no_way_in_but_the_mailed_link(client, sam):
    made = client.post("/api/v1/tickets", json=QUESTION | {"email": "eve@quickshop.example"})
    assert made.status_code == 202 and made.json.keys() == {"id", "mailed"}
    path = f"/api/v1/tickets/{made.json['id']}"
    assert client.get(path).status_code == 404
    (mail,) = mailed(client, "support.received")
    holds = {"X-Ticket-Token": mail["page"].partition("token=")[2]}
    assert mail["email"] == "eve@quickshop.example"
    assert client.get(path, headers=holds).json["messages"][0]["by"] == "customer"
    assert client.post(f"{path}/messages", json={"body": "And?"}, headers=holds).status_code == 201
    assert sam.get(f"/admin/tickets/{made.json['id']}").json["customer"]["email"] == "eve@quickshop.example"


def test_an_address_is_mailed_a_few_links_a_day_at_most(client, app):
    wish = QUESTION | {"email": "eve@quickshop.example"}
    for _ in range(rules.MOST_OF_ADDRESS_A_DAY):
        assert client.post("/api/v1/tickets", json=wish).status_code == 202
    refused = client.post("/api/v1/tickets", json=wish | {"email": "EVE@quickshop.example"})
    assert is_problem(refused, 429, "too_many_tickets") and refused.headers["Retry-After"]
    assert len(mailed(client, "support.received")) == rules.MOST_OF_ADDRESS_A_DAY


def test_guests_say_who_they_are(client, app, ada):
    order = order_of(app, ada)
    assert is_problem(client.post("/api/v1/tickets", json=QUESTION), 401, "unauthenticated")
    assert is_problem(client.get("/api/v1/tickets"), 401, "unauthenticated")
    named = QUESTION | {"email": "eve@quickshop.example", "order": order.number}
    assert is_problem(client.post("/api/v1/tickets", json=named), 404, "not_found")


def test_a_members_conversation_is_opened_by_no_token(client, app, ada):
    order = order_of(app, ada)
    ticket = ask(ada, order=order.number)
    with app.app_context():
        token = ticket_token(UUID(ticket["id"]))
    for headers in ({"X-Ticket-Token": token}, {"X-Order-Token": order.document.get("token") or "x"}):
        assert client.get(f"/api/v1/tickets/{ticket['id']}", headers=headers).status_code == 404


def test_an_order_of_somebody_else_cannot_be_named(client, app, ada):
    for number in (order_of(app).number, "QS-0"):
        assert is_problem(send(ada, "/tickets", QUESTION | {"order": number}), 404, "not_found")
    assert rows(client, "SELECT count(*) AS n FROM tickets")[0].n == 0


# --- files ---------------------------------------------------------------------------------------------


def test_a_file_goes_with_a_message_and_comes_back_to_be_saved(client, ada, sam):
    ticket = ask(ada)
    path = f"/tickets/{ticket['id']}"
    file = upload(client, ada.headers, path, name="../../etc/Tür zu.png")
    assert file.status_code == 201 and (file.json["name"], file.json["type"]) == ("Tür zu.png", "image/png")
    staffs = f"/api/v1/admin{path}/attachments/{file.json['id']}"
    assert client.get(staffs, headers=sam.headers).status_code == 404  # not sent yet
    sent = send(ada, f"{path}/messages", {"attachments": [file.json["id"]]})
    assert sent.json["messages"][-1]["attachments"] == [file.json]
    for address, headers in ((file.json["url"], ada.headers), (staffs, sam.headers)):
        got = client.get(address, headers=headers)
        assert got.data == PNG and got.mimetype == "image/png"
        assert got.headers["Content-Disposition"] == (
            "attachment; filename=\"Tur zu.png\"; filename*=UTF-8''T%C3%BCr%20zu.png"
        )
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert got.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert got.headers["Cache-Control"] == "no-store"


HOSTILE = {
    "a page": (b"<html><script>alert(1)</script>", "photo.png", "unknown_type"),
    "a drawing with a script": (b'<svg xmlns="http://www.w3.org/2000/svg" onload="x"/>', "photo.svg", "unknown_type"),
    "a page after blanks": (b"\xef\xbb\xbf \n\t<!doctype html>", "notes.txt", "unknown_type"),
    "a program": (b"MZ\x90\x00\x03", "photo.jpg", "unknown_type"),
    "an archive": (b"PK\x03\x04", "photo.jpg", "unknown_type"),
    "a text in another encoding": (b"caf\xe9 au lait", "notes.txt", "unknown_type"),
    "a text with NUL": (b"abc\x00def", "notes.txt", "unknown_type"),
    "nothing": (b"", "empty.txt", "empty"),
    "too much": (b"%PDF-" + b"x" * rules.LARGEST_BYTES, "long.pdf", "too_large"),
}


def test_hostile_files_are_refused_and_leave_nothing(client, ada):
    ticket = ask(ada)
    for what, (raw, name, reason) in HOSTILE.items():
        answer = upload(client, ada.headers, f"/tickets/{ticket['id']}", raw, name)
        assert is_problem(answer, 422, "file_refused") and answer.json["reason"] == reason, what
    far = upload(client, ada.headers, f"/tickets/{ticket['id']}", b"x" * (rules.LARGEST_BYTES + 2**20))
    assert far.json["code"] == "file_refused"
    assert is_problem(client.post(f"/api/v1/tickets/{ticket['id']}/attachments", headers=ada.headers), 422,
                      "validation_failed")  # fmt: skip
    assert rows(client, "SELECT count(*) AS n FROM ticket_attachments")[0].n == 0


def test_only_ones_own_waiting_files_of_this_conversation_can_be_sent(client, ada, sam):
    one, two = ask(ada), ask(ada)
    elsewhere = upload(client, ada.headers, f"/tickets/{two['id']}").json["id"]
    of_staff = upload(client, sam.headers, f"/admin/tickets/{one['id']}").json["id"]
    own = upload(client, ada.headers, f"/tickets/{one['id']}").json["id"]
    path = f"/tickets/{one['id']}/messages"
    for ids in ([elsewhere], [of_staff], [own, elsewhere], ["0198f0e0-0000-7000-8000-000000000000"]):
        assert is_problem(send(ada, path, {"body": "x", "attachments": ids}), 422, "validation_failed")
    assert send(ada, path, {"attachments": [own, own]}).status_code == 201
    assert is_problem(send(ada, path, {"attachments": [own]}), 422, "validation_failed")  # sent before
    assert ada.get(f"/tickets/{one['id']}/attachments/{of_staff}").status_code == 404
    assert len(seen_by(ada, one)["messages"]) == 2


def test_there_is_an_end_to_files_messages_and_conversations(client, app, ada, monkeypatch):
    ticket = ask(ada)
    path = f"/tickets/{ticket['id']}"
    for name, most in (("MOST_MESSAGES", 1), ("MOST_OPEN", 1)):
        monkeypatch.setattr(rules, name, most)
    monkeypatch.setattr("quickshop.support.files.MOST_FILES_OF_TICKET", 1)
    monkeypatch.setattr("quickshop.support.files.MOST_BYTES_A_DAY", 2 * len(PNG) - 1)
    assert upload(client, ada.headers, path).status_code == 201
    assert is_problem(upload(client, ada.headers, path), 409, "ticket_full")
    monkeypatch.setattr("quickshop.support.files.MOST_FILES_OF_TICKET", 9)
    assert is_problem(upload(client, ada.headers, path), 429, "too_many_files")
    assert is_problem(send(ada, f"{path}/messages", {"body": "x"}), 409, "ticket_full")
    assert is_problem(send(ada, "/tickets", QUESTION), 429, "too_many_tickets")
    assert len(seen_by(ada, ticket)["messages"]) == 1


# --- what is refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"subject": ""}, "subject"),
        ({"subject": "a\nb"}, "subject"),
        ({"subject": "x" * 151}, "subject"),
        ({"body": "  "}, "body"),
        ({"body": "x" * 5001}, "body"),
        ({"body": "a\u0007b"}, "body"),
        ({"body": "a\u202eb"}, "body"),
        ({"body": 7}, "body"),
        ({"order": 7}, "order"),
        ({"email": "nobody"}, "email"),
        ({"state": "closed"}, "state"),
        ({"user_id": "x"}, "user_id"),
    ],
)
def test_wrong_questions_are_refused_by_field(client, ada, changes, field):
    answer = send(ada, "/tickets", QUESTION | changes)
    assert is_problem(answer, 422, "validation_failed")
    assert field in answer.json["errors"]


def test_wrong_answers_changes_and_filters_are_refused(client, ada, sam):
    ticket = ask(ada)
    path = f"/api/v1/admin/tickets/{ticket['id']}"
    for body in (
        {},
        {"body": ""},
        {"body": "x", "internal": 1},
        {"body": "x", "state": "closed"},
        {"attachments": [7]},
    ):
        assert is_problem(client.post(f"{path}/messages", json=body, headers=sam.headers), 422, "validation_failed")
    nobody = _id_of(client, ada)  # a customer answers no tickets
    for body in ({}, {"version": 0}, {"version": 1, "state": "x"}, {"version": 1, "assignee_id": nobody}):
        assert is_problem(client.patch(path, json=body, headers=sam.headers), 422, "validation_failed")
    for query in ("state=x", "assignee=x", "cursor=x", "cursor=WyJ4IiwieSJd", "limit=0"):
        assert is_problem(sam.get(f"/admin/tickets?{query}"), 422, "validation_failed")
    assert sam.get("/admin/tickets/x").status_code == 404


def test_markup_and_card_numbers(client, ada):
    ticket = ask(ada, body="<script>alert(1)</script> & co")
    assert ticket["messages"][0]["body"] == "<script>alert(1)</script> & co"  # plain text: kept, and escaped on pages
    refused = send(ada, "/tickets", QUESTION | {"body": "My card is 4242 4242 4242 4242"})
    assert refused.status_code == 422
    assert "4242 4242" not in refused.text


# --- the inbox -----------------------------------------------------------------------------------------


def test_of_two_who_take_a_ticket_one_is_told(client, ada, sam):
    ticket = ask(ada)
    kim = a_staff_account(client, "support")
    path = f"/api/v1/admin/tickets/{ticket['id']}"
    for account, status in ((sam, 200), (kim, 409)):
        body = {"version": 1, "assignee_id": _id_of(client, account)}
        answer = client.patch(path, json=body, headers=account.headers)
        assert answer.status_code == status, answer.text
    assert answer.json["code"] == "ticket_changed"
    assert sam.get(f"/admin/tickets/{ticket['id']}").json["assignee"]["username"] == sam.username
    entries = [e.action for e in rows(client, "SELECT action FROM audit_log WHERE target LIKE 'ticket:%' ORDER BY seq")]
    assert "admin_tickets.change_ticket" in entries


def test_the_inbox_is_filtered_and_read_page_by_page(client, ada, sam):
    tickets = [ask(ada, subject=f"Question {n}") for n in range(5)]
    for ticket in tickets[3:]:
        send(sam, f"/admin/tickets/{ticket['id']}/messages", {"body": "Yes."})
    found, cursor = [], ""
    while cursor is not None:
        answer = sam.get(f"/admin/tickets?state=open&limit=2&cursor={cursor}").json
        found, cursor = found + answer["items"], answer["next_cursor"]
    assert [t["subject"] for t in found] == ["Question 0", "Question 1", "Question 2"]  # who waits longest comes first
    assert [t["subject"] for t in sam.get("/admin/tickets?assignee=me").json["items"]] == ["Question 4", "Question 3"]
    assert len(sam.get("/admin/tickets?assignee=none").json["items"]) == 3
    assert [t["username"] for t in sam.get("/admin/tickets/assignees").json["items"]] == [sam.username]


def test_canned_replies_are_kept_changed_and_removed(client, sam):
    made = send(sam, "/admin/canned-replies", {"title": "Hello", "body": "Hello {name}, about {order}"})
    assert made.status_code == 201
    assert is_problem(send(sam, "/admin/canned-replies", {"title": "HELLO", "body": "x"}), 409, "reply_exists")
    path = f"/api/v1/admin/canned-replies/{made.json['id']}"
    fresh = {"title": "Hi", "body": "Hi {name}", "version": 1}
    assert client.put(path, json=fresh, headers=sam.headers).json["version"] == 2
    assert is_problem(client.put(path, json=fresh, headers=sam.headers), 409, "ticket_changed")
    assert [r["title"] for r in sam.get("/admin/canned-replies").json["items"]] == ["Hi"]
    assert client.delete(path, headers=sam.headers).status_code == 204
    assert client.delete(path, headers=sam.headers).status_code == 404


# --- time ----------------------------------------------------------------------------------------------


def test_solved_ones_close_unsent_files_go_and_after_two_years_nothing_is_left(client, app, ada, sam, later):
    solved, waiting = ask(ada), ask(ada)
    send(sam, f"/admin/tickets/{solved['id']}/messages", {"body": "Done.", "state": "solved"})
    upload(client, ada.headers, f"/tickets/{waiting['id']}")
    with app.app_context():
        assert run_unit(pruning.prune) == 0
        later(days=15)
        assert run_unit(pruning.prune) == 1
        with reading():
            assert db.scalar("SELECT count(*) FROM ticket_attachments") == 0
            assert db.scalar("SELECT state FROM tickets WHERE id = :id", id=UUID(solved["id"])) == "closed"
        later(days=15 + 731)
        assert run_unit(pruning.prune) == 1
    left = rows(client, "SELECT t.id, count(m.id) AS n FROM tickets t JOIN ticket_messages m ON m.ticket_id = t.id"
                        " GROUP BY t.id")  # fmt: skip
    assert [(str(r.id), r.n) for r in left] == [(waiting["id"], 1)]
