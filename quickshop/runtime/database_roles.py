"""The database roles that processes take on connecting, and what each may do: no more than its work needs.

The migrations' own role owns the tables. Web, worker and relay connect as it and take a role of these at once, by
SET ROLE; none of them can change the schema. Plain SQL on a DB-API cursor, so that a start stays quick.
"""

from __future__ import annotations

import hashlib
from typing import Any

import psycopg2

from quickshop.runtime.failures import CannotStart

PROCESSES = ("web", "worker", "relay")
_WORDS = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}

# What web, worker and relay may do with each table, in PostgreSQL's letters: read, append, write, delete.
# A table that is not named here is closed to all of them.
TABLES: dict[str, tuple[str, str, str]] = {
    "account_events": ("arwd", "ar", ""),
    "addresses": ("arwd", "r", ""),
    "alembic_version": ("r", "r", "r"),
    "api_keys": ("arwd", "", ""),
    "attribute_values": ("arwd", "ar", ""),
    "attributes": ("arwd", "ar", ""),
    "audit_heads": ("rw", "rw", ""),
    "audit_log": ("ar", "ar", ""),
    "canned_replies": ("arwd", "", ""),
    "cart_codes": ("arwd", "rd", ""),
    "cart_asides": ("arwd", "rd", ""),
    "cart_items": ("arwd", "rd", ""),
    "cancellation_requests": ("arw", "r", ""),
    "carrier_cursors": ("arw", "arw", ""),
    "cart_reminders": ("ard", "ard", ""),
    "cart_shares": ("arwd", "ard", ""),
    "carts": ("arwd", "rwd", ""),
    "catalog_words": ("arwd", "ard", ""),
    "categories": ("arwd", "r", ""),
    "category_slugs": ("arwd", "", ""),
    "category_tallies": ("arwd", "ard", ""),
    "challenges": ("arwd", "rd", ""),
    "channel_pauses": ("arwd", "arwd", "r"),
    "credit_entries": ("arwd", "ar", ""),
    "credits": ("arwd", "rw", ""),
    "deliveries": ("arwd", "arwd", "r"),
    "email_tokens": ("arwd", "ard", ""),
    "fact_listeners": ("ard", "r", ""),
    "holidays": ("arwd", "r", ""),
    "idempotency_keys": ("arwd", "rd", ""),
    "import_chunks": ("ar", "rd", ""),
    "import_errors": ("r", "ard", ""),
    "import_products": ("r", "arwd", ""),
    "import_rows": ("r", "ard", ""),
    "import_touched": ("r", "ard", ""),
    "imports": ("arw", "rwd", "r"),
    "invoice_files": ("rw", "arwd", "r"),
    "invoice_series": ("r", "arw", ""),
    "invoices": ("rw", "ar", ""),
    "inbox_messages": ("arwd", "ar", ""),
    "line_progress": ("arw", "arw", "r"),
    "listings": ("arwd", "arwd", ""),
    "listing_prices": ("arwd", "arwd", ""),
    "login_failures": ("arwd", "rd", ""),
    "low_stock": ("r", "ard", ""),
    "media_files": ("arw", "rd", ""),
    "order_discounts": ("arwd", "r", "r"),
    "order_drafts": ("arw", "r", ""),
    "order_events": ("arwd", "ar", ""),
    "order_given_back": ("arw", "arw", ""),
    "order_lines": ("arwd", "r", "r"),
    "order_notes": ("arw", "", ""),
    "order_processing": ("arwd", "rw", "rw"),
    "order_risks": ("arwd", "arw", ""),
    "order_signals": ("arwd", "arwd", ""),
    "order_stages": ("arw", "ar", ""),
    "order_transitions": ("r", "r", "r"),
    "orders": ("arwd", "rw", "r"),
    "outbox": ("arwd", "ard", "rw"),
    "parcel_events": ("ar", "ar", ""),
    "parcel_lines": ("ar", "r", ""),
    "parcels": ("arw", "rw", ""),
    "passkeys": ("arwd", "", ""),
    "payment_attempts": ("arwd", "arw", ""),
    "payment_books": ("r", "arw", ""),
    "payment_breaks": ("arw", "arw", ""),
    "payment_methods": ("arwd", "r", ""),
    "payment_webhooks": ("arwd", "rd", ""),
    "payments": ("arwd", "arw", ""),
    "pending_facts": ("arwd", "arwd", "r"),  # FOR UPDATE asks for the right to update
    "periodic_jobs": ("arwd", "r", "rw"),
    "persons": ("arwd", "r", ""),
    "picture_files": ("ar", "r", ""),
    "pictures": ("arwd", "", ""),
    "preferences": ("arwd", "r", ""),
    "price_changes": ("arwd", "a", ""),
    "product_relations": ("arwd", "", ""),
    "product_slugs": ("arwd", "rd", ""),
    "product_texts": ("arwd", "arw", ""),
    "products": ("arwd", "arw", "r"),  # a worker indexes what the clock changes, and imports
    "promotion_codes": ("arwd", "rw", ""),
    "promotion_uses": ("arwd", "rw", ""),
    "promotions": ("arwd", "rw", ""),
    "push_devices": ("arwd", "rd", ""),
    "quiet_hours": ("arwd", "r", ""),
    "recovery_codes": ("arwd", "", ""),
    "refresh_tokens": ("arwd", "rd", ""),
    "relay_beats": ("arwd", "r", "arw"),
    "return_lines": ("arw", "r", ""),
    "return_photos": ("ard", "r", ""),
    "returns": ("arw", "r", ""),
    "review_votes": ("arwd", "", ""),
    "refund_lines": ("ar", "ar", ""),
    "refunds": ("ar", "ar", ""),
    "reviews": ("arwd", "", ""),
    "roles": ("arwd", "r", ""),
    "search_words": ("arwd", "", ""),
    "sessions": ("arwd", "rd", ""),
    "shipping_bands": ("arwd", "r", ""),
    "shipping_methods": ("arwd", "r", ""),
    "shipping_settings": ("arwd", "rw", ""),
    "shipping_zone_places": ("arwd", "r", ""),
    "shipping_zones": ("arwd", "r", ""),
    "shop_logos": ("ar", "r", ""),
    "shop_settings": ("arwd", "r", "r"),
    "stock_alerts": ("arwd", "rwd", ""),
    "stock_hold_lines": ("arwd", "ar", ""),
    "stock_holds": ("arwd", "arw", "r"),
    "stock_items": ("arwd", "arw", "r"),
    "stock_movements": ("arwd", "ar", ""),
    "tax_classes": ("arwd", "r", ""),
    "tax_rates": ("arwd", "r", ""),
    "tax_settings": ("arwd", "r", ""),
    "ticket_attachments": ("arwd", "rd", ""),
    "ticket_messages": ("arwd", "rd", ""),
    "tickets": ("arwd", "rwd", ""),
    "two_factors": ("arwd", "", ""),
    "user_roles": ("arwd", "r", ""),
    "users": ("arwd", "", ""),  # a worker: some columns of it, below
    "variant_prices": ("arwd", "r", "r"),
    "variants": ("arwd", "arw", "r"),
    "webhook_attempts": ("ar", "ar", ""),
    "webhook_deliveries": ("arwd", "arwd", "r"),
    "webhook_endpoints": ("arwd", "rw", "r"),
    "webhook_events": ("arwd", "ard", ""),
    "wishlist_items": ("arwd", "r", ""),
    "wishlists": ("arwd", "r", ""),
    "worker_canaries": ("arwd", "arw", "r"),
}

