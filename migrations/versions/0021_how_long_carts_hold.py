"""since when a cart holds its stock, and guests' carts in the order in which they are forgotten"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None

GUESTS = "user_id IS NULL AND state <> 'ordered'"


def upgrade() -> None:
    op.add_column('carts', sa.Column('held_since', postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.create_index('ix_carts_guests', 'carts', ['id'], unique=False, postgresql_where=sa.text(GUESTS))


def downgrade() -> None:
    op.drop_index('ix_carts_guests', table_name='carts', postgresql_where=sa.text(GUESTS))
    op.drop_column('carts', 'held_since')
