"""Comparing what the file says with what the shop and the gateway say. Pure; amounts in minor units."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import zip_longest
from typing import TypeVar

from quickshop.demo.replay.invoices import Purchase
from quickshop.demo.replay.undoing import Undo

Key = TypeVar("Key", date, str, tuple[str, date])


@dataclass(frozen=True)
class Back:
    """What an undo of the file takes back of a purchase, in units and at catalogue price."""

    undo: Undo
    worth: int


@dataclass(frozen=True)
class Expected:
    """A purchase with its address and its worth at catalogue price, and what undoes it, in time order."""

    purchase: Purchase
    email: str
    worth: int
    backs: Sequence[Back] = ()

    @property
    def cancelled(self) -> bool:
        """Whether all of it is undone at once, before anything was packed."""
        return any(back.undo.whole for back in self.backs)


@dataclass(frozen=True)
class GivenBack:
    """A refund as the shop tells it: units by product code; `amount` has its `shipping`."""

    units: Mapping[str, int]
    amount: int
    shipping: int


@dataclass(frozen=True)
class ShopOrder:
    """An order as the shop tells it. `invoiced` and `credited` are sums of its papers; None: nobody asked."""

    number: str
    reference: str
    email: str | None
    status: str
    payment_status: str
    priority: str
    units: Mapping[str, int]
    subtotal: int
    shipping: int
    total: int
    placed_at: str
    confirmed_at: str | None
    refunds: Sequence[GivenBack] = ()
    invoiced: int | None = None
    credited: int | None = None

    @property
    def given_back(self) -> int:
        """All that went back."""
        return sum(refund.amount for refund in self.refunds)


@dataclass(frozen=True)
class Charge:
    """A charge as the gateway's ledger has it."""

    order: str
    state: str
    amount: int
    captured: int
    refunded: int


@dataclass(frozen=True)
class Sums:
    """Orders and units, less those taken back, of a day, a product, a product on a day, or a customer, on one side;
    `worth` of a day and a customer only.
    """

    orders: int = 0
    units: int = 0
    worth: int = 0

    def __add__(self, other: Sums) -> Sums:
        return Sums(self.orders + other.orders, self.units + other.units, self.worth + other.worth)


@dataclass(frozen=True)
class Pair:
    """The same sums in the file and in the shop."""

    file: Sums
    shop: Sums

    @property
    def equal(self) -> bool:
        """Whether there is no difference."""
        return self.file == self.shop


@dataclass
class Money:
    """What should have been paid, what the shop says was, and what the gateway took."""

    file: int = 0  # at catalogue price, without shipping, less what was taken back
    subtotal: int = 0
    shipping: int = 0
    total: int = 0
    paid: int = 0  # totals of the orders the shop holds for paid, less refunds
    given_back: int = 0  # refunds, shipping of cancelled orders among them
    invoiced: int = 0  # invoices less credit notes
    captured: int | None = None  # None: the ledger was not asked


@dataclass
class Reconciliation:
    """The whole comparison. `differences` is empty if and only if all of it agrees."""

    days: dict[date, Pair]
    products: dict[str, Pair]
    cells: dict[tuple[str, date], Pair]  # product and day
    customers: dict[str, Pair]
    money: Money
    orders: list[ShopOrder]  # ours
    differences: list[str] = field(default_factory=list)


def reconcile(
    expected: Sequence[Expected],
    orders: Iterable[ShopOrder],
    charges: Iterable[Charge] | None,
) -> Reconciliation:
    """Compare. `orders` may hold others' too: ours have the reference and address of an expected purchase.

    `charges` None leaves the ledger out.
    """
    wanted = {e.purchase.reference: e for e in expected}
    ours = [o for o in orders if o.reference in wanted and _same_address(o.email, wanted[o.reference].email)]
    file = _Side()
    for e in expected:
        file.add(e.purchase, e.purchase.day, e.purchase.units, e.worth)
        for back in e.backs:
            file.take_back(e.purchase, back.undo.day, back.undo.units, back.worth)
    shop = _Side()
    for order in ours:
        e = wanted[order.reference]
        shop.add(e.purchase, e.purchase.day, order.units, order.subtotal)
        # Which refund was for which undo their order says: a customer's own follow each other strictly.
        for given, back in zip_longest(order.refunds, e.backs):
            if given is not None:
                day = back.undo.day if back is not None else e.purchase.day
                shop.take_back(e.purchase, day, given.units, given.amount - given.shipping)
    found = Reconciliation(
        days=_pairs(file.days, shop.days),
        products=_pairs(file.products, shop.products),
        cells=_pairs(file.cells, shop.cells),
        customers=_pairs(file.customers, shop.customers),
        money=_money(expected, ours),
        orders=ours,
    )
    found.differences += _order_differences(wanted, ours)
    found.differences += _sum_differences(found)
    if charges is not None:
        found.differences += _ledger_differences(found, charges)
    return found


def _same_address(email: str | None, expected: str) -> bool:
    # An erased person's order has none; the reference must do.
    return email is None or email.lower() == expected.lower()


class _Side:
    """Sums of one side."""

    def __init__(self) -> None:
        self.days: dict[date, Sums] = defaultdict(Sums)
        self.products: dict[str, Sums] = defaultdict(Sums)
        self.cells: dict[tuple[str, date], Sums] = defaultdict(Sums)
        self.customers: dict[str, Sums] = defaultdict(Sums)

    def add(self, by: Purchase, day: date, units: Mapping[str, int], worth: int) -> None:
        """Count one order."""
        self._count(by, day, units, worth, 1)

    def take_back(self, by: Purchase, day: date, units: Mapping[str, int], worth: int) -> None:
        """Take units of an order off again, on the day that took them back."""
        self._count(by, day, {code: -n for code, n in units.items()}, -worth, 0)

    def _count(self, by: Purchase, day: date, units: Mapping[str, int], worth: int, orders: int) -> None:
        self.days[day] += Sums(orders, sum(units.values()), worth)
        self.customers[by.customer or "guests"] += Sums(orders, sum(units.values()), worth)
        for code, n in units.items():
            self.products[code] += Sums(orders, n)
            self.cells[code, day] += Sums(orders, n)


