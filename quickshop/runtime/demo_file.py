"""demo.json: where programs find the running demo shop, its accounts, its mailbox and its gateway."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write(path: Path, *, base_url: str, gateway_url: str, accounts: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the file in one step; it holds passwords of the demo accounts only."""
    content = {
        "base_url": base_url,
        "accounts": {name: _to_sign_in(account) for name, account in accounts.items()},
        "mail_url": f"{gateway_url}/outbox",
        "gateway_url": gateway_url,
    }
    partial = path.with_suffix(".partial")
    with partial.open("w") as file:
        json.dump(content, file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _to_sign_in(account: Mapping[str, Any]) -> dict[str, Any]:
    return {name: account[name] for name in ("login", "password", "totp_secret") if name in account}


def banner(base_url: str, gateway_url: str, accounts: Mapping[str, Mapping[str, Any]], logs: Path) -> str:
    """What a person reads once the shop is up."""
    lines = [
        "",
        "  QuickShop is running.",
        "",
        f"    shop      {base_url}/",
        f"    staff     {base_url}/admin/",
        f"    API       {base_url}/api/docs",
    ]
    if accounts:
        lines += [f"    mailbox   {gateway_url}/outbox", f"    gateway   {gateway_url}/charges", "", "  Sign in as"]
        lines += [f"    {name:<9} {account['login']}  {account['password']}" for name, account in accounts.items()]
        lines += ["", "  Staff need a code, too: `.venv/bin/python -m quickshop totp staff` (or admin) prints it."]
        lines += ["", "  Pay with the card 4242 4242 4242 4242; 4000 0000 0000 0002 is declined."]
    return "\n".join([*lines, "", f"  Logs are in {logs}. Stop with Ctrl-C.", ""])
