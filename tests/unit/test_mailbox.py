"""The mailbox viewer: an index over a file that another process appends to, and the pages made from it."""

import json
import os
import time

import pytest

from quickshop.runtime.doubles import pages
from quickshop.runtime.doubles.mailbox import Mailbox


def message(number, to="a@shop.example", **more):
    return {
        "channel": "email",
        "to": to,
        "subject": f"Mail {number}",
        "text": f"Hello {number}",
        "html": "<p>Hello</p>",
        "at": "2026-07-15T12:00:00.000Z",
    } | more


@pytest.fixture
def path(tmp_path):
    return tmp_path / "outbox.jsonl"


@pytest.fixture
def mailbox(path):
    return Mailbox(path)


def append(path, *messages, end="\n"):
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(json.dumps(m) + end for m in messages))


def subjects(mailbox, limit=100, to=None):
    return [json.loads(line)["subject"] for _, line in mailbox.newest(limit, to)]


def test_no_file_is_an_empty_mailbox(mailbox):
    assert mailbox.newest(10) == []
    assert mailbox.message(0) is None


def test_newest_come_first_up_to_the_limit(path, mailbox):
    append(path, *[message(n) for n in range(5)])
    assert subjects(mailbox, 2) == ["Mail 4", "Mail 3"]
    assert subjects(mailbox) == [f"Mail {n}" for n in (4, 3, 2, 1, 0)]


def test_what_is_appended_later_is_found(path, mailbox):
    append(path, message(0))
    assert subjects(mailbox) == ["Mail 0"]
    append(path, message(1), message(2))
    assert subjects(mailbox) == ["Mail 2", "Mail 1", "Mail 0"]


def test_an_address_finds_its_own_messages_whatever_the_case(path, mailbox):
    append(path, message(0, "Ann@Shop.example"), message(1, "bob@shop.example"), message(2, "ann@shop.example"))
    append(path, message(3, "+15550100", channel="sms"))
    assert subjects(mailbox, to="ANN@shop.example ") == ["Mail 2", "Mail 0"]
    assert subjects(mailbox, 1, to="ann@shop.example") == ["Mail 2"]
    assert subjects(mailbox, to="+15550100") == ["Mail 3"]
    assert subjects(mailbox, to="ann") == []


def test_a_line_still_being_written_waits(path, mailbox):
    append(path, message(0))
    whole = json.dumps(message(1)) + "\n"
    with path.open("a") as file:
        file.write(whole[:20])
        file.flush()
        assert subjects(mailbox) == ["Mail 0"]
        file.write(whole[20:])
    assert subjects(mailbox) == ["Mail 1", "Mail 0"]


def test_lines_that_are_no_messages_are_passed_over(path, mailbox):
    append(path, message(0))
    with path.open("ab") as file:
        file.write(b"junk\n[]\n\n\xff\n" + b'{"to": 7}\n')
    append(path, message(1))
    assert subjects(mailbox) == ["Mail 1", "Mail 0"]
    assert mailbox.message(1)["subject"] == "Mail 1"


@pytest.mark.parametrize("how", ["truncated", "replaced", "removed"])
def test_a_file_begun_anew_is_read_anew(path, mailbox, how):
    append(path, message(0), message(1))
    assert len(subjects(mailbox)) == 2
    if how == "truncated":
        os.truncate(path, 0)
    elif how == "removed":
        path.unlink()
        assert subjects(mailbox) == []
    else:
        fresh = path.with_suffix(".new")
        append(fresh, message(6), message(7), message(8))
        fresh.replace(path)
        assert subjects(mailbox) == ["Mail 8", "Mail 7", "Mail 6"]
        return
    append(path, message(9))
    assert subjects(mailbox) == ["Mail 9"]


def test_thousands_of_messages_are_indexed_once_and_then_cost_little(path, mailbox):
    append(path, *[message(n, f"user{n % 100}@shop.example", html="<p>" + "x" * 2000) for n in range(10_000)])
    mailbox.newest(1)
    started = time.process_time()
    for _ in range(50):
        assert len(mailbox.newest(200, "user7@shop.example")) == 100
    assert time.process_time() - started < 1


def test_the_page_escapes_everything_and_makes_links_of_addresses(path, mailbox):
    append(
        path,
        message(
            0,
            subject="<script>1</script>",
            text='Go to https://shop.example/v?token=a&b="x". <b>',
            to="<i>@x",
        ),
    )
    found = [(number, json.loads(line)) for number, line in mailbox.newest(10)]
    html = pages.outbox_page(found, '"><script>', "http://127.0.0.1:1")
    assert "<script>" not in html and "<b>" not in html and "<i>" not in html
    assert '<a href="https://shop.example/v?token=a&amp;b=">' in html
    assert "style=" not in html


def test_an_address_at_the_end_of_a_sentence_is_linked_without_the_full_stop(path, mailbox):
    append(path, message(0, text="Confirm: http://shop.example/c?token=abc-_.x. Thanks!"))
    found = [(number, json.loads(line)) for number, line in mailbox.newest(10)]
    assert '<a href="http://shop.example/c?token=abc-_.x">' in pages.outbox_page(found, None, "http://127.0.0.1:1")


def test_money_is_shown_in_major_units():
    assert pages.money(123456, "USD") == "1,234.56 USD"
    assert pages.money(5, "GBP") == "0.05 GBP"