def _pairs(file: Mapping[Key, Sums], shop: Mapping[Key, Sums]) -> dict[Key, Pair]:
    nothing = Sums()
    return {key: Pair(file.get(key, nothing), shop.get(key, nothing)) for key in sorted(file.keys() | shop.keys())}


def _money(expected: Iterable[Expected], ours: Sequence[ShopOrder]) -> Money:
    return Money(
        file=sum(e.worth - sum(back.worth for back in e.backs) for e in expected),
        subtotal=sum(o.subtotal for o in ours),
        shipping=sum(o.shipping for o in ours),
        total=sum(o.total for o in ours),
        paid=sum(_paid(o) for o in ours),
        given_back=sum(o.given_back for o in ours),
        invoiced=sum((o.invoiced or 0) - (o.credited or 0) for o in ours),
    )


_PAID = frozenset({"captured", "partially_refunded", "refunded"})


def _paid(order: ShopOrder) -> int:
    return order.total - order.given_back if order.payment_status in _PAID else 0


def _order_differences(wanted: Mapping[str, Expected], ours: Sequence[ShopOrder]) -> list[str]:
    found = []
    times = Counter(o.reference for o in ours)
    for reference in wanted:
        if times[reference] != 1:
            found.append(f"{reference} was bought {times[reference]} times")
    for order in ours:
        e = wanted[order.reference]
        label = f"{order.reference} ({order.number})"
        if dict(order.units) != dict(e.purchase.units):
            found.append(f"{label} holds other units than the file: {_unlike(e.purchase.units, order.units)}")
        if order.subtotal != e.worth:
            found.append(f"{label} costs {order.subtotal}, at catalogue price {e.worth}")
        if order.total != order.subtotal + order.shipping:
            found.append(f"{label} has the total {order.total}, its parts sum to {order.subtotal + order.shipping}")
        if (order.status, order.payment_status) != _end(e, order):
            found.append(f"{label} ended as {order.status}, {order.payment_status}")
        found += [f"{label} {said}" for said in (*_back_differences(e, order), *_paper_differences(order))]
    return found


def _end(e: Expected, order: ShopOrder) -> tuple[str, str]:
    """How an order must have ended."""
    if e.cancelled:
        return "cancelled", "refunded"
    if e.backs:
        return "completed", "refunded" if order.given_back == order.total else "partially_refunded"
    return "confirmed", "captured"


def _back_differences(e: Expected, order: ShopOrder) -> Iterator[str]:
    """Each undo has one refund of its units at what was paid for them; a cancelled order's shipping goes back too."""
    for given, back in zip_longest(order.refunds, e.backs):
        if given is None or back is None:
            yield f"has {len(order.refunds)} refunds for {len(e.backs)} invoices that undo it"
            return
        shipping = order.shipping if back.undo.whole else 0
        if dict(given.units) != dict(back.undo.units):
            yield f"gave back other units than {back.undo.invoice}: {_unlike(back.undo.units, given.units)}"
        if (given.amount - given.shipping, given.shipping) != (back.worth, shipping):
            yield f"gave back {given.amount} for {back.undo.invoice}, at catalogue price {back.worth} and {shipping}"


def _paper_differences(order: ShopOrder) -> Iterator[str]:
    if order.invoiced is not None and order.invoiced != order.total:
        yield f"is invoiced at {order.invoiced}, its total is {order.total}"
    if order.credited is not None and order.credited != order.given_back:
        yield f"has credit notes over {order.credited}, {order.given_back} went back"


def _unlike(file: Mapping[str, int], shop: Mapping[str, int]) -> str:
    codes = [c for c in sorted(file.keys() | shop.keys()) if file.get(c, 0) != shop.get(c, 0)]
    return ", ".join(f"{c} {file.get(c, 0)}/{shop.get(c, 0)}" for c in codes[:5]) + (" …" if len(codes) > 5 else "")


def _sum_differences(found: Reconciliation) -> list[str]:
    said = [f"{day}: {_both(pair)}" for day, pair in found.days.items() if not pair.equal]
    said += [f"{code}: {_both(pair)}" for code, pair in found.products.items() if not pair.equal]
    said += [f"customer {who}: {_both(pair)}" for who, pair in found.customers.items() if not pair.equal]
    return said + [f"{code} on {day}: {_both(pair)}" for (code, day), pair in found.cells.items() if not pair.equal]


def _both(pair: Pair) -> str:
    file, shop = pair.file, pair.shop
    return (
        f"{file.orders} orders, {file.units} units, {file.worth} in the file; "
        f"{shop.orders}, {shop.units}, {shop.worth} in the shop"
    )


def _ledger_differences(found: Reconciliation, charges: Iterable[Charge]) -> list[str]:
    """Each order paid once and fully, and no charge of ours left half-done."""
    ours = {o.number: o for o in found.orders}
    taken: Counter[str] = Counter()
    said = []
    for charge in charges:
        if charge.order not in ours:
            continue
        taken[charge.order] += charge.captured - charge.refunded
        if charge.state in ("authorized", "pending"):
            said.append(f"{charge.order}: the gateway still holds a charge that is {charge.state}")
    found.money.captured = sum(taken.values())
    for number, order in ours.items():
        if taken[number] != _paid(order):
            said.append(f"{number}: the gateway took {taken[number]}, the shop says {_paid(order)}")
    return said
