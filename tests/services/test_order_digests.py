"""The digest of an order: whole from placing to the end of its life, and betrayed by whoever changes a row."""

import contextlib
from dataclasses import replace

import pytest
from click.testing import CliRunner

from quickshop.extensions import Base, settings
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.orders import digests, processing, proving
from quickshop.orders.digests import COVERED, MUTABLE, PERSONAL
from quickshop.runtime.proving_orders import verify_orders
from tests.factories import shop

TABLES = ("orders", "order_lines", "order_discounts")
OTHER_ID = "'01980000-0000-7000-8000-000000000001'"
# Another value of each type than the order has.
OTHERS = {
    "CHAR(32)": OTHER_ID, "UUID": OTHER_ID, "TEXT": "'other'", "JSONB": "'[1]'", "BIGINT": "{column} + 1",
    "INTEGER": "{column} + 1", "SMALLINT": "{column} + 7", "BOOLEAN": "NOT {column}", "DATE": "{column} + 1",
    "TIMESTAMP": "{column} + interval '1 second'", "BLOB": "'\\x00'",
}  # fmt: skip


def columns_of(table):
    return Base.metadata.tables[table].columns


def test_every_column_is_either_covered_or_said_to_change():
    present = [(table, column.name) for table in TABLES for column in columns_of(table)]
    assert sorted(present) == sorted([*COVERED, *PERSONAL, *MUTABLE])


def a_discounted_order():
    order = shop.an_order(client_reference="mine", request_id="request-1")
    run_unit(
        lambda: db.run(
            "INSERT INTO order_discounts (order_id, position, line, rule, label, amount_minor)"
            " VALUES (:id, 1, 1, 'tax_exemption', 'Tax exemption', 10)",
            id=order.id,
        )
    )
    return order


def signed_anew(order):
    """With the row that was added, as if it had been placed with it."""
    with reading():
        row = db.row(proving._ROWS.format(which="o.id = :id"), id=order.id, limit=1)
    digest = digests.make(proving._rows(row), settings().master_keys)
    run_unit(lambda: db.run("UPDATE orders SET digest = :d WHERE id = :id", d=digest, id=order.id))


_DROPS = """
SELECT 'ALTER TABLE ' || conrelid::regclass || ' DROP CONSTRAINT ' || conname FROM pg_constraint
WHERE contype IN ('c', 'f')
  AND (conrelid::regclass::text = ANY(%(tables)s) OR confrelid::regclass::text = ANY(%(tables)s))
"""


def free_forger(cursor):
    """Take away what would be in the way of the tables' owner: checks, keys, triggers; a rollback restores them."""
    cursor.execute(_DROPS, {"tables": list(TABLES)})
    triggers = [f"ALTER TABLE {table} DISABLE TRIGGER USER" for table in TABLES]
    cursor.execute("; ".join([drop for (drop,) in cursor.fetchall()] + triggers))


def forged(cursor, order, table, name):
    """What the digest says of the order after its column was changed; then it is as before."""
    kind = str(columns_of(table)[name].type)
    other = OTHERS["TIMESTAMP" if kind.startswith("TIMESTAMP") else kind].format(column=name)
    cursor.execute("SAVEPOINT before")
    cursor.execute(
        f"UPDATE {table} SET {name} = {other} WHERE {'id' if table == 'orders' else 'order_id'} = %s", [str(order.id)]
    )
    where = OTHER_ID if (table, name) == ("orders", "id") else f"'{order.id}'"
    cursor.execute(proving._ROWS.format(which=f"o.id = {where}").replace(":limit", "1"))
    found = dict(zip([column[0] for column in cursor.description], cursor.fetchone(), strict=True))
    cursor.execute("ROLLBACK TO SAVEPOINT before")
    rows = {"orders": [found], "order_lines": found["lines"], "order_discounts": found["discounts"]}
    return digests.differences(bytes(found["digest"]), rows, settings().master_keys)


