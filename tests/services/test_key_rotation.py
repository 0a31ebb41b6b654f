"""Key rotation: everything comes under the current master key, whenever it is stopped; nothing becomes unreadable."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from quickshop.accounts import rewrapping
from quickshop.accounts import service as accounts
from quickshop.accounts.people import load_person, new_person
from quickshop.factory import create_app
from quickshop.kernel import db, idempotency
from quickshop.kernel.crypto import SealBroken
from quickshop.kernel.unit_of_work import reading, run_unit, unit_of_work
from quickshop.notifications import service as notifications
from quickshop.payments import forgetting
from quickshop.runtime import rotating
from tests.factories.racing import Beside, Gate

OLD, NEW = ("old", b"o" * 32), ("new", b"n" * 32)
SLOT = idempotency.slot("user:1", "POST /orders", "key-1", b"{}")


@pytest.fixture
def under(settings, clean):
    """Applications that know these master keys, the first one current."""
    return lambda *keys: create_app(settings=replace(settings, master_keys=keys))


def people(number):
    def make():
        made = [new_person() for _ in range(number)]
        return [(person.id, person.seal(f"name {n}", f"t/c/{person.id}")) for n, person in enumerate(made)]

    return run_unit(make)


def read(known):
    with reading():
        return [load_person(person_id).unseal(sealed, f"t/c/{person_id}") for person_id, sealed in known]


def test_everything_comes_under_the_new_key_and_the_old_one_can_go(under, gateway):
    with under(OLD).app_context():
        known = people(450)
        run_unit(lambda: idempotency.bind(SLOT, 202, b"the answer"))
        run_unit(lambda: forgetting.leave("simulator", "tok_approve"))
    with under(NEW, OLD).app_context():
        assert rotating.in_use() == {"old": 452}
        rotating.rotate(shown=False)
        assert rotating.in_use() == {"new": 452}
    with under(NEW).app_context():
        assert read(known) == [f"name {n}" for n in range(450)]
        assert run_unit(lambda: idempotency.enter(SLOT)).body == b"the answer"
        assert forgetting.forget_cards() == 1
        assert gateway.calls == [("forget", "tok_approve")]
    with under(OLD).app_context(), pytest.raises(SealBroken):
        read(known[:1])


def test_what_was_cut_off_goes_on_where_it_stood(under):
    with under(OLD).app_context():
        known = people(30)
    with under(NEW, OLD).app_context():
        run_unit(lambda: rewrapping.rewrap(None, 10))
        with pytest.raises(ZeroDivisionError), unit_of_work():
            rewrapping.rewrap(None, 10)
            raise ZeroDivisionError
        assert rotating.in_use() == {"new": 10, "old": 20}
        rotating.rotate(shown=False)
        assert rotating.in_use() == {"new": 30}
        assert read(known) == [f"name {n}" for n in range(30)]


def test_somebody_who_is_being_changed_is_taken_later_and_nobody_waits(under, monkeypatch):
    monkeypatch.setattr(rotating, "_BETWEEN_ROUNDS", 0.01)
    with under(OLD).app_context():
        known = people(5)
    app, gate = under(NEW, OLD), Gate()

    def hold():
        db.run("SELECT 1 FROM persons WHERE id = :id FOR UPDATE", id=known[2][0])
        gate.passing()

    with app.app_context():
        beside = Beside(app, lambda: run_unit(hold))
        gate.reached()
        run_unit(lambda: rewrapping.rewrap(None, 100))
        assert rotating.in_use() == {"new": 4, "old": 1}
        gate.open()
        beside.result()
        rotating.rotate(shown=False)
        assert rotating.in_use() == {"new": 5}


def test_a_request_that_waits_under_the_old_key_keeps_it_in_use_until_it_is_answered(under, monkeypatch):
    monkeypatch.setattr(rotating, "_BETWEEN_ROUNDS", 0.001)
    with under(OLD).app_context():
        run_unit(lambda: accounts.forgot_password("nobody@quickshop.example"))
    with under(NEW, OLD).app_context():
        rotating.rotate(shown=False)
        assert rotating.in_use() == {"old": 1}
        notifications.drain()
        assert rotating.in_use() == {}


def test_somebody_erased_meanwhile_stays_erased(under):
    with under(OLD).app_context():
        known = people(3)
        erase = "UPDATE persons SET key_id = NULL, wrapped_key = NULL, erased_at = now() WHERE id = :id"
        run_unit(lambda: db.run(erase, id=known[1][0]))
    with under(NEW, OLD).app_context():
        rotating.rotate(shown=False)
        assert rotating.in_use() == {"new": 2}


def test_a_missing_old_key_is_named_and_nothing_is_lost(under):
    with under(OLD).app_context():
        people(3)
    with under(NEW).app_context():
        with pytest.raises(SealBroken, match="'old'"):
            rotating.rotate(shown=False)
        assert rotating.in_use() == {"old": 3}


def test_the_command_says_which_keys_can_be_dropped(servers, settings, under, tmp_path):
    with under(OLD).app_context():
        people(3)
    keys = "new:bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4=,old:b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28="
    environment = servers.environment(tmp_path) | {"MASTER_KEYS": keys}
    told = CliRunner().invoke(rotating.rotate_keys, env=environment)
    assert told.exit_code == 0, told.output
    assert "3 keys, answers and secrets stand under 'new'." in told.output
    assert "No longer used: 'old'." in told.output
