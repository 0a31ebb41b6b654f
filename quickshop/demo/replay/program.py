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
from quickshop.demo.replay.reconcile import Back, Expected, Reconciliation, reconcile
from quickshop.demo.replay.shop_side import Books, charges
from quickshop.demo.replay.state import Journal
from quickshop.demo.replay.stocking import OnSale, Storeroom, other_prices
from quickshop.demo.replay.taking_back import Returner
from quickshop.demo.replay.undoing import Undo, Unmatched, match

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
    undos: Sequence[Undo]
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
        played = _play(wish, shop, staff, plan, offered, storeroom, journal, bar)
        found = _read_back(wish, Books(shop, staff, wish.buyers), plan, offered, bar)
    found.differences[:0] = played.failed
    _tell(console, wish, shop, plan, played, found, other_prices(plan.products.values(), offered))
    return not found.differences


def _plan(wish: Wish) -> _Plan:
    reading = read_file(wish.file)
    everything = [p for p in purchases(invoices(reading.sales), wish.prefix) if wish.covers(p.day)]
    undos, unmatched = match([line for line in reading.cancelling if wish.covers(line.at.date())], everything)
    refusals = [*reading.refusals, *map(_refusal, unmatched)]
    digest = hashlib.sha256(wish.file.read_bytes()).hexdigest()[:16]
    return _Plan(
        reading=reading,
        refusals=sorted((r for r in refusals if wish.covers(r.at.date() if r.at else None)), key=lambda r: r.number),
        products=catalogue(reading),
        purchases=everything,
        undos=undos,
        key=f"{digest} {wish.prefix}",
    )


def _refusal(missed: Unmatched) -> Refusal:
    """A cancelling line of which some units, or all, undo nothing."""
    line = missed.line
    cells = (line.invoice, line.code, line.description, str(line.quantity), str(line.at), str(line.price))
    detail = f"invoice {line.invoice}: {missed.units} of {-line.quantity} units, {missed.why}"
    return Refusal(line.number, (*cells, line.customer, line.country), Reason.CANCELLATION, detail, line.at)


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


def _play(
    wish: Wish,
    shop: Client,
    staff: Session,
    plan: _Plan,
    offered: Mapping[str, OnSale],
    storeroom: Storeroom,
    journal: Journal,
    bar: Bar,
) -> Played:
    to_buy = [p for p in plan.purchases if p.reference not in journal.bought]
    to_undo = [u for u in plan.undos if u.reference not in journal.undone]
    people = People(shop, Mailbox(wish.mail_url, _WELCOMING) if wish.mail_url else None)
    _welcome(people, [*to_buy, *to_undo], journal, bar)
    tick = bar("orders", len(plan.purchases) + len(plan.undos))
    for _ in range(len(plan.purchases) + len(plan.undos) - len(to_buy) - len(to_undo)):
        tick()
    buyer = Buyer(shop, people, storeroom, offered)
    returner = Returner(shop, staff, people, Client(wish.gateway_url, wish.buyers) if wish.gateway_url else None)
    schedule = Schedule([*to_buy, *to_undo], wish.speed)
    return Play(schedule, buyer, journal, tick, returner).run(wish.buyers)


def _welcome(people: People, left: Iterable[Purchase | Undo], journal: Journal, bar: Bar) -> None:
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
    expected = [_expected(p, plan.undos, offered) for p in plan.purchases]
    numbers = books.numbers({p.reference for p in plan.purchases})
    orders = books.orders(numbers, _END_SECONDS, bar("reading back", len(numbers)))
    ledger = charges(Client(wish.gateway_url, 1)) if wish.gateway_url else None
    return reconcile(expected, orders, ledger)


def _expected(purchase: Purchase, undos: Sequence[Undo], offered: Mapping[str, OnSale]) -> Expected:
    def worth(units: Mapping[str, int]) -> int:
        return sum(n * offered[code].price_minor for code, n in units.items())

    email = Member(purchase.customer).email if purchase.customer else guest_email(purchase.reference)
    backs = [Back(undo, worth(undo.units)) for undo in undos if undo.purchase is purchase]
    return Expected(purchase, email, worth(purchase.units), backs)


def _tell_plan(console: Console, plan: _Plan) -> None:
    sold = {line.invoice for line in plan.reading.sales}
    emptied = {r.cells[0] for r in plan.reading.refusals if r.reason not in (Reason.CANCELLATION, Reason.UNREADABLE)}
    units = sum(sum(p.units.values()) for p in plan.purchases)
    console.print(
        f"{plan.reading.lines:,} lines: {len(plan.reading.sales):,} to buy, "
        f"{len(plan.reading.cancelling):,} that cancel, {len(plan.reading.refusals):,} refused. "
        f"{len(plan.purchases):,} orders of {len({p.invoice for p in plan.purchases}):,} invoices with {units:,} units "
        f"of {len(plan.products):,} products; {len(emptied - sold):,} sales invoices have no line left to buy."
    )
    cancelled = sum(undo.whole for undo in plan.undos)
    console.print(
        f"{len({undo.invoice for undo in plan.undos}):,} cancelling invoices undo "
        f"{sum(sum(undo.units.values()) for undo in plan.undos):,} units: {cancelled:,} orders are cancelled, "
        f"{len(plan.undos) - cancelled:,} returns come back from others."
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
