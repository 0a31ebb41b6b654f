"""imports"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('imports',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), server_default='uploaded', nullable=False),
    sa.Column('stopped_in', sa.Text(), nullable=True),
    sa.Column('mode', sa.Text(), server_default='skip_bad', nullable=False),
    sa.Column('dry_run', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('header', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('columns', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('delimiter', sa.Text(), nullable=False),
    sa.Column('line_end', sa.Text(), nullable=False),
    sa.Column('size_bytes', sa.BigInteger(), nullable=False),
    sa.Column('position', sa.BigInteger(), nullable=False),
    sa.Column('next_row', sa.Integer(), server_default=sa.text('2'), nullable=False),
    sa.Column('rows_read', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('rows_good', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('rows_bad', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('rows_new', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('rows_applied', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('applied_row', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('attempt', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('lease_token', sa.Uuid(), nullable=True),
    sa.Column('lease_until', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('next_run_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('told_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('changed_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('ended_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('failure', sa.Text(), nullable=True),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.CheckConstraint("(ended_at IS NOT NULL) = (state IN ('done', 'refused', 'failed'))", name=op.f('ck_imports_ended_at_its_end')),
    sa.CheckConstraint("(state = 'stopped') = (stopped_in IS NOT NULL)", name=op.f('ck_imports_stopped_somewhere')),
    sa.CheckConstraint("kind IN ('products', 'prices', 'stock')", name=op.f('ck_imports_known_kind')),
    sa.CheckConstraint("mode IN ('skip_bad', 'all_or_nothing')", name=op.f('ck_imports_known_mode')),
    sa.CheckConstraint("state = 'uploaded' OR columns IS NOT NULL", name=op.f('ck_imports_columns_before_work')),
    sa.CheckConstraint("state IN ('uploaded', 'checking', 'checked', 'applying', 'finishing', 'done', 'stopped', 'refused', 'failed')", name=op.f('ck_imports_known_state')),
    sa.CheckConstraint('rows_applied <= rows_good', name=op.f('ck_imports_applied_are_good')),
    sa.CheckConstraint('rows_good + rows_bad = rows_read', name=op.f('ck_imports_rows_add_up')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_imports'))
    )
    op.create_index('ix_imports_next_run_at', 'imports', ['next_run_at'], unique=False, postgresql_where=sa.text("state IN ('checking', 'applying', 'finishing')"))
    op.create_table('import_chunks',
    sa.Column('import_id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['import_id'], ['imports.id'], name=op.f('fk_import_chunks_import_id_imports'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('import_id', 'number', name=op.f('pk_import_chunks'))
    )
    op.create_table('import_errors',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('import_id', sa.Uuid(), nullable=False),
    sa.Column('row', sa.Integer(), nullable=False),
    sa.Column('field', sa.Text(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['import_id'], ['imports.id'], name=op.f('fk_import_errors_import_id_imports'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import_errors'))
    )
    op.create_index('ix_import_errors_import_id', 'import_errors', ['import_id', 'id'], unique=False)
    op.create_table('import_products',
    sa.Column('import_id', sa.Uuid(), nullable=False),
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('said', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['import_id'], ['imports.id'], name=op.f('fk_import_products_import_id_imports'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('import_id', 'slug', name=op.f('pk_import_products'))
    )
    op.create_table('import_rows',
    sa.Column('import_id', sa.Uuid(), nullable=False),
    sa.Column('row', sa.Integer(), nullable=False),
    sa.Column('sku', sa.Text(), nullable=True),
    sa.Column('slug', sa.Text(), nullable=True),
    sa.Column('data', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.ForeignKeyConstraint(['import_id'], ['imports.id'], name=op.f('fk_import_rows_import_id_imports'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('import_id', 'row', name=op.f('pk_import_rows'))
    )
    op.create_index('ix_import_rows_slug', 'import_rows', ['import_id', 'slug'], unique=False, postgresql_where=sa.text('slug IS NOT NULL'))
    op.create_index('uq_import_rows_sku', 'import_rows', ['import_id', 'sku'], unique=True)
    op.create_table('import_touched',
    sa.Column('import_id', sa.Uuid(), nullable=False),
    sa.Column('product_id', sa.Uuid(), nullable=False),
    sa.ForeignKeyConstraint(['import_id'], ['imports.id'], name=op.f('fk_import_touched_import_id_imports'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('import_id', 'product_id', name=op.f('pk_import_touched'))
    )
    # ### end Alembic commands ###
    # Pieces of a file live for minutes: compressing them costs more than the room.
    op.execute("ALTER TABLE import_chunks ALTER body SET STORAGE EXTERNAL")


def downgrade() -> None:
    for table in ("import_touched", "import_rows", "import_products", "import_errors", "import_chunks", "imports"):
        op.drop_table(table)
