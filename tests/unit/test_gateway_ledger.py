"""The simulated gateway's books: what is allowed, what a key does, and that the journal gives them back."""

import dataclasses
import os

import orjson
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from quickshop.runtime.doubles.journal import Journal, JournalError
from quickshop.runtime.doubles.ledger import Ledger, Wanted
from quickshop.runtime.doubles.refusals import Refused

AT = "2026-07-15T12:00:00.000Z"


class Books:
    """A ledger used as the gateway uses it: decide, write down, apply."""

    def __init__(self):
        self.ledger = Ledger()
        self.written = []

    def write(self, record):
        self.written.append(orjson.dumps(record))
        self.ledger.apply(record)

    def authorize(self, key="k", amount=1000, state="authorized", order="QS-1", code=None):
        wanted = Wanted(key, order, amount, "USD", "tok_approve", "fp_1")
        charge = self.ledger.made(wanted)
        if charge is None:
            self.write(self.ledger.opening(wanted, f"ch_{key}", state, code, AT))
            charge = self.ledger.made(wanted)
        return charge

    def settle(self, charge_id, state="authorized", event="evt_1"):
        record = self.ledger.settling(charge_id, state, None, event, AT)
        if record is not None:
            self.write(record)
        return record

    def operate(self, kind, charge_id, key, amount=None):
        operation = self.ledger.done(kind, charge_id, key, amount)
        if operation is None:
            self.write(self.ledger.operating(kind, charge_id, key, amount, AT))
            operation = self.ledger.operations[key]
        return operation

    def replayed(self):
        ledger = Ledger()
        ledger.replay(orjson.loads(line) for line in self.written)
        return ledger


@pytest.fixture
def books():
    return Books()


def refusal_of(call, *arguments, **named):
    with pytest.raises(Refused) as refusal:
        call(*arguments, **named)
    return refusal.value.status, refusal.value.code


def test_one_key_makes_one_charge(books):
    assert books.authorize() is books.authorize()
    assert len(books.ledger.charges) == len(books.written) == 1


@pytest.mark.parametrize("change", [{"amount": 999}, {"order": "QS-2"}])
def test_a_key_used_with_other_content_is_refused(books, change):
    books.authorize()
    assert refusal_of(books.authorize, **change) == (409, "key_reused")


def test_a_key_of_a_charge_is_no_key_of_a_capture_and_the_other_way_round(books):
    books.authorize("a")
    assert refusal_of(books.operate, "capture", "ch_a", "a", 1000) == (409, "key_reused")
    books.operate("capture", "ch_a", "c", 1000)
    assert refusal_of(books.authorize, "c") == (409, "key_reused")
    assert refusal_of(books.operate, "capture", "ch_a", "c", 999) == (409, "key_reused")
    assert refusal_of(books.operate, "refund", "ch_a", "c", 1000) == (409, "key_reused")


def test_a_capture_takes_part_and_only_once(books):
    books.authorize("a", 1000)
    assert books.operate("capture", "ch_a", "c1", 700).after.captured == 700
    assert books.operate("capture", "ch_a", "c1", 700).after.captured == 700
    assert refusal_of(books.operate, "capture", "ch_a", "c2", 300) == (409, "not_authorized")
    assert books.ledger.find("ch_a").present.captured == 700


def test_more_than_authorised_cannot_be_captured_and_the_key_stays_free(books):
    books.authorize("a", 1000)
    assert refusal_of(books.operate, "capture", "ch_a", "c", 1001) == (409, "amount_too_large")
    assert books.operate("capture", "ch_a", "c", 1000).after.state == "captured"


def test_refunds_add_up_to_what_was_captured(books):
    books.authorize("a", 1000)
    books.operate("capture", "ch_a", "c", 900)
    assert books.operate("refund", "ch_a", "r1", 400).after == ("partially_refunded", None, 900, 400)
    assert refusal_of(books.operate, "refund", "ch_a", "r2", 501) == (409, "amount_too_large")
    assert books.operate("refund", "ch_a", "r2", 500).after == ("refunded", None, 900, 900)
    assert refusal_of(books.operate, "refund", "ch_a", "r3", 1) == (409, "not_captured")