def test_any_covered_column_that_a_forger_changes_is_named(core, servers):
    order = a_discounted_order()
    signed_anew(order)
    with reading():
        assert proving.prove(order.number) == proving.Proof(order.number, "whole")
    with contextlib.closing(servers.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        free_forger(cursor)
        seen = {(table, name): forged(cursor, order, table, name) for table, name in [*COVERED, *PERSONAL]}
        cursor.execute("ROLLBACK")
    assert [where for where, found in seen.items() if ".".join(where) not in found] == []
    # A column that may change is none of the digest's business.
    with reading():
        assert proving.prove(order.number).state == "whole"


def test_the_command_names_each_changed_order_and_ends_with_one(core, servers, tmp_path, monkeypatch):
    whole, changed = shop.an_order(), shop.an_order()
    for name, value in servers.environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    answer = CliRunner().invoke(verify_orders)
    assert (answer.exit_code, "2 orders as they were placed." in answer.output) == (0, True), answer.output
    servers.run("UPDATE order_lines SET name = 'Something else' WHERE order_id = %s", str(changed.id))
    answer = CliRunner().invoke(verify_orders)
    assert answer.exit_code == 1
    assert f"CHANGED {changed.number}: order_lines.name" in answer.output
    assert whole.number not in answer.output


def test_lines_added_taken_away_or_exchanged_are_seen(core):
    order = shop.an_order({shop.a_variant(): 1, shop.a_variant(): 2})
    with reading():
        row = db.row(proving._ROWS.format(which="o.id = :id"), id=order.id, limit=1)
    rows, keys = proving._rows(row), settings().master_keys
    one, two = rows["order_lines"]
    for lines in ([one], [two, one], [one, two, two], []):
        assert digests.differences(bytes(row.digest), rows | {"order_lines": lines}, keys)


def test_an_order_stays_whole_through_its_life_and_its_persons_erasure(core, gateway):
    order = shop.a_confirmed_order()
    declined = shop.a_declined_order()
    shop.pay_again(declined)
    processing.process(declined.id)
    with reading():
        assert {proving.prove(o.number).state for o in (order, declined)} == {"whole"}
    run_unit(lambda: db.run("UPDATE orders SET caller = 'erased', email = '' WHERE id = :id", id=order.id))
    with reading():
        assert proving.prove(order.number).differs == ("orders.caller", "orders.email")
    erased = (
        "UPDATE persons SET wrapped_key = NULL, erased_at = now()"
        " WHERE id = (SELECT person_id FROM orders WHERE id = :id)"
    )
    run_unit(lambda: db.run(erased, id=order.id))
    with reading():
        assert proving.prove(order.number).state == "whole"


@pytest.mark.parametrize("digest", [b"", b"\x01", b"\x02abc", b"\x01\x03dev", b"\x01\x03dev\x05" + b"x" * 200])
def test_a_digest_that_is_none_differs(core, digest):
    order = shop.an_order()
    run_unit(lambda: db.run("UPDATE orders SET digest = :d WHERE id = :id", d=digest, id=order.id))
    with reading():
        assert proving.prove(order.number).state == "differs"


def test_a_digest_taken_away_is_seen_and_one_never_made_is_not_held_against_an_order(core):
    old, order = shop.an_order(), shop.an_order()
    run_unit(lambda: db.run("UPDATE orders SET digest = NULL WHERE id = :id", id=old.id))
    with reading():
        assert proving.prove(old.number).state == "unsigned"
    shop.an_order()
    run_unit(lambda: db.run("UPDATE orders SET digest = NULL WHERE id = :id", id=order.id))
    with reading():
        assert proving.prove(order.number).state in ("differs", "unsigned")


def test_a_key_that_is_gone_is_said_and_digests_can_be_renewed(core, monkeypatch):
    order = shop.an_order()
    old = settings()
    newer = replace(old, master_keys=(("newer", bytes(range(32))), *old.master_keys))
    monkeypatch.setitem(core.extensions, "quickshop_settings", newer)
    monkeypatch.setattr(proving, "settings", lambda: newer)
    with reading():
        assert proving.prove(order.number).state == "whole"
    assert sum(done for _, done in proving.renew()) == 1
    assert sum(done for _, done in proving.renew()) == 0
    monkeypatch.setattr(proving, "settings", lambda: replace(old, master_keys=newer.master_keys[:1]))
    with reading():
        assert proving.prove(order.number).state == "whole"
    monkeypatch.setattr(proving, "settings", lambda: old)
    with reading():
        assert proving.prove(order.number).state == "unknown_key"
