"""risk of orders, their digests, and what staff set for the shop"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('shop_settings',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('value', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('changed_by', sa.Uuid(), nullable=True),
    sa.Column('changed_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("name ~ '^[a-z]+(-[a-z]+)*$'", name=op.f('ck_shop_settings_name_form')),
    sa.CheckConstraint('version > 0', name=op.f('ck_shop_settings_version_positive')),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_shop_settings'))
    )
    op.create_table('order_signals',
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('round', sa.SmallInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('account', sa.LargeBinary(), nullable=False),
    sa.Column('card', sa.LargeBinary(), nullable=True),
    sa.Column('address', sa.LargeBinary(), nullable=True),
    sa.Column('device', sa.LargeBinary(), nullable=True),
    sa.Column('countries', postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('declined', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('round > 0', name=op.f('ck_order_signals_round_positive')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_signals_order_id_orders')),
    sa.PrimaryKeyConstraint('order_id', 'round', name=op.f('pk_order_signals'))
    )
    op.create_index('ix_order_signals_account', 'order_signals', ['account', 'at'], unique=False)
    op.create_index('ix_order_signals_card', 'order_signals', ['card', 'at'], unique=False)
    op.create_index('ix_order_signals_address', 'order_signals', ['address', 'at'], unique=False, postgresql_where=sa.text('address IS NOT NULL'))
    op.create_index('ix_order_signals_device', 'order_signals', ['device', 'at'], unique=False, postgresql_where=sa.text('device IS NOT NULL'))
    op.create_index('ix_order_signals_declined_account', 'order_signals', ['account', 'at'], unique=False, postgresql_where=sa.text('declined'))
    op.create_index('ix_order_signals_declined_card', 'order_signals', ['card', 'at'], unique=False, postgresql_where=sa.text('declined'))
    op.create_index('ix_order_signals_at', 'order_signals', ['at'], unique=False, postgresql_using='brin')
    op.create_table('order_risks',
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('round', sa.SmallInteger(), nullable=False),
    sa.Column('score', sa.Integer(), nullable=False),
    sa.Column('reasons', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('scored_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('expires_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('decided', sa.Text(), nullable=True),
    sa.Column('decided_by', sa.Uuid(), nullable=True),
    sa.Column('decided_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint('score > 0', name=op.f('ck_order_risks_score_positive')),
    sa.CheckConstraint("outcome IN ('pass', 'confirm', 'review')", name=op.f('ck_order_risks_known_outcome')),
    sa.CheckConstraint("(outcome = 'pass') = (expires_at IS NULL)", name=op.f('ck_order_risks_waits_until')),
    sa.CheckConstraint("decided IN ('confirmed', 'approved', 'rejected', 'expired')", name=op.f('ck_order_risks_known_decision')),
    sa.CheckConstraint('(decided IS NULL) = (decided_at IS NULL)', name=op.f('ck_order_risks_decision_whole')),
    sa.CheckConstraint("decided IS NULL OR outcome <> 'pass'", name=op.f('ck_order_risks_decided_what_waits')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_risks_order_id_orders')),
    sa.PrimaryKeyConstraint('order_id', name=op.f('pk_order_risks'))
    )
    op.create_index('ix_order_risks_expires_at', 'order_risks', ['expires_at'], unique=False, postgresql_where=sa.text('decided IS NULL AND expires_at IS NOT NULL'))
    op.add_column('orders', sa.Column('digest', sa.LargeBinary(), nullable=True))
    op.execute("UPDATE roles SET permissions = array_append(permissions, 'settings:write') WHERE name = 'admin'")
    jobs = sa.table("periodic_jobs", sa.column("name"), sa.column("queue"), sa.column("every_seconds"))
    op.bulk_insert(jobs, [{"name": "orders.expire_holds", "queue": "system", "every_seconds": 60}])


def downgrade() -> None:
    raise RuntimeError("why orders were held, and their digests, would be lost: restore a backup instead")