def test_a_replayed_refund_shows_the_charge_as_it_was_right_after_it(books):
    books.authorize("a", 1000)
    books.operate("capture", "ch_a", "c", 1000)
    first = books.operate("refund", "ch_a", "r1", 400)
    books.operate("refund", "ch_a", "r2", 600)
    assert books.operate("refund", "ch_a", "r1", 400) == first


@pytest.mark.parametrize("state", ["authorized", "pending", "requires_action"])
def test_what_was_not_captured_can_be_voided_and_nothing_follows(books, state):
    books.authorize("a", state=state)
    assert books.operate("void", "ch_a", "v").after.state == "voided"
    assert books.settle("ch_a") is None
    assert refusal_of(books.operate, "capture", "ch_a", "c", 1) == (409, "not_authorized")
    assert refusal_of(books.operate, "void", "ch_a", "v2") == (409, "not_voidable")


@pytest.mark.parametrize("state", ["declined", "pending", "requires_action"])
def test_only_an_authorised_charge_can_be_captured(books, state):
    books.authorize("a", state=state)
    assert refusal_of(books.operate, "capture", "ch_a", "c", 1) == (409, "not_authorized")


def test_a_charge_nobody_made_is_404(books):
    for kind in ("capture", "void", "refund"):
        assert refusal_of(books.operate, kind, "ch_none", "x", 1) == (404, "charge_not_found")


def test_a_decision_is_made_once_and_waits_to_be_told(books):
    charge = books.authorize("a", state="pending")
    assert books.settle("ch_a", "authorized", "evt_1")
    assert books.settle("ch_a", "declined", "evt_2") is None
    assert charge.decision.state == "authorized"
    assert list(books.ledger.events) == ["evt_1"]
    books.write(books.ledger.closing("evt_1", True))
    assert not books.ledger.events


def test_the_answer_to_the_authorisation_stays_when_the_money_moves_on(books):
    charge = books.authorize("a")
    books.operate("capture", "ch_a", "c", 1000)
    assert (charge.decision.state, charge.present.state) == ("authorized", "captured")


def test_a_key_that_failed_once_is_remembered_until_it_succeeds(books):
    books.write(books.ledger.failing("a"))
    assert books.replayed().failed_keys == {"a"}
    books.authorize("a")
    assert not books.ledger.failed_keys


AMOUNTS = st.integers(1, 5)
KEYS = st.sampled_from([f"k{n}" for n in range(12)])
CHARGES = st.sampled_from([f"ch_k{n}" for n in range(12)])


