"""The canned replies of the demo shop."""

from __future__ import annotations

from quickshop.support import canned

_REPLIES = (
    ("Thank you", "Hello {name},\n\nthank you for writing. I look into it and come back to you today."),
    (
        "Where is my order?",
        "Hello {name},\n\nyour order {order} is on its way. Its page shows each step as it happens.",
    ),
    ("Please send a picture", "Hello {name},\n\nI am sorry about that. Could you send us a picture of it, here?"),
)


def seed_replies() -> None:
    """Keep them, where there are none yet. Writes; the caller commits."""
    if not canned.list_replies():
        for title, body in _REPLIES:
            canned.add_reply(title, body)
