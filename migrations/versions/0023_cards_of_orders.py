"""the card of an order as its provider tells of it: its fingerprint, and where it was issued"""

from alembic import op
import sqlalchemy as sa

revision = '0023'
down_revision = '0022'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('order_signals', sa.Column('card_country', sa.Text(), nullable=True))
    op.add_column('order_signals', sa.Column('fingerprint', sa.LargeBinary(), nullable=True))
    op.create_index('ix_order_signals_fingerprint', 'order_signals', ['fingerprint', 'at'], unique=False, postgresql_where=sa.text('fingerprint IS NOT NULL'))
    op.create_check_constraint(op.f('ck_order_signals_card_country_form'), 'order_signals', "card_country ~ '^[A-Z]{2}$'")


def downgrade() -> None:
    op.drop_constraint(op.f('ck_order_signals_card_country_form'), 'order_signals')
    op.drop_index('ix_order_signals_fingerprint', table_name='order_signals', postgresql_where=sa.text('fingerprint IS NOT NULL'))
    op.drop_column('order_signals', 'fingerprint')
    op.drop_column('order_signals', 'card_country')