class AnyUse(RuleBasedStateMachine):
    """Whatever is asked in whatever order: the sums hold, and the journal gives the same books back."""

    def __init__(self):
        super().__init__()
        self.books = Books()

    def attempt(self, call, *arguments, **named):
        before = len(self.books.written)
        try:
            call(*arguments, **named)
        except Refused as refusal:
            assert refusal.status in (404, 409)
            assert len(self.books.written) == before
        assert len(self.books.written) <= before + 1

    @rule(
        key=KEYS,
        amount=AMOUNTS,
        state=st.sampled_from(["authorized", "pending", "requires_action", "declined"]),
    )
    def authorize(self, key, amount, state):
        self.attempt(self.books.authorize, key, amount, state)

    @rule(key=KEYS)
    def fail(self, key):
        self.books.write(self.books.ledger.failing(key))

    @rule(
        charge=CHARGES,
        state=st.sampled_from(["authorized", "declined"]),
        event=st.sampled_from([None, "evt_1", "evt_2"]),
    )
    def settle(self, charge, state, event):
        self.attempt(self.books.settle, charge, state, event)

    @rule(event=st.sampled_from(["evt_1", "evt_2"]), delivered=st.booleans())
    def close(self, event, delivered):
        self.books.write(self.books.ledger.closing(event, delivered))

    @rule(kind=st.sampled_from(["capture", "void", "refund"]), charge=CHARGES, key=KEYS, amount=AMOUNTS)
    def operate(self, kind, charge, key, amount):
        self.attempt(self.books.operate, kind, charge, key, None if kind == "void" else amount)

    @invariant()
    def sums_hold(self):
        for charge in self.books.ledger.charges.values():
            present = charge.present
            assert 0 <= present.refunded <= present.captured <= charge.wanted.amount
            assert (present.captured > 0) == (present.state in ("captured", "partially_refunded", "refunded"))
            assert (present.state == "refunded") == (0 < present.refunded == present.captured)

    @invariant()
    def operations_add_up(self):
        for charge in self.books.ledger.charges.values():
            done = [o for o in self.books.ledger.operations.values() if o.charge_id == charge.id]
            assert sum(o.amount for o in done if o.kind == "capture") == charge.present.captured
            assert sum(o.amount for o in done if o.kind == "refund") == charge.present.refunded
            assert sum(o.kind in ("capture", "void") for o in done) <= 1

    @invariant()
    def the_journal_gives_the_same_books(self):
        assert dataclasses.asdict(self.books.replayed()) == dataclasses.asdict(self.books.ledger)


TestAnyUse = AnyUse.TestCase
TestAnyUse.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


# --- the file ------------------------------------------------------------------------------------------


@pytest.fixture
def path(tmp_path):
    return tmp_path / "gateway" / "ledger.jsonl"


def reopened(path):
    journal = Journal(path)
    try:
        return list(journal.records())
    finally:
        journal.close()


def written(path, *records):
    journal = Journal(path)
    list(journal.records())
    for record in records:
        journal.append(record)
    journal.close()


def test_records_come_back_in_order(path):
    written(path, {"op": "fail", "key": "a"}, {"op": "fail", "key": "\n\u2028é"})
    written(path, {"op": "fail", "key": "c"})
    assert [record["key"] for record in reopened(path)] == ["a", "\n\u2028é", "c"]


@pytest.mark.parametrize("torn", [b"{", b'{"op":"fail","key":"b"}', b"\x00\x00"])
def test_a_torn_last_line_is_dropped_and_what_follows_is_whole(path, torn):
    written(path, {"op": "fail", "key": "a"})
    with path.open("ab") as file:
        file.write(torn)
    written(path, {"op": "fail", "key": "c"})
    assert [record["key"] for record in reopened(path)] == ["a", "c"]


def test_junk_in_the_middle_is_named_and_not_passed_over(path):
    written(path, {"op": "fail", "key": "a"})
    with path.open("ab") as file:
        file.write(b"junk\n")
    with pytest.raises(JournalError, match="line 2"):
        reopened(path)


def test_two_gateways_cannot_own_one_journal(path):
    journal = Journal(path)
    try:
        with pytest.raises(JournalError, match="in use"):
            Journal(path, patience=0)
    finally:
        journal.close()
    Journal(path, patience=0).close()


@pytest.mark.parametrize("written_bytes", [0, 7, None])
def test_a_full_disk_leaves_no_half_line(path, monkeypatch, written_bytes):
    journal = Journal(path)
    list(journal.records())
    journal.append({"op": "fail", "key": "a"})
    real = os.write

    def full(fd, data):
        if written_bytes is None:
            real(fd, data[:5])
            raise OSError(28, "No space left on device")
        return real(fd, data[:written_bytes])

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError):
        journal.append({"op": "fail", "key": "b"})
    monkeypatch.undo()
    journal.append({"op": "fail", "key": "c"})
    journal.close()
    assert [record["key"] for record in reopened(path)] == ["a", "c"]
