"""parcels, how far lines have come, and money given back"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

MOVES = {
    "unfulfilled": ["out_for_delivery", "delivered"],
    "partially_shipped": ["unfulfilled", "out_for_delivery", "delivered", "partially_returned", "returned"],
    "shipped": ["unfulfilled", "partially_shipped", "partially_returned"],
    "out_for_delivery": ["unfulfilled", "partially_shipped", "shipped", "partially_returned"],
}
OPEN = "confirmed_at IS NOT NULL AND delivered_at IS NULL"


def upgrade() -> None:
    for column in ("packing_at", "delivered_at"):
        op.add_column("orders", sa.Column(column, postgresql.TIMESTAMP(timezone=True), nullable=True))
    for column in ("expected_from", "expected_to"):
        op.add_column("orders", sa.Column(column, sa.Date(), nullable=True))
    op.execute(
        "ALTER TABLE orders ADD CONSTRAINT ck_orders_expected_in_order CHECK (expected_from <= expected_to) NOT VALID"
    )
    op.create_table('line_progress',
    sa.Column('line_id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('ordered', sa.Integer(), nullable=False),
    sa.Column('cancelled', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('packed', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('shipped', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('delivered', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('returned', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('paid_minor', sa.BigInteger(), nullable=False),
    sa.Column('given_back_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint('0 <= returned AND returned <= delivered AND delivered <= shipped AND shipped <= packed AND packed <= ordered - cancelled AND cancelled >= 0', name=op.f('ck_line_progress_units_in_order')),
    sa.CheckConstraint('given_back_minor BETWEEN 0 AND paid_minor', name=op.f('ck_line_progress_given_back_within_paid')),
    sa.ForeignKeyConstraint(['line_id'], ['order_lines.id'], name=op.f('fk_line_progress_line_id_order_lines')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_line_progress_order_id_orders')),
    sa.PrimaryKeyConstraint('line_id', name=op.f('pk_line_progress'))
    )
    op.create_index('ix_line_progress_order_id', 'line_progress', ['order_id'], unique=False)
    op.create_table('order_given_back',
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('total_minor', sa.BigInteger(), nullable=False),
    sa.Column('shipping_minor', sa.BigInteger(), nullable=False),
    sa.Column('given_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('shipping_given_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('refunds', sa.SmallInteger(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint('given_minor BETWEEN 0 AND total_minor', name=op.f('ck_order_given_back_given_within_total')),
    sa.CheckConstraint('refunds >= 0', name=op.f('ck_order_given_back_refunds_counted')),
    sa.CheckConstraint('shipping_given_minor BETWEEN 0 AND shipping_minor', name=op.f('ck_order_given_back_shipping_given_within_paid')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_given_back_order_id_orders')),
    sa.PrimaryKeyConstraint('order_id', name=op.f('pk_order_given_back'))
    )
    op.create_table('refunds',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.SmallInteger(), nullable=False),
    sa.Column('cause', sa.Text(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('card_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('credit_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('store_credit_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('shipping_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('tax_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('by', sa.Text(), nullable=False),
    sa.Column('at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("by IN ('shopper', 'staff', 'shop')", name=op.f('ck_refunds_known_by')),
    sa.CheckConstraint("cause IN ('cancellation', 'return', 'goodwill', 'edit', 'lost')", name=op.f('ck_refunds_known_cause')),
    sa.CheckConstraint('amount_minor > 0 AND amount_minor = card_minor + credit_minor + store_credit_minor AND least(card_minor, credit_minor, store_credit_minor, shipping_minor, tax_minor) >= 0', name=op.f('ck_refunds_amount_adds_up')),
    sa.CheckConstraint('greatest(shipping_minor, tax_minor) <= amount_minor', name=op.f('ck_refunds_parts_within_amount')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_refunds_order_id_orders')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_refunds'))
    )
    op.create_index('uq_refunds_number', 'refunds', ['order_id', 'number'], unique=True)
    op.create_table('refund_lines',
    sa.Column('refund_id', sa.Uuid(), nullable=False),
    sa.Column('line_id', sa.Uuid(), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('tax_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint('quantity >= 0 AND amount_minor >= 0', name=op.f('ck_refund_lines_amounts_not_negative')),
    sa.CheckConstraint('tax_minor BETWEEN 0 AND amount_minor', name=op.f('ck_refund_lines_tax_within_amount')),
    sa.ForeignKeyConstraint(['line_id'], ['order_lines.id'], name=op.f('fk_refund_lines_line_id_order_lines')),
    sa.ForeignKeyConstraint(['refund_id'], ['refunds.id'], name=op.f('fk_refund_lines_refund_id_refunds')),
    sa.PrimaryKeyConstraint('refund_id', 'line_id', name=op.f('pk_refund_lines'))
    )
    op.create_index('ix_refund_lines_line_id', 'refund_lines', ['line_id'], unique=False)
    op.create_table('parcels',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.SmallInteger(), nullable=False),
    sa.Column('carrier', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), server_default='packed', nullable=False),
    sa.Column('tracking', sa.LargeBinary(), nullable=True),
    sa.Column('label', sa.LargeBinary(), nullable=True),
    sa.Column('deliver_from', sa.Date(), nullable=True),
    sa.Column('deliver_to', sa.Date(), nullable=True),
    sa.Column('exception_code', sa.Text(), nullable=True),
    sa.Column('packed_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('shipped_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('delivered_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('told_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'delivered') = (delivered_at IS NOT NULL)", name=op.f('ck_parcels_delivered_has_time')),
    sa.CheckConstraint("state <> 'label' OR carrier IS NOT NULL", name=op.f('ck_parcels_label_has_carrier')),
    sa.CheckConstraint("state IN ('packed', 'label', 'cancelled') OR shipped_at IS NOT NULL", name=op.f('ck_parcels_sent_has_time')),
    sa.CheckConstraint("state IN ('packed', 'label', 'in_transit', 'out_for_delivery', 'exception', 'delivered', 'lost', 'cancelled')", name=op.f('ck_parcels_known_state')),
    sa.CheckConstraint('deliver_from <= deliver_to', name=op.f('ck_parcels_window_in_order')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_parcels_order_id_orders')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_parcels'))
    )
    op.create_index('ix_parcels_under_way', 'parcels', ['carrier', 'id'], unique=False, postgresql_where=sa.text("state IN ('label', 'in_transit', 'out_for_delivery', 'exception')"))
    op.create_index('uq_parcels_number', 'parcels', ['order_id', 'number'], unique=True)
    op.create_table('parcel_lines',
    sa.Column('parcel_id', sa.Uuid(), nullable=False),
    sa.Column('line_id', sa.Uuid(), nullable=False),
    sa.Column('quantity', sa.Integer(), nullable=False),
    sa.CheckConstraint('quantity > 0', name=op.f('ck_parcel_lines_quantity_positive')),
    sa.ForeignKeyConstraint(['line_id'], ['order_lines.id'], name=op.f('fk_parcel_lines_line_id_order_lines')),
    sa.ForeignKeyConstraint(['parcel_id'], ['parcels.id'], name=op.f('fk_parcel_lines_parcel_id_parcels')),
    sa.PrimaryKeyConstraint('parcel_id', 'line_id', name=op.f('pk_parcel_lines'))
    )
    op.create_index('ix_parcel_lines_line_id', 'parcel_lines', ['line_id'], unique=False)
    op.create_table('parcel_events',
    sa.Column('parcel_id', sa.Uuid(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('code', sa.Text(), nullable=True),
    sa.Column('at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('taken', sa.Boolean(), nullable=False),
    sa.Column('noted_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("state IN ('in_transit', 'out_for_delivery', 'exception', 'delivered', 'lost')", name=op.f('ck_parcel_events_known_state')),
    sa.ForeignKeyConstraint(['parcel_id'], ['parcels.id'], name=op.f('fk_parcel_events_parcel_id_parcels')),
    sa.PrimaryKeyConstraint('parcel_id', 'key', name=op.f('pk_parcel_events'))
    )
    op.create_table('carrier_cursors',
    sa.Column('carrier', sa.Text(), nullable=False),
    sa.Column('cursor', sa.Text(), nullable=False),
    sa.Column('read_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('carrier', name=op.f('pk_carrier_cursors'))
    )
    moves = sa.table("order_transitions", sa.column("field"), sa.column("before"), sa.column("after"))
    op.bulk_insert(
        moves,
        [{"field": "fulfilment_status", "before": b, "after": a} for b, found in MOVES.items() for a in found],
    )
    jobs = sa.table("periodic_jobs", sa.column("name"), sa.column("queue"), sa.column("every_seconds"))
    op.bulk_insert(
        jobs,
        [
            {"name": "shipping.track", "queue": "system", "every_seconds": 5},
            {"name": "shipping.estimate", "queue": "system", "every_seconds": 300},
        ],
    )
    # The locks of what follows last as long as a statement, not as long as the migration.
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE orders VALIDATE CONSTRAINT ck_orders_expected_in_order")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_orders_open")
        op.create_index(
            "ix_orders_open",
            "orders",
            ["confirmed_at", "id"],
            unique=False,
            postgresql_where=sa.text(OPEN),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    raise RuntimeError("parcels and what was given back would be lost: restore a backup instead")
