"""an index by which listings are counted by category under other filters"""

from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Without a lock that writers would wait for; what an interrupted run left is made anew.
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_listings_category_facts")
        op.create_index(
            "ix_listings_category_facts",
            "listings",
            ["category_id", "price_minor", "rating", "in_stock"],
            unique=False,
            postgresql_concurrently=True,
        )
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_listings_category_id")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index("ix_listings_category_id", "listings", ["category_id"], postgresql_concurrently=True)
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_listings_category_facts")
