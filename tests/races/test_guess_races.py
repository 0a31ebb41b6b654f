"""Guesses that come together: those of a counter's first moment see each other, too."""

from quickshop.accounts import second_factor
from quickshop.accounts.errors import TooManyAttempts
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import run_unit
from quickshop.security import lockout
from tests.factories.racing import together

GUESSES = 12


def test_of_many_first_guesses_no_more_pass_than_are_free(app, core):
    for _ in range(5):
        user_id = new_id()

        def guess(user_id=user_id):
            run_unit(lambda: second_factor.count_try(user_id))

        came_to = together(app, *[guess] * GUESSES)
        refused = [answer for answer in came_to if isinstance(answer, TooManyAttempts)]
        assert came_to.count(None) == lockout.SECOND_FACTOR.free
        assert len(refused) == GUESSES - lockout.SECOND_FACTOR.free
