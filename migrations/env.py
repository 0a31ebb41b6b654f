"""Alembic's entry: linear migrations, each in its own transaction, with a short lock timeout."""

import os
import sys

from alembic import context
from sqlalchemy import Connection, create_engine, pool, text

from quickshop.config import rewrite_database_url
from quickshop.extensions import Base
from quickshop.factory import MODELS
from quickshop.runtime import database_roles

assert MODELS  # imported for the tables they define
target_metadata = Base.metadata


def run() -> None:
    """Migrate the database named by DATABASE_URL. Two runs at once wait for each other."""
    engine = create_engine(rewrite_database_url(os.environ["DATABASE_URL"]), poolclass=pool.NullPool)
    with engine.connect() as connection:
        # One migration at a time; a blocked table fails fast instead of queueing the shop behind it.
        connection.execute(text("SELECT pg_advisory_lock(727001)"))
        connection.execute(text("SET lock_timeout = '1s'"))
        connection.commit()
        context.configure(connection=connection, target_metadata=target_metadata, transaction_per_migration=True)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
        with connection.begin():
            grant(connection)


def grant(connection: Connection) -> None:
    """Give each kind of process its database role. Only development goes on without, as the tables' owner."""
    with connection.connection.cursor() as cursor:
        try:
            database_roles.set_up(cursor)
        except database_roles.RolesMissing as refusal:
            if os.environ.get("QUICKSHOP_ENV", "production") == "production":
                raise
            sys.stderr.write(f"WARNING: {refusal} Until then every process works as the tables' owner.\n")


run()
