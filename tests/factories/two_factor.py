"""Turning two-factor on as an app does, and the codes that an authenticator would show."""

from quickshop.kernel.clock import now
from quickshop.security import totp


def code_of(secret, steps=0):
    """The code of now, or of some steps later."""
    return totp.code_of(secret, totp.step_of(now()) + steps)


def turn_on(account):
    """Set two-factor up and turn it on; the recovery codes. `extra` has the secret and the next code that is good."""
    prefix = "/api/v1/auth/2fa"
    setup = account.client.post(f"{prefix}/setup", json={"password": account.password}, headers=account.headers)
    assert setup.status_code == 200, setup.get_data(as_text=True)
    secret = setup.json["secret"]
    # The step before is good, too: so the present one is left for what the test does next.
    answer = account.client.post(f"{prefix}/enable", json={"code": code_of(secret, -1)}, headers=account.headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    account.extra.update(secret=secret, next_code=lambda: code_of(secret))
    return answer.json["recovery_codes"]


def with_two_factor(account):
    """The account after `turn_on`."""
    turn_on(account)
    return account
