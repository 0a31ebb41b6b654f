"""What must be true of a shop after a storm, asked of its database, its gateway's own books and its buyers."""

from collections import Counter, defaultdict
from dataclasses import dataclass

ENDED = ("confirmed", "payment_failed", "on_hold", "cancelled", "completed")

_WORK_LEFT = """
SELECT (SELECT count(*) FROM order_processing WHERE step <> 'done') AS steps,
       (SELECT count(*) FROM outbox WHERE sent_at IS NULL) AS outbox,
       (SELECT count(*) FROM pending_facts) AS facts,
       (SELECT count(*) FROM deliveries WHERE state = 'pending') AS deliveries
"""


@dataclass(frozen=True)
class Check:
    """One statement about the shop: whether it holds, and the figures."""

    name: str
    holds: bool
    figures: str


def work_left(pair):
    """(unfinished steps, unsent outbox rows, facts not taken, mails not sent)."""
    return pair.run(_WORK_LEFT)[0]


def check(pair, ledger, history, stock_before, accepted_before=frozenset()):
    """Every check. `stock_before` maps variant ids to units on hand before the storm."""
    orders = {
        number: (status, payment, total, round_)
        for number, status, payment, total, round_ in pair.run(
            "SELECT number, status, payment_status, total_minor, payment_round FROM orders"
        )
        if number not in accepted_before
    }
    return [
        _accepted(orders, history),
        _ended(pair, orders),
        _cancelled(orders, history),
        _automation(orders),
        *_money(orders, ledger),
        *_stock(pair, stock_before),
        *_logs(pair),
        *_leftovers(pair),
        _told_once(pair),
        _no_errors(history),
    ]


def _accepted(orders, history):
    missing = set(history.accepted) - set(orders)
    unknown = set(orders) - set(history.accepted)
    # The order of a buyer who gave up may exist unheard of; nobody may have been told of one that does not.
    holds = not missing and len(unknown) <= len(history.gave_up)
    return Check(
        "every accepted order exists, and no other", holds, f"{len(history.accepted)} accepted, {len(orders)} exist"
    )


_WAITS = """
SELECT o.number || ' waits to ' || w.step || ', tried ' || w.attempt || ' times, due in '
    || round(extract(epoch FROM w.next_run_at - now())) || ' s: ' || coalesce(w.last_error, 'no trouble')
FROM order_processing w JOIN orders o ON o.id = w.order_id WHERE w.step <> 'done' ORDER BY o.number LIMIT 3
"""


def _ended(pair, orders):
    counted = Counter(status for status, *_ in orders.values())
    waiting = [n for n, (status, *_) in orders.items() if status not in ENDED]
    said = [", ".join(f"{n} {status}" for status, n in sorted(counted.items())), *(row[0] for row in pair.run(_WAITS))]
    return Check("every order has ended processing", not waiting, "; ".join(said))


def _cancelled(orders, history):
    undone = [n for n in history.cancelled if orders.get(n, ("lost",))[0] != "cancelled"]
    figures = f"{len(history.cancelled)} granted, {len(undone)} undone"
    return Check("what was cancelled stays cancelled", not undone, figures)


def _automation(orders):
    stuck = [n for n, (status, *_) in orders.items() if status == "on_hold"]
    return Check("none needed a person", not stuck, f"{len(stuck)} on hold {' '.join(stuck[:5])}".strip())


def _money(orders, ledger):
    paid = {n: total for n, (_, payment, total, _) in orders.items() if payment == "captured"}
    taken, captures, loose = Counter(), Counter(), []
    for charge in ledger:
        if charge["order"] not in orders:
            continue
        if charge["captured"]:
            taken[charge["order"]] += charge["captured"] - charge["refunded"]
            captures[charge["order"]] += 1
        elif charge["state"] == "authorized":
            loose.append(charge["order"])
    keys = Counter(charge["key"] for charge in ledger)
    twice = [n for n, count in captures.items() if count > 1] + [k for k, count in keys.items() if count > 1]
    figures = f"captured {sum(taken.values())} = paid {sum(paid.values())} minor units in {len(paid)} orders"
    return [
        # What came back as a whole counts as nothing.
        Check("captured charges equal paid orders, each to the cent", dict(+taken) == paid, figures),
        Check("no order was charged twice", not twice, f"{sum(captures.values())} captures of {len(captures)} orders"),
        Check("no money is left reserved", not loose, f"{len(loose)} authorised, never captured"),
    ]


