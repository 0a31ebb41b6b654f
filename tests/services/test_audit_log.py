"""The audit log: written with the change it tells of, in an unbroken chain, and every tampering shows."""

import contextlib
from uuid import uuid4

import pytest
from sqlalchemy.exc import DBAPIError

from quickshop.kernel import db, tracing
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.security import audit
from quickshop.security.audit_chain import Head, head, page, verify
from tests.factories.racing import Beside, Gate, together

CHAIN = "security"
pytestmark = pytest.mark.usefixtures("core")


def write(count=1, **more):
    """Entries of one action that no other test uses; the action."""
    action = f"test.{uuid4()}"
    for _ in range(count):
        run_unit(lambda: audit.record(action, chain=CHAIN, **more))
    return action


def checked(expected=None):
    with reading():
        return verify(CHAIN, expected)


def entries(**wish):
    with reading():
        return page(**wish)["items"]


@contextlib.contextmanager
def tampering(servers, sql, undo):
    """Change the log behind its trigger, as its owner can, and change it back."""
    with contextlib.closing(servers.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_log DISABLE TRIGGER USER")
        try:
            cursor.execute(sql)
            yield
        finally:
            cursor.execute(undo)
            cursor.execute("ALTER TABLE audit_log ENABLE TRIGGER USER")


def test_an_entry_says_who_did_what_from_where(core):
    tracing.set_request_id("request-1")
    tracing.set_actor("user:1", "192.0.2.0/24")
    try:
        action = write(target="role:support", data={"fields": ["name"], "id": uuid4(), "share": 0.5, "n": 2**60})
    finally:
        tracing.set_actor(tracing.SYSTEM)
        tracing.set_request_id(None)
    [entry] = entries(action=action)
    assert (entry["actor"], entry["network"], entry["request_id"]) == ("user:1", "192.0.2.0/24", "request-1")
    assert (entry["target"], entry["outcome"], entry["chain"]) == ("role:support", "done", CHAIN)
    assert entry["data"]["fields"] == ["name"]
    assert entry["data"]["share"] == "0.5"
    assert entry["data"]["n"] == 2**60
    assert checked() is None


def test_an_entry_is_kept_only_with_its_change():
    action = f"test.{uuid4()}"

    def fails():
        audit.record(action)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_unit(fails)
    assert entries(action=action) == []
    write()
    assert checked() is None


def test_an_entry_outside_a_unit_is_refused():
    with pytest.raises(RuntimeError, match="unit of work"):
        audit.record("test.nothing")


def test_a_unit_that_is_tried_again_leaves_one_entry():
    action, tries = f"test.{uuid4()}", []

    def work():
        audit.record(action)
        tries.append(1)
        if len(tries) == 1:
            db.run("SELECT 1")
            db.run("DO $$ BEGIN RAISE EXCEPTION 'staged' USING ERRCODE = '40001'; END $$")

    run_unit(work)
    assert len(tries) == 2
    assert len(entries(action=action)) == 1


def test_the_chain_is_locked_for_the_commit_alone(core):
    """While a unit that has recorded goes on working, others can write the same chain."""
    gate = Gate()

    def slow():
        audit.record("test.slow")
        db.run("SELECT 1")
        gate.passing()

    beside = Beside(core, lambda: run_unit(slow))
    gate.reached()
    try:
        assert len(entries(action=write())) == 1
        assert not beside.over
    finally:
        gate.open()
    beside.result()
    assert checked() is None


def test_texts_that_come_from_outside_cannot_break_the_chain():
    write(target="x" * 5000, data={"a\0b": "line\r\nbreak\0", "half": "\ud800", "deep": [{"k": [1, None, True]}]})
    assert checked() is None


def test_an_empty_page_and_foreign_cursors(core):
    assert entries(action="test.never") == []
    action = write(5)
    with reading():
        first = page(action=action, limit=2)
        rest = page(action=action, limit=10, cursor=first["next_cursor"])
    seqs = [e["seq"] for e in first["items"] + rest["items"]]
    assert seqs == sorted(seqs, reverse=True)
    assert len(seqs) == 5


def test_nobody_changes_or_removes_an_entry(servers):
    write()
    for sql in ("UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"):
        with pytest.raises(Exception, match=r"only grows|permission denied"):
            servers.run(sql)
        with pytest.raises(DBAPIError):
            run_unit(lambda sql=sql: db.run(sql))
    assert checked() is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("actor", "'somebody else'"),
        ("action", "'another.thing'"),
        ("target", "'another'"),
        ("outcome", "'failed'"),
        ("data", """'{"a": 1}'"""),
        ("network", "'10.0.0.0/24'"),
        ("request_id", "'another'"),
        ("at", "at + interval '1 microsecond'"),
        ("mac", "sha256('x')"),
    ],
)
def test_a_changed_field_shows(servers, field, value):
    write(3)
    seq = head(CHAIN).seq - 1
    [(before,)] = servers.run(f"SELECT {field}::text FROM audit_log WHERE chain = '{CHAIN}' AND seq = {seq}")
    kinds = {"data": "jsonb", "at": "timestamptz", "mac": "bytea"}
    old = "NULL" if before is None else f"'{before}'::{kinds.get(field, 'text')}"
    where = f"WHERE chain = '{CHAIN}' AND seq = {seq}"
    with tampering(
        servers, f"UPDATE audit_log SET {field} = {value} {where}", f"UPDATE audit_log SET {field} = {old} {where}"
    ):
        found = checked()
        assert (found.seq, found.what) == (seq, "it was changed")
    assert checked() is None


