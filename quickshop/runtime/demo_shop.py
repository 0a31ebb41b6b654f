"""The command that fills the database of DATABASE_URL with the demo shop."""

from __future__ import annotations

import click

from quickshop.demo.seeding import seed
from quickshop.runtime.commanding import at_work


@click.command()
def demo() -> None:
    """Make what is missing of the demo shop: its products, its stock and its accounts. For development only."""
    with at_work("command", "The demo shop could not be filled") as settings:
        if not settings.development:
            raise click.ClickException("The demo shop has public passwords; it exists in development only.")
        seed()
    click.echo("The demo shop is filled.")
