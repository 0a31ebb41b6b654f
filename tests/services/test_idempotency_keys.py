"""Idempotency keys in the database: one key, one answer, per caller and route, kept for three days."""

import pytest
from sqlalchemy.exc import IntegrityError

from quickshop.kernel import db, idempotency
from quickshop.kernel.crypto import SealBroken
from quickshop.kernel.idempotency import InProgress, KeyInvalid, KeyRequired, KeyReused, StoredAnswer
from quickshop.kernel.unit_of_work import run_unit, unit_of_work
from tests.factories.racing import together
from tests.factories.shop import everything, look

pytestmark = pytest.mark.usefixtures("core")
PLACE = idempotency.slot("user:1", "POST /orders", "key-1", b"{}")


def bind(place, status=202, body=b"answer"):
    run_unit(lambda: idempotency.bind(place, status, body))


def enter(place):
    return run_unit(lambda: idempotency.enter(place))


def test_a_new_key_has_no_answer_yet():
    assert enter(PLACE) is None


def test_the_same_key_and_body_give_the_first_answer_again():
    bind(PLACE, 202, b'{"number": "QS-1"}')
    assert enter(PLACE) == StoredAnswer(202, b'{"number": "QS-1"}')
    assert enter(PLACE) == StoredAnswer(202, b'{"number": "QS-1"}')


def test_the_same_key_with_another_body_is_refused():
    bind(PLACE)
    before = everything()
    with pytest.raises(KeyReused) as refusal:
        enter(idempotency.slot("user:1", "POST /orders", "key-1", b"{ }"))
    assert (refusal.value.status, refusal.value.code) == (422, "idempotency_key_reused")
    assert everything() == before


@pytest.mark.parametrize(
    "other",
    [
        ("user:2", "POST /orders", "key-1"),
        ("user:1", "POST /orders/QS-1/pay", "key-1"),
        ("user:1", "POST /orders", "key-2"),
    ],
)
def test_another_caller_route_or_key_is_another_slot(other):
    bind(PLACE)
    assert enter(idempotency.slot(*other, b"{}")) is None


def test_names_that_run_together_are_still_two_slots():
    bind(idempotency.slot("a", "b c", "d", b""))
    assert enter(idempotency.slot("a b", "c", "d", b"")) is None


def test_a_call_that_still_runs_refuses_the_second_at_once(core):
    with unit_of_work():
        idempotency.enter(PLACE)
        (outcome,) = together(core, lambda: enter(PLACE))
        assert isinstance(outcome, InProgress)
        assert (outcome.status, outcome.code, outcome.headers["Retry-After"]) == (409, "idempotency_in_progress", "1")
    assert together(core, lambda: enter(PLACE)) == [None]


def test_a_call_that_was_undone_frees_the_key():
    with pytest.raises(ZeroDivisionError), unit_of_work():
        idempotency.enter(PLACE)
        idempotency.bind(PLACE, 202, b"")
        raise ZeroDivisionError
    assert enter(PLACE) is None


def test_a_key_is_bound_once_even_past_the_lock():
    bind(PLACE, 202, b"first")
    with pytest.raises(IntegrityError) as refusal:
        bind(PLACE, 202, b"second")
    assert db.constraint(refusal.value) == "pk_idempotency_keys"
    assert enter(PLACE).body == b"first"


@pytest.mark.parametrize("key", ["a", "x" * 255, "ключ", 'with spaces and "quotes"'])
def test_any_text_of_up_to_255_characters_is_a_key(key):
    assert idempotency.check_key(key) == key


def test_no_key_an_empty_one_and_a_longer_one_are_refused():
    with pytest.raises(KeyRequired) as missing:
        idempotency.check_key(None)
    assert (missing.value.status, missing.value.code) == (400, "idempotency_key_required")
    for key in ("", "x" * 256):
        with pytest.raises(KeyInvalid):
            idempotency.check_key(key)


def test_answers_are_kept_for_three_days():
    bind(PLACE)
    bind(idempotency.slot("user:1", "POST /orders", "old", b""))
    hours = "CASE key WHEN 'old' THEN 73 ELSE 71 END"
    run_unit(lambda: db.run(f"UPDATE idempotency_keys SET created_at = now() - make_interval(hours => {hours})"))
    assert run_unit(idempotency.prune) == 1
    assert [r.key for r in look("SELECT key FROM idempotency_keys")] == ["key-1"]


def test_what_is_stored_cannot_be_read_in_the_database_and_opens_in_its_own_row_only():
    secret = '{"name": "Robin Ashdown", "token": "…"}'.encode()
    bind(PLACE, 202, secret)
    (row,) = look("SELECT * FROM idempotency_keys")
    assert b"Ashdown" not in bytes(row.body)
    assert row.key_id
    moved = idempotency.slot("user:2", PLACE.route, PLACE.key, b"{}")
    run_unit(lambda: db.run("UPDATE idempotency_keys SET caller = 'user:2'"))
    with pytest.raises(SealBroken):
        enter(moved)


def test_an_answer_that_older_code_left_in_the_clear_is_given_as_it_stands():
    bind(PLACE, 202, b"first")
    run_unit(lambda: db.run("UPDATE idempotency_keys SET body = 'as it was'::bytea, key_id = NULL"))
    assert enter(PLACE).body == b"as it was"
