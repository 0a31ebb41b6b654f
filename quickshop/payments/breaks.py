"""Breaks: what does not add up between the provider's books, ours and the orders, kept until it does or staff say why.

The same break is one open row however often it is seen. One that staff closed comes back only with other figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from quickshop.kernel import db
from quickshop.kernel.errors import Conflict, NotFound
from quickshop.kernel.ids import new_id


class BreakClosed(Conflict):
    """The break is closed already."""

    code, title = "break_closed", "This break is closed already"


@dataclass(frozen=True)
class Break:
    """What differs. `subject` is a charge's key (or the provider's reference), amounts in minor units."""

    kind: str
    provider: str
    subject: str
    currency: str
    expected_minor: int
    found_minor: int
    order_id: UUID | None = None
    provider_ref: str | None = None
    detail: str | None = None


_OPEN = """
INSERT INTO payment_breaks (id, kind, provider, subject, currency, expected_minor, found_minor, order_id, provider_ref,
    detail)
SELECT :id, :kind, :provider, :subject, :currency, :expected_minor, :found_minor, :order_id, :provider_ref, :detail
WHERE NOT EXISTS (
    SELECT 1 FROM payment_breaks b WHERE b.kind = :kind AND b.subject = :subject AND b.closed_by = 'staff'
      AND (b.expected_minor, b.found_minor) = (CAST(:expected_minor AS bigint), CAST(:found_minor AS bigint)))
ON CONFLICT (kind, subject) WHERE state = 'open' DO UPDATE SET seen_at = now(),
    expected_minor = EXCLUDED.expected_minor, found_minor = EXCLUDED.found_minor, detail = EXCLUDED.detail
RETURNING id
"""


def note(found: Break) -> None:
    """Open a break, or note that it is still there. Writes; the caller commits."""
    db.run(
        _OPEN,
        id=new_id(),
        kind=found.kind,
        provider=found.provider,
        subject=found.subject,
        currency=found.currency,
        expected_minor=found.expected_minor,
        found_minor=found.found_minor,
        order_id=found.order_id,
        provider_ref=found.provider_ref,
        detail=found.detail,
    )


def gone(subject: str, *kinds: str) -> None:
    """Close what is not there any more. Writes; the caller commits."""
    db.run(
        "UPDATE payment_breaks SET state = 'closed', closed_at = now(), closed_by = 'itself'"
        " WHERE subject = :subject AND state = 'open' AND kind = ANY(:kinds)",
        subject=subject,
        kinds=list(kinds),
    )


def close(break_id: UUID, words: str) -> None:
    """Close a break by hand and say why. Writes; the caller commits. Raises NotFound, BreakClosed."""
    found = db.row("SELECT state FROM payment_breaks WHERE id = :id FOR UPDATE", id=break_id)
    if found is None:
        raise NotFound("break")
    if found.state == "closed":
        raise BreakClosed("It was closed before.")
    db.run(
        "UPDATE payment_breaks SET state = 'closed', closed_at = now(), closed_by = 'staff', note = :note"
        " WHERE id = :id",
        id=break_id,
        note=words,
    )
