"""pictures, and stock as staff keep it"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

CAUSES = (
    "cause IN ('received', 'returned') AND delta > 0 OR cause IN ('sold', 'damaged', 'lost') AND delta < 0"
    " OR cause = 'corrected'"
)
JOBS = [("inventory.watch", "system", 60), ("catalog.prune_pictures", "system", 3600)]


def upgrade() -> None:
    op.create_table('media_files',
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('format', sa.Text(), nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('wanted_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("digest = encode(sha256(body), 'hex')", name=op.f('ck_media_files_digest_of_body')),
    sa.CheckConstraint("format IN ('avif', 'webp')", name=op.f('ck_media_files_known_format')),
    sa.PrimaryKeyConstraint('digest', name=op.f('pk_media_files'))
    )
    # What is stored is compressed already.
    op.execute("ALTER TABLE media_files ALTER COLUMN body SET STORAGE EXTERNAL")
    op.create_table('pictures',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('product_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('alt', sa.Text(), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('position >= 0', name=op.f('ck_pictures_position_not_negative')),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_pictures_product_id_products'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pictures')),
    sa.UniqueConstraint('product_id', 'position', deferrable=True, initially='DEFERRED', name=op.f('uq_pictures_product_id'))
    )
    op.create_table('picture_files',
    sa.Column('picture_id', sa.Uuid(), nullable=False),
    sa.Column('format', sa.Text(), nullable=False),
    sa.Column('width', sa.Integer(), nullable=False),
    sa.Column('height', sa.Integer(), nullable=False),
    sa.Column('digest', sa.Text(), nullable=False),
    sa.CheckConstraint('width > 0 AND height > 0', name=op.f('ck_picture_files_has_a_size')),
    sa.ForeignKeyConstraint(['digest'], ['media_files.digest'], name=op.f('fk_picture_files_digest_media_files')),
    sa.ForeignKeyConstraint(['picture_id'], ['pictures.id'], name=op.f('fk_picture_files_picture_id_pictures'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('picture_id', 'format', 'width', name=op.f('pk_picture_files'))
    )
    op.create_index('ix_picture_files_digest', 'picture_files', ['digest'], unique=False)
    op.create_table('low_stock',
    sa.Column('variant_id', sa.Uuid(), nullable=False),
    sa.Column('since', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['variant_id'], ['variants.id'], name=op.f('fk_low_stock_variant_id_variants'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('variant_id', name=op.f('pk_low_stock'))
    )
    op.add_column('products', sa.Column('images', postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'"), nullable=False))
    op.add_column('variants', sa.Column('picture_id', sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f('fk_variants_picture_id_pictures'), 'variants', 'pictures', ['picture_id'], ['id'], ondelete='SET NULL')
    op.add_column('stock_items', sa.Column('low_at', sa.Integer(), nullable=True))
    op.add_column('stock_movements', sa.Column('note', sa.Text(), nullable=True))
    op.execute("ALTER TABLE stock_items ADD CONSTRAINT ck_stock_items_low_at_not_negative CHECK (low_at >= 0) NOT VALID")
    op.execute("ALTER TABLE stock_movements DROP CONSTRAINT ck_stock_movements_known_cause")
    op.execute(f"ALTER TABLE stock_movements ADD CONSTRAINT ck_stock_movements_known_cause CHECK ({CAUSES}) NOT VALID")
    jobs = sa.table("periodic_jobs", sa.column("name"), sa.column("queue"), sa.column("every_seconds"))
    op.bulk_insert(jobs, [{"name": n, "queue": q, "every_seconds": e} for n, q, e in JOBS])
    # The locks of what follows last as long as a statement, not as long as the migration.
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE stock_items VALIDATE CONSTRAINT ck_stock_items_low_at_not_negative")
        op.execute("ALTER TABLE stock_movements VALIDATE CONSTRAINT ck_stock_movements_known_cause")
        op.create_index(
            "ix_variants_picture_id",
            "variants",
            ["picture_id"],
            unique=False,
            postgresql_where=sa.text("picture_id IS NOT NULL"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )


def downgrade() -> None:
    raise RuntimeError("uploaded pictures would be lost: restore a backup instead")
