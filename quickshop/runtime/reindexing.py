"""The command that lets staff find everybody by words: for a shop whose members registered before that was possible."""

from __future__ import annotations

from uuid import UUID

import click

from quickshop.accounts import findable
from quickshop.kernel.unit_of_work import run_unit
from quickshop.runtime.commanding import at_work

BATCH = 200


def reindex_people(batch: int = BATCH) -> int:
    """Index every member, a batch per unit, while the shop serves; how many. Needs an active application context."""
    done, last = 0, None
    while True:
        count, following = run_unit(lambda after=last: findable.reindex(after, batch))  # type: ignore[misc]
        if following is None:
            return done
        done, last = done + count, following
        _report(done, following)


def _report(done: int, last: UUID) -> None:
    if done % (BATCH * 10) == 0:
        click.echo(f"{done} members so far, up to {last}.")


@click.command("reindex-people")
def reindex_command() -> None:
    """Make the search words of all members anew; safe to run at any time, and to run again."""
    with at_work("command", "Not all members were indexed"):
        done = reindex_people()
    click.echo(f"{done} members can be found by their words.")
