"""Promotions, codes and credit for tests, made by the shop's own services. Needs an active application context."""

import itertools

from quickshop.accounts.callers import ANONYMOUS
from quickshop.cart import codes
from quickshop.kernel.money import Money
from quickshop.kernel.unit_of_work import run_unit
from quickshop.promotions import crediting, managing
from quickshop.promotions.managing import Setting
from tests.factories.shop import look

_numbers = itertools.count(1)


def a_promotion(kind="percent", *, code=None, code_limit=None, **more):
    """A promotion (10 % off where nothing else is said), asked for by `code` or automatic without one; its id."""
    more = {"rate": 1000} | more if kind == "percent" else more
    number = next(_numbers)
    setting = Setting(f"Promotion {number}", f"Label {number}", kind, automatic=code is None, **more)

    def make():
        made = managing.make(setting)
        if code:
            managing.add_code(made, code, code_limit)
        return made

    return run_unit(make)


def a_gift_card(amount=1000, currency="USD", expires_at=None):
    """A gift card; its id and code."""
    return run_unit(lambda: crediting.issue(Money(amount, currency), expires_at))


def credit(caller, amount, currency="USD"):
    """Give a member store credit."""
    return run_unit(lambda: crediting.correct(caller.user_id, Money(amount, currency)))


def with_codes(ref, *typed, caller=ANONYMOUS, credit=False):
    """Put codes on a cart, and let store credit pay; the cart's ref."""

    def put():
        for code in typed:
            codes.add(ref, code, caller)
        if credit:
            codes.use_credit(ref, True)

    run_unit(put)
    return ref


def uses_of(promotion):
    """(what its counter says, uses that stand)."""
    row = look(
        "SELECT used, (SELECT count(*) FROM promotion_uses WHERE promotion_id = p.id AND given_back_at IS NULL) AS live"
        " FROM promotions p WHERE id = :id",
        id=promotion,
    )[0]
    return row.used, row.live


def left_on(card):
    """What is on a credit; fails where its entries do not sum to that."""
    row = look(
        "SELECT balance_minor, (SELECT sum(delta_minor) FROM credit_entries WHERE credit_id = c.id) AS summed"
        " FROM credits c WHERE id = :id",
        id=card,
    )[0]
    assert row.balance_minor == row.summed
    return row.balance_minor


def discounts_of(order):
    """[(rule, line or 0 for shipping, amount)] of an order, which sum to its discount and its lines'."""
    rows = look("SELECT * FROM order_discounts WHERE order_id = :id ORDER BY position, line", id=order.id)
    sums = look(
        "SELECT discount_minor, (SELECT sum(discount_minor) FROM order_lines WHERE order_id = o.id) AS lines"
        " FROM orders o WHERE id = :id",
        id=order.id,
    )[0]
    assert sum(r.amount_minor for r in rows) == sums.discount_minor
    assert sum(r.amount_minor for r in rows if r.line) == sums.lines
    return [(r.rule, r.line, r.amount_minor) for r in rows]
