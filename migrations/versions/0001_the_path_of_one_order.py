"""the path of one order"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


# What may follow what, per field of an order: the same tables as quickshop/orders/states.py (a test compares them).
TRANSITIONS = {
    "status": {
        "placed": ["processing", "on_hold", "cancelled"],
        "processing": ["confirmed", "payment_failed", "on_hold", "cancelled"],
        "on_hold": ["processing", "cancelled"],
        "payment_failed": ["processing", "cancelled"],
        "confirmed": ["completed", "on_hold", "cancelled"],
    },
    "payment_status": {
        "pending": ["requires_action", "authorized", "failed", "voided"],
        "requires_action": ["pending", "authorized", "failed", "voided"],
        "authorized": ["captured", "voided", "failed"],
        "captured": ["partially_refunded", "refunded"],
        "partially_refunded": ["refunded"],
        "failed": ["pending", "voided"],
    },
    "fulfilment_status": {
        "unfulfilled": ["partially_shipped", "shipped"],
        "partially_shipped": ["shipped"],
        "shipped": ["out_for_delivery", "delivered"],
        "out_for_delivery": ["delivered"],
        "delivered": ["partially_returned", "returned"],
        "partially_returned": ["returned"],
    },
}

CHECK_MOVES = """
CREATE FUNCTION check_order_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM (VALUES
        ('status', OLD.status, NEW.status),
        ('payment_status', OLD.payment_status, NEW.payment_status),
        ('fulfilment_status', OLD.fulfilment_status, NEW.fulfilment_status)) AS m (field, before, after)
    WHERE m.before IS DISTINCT FROM m.after
      AND NOT EXISTS (SELECT 1 FROM order_transitions t
                      WHERE t.field = m.field AND t.before = m.before AND t.after = m.after);
    IF FOUND THEN
        RAISE EXCEPTION 'order % may not go from %/%/% to %/%/%', OLD.number, OLD.status, OLD.payment_status,
            OLD.fulfilment_status, NEW.status, NEW.payment_status, NEW.fulfilment_status
            USING ERRCODE = 'check_violation', CONSTRAINT = 'order_transitions';
    END IF;
    RETURN NEW;
END $$
"""

MOVES_TRIGGER = """
CREATE TRIGGER orders_moves BEFORE UPDATE ON orders FOR EACH ROW
WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.payment_status IS DISTINCT FROM NEW.payment_status
      OR OLD.fulfilment_status IS DISTINCT FROM NEW.fulfilment_status)
