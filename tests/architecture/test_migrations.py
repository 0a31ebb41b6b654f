"""The migrations: one line from an empty database to exactly the tables that the models describe."""

import contextlib
import re

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, create_engine, pool

from quickshop.config import rewrite_database_url
from quickshop.extensions import Base
from tests.factories.gateways import ROOT


def test_migrations_are_one_line():
    scripts = ScriptDirectory.from_config(Config(ROOT / "alembic.ini"))
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert len(scripts.get_heads()) == 1
    assert sorted(revisions, reverse=True) == revisions
    assert all(re.fullmatch(r"\d{4}", revision) for revision in revisions)


def test_the_migrated_database_is_what_the_models_say(servers):
    engine = create_engine(rewrite_database_url(servers.database), poolclass=pool.NullPool)
    with contextlib.closing(engine.connect()) as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_the_database_has_every_check_of_the_models_and_no_other(servers):
    modelled = {
        f"ck_{table.name}_{str(rule.name).removeprefix(f'ck_{table.name}_')}"
        for table in Base.metadata.sorted_tables
        for rule in table.constraints
        if isinstance(rule, CheckConstraint) and rule.name
    }
    found = servers.run(
        "SELECT conname, convalidated FROM pg_constraint"
        " WHERE contype = 'c' AND connamespace = current_schema()::regnamespace"
    )
    assert {name for name, _ in found} == modelled
    assert [name for name, validated in found if not validated] == []
