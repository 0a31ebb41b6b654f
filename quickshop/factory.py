"""Builds the Flask application: settings, database, and whatever edges the composition root hands in."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psycopg2
from flask import Flask
from sqlalchemy import Engine, event, make_url

from quickshop.accounts import models as _accounts
from quickshop.cart import models as _cart
from quickshop.catalog import models as _catalog
from quickshop.checkout import models as _checkout
from quickshop.config import Settings, load_settings
from quickshop.extensions import bind_settings, db
from quickshop.imports import models as _imports
from quickshop.inventory import models as _inventory
from quickshop.invoices import models as _invoices
from quickshop.kernel import models as _kernel
from quickshop.kernel.pool import watch_pool
from quickshop.notifications import models as _notifications
from quickshop.orders import fulfilment_models as _fulfilment
from quickshop.orders import models as _orders
from quickshop.payments import models as _payments
from quickshop.promotions import models as _promotions
from quickshop.returns import models as _returns
from quickshop.reviews import models as _reviews
from quickshop.runtime.database_roles import PROCESSES, role_of
from quickshop.security import models as _security
from quickshop.shipping import models as _shipping
from quickshop.shop import models as _shop
from quickshop.support import models as _support
from quickshop.tax import models as _tax
from quickshop.webhooks import models as _webhooks
from quickshop.wishlists import models as _wishlists

Edge = Callable[[Flask], None]

# Every module with tables, so that the metadata is whole wherever the application is built.
MODELS = (
    _accounts,
    _cart,
    _catalog,
    _checkout,
    _imports,
    _inventory,
    _invoices,
    _kernel,
    _notifications,
    _fulfilment,
    _orders,
    _payments,
    _promotions,
    _returns,
    _reviews,
    _security,
    _shipping,
    _shop,
    _support,
    _tax,
    _webhooks,
    _wishlists,
)

# Seconds a statement may take, and wait for a lock, per kind of process.
TIMEOUTS = {"web": (3, 1), "worker": (10, 3), "relay": (10, 3), "report": (60, 3), "command": (10, 3)}

# What a web process keeps beyond POOL_SIZE.
WEB_OVERFLOW = 5

log = logging.getLogger(__name__)


def engine_options(settings: Settings, role: str) -> dict[str, Any]:
    """Pool and connection settings; time is bounded in Postgres, never by killing a greenlet."""
    statement, lock = TIMEOUTS[role]
    options = " ".join(
        f"-c {name}={value}"
        for name, value in {
            "statement_timeout": f"{statement}s",
            "lock_timeout": f"{lock}s",
            "idle_in_transaction_session_timeout": "10s",
            "timezone": "UTC",
            # Workers of one query and compiling it only pay where a machine has nothing else to do.
            "max_parallel_workers_per_gather": "0",
            "jit": "off",
        }.items()
    )
    return {
        # Connections beyond the pool's size would be opened and closed with every request of a busy moment.
        "pool_size": settings.pool_size + WEB_OVERFLOW if role == "web" else 2,
        "max_overflow": 0 if role == "web" else 1,
        "pool_timeout": 2,
        "isolation_level": "AUTOCOMMIT",  # kernel.db sends BEGIN with the first statement of a unit
        "pool_use_lifo": True,
        "pool_recycle": 1800,
        "connect_args": {
            "options": options,
            "connect_timeout": 3,
            "application_name": f"quickshop-{role}",
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        },
    }


def take_role(engine: Engine, role: str, *, required: bool) -> None:
    """Have every connection take a process' database role at once, and with it no more rights than that needs.

    Where it is not `required` (in development), a database without the roles is used as it is.
    """

    @event.listens_for(engine, "connect")
    def set_role(connection: Any, _: Any) -> None:
        connection.autocommit = True  # as the engine has it; a role set in a transaction could be rolled back
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SET ROLE {role}")
        except (psycopg2.DataError, psycopg2.ProgrammingError) as error:
            reason = str(error).strip().splitlines()[0]
            if required:
                connection.close()
                raise psycopg2.OperationalError(f"the database role cannot be taken: {reason}") from error
            log.warning("working as the tables' owner: %s", reason)


def create_app(edges: Iterable[Edge] = (), *, role: str = "web", settings: Settings | None = None) -> Flask:
    """The application with its core; each edge registers its own routes. Raises SettingsError.

    `role` is the kind of process: "web", "worker" and "relay" take its database role, "command" and "report" (which
    may take a minute over a statement) work as the tables' owner.
    """
    settings = settings or load_settings(os.environ)
    app = Flask("quickshop", root_path=str(Path(__file__).parent), static_folder=None, template_folder=None)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=make_url(settings.database_url),
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings, role),
        MAX_CONTENT_LENGTH=1024 * 1024,
        TESTING=settings.env == "testing",
    )
    bind_settings(app, settings)
    db.init_app(app)
    with app.app_context():
        watch_pool(db.engine)
        if role in PROCESSES:
            take_role(db.engine, role_of(role), required=settings.env == "production")
    for edge in edges:
        edge(app)
    return app
