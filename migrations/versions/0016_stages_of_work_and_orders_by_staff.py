"""stages of work, notes and drafts of orders, and what members spent by currency"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

CHECKS = (
    ("order_processing", "counts_from_one", "position > 0 AND tries >= 0"),
    ("order_processing", "stopped_with_reason", "(stopped_at IS NULL) = (stopped_why IS NULL)"),
    ("carts", "known_state", "state IN ('active', 'ordered', 'merged', 'draft')"),
)
NOW = sa.text('now()')

# What is on hold, or was given up on the way back of its money, waits for a person from now on.
STOPPED = """
UPDATE order_processing p SET stopped_at = coalesce(p.ended_at, now()), stopped_why = o.hold_reason
FROM orders o WHERE o.id = p.order_id AND o.status = 'on_hold'
"""
UNDONE = """
UPDATE order_processing p SET stopped_at = coalesce(p.ended_at, now()), stopped_why = 'undo_failed'
FROM payment_breaks b WHERE b.order_id = p.order_id AND b.kind = 'undo_failed' AND b.state = 'open'
  AND p.step = 'done' AND p.stopped_at IS NULL
"""
SPENT = """
UPDATE users u SET spent = s.spent FROM (
    SELECT user_id, jsonb_object_agg(currency, spent) AS spent FROM (
        SELECT o.user_id, o.currency, greatest(0, sum(o.total_minor - coalesce(
            (SELECT sum(refunded_minor) FROM payments p WHERE p.order_id = o.id), 0)))::bigint AS spent
        FROM orders o WHERE o.user_id IS NOT NULL AND o.confirmed_at IS NOT NULL AND o.status <> 'cancelled'
        GROUP BY o.user_id, o.currency) c GROUP BY user_id) s