# Privileges on columns alone: a worker neither sees passwords nor changes who anybody is.
COLUMNS: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {
    ("users", "worker"): {
        "SELECT": (
            "id", "person_id", "username", "email", "email_index", "first_name", "last_name", "phone", "locale",
            "email_verified_at", "vip", "tax_exempt", "segment", "order_count", "spent_minor", "spent", "event_seq",
            "version", "disabled_at", "erased_at", "created_at",
        ),
        "UPDATE": ("order_count", "spent_minor", "spent", "event_seq"),
    },
}  # fmt: skip

SEQUENCES: dict[str, tuple[str, ...]] = {"draft_numbers": ("web",), "order_numbers": ("web",)}


def role_of(process: str) -> str:
    """The database role of a kind of process."""
    return f"quickshop_{process}"


ROLES = tuple(role_of(process) for process in PROCESSES)


class RolesMissing(CannotStart):
    """The roles are not there and this database user may not make them; the message holds what a superuser runs."""


def mark() -> str:
    """A word that changes with what is granted; the database keeps it, so that a start knows whether to grant anew."""
    told = repr((sorted(TABLES.items()), sorted(COLUMNS.items()), sorted(SEQUENCES.items())))
    return "grants " + hashlib.sha256(told.encode()).hexdigest()[:16]


