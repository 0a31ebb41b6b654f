"""A carrier in this process that does what a test says, in place of the simulated carrier's client."""

import itertools
from datetime import UTC, datetime, timedelta

from quickshop.shipping.carriers.port import Booked, CarrierTrouble, Seen


class ScriptedCarrier:
    """Books every parcel once per key; `silent` calls are never answered. `say` adds an event to its list."""

    def __init__(self):
        self.booked, self.calls, self.log, self.silent = {}, [], [], 0
        self._numbers = itertools.count(1)

    def book(self, wanted):
        self.calls.append(wanted.key)
        if wanted.key not in self.booked:
            number = f"TRACK{next(self._numbers):06d}"
            self.booked[wanted.key] = Booked(number, f"https://carrier.example/{number}", b"%PDF-1.4 label")
        if self.silent:
            self.silent -= 1
            raise CarrierTrouble("timeout")
        return self.booked[wanted.key]

    def say(self, parcel_id, state, code=None, *, hours=0):
        """One more event; the newer ones are later unless `hours` say otherwise."""
        at = datetime.now(UTC) + timedelta(seconds=len(self.log), hours=hours)
        self.log.append(Seen(str(len(self.log) + 1), str(parcel_id), state, at, code))

    def events(self, cursor):
        after = int(cursor or 0)
        found = self.log[after : after + 3]
        return found, found[-1].key if found else cursor
