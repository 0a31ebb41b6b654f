"""The command by which a new shop comes to its first admin."""

import pytest
from click.testing import CliRunner

from quickshop.accounts.queries import user_id_of_login
from quickshop.accounts.roles import roles_of
from quickshop.cli import main
from quickshop.kernel.unit_of_work import reading
from quickshop.runtime import commanding
from quickshop.security.audit_chain import page
from tests.factories.accounts import an_account


@pytest.fixture
def give(settings, monkeypatch):
    """Runs `grant-role` on the database of the tests."""
    monkeypatch.setattr(commanding, "load_settings", lambda env: settings)
    return lambda *words: CliRunner().invoke(main, ["grant-role", *words])


def test_a_member_becomes_an_admin_by_name_or_address_and_the_audit_log_has_it(client, give):
    account = an_account(client)
    assert give(account.email).exit_code == 0
    assert give(account.username, "support").exit_code == 0
    with client.application.app_context(), reading():
        user_id = user_id_of_login(account.email)
        assert roles_of(user_id) == ["admin", "support"]
        told = page(target=f"user:{user_id}", action="role.granted")["items"]
    assert [(e["actor"], e["data"]["role"]) for e in told] == [("system", "support"), ("system", "admin")]


def test_nobody_and_unknown_roles_are_refused_in_a_sentence(client, give):
    answer = give("nobody@quickshop.example")
    assert answer.exit_code == 1 and "no such member" in answer.output
    account = an_account(client)
    answer = give(account.email, "owner")
    assert answer.exit_code == 1 and "there are admin, support" in answer.output
