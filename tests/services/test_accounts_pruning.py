"""What is deleted of accounts, and what is kept."""

import pytest

from quickshop.accounts import mailing, pruning, refreshing
from quickshop.kernel.unit_of_work import run_unit
from quickshop.security import lockout
from tests.factories.shop import a_member, look


def counts():
    tables = ("sessions", "refresh_tokens", "email_tokens", "login_failures")
    return [look(f"SELECT count(*) AS n FROM {table}")[0].n for table in tables]


@pytest.mark.usefixtures("core")
def test_only_what_is_long_over_goes(later):
    member = a_member().user_id

    def leave():
        refreshing.start_session(member, refreshing.Origin("device", "127.0.0.1"))
        mailing.new_token(member, "verify_email", mailing.VERIFY_LIFE)
        lockout.count(lockout.ACCOUNT, str(member))

    run_unit(leave)
    assert run_unit(pruning.prune) == 0
    later(minutes=16)
    assert run_unit(pruning.prune) == 1
    assert counts() == [1, 1, 1, 0]
    later(days=9)
    run_unit(pruning.prune)
    assert counts() == [1, 1, 0, 0]
    later(days=59)
    run_unit(pruning.prune)
    assert counts() == [1, 1, 0, 0]
    later(days=61)
    run_unit(pruning.prune)
    assert counts() == [0, 0, 0, 0]
