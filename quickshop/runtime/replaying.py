"""The command `replay`: finds the shop by its folder or its address, and says in a sentence what went wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from quickshop.demo.replay.accounts import NoMailbox
from quickshop.demo.replay.client import Refused, ShopUnreachable
from quickshop.demo.replay.program import Wish, replay
from quickshop.demo.replay.reading import NotOnlineRetail
from quickshop.demo.replay.stocking import ForeignSku
from quickshop.runtime import home

_DIFFERENT, _FAILED, _STOPPED = 1, 2, 130
_FILE_WIDTH = 120
_Day = click.DateTime(["%Y-%m-%d"])


def _speed(_ctx: click.Context, _param: click.Parameter, value: str) -> float | None:
    """The --speed option: None for max, else a positive number."""
    if value == "max":
        return None
    try:
        speed = float(value)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise click.BadParameter("give `max`, or how many times faster than the file's own time, such as 1 or 600.")
    return speed


def _prefix(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """The --reference-prefix option; the shop takes client_references of up to 100 characters."""
    if len(value) > 40 or not (value.isascii() and value.isprintable()):
        raise click.BadParameter("give at most 40 printable ASCII characters.")
    return value


@click.command("replay")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--home", "home_path", type=click.Path(path_type=Path), help="The running shop's QUICKSHOP_HOME.")
@click.option("--url", help="The shop's address, where its folder is not at hand; needs a staff account.")
@click.option("--staff-login", envvar="QUICKSHOP_STAFF_LOGIN", help="With --url: the staff account.")
@click.option("--staff-password", envvar="QUICKSHOP_STAFF_PASSWORD", help="With --url; better by the environment.")
@click.option(
    "--staff-totp-secret", envvar="QUICKSHOP_STAFF_TOTP_SECRET", help="With --url: its TOTP secret, in base32."
)
@click.option("--mail-url", help="With --url: where verification mails can be read (`mail_url` of demo.json).")
@click.option("--gateway-url", help="With --url: whose ledger to compare (`gateway_url` of demo.json).")
@click.option("--speed", default="max", callback=_speed, help="`max` (default), or times the file's own speed.")
@click.option("--buyers", default=16, type=click.IntRange(1, 500), help="How many buy at once (16).")
@click.option("--from", "first", type=_Day, help="First day of the file to buy.")
@click.option("--to", "last", type=_Day, help="Last day of the file to buy.")
@click.option(
    "--reference-prefix", default="", callback=_prefix, help="Put before invoice numbers, to buy a file once more."
)
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), help="Folder of the replay's own notes.")
@click.option("--refused", type=click.Path(dir_okay=False, path_type=Path), help="Write the refused lines here (CSV).")
@click.option(
    "--sums", type=click.Path(dir_okay=False, path_type=Path), help="Write all sums by product and day (CSV)."
)
def replay_command(**options: Any) -> None:
    """Buy the invoices of FILE (the form of the Online Retail data set) in a running shop, then reconcile.

    Stopped at any moment, the same command goes on where it was. Exit codes: 0 no difference, 1 a difference,
    2 it could not be done, 130 stopped.
    """
    raise SystemExit(_run(options, _console()))


def _console() -> Console:
    """Where to print: as wide as the terminal, and in a file or pipe as wide as the tables."""
    console = Console()
    return console if console.is_terminal or "COLUMNS" in os.environ else Console(width=_FILE_WIDTH)


def _run(options: Mapping[str, Any], console: Console) -> int:
    wish = _wish(options)
    try:
        return 0 if replay(wish, console) else _DIFFERENT
    except KeyboardInterrupt:
        click.echo("Stopped. The same command goes on from here.", err=True)
        return _STOPPED
    except NotOnlineRetail as error:
        click.echo(f"{wish.file} cannot be replayed: {error}.", err=True)
    except (ShopUnreachable, NoMailbox, ForeignSku, OSError) as error:
        click.echo(f"The replay cannot go on: {error}", err=True)
    except Refused as error:
        click.echo(f"The shop refused: {error}", err=True)
    return _FAILED


def _wish(options: Mapping[str, Any]) -> Wish:
    place = options["home_path"] or home.chosen(os.environ)
    found = _given(options) if options["url"] else _found(place)
    return Wish(
        file=options["file"],
        state=options["state"] or place / "replay",
        speed=options["speed"],
        buyers=options["buyers"],
        first=_day(options["first"]),
        last=_day(options["last"]),
        prefix=options["reference_prefix"],
        refused=options["refused"],
        sums=options["sums"],
        **found,
    )


def _day(value: datetime | None) -> Any:
    return value.date() if value else None


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The shop as named by options."""
    if not (options["staff_login"] and options["staff_password"]):
        raise click.UsageError(
            "With --url the replay needs a staff account: --staff-login and --staff-password, or "
            "QUICKSHOP_STAFF_LOGIN and QUICKSHOP_STAFF_PASSWORD."
        )
    given = ("url", "staff_login", "staff_password", "staff_totp_secret", "mail_url", "gateway_url")
    return {name: options[name] for name in given}


def _found(place: Path) -> dict[str, Any]:
    """The shop that runs on a folder, by its demo.json."""
    try:
        demo = json.loads((place / "demo.json").read_text())
        staff = demo["accounts"]["admin"]  # making products needs more than the rights of support
        return {
            "url": demo["base_url"],
            "staff_login": staff["login"],
            "staff_password": staff["password"],
            "staff_totp_secret": staff.get("totp_secret"),
            "mail_url": demo["mail_url"],
            "gateway_url": demo["gateway_url"],
        }
    except (OSError, ValueError, KeyError):
        raise click.UsageError(
            f"No running demo shop found in {place}. Start it with `make run`, or give --home or --url."
        ) from None
