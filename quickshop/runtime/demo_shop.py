"""The command that fills the database of DATABASE_URL with the demo shop."""

from __future__ import annotations

import os

import click
from sqlalchemy.exc import SQLAlchemyError

from quickshop.config import SettingsError, load_settings
from quickshop.demo.seeding import seed
from quickshop.factory import create_app


@click.command()
def demo() -> None:
    """Make what is missing of the demo shop: its products, its stock and its accounts. For development only."""
    try:
        settings = load_settings(os.environ)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    if not settings.development:
        raise click.ClickException("The demo shop has public passwords; it exists in development only.")
    try:
        with create_app(role="command", settings=settings).app_context():
            seed()
    except SQLAlchemyError as error:
        raise click.ClickException(f"The demo shop could not be filled: {str(error).splitlines()[0]}") from error
    click.echo("The demo shop is filled.")
