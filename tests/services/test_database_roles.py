"""The database roles of the processes: each may do its work and nothing else, on real connections."""

import contextlib
from dataclasses import replace

import psycopg2
import pytest

from quickshop.accounts import service as accounts
from quickshop.extensions import Base
from quickshop.factory import MODELS, create_app
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.notifications import service as notifications
from quickshop.runtime import database_roles, databases
from quickshop.runtime.database_roles import COLUMNS, PROCESSES, TABLES, RolesMissing, role_of

assert MODELS  # imported for the tables they define


@contextlib.contextmanager
def as_role(servers, process):
    """A cursor of a connection that has taken a process' role."""
    with contextlib.closing(servers.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {role_of(process)}")
        yield cursor


def test_every_table_says_who_may_do_what_with_it():
    """A new table is closed to every process until it stands in the list."""
    assert set(TABLES) == set(Base.metadata.tables) | {"alembic_version"}
    for table, _ in COLUMNS:
        assert table in TABLES


def test_granted_columns_exist():
    for (table, _), columns in COLUMNS.items():
        known = {column.name for column in Base.metadata.tables[table].columns}
        assert all(set(names) <= known for names in columns.values())


@pytest.mark.parametrize("process", PROCESSES)
def test_the_database_grants_what_is_declared_and_no_more(servers, process):
    role = role_of(process)
    found = {}
    for table, privilege in servers.run(
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants WHERE grantee = %s", role
    ):
        found.setdefault(table, set()).add(privilege)
    words = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}
    place = PROCESSES.index(process)
    declared = {table: {words[x] for x in letters[place]} for table, letters in TABLES.items() if letters[place]}
    assert found == declared


FORBIDDEN = {
    "web": [
        "CREATE TABLE anything (id int)",
        "ALTER TABLE users ADD COLUMN anything int",
        "DROP TABLE carts",
        "TRUNCATE carts",
        "CREATE INDEX anything ON carts (id)",
        "CREATE FUNCTION anything() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE ROLE anything",
        "UPDATE audit_log SET actor = 'x'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "ALTER TABLE audit_log DISABLE TRIGGER ALL",
        "DELETE FROM audit_heads",
        "INSERT INTO order_transitions VALUES ('status', 'a', 'b')",
        "UPDATE alembic_version SET version_num = '0001'",
        "COPY carts TO PROGRAM 'true'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT query FROM pg_stat_statements, pg_shadow",
    ],
    "worker": [
        "CREATE TABLE anything (id int)",
        "TRUNCATE orders",
        "UPDATE users SET password_hash = 'x'",
        "UPDATE users SET email_index = 'x'",
        "UPDATE users SET disabled_at = NULL",
        "SELECT password_hash FROM users",
        "SELECT * FROM users",
        "INSERT INTO users (id) VALUES (gen_random_uuid())",
        "DELETE FROM users",
        "UPDATE persons SET wrapped_key = NULL",
        "SELECT * FROM two_factors",
        "SELECT * FROM recovery_codes",
        "SELECT * FROM passkeys",
        "SELECT * FROM api_keys",
        "INSERT INTO user_roles (user_id, role) VALUES (gen_random_uuid(), 'admin')",
        "UPDATE roles SET permissions = '{}'",
        "INSERT INTO sessions (id, user_id) VALUES (gen_random_uuid(), gen_random_uuid())",
        "UPDATE sessions SET revoked_at = NULL",
        "UPDATE audit_log SET actor = 'x'",
        "DELETE FROM audit_log",
        "DELETE FROM orders",
    ],
    "relay": [
        "CREATE TABLE anything (id int)",
        "SELECT * FROM users",
        "SELECT * FROM persons",
        "SELECT * FROM sessions",
        "SELECT * FROM audit_log",
        "UPDATE orders SET status = 'confirmed'",
        "INSERT INTO outbox DEFAULT VALUES",
        "DELETE FROM outbox",
        "UPDATE payments SET captured_minor = 0",
        "UPDATE stock_items SET on_hand = 0",
    ],
}


@pytest.mark.parametrize(
    ("process", "sql"), [(process, sql) for process, statements in FORBIDDEN.items() for sql in statements]
)
def test_what_a_process_has_no_need_for_is_refused(servers, process, sql):
    with as_role(servers, process) as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
        cursor.execute(sql)


def test_the_owner_cannot_change_the_audit_log_either(servers):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege, match="only grows"):
        servers.run("TRUNCATE audit_log")


def test_the_web_application_works_in_its_role(core):
    with reading():
        assert db.scalar("SELECT current_user") == "quickshop_web"
        assert db.scalar("SELECT session_user") != "quickshop_web"


@pytest.mark.parametrize("process", ["worker", "relay"])
def test_so_do_workers_and_the_relay(settings, process):
    with create_app(role=process, settings=settings).app_context(), reading():
        assert db.scalar("SELECT current_user") == role_of(process)


def test_a_worker_may_answer_what_is_asked_of_an_address(core, settings):
    person = {"email": "robin@quickshop.example", "username": "robin", "first_name": "Robin", "last_name": "Ashdown"}
    accounts.register(accounts.Registration(**person, password="Cobalt-Harvest-27"))
    run_unit(lambda: db.run("UPDATE email_tokens SET created_at = now() - interval '1 day'"))
    for email in (person["email"], "nobody@quickshop.example"):
        run_unit(lambda email=email: accounts.forgot_password(email))
        run_unit(lambda email=email: accounts.resend_verification(email))
    with create_app(role="worker", settings=settings).app_context():
        notifications.drain()
    with reading():
        told = [r.kind for r in db.rows("SELECT kind FROM deliveries ORDER BY id")]
    assert told == [
        "account.verification_requested",
        "account.password_reset_requested",
        "account.verification_requested",
    ]


def test_commands_work_as_the_owner(settings):
    with create_app(role="command", settings=settings).app_context(), reading():
        assert db.scalar("SELECT current_user = session_user")


def test_granting_again_is_harmless(servers):
    servers.migrate()
    assert databases.has_roles(servers.database)


def test_a_user_who_may_not_make_roles_is_told_what_a_superuser_runs(servers):
    class Poor:
        """A cursor of a database whose user may make no roles."""

        def execute(self, sql, *_params):
            self.last = sql
            if "CREATE ROLE" in sql:
                raise psycopg2.errors.InsufficientPrivilege("permission denied to create role")

        def fetchone(self):
            return ["poor"]

        def fetchall(self):
            return [(role,) for role in database_roles.ROLES] if "unnest" in self.last else []

    with pytest.raises(RolesMissing, match="CREATE ROLE quickshop_web NOLOGIN") as refusal:
        database_roles.set_up(Poor())
    sentence = str(refusal.value)
    assert 'GRANT quickshop_web, quickshop_worker, quickshop_relay TO "poor" WITH SET TRUE, INHERIT FALSE;' in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(("env", "starts"), [("testing", True), ("production", False)])
def test_without_its_role_only_a_development_shop_goes_on(settings, monkeypatch, env, starts):
    monkeypatch.setattr("quickshop.factory.role_of", lambda process: f"nobody_made_{process}")
    app = create_app(settings=replace(settings, env=env))
    with app.app_context(), reading():
        if starts:
            assert db.scalar("SELECT current_user = session_user")
        else:
            with pytest.raises(Exception, match="does not exist"):
                db.scalar("SELECT 1")
