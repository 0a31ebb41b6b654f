"""People who want to hear of everything, and facts of orders as they come about."""

from datetime import timedelta

from quickshop.accounts import devices
from quickshop.accounts.preferences import CHANNELS, change_preferences
from quickshop.accounts.users import known, place
from quickshop.kernel import clock, db, facts
from quickshop.kernel.outbox import dump
from quickshop.kernel.unit_of_work import run_unit
from quickshop.notifications.channels.port import ACCEPTED, Answer, Away
from tests.factories.shop import a_member

EVERYTHING = {topic: dict.fromkeys(CHANNELS, True) for topic in ("orders", "delivery", "support", "wishlist")}


class Carriers:
    """All channels of the outside world: keeps what each carried, refuses it for a reason, or is away."""

    def __init__(self, monkeypatch, module):
        self.carried = {"email": [], "sms": [], "push": []}
        self.away, self.refuses = {}, {}
        monkeypatch.setattr(module, "carrier", lambda channel: _Carrier(self, channel))


class _Carrier:
    def __init__(self, world, channel):
        self._world, self._channel = world, channel

    def send(self, messages):
        """See Channel.send."""
        if self._channel in self._world.away:
            raise Away(self._world.away[self._channel])
        for message in messages:
            refusal = self._world.refuses.get(self._channel)
            if refusal is None:
                self._world.carried[self._channel].append(message)
            yield Answer(refusal) if refusal else ACCEPTED


def a_reachable_member(*, wants=EVERYTHING, phone="+44 113 496 0000", locale="en", device="device-1", **more):
    """A member with a telephone and a device who wants to hear by every channel."""
    caller = a_member(**more)
    user_id = caller.user_id

    def make():
        person = known(user_id).person
        db.run(
            "UPDATE users SET phone = :phone, locale = :locale WHERE id = :id",
            id=user_id,
            phone=person.seal(phone, place("phone", user_id)) if phone else None,
            locale=locale,
        )
        change_preferences(user_id, wants)
        if device:
            devices.register_device(user_id, f"{device}-{user_id}", "android", "Phone")

    run_unit(make)
    return caller


def happen(order, kinds, at=None):
    """Append events of these kinds to an order's log, a second apart, and leave the facts; `kinds` of {kind: data}."""
    moment = at or clock.now()

    def write():
        for n, (kind, data) in enumerate(kinds.items()):
            seq = db.scalar(
                "UPDATE orders SET event_seq = event_seq + 1 WHERE id = :id RETURNING event_seq", id=order.id
            )
            db.run(
                "INSERT INTO order_events (order_id, seq, type, at, data)"
                " VALUES (:id, :seq, :kind, :at, CAST(:data AS jsonb))",
                id=order.id,
                seq=seq,
                kind=kind,
                at=moment + timedelta(seconds=n),
                data=dump(data),
            )
            facts.leave("notifications", kind, {"order_id": str(order.id), "seq": seq})

    run_unit(write)
