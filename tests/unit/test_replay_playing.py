"""Who buys when: time order, one purchase of a caller at a time; and the diary that lets a cut replay go on."""

import threading
from datetime import datetime, timedelta

import pytest

from quickshop.demo.replay.buying import NotBought
from quickshop.demo.replay.client import ShopUnreachable
from quickshop.demo.replay.invoices import Purchase
from quickshop.demo.replay.playing import Play, Schedule
from quickshop.demo.replay.state import Bought, Journal

START = datetime(2011, 3, 7, 9)


def purchase(reference, minute, customer=None):
    return Purchase(reference, reference, START + timedelta(minutes=minute), customer, "", {"A": 1})


def drain(schedule, count):
    return [schedule.take().purchase.reference for _ in range(count)]


def test_purchases_come_in_time_order():
    schedule = Schedule([purchase("late", 9), purchase("early", 1), purchase("middle", 5)], None)
    assert drain(schedule, 3) == ["early", "middle", "late"]
    assert schedule.take() is None


def test_a_customers_next_purchase_waits_until_the_former_is_made_and_is_told_which_it_was():
    schedule = Schedule([purchase("a1", 1, "a"), purchase("a2", 2, "a"), purchase("b1", 3, "b")], None)
    first = schedule.take()
    assert schedule.take().purchase.reference == "b1"
    schedule.done(first, "QS-1")
    second = schedule.take()
    assert (second.purchase.reference, second.former) == ("a2", "QS-1")


def test_a_purchase_that_was_waited_for_goes_before_later_ones():
    schedule = Schedule([purchase("a1", 1, "a"), purchase("a2", 2, "a"), purchase("b1", 3, "b")], None)
    schedule.done(schedule.take(), None)
    assert drain(schedule, 2) == ["a2", "b1"]


def test_at_a_speed_nothing_is_bought_before_its_time():
    now = [0.0]
    schedule = Schedule([purchase("first", 0), purchase("second", 10)], 60.0, clock=lambda: now[0])
    assert schedule.take().purchase.reference == "first"
    assert schedule._until_next() == pytest.approx(10.0)
    now[0] = 10.0
    assert schedule.take().purchase.reference == "second"


def test_a_stopped_schedule_gives_nothing_more():
    schedule = Schedule([purchase("first", 0), purchase("second", 10)], 0.001)
    schedule.take()
    waiting = threading.Thread(target=schedule.take)
    waiting.start()
    schedule.stop()
    waiting.join(5)
    assert not waiting.is_alive()


class ScriptedBuyer:
    """Buys nothing: remembers who bought after what, and fails where it is told to."""

    def __init__(self, trouble=None):
        self.trouble = trouble or {}
        self.made = []
        self.waited = []

    def await_end(self, purchase, number):
        self.waited.append((purchase.reference, number))
        return True

    def buy(self, purchase):
        if purchase.reference in self.trouble:
            raise self.trouble[purchase.reference]
        self.made.append(purchase.reference)
        return Bought(purchase.reference, f"QS-{purchase.reference}", 1.0)


@pytest.fixture
def journal(tmp_path):
    found = Journal(tmp_path, "shop")
    yield found
    found.close()


def play(purchases, buyer, journal, buyers=4):
    return Play(Schedule(purchases, None), buyer, journal, lambda: None).run(buyers)


def test_everything_is_bought_once_and_a_customer_in_order(journal):
    purchases = [purchase(f"{c}{i}", i, c) for i in range(20) for c in "abc"]
    buyer = ScriptedBuyer()
    played = play(purchases, buyer, journal)
    assert sorted(buyer.made) == sorted(p.reference for p in purchases)
    for c in "abc":
        assert [r for r in buyer.made if r[0] == c] == [f"{c}{i}" for i in range(20)]
    assert ("a1", "QS-a0") in buyer.waited
    assert len(played.placed) == 60 and journal.bought.keys() == {p.reference for p in purchases}


def test_a_purchase_that_fails_is_told_and_the_others_go_on(journal):
    buyer = ScriptedBuyer({"a1": NotBought("a1: nothing to be had")})
    played = play([purchase("a1", 1, "a"), purchase("a2", 2, "a")], buyer, journal)
    assert buyer.made == ["a2"] and played.failed == ["a1: a1: nothing to be had"]
    assert "a1" not in journal.bought


def test_a_shop_that_is_gone_ends_the_play(journal):
    buyer = ScriptedBuyer({"b": ShopUnreachable("gone")})
    with pytest.raises(ShopUnreachable):
        play([purchase("a", 1), purchase("b", 2), *(purchase(f"c{i}", 3) for i in range(50))], buyer, journal, 1)
    assert buyer.made == ["a"]


# --- the diary -----------------------------------------------------------------------------------------


def test_the_diary_is_read_again_also_after_a_line_was_cut_short(tmp_path):
    first = Journal(tmp_path, "shop")
    first.note_bought(Bought("545722", "QS-1", 12.5))
    first.note_welcomed("16013")
    first.note_stocked("file ")
    first.close()
    with first.path.open("ab") as file:
        file.write(b'{"fact":"bought","refer')
    second = Journal(tmp_path, "shop")
    second.note_bought(Bought("545723", None, None))
    second.close()
    third = Journal(tmp_path, "shop")
    assert third.bought == {"545722": Bought("545722", "QS-1", 12.5), "545723": Bought("545723", None, None)}
    assert (third.welcomed, third.stocked) == ({"16013"}, {"file "})
    third.close()


def test_another_shop_has_another_diary(tmp_path, journal):
    journal.note_welcomed("16013")
    other = Journal(tmp_path, "another")
    assert not other.welcomed
    other.close()
