"""Waiting for what must happen soon, without guessing how long it takes."""

import time


def eventually(probe, within=15.0, every=0.02):
    """The first true value of `probe()`; an AssertionError or OSError in it means "not yet" until the deadline."""
    deadline = time.monotonic() + within
    while True:
        trouble = None
        try:
            value = probe()
            if value:
                return value
        except (AssertionError, OSError) as error:
            trouble = error
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen within {within} s") from trouble
        time.sleep(every)
