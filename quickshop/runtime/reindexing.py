"""The command that lets staff find everybody by words: for a shop whose members registered before that was possible."""

from __future__ import annotations

import os
from uuid import UUID

import click
from sqlalchemy.exc import SQLAlchemyError

from quickshop.accounts import findable
from quickshop.config import SettingsError, load_settings
from quickshop.factory import create_app
from quickshop.kernel.unit_of_work import run_unit

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
    try:
        settings = load_settings(os.environ)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    try:
        with create_app(role="command", settings=settings).app_context():
            done = reindex_people()
    except SQLAlchemyError as error:
        raise click.ClickException(f"Not all members were indexed: {str(error).splitlines()[0]}") from error
    click.echo(f"{done} members can be found by their words.")
