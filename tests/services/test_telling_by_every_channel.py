"""One engine for every channel: what is published thrice, shuffled and after the end is told once over each; texts and
push messages wait for the morning; a dead mail server delays and loses nothing."""

from collections import Counter
from datetime import UTC, datetime, time, timedelta

import pytest

from quickshop.accounts import devices, quiet
from quickshop.accounts.preferences import change_preferences
from quickshop.kernel import clock, db, facts
from quickshop.kernel.unit_of_work import run_unit
from quickshop.notifications import sending, service
from quickshop.notifications.channels.smtp import SmtpChannel
from quickshop.notifications.kinds import topic_of, worth
from quickshop.notifications.rendering import KINDS
from tests.factories.mail_server import MailServer
from tests.factories.racing import together
from tests.factories.shop import a_member, an_order, look
from tests.factories.telling import EVERYTHING, Carriers, a_reachable_member, happen

pytestmark = pytest.mark.usefixtures("core", "gateway")

AMOUNT = {"amount": {"amount": 1250, "currency": "USD"}}
EVENTS = {kind: AMOUNT for kind in sorted(KINDS) if kind.startswith("order.") and kind != "order.placed"}
EVENTS["order.delivery_delayed"] = {"from": "2026-11-26", "to": "2026-11-28"}


@pytest.fixture
def outside(monkeypatch):
    return Carriers(monkeypatch, sending)


@pytest.fixture
def mail_server():
    made = MailServer()
    yield made
    made.stop()


@pytest.fixture
def at():
    """Sets the shop's clock: `at(moment)`."""
    before = clock.use(lambda: datetime.now(UTC))
    yield lambda moment: clock.use(lambda: moment)
    clock.use(before)


def told(channel):
    """The kinds that went out over a channel, in the order of their happening."""
    found = look("SELECT kind FROM deliveries WHERE channel = :c ORDER BY happened_at, id", c=channel)
    return [r.kind for r in found]


def publish_again():
    """Every fact twice more, in no order, as a broker or a repeated hint might have it."""
    columns = "consumer, type, data"
    again = f"SELECT {columns} FROM pending_facts f CROSS JOIN generate_series(1, 3) ORDER BY random()"
    run_unit(lambda: db.run(f"WITH again AS ({again}), gone AS (DELETE FROM pending_facts)"
                            f" INSERT INTO pending_facts ({columns}) SELECT {columns} FROM again"))  # fmt: skip


# --- once per event and channel -------------------------------------------------------------------------


def test_thrice_published_shuffled_and_after_the_end_each_event_is_told_once_over_each_channel(core, outside):
    member = a_reachable_member()
    order = an_order(caller=member)
    happen(order, EVENTS)
    published = look("SELECT type, data FROM pending_facts WHERE consumer = 'notifications'")
    publish_again()
    assert len(facts.look("notifications")) == 3 * len(published) == 3 * (1 + len(EVENTS))
    together(core, *[service.drain] * 4)
    expected = ["order.placed", *EVENTS]
    after_the_end(published)
    together(core, *[service.drain] * 2)
    for channel in ("email", "sms"):
        loud = [kind for kind in expected if worth(kind, channel)]
        assert told(channel) == loud
        assert [m.id for m in outside.carried[channel]] == ids_of(order, loud)
    for channel in ("inbox", "push"):
        assert told(channel) == expected
    assert [m.id for m in outside.carried["push"]] == ids_of(order, expected)
    lying = look("SELECT kind FROM inbox_messages ORDER BY at")
    assert [r.kind for r in lying] == expected
    announced = look("SELECT data FROM account_events WHERE type = 'notification.created' ORDER BY seq")
    assert [e.data["kind"] for e in announced] == expected
    assert [e.data["unread"] for e in announced][-1] == len(expected)


def ids_of(order, kinds):
    seqs = {r.type: r.seq for r in look("SELECT type, seq FROM order_events WHERE order_id = :id", id=order.id)}
    return [f"{order.id}.{seqs[kind]}" for kind in kinds]


def after_the_end(published):
    run_unit(lambda: [facts.leave("notifications", r.type, r.data) for r in published])


def test_every_event_of_an_order_has_a_topic_that_people_can_choose():
    assert {topic_of(kind) for kind in EVENTS} == {"orders", "delivery"}


def test_each_topic_goes_over_the_channels_that_were_chosen_for_it(outside):
    member = a_reachable_member(wants={"orders": {"email": False, "sms": True}, "delivery": {"inbox": False}})
    happen(an_order(caller=member), {"order.shipped": {"whole": True}})
    service.drain()
    assert told("sms") == ["order.placed"]
    assert told("email") == ["order.shipped"]
    assert told("inbox") == ["order.placed"]
    assert told("push") == []


