"""The command behind `make run`."""

from __future__ import annotations

import os
import sys

import click
import psycopg2

from quickshop.runtime import shop
from quickshop.runtime.failures import CannotStart


@click.command()
@click.option("--verbose", "-v", is_flag=True, help="Show every line of every process, not only what matters.")
def run(verbose: bool) -> None:
    """Run the whole shop here: database, broker, web, relay, workers and the simulated gateway."""
    try:
        code = shop.run(os.environ, verbose=verbose)
    except CannotStart as refusal:
        click.echo(f"QuickShop cannot start: {refusal}", err=True)
        code = 1
    except psycopg2.Error as error:
        click.echo(f"QuickShop cannot go on: the database stopped answering ({str(error).splitlines()[0]})", err=True)
        code = 1
    except OSError as error:
        click.echo(f"QuickShop cannot go on: {error}", err=True)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.stdout.flush()
    raise SystemExit(code)
