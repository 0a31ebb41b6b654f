"""The command that gives a member a role: how a new shop comes to its first admin, who then makes the others staff."""

from __future__ import annotations

import click

from quickshop.accounts import roles
from quickshop.accounts.queries import user_id_of_login
from quickshop.kernel.errors import NotFound
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.runtime.commanding import at_work


@click.command("grant-role")
@click.argument("login")
@click.argument("role", default=roles.EVERYTHING)
def grant_role(login: str, role: str) -> None:
    """Give the member LOGIN (an e-mail address or username) the role ROLE. The audit log notes it."""
    with at_work("command", "The role could not be given"):
        with reading():
            user_id = user_id_of_login(login)
            known = ", ".join(found["name"] for found in roles.list_roles())
        if user_id is None:
            raise click.ClickException("There is no such member; they open their account in the shop first.")
        try:
            run_unit(lambda: roles.grant(user_id, role))
        except NotFound:
            raise click.ClickException(f"There is no role {role!r}; there are {known}.") from None
    click.echo(f"{login} has the role {role}; it counts once they have signed in with two-factor or a passkey.")