WHERE s.user_id = u.id AND u.erased_at IS NULL
"""


def _tables() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence('draft_numbers', start=1001)))
    op.create_table('order_stages',
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.SmallInteger(), nullable=False),
    sa.Column('stage', sa.Text(), nullable=False),
    sa.Column('entered_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('started_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('ended_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('attempts', sa.SmallInteger(), nullable=False),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('wait_reason', sa.Text(), nullable=True),
    sa.Column('retries', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.CheckConstraint('position > 0 AND attempts >= 0', name=op.f('ck_order_stages_counts_from_one')),
    sa.CheckConstraint("stage IN ('authorize', 'capture', 'void', 'refund', 'hold')", name=op.f('ck_order_stages_known_stage')),
    sa.CheckConstraint("outcome IN ('passed', 'refused', 'held', 'gave_up', 'cancelled', 'released', 'replayed')", name=op.f('ck_order_stages_known_outcome')),
    sa.CheckConstraint("(stage = 'hold') = (wait_reason IS NOT NULL)", name=op.f('ck_order_stages_hold_has_reason')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_stages_order_id_orders')),
    sa.PrimaryKeyConstraint('order_id', 'position', name=op.f('pk_order_stages'))
    )
    op.create_index('ix_order_stages_ended_at', 'order_stages', ['ended_at'], unique=False, postgresql_using='brin')
    op.create_table('order_notes',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('author_id', sa.Uuid(), nullable=True),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('at', postgresql.TIMESTAMP(timezone=True), server_default=NOW, nullable=False),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_notes_order_id_orders')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_order_notes_person_id_persons')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_order_notes'))
    )
    op.create_index('ix_order_notes_order_id', 'order_notes', ['order_id', 'at', 'id'], unique=False)
    op.create_index('ix_order_notes_person_id', 'order_notes', ['person_id'], unique=False)
    op.create_table('order_drafts',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), server_default='open', nullable=False),
    sa.Column('cart_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('email', sa.LargeBinary(), nullable=False),
    sa.Column('shipping_address', sa.LargeBinary(), nullable=False),
    sa.Column('shipping_method', sa.Text(), nullable=False),
    sa.Column('free_shipping', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('for_order_id', sa.Uuid(), nullable=True),
    sa.Column('order_id', sa.Uuid(), nullable=True),
    sa.Column('created_by', sa.Uuid(), nullable=True),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=NOW, nullable=False),
    sa.Column('expires_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.CheckConstraint("state IN ('open', 'ordered', 'cancelled')", name=op.f('ck_order_drafts_known_state')),
    sa.CheckConstraint("(state = 'ordered') = (order_id IS NOT NULL)", name=op.f('ck_order_drafts_ordered_has_order')),
    sa.ForeignKeyConstraint(['cart_id'], ['carts.id'], name=op.f('fk_order_drafts_cart_id_carts')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_order_drafts_user_id_users')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_order_drafts_person_id_persons')),
    sa.ForeignKeyConstraint(['for_order_id'], ['orders.id'], name=op.f('fk_order_drafts_for_order_id_orders')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_order_drafts_order_id_orders')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_order_drafts')),
    sa.UniqueConstraint('number', name=op.f('uq_order_drafts_number')),
    sa.UniqueConstraint('cart_id', name=op.f('uq_order_drafts_cart_id')),
    sa.UniqueConstraint('order_id', name=op.f('uq_order_drafts_order_id'))
    )
    op.create_index('ix_order_drafts_created_at', 'order_drafts', ['created_at', 'id'], unique=False)
    op.create_index('ix_order_drafts_for_order_id', 'order_drafts', ['for_order_id'], unique=False, postgresql_where=sa.text('for_order_id IS NOT NULL'))
    op.create_index('ix_order_drafts_person_id', 'order_drafts', ['person_id'], unique=False)
    op.execute(
        "CREATE TRIGGER order_drafts_erased BEFORE INSERT ON order_drafts FOR EACH ROW"
        " WHEN (NEW.user_id IS NOT NULL) EXECUTE FUNCTION refuse_erased()"
    )


def _columns() -> None:
    op.add_column('order_processing', sa.Column('position', sa.SmallInteger(), server_default=sa.text('1'), nullable=False))
    op.add_column('order_processing', sa.Column('entered_at', postgresql.TIMESTAMP(timezone=True), server_default=NOW, nullable=False))
    op.add_column('order_processing', sa.Column('taken_at', postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.add_column('order_processing', sa.Column('tries', sa.SmallInteger(), server_default=sa.text('0'), nullable=False))
    op.add_column('order_processing', sa.Column('retries', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False))
    op.add_column('order_processing', sa.Column('stopped_at', postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.add_column('order_processing', sa.Column('stopped_why', sa.Text(), nullable=True))
    op.add_column('users', sa.Column('spent', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False))


def upgrade() -> None:
    _tables()
    _columns()
    op.drop_constraint(op.f('ck_carts_known_state'), 'carts')
    for table, name, condition in CHECKS:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK ({condition}) NOT VALID")
    transitions = sa.table("order_transitions", sa.column("field"), sa.column("before"), sa.column("after"))
    back = [{"field": "status", "before": "on_hold", "after": after} for after in ("placed", "confirmed")]
    op.bulk_insert(transitions, back)
    # The locks of what follows last as long as a statement, not as long as the migration.
    with op.get_context().autocommit_block():
        for table, name, _ in CHECKS:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_{name}")
        for statement in (STOPPED, UNDONE, SPENT):
            op.execute(statement)
        _index("ix_order_processing_stopped", "order_processing", ["stopped_at"], "stopped_at IS NOT NULL")
        _index("ix_orders_guest", "orders", ["caller", "placed_at"], "user_id IS NULL")
        _index("ix_order_lines_sku", "order_lines", ["sku"], None)


def _index(name: str, table: str, columns: list[str], where: str | None) -> None:
    # Without a lock that writers would wait for; what an interrupted run left is made anew.
    op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    condition = sa.text(where) if where else None
    op.create_index(name, table, columns, unique=False, postgresql_concurrently=True, postgresql_where=condition)


def downgrade() -> None:
    raise RuntimeError("what staff wrote, prepared and held would be lost: restore a backup instead")
