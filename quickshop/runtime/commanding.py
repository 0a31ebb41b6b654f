"""What commands on the shop's database have in common: its application, a bar, and one sentence where they fail."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from sqlalchemy.exc import SQLAlchemyError

from quickshop.config import Settings, SettingsError, load_settings
from quickshop.factory import create_app
from quickshop.kernel import tracing
from quickshop.runtime.running import settings_beside


@contextmanager
def at_work(role: str, failed: str) -> Iterator[Settings]:
    """Inside, the application of the environment's settings, in a role of `create_app`; what is done is the system's.

    Without a DATABASE_URL they are those of the shop that runs in QUICKSHOP_HOME.

    A setting that is refused ends the command with its sentence, a database that fails with `failed` and its reason.
    """
    try:
        settings = load_settings(settings_beside(os.environ))
        with create_app(role=role, settings=settings).app_context():
            tracing.set_actor(tracing.SYSTEM)
            yield settings
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    except SQLAlchemyError as error:
        raise click.ClickException(f"{failed}: {str(error).splitlines()[0]}") from error


def progress(*, shown: bool = True, transient: bool = False) -> Progress:
    """A bar on the terminal, beside what the command prints."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not shown, transient=transient)
