"""A whole replay: read the file, stock the shop, welcome the customers, buy, read back, compare, tell."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from rich.console import Console

from quickshop.demo.replay import report
from quickshop.demo.replay.accounts import Mailbox, Member, People, Session, guest_email
from quickshop.demo.replay.buying import Buyer
from quickshop.demo.replay.catalogue import Product, catalogue
from quickshop.demo.replay.client import Client
from quickshop.demo.replay.countries import DEFAULT, code_of
from quickshop.demo.replay.hands import in_parallel
from quickshop.demo.replay.invoices import Purchase, invoices, purchases
from quickshop.demo.replay.latency import speed
from quickshop.demo.replay.playing import Play, Played, Schedule
from quickshop.demo.replay.reading import Reading, Reason, Refusal, read_file
from quickshop.demo.replay.reconcile import Expected, Reconciliation, reconcile
from quickshop.demo.replay.shop_side import Books, charges
from quickshop.demo.replay.state import Journal
from quickshop.demo.replay.stocking import OnSale, Storeroom, other_prices

_END_SECONDS = 120.0
_WELCOMING = 8  # a sign-up waits for its mail as long as for its password to be hashed


@dataclass(frozen=True)
class Wish:
    """What to replay, where, and how. `speed` None is as fast as can be; `first` and `last` are days of the file."""

    file: Path
    url: str
    staff_login: str
    staff_password: str
    state: Path
    mail_url: str | None = None
    gateway_url: str | None = None
    staff_totp_secret: str | None = None
    speed: float | None = None
    buyers: int = 16
    first: date | None = None
    last: date | None = None
    prefix: str = ""
    refused: Path | None = None
    sums: Path | None = None

    def covers(self, day: date | None) -> bool:
        """Whether a day is asked for; None (a line whose date cannot be read) always is."""
        return day is None or ((self.first is None or day >= self.first) and (self.last is None or day <= self.last))


@dataclass(frozen=True)
class _Plan:
    """What the file means for this wish. Prices and stock come from the whole file, purchases from the days asked."""

    reading: Reading
    refusals: Sequence[Refusal]
    products: Mapping[str, Product]
    purchases: Sequence[Purchase]
    key: str


def replay(wish: Wish, console: Console) -> bool:
    """Do it; whether there was no difference.

    Raises NotOnlineRetail, OSError, Refused, ShopUnreachable, NoMailbox, ForeignSku, and KeyboardInterrupt after what
    was begun is finished. All of them leave a state from which the next run goes on.
    """
    plan = _plan(wish)
    _tell_plan(console, plan)
    if wish.refused:
        report.write_refusals(wish.refused, plan.refusals)
    shop = Client(wish.url, wish.buyers)
    staff = Session(shop, wish.staff_login, wish.staff_password, wish.staff_totp_secret)
    storeroom = Storeroom(shop, staff, wish.buyers)
    category = storeroom.open_category()
    with _journal(wish.state, category) as journal, report.progress(console) as bars:
        bar = partial(_bar, bars)
        offered = _stock(storeroom, plan, category, journal, bar)
        played = _buy(wish, shop, storeroom, plan, offered, journal, bar)
        found = _read_back(wish, Books(shop, staff, wish.buyers), plan, offered, bar)
    found.differences[:0] = played.failed
    _tell(console, wish, shop, plan, played, found, other_prices(plan.products.values(), offered))
    return not found.differences


def _plan(wish: Wish) -> _Plan:
    reading = read_file(wish.file)
    everything = purchases(invoices(reading.sales), wish.prefix)
    digest = hashlib.sha256(wish.file.read_bytes()).hexdigest()[:16]
    return _Plan(
        reading=reading,
        refusals=[r for r in reading.refusals if wish.covers(r.at.date() if r.at else None)],
        products=catalogue(reading),
        purchases=[p for p in everything if wish.covers(p.day)],
        key=f"{digest} {wish.prefix}",
    )


@contextmanager
def _journal(folder: Path, shop: str) -> Iterator[Journal]:
    journal = Journal(folder, shop)
    try:
        yield journal
    finally:
        journal.close()


Bar = Callable[[str, int], Callable[[], None]]


def _bar(bars: report.Progress, name: str, total: int) -> Callable[[], None]:
    """A new bar; the result moves it by one."""
    task = bars.add_task(name, total=total)
    return lambda: bars.advance(task)


def _stock(storeroom: Storeroom, plan: _Plan, category: str, journal: Journal, bar: Bar) -> dict[str, OnSale]:
    storeroom.open_shipping()
    if plan.key in journal.stocked:
        there = storeroom.on_sale()
        if plan.products.keys() <= there.keys():
            return there
    tick = bar("catalogue", len(plan.products))
    offered = storeroom.offer(list(plan.products.values()), category, tick)
    journal.note_stocked(plan.key)
    return offered


def _buy(
    wish: Wish,
    shop: Client,
    storeroom: Storeroom,
    plan: _Plan,
    offered: Mapping[str, OnSale],
    journal: Journal,
    bar: Bar,
) -> Played:
    left = [p for p in plan.purchases if p.reference not in journal.bought]
    people = People(shop, Mailbox(wish.mail_url, _WELCOMING) if wish.mail_url else None)
    _welcome(people, left, journal, bar)
    tick = bar("orders", len(plan.purchases))
    for _ in range(len(plan.purchases) - len(left)):
        tick()
    buyer = Buyer(shop, people, storeroom, offered)
    return Play(Schedule(left, wish.speed), buyer, journal, tick).run(wish.buyers)


def _welcome(people: People, left: Iterable[Purchase], journal: Journal, bar: Bar) -> None:
    customers = list(dict.fromkeys(p.customer for p in left if p.customer))
    tick = bar("customers", len(customers))

    def one(customer: str) -> None:
        known = customer in journal.welcomed
        people.welcome(customer, known=known)
        if not known:
            journal.note_welcomed(customer)
        tick()

    for _ in in_parallel(one, customers, _WELCOMING):
        pass


def _read_back(wish: Wish, books: Books, plan: _Plan, offered: Mapping[str, OnSale], bar: Bar) -> Reconciliation:
    expected = [_expected(p, offered) for p in plan.purchases]
    numbers = books.numbers({p.reference for p in plan.purchases})
    orders = books.orders(numbers, _END_SECONDS, bar("reading back", len(numbers)))
    ledger = charges(Client(wish.gateway_url, 1)) if wish.gateway_url else None
    return reconcile(expected, orders, ledger)


def _expected(purchase: Purchase, offered: Mapping[str, OnSale]) -> Expected:
    email = Member(purchase.customer).email if purchase.customer else guest_email(purchase.reference)
    return Expected(purchase, email, sum(n * offered[code].price_minor for code, n in purchase.units.items()))


def _tell_plan(console: Console, plan: _Plan) -> None:
    sold = {line.invoice for line in plan.reading.sales}
    emptied = {r.cells[0] for r in plan.reading.refusals if r.reason not in (Reason.CANCELLATION, Reason.UNREADABLE)}
    units = sum(sum(p.units.values()) for p in plan.purchases)
    console.print(
        f"{plan.reading.lines:,} lines: {len(plan.reading.sales):,} to buy, {len(plan.reading.refusals):,} refused. "
        f"{len(plan.purchases):,} orders of {len({p.invoice for p in plan.purchases}):,} invoices with {units:,} units "
        f"of {len(plan.products):,} products; {len(emptied - sold):,} sales invoices have no line left to buy."
    )
    strange = sorted({p.country for p in plan.purchases if code_of(p.country) is None})
    if strange:
        console.print(f"Countries not known, taken as {DEFAULT}: {', '.join(strange)}", markup=False)


def _tell(
    console: Console, wish: Wish, shop: Client, plan: _Plan, played: Played, found: Reconciliation, dearer: int
) -> None:
    report.show_refusals(console, plan.reading, plan.refusals)
    report.show_days(console, found)
    report.show_products(console, found, {code: p.name for code, p in plan.products.items()})
    report.show_money(console, found)
    if dearer:
        console.print(f"{dearer} products were in the shop at another price than the file's median; that one counts.")
    if played.not_ended:
        console.print(f"{len(played.not_ended)} orders had not ended when their customer's next one began.")
    report.show_speed(console, speed(played.placed, found.orders, same_clock=shop.is_loopback), found)
    report.show_verdict(console, found.differences)
    if wish.sums:
        report.write_sums(wish.sums, found)