def test_who_has_no_telephone_and_no_device_is_promised_neither(outside):
    an_order(caller=a_reachable_member(phone=None, device=None))
    service.drain()
    assert (told("sms"), told("push"), told("email")) == ([], [], ["order.placed"])


def test_each_device_gets_a_push_message_and_one_that_is_gone_gets_none(outside):
    member = a_reachable_member()
    run_unit(lambda: devices.register_device(member.user_id, "tablet", "ios", "Tablet"))
    an_order(caller=member)
    outside.away["push"] = "down"
    service.drain()
    run_unit(lambda: devices.remove_device(member.user_id, "tablet"))
    outside.away.clear()
    come_back()
    service.drain()
    assert [m.to for m in outside.carried["push"]] == [f"device-1-{member.user_id}"]
    assert sorted(r.state for r in look("SELECT state FROM deliveries WHERE channel = 'push'")) == ["given_up", "sent"]


def test_guests_are_told_by_mail_alone(outside):
    an_order()
    service.drain()
    assert [r.channel for r in look("SELECT channel FROM deliveries")] == ["email"]


def test_a_text_says_it_in_a_line_with_the_page_it_leads_to(outside):
    order = an_order(caller=a_reachable_member(phone="0044 (113) 496-0000"))
    service.drain()
    (text,) = outside.carried["sms"]
    assert text.text.startswith(f"QuickShop: We have your order {order.number} over USD ")
    assert text.text.endswith(f"/orders/{order.number}")
    assert text.to == "0044 (113) 496-0000"


@pytest.mark.parametrize(
    ("locale", "subject"),
    [("de", "ist unterwegs"), ("de-AT", "ist unterwegs"), ("fr", "est en route"), ("pl", "is on its way")],
)
def test_members_are_told_in_their_language_and_in_english_where_there_is_none(outside, locale, subject):
    happen(an_order(caller=a_reachable_member(locale=locale)), {"order.shipped": {"whole": True}})
    service.drain()
    assert subject in outside.carried["email"][-1].subject
    assert subject in outside.carried["sms"][-1].text


# --- turns, pauses, hours -------------------------------------------------------------------------------


def come_back():
    """Whatever is waited for has come."""
    run_unit(lambda: db.run("UPDATE deliveries SET next_run_at = now() - interval '1 s' WHERE state = 'pending'"))
    run_unit(lambda: db.run("DELETE FROM channel_pauses"))


def test_nothing_overtakes_what_somebody_was_to_hear_before_and_others_do_not_wait(outside):
    slow, other = an_order(caller=a_member()), an_order(caller=a_member())
    outside.refuses["email"] = "SMTPDataError"
    service.drain()
    outside.refuses.clear()
    happen(slow, {"order.shipped": {"whole": True}})
    run_unit(lambda: db.run("UPDATE deliveries SET next_run_at = now() WHERE order_id = :id", id=other.id))
    service.drain()
    assert [m.id.partition(".")[0] for m in outside.carried["email"]] == [str(other.id)]
    come_back()
    service.drain()
    assert [m.id.partition(".")[2] for m in outside.carried["email"][1:]] == ["1", "2"]


def test_a_channel_that_is_away_holds_up_no_other(outside):
    outside.away["sms"] = "HTTP 503"
    an_order(caller=a_reachable_member())
    service.drain()
    assert [len(outside.carried[c]) for c in ("email", "sms", "push")] == [1, 0, 1]


NIGHT = datetime(2026, 11, 24, 23, 30, tzinfo=UTC)


def test_texts_and_push_messages_wait_for_the_end_of_quiet_hours_and_mail_does_not(outside, at):
    member = a_reachable_member()
    run_unit(lambda: quiet.set_quiet_hours(member.user_id, time(22), time(7), "Europe/Berlin"))
    at(NIGHT)  # 00:30 in Berlin
    happen(an_order(caller=member), {"order.shipped": {"whole": True}})
    service.drain()
    assert [len(outside.carried[c]) for c in ("email", "sms", "push")] == [2, 0, 0]
    at(datetime(2026, 11, 25, 5, 59, tzinfo=UTC))
    assert service.drain() == 0
    at(datetime(2026, 11, 25, 6, 0, tzinfo=UTC))
    assert service.drain() == 4
    assert [m.id.rpartition(".")[2] for m in outside.carried["sms"]] == ["1", "2"]
    assert {r.attempts for r in look("SELECT attempts FROM deliveries WHERE channel = 'sms'")} == {1}


