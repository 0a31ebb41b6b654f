"""Both sides of a conversation at once, and an erasure beside it."""

from quickshop.accounts.callers import Caller
from quickshop.accounts.errors import SessionEnded
from quickshop.kernel.errors import NotFound
from quickshop.kernel.unit_of_work import run_unit
from quickshop.privacy import erasing
from quickshop.privacy.service import erase_account
from quickshop.support import answering, rules, service
from quickshop.support.errors import TicketChanged, TicketClosed, TooManyTickets
from quickshop.support.holders import Holder
from tests.factories import support
from tests.factories.racing import Beside, Gate, together, until_blocked
from tests.factories.shop import a_member, look


def states(ticket):
    return look("SELECT state, version, message_count, assignee_id FROM tickets WHERE id = :id", id=ticket)[0]


def test_many_who_write_at_once_are_counted_one_after_the_other(core):
    member, sam = a_member(), a_member()
    ticket = support.a_ticket(member)
    writing = [lambda n=n: support.said(ticket, member.user_id, f"Word {n}") for n in range(4)]
    writing += [lambda n=n: support.answered(ticket, sam, f"Answer {n}") for n in range(4)]
    assert [o for o in together(core, *writing) if isinstance(o, Exception)] == []
    seqs = [r.seq for r in look("SELECT seq FROM ticket_messages WHERE ticket_id = :id ORDER BY seq", id=ticket)]
    assert seqs == list(range(1, 10)) and states(ticket).message_count == 9
    events = look("SELECT seq FROM account_events WHERE user_id = :id ORDER BY seq", id=member.user_id)
    assert [e.seq for e in events] == list(range(1, len(events) + 1))


def test_a_word_beside_the_closing_comes_before_it_or_is_refused(core):
    member = a_member()
    for _ in range(5):
        ticket = support.a_ticket(member)
        wrote, closed = together(
            core,
            lambda t=ticket: support.said(t, member.user_id, "And?"),
            lambda t=ticket: run_unit(lambda: service.close(t, Holder(member.user_id))),
        )
        assert closed is None and (not isinstance(wrote, Exception) or isinstance(wrote, TicketClosed)), wrote
        found = states(ticket)
        assert found.state == "closed"
        assert found.message_count == (1 if isinstance(wrote, TicketClosed) else 2)


def test_of_many_who_take_a_ticket_one_has_it(core, monkeypatch):
    staff = [a_member() for _ in range(4)]
    monkeypatch.setattr(answering, "_check_answers", lambda user_id: None)
    ticket = support.a_ticket()
    outcomes = together(
        core,
        *(lambda s=s: run_unit(lambda: answering.change(ticket, 1, assignee_id=s.user_id)) for s in staff),
    )
    assert [type(o) for o in outcomes if o is not None] == [TicketChanged] * 3
    assert states(ticket).assignee_id == staff[outcomes.index(None)].user_id


def test_a_stranger_who_asks_many_times_at_once_is_mailed_a_few(core):
    asking = [
        lambda: run_unit(lambda: service.open_for_address("eve@quickshop.example", support.a_wish())) for _ in range(8)
    ]
    outcomes = together(core, *asking)
    refused = [o for o in outcomes if isinstance(o, Exception)]
    assert len(refused) == 8 - rules.MOST_OF_ADDRESS_A_DAY and {type(o) for o in refused} == {TooManyTickets}
    assert len(look("SELECT 1 FROM pending_facts WHERE type = 'support.received'")) == rules.MOST_OF_ADDRESS_A_DAY


def nothing_is_left(ticket):
    left = [
        look(f"SELECT 1 FROM {table} WHERE {column} = :id", id=ticket)
        for table, column in (("tickets", "id"), ("ticket_messages", "ticket_id"), ("ticket_attachments", "ticket_id"))
    ]
    return left == [[], [], []]


def test_whatever_is_written_beside_an_erasure_is_gone_with_it_or_refused(core):
    for _ in range(4):
        member, sam = a_member(), a_member()
        ticket = support.a_ticket(member, files=[support.PICTURE])
        *others, erased = together(
            core,
            lambda t=ticket, m=member: support.said(t, m.user_id, "And?"),
            lambda t=ticket, s=sam: support.answered(t, s),
            lambda t=ticket, s=sam: support.noted(t, s),
            lambda m=member: support.a_ticket(m),
            lambda m=member: erase_account(m.user_id),
        )
        assert erased is None
        assert [o for o in others if isinstance(o, Exception) and not isinstance(o, (NotFound, SessionEnded))] == []
        assert nothing_is_left(ticket)
        assert look("SELECT 1 FROM tickets WHERE user_id = :id", id=member.user_id) == []


def test_an_answer_that_waited_for_the_erasure_is_refused(core, servers, monkeypatch):
    member, sam = a_member(), a_member()
    ticket, gate = support.a_ticket(member), Gate()
    real = erasing._clear_by_verbs
    monkeypatch.setattr(erasing, "_clear_by_verbs", lambda who: (gate.passing(), real(who)))
    erasure = Beside(core, lambda: erase_account(member.user_id))
    gate.reached()
    answer = Beside(core, lambda: support.answered(ticket, Caller(user_id=sam.user_id)))
    until_blocked(servers)
    gate.open()
    erasure.result()
    try:
        answer.result()
    except NotFound:
        assert nothing_is_left(ticket)
    else:
        raise AssertionError("an erased person was answered")
