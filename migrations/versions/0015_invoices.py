"""invoices: numbers without a gap, what was issued, and its file; the shop's mark"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

# Numbers go up by one; what was issued never changes, but that an erasure takes the buyer out and a file away. That
# nothing is deleted, the rights of the processes see to.
FROZEN = """
CREATE FUNCTION keep_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'invoices' THEN
        IF NEW.buyer = '' AND to_jsonb(NEW) - 'buyer' = to_jsonb(OLD) - 'buyer' THEN
            RETURN NEW;
        END IF;
    ELSIF TG_TABLE_NAME = 'invoice_series' THEN
        IF NEW.last_number = OLD.last_number + 1 AND NEW.kind = OLD.kind AND NEW.last_at >= OLD.last_at THEN
            RETURN NEW;
        END IF;
    ELSE
        IF OLD.sha256 IS NULL OR (NEW.sealed IS NULL AND NEW.sha256 = OLD.sha256) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'what was issued does not change' USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_frozen';
END $$;
"""
TABLES = ("invoice_series", "invoices", "invoice_files")


def upgrade() -> None:
    op.create_table('shop_logos',
    sa.Column('digest', sa.LargeBinary(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('added_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('digest = sha256(body)', name=op.f('ck_shop_logos_named_by_content')),
    sa.PrimaryKeyConstraint('digest', name=op.f('pk_shop_logos'))
    )
    op.create_table('invoice_series',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('last_number', sa.BigInteger(), nullable=False),
    sa.Column('last_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.CheckConstraint("kind IN ('invoice', 'credit_note')", name=op.f('ck_invoice_series_known_kind')),
    sa.CheckConstraint('last_number > 0', name=op.f('ck_invoice_series_counts_from_one')),
    sa.CheckConstraint("name ~ '^[A-Z0-9]{1,8}-[0-9]{4}$'", name=op.f('ck_invoice_series_name_form')),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_invoice_series'))
    )
    op.create_table('invoices',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('series', sa.Text(), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('order_id', sa.Uuid(), nullable=False),
    sa.Column('refund_id', sa.Uuid(), nullable=True),
    sa.Column('person_id', sa.Uuid(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('total_minor', sa.BigInteger(), nullable=False),
    sa.Column('tax_minor', sa.BigInteger(), nullable=False),
    sa.Column('document', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('buyer', sa.LargeBinary(), nullable=False),
    sa.Column('issued_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.CheckConstraint("kind IN ('invoice', 'credit_note')", name=op.f('ck_invoices_known_kind')),
    sa.CheckConstraint("(kind = 'credit_note') = (refund_id IS NOT NULL)", name=op.f('ck_invoices_credits_a_refund')),
    sa.CheckConstraint('number > 0', name=op.f('ck_invoices_counts_from_one')),
    sa.CheckConstraint("code = series || '-' || lpad(CAST(number AS text), greatest(6, length(CAST(number AS text))), '0')", name=op.f('ck_invoices_code_of_number')),
    sa.CheckConstraint('tax_minor BETWEEN 0 AND total_minor', name=op.f('ck_invoices_tax_within_total')),
    sa.ForeignKeyConstraint(['order_id'], ['orders.id'], name=op.f('fk_invoices_order_id_orders')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_invoices_person_id_persons')),
    sa.ForeignKeyConstraint(['refund_id'], ['refunds.id'], name=op.f('fk_invoices_refund_id_refunds')),
    sa.ForeignKeyConstraint(['series'], ['invoice_series.name'], name=op.f('fk_invoices_series_invoice_series')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_invoices')),
    sa.UniqueConstraint('code', name=op.f('uq_invoices_code')),
    sa.UniqueConstraint('refund_id', name=op.f('uq_invoices_refund_id'))
    )
    op.create_index('uq_invoices_number', 'invoices', ['series', 'number'], unique=True)
    op.create_index('uq_invoices_order', 'invoices', ['order_id'], unique=True, postgresql_where=sa.text("kind = 'invoice'"))
    op.create_index('ix_invoices_order_id', 'invoices', ['order_id'], unique=False)
    op.create_index('ix_invoices_issued_at', 'invoices', ['issued_at', 'id'], unique=False)
    op.create_index('ix_invoices_person_id', 'invoices', ['person_id'], unique=False)
    op.create_table('invoice_files',
    sa.Column('invoice_id', sa.Uuid(), nullable=False),
    sa.Column('due_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=True),
    sa.Column('attempts', sa.SmallInteger(), server_default=sa.text('0'), nullable=False),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.Column('sealed', sa.LargeBinary(), nullable=True),
    sa.Column('sha256', sa.LargeBinary(), nullable=True),
    sa.Column('size', sa.Integer(), nullable=True),
    sa.Column('made_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint('(due_at IS NULL) = (sha256 IS NOT NULL)', name=op.f('ck_invoice_files_due_until_made')),
    sa.CheckConstraint('num_nonnulls(sha256, size, made_at) IN (0, 3)', name=op.f('ck_invoice_files_made_whole')),
    sa.CheckConstraint('sealed IS NULL OR sha256 IS NOT NULL', name=op.f('ck_invoice_files_file_has_digest')),
    sa.ForeignKeyConstraint(['invoice_id'], ['invoices.id'], name=op.f('fk_invoice_files_invoice_id_invoices')),
    sa.PrimaryKeyConstraint('invoice_id', name=op.f('pk_invoice_files'))
    )
    op.create_index('ix_invoice_files_due_at', 'invoice_files', ['due_at'], unique=False, postgresql_where=sa.text('due_at IS NOT NULL'))
    # A sealed file does not get smaller: no time is spent on trying.
    op.execute("ALTER TABLE invoice_files ALTER COLUMN sealed SET STORAGE EXTERNAL")
    op.execute(FROZEN)
    for table in TABLES:
        op.execute(f"CREATE TRIGGER {table}_kept BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION keep_invoice()")
    # What was confirmed before there were invoices gets its own now, in the order of confirmation.
    op.execute("""
        INSERT INTO pending_facts (consumer, type, data)
        SELECT 'invoices', 'order.confirmed', jsonb_build_object('order_id', id) FROM orders
        WHERE confirmed_at IS NOT NULL AND status <> 'cancelled' ORDER BY confirmed_at
    """)


def downgrade() -> None:
    raise RuntimeError("numbers that were given would be given again: restore a backup instead")
