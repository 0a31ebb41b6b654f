"""A cursor sends each event once and in order, whatever comes when."""

from hypothesis import given
from hypothesis import strategies as st

from realtime.cursors import Cursor

ALWAYS = lambda: True  # noqa: E731
NEVER = lambda: False  # noqa: E731


def a_cursor(last=0, reading=False):
    cursor = Cursor(connection=None, room=None, last=last)
    if not reading:
        assert cursor.settle(0)
    return cursor


def test_the_next_frame_is_sent_at_once():
    cursor = a_cursor(last=4)
    sent = []
    assert not cursor.offer(5, lambda: sent.append(5) or True)
    assert sent == [5]
    assert cursor.last == 5


def test_what_was_sent_is_never_sent_again():
    cursor = a_cursor(last=4)
    assert not cursor.offer(4, NEVER)
    assert not cursor.offer(1, NEVER)
    assert cursor.advance(3, NEVER)


def test_a_gap_is_read_from_the_log_by_one_reader():
    cursor = a_cursor(last=4)
    assert cursor.offer(7, NEVER)
    assert not cursor.offer(8, NEVER)
    assert not cursor.behind(9)
    assert cursor.wanted == 9


def test_frames_that_come_during_a_read_are_read_before_it_is_over():
    cursor = a_cursor(last=0, reading=True)
    goal = cursor.wanted
    assert cursor.advance(1, ALWAYS)
    assert not cursor.offer(2, NEVER)
    assert not cursor.settle(goal)
    assert cursor.advance(2, ALWAYS)
    assert cursor.settle(cursor.wanted)


def test_a_frame_of_something_the_log_does_not_hold_ends_the_reading_too():
    cursor = a_cursor(last=2)
    assert cursor.offer(99, NEVER)
    assert cursor.settle(cursor.wanted)
    assert not cursor.offer(3, ALWAYS)
    assert cursor.last == 3


def test_a_client_without_room_gets_the_frame_from_the_log_later():
    cursor = a_cursor(last=0)
    assert cursor.offer(1, NEVER)
    assert cursor.last == 0
    assert cursor.advance(1, ALWAYS)
    assert cursor.last == 1


def test_a_closed_cursor_sends_nothing():
    cursor = a_cursor()
    cursor.close()
    assert not cursor.offer(1, NEVER)
    assert not cursor.behind(5)
    assert not cursor.advance(1, NEVER)


MOVES = st.lists(
    st.one_of(
        st.just(("write",)),
        st.tuples(st.just("frame"), st.integers(1, 12)),
        st.tuples(st.just("snapshot"), st.integers(1, 5)),
        st.just(("give",)),
        st.just(("check",)),
    ),
    max_size=60,
)


class Model:
    """A log, frames of it that come late, twice or never, and a reader whose pages are old when they are sent."""

    def __init__(self, after):
        self.written = self.start = after
        self.cursor = a_cursor(last=after, reading=True)
        self.reading, self.page = True, None
        self.sent = []

    def send(self, seq):
        self.sent.append(seq)
        return True

    def write(self):
        self.written += 1

    def frame(self, back):
        seq = self.written - back + 1
        if seq >= 1 and self.cursor.offer(seq, lambda: self.send(seq)):
            self.reading = True

    def check(self):
        if self.cursor.behind(self.written):
            self.reading = True

    def snapshot(self, size):
        """The reader reads a page of the log as it is now."""
        if self.reading and self.page is None:
            goal = self.cursor.wanted
            self.page = (goal, size, list(range(self.cursor.last + 1, self.written + 1))[:size])

    def give(self):
        """The reader sends the page it holds."""
        if self.page is not None:
            (goal, size, entries), self.page = self.page, None
            for seq in entries:
                assert self.cursor.advance(seq, lambda s=seq: self.send(s))
            if len(entries) < size and self.cursor.settle(goal):
                self.reading = False


@given(st.integers(0, 5), MOVES)
def test_every_history_is_seen_whole_once_and_in_order(after, moves):
    model = Model(after)
    for name, *args in moves:
        getattr(model, name)(*args)
    model.give()
    model.check()
    while model.reading:
        model.snapshot(3)
        model.give()
    assert model.sent == list(range(model.start + 1, model.written + 1))
