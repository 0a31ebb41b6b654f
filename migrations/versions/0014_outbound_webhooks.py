"""outbound webhooks: who is told of events, which there were, and what became of telling"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('fact_listeners',
    sa.Column('consumer', sa.Text(), nullable=False),
    sa.Column('task', sa.Text(), nullable=False),
    sa.Column('queue', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('consumer', name=op.f('pk_fact_listeners'))
    )
    op.create_table('webhook_endpoints',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('events', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('state', sa.Text(), server_default='active', nullable=False),
    sa.Column('secret', sa.LargeBinary(), nullable=False),
    sa.Column('previous_secret', sa.LargeBinary(), nullable=True),
    sa.Column('previous_until', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('failures', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('failing_since', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('open_until', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('lease_token', sa.Uuid(), nullable=True),
    sa.Column('lease_until', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('version', sa.BigInteger(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("state IN ('active', 'disabled', 'given_up')", name=op.f('ck_webhook_endpoints_known_state')),
    sa.CheckConstraint("url ~ '^https?://'", name=op.f('ck_webhook_endpoints_url_form')),
    sa.CheckConstraint('(failures > 0) = (failing_since IS NOT NULL)', name=op.f('ck_webhook_endpoints_failing_since_when')),
    sa.CheckConstraint('(lease_token IS NULL) = (lease_until IS NULL)', name=op.f('ck_webhook_endpoints_lease_whole')),
    sa.CheckConstraint('(previous_secret IS NULL) = (previous_until IS NULL)', name=op.f('ck_webhook_endpoints_previous_has_end')),
    sa.CheckConstraint('cardinality(events) > 0', name=op.f('ck_webhook_endpoints_some_events')),
    sa.CheckConstraint('failures >= 0', name=op.f('ck_webhook_endpoints_failures_counted')),
    sa.CheckConstraint('open_until IS NULL OR failures > 0', name=op.f('ck_webhook_endpoints_open_when_failing')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_endpoints'))
    )
    op.create_table('webhook_events',
    sa.Column('seq', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('type', sa.Text(), nullable=False),
    sa.Column('data', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('noted_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('seq > 0', name=op.f('ck_webhook_events_seq_positive')),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_webhook_events')),
    sa.UniqueConstraint('id', name=op.f('uq_webhook_events_id')),
    sa.UniqueConstraint('source', name=op.f('uq_webhook_events_source'))
    )
    op.create_index('ix_webhook_events_noted_at', 'webhook_events', ['noted_at'], unique=False, postgresql_using='brin')
    op.create_table('webhook_deliveries',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('endpoint_id', sa.Uuid(), nullable=False),
    sa.Column('event_seq', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Text(), server_default='pending', nullable=False),
    sa.Column('attempts', sa.SmallInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('next_run_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=True),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('ended_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'pending') = (ended_at IS NULL)", name=op.f('ck_webhook_deliveries_ended_when_over')),
    sa.CheckConstraint("(state = 'pending') = (next_run_at IS NOT NULL)", name=op.f('ck_webhook_deliveries_pending_has_turn')),
    sa.CheckConstraint("state IN ('pending', 'delivered', 'given_up')", name=op.f('ck_webhook_deliveries_known_state')),
    sa.CheckConstraint('attempts >= 0', name=op.f('ck_webhook_deliveries_attempts_counted')),
    sa.ForeignKeyConstraint(['endpoint_id'], ['webhook_endpoints.id'], name=op.f('fk_webhook_deliveries_endpoint_id_webhook_endpoints'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['event_seq'], ['webhook_events.seq'], name=op.f('fk_webhook_deliveries_event_seq_webhook_events')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_deliveries'))
    )
    op.create_index('ix_webhook_deliveries_due', 'webhook_deliveries', ['endpoint_id', 'next_run_at'], unique=False, postgresql_where=sa.text("state = 'pending'"))
    op.create_index('ix_webhook_deliveries_seq', 'webhook_deliveries', ['event_seq'], unique=False)
    op.create_index('uq_webhook_deliveries_event', 'webhook_deliveries', ['endpoint_id', 'event_seq'], unique=True)
    op.create_table('webhook_attempts',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('delivery_id', sa.Uuid(), nullable=False),
    sa.Column('at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('status', sa.SmallInteger(), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('milliseconds', sa.Integer(), nullable=False),
    sa.CheckConstraint('milliseconds >= 0', name=op.f('ck_webhook_attempts_milliseconds_counted')),
    sa.CheckConstraint('status IS NOT NULL OR error IS NOT NULL', name=op.f('ck_webhook_attempts_answered_or_not')),
    sa.ForeignKeyConstraint(['delivery_id'], ['webhook_deliveries.id'], name=op.f('fk_webhook_attempts_delivery_id_webhook_deliveries'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_attempts'))
    )
    op.create_index('ix_webhook_attempts_delivery', 'webhook_attempts', ['delivery_id', 'id'], unique=False)
    op.execute(
        "UPDATE roles SET permissions = permissions || '{webhooks:read,webhooks:write}'::text[] WHERE name = 'admin'"
    )


def downgrade() -> None:
    raise RuntimeError("endpoints with their secrets, and what they were told, would be lost: restore a backup instead")