@pytest.mark.parametrize(
    ("moment", "zone", "until"),
    [
        ((2026, 11, 24, 21, 59), "UTC", None),
        ((2026, 11, 24, 22, 0), "UTC", (2026, 11, 25, 7, 0)),
        ((2026, 11, 25, 6, 59), "UTC", (2026, 11, 25, 7, 0)),
        ((2026, 11, 25, 7, 0), "UTC", None),
        ((2026, 11, 24, 21, 30), "Europe/Berlin", (2026, 11, 25, 6, 0)),
        ((2026, 11, 24, 12, 0), "Asia/Tokyo", None),
        ((2026, 11, 24, 13, 0), "Asia/Tokyo", (2026, 11, 24, 22, 0)),
        # The night in which the clocks go forward is an hour shorter.
        ((2026, 3, 28, 21, 30), "Europe/Berlin", (2026, 3, 29, 5, 0)),
    ],
)
def test_quiet_hours_go_by_the_clock_of_the_place_and_over_midnight(moment, zone, until):
    found = quiet.quiet_until(datetime(*moment, tzinfo=UTC), 22 * 60, 7 * 60, zone)
    assert found == (until and datetime(*until, tzinfo=UTC))


# --- a dead mail server ---------------------------------------------------------------------------------


def test_a_day_of_a_dead_mail_server_delays_everything_and_loses_nothing(core, monkeypatch, mail_server, at):
    monkeypatch.setattr(sending, "carrier", lambda channel: SmtpChannel(mail_server.url, "Shop <shop@shop.test>"))
    begin = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    at(begin)
    mail_server.stop()
    buyers = [a_member() for _ in range(3)]
    orders = []
    for minutes in range(0, 24 * 60, 40):
        at(begin + timedelta(minutes=minutes))
        if minutes % 240 == 0:
            orders += [an_order(caller=buyer) for buyer in buyers]
        elif minutes % 240 == 120:
            for order in orders[-3:]:
                happen(order, {"order.shipped": {"whole": True}, "order.delivered": {"whole": True}})
        assert service.drain() == 0
    assert mail_server.accepted == []
    assert {r.state for r in look("SELECT state FROM deliveries WHERE channel = 'email'")} == {"pending"}
    mail_server.start()
    at(begin + timedelta(hours=24))
    assert sum(together(core, *[service.drain] * 3)) == len(orders) * 3 == 54
    assert service.drain() == 0
    expected = look("SELECT fact_key, person_id FROM deliveries WHERE channel = 'email' ORDER BY happened_at, id")
    got = [m["Message-ID"].partition("@")[0][1:].replace(".", ":") for m in mail_server.accepted]
    assert Counter(got) == Counter(r.fact_key for r in expected)
    for buyer in buyers:
        person = look("SELECT person_id FROM users WHERE id = :id", id=buyer.user_id)[0].person_id
        theirs = [r.fact_key for r in expected if r.person_id == person]
        assert [key for key in got if key in theirs] == theirs
    assert look("SELECT 1 FROM channel_pauses") == []
    assert max(r.attempts for r in look("SELECT attempts FROM deliveries WHERE channel = 'email'")) == 1


def test_a_connection_that_breaks_in_the_middle_sends_nothing_twice(monkeypatch, mail_server, later):
    monkeypatch.setattr(sending, "carrier", lambda channel: SmtpChannel(mail_server.url, "Shop <shop@shop.test>"))
    for _ in range(5):
        an_order()
    mail_server.limit = 2
    assert service.drain() == 2
    mail_server.limit = None
    later(minutes=10)
    assert service.drain() == 3
    assert len({m["Message-ID"] for m in mail_server.accepted}) == len(mail_server.accepted) == 5


@pytest.mark.parametrize(("code", "state"), [(550, "given_up"), (450, "pending")])
def test_a_mailbox_that_is_not_there_is_given_up_and_one_that_is_busy_is_not(monkeypatch, mail_server, code, state):
    monkeypatch.setattr(sending, "carrier", lambda channel: SmtpChannel(mail_server.url, "Shop <shop@shop.test>"))
    an_order(email="gone@quickshop.example")
    an_order(email="there@quickshop.example")
    mail_server.refused, mail_server.code = {"gone@quickshop.example"}, code
    service.drain()
    found = look("SELECT state FROM deliveries ORDER BY happened_at, id")
    assert [r.state for r in found] == [state, "sent"]


def test_a_mail_has_a_text_a_page_and_one_click_to_end_such_mails(monkeypatch, mail_server):
    monkeypatch.setattr(sending, "carrier", lambda channel: SmtpChannel(mail_server.url, "Shop <shop@shop.test>"))
    member = a_member()
    run_unit(lambda: change_preferences(member.user_id, EVERYTHING))
    an_order(caller=member)
    service.drain()
    (mail,) = mail_server.accepted
    assert [part.get_content_type() for part in mail.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Unsubscribe"].startswith("<http://127.0.0.1:8000/api/v1/unsubscribe?token=")
