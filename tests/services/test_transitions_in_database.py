"""The database itself refuses what the tables of states do not allow, whoever writes."""

import contextlib

import psycopg2
import pytest
from sqlalchemy.exc import DBAPIError

from quickshop.kernel import db
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders.states import MACHINES
from tests.factories.shop import a_confirmed_order, an_order, look

pytestmark = pytest.mark.usefixtures("core", "gateway")


def change(order, field, value):
    """The UPDATE that sets one field, with the reason that a hold must have."""
    reason = "'needs_review'" if value == "on_hold" else "NULL" if field == "status" else "hold_reason"
    return f"UPDATE orders SET {field} = '{value}', hold_reason = {reason} WHERE id = '{order.id}'"


def force(cursor, order, field, value):
    """Put the order into a state past the trigger."""
    on, off = (f"ALTER TABLE orders {verb} TRIGGER orders_moves" for verb in ("ENABLE", "DISABLE"))
    cursor.execute("; ".join([off, change(order, field, value), on]))


@pytest.fixture
def cursor(servers):
    """A cursor past every application, in autocommit."""
    with contextlib.closing(servers.connect()) as connection, connection.cursor() as made:
        yield made


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.name)
def test_the_databases_table_is_the_codes_table(machine):
    rows = look("SELECT before, after FROM order_transitions WHERE field = :f", f=machine.name)
    moves = {(str(before), str(after)) for before, targets in machine.moves.items() for after in targets}
    assert {(r.before, r.after) for r in rows} == moves


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.name)
def test_the_trigger_allows_the_moves_and_refuses_all_others(cursor, machine):
    order = an_order()
    states = list(type(machine.start))
    for before in states:
        for after in states:
            force(cursor, order, machine.name, before)
            if before == after or after in machine.moves[before]:
                cursor.execute(change(order, machine.name, after))
            else:
                with pytest.raises(psycopg2.errors.CheckViolation) as refusal:
                    cursor.execute(change(order, machine.name, after))
                assert refusal.value.diag.constraint_name == "order_transitions"


@pytest.mark.parametrize(
    ("table", "setting", "name"),
    [
        ("stock_items", "held = on_hand + 1", "ck_stock_items_held_within_on_hand"),
        ("stock_items", "held = -1", "ck_stock_items_held_within_on_hand"),
        ("orders", "total_minor = total_minor + 1", "ck_orders_total_adds_up"),
        ("orders", "status = 'elsewhere'", None),
        ("order_lines", "total_minor = total_minor - 1", "ck_order_lines_total_adds_up"),
        ("payments", "refunded_minor = captured_minor + 1", "ck_payments_refunded_within_captured"),
        ("payments", "authorized_minor = amount_minor + 1", "ck_payments_authorized_within_amount"),
        ("order_processing", "step = 'authorize'", None),
    ],
)
def test_sums_that_do_not_hold_cannot_be_written(table, setting, name):
    a_confirmed_order()
    with pytest.raises(DBAPIError) as refusal:
        run_unit(lambda: db.run(f"UPDATE {table} SET {setting}"))
    assert name is None or db.constraint(refusal.value) == name


def test_an_order_is_captured_in_one_round_only():
    order = a_confirmed_order()
    columns = "order_id, round, provider, currency, amount_minor, authorized_minor, captured_minor"
    second = f"INSERT INTO payments ({columns}) VALUES (:id, 2, 'simulator', 'USD', 1, 1, 1)"
    with pytest.raises(DBAPIError) as refusal:
        run_unit(lambda: db.run(second, id=order.id))
    assert db.constraint(refusal.value) == "uq_payments_one_capture"
