"""The command that brings the database of DATABASE_URL to the newest migration."""

from __future__ import annotations

import os
from pathlib import Path

import click
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import SQLAlchemyError

from quickshop.runtime import databases
from quickshop.runtime.failures import CannotStart

MIGRATIONS = Path(__file__).resolve().parent.parent.parent / "migrations"


def configuration() -> Config:
    """Alembic's configuration; the database's address is read by migrations/env.py."""
    made = Config()
    # Config values are interpolated: a percent sign in a path must be doubled.
    made.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return made


@click.command()
@click.option("--to", "target", default="head", show_default=True, help="The revision to go up to.")
def migrate(target: str) -> None:
    """Bring the database of DATABASE_URL up to date."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        raise click.ClickException("DATABASE_URL is not set.")
    try:
        databases.refuse_unusable(url)
        command.upgrade(configuration(), target)
    except CannotStart as refusal:
        raise click.ClickException(str(refusal)) from None
    except SQLAlchemyError as error:
        raise click.ClickException(f"The migration failed: {str(error).splitlines()[0]}") from error
    click.echo(f"The database {databases.shown(url)} is at {databases.revision(url)}.")
