"""parcels that wait for their carrier's label"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None

WAITS = "send_at IS NULL OR state IN ('packed', 'label')"


def upgrade() -> None:
    op.add_column("parcels", sa.Column("send_at", postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.add_column("parcels", sa.Column("attempts", sa.SmallInteger(), server_default=sa.text("0"), nullable=False))
    op.add_column("parcels", sa.Column("last_error", sa.Text(), nullable=True))
    op.execute(f"ALTER TABLE parcels ADD CONSTRAINT ck_parcels_waits_before_it_leaves CHECK ({WAITS}) NOT VALID")
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE parcels VALIDATE CONSTRAINT ck_parcels_waits_before_it_leaves")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_parcels_send_at")
        op.create_index(
            "ix_parcels_send_at",
            "parcels",
            ["send_at"],
            unique=False,
            postgresql_where=sa.text("send_at IS NOT NULL"),
            postgresql_concurrently=True,
        )


def downgrade() -> None:
    raise RuntimeError("which parcels wait for a label would be lost: restore a backup instead")