EXECUTE FUNCTION check_order_moves()
"""

ROLES = {
    "admin": ["orders:read", "orders:write", "metrics:read", "catalog:write", "customers:read", "customers:write"],
    "support": ["orders:read", "metrics:read", "customers:read"],
}

JOBS = [("maintenance.prune", "system", 30), ("notifications.deliver", "notify", 15), ("canary", "*", 10)]


def _order_moves() -> None:
    moves = op.create_table(
        "order_transitions",
        sa.Column("field", sa.Text(), primary_key=True),
        sa.Column("before", sa.Text(), primary_key=True),
        sa.Column("after", sa.Text(), primary_key=True),
    )
    op.bulk_insert(
        moves,
        [
            {"field": field, "before": before, "after": after}
            for field, table in TRANSITIONS.items()
            for before, targets in table.items()
            for after in targets
        ],
    )
    op.execute(CHECK_MOVES)
    op.execute(MOVES_TRIGGER)


def _first_rows() -> None:
    roles = sa.table("roles", sa.column("name", sa.Text), sa.column("permissions", postgresql.ARRAY(sa.Text)))
    op.bulk_insert(roles, [{"name": n, "permissions": p} for n, p in ROLES.items()])
    jobs = sa.table("periodic_jobs", sa.column("name"), sa.column("queue"), sa.column("every_seconds"))
    op.bulk_insert(jobs, [{"name": n, "queue": q, "every_seconds": e} for n, q, e in JOBS])


def upgrade() -> None:
    op.execute("CREATE SEQUENCE order_numbers START 100001")
    op.create_table('categories',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('parent_id', sa.Uuid(), nullable=True),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('position', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint('parent_id <> id', name=op.f('ck_categories_not_its_own_parent')),
    sa.ForeignKeyConstraint(['parent_id'], ['categories.id'], name=op.f('fk_categories_parent_id_categories')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_categories')),
    sa.UniqueConstraint('slug', name=op.f('uq_categories_slug'))
    )
    op.create_index('ix_categories_parent_id', 'categories', ['parent_id'], unique=False)
    op.create_table('idempotency_keys',
    sa.Column('caller', sa.Text(), nullable=False),
    sa.Column('route', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('request_hash', sa.LargeBinary(), nullable=False),
    sa.Column('status', sa.SmallInteger(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('caller', 'route', 'key', name=op.f('pk_idempotency_keys'))
    )
    op.create_index('ix_idempotency_keys_created_at', 'idempotency_keys', ['created_at'], unique=False)
    op.create_table('login_failures',
    sa.Column('subject', sa.LargeBinary(), nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('last_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('subject', name=op.f('pk_login_failures'))
    )
    op.create_table('outbox',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('frames', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
    sa.Column('tasks', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('lease_until', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('sent_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbox'))
    )
    op.create_index('ix_outbox_sent', 'outbox', ['sent_at'], unique=False, postgresql_where=sa.text('sent_at IS NOT NULL'))
    op.create_index('ix_outbox_unsent', 'outbox', ['id'], unique=False, postgresql_where=sa.text('sent_at IS NULL'))
    op.create_table('payment_attempts',
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('round', sa.SmallInteger(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Text(), server_default='sent', nullable=False),
    sa.Column('code', sa.Text(), nullable=True),
    sa.Column('look_ups', sa.SmallInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('resolved_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint("kind IN ('authorize', 'capture', 'void', 'refund')", name=op.f('ck_payment_attempts_known_kind')),
    sa.CheckConstraint("state IN ('sent', 'unknown', 'succeeded', 'refused')", name=op.f('ck_payment_attempts_known_state')),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_payment_attempts'))
    )
    op.create_index('ix_payment_attempts_order_id', 'payment_attempts', ['order_id', 'round'], unique=False)
    op.create_table('payment_webhooks',
    sa.Column('provider', sa.Text(), nullable=False),
    sa.Column('event_id', sa.Text(), nullable=False),
    sa.Column('payload', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('received_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('provider', 'event_id', name=op.f('pk_payment_webhooks'))
    )
    op.create_index('ix_payment_webhooks_received_at', 'payment_webhooks', ['received_at'], unique=False)
    op.create_table('payments',
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('round', sa.SmallInteger(), nullable=False),
    sa.Column('provider', sa.Text(), nullable=False),
    sa.Column('provider_ref', sa.Text(), nullable=True),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('authorized_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('captured_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('refunded_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('authorized_minor BETWEEN 0 AND amount_minor', name=op.f('ck_payments_authorized_within_amount')),
    sa.CheckConstraint('captured_minor BETWEEN 0 AND authorized_minor', name=op.f('ck_payments_captured_within_authorized')),
    sa.CheckConstraint('refunded_minor BETWEEN 0 AND captured_minor', name=op.f('ck_payments_refunded_within_captured')),
    sa.PrimaryKeyConstraint('order_id', 'round', name=op.f('pk_payments'))
    )
    op.create_index('ix_payments_provider_ref', 'payments', ['provider', 'provider_ref'], unique=False)
    op.create_index('uq_payments_one_capture', 'payments', ['order_id'], unique=True, postgresql_where=sa.text('captured_minor > 0'))
    op.create_table('pending_facts',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('consumer', sa.Text(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pending_facts'))
    )
    op.create_index('ix_pending_facts_consumer', 'pending_facts', ['consumer', 'id'], unique=False)
    op.create_table('periodic_jobs',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('queue', sa.Text(), nullable=False),
    sa.Column('every_seconds', sa.Integer(), nullable=False),
    sa.Column('next_run_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_periodic_jobs'))
    )
    op.create_table('persons',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('key_id', sa.Text(), nullable=True),
    sa.Column('wrapped_key', sa.LargeBinary(), nullable=True),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('erased_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint('(wrapped_key IS NULL) = (erased_at IS NOT NULL)', name=op.f('ck_persons_key_until_erased')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_persons'))
    )
    op.create_table('relay_beats',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('seen_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_relay_beats'))
    )
    op.create_table('roles',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('permissions', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_roles'))
    )
    op.create_table('shipping_methods',
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('price_minor', sa.BigInteger(), nullable=False),
    sa.Column('free_from_minor', sa.BigInteger(), nullable=True),
    sa.Column('min_days', sa.Integer(), nullable=False),
    sa.Column('max_days', sa.Integer(), nullable=False),
    sa.Column('position', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.CheckConstraint('min_days >= 0 AND min_days <= max_days', name=op.f('ck_shipping_methods_window_in_order')),
    sa.CheckConstraint('price_minor >= 0', name=op.f('ck_shipping_methods_price_not_negative')),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_shipping_methods'))
    )
    op.create_table('stock_holds',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('cart_id', sa.Uuid(), nullable=True),
    sa.Column('order_id', sa.Uuid(), nullable=True),
    sa.Column('state', sa.Text(), server_default='live', nullable=False),
    sa.Column('expires_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("state IN ('live', 'committed', 'released')", name=op.f('ck_stock_holds_known_state')),
    sa.CheckConstraint('cart_id IS NULL OR expires_at IS NOT NULL', name=op.f('ck_stock_holds_cart_holds_expire')),
    sa.CheckConstraint('num_nonnulls(cart_id, order_id) = 1', name=op.f('ck_stock_holds_one_owner')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_holds'))
    )
    op.create_index('ix_stock_holds_expires_at', 'stock_holds', ['expires_at'], unique=False, postgresql_where=sa.text("state = 'live' AND cart_id IS NOT NULL"))
    op.create_index('uq_stock_holds_cart_id', 'stock_holds', ['cart_id'], unique=True, postgresql_where=sa.text("state = 'live'"))
    op.create_index('uq_stock_holds_order_id', 'stock_holds', ['order_id'], unique=True, postgresql_where=sa.text("state <> 'released'"))
    op.create_table('worker_canaries',
    sa.Column('queue', sa.Text(), nullable=False),
    sa.Column('seen_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('queue', name=op.f('pk_worker_canaries'))
    )
    op.create_table('deliveries',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('fact_key', sa.Text(), nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('sealed', sa.LargeBinary(), nullable=False),
    sa.Column('context', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('state', sa.Text(), server_default='pending', nullable=False),
    sa.Column('attempts', sa.SmallInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('next_run_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('sent_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name=op.f('ck_deliveries_sent_has_time')),
    sa.CheckConstraint("channel IN ('email')", name=op.f('ck_deliveries_known_channel')),
    sa.CheckConstraint("state IN ('pending', 'sent', 'given_up')", name=op.f('ck_deliveries_known_state')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_deliveries_person_id_persons')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deliveries'))
    )
    op.create_index('ix_deliveries_due', 'deliveries', ['next_run_at'], unique=False, postgresql_where=sa.text("state = 'pending'"))
    op.create_index('uq_deliveries_fact', 'deliveries', ['fact_key', 'channel'], unique=True)
    op.create_table('products',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), server_default='', nullable=False),
    sa.Column('category_id', sa.Uuid(), nullable=False),
    sa.Column('attributes', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('options', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
    sa.Column('image', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('card', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('price_minor', sa.BigInteger(), nullable=False),
    sa.Column('rating_average', sa.Numeric(precision=3, scale=2), server_default=sa.text('0'), nullable=False),
    sa.Column('rating_count', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('sold_count', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('published_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('price_minor >= 0', name=op.f('ck_products_price_not_negative')),
    sa.ForeignKeyConstraint(['category_id'], ['categories.id'], name=op.f('fk_products_category_id_categories')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_products')),
    sa.UniqueConstraint('slug', name=op.f('uq_products_slug'))
    )
    op.create_index('ix_products_category_id', 'products', ['category_id'], unique=False)
    op.create_index('ix_products_newest', 'products', ['created_at', 'id'], unique=False)
    op.create_index('ix_products_price', 'products', ['price_minor', 'id'], unique=False)
    op.create_table('users',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('username', sa.Text(), nullable=False),
    sa.Column('email', sa.LargeBinary(), nullable=False),
    sa.Column('email_index', sa.LargeBinary(), nullable=False),
    sa.Column('first_name', sa.LargeBinary(), nullable=False),
    sa.Column('last_name', sa.LargeBinary(), nullable=False),
    sa.Column('phone', sa.LargeBinary(), nullable=True),
    sa.Column('locale', sa.Text(), server_default='en', nullable=False),
    sa.Column('password_hash', sa.Text(), nullable=False),
    sa.Column('email_verified_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('vip', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('order_count', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('spent_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('event_seq', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('disabled_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("username ~ '^[A-Za-z0-9_.-]{3,32}$'", name=op.f('ck_users_username_form')),
    sa.CheckConstraint('order_count >= 0 AND spent_minor >= 0', name=op.f('ck_users_never_negative')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_users_person_id_persons')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_users')),
    sa.UniqueConstraint('email_index', name=op.f('uq_users_email_index')),
    sa.UniqueConstraint('person_id', name=op.f('uq_users_person_id'))
    )
    op.create_index('uq_users_username', 'users', [sa.literal_column('lower(username)')], unique=True)
    op.create_table('account_events',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('request_id', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_account_events_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'seq', name=op.f('pk_account_events'))
    )
    op.create_table('carts',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('state', sa.Text(), server_default='active', nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("(state = 'ordered') = (order_id IS NOT NULL)", name=op.f('ck_carts_ordered_has_order')),
    sa.CheckConstraint("state IN ('active', 'ordered', 'merged')", name=op.f('ck_carts_known_state')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_carts_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_carts'))
    )
    op.create_index('uq_carts_order_id', 'carts', ['order_id'], unique=True)
    op.create_index('uq_carts_user_id', 'carts', ['user_id'], unique=True, postgresql_where=sa.text("state = 'active'"))
    op.create_table('email_tokens',
    sa.Column('token_hash', sa.LargeBinary(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('purpose', sa.Text(), nullable=False),
    sa.Column('expires_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('used_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("purpose IN ('verify_email', 'reset_password')", name=op.f('ck_email_tokens_known_purpose')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_email_tokens_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_email_tokens'))
    )
    op.create_index('ix_email_tokens_user_id', 'email_tokens', ['user_id', 'purpose'], unique=False)
    op.create_table('sessions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('device', sa.Text(), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('last_used_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('ends_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('revoked_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('revoked_reason', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_sessions_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sessions'))
    )
    op.create_index('ix_sessions_user_id', 'sessions', ['user_id'], unique=False)
    op.create_table('user_roles',
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['role'], ['roles.name'], name=op.f('fk_user_roles_role_roles')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_user_roles_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'role', name=op.f('pk_user_roles'))
    )
    op.create_table('variants',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('product_id', sa.Uuid(), nullable=False),
    sa.Column('sku', sa.Text(), nullable=False),
    sa.Column('options', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('price_minor', sa.BigInteger(), nullable=False),
    sa.Column('compare_at_minor', sa.BigInteger(), nullable=True),
    sa.Column('weight_grams', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('position', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f('ck_variants_currency_form')),
    sa.CheckConstraint('compare_at_minor > price_minor', name=op.f('ck_variants_compare_at_above_price')),
    sa.CheckConstraint('price_minor >= 0', name=op.f('ck_variants_price_not_negative')),
    sa.CheckConstraint('weight_grams >= 0', name=op.f('ck_variants_weight_not_negative')),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_variants_product_id_products')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_variants')),
    sa.UniqueConstraint('sku', name=op.f('uq_variants_sku'))
    )
    op.create_index('ix_variants_product_id', 'variants', ['product_id'], unique=False)
    op.create_table('cart_items',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('cart_id', sa.Uuid(), nullable=False),
    sa.Column('variant_id', sa.Uuid(), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('added_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('quantity BETWEEN 1 AND 9999', name=op.f('ck_cart_items_quantity_in_range')),
    sa.ForeignKeyConstraint(['cart_id'], ['carts.id'], name=op.f('fk_cart_items_cart_id_carts'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['variant_id'], ['variants.id'], name=op.f('fk_cart_items_variant_id_variants')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cart_items'))
    )
    op.create_index('uq_cart_items_variant', 'cart_items', ['cart_id', 'variant_id'], unique=True)
    op.create_table('orders',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('cart_id', sa.Uuid(), nullable=False),
    sa.Column('caller', sa.Text(), nullable=False),
    sa.Column('client_reference', sa.Text(), nullable=True),
    sa.Column('email', sa.LargeBinary(), nullable=False),
    sa.Column('shipping_address', sa.LargeBinary(), nullable=False),
    sa.Column('billing_address', sa.LargeBinary(), nullable=True),
    sa.Column('country', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), server_default='placed', nullable=False),
    sa.Column('payment_status', sa.Text(), server_default='pending', nullable=False),
    sa.Column('fulfilment_status', sa.Text(), server_default='unfulfilled', nullable=False),
    sa.Column('hold_reason', sa.Text(), nullable=True),
    sa.Column('failure_code', sa.Text(), nullable=True),
    sa.Column('priority', sa.Text(), nullable=False),
    sa.Column('priority_reason', sa.Text(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('subtotal_minor', sa.BigInteger(), nullable=False),
    sa.Column('discount_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('shipping_minor', sa.BigInteger(), nullable=False),
    sa.Column('tax_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('total_minor', sa.BigInteger(), nullable=False),
    sa.Column('shipping_method', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('deliver_from', sa.Date(), nullable=False),
    sa.Column('deliver_to', sa.Date(), nullable=False),
    sa.Column('payment_token', sa.Text(), nullable=False),
    sa.Column('payment_round', sa.SmallInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('next_action', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('event_seq', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('request_id', sa.Text(), nullable=True),
    sa.Column('placed_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('confirmed_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint("(status = 'on_hold') = (hold_reason IS NOT NULL)", name=op.f('ck_orders_hold_has_reason')),
    sa.CheckConstraint("fulfilment_status IN ('unfulfilled', 'partially_shipped', 'shipped', 'out_for_delivery', 'delivered', 'partially_returned', 'returned')", name=op.f('ck_orders_known_fulfilment_status')),
    sa.CheckConstraint("payment_status IN ('pending', 'requires_action', 'authorized', 'captured', 'partially_refunded', 'refunded', 'failed', 'voided')", name=op.f('ck_orders_known_payment_status')),
    sa.CheckConstraint("priority IN ('vip', 'high', 'standard')", name=op.f('ck_orders_known_priority')),
    sa.CheckConstraint("status IN ('placed', 'processing', 'on_hold', 'confirmed', 'payment_failed', 'cancelled', 'completed')", name=op.f('ck_orders_known_status')),
    sa.CheckConstraint('deliver_from <= deliver_to', name=op.f('ck_orders_window_in_order')),
    sa.CheckConstraint('least(subtotal_minor, discount_minor, shipping_minor, tax_minor, total_minor) >= 0', name=op.f('ck_orders_amounts_not_negative')),
    sa.CheckConstraint('total_minor = subtotal_minor - discount_minor + shipping_minor + tax_minor', name=op.f('ck_orders_total_adds_up')),
    sa.ForeignKeyConstraint(['cart_id'], ['carts.id'], name=op.f('fk_orders_cart_id_carts')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_orders_person_id_persons')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_orders_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_orders')),
    sa.UniqueConstraint('cart_id', name=op.f('uq_orders_cart_id')),
    sa.UniqueConstraint('number', name=op.f('uq_orders_number'))
    )
    op.create_index('ix_orders_client_ref_lookup', 'orders', ['client_reference'], unique=False)
    op.create_index('ix_orders_placed_at', 'orders', ['placed_at', 'id'], unique=False)
    op.create_index('ix_orders_user_id', 'orders', ['user_id', 'placed_at', 'id'], unique=False, postgresql_where=sa.text('user_id IS NOT NULL'))
    op.create_index('uq_orders_client_reference', 'orders', ['caller', 'client_reference'], unique=True, postgresql_where=sa.text('client_reference IS NOT NULL'))
    op.create_table('refresh_tokens',
    sa.Column('token_hash', sa.LargeBinary(), nullable=False),
    sa.Column('session_id', sa.Uuid(), nullable=False),
    sa.Column('expires_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('rotated_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['session_id'], ['sessions.id'], name=op.f('fk_refresh_tokens_session_id_sessions'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_refresh_tokens'))
    )
    op.create_index('uq_refresh_tokens_current', 'refresh_tokens', ['session_id'], unique=True, postgresql_where=sa.text('rotated_at IS NULL'))
    op.create_table('stock_items',
    sa.Column('variant_id', sa.Uuid(), nullable=False),
    sa.Column('on_hand', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('held', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint('held >= 0 AND held <= on_hand', name=op.f('ck_stock_items_held_within_on_hand')),
    sa.CheckConstraint('on_hand >= 0', name=op.f('ck_stock_items_on_hand_not_negative')),
    sa.ForeignKeyConstraint(['variant_id'], ['variants.id'], name=op.f('fk_stock_items_variant_id_variants')),
    sa.PrimaryKeyConstraint('variant_id', name=op.f('pk_stock_items'))
    )
    op.create_table('order_events',
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('request_id', sa.Text(), nullable=True),
    sa.CheckConstraint('seq > 0', name=op.f('ck_order_events_seq_positive')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_events_order_id_orders')),
    sa.PrimaryKeyConstraint('order_id', 'seq', name=op.f('pk_order_events'))
    )
    op.create_table('order_lines',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.SmallInteger(), nullable=False),
    sa.Column('variant_id', sa.Uuid(), nullable=False),
    sa.Column('sku', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('options', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('unit_price_minor', sa.BigInteger(), nullable=False),
    sa.Column('discount_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('total_minor', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('quantity > 0', name=op.f('ck_order_lines_quantity_positive')),
    sa.CheckConstraint('total_minor = quantity * unit_price_minor - discount_minor', name=op.f('ck_order_lines_total_adds_up')),
    sa.CheckConstraint('total_minor >= 0 AND discount_minor >= 0', name=op.f('ck_order_lines_amounts_not_negative')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_lines_order_id_orders')),
    sa.ForeignKeyConstraint(['variant_id'], ['variants.id'], name=op.f('fk_order_lines_variant_id_variants')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_order_lines'))
    )
    op.create_index('uq_order_lines_position', 'order_lines', ['order_id', 'position'], unique=True)
    op.create_table('order_processing',
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('queue', sa.Text(), nullable=False),
    sa.Column('step', sa.Text(), server_default='authorize', nullable=False),
    sa.Column('attempt', sa.SmallInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('lease_token', sa.Uuid(), nullable=True),
    sa.Column('lease_until', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('next_run_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('hinted_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('waiting_since', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('started_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('ended_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.CheckConstraint("(step = 'done') = (ended_at IS NOT NULL)", name=op.f('ck_order_processing_ended_when_done')),
    sa.CheckConstraint("(step = 'done') = (next_run_at IS NULL)", name=op.f('ck_order_processing_due_until_done')),
    sa.CheckConstraint("step IN ('authorize', 'capture', 'void', 'done')", name=op.f('ck_order_processing_known_step')),
    sa.CheckConstraint('(lease_token IS NULL) = (lease_until IS NULL)', name=op.f('ck_order_processing_lease_whole')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_processing_order_id_orders')),
    sa.PrimaryKeyConstraint('order_id', name=op.f('pk_order_processing'))
    )
    op.create_index('ix_order_processing_due', 'order_processing', ['next_run_at'], unique=False, postgresql_where=sa.text("step <> 'done'"))
    op.create_index('ix_order_processing_ended_at', 'order_processing', ['ended_at'], unique=False, postgresql_where=sa.text('ended_at IS NOT NULL'))
    op.create_table('stock_hold_lines',
    sa.Column('hold_id', sa.Uuid(), nullable=False),
    sa.Column('variant_id', sa.Uuid(), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.CheckConstraint('quantity > 0', name=op.f('ck_stock_hold_lines_quantity_positive')),
    sa.ForeignKeyConstraint(['hold_id'], ['stock_holds.id'], name=op.f('fk_stock_hold_lines_hold_id_stock_holds'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['variant_id'], ['stock_items.variant_id'], name=op.f('fk_stock_hold_lines_variant_id_stock_items')),
    sa.PrimaryKeyConstraint('hold_id', 'variant_id', name=op.f('pk_stock_hold_lines'))
    )
    op.create_table('stock_movements',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('variant_id', sa.Uuid(), nullable=False),
    sa.Column('delta', sa.Integer(), nullable=False),
    sa.Column('cause', sa.Text(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=True),
    sa.Column('at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("cause IN ('received', 'sold', 'returned', 'corrected')", name=op.f('ck_stock_movements_known_cause')),
    sa.CheckConstraint('delta <> 0', name=op.f('ck_stock_movements_delta_not_zero')),
    sa.ForeignKeyConstraint(['variant_id'], ['stock_items.variant_id'], name=op.f('fk_stock_movements_variant_id_stock_items')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_movements'))
    )
    op.create_index('ix_stock_movements_variant_id', 'stock_movements', ['variant_id', 'id'], unique=False)
    op.create_index('uq_stock_movements_sold', 'stock_movements', ['order_id', 'variant_id'], unique=True, postgresql_where=sa.text("cause = 'sold'"))
    _order_moves()
    _first_rows()


def downgrade() -> None:
    raise RuntimeError("the first migration is not undone: drop the database instead")
