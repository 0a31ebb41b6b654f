"""Several admins at once: whatever they take from each other, somebody keeps the right to give roles."""

import pytest

from quickshop.accounts import roles, standing
from quickshop.accounts.callers import Caller
from quickshop.accounts.errors import LastKeeper
from quickshop.accounts.permissions import Permission
from quickshop.kernel.errors import NotFound
from quickshop.kernel.unit_of_work import run_unit
from tests.factories import shop
from tests.factories.racing import Beside, Gate, together, until_blocked

ADMINS = 8


@pytest.fixture
def admins(core):
    """Users with the role admin, each as the caller that they are."""
    found = [shop.a_member().user_id for _ in range(ADMINS)]
    for user in found:
        run_unit(lambda user=user: roles.grant(user, "admin"))
    everything = frozenset(str(p) for p in Permission)
    return [Caller(user, None, everything, second_factor=True) for user in found]


def keepers():
    return len(
        shop.look(
            "SELECT u.id FROM users u JOIN user_roles r ON r.user_id = u.id WHERE r.role = 'admin'"
            " AND u.disabled_at IS NULL"
        )
    )


def race(app, act, count):
    """Let `count` act at once, each with its number; what each came to."""
    return together(app, *(lambda number=number: act(number) for number in range(count)))


def others(admins, number):
    return admins[(number + 1) % ADMINS].user_id


@pytest.mark.parametrize("way", ["take", "disable"])
def test_a_second_taking_waits_for_the_first_and_sees_what_it_left(core, servers, admins, way):
    one, other = admins[:2]
    run_unit(lambda: [roles.take(caller.user_id, "admin") for caller in admins[2:]])
    gate = Gate()

    def first():
        roles.withdraw(one, other.user_id, "admin")
        gate.passing()

    def second():
        if way == "take":
            roles.withdraw(other, one.user_id, "admin")
        else:
            standing.set_disabled(other, one.user_id, True)

    taking = Beside(core, lambda: run_unit(first))
    gate.reached()
    waiting = Beside(core, lambda: run_unit(second))
    until_blocked(servers)
    gate.open()
    taking.result()
    with pytest.raises(LastKeeper):
        waiting.result()
    assert keepers() == 1


def test_admins_who_all_take_their_neighbours_role_leave_one(core, admins):
    def take(number):
        try:
            run_unit(lambda: roles.withdraw(admins[number], others(admins, number), "admin"))
        except LastKeeper:
            return "last"
        return "taken"

    outcomes = race(core, take, ADMINS)
    assert sorted(outcomes) == ["last"] + ["taken"] * (ADMINS - 1)
    assert keepers() == 1


def test_disabling_and_taking_at_once_leaves_one_too(core, admins):
    def act(number):
        try:
            if number % 2:
                run_unit(lambda: standing.set_disabled(admins[number], others(admins, number), True))
            else:
                run_unit(lambda: roles.withdraw(admins[number], others(admins, number), "admin"))
        except LastKeeper:
            return "last"
        return "done"

    outcomes = race(core, act, ADMINS)
    assert outcomes.count("last") == 1
    assert keepers() == 1


def test_a_role_is_either_removed_or_given_never_both(core, admins):
    by = admins[0]
    for turn in range(10):
        name = f"race-{turn}"
        run_unit(lambda name=name: roles.make(by, name, "", []))

        def act(number, name=name):
            try:
                if number:
                    run_unit(lambda: roles.give(by, admins[number].user_id, name))
                else:
                    run_unit(lambda: roles.remove(by, name))
            except NotFound:
                return "gone"
            except roles.RoleHeld:
                return "held"
            return "done"

        outcomes = race(core, act, 3)
        there = bool(shop.look("SELECT 1 FROM roles WHERE name = :n", n=name))
        held = len(shop.look("SELECT 1 FROM user_roles WHERE role = :n", n=name))
        assert there == (outcomes[0] == "held")
        assert (held > 0) == there
