"""Keeping the pool's connections honest: none comes back in a transaction, none that idled is used unasked."""

from __future__ import annotations

import time
from typing import Any

from psycopg2.extensions import TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_UNKNOWN
from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

# A connection used this recently is taken as alive: asking each time would cost a round trip per request.
TRUSTED_SECONDS = 5.0
_LAST_USED = "quickshop.last_used"


def _check_idle(dbapi_connection: Any, record: Any, _: Any) -> None:
    if time.monotonic() - record.info.get(_LAST_USED, 0.0) < TRUSTED_SECONDS:
        return
    try:
        with dbapi_connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception as error:
        raise DisconnectionError(str(error)) from error


def _note_use(dbapi_connection: Any, record: Any) -> None:
    record.info[_LAST_USED] = time.monotonic()


def _end_transaction(dbapi_connection: Any, record: Any, reset_state: Any) -> None:
    status = dbapi_connection.info.transaction_status
    if status not in (TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_UNKNOWN):
        with dbapi_connection.cursor() as cursor:
            cursor.execute("ROLLBACK")


def watch_pool(engine: Engine) -> None:
    """Ask a connection that idled whether it lives; end what an error left open when one comes back."""
    event.listen(engine, "checkout", _check_idle)
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "reset", _end_transaction)
