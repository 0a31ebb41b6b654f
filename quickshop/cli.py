"""`python -m quickshop COMMAND`: finds the commands; each lives beside what it does and is imported when called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import click

# Imported by name when called: `run` must not wait for the imports of the others.
COMMANDS = {
    "run": "quickshop.runtime.commands:run",
    "migrate": "quickshop.runtime.migrating:migrate",
    "generate-catalog": "quickshop.runtime.generating:generate_catalog",
    "demo": "quickshop.runtime.demo_shop:demo",
    "grant-role": "quickshop.runtime.granting:grant_role",
    "rotate-keys": "quickshop.runtime.rotating:rotate_keys",
    "verify-orders": "quickshop.runtime.proving_orders:verify_orders",
    "audit-verify": "quickshop.runtime.auditing:audit_verify",
    "totp": "quickshop.runtime.demo_codes:totp_command",
    "reindex-people": "quickshop.runtime.reindexing:reindex_command",
    "replay": "quickshop.runtime.replaying:replay_command",
}


class LazyGroup(click.Group):
    """A group whose commands are `module:attribute` strings until they are needed."""

    def __init__(self, commands: Mapping[str, str], help_text: str) -> None:
        super().__init__("quickshop", help=help_text)
        self._places = commands

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name."""
        return sorted(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        place = self._places.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


main = LazyGroup(COMMANDS, "QuickShop: a complete shop in one program. Settings are read from the environment.")
