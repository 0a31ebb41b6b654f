"""accounts sessions and protected data"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


APPEND_ONLY = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_log_only_grows BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_is_not_emptied BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# One default at most is an index's work; that there is one, where there is any card, is looked at before the commit.
ONE_DEFAULT = """
CREATE FUNCTION check_default_payment_method() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owner uuid := CASE TG_OP WHEN 'DELETE' THEN OLD.user_id ELSE NEW.user_id END;
BEGIN
    IF EXISTS (SELECT 1 FROM payment_methods WHERE user_id = owner)
       AND NOT EXISTS (SELECT 1 FROM payment_methods WHERE user_id = owner AND is_default) THEN
        RAISE EXCEPTION 'one of the payment methods must be the default'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'one_default_payment_method';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payment_methods_one_default AFTER INSERT OR UPDATE OR DELETE ON payment_methods
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_default_payment_method();
"""

# An erased account takes nothing more, whoever was at work on it meanwhile. The lock is the one a foreign key takes.
ERASED_STAYS_ERASED = """
CREATE FUNCTION refuse_erased() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    gone timestamptz;
BEGIN
    IF TG_TABLE_NAME = 'users' THEN
        gone := OLD.erased_at;
    ELSE
        SELECT erased_at INTO gone FROM users WHERE id = NEW.user_id FOR KEY SHARE;
    END IF;
    IF gone IS NOT NULL THEN
        RAISE EXCEPTION 'an erased account takes nothing more'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'account_erased';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER users_erased BEFORE UPDATE ON users
    FOR EACH ROW WHEN (OLD.erased_at IS NOT NULL) EXECUTE FUNCTION refuse_erased();
