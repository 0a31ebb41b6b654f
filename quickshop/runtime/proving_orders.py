"""The command `verify-orders`: proves by their digests that orders are as they were placed."""

from __future__ import annotations

from collections import Counter

import click

from quickshop.kernel.unit_of_work import reading
from quickshop.orders import proving
from quickshop.runtime.commanding import at_work, progress


@click.command("verify-orders")
@click.option("--renew", is_flag=True, help="First sign what is whole anew under the newest of MASTER_KEYS.")
def verify_orders(renew: bool) -> None:
    """Prove that no order was changed since it was placed. Names each that was, and what differs; then ends with 1."""
    with at_work("report", "The orders cannot be read"):
        if renew:
            click.echo(f"{_renew()} digests renewed under the newest key.")
        counted = _verify()
    said = {
        "whole": "as they were placed",
        "unsigned": "older than digests",
        "unknown_key": "signed under a key that is not among MASTER_KEYS",
        "differs": "changed",
    }
    for state, words in said.items():
        if counted[state] or state == "whole":
            click.echo(f"{counted[state]} orders {words}.")
    if counted["differs"] or counted["unknown_key"]:
        raise SystemExit(1)


def _total() -> int:
    with reading():
        return proving.count_orders()


def _renew() -> int:
    renewed = 0
    with progress(transient=True) as bar:
        task = bar.add_task("renewing digests", total=_total())
        for looked, done in proving.renew():
            renewed += done
            bar.advance(task, looked)
    return renewed


def _verify() -> Counter[str]:
    counted: Counter[str] = Counter()
    with progress(transient=True) as bar:
        task = bar.add_task("verifying orders", total=_total())
        for page in proving.prove_all():
            for proof in page:
                counted[proof.state] += 1
                if proof.state == "differs":
                    click.echo(f"CHANGED {proof.number}: {', '.join(proof.differs)}", err=True)
                elif proof.state == "unknown_key":
                    click.echo(f"UNPROVED {proof.number}: its key is missing", err=True)
            bar.advance(task, len(page))
    return counted
