"""Which messages a user wants, by topic and channel. What was never said is the topic's default."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from quickshop.accounts import log, users
from quickshop.kernel import db
from quickshop.kernel.clock import now
from quickshop.kernel.errors import Invalid
from quickshop.kernel.events import Fact

CHANNELS = ("email", "sms", "inbox", "push")
# What a shopper needs to hear of what they bought or asked is on; what the shop would like to say waits for a yes.
_NEEDED = frozenset({"email", "inbox"})
_UNASKED: frozenset[str] = frozenset()
TOPICS: dict[str, frozenset[str]] = {
    "orders": _NEEDED,
    "delivery": _NEEDED,
    "support": _NEEDED,
    "wishlist": _NEEDED,  # each of these was asked for: an alert, or a list whose prices are watched
    "cart_reminders": _UNASKED,
    "news": _UNASKED,
    "shop": _NEEDED,  # what staff are told of the shop itself
}
STAFF_TOPICS = frozenset({"shop"})
# Security and legal notices: always by e-mail, whatever anybody chose.
LOCKED = ({"topic": "account", "channel": "email"},)
Matrix = Mapping[str, Mapping[str, bool]]


def preferences(user_id: UUID) -> dict[str, dict[str, bool]]:
    """The whole matrix: topic, channel, wanted or not."""
    said = {
        (row.topic, row.channel): row.enabled
        for row in db.rows("SELECT topic, channel, enabled FROM preferences WHERE user_id = :user", user=user_id)
    }
    return {
        topic: {channel: said.get((topic, channel), channel in usual) for channel in CHANNELS}
        for topic, usual in TOPICS.items()
    }


def wanted_channels(user_ids: Collection[UUID]) -> dict[UUID, dict[str, frozenset[str]]]:
    """The channels that each of the users wants, by topic, in one statement; `account` is mailed to everybody."""
    if not user_ids:
        return {}
    said: dict[UUID, dict[tuple[str, str], bool]] = {user_id: {} for user_id in user_ids}
    for row in db.rows(
        "SELECT user_id, topic, channel, enabled FROM preferences WHERE user_id = ANY(:users)", users=list(said)
    ):
        said[row.user_id][row.topic, row.channel] = row.enabled
    always: dict[str, frozenset[str]] = {entry["topic"]: frozenset({entry["channel"]}) for entry in LOCKED}
    return {
        user_id: always
        | {
            topic: frozenset(c for c in CHANNELS if chosen.get((topic, c), c in usual))
            for topic, usual in TOPICS.items()
        }
        for user_id, chosen in said.items()
    }


def wants(user_id: UUID, topic: str, channel: str) -> bool:
    """Whether a user wants a topic over a channel; `account` is always mailed."""
    return channel in wanted_channels([user_id])[user_id].get(topic, frozenset())


def change_preferences(user_id: UUID, wanted: Matrix) -> None:
    """Say yes or no to some topics and channels; the others stay. Writes; the caller commits.

    Only a change is written, with its moment: the rows are the record of consent. Raises Invalid for an unknown topic
    or channel and for a locked topic. Facts: account.preferences_changed with what was changed.
    """
    _check(wanted)
    users.lock(user_id)
    present = preferences(user_id)
    changes = [
        {"topic": topic, "channel": channel, "enabled": enabled}
        for topic, channels in wanted.items()
        for channel, enabled in channels.items()
        if present[topic][channel] != enabled
    ]
    if not changes:
        return
    db.run_many(
        """
        INSERT INTO preferences (user_id, topic, channel, enabled, changed_at)
        VALUES (:user, :topic, :channel, :enabled, :at)
        ON CONFLICT (user_id, topic, channel) DO UPDATE SET enabled = excluded.enabled, changed_at = excluded.changed_at
        """,
        [{"user": user_id, "at": now(), **change} for change in changes],
    )
    log.append(user_id, [Fact("account.preferences_changed", {"changes": changes})])


def _check(wanted: Matrix) -> None:
    errors: dict[str, list[str]] = {}
    locked = {entry["topic"] for entry in LOCKED}
    for topic, channels in wanted.items():
        if topic in locked:
            errors[f"topics.{topic}"] = ["Always sent; it cannot be turned off."]
        elif topic not in TOPICS:
            errors[f"topics.{topic}"] = ["Unknown topic."]
        else:
            errors |= {f"topics.{topic}.{name}": ["Unknown channel."] for name in channels if name not in CHANNELS}
    if errors:
        raise Invalid(errors)
