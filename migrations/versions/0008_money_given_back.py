"""money given back, and breaks between the books"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

JOBS = [("payments.reconcile", "system", 300)]
REFUNDS = "least(refunded_minor, refunding_minor) >= 0 AND refunded_minor + refunding_minor <= captured_minor"
VOIDED = "voided_at IS NULL OR captured_minor = 0"
STATES = "state IN ('sent', 'unknown', 'succeeded', 'refused', 'given_up')"
STEPS = "step IN ('authorize', 'capture', 'void', 'refund', 'done')"
# table, constraint, rule, whether one of that name stood there before
RULES = [
    ("payments", "ck_payments_refunded_within_captured", REFUNDS, True),
    ("payments", "ck_payments_voided_or_captured", VOIDED, False),
    ("payment_attempts", "ck_payment_attempts_known_state", STATES, True),
    ("order_processing", "ck_order_processing_known_step", STEPS, True),
]


def upgrade() -> None:
    op.create_table('payment_books',
    sa.Column('provider', sa.Text(), nullable=False),
    sa.Column('look', sa.Text(), nullable=False),
    sa.Column('checked_until', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.CheckConstraint("look IN ('first', 'second')", name=op.f('ck_payment_books_known_look')),
    sa.PrimaryKeyConstraint('provider', 'look', name=op.f('pk_payment_books'))
    )
    op.create_table('payment_breaks',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('provider', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('provider_ref', sa.Text(), nullable=True),
    sa.Column('order_id', sa.Uuid(), nullable=True),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('expected_minor', sa.BigInteger(), nullable=False),
    sa.Column('found_minor', sa.BigInteger(), nullable=False),
    sa.Column('detail', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), server_default='open', nullable=False),
    sa.Column('opened_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('seen_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('closed_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('closed_by', sa.Text(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL) AND (state = 'closed') = (closed_by IS NOT NULL)", name=op.f('ck_payment_breaks_closed_whole')),
    sa.CheckConstraint("closed_by <> 'staff' OR note IS NOT NULL", name=op.f('ck_payment_breaks_staff_say_why')),
    sa.CheckConstraint("closed_by IN ('itself', 'staff')", name=op.f('ck_payment_breaks_known_closer')),
    sa.CheckConstraint("kind IN ('unknown_charge', 'missing_charge', 'amount_differs', 'captured_differs', 'refunded_differs', 'still_reserved', 'order_differs', 'payment_unknown', 'undo_failed', 'refund_refused', 'refund_unknown')", name=op.f('ck_payment_breaks_known_kind')),
    sa.CheckConstraint("state IN ('open', 'closed')", name=op.f('ck_payment_breaks_known_state')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payment_breaks'))
    )
    op.create_index('ix_payment_breaks_opened_at', 'payment_breaks', ['opened_at', 'id'], unique=False)
    op.create_index('ix_payment_breaks_order_id', 'payment_breaks', ['order_id'], unique=False, postgresql_where=sa.text('order_id IS NOT NULL'))
    op.create_index('uq_payment_breaks_open', 'payment_breaks', ['kind', 'subject'], unique=True, postgresql_where=sa.text("state = 'open'"))
    op.add_column('payments', sa.Column('refunding_minor', sa.BigInteger(), server_default=sa.text('0'), nullable=False))
    op.add_column('payments', sa.Column('voided_at', postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.add_column('payment_attempts', sa.Column('number', sa.SmallInteger(), server_default=sa.text('1'), nullable=False))
    op.add_column('payment_attempts', sa.Column('reason', sa.Text(), nullable=True))
    for table, name, rule, replaced in RULES:
        if replaced:
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({rule}) NOT VALID")
    jobs = sa.table("periodic_jobs", sa.column("name"), sa.column("queue"), sa.column("every_seconds"))
    op.bulk_insert(jobs, [{"name": n, "queue": q, "every_seconds": e} for n, q, e in JOBS])
    # The locks of what follows last as long as a statement, not as long as the migration.
    with op.get_context().autocommit_block():
        for table, name, _, _ in RULES:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")
        # The reconciliation asks for the payments of a time.
        op.create_index(
            "ix_payments_created_at",
            "payments",
            ["created_at"],
            unique=False,
            postgresql_using="brin",
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    raise RuntimeError("what became of refunds would be lost: restore a backup instead")