def test_a_missing_entry_shows(servers):
    write(3)
    seq = head(CHAIN).seq - 1
    servers.run("DROP TABLE IF EXISTS kept_entry")
    servers.run(f"CREATE TABLE kept_entry AS SELECT * FROM audit_log WHERE chain = '{CHAIN}' AND seq = {seq}")
    remove = f"DELETE FROM audit_log WHERE chain = '{CHAIN}' AND seq = {seq}"
    try:
        with tampering(servers, remove, "INSERT INTO audit_log SELECT * FROM kept_entry"):
            found = checked()
            assert (found.seq, found.what) == (seq, "it is missing")
    finally:
        servers.run("DROP TABLE kept_entry")
    assert checked() is None


def test_entries_that_changed_places_show(servers):
    write(3)
    last = head(CHAIN).seq
    swap = ""
    for one, other in ((last, -1), (last - 1, last), (-1, last - 1)):
        swap += f"UPDATE audit_log SET seq = {other} WHERE chain = '{CHAIN}' AND seq = {one};"
    drop = "ALTER TABLE audit_log DROP CONSTRAINT ck_audit_log_seq_positive;"
    back = "ALTER TABLE audit_log ADD CONSTRAINT ck_audit_log_seq_positive CHECK (seq > 0);"
    with tampering(servers, drop + swap, swap + back):
        found = checked()
        assert found.seq == last - 1
        assert "reordered" in found.what
    assert checked() is None


def test_a_cut_tail_shows_against_the_head(servers):
    write(3)
    last = head(CHAIN).seq
    servers.run("DROP TABLE IF EXISTS kept_entries")
    servers.run(f"CREATE TABLE kept_entries AS SELECT * FROM audit_log WHERE chain = '{CHAIN}' AND seq > {last - 2}")
    cut = f"DELETE FROM audit_log WHERE chain = '{CHAIN}' AND seq > {last - 2}"
    try:
        with tampering(servers, cut, "INSERT INTO audit_log SELECT * FROM kept_entries"):
            found = checked()
            assert found.seq == last - 1
            assert "2 entries are missing" in found.what
    finally:
        servers.run("DROP TABLE kept_entries")
    assert checked() is None


def test_a_tail_cut_together_with_the_head_shows_against_an_end_noted_outside(servers):
    write(3)
    noted = head(CHAIN)
    assert checked(noted) is None
    longer = Head(CHAIN, noted.seq + 2, noted.mac)
    assert "was noted outside" in checked(longer).what
    other = Head(CHAIN, noted.seq, b"\0" * 32)
    assert "noted outside" in checked(other).what


def test_writers_of_one_chain_at_once_keep_it_whole(core):
    before = head(CHAIN).seq
    action = f"test.{uuid4()}"

    together(core, *[lambda: run_unit(lambda: audit.record(action))] * 20)
    assert head(CHAIN).seq == before + 20
    assert checked() is None


def test_refusals_are_noted_once_a_minute_for_each_actor_and_action(monkeypatch):
    monkeypatch.setattr(audit, "_denials", audit._Bound())
    action = f"test.{uuid4()}"
    told = []
    for actor in ("user:1", "user:1", "user:2"):
        tracing.set_actor(actor)
        told.append(audit.denied(action, reason="forbidden"))
    tracing.set_actor(tracing.SYSTEM)
    assert told == [True, False, True]
    assert [e["outcome"] for e in entries(action=action)] == ["denied", "denied"]


def test_refusals_of_many_cannot_fill_the_disk():
    bound = audit._Bound()
    admitted = [bound.admits(f"user:{number}") for number in range(2 * audit.DENIALS_AT_MOST + 10)]
    # A minute may turn over in between.
    assert sum(admitted) <= 2 * audit.DENIALS_AT_MOST
    assert all(admitted[: audit.DENIALS_AT_MOST])
