"""The command `totp`: what an authenticator app would show for one of the demo shop's staff."""

from __future__ import annotations

import binascii

import click

from quickshop.demo.accounts import ACCOUNTS
from quickshop.kernel.clock import now
from quickshop.security import totp


@click.command("totp")
@click.argument("account", default="staff")
def totp_command(account: str) -> None:
    """Print the code that ACCOUNT signs in with now: `staff`, `admin`, or a secret in base32. A code is good once."""
    secret = ACCOUNTS.get(account, {}).get("totp_secret", account.upper())
    at = now()
    try:
        code = totp.code_of(secret, totp.step_of(at))
    except (binascii.Error, ValueError):
        raise click.UsageError(f"{account!r} is neither a demo account with two-factor nor a secret.") from None
    click.echo(code)
    left = totp.STEP_SECONDS - int(at.timestamp()) % totp.STEP_SECONDS
    click.echo(f"The next one comes in {left} s; each is good once.", err=True)
