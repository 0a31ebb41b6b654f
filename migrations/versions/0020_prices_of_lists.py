"""what products cost in other currencies, for lists"""

from alembic import op
import sqlalchemy as sa

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('listing_prices',
    sa.Column('product_id', sa.Uuid(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('price_minor', sa.BigInteger(), nullable=False),
    sa.Column('was_minor', sa.BigInteger(), nullable=True),
    sa.Column('variant_id', sa.Uuid(), nullable=False),
    sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f('ck_listing_prices_currency_form')),
    sa.CheckConstraint('price_minor >= 0', name=op.f('ck_listing_prices_price_not_negative')),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_listing_prices_product_id_products'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['variant_id'], ['variants.id'], name=op.f('fk_listing_prices_variant_id_variants'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('product_id', 'currency', name=op.f('pk_listing_prices'))
    )
    op.create_index('ix_listing_prices_currency', 'listing_prices', ['currency', 'price_minor', 'product_id'], unique=False)
    op.create_index('ix_listing_prices_variant_id', 'listing_prices', ['variant_id'], unique=False)
    # The relay indexes what is due: so the prices that there are already come into the lists.
    op.execute("""
        UPDATE products SET next_change_at = now() WHERE id IN (
            SELECT v.product_id FROM variants v JOIN variant_prices p ON p.variant_id = v.id
            UNION SELECT product_id FROM variants
            WHERE currency <> (SELECT mode() WITHIN GROUP (ORDER BY currency) FROM variants))
    """)


def downgrade() -> None:
    op.drop_table('listing_prices')