"""
OWNED = ("addresses", "carts", "challenges", "email_tokens", "passkeys", "payment_methods", "preferences", "push_devices",
         "recovery_codes", "search_words", "sessions", "two_factors", "user_roles")

CHECKS = (
    ("email_tokens", "known_purpose", "purpose IN ('verify_email', 'reset_password', 'change_email')"),
    ("email_tokens", "new_address_known", "(purpose = 'change_email') = (sealed IS NOT NULL)"),
    ("sessions", "known_kind", "kind IN ('web', 'app')"),
    ("roles", "name_form", "name ~ '^[a-z][a-z0-9-]{1,39}$'"),
)

ROLES = {
    "admin": (
        "Everything",
        ["api-keys:write", "audit:read", "catalog:write", "customers:erase", "customers:read", "customers:write",
         "metrics:read", "orders:read", "orders:write", "roles:read", "roles:write"],
    ),
    "support": ("Reads orders, customers and figures", ["customers:read", "metrics:read", "orders:read"]),
}


def _check_constraints() -> None:
    op.drop_constraint(op.f("ck_email_tokens_known_purpose"), "email_tokens", type_="check")
    for table, name, condition in CHECKS:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK ({condition}) NOT VALID")


def _first_rows() -> None:
    op.execute("INSERT INTO audit_heads (chain, seq, mac) VALUES ('staff', 0, ''), ('security', 0, '')")
    roles = sa.table("roles", sa.column("name"), sa.column("description"), sa.column("built_in"), sa.column("permissions"))
    for name, (description, permissions) in ROLES.items():
        op.execute(
            roles.update().where(roles.c.name == name).values(
                description=description, built_in=True, permissions=sa.cast(permissions, postgresql.ARRAY(sa.Text))
            )
        )


def upgrade() -> None:
    op.create_table('audit_heads',
    sa.Column('chain', sa.Text(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.Column('mac', sa.LargeBinary(), nullable=False),
    sa.Column('written_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('chain', name=op.f('pk_audit_heads'))
    )
    op.create_table('audit_log',
    sa.Column('chain', sa.Text(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.Column('at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('action', sa.Text(), nullable=False),
    sa.Column('target', sa.Text(), nullable=True),
    sa.Column('outcome', sa.Text(), server_default='done', nullable=False),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('network', sa.Text(), nullable=True),
    sa.Column('request_id', sa.Text(), nullable=True),
    sa.Column('previous', sa.LargeBinary(), nullable=False),
    sa.Column('mac', sa.LargeBinary(), nullable=False),
    sa.CheckConstraint("chain IN ('staff', 'security')", name=op.f('ck_audit_log_known_chain')),
    sa.CheckConstraint("outcome IN ('done', 'denied', 'failed')", name=op.f('ck_audit_log_known_outcome')),
    sa.CheckConstraint('seq > 0', name=op.f('ck_audit_log_seq_positive')),
    sa.PrimaryKeyConstraint('chain', 'seq', name=op.f('pk_audit_log'))
    )
    op.create_index('ix_audit_log_actor', 'audit_log', ['actor', 'at'], unique=False)
    op.create_index('ix_audit_log_at', 'audit_log', ['at', 'chain', 'seq'], unique=False)
    op.create_index('ix_audit_log_target', 'audit_log', ['target', 'at'], unique=False)
    op.create_table('addresses',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('country', sa.Text(), nullable=False),
    sa.Column('default_shipping', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('default_billing', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name=op.f('ck_addresses_country_form')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_addresses_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_addresses'))
    )
    op.create_index('ix_addresses_user_id', 'addresses', ['user_id', 'created_at'], unique=False)
    op.create_index('uq_addresses_default_billing', 'addresses', ['user_id'], unique=True, postgresql_where=sa.text('default_billing'))
    op.create_index('uq_addresses_default_shipping', 'addresses', ['user_id'], unique=True, postgresql_where=sa.text('default_shipping'))
    op.create_table('api_keys',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('key_hash', sa.LargeBinary(), nullable=False),
    sa.Column('hint', sa.Text(), nullable=False),
    sa.Column('scopes', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('last_used_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('revoked_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['created_by'], ['users.id'], name=op.f('fk_api_keys_created_by_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_keys')),
    sa.UniqueConstraint('key_hash', name=op.f('uq_api_keys_key_hash'))
    )
    op.create_index('ix_api_keys_created_by', 'api_keys', ['created_by'], unique=False)
    op.create_table('challenges',
    sa.Column('token_hash', sa.LargeBinary(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('purpose', sa.Text(), nullable=False),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('expires_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('used_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint("purpose IN ('second_factor', 'passkey_register', 'passkey_login')", name=op.f('ck_challenges_known_purpose')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_challenges_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_challenges'))
    )
    op.create_index('ix_challenges_expires_at', 'challenges', ['expires_at'], unique=False)
    op.create_index('ix_challenges_user_id', 'challenges', ['user_id'], unique=False)
    op.create_table('passkeys',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('credential_id', sa.LargeBinary(), nullable=False),
    sa.Column('public_key', sa.LargeBinary(), nullable=False),
    sa.Column('sign_count', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('transports', postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('backed_up', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('last_used_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_passkeys_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_passkeys')),
    sa.UniqueConstraint('credential_id', name=op.f('uq_passkeys_credential_id'))
    )
    op.create_index('ix_passkeys_user_id', 'passkeys', ['user_id'], unique=False)
    op.create_table('payment_methods',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('provider', sa.Text(), nullable=False),
    sa.Column('token', sa.LargeBinary(), nullable=False),
    sa.Column('token_index', sa.LargeBinary(), nullable=False),
    sa.Column('brand', sa.Text(), nullable=False),
    sa.Column('last4', sa.Text(), nullable=False),
    sa.Column('exp_month', sa.SmallInteger(), nullable=False),
    sa.Column('exp_year', sa.SmallInteger(), nullable=False),
    sa.Column('is_default', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("last4 ~ '^[0-9]{4}$'", name=op.f('ck_payment_methods_last4_form')),
    sa.CheckConstraint('exp_month BETWEEN 1 AND 12 AND exp_year BETWEEN 2000 AND 2199', name=op.f('ck_payment_methods_expiry_form')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_payment_methods_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payment_methods'))
    )
    op.create_index('uq_payment_methods_default', 'payment_methods', ['user_id'], unique=True, postgresql_where=sa.text('is_default'))
    op.create_index('uq_payment_methods_token', 'payment_methods', ['user_id', 'token_index'], unique=True)
    op.create_table('preferences',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('enabled', sa.Boolean(), nullable=False),
    sa.Column('changed_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("channel IN ('email', 'sms', 'inbox', 'push')", name=op.f('ck_preferences_known_channel')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_preferences_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'topic', 'channel', name=op.f('pk_preferences'))
    )
    op.create_table('push_devices',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('token_index', sa.LargeBinary(), nullable=False),
    sa.Column('token', sa.LargeBinary(), nullable=False),
    sa.Column('platform', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), server_default='', nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("platform IN ('android', 'ios', 'web')", name=op.f('ck_push_devices_known_platform')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_push_devices_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'token_index', name=op.f('pk_push_devices'))
    )
    op.create_index('uq_push_devices_token', 'push_devices', ['token_index'], unique=True)
    op.create_table('recovery_codes',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('code_hash', sa.LargeBinary(), nullable=False),
    sa.Column('used_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_recovery_codes_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'code_hash', name=op.f('pk_recovery_codes'))
    )
    op.create_table('search_words',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('word', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_search_words_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'word', name=op.f('pk_search_words'))
    )
    op.create_index('ix_search_words_word', 'search_words', ['word', 'user_id'], unique=False)
    op.create_table('two_factors',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('secret', sa.LargeBinary(), nullable=False),
    sa.Column('enabled_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('last_step', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_two_factors_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_two_factors'))
    )
    op.add_column('email_tokens', sa.Column('sealed', sa.LargeBinary(), nullable=True))
    op.add_column('idempotency_keys', sa.Column('key_id', sa.Text(), nullable=True))
    op.add_column('orders', sa.Column('payment_token_sealed', sa.LargeBinary(), nullable=True))
    op.add_column('orders', sa.Column('payment_method_id', sa.Uuid(), nullable=True))
    op.alter_column('orders', 'payment_token',
               existing_type=sa.TEXT(),
               nullable=True)
    op.create_foreign_key(op.f('fk_orders_payment_method_id_payment_methods'), 'orders', 'payment_methods', ['payment_method_id'], ['id'], ondelete='SET NULL', postgresql_not_valid=True)
    op.add_column('roles', sa.Column('description', sa.Text(), server_default='', nullable=False))
    op.add_column('roles', sa.Column('built_in', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('sessions', sa.Column('kind', sa.Text(), server_default='app', nullable=False))
    op.add_column('sessions', sa.Column('network', sa.Text(), nullable=True))
    op.add_column('sessions', sa.Column('proved_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False))
    op.add_column('sessions', sa.Column('second_factor_at', postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.add_column('users', sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False))
    op.add_column('users', sa.Column('erased_at', postgresql.TIMESTAMP(timezone=True), nullable=True))
    _check_constraints()
    op.execute(APPEND_ONLY)
    op.execute(ONE_DEFAULT)
    op.execute(ERASED_STAYS_ERASED)
    for table in OWNED:
        op.execute(
            f"CREATE TRIGGER {table}_erased BEFORE INSERT ON {table} FOR EACH ROW"
            " WHEN (NEW.user_id IS NOT NULL) EXECUTE FUNCTION refuse_erased()"
        )
    _first_rows()
    # The locks of what follows last as long as a statement, not as long as the migration.
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE orders VALIDATE CONSTRAINT fk_orders_payment_method_id_payment_methods")
        for table, name, _ in CHECKS:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_{name}")
        op.create_index(
            "ix_orders_payment_method_id",
            "orders",
            ["payment_method_id"],
            unique=False,
            postgresql_where=sa.text("payment_method_id IS NOT NULL"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    raise RuntimeError("what people entrusted to these tables would be lost: restore a backup instead")
