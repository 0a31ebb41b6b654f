"""versions of categories and attributes, so that two who change one do not undo each other"""

from alembic import op
import sqlalchemy as sa

revision = '0024'
down_revision = '0023'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ('categories', 'attributes'):
        op.add_column(table, sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False))


def downgrade() -> None:
    for table in ('categories', 'attributes'):
        op.drop_column(table, 'version')
