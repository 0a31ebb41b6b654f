"""Opens the demo shop's accounts: verified at once, with the standing and the role that each is there to show.

Staff have two-factor on, with a secret that everybody knows.
"""

from __future__ import annotations

from uuid import UUID

from quickshop.accounts.enrolling import enrol
from quickshop.accounts.queries import user_id_of_login
from quickshop.accounts.roles import grant
from quickshop.accounts.service import Registration, mark_verified, register
from quickshop.accounts.standing import set_vip
from quickshop.demo.accounts import ACCOUNTS
from quickshop.kernel.unit_of_work import reading, run_unit

ROLES = {"staff": "support", "admin": "admin"}
VIPS = frozenset({"vip"})


def seed_accounts() -> None:
    """Open those demo accounts that do not exist, and finish those that were begun."""
    for name, account in ACCOUNTS.items():
        user_id = _known(account["login"]) or _open(account)
        run_unit(lambda who=name, user=user_id: _finish(who, user))  # type: ignore[misc]


def _known(login: str) -> UUID | None:
    with reading():  # hashing a password must not hold a connection
        return user_id_of_login(login)


def _open(account: dict[str, str]) -> UUID:
    """A new account's id."""
    wish = Registration(
        email=account["login"],
        username=account["username"],
        password=account["password"],
        first_name=account["first_name"],
        last_name=account["last_name"],
    )
    user_id = register(wish)
    if user_id is None:
        raise RuntimeError(f"{account['login']} was registered by somebody else meanwhile")
    return user_id


def _finish(name: str, user_id: UUID) -> None:
    mark_verified(user_id)
    if name in ROLES:
        grant(user_id, ROLES[name])
        enrol(user_id, ACCOUNTS[name]["totp_secret"])
    if name in VIPS:
        set_vip(user_id, True)
