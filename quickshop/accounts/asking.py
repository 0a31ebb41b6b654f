"""What somebody who is not signed in asks of an e-mail address: left sealed for later, whoever's it may be.

The request does the same for a known and an unknown address, since it looks nobody up; `answering` does.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping
from typing import Any

from quickshop.accounts.mailing import NOTIFY
from quickshop.kernel import facts
from quickshop.kernel.master_keys import keyring
from quickshop.kernel.outbox import write

CONSUMER = "accounts"
RECOVERY_ASKED = "account.recovery_asked"
VERIFICATION_ASKED = "account.verification_asked"


def leave(kind: str, email: str) -> None:
    """Leave the request, with the address under the shop's own key, and wake who answers it. Writes."""
    sealed = keyring().seal(email, _place(kind))
    facts.leave(CONSUMER, kind, {"sealed": base64.b64encode(sealed).decode()})
    write(tasks=[NOTIFY])


def address(kind: str, data: Mapping[str, Any]) -> str:
    """The address that a request left with `leave` is about. Raises SealBroken."""
    return str(keyring().unseal(base64.b64decode(data["sealed"]), _place(kind)))


def in_use() -> dict[str, int]:
    """How many requests wait under each master key; they go when they are answered, so none is sealed anew."""
    sealed = (base64.b64decode(fact.data["sealed"]) for fact in facts.look(CONSUMER))
    return Counter(keyring().key_id_of(value) for value in sealed)


def _place(kind: str) -> str:
    return f"pending_facts/data/{kind}"
