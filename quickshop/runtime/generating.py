"""The command that fills the database of DATABASE_URL with a large catalogue."""

from __future__ import annotations

import time

import click

from quickshop.demo.generate.writing import generate
from quickshop.runtime.commanding import at_work


@click.command()
@click.option("--products", default=1000, show_default=True, type=click.IntRange(1, 1_000_000), help="How many.")
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0, 999), help="The same gives the same.")
def generate_catalog(products: int, seed: int) -> None:
    """Make a catalogue that looks like a real one, beside what is there. For development only."""
    began = time.monotonic()
    with at_work("report", "The catalogue could not be made") as settings:
        if not settings.development:
            raise click.ClickException("Invented products have no place in a real shop; set QUICKSHOP_ENV=development.")
        with click.progressbar(length=products, label="Products") as bar:
            made = generate(products, seed, lambda there: bar.update(there - bar.pos))
    click.echo(f"{made} products made in {time.monotonic() - began:.0f} s; {products - made} were there already.")
