"""what carts put aside and share, and prices in other currencies"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

PROBLEMS = "seen_problem IN ('low_stock', 'no_price', 'out_of_stock', 'withdrawn')"
RULES = [
    ("carts", "ck_carts_currency_form", "currency ~ '^[A-Z]{3}$'"),
    ("cart_items", "ck_cart_items_known_problem", PROBLEMS),
]


def upgrade() -> None:
    op.create_table('variant_prices',
    sa.Column('variant_id', sa.Uuid(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('price_minor', sa.BigInteger(), nullable=False),
    sa.Column('compare_at_minor', sa.BigInteger(), nullable=True),
    sa.Column('sale_price_minor', sa.BigInteger(), nullable=True),
    sa.Column('updated_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f('ck_variant_prices_currency_form')),
    sa.CheckConstraint('price_minor >= 0', name=op.f('ck_variant_prices_price_not_negative')),
    sa.CheckConstraint('compare_at_minor > price_minor', name=op.f('ck_variant_prices_compare_at_above_price')),
    sa.CheckConstraint('sale_price_minor >= 0 AND sale_price_minor < price_minor', name=op.f('ck_variant_prices_sale_below_price')),
    sa.ForeignKeyConstraint(['variant_id'], ['variants.id'], name=op.f('fk_variant_prices_variant_id_variants'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('variant_id', 'currency', name=op.f('pk_variant_prices'))
    )
    op.create_table('cart_asides',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('cart_id', sa.Uuid(), nullable=True),
    sa.Column('variant_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('price_minor', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.Text(), nullable=True),
    sa.Column('at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('num_nonnulls(user_id, cart_id) = 1', name=op.f('ck_cart_asides_one_owner')),
    sa.CheckConstraint("kind IN ('saved', 'removed')", name=op.f('ck_cart_asides_known_kind')),
    sa.CheckConstraint('quantity BETWEEN 1 AND 9999', name=op.f('ck_cart_asides_quantity_in_range')),
    sa.CheckConstraint('(price_minor IS NULL) = (currency IS NULL)', name=op.f('ck_cart_asides_price_has_currency')),
    sa.ForeignKeyConstraint(['cart_id'], ['carts.id'], name=op.f('fk_cart_asides_cart_id_carts'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_cart_asides_user_id_users'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['variant_id'], ['variants.id'], name=op.f('fk_cart_asides_variant_id_variants')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cart_asides'))
    )
    op.create_index('uq_cart_asides_user_id', 'cart_asides', ['user_id', 'variant_id', 'kind'], unique=True)
    op.create_index('uq_cart_asides_cart_id', 'cart_asides', ['cart_id', 'variant_id', 'kind'], unique=True)
    op.execute(
        "CREATE TRIGGER cart_asides_erased BEFORE INSERT ON cart_asides FOR EACH ROW"
        " WHEN (NEW.user_id IS NOT NULL) EXECUTE FUNCTION refuse_erased()"
    )
    op.create_table('cart_shares',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('items', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cart_shares'))
    )
    op.create_index('ix_cart_shares_expires_at', 'cart_shares', ['expires_at'], unique=False)
    op.add_column('carts', sa.Column('currency', sa.Text(), nullable=True))
    op.add_column('carts', sa.Column('followed', sa.Boolean(), server_default=sa.text('false'), nullable=False))
    op.add_column('cart_items', sa.Column('seen_price_minor', sa.BigInteger(), nullable=True))
    op.add_column('cart_items', sa.Column('seen_problem', sa.Text(), nullable=True))
    op.add_column('stock_holds', sa.Column('warned_at', postgresql.TIMESTAMP(timezone=True), nullable=True))
    for table, name, rule in RULES:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({rule}) NOT VALID")
    # The locks of what follows last as long as a statement, not as long as the migration.
    with op.get_context().autocommit_block():
        for table, name, _ in RULES:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def downgrade() -> None:
    raise RuntimeError("what people saved for later would be lost: restore a backup instead")
