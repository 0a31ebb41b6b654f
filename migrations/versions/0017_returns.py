"""returns, and wishes to cancel what is packed"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('cancellation_requests',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('state', sa.Text(), server_default='requested', nullable=False),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.Column('requested_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('decided_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('decided_by', sa.Uuid(), nullable=True),
    sa.CheckConstraint("(state = 'requested') = (decided_at IS NULL)", name=op.f('ck_cancellation_requests_decided_has_time')),
    sa.CheckConstraint("state <> 'refused' OR answer IS NOT NULL", name=op.f('ck_cancellation_requests_refused_says_why')),
    sa.CheckConstraint("state IN ('requested', 'granted', 'refused', 'overtaken')", name=op.f('ck_cancellation_requests_known_state')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_cancellation_requests_order_id_orders')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_cancellation_requests'))
    )
    op.create_index('ix_cancellation_requests_order_id', 'cancellation_requests', ['order_id', 'requested_at'], unique=False)
    op.create_index('ix_cancellation_requests_state', 'cancellation_requests', ['state', 'requested_at', 'id'], unique=False)
    op.create_index('uq_cancellation_requests_open', 'cancellation_requests', ['order_id'], unique=True, postgresql_where=sa.text("state = 'requested'"))
    op.create_table('returns',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.SmallInteger(), nullable=False),
    sa.Column('state', sa.Text(), server_default='requested', nullable=False),
    sa.Column('resolution', sa.Text(), nullable=False),
    sa.Column('note', sa.LargeBinary(), nullable=True),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.Column('carrier', sa.Text(), nullable=True),
    sa.Column('tracking', sa.LargeBinary(), nullable=True),
    sa.Column('label', sa.LargeBinary(), nullable=True),
    sa.Column('refund_id', sa.Uuid(), nullable=True),
    sa.Column('replacement_id', sa.Uuid(), nullable=True),
    sa.Column('requested_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('decided_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('decided_by', sa.Uuid(), nullable=True),
    sa.Column('received_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('ended_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint("(ended_at IS NULL) = (state IN ('requested', 'approved', 'received'))", name=op.f('ck_returns_ended_has_time')),
    sa.CheckConstraint("(received_at IS NOT NULL OR state NOT IN ('received', 'refunded', 'exchanged')) AND (received_at IS NULL OR state IN ('received', 'refunded', 'exchanged', 'rejected'))", name=op.f('ck_returns_received_has_time')),
    sa.CheckConstraint("(state = 'exchanged') = (replacement_id IS NOT NULL)", name=op.f('ck_returns_exchanged_for_order')),
    sa.CheckConstraint("(state = 'refunded') = (refund_id IS NOT NULL)", name=op.f('ck_returns_refunded_by_refund')),
    sa.CheckConstraint("(state = 'requested') = (decided_at IS NULL)", name=op.f('ck_returns_decided_has_time')),
    sa.CheckConstraint("resolution IN ('refund', 'credit', 'exchange')", name=op.f('ck_returns_known_resolution')),
    sa.CheckConstraint("state <> 'rejected' OR answer IS NOT NULL", name=op.f('ck_returns_rejected_says_why')),
    sa.CheckConstraint("state IN ('requested', 'approved', 'received', 'refunded', 'exchanged', 'rejected', 'withdrawn')", name=op.f('ck_returns_known_state')),
    sa.CheckConstraint('number > 0', name=op.f('ck_returns_number_positive')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_returns_order_id_orders')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_returns_person_id_persons')),
    sa.ForeignKeyConstraint(['refund_id'], ['refunds.id'], name=op.f('fk_returns_refund_id_refunds')),
    sa.ForeignKeyConstraint(['replacement_id'], ['orders.id'], name=op.f('fk_returns_replacement_id_orders')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_returns'))
    )
    op.create_index('ix_returns_open', 'returns', ['order_id'], unique=False, postgresql_where=sa.text("state IN ('requested', 'approved', 'received')"))
    op.create_index('ix_returns_state', 'returns', ['state', 'id'], unique=False)
    op.create_index('uq_returns_number', 'returns', ['order_id', 'number'], unique=True)
    op.create_index('uq_returns_refund_id', 'returns', ['refund_id'], unique=True, postgresql_where=sa.text('refund_id IS NOT NULL'))
    op.create_index('uq_returns_replacement_id', 'returns', ['replacement_id'], unique=True, postgresql_where=sa.text('replacement_id IS NOT NULL'))
    op.create_table('return_lines',
    sa.Column('return_id', sa.Uuid(), nullable=False),
    sa.Column('line_id', sa.Uuid(), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('exchange_variant_id', sa.Uuid(), nullable=True),
    sa.Column('received', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('restocked', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('refunded_minor', sa.BigInteger(), nullable=True),
    sa.CheckConstraint("reason IN ('damaged', 'faulty', 'wrong_item', 'not_as_described', 'too_small', 'too_large', 'late', 'changed_mind', 'other')", name=op.f('ck_return_lines_known_reason')),
    sa.CheckConstraint('quantity > 0', name=op.f('ck_return_lines_quantity_positive')),
    sa.CheckConstraint('received BETWEEN 0 AND quantity', name=op.f('ck_return_lines_received_within_announced')),
    sa.CheckConstraint('refunded_minor >= 0', name=op.f('ck_return_lines_refunded_not_negative')),
    sa.CheckConstraint('restocked BETWEEN 0 AND received', name=op.f('ck_return_lines_restocked_within_received')),
    sa.ForeignKeyConstraint(['exchange_variant_id'], ['variants.id'], name=op.f('fk_return_lines_exchange_variant_id_variants')),
    sa.ForeignKeyConstraint(['line_id'], ['order_lines.id'], name=op.f('fk_return_lines_line_id_order_lines')),
    sa.ForeignKeyConstraint(['return_id'], ['returns.id'], name=op.f('fk_return_lines_return_id_returns')),
    sa.PrimaryKeyConstraint('return_id', 'line_id', name=op.f('pk_return_lines'))
    )
    op.create_index('ix_return_lines_line_id', 'return_lines', ['line_id'], unique=False)
    op.create_table('return_photos',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('return_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.SmallInteger(), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('least(width, height) > 0', name=op.f('ck_return_photos_has_a_size')),
    sa.CheckConstraint('position BETWEEN 1 AND 5', name=op.f('ck_return_photos_so_many_at_most')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_return_photos_person_id_persons')),
    sa.ForeignKeyConstraint(['return_id'], ['returns.id'], name=op.f('fk_return_photos_return_id_returns')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_return_photos'))
    )
    op.create_index('uq_return_photos_position', 'return_photos', ['return_id', 'position'], unique=True)
    op.add_column('line_progress', sa.Column('announced', sa.Integer(), server_default=sa.text('0'), nullable=False))
    op.execute(
        "ALTER TABLE line_progress ADD CONSTRAINT ck_line_progress_announced_within_delivered"
        " CHECK (announced BETWEEN 0 AND delivered - returned) NOT VALID"
    )
    # The lock of what follows lasts as long as its statement, not as long as the migration.
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE line_progress VALIDATE CONSTRAINT ck_line_progress_announced_within_delivered")


def downgrade() -> None:
    raise RuntimeError("what came back, and what was given for it, would be lost: restore a backup instead")
