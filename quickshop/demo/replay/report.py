"""What a person sees of a replay: progress bars, and tables at the end. Also the two CSV files."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from quickshop.demo.replay.latency import Speed
from quickshop.demo.replay.reading import COLUMNS, Reading, Refusal
from quickshop.demo.replay.reconcile import Pair, Reconciliation, Sums

_TOP = 10
_MOST_DIFFERENCES = 40


def progress(console: Console) -> Progress:
    """The bars; they redraw twice a second, to leave the processor to the shop."""
    return Progress(
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        refresh_per_second=2,
        auto_refresh=console.is_terminal,
    )


def pounds(minor: int) -> str:
    """An amount in pounds."""
    sign, minor = "-" if minor < 0 else "", abs(minor)
    return f"{sign}{minor // 100:,}.{minor % 100:02d}"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right")
    return table


def show_refusals(console: Console, reading: Reading, refusals: Iterable[Refusal]) -> None:
    """Lines refused, with the count of each reason and one example."""
    refusals = list(refusals)
    counts = Counter(r.reason for r in refusals)
    examples = {r.reason: f"line {r.number}: {r.detail}" for r in reversed(refusals)}
    table = Table(title="Lines refused", title_justify="left")
    table.add_column("reason")
    table.add_column("lines", justify="right")
    table.add_column("for example")
    for reason, n in counts.most_common():
        table.add_row(str(reason), f"{n:,}", examples[reason])
    table.add_row("all", f"{len(refusals):,}", f"of {reading.lines:,} lines in the file")
    console.print(table)


def show_days(console: Console, found: Reconciliation) -> None:
    """Orders, units and money per day of the file, on both sides."""
    columns = ("orders: file", "shop", "units: file", "shop", "GBP: file", "shop", "difference")
    table = _table("Per day of the file", "day", *columns)
    for day, pair in found.days.items():
        table.add_row(day.strftime("%Y-%m-%d %a"), *_both_sides(pair))
    total = Pair(
        file=sum((p.file for p in found.days.values()), start=Sums()),
        shop=sum((p.shop for p in found.days.values()), start=Sums()),
    )
    table.add_row("all", *_both_sides(total), style="bold")
    console.print(table)


def _both_sides(pair: Pair) -> tuple[str, ...]:
    file, shop = pair.file, pair.shop
    return (
        f"{file.orders:,}",
        f"{shop.orders:,}",
        f"{file.units:,}",
        f"{shop.units:,}",
        pounds(file.worth),
        pounds(shop.worth),
        _difference(pair),
    )


def _difference(pair: Pair) -> str:
    return "0" if pair.equal else f"{pair.shop.orders - pair.file.orders:+} / {pair.shop.units - pair.file.units:+}"


def show_products(console: Console, found: Reconciliation, names: Mapping[str, str]) -> None:
    """The products that differ, the ones most bought, and how many there are."""
    unequal = [code for code, pair in found.products.items() if not pair.equal]
    most = sorted(found.products, key=lambda code: -found.products[code].file.units)[:_TOP]
    table = _table("Per product", "product", "orders: file", "shop", "units: file", "shop", "difference")
    for code in [*unequal[:_MOST_DIFFERENCES], *(c for c in most if c not in unequal)]:
        pair = found.products[code]
        cells = (f"{n:,}" for n in (pair.file.orders, pair.shop.orders, pair.file.units, pair.shop.units))
        table.add_row(f"{code} {names.get(code, '')}"[:48], *cells, _difference(pair))
    console.print(table)
    cells_unequal = sum(not pair.equal for pair in found.cells.values())
    console.print(
        f"{len(found.products):,} products compared, {len(unequal)} differ; "
        f"{len(found.cells):,} pairs of product and day compared, {cells_unequal} differ; "
        f"{len(found.customers):,} customers compared, {sum(not p.equal for p in found.customers.values())} differ.\n"
    )


def show_money(console: Console, found: Reconciliation) -> None:
    """The money of the orders beside the file's and the gateway's."""
    money = found.money
    captured = "not asked (no --gateway-url)" if money.captured is None else pounds(money.captured)
    table = _table("Money, GBP", "", "amount")
    table.add_row("file, units at catalogue price", pounds(money.file))
    table.add_row("shop, subtotals of its orders", pounds(money.subtotal))
    table.add_row("shop, shipping", pounds(money.shipping))
    table.add_row("shop, totals of its orders", pounds(money.total))
    table.add_row("shop, given back by refunds", pounds(money.given_back))
    table.add_row("shop, invoices less credit notes", pounds(money.invoiced))
    table.add_row("shop, paid less given back", pounds(money.paid))
    table.add_row("gateway's ledger, captured less refunded", captured)
    console.print(table)


def show_speed(console: Console, speed: Speed | None, found: Reconciliation) -> None:
    """Orders a second, waits, and the classes the orders were processed in."""
    classes = Counter(o.priority for o in found.orders)
    console.print("Classes: " + ", ".join(f"{name} {n:,}" for name, n in classes.most_common()))
    if speed is None:
        console.print("Speed: nothing was bought in this run.")
        return
    start = "POST /orders was sent" if speed.from_post else "the shop's placed_at"
    console.print(
        f"Speed: {speed.orders:,} orders placed and confirmed in {speed.seconds:.1f} s, {speed.rate:.1f} orders/s. "
        f"From the moment {start} to confirmed_at: "
        f"p50 {speed.p50 * 1000:.0f} ms, p95 {speed.p95 * 1000:.0f} ms, slowest {speed.slowest * 1000:.0f} ms.",
        soft_wrap=True,
    )


def show_verdict(console: Console, differences: list[str]) -> None:
    """The differences, or that there are none."""
    if not differences:
        console.print("[bold green]No difference.[/] The shop has what the file says, and the gateway took its money.")
        return
    console.print(f"[bold red]{len(differences)} differences:[/]")
    for line in differences[:_MOST_DIFFERENCES]:
        console.print(f"  {line}", markup=False)
    if len(differences) > _MOST_DIFFERENCES:
        console.print(f"  … and {len(differences) - _MOST_DIFFERENCES} more")


def write_refusals(path: Path, refusals: Iterable[Refusal]) -> None:
    """Every refused line as it stands in the file, with its number and reason. Raises OSError."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["Line", "Reason", "Detail", *COLUMNS])
        writer.writerows([r.number, str(r.reason), r.detail, *r.cells] for r in refusals)


def write_sums(path: Path, found: Reconciliation) -> None:
    """Orders and units of each product on each day, on both sides. Raises OSError."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["StockCode", "Day", "FileOrders", "FileUnits", "ShopOrders", "ShopUnits"])
        for (code, day), pair in found.cells.items():
            counts = (pair.file.orders, pair.file.units, pair.shop.orders, pair.shop.units)
            writer.writerow([code, day.isoformat(), *counts])