def in_place(cursor: Any) -> bool:
    """Whether this database has the present grants and its user may take every role."""
    cursor.execute("SELECT obj_description(to_regclass('alembic_version'))")
    return cursor.fetchone()[0] == mark() and not _untakable(cursor)


def set_up(cursor: Any) -> None:
    """Make the roles where they are missing and grant exactly what is declared; may be run any number of times.

    In the transaction in hand, as the tables' owner, under the migrations' lock. Raises RolesMissing where the
    database's user may not make roles: then nothing has been changed.
    """
    if _untakable(cursor):
        _make(cursor)
    present = _present(cursor)
    for table, letters in TABLES.items():
        if table in present:
            for process, allowed in zip(PROCESSES, letters, strict=True):
                _grant(cursor, table, process, allowed)
    for (table, process), columns in COLUMNS.items():
        for privilege, names in columns.items():
            known = [name for name in names if name in present.get(table, ())]
            cursor.execute(f"GRANT {privilege} ({', '.join(known)}) ON {table} TO {role_of(process)}")
    for sequence, processes in SEQUENCES.items():
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [sequence])
        if cursor.fetchone()[0]:
            cursor.execute(f"GRANT USAGE ON SEQUENCE {sequence} TO {', '.join(map(role_of, processes))}")
    _open_schema(cursor)
    cursor.execute(f"COMMENT ON TABLE alembic_version IS '{mark()}'")


def _grant(cursor: Any, table: str, process: str, letters: str) -> None:
    cursor.execute(f"REVOKE ALL ON {table} FROM {role_of(process)}")
    if letters:
        words = ", ".join(_WORDS[letter] for letter in letters)
        cursor.execute(f"GRANT {words} ON {table} TO {role_of(process)}")


def _open_schema(cursor: Any) -> None:
    """A hardened database may have closed the schema to PUBLIC."""
    for role in ROLES:
        cursor.execute("SELECT has_schema_privilege(%s, current_schema(), 'USAGE'), current_schema()", [role])
        usable, schema = cursor.fetchone()
        if not usable:
            cursor.execute(f'GRANT USAGE ON SCHEMA "{schema}" TO {role}')


def _present(cursor: Any) -> dict[str, set[str]]:
    cursor.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()"
    )
    found: dict[str, set[str]] = {}
    for table, column in cursor.fetchall():
        found.setdefault(table, set()).add(column)
    return found


def _untakable(cursor: Any) -> list[str]:
    """Roles that are not there or that this user may not take."""
    cursor.execute(
        "SELECT name FROM unnest(%s) AS wanted (name) LEFT JOIN pg_roles r ON r.rolname = wanted.name"
        " WHERE r.oid IS NULL OR NOT pg_has_role(current_user, r.oid, 'SET')",
        [list(ROLES)],
    )
    return [name for (name,) in cursor.fetchall()]


def _make(cursor: Any) -> None:
    """Make the roles, for whole clusters: another database's migration may do the same at this moment."""
    cursor.execute("SELECT current_user")
    user = cursor.fetchone()[0]
    cursor.execute("SAVEPOINT roles")
    try:
        for role in _untakable(cursor):
            cursor.execute(
                f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN;"
                " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
            )
            cursor.execute(f'GRANT {role} TO "{user}" WITH SET TRUE, INHERIT FALSE')
        if _untakable(cursor):
            raise RolesMissing(by_hand(user))
    except (psycopg2.errors.InsufficientPrivilege, psycopg2.errors.InternalError_) as error:
        cursor.execute("ROLLBACK TO SAVEPOINT roles")
        if _untakable(cursor):
            raise RolesMissing(by_hand(user)) from error
    else:
        cursor.execute("RELEASE SAVEPOINT roles")


def by_hand(user: str) -> str:
    """The sentence that tells an operator what a superuser must run once."""
    made = " ".join(f"CREATE ROLE {role} NOLOGIN;" for role in ROLES)
    return (
        f'The database user "{user}" may not make roles; let a superuser run: {made} '
        f'GRANT {", ".join(ROLES)} TO "{user}" WITH SET TRUE, INHERIT FALSE;'
    )
