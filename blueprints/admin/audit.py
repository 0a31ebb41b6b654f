"""The page of the audit log: who did what, newest first, and the ends of its chains to note elsewhere."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from flask import render_template, request

from blueprints.admin.views import staff
from blueprints.http.page_access import staff_page
from quickshop.accounts.permissions import Permission
from quickshop.security import audit_chain
from quickshop.security.models import CHAINS

OUTCOMES = ("done", "denied", "failed")
_WORDS = ("actor", "action", "target")
PAGE = 50


def _day(name: str) -> datetime | None:
    """A day of the form's date fields, as the moment it begins in UTC; None for none."""
    try:
        return datetime.strptime(request.args.get(name, ""), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def _end_of(day: datetime | None) -> datetime | None:
    """The moment a day is over; None for the last day there is."""
    return day + timedelta(days=1) if day and day.date() < date.max else None


@staff.get("/audit")
@staff_page(Permission.AUDIT_READ)
def audit_log() -> str:
    """Entries that match the form; what a form cannot send is taken as not given."""
    wish = {name: request.args.get(name, "").strip()[:200] for name in _WORDS}
    wish["chain"] = request.args.get("chain", "") if request.args.get("chain") in CHAINS else ""
    wish["outcome"] = request.args.get("outcome", "") if request.args.get("outcome") in OUTCOMES else ""
    first, last = _day("from"), _day("to")
    found = audit_chain.page(
        **{name: value or None for name, value in wish.items()},
        since=first,
        until=_end_of(last),
        limit=PAGE,
        cursor=request.args.get("cursor"),
    )
    days = {"from": first and first.date().isoformat(), "to": last and last.date().isoformat()}
    kept = {name: value for name, value in (wish | days).items() if value}
    return render_template(
        "staff/audit.html",
        section="audit",
        entries=found,
        wish=kept,
        chains=CHAINS,
        outcomes=OUTCOMES,
        heads=[audit_chain.head(chain) for chain in CHAINS],
    )