def _stock(pair, before):
    now = {
        str(v): (on_hand, held) for v, on_hand, held in pair.run("SELECT variant_id, on_hand, held FROM stock_items")
    }
    sold = Counter()
    for variant, units in pair.run(
        "SELECT l.variant_id, sum(l.quantity) FROM order_lines l JOIN orders o ON o.id = l.order_id"
        " WHERE o.payment_status IN ('authorized', 'captured') AND o.status <> 'cancelled' GROUP BY 1"
    ):
        sold[str(variant)] = units
    wrong = [v for v, units in before.items() if now[v][0] + sold[v] != units]
    held = sum(now[v][1] for v in before)
    moved = pair.run(
        "SELECT count(*) FROM stock_items s WHERE on_hand <> (SELECT coalesce(sum(delta), 0) FROM stock_movements m"
        " WHERE m.variant_id = s.variant_id)"
    )[0][0]
    left, gone = sum(now[v][0] for v in before), sum(sold[v] for v in before)
    figures = f"{left} left + {held} held + {gone} sold = {left + held + gone} of {sum(before.values())}"
    return [
        Check("stock sums to what it was", not wrong and held == 0, figures),
        Check("every movement of stock has its row", moved == 0, f"{moved} products differ"),
    ]


def _logs(pair):
    def gaps(log, owner, table):
        return pair.run(
            f"SELECT count(*) FROM (SELECT t.id FROM {table} t LEFT JOIN {log} e ON e.{owner} = t.id"
            " GROUP BY t.id, t.event_seq"
            " HAVING count(e.seq) <> t.event_seq OR coalesce(max(e.seq), 0) <> t.event_seq) AS broken"
        )[0][0]

    found = gaps("order_events", "order_id", "orders"), gaps("account_events", "user_id", "users")
    entries = pair.run("SELECT count(*) FROM order_events")[0][0]
    twice = pair.run(
        "SELECT count(*) FROM (SELECT order_id FROM order_events WHERE type IN ('order.placed', 'order.confirmed')"
        " GROUP BY order_id, type HAVING count(*) > 1) AS doubled"
    )[0][0]
    return [
        Check("logs count 1, 2, 3 … without a gap", found == (0, 0), f"{entries} entries, {sum(found)} logs broken"),
        Check("nothing happened to an order twice", twice == 0, f"{twice} doubled"),
    ]


def _leftovers(pair):
    steps, outbox, facts, deliveries = work_left(pair)
    leases = pair.run("SELECT count(*) FROM order_processing WHERE lease_token IS NOT NULL")[0][0]
    holds = pair.run(
        "SELECT count(*) FROM stock_holds h LEFT JOIN orders o ON o.id = h.order_id"
        " WHERE h.state = 'live' AND o.status IS DISTINCT FROM 'on_hold'"
    )[0][0]
    return [
        Check("no step, lease or hold is left", (steps, leases, holds) == (0, 0, 0), f"{steps}, {leases}, {holds}"),
        Check("nothing waits to be sent", (outbox, facts, deliveries) == (0, 0, 0), f"{outbox}, {facts}, {deliveries}"),
    ]


def _told_once(pair):
    told = defaultdict(Counter)
    for number, kind, count in pair.run(
        "SELECT context ->> 'number', kind || channel || device::text, count(*) FROM deliveries"
        " WHERE kind LIKE 'order.%' GROUP BY 1, 2"
    ):
        told[number][kind] = count
    doubled = [n for n, kinds in told.items() if any(c > 1 for k, c in kinds.items())]
    silent = pair.run("SELECT count(*) FROM orders")[0][0] - len(told)
    return Check(
        "each shopper was told each thing once", not doubled and silent == 0, f"{len(told)} told, {silent} not"
    )


def _no_errors(history):
    errors = sum(count for status, count in history.statuses.items() if status >= 500 and status != 503)
    seen = ", ".join(f"{count} x {status}" for status, count in sorted(history.statuses.items()))
    return Check(
        "no buyer saw an error of ours", errors == 0 and not history.gave_up, f"{seen}; {history.lost_answers} cut"
    )
