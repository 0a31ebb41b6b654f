"""Every two things that can happen to one order at once: what each answered, and whether money and stock came through.

    python -m tests.faults.order_pairs --rounds 20

prints the table; the suite runs the same with few rounds (tests/races/test_order_pairs.py).
"""

import argparse
import itertools
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from quickshop.kernel.errors import ShopError
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import editing, packing, processing, sending
from quickshop.payments.gateways.port import unknown
from tests.factories import returns
from tests.factories.racing import together
from tests.factories.shop import (
    a_confirmed_order,
    a_variant,
    an_order,
    cancel,
    come_due,
    log_of,
    look,
    process_until_ended,
    refund,
    state_of,
    stock_of,
)

STOCK, MUGS, CUPS = 10, 3, 1


@dataclass
class Staged:
    """An order with three mugs and a cup, and the stock they are of."""

    order: object
    mug: object
    cup: object


def _wanted():
    return a_variant(price=1000, stock=STOCK), a_variant(price=500, stock=STOCK)


def authorized(gateway):
    """The money is reserved; nobody knows yet whether it was taken."""
    mug, cup = _wanted()
    order = an_order({mug: MUGS, cup: CUPS})
    gateway.queue("capture", unknown("timeout"))
    processing.process(order.id)
    assert state_of(order) == ("processing", "authorized")
    come_due(order)
    return Staged(order, mug, cup)


def confirmed(gateway):
    """Paid, and nothing of it packed."""
    mug, cup = _wanted()
    return Staged(a_confirmed_order(items={mug: MUGS, cup: CUPS}), mug, cup)


def half_delivered(gateway):
    """Two of the mugs arrived; the rest is still in the house."""
    staged = confirmed(gateway)
    returns.deliver(staged.order, units={1: 2})
    return staged


def _ship(order):
    parcel = run_unit(lambda: packing.pack(order.number, None, None))
    run_unit(lambda: sending.ask(parcel, None, carrier="manual"))
    return "shipped"


def _return(order):
    returns.settle(returns.a_received_return(order, 1))
    return "returned"


def _edit(order):
    run_unit(lambda: editing.edit(order.number, {1: MUGS - 1}, None, None))
    return "edited"


def _webhook(order):
    run_unit(lambda: processing.wake(order.id))
    processing.process(order.id)
    return "taken"


def _said(what, word):
    def act(order):
        what(order)
        return word

    return act


ACTIONS = {
    "cancel": _said(cancel, "cancelled"),
    "capture": _said(lambda order: processing.process(order.id), "worked"),
    "ship": _ship,
    "return": _return,
    "refund": _said(lambda order: refund(order, 100), "refunded"),
    "edit": _edit,
    "webhook": _webhook,
}
PAIRS = list(itertools.combinations_with_replacement(ACTIONS, 2))


def base_of(pair):
    """An order on which both of a pair can be tried."""
    if "return" in pair:
        return half_delivered
    return authorized if "capture" in pair else confirmed


def run(core, gateway, pair, turn):
    """Do both at once to a new order; the two answers. Raises AssertionError where money or stock were lost."""
    staged = base_of(pair)(gateway)
    functions = [lambda name=name: ACTIONS[name](staged.order) for name in (pair if turn % 2 else reversed(pair))]
    answers = together(core, *functions)
    answers = answers if turn % 2 else list(reversed(answers))
    for answer in answers:
        if isinstance(answer, Exception) and not isinstance(answer, ShopError):
            raise answer
    come_due(staged.order)
    process_until_ended(staged.order)
    check(staged, gateway)
    return tuple(a.code if isinstance(a, ShopError) else a for a in answers), ending(staged.order)


def ending(order):
    """Where an order stands, in words."""
    [row] = look("SELECT status, payment_status, fulfilment_status FROM orders WHERE id = :id", id=order.id)
    return f"{row.status}, {row.payment_status}, {row.fulfilment_status}"


def check(staged, gateway):
    """The provider's money, ours, the ledger of refunds, the units and the stock all say the same."""
    order = staged.order
    status, payment = state_of(order)
    given = look(
        "SELECT coalesce(sum(amount_minor), 0)::bigint AS minor FROM refunds WHERE order_id = :id", id=order.id
    )
    # What was found taken of a cancelled order, which never was confirmed, goes back without a paper.
    kept = 0 if status == "cancelled" or payment == "failed" else order.total - given[0].minor
    taken = sum(c.captured - c.refunded for c in gateway.charges.values() if c.order == order.number)
    assert taken == kept, f"{order.number}: the provider has {taken}, we say {kept}"
    [ours] = look("SELECT sum(refunding_minor)::bigint AS open FROM payments WHERE order_id = :id", id=order.id)
    assert ours.open == 0
    units = look(
        "SELECT l.variant_id, l.quantity, coalesce(p.cancelled, 0) AS cancelled, coalesce(p.returned, 0) AS returned"
        " FROM order_lines l LEFT JOIN line_progress p ON p.line_id = l.id WHERE l.order_id = :id",
        id=order.id,
    )
    for line in units:
        gone = 0 if status == "cancelled" else line.quantity - line.cancelled - line.returned
        assert stock_of(line.variant_id) == (STOCK - gone, 0)
    assert look("SELECT 1 FROM payment_breaks WHERE state = 'open'") == []
    log_of(order)


@dataclass
class Row:
    """What became of one pair over all rounds."""

    pair: tuple
    answers: Counter = field(default_factory=Counter)
    endings: Counter = field(default_factory=Counter)


def table(core, gateway, rounds, clean=lambda: None):
    """A row for each pair. Raises AssertionError at the first loss."""
    for pair in PAIRS:
        row = Row(pair)
        for turn in range(rounds):
            clean()
            answers, end = run(core, gateway, pair, turn)
            row.answers[answers] += 1
            row.endings[end] += 1
        yield row


def _print(row):
    def told(counter):
        return "; ".join(
            f"{n}x {' / '.join(what) if isinstance(what, tuple) else what}" for what, n in counter.most_common()
        )

    print(f"| {row.pair[0]} | {row.pair[1]} | {told(row.answers)} | {told(row.endings)} |", flush=True)


def main():
    """Print the table."""
    from quickshop.config import load_settings
    from quickshop.factory import create_app
    from quickshop.payments.gateways import registry
    from tests.factories.scripted import ScriptedGateway
    from tests.factories.servers import running_servers

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    with running_servers() as pair, tempfile.TemporaryDirectory() as home:
        app = create_app([], settings=load_settings(pair.environment(Path(home))))
        gateway = ScriptedGateway()
        registry._MAKERS[registry.SIMULATOR] = lambda settings: gateway
        print("| one | other | what they answered | where the order stands |\n|---|---|---|---|")
        with app.app_context():
            for row in table(app, gateway, rounds, pair.empty):
                _print(row)
    print(f"{len(PAIRS)} pairs, {rounds} rounds each: no money and no stock was lost.")


if __name__ == "__main__":
    sys.exit(main())
