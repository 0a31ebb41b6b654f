"""promotions, codes, gift cards and store credit"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

CHECKS = (
    ("orders", "credit_within_total", "credit_minor BETWEEN 0 AND total_minor"),
    ("users", "segment_form", "segment ~ '^[a-z][a-z0-9-]{0,39}$'"),
)


def _tables() -> None:
    op.create_table('promotions',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('label', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('automatic', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('exclusive', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('priority', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('rate', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('amounts', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('tiers', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False),
    sa.Column('buy', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('get', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('minimums', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('category_ids', postgresql.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('product_ids', postgresql.ARRAY(sa.Uuid()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('segments', postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('first_order', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('starts_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('ends_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('total_limit', sa.Integer(), nullable=True),
    sa.Column('person_limit', sa.Integer(), nullable=True),
    sa.Column('used', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("kind <> 'buy_x_get_y' OR (buy > 0 AND get > 0)", name=op.f('ck_promotions_units_where_needed')),
    sa.CheckConstraint("kind <> 'fixed' OR amounts <> '{}'", name=op.f('ck_promotions_amount_where_needed')),
    sa.CheckConstraint("kind <> 'tiered' OR tiers <> '[]'", name=op.f('ck_promotions_tiers_where_needed')),
    sa.CheckConstraint("kind IN ('percent', 'fixed', 'tiered', 'buy_x_get_y', 'free_shipping')", name=op.f('ck_promotions_known_kind')),
    sa.CheckConstraint("kind NOT IN ('percent', 'buy_x_get_y') OR rate > 0", name=op.f('ck_promotions_rate_where_needed')),
    sa.CheckConstraint('ends_at > starts_at', name=op.f('ck_promotions_ends_after_it_starts')),
    sa.CheckConstraint('person_limit BETWEEN 1 AND 1000', name=op.f('ck_promotions_person_limit_in_range')),
    sa.CheckConstraint('rate BETWEEN 0 AND 10000', name=op.f('ck_promotions_rate_in_range')),
    sa.CheckConstraint('total_limit > 0', name=op.f('ck_promotions_total_limit_positive')),
    sa.CheckConstraint('used >= 0 AND (total_limit IS NULL OR used <= total_limit)', name=op.f('ck_promotions_used_within_limit')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_promotions'))
    )
    op.create_index('ix_promotions_automatic', 'promotions', ['id'], unique=False, postgresql_where=sa.text('active AND automatic'))
    op.create_table('promotion_codes',
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('promotion_id', sa.Uuid(), nullable=False),
    sa.Column('active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('total_limit', sa.Integer(), nullable=True),
    sa.Column('used', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("code ~ '^[A-Z0-9_.]{3,40}$'", name=op.f('ck_promotion_codes_code_form')),
    sa.CheckConstraint('total_limit > 0', name=op.f('ck_promotion_codes_total_limit_positive')),
    sa.CheckConstraint('used >= 0 AND (total_limit IS NULL OR used <= total_limit)', name=op.f('ck_promotion_codes_used_within_limit')),
    sa.ForeignKeyConstraint(['promotion_id'], ['promotions.id'], name=op.f('fk_promotion_codes_promotion_id_promotions')),
    sa.PrimaryKeyConstraint('code', name=op.f('pk_promotion_codes'))
    )
    op.create_index('ix_promotion_codes_promotion_id', 'promotion_codes', ['promotion_id', 'code'], unique=False)
    op.create_table('promotion_uses',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('promotion_id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.Text(), nullable=True),
    sa.Column('caller', sa.Text(), nullable=False),
    sa.Column('number', sa.SmallInteger(), nullable=True),
    sa.Column('at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('given_back_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint('number > 0', name=op.f('ck_promotion_uses_number_positive')),
    sa.ForeignKeyConstraint(['code'], ['promotion_codes.code'], name=op.f('fk_promotion_uses_code_promotion_codes')),
    sa.ForeignKeyConstraint(['promotion_id'], ['promotions.id'], name=op.f('fk_promotion_uses_promotion_id_promotions')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_promotion_uses'))
    )
    op.create_index('ix_promotion_uses_order_id', 'promotion_uses', ['order_id'], unique=False)
    op.create_index('uq_promotion_uses_number', 'promotion_uses', ['promotion_id', 'caller', 'number'], unique=True, postgresql_where=sa.text('given_back_at IS NULL AND number IS NOT NULL'))
    op.create_index('uq_promotion_uses_order', 'promotion_uses', ['promotion_id', 'order_id'], unique=True, postgresql_where=sa.text('given_back_at IS NULL'))
    op.create_table('credits',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('code_digest', sa.LargeBinary(), nullable=True),
    sa.Column('last4', sa.Text(), nullable=True),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('balance_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('expires_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("(kind = 'gift_card') = (code_digest IS NOT NULL)", name=op.f('ck_credits_gift_card_has_code')),
    sa.CheckConstraint("(kind = 'store_credit') = (user_id IS NOT NULL)", name=op.f('ck_credits_store_credit_has_owner')),
    sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f('ck_credits_currency_form')),
    sa.CheckConstraint("kind IN ('gift_card', 'store_credit')", name=op.f('ck_credits_known_kind')),
    sa.CheckConstraint('(code_digest IS NULL) = (last4 IS NULL)', name=op.f('ck_credits_code_whole')),
    sa.CheckConstraint('balance_minor >= 0', name=op.f('ck_credits_balance_not_negative')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_credits_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credits')),
    sa.UniqueConstraint('code_digest', name=op.f('uq_credits_code_digest'))
    )
    op.create_index('ix_credits_created_at', 'credits', ['created_at', 'id'], unique=False)
    op.create_index('uq_credits_store_credit', 'credits', ['user_id', 'currency'], unique=True, postgresql_where=sa.text("kind = 'store_credit'"))
    op.create_table('credit_entries',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('credit_id', sa.Uuid(), nullable=False),
    sa.Column('delta_minor', sa.BigInteger(), nullable=False),
    sa.Column('cause', sa.Text(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("(cause IN ('spent', 'given_back')) = (order_id IS NOT NULL) OR cause = 'refunded'", name=op.f('ck_credit_entries_order_named')),
    sa.CheckConstraint("cause IN ('issued', 'given_back', 'refunded') AND delta_minor > 0 OR cause = 'spent' AND delta_minor < 0 OR cause = 'corrected' AND delta_minor <> 0", name=op.f('ck_credit_entries_known_cause')),
    sa.ForeignKeyConstraint(['credit_id'], ['credits.id'], name=op.f('fk_credit_entries_credit_id_credits')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_credit_entries'))
    )
    op.create_index('ix_credit_entries_credit_id', 'credit_entries', ['credit_id', 'id'], unique=False)
    op.create_index('ix_credit_entries_order_id', 'credit_entries', ['order_id'], unique=False, postgresql_where=sa.text('order_id IS NOT NULL'))
    op.create_table('cart_codes',
    sa.Column('cart_id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('credit_id', sa.Uuid(), nullable=True),
    sa.Column('added_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['cart_id'], ['carts.id'], name=op.f('fk_cart_codes_cart_id_carts'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['credit_id'], ['credits.id'], name=op.f('fk_cart_codes_credit_id_credits')),
    sa.PrimaryKeyConstraint('cart_id', 'code', name=op.f('pk_cart_codes'))
    )
    op.create_index('uq_cart_codes_credit_id', 'cart_codes', ['cart_id', 'credit_id'], unique=True, postgresql_where=sa.text('credit_id IS NOT NULL'))
    op.create_table('order_discounts',
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.SmallInteger(), nullable=False),
    sa.Column('line', sa.SmallInteger(), nullable=False),
    sa.Column('promotion_id', sa.Uuid(), nullable=True),
    sa.Column('rule', sa.Text(), nullable=False),
    sa.Column('label', sa.Text(), nullable=False),
    sa.Column('code', sa.Text(), nullable=True),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.CheckConstraint("(promotion_id IS NULL) = (rule = 'tax_exemption')", name=op.f('ck_order_discounts_promotion_named')),
    sa.CheckConstraint('amount_minor > 0', name=op.f('ck_order_discounts_amount_positive')),
    sa.CheckConstraint('position > 0 AND line >= 0', name=op.f('ck_order_discounts_places_from_one')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_discounts_order_id_orders')),
    sa.ForeignKeyConstraint(['promotion_id'], ['promotions.id'], name=op.f('fk_order_discounts_promotion_id_promotions')),
    sa.PrimaryKeyConstraint('order_id', 'position', 'line', name=op.f('pk_order_discounts'))
    )
    op.create_index('ix_order_discounts_promotion_id', 'order_discounts', ['promotion_id'], unique=False, postgresql_where=sa.text('promotion_id IS NOT NULL'))


def upgrade() -> None:
    _tables()
    op.add_column('users', sa.Column('segment', sa.Text(), nullable=True))
    op.add_column('carts', sa.Column('uses_credit', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('orders', sa.Column('credit_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False))
    for table, name, condition in CHECKS:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK ({condition}) NOT VALID")
    op.execute("UPDATE roles SET permissions = array_append(permissions, 'promotions:write') WHERE name = 'admin'")
    op.execute(
        "CREATE TRIGGER credits_erased BEFORE INSERT ON credits FOR EACH ROW"
        " WHEN (NEW.user_id IS NOT NULL) EXECUTE FUNCTION refuse_erased()"
    )
    # The locks of what follows last as long as a statement, not as long as the migration.
    with op.get_context().autocommit_block():
        for table, name, _ in CHECKS:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_{name}")


def downgrade() -> None:
    raise RuntimeError("what people were promised and have paid would be lost: restore a backup instead")
