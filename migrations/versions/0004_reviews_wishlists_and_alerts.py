"""reviews wishlists and alerts"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


GRANT = """
UPDATE roles SET permissions = array_append(permissions, 'reviews:write')
WHERE name = 'admin' AND NOT 'reviews:write' = ANY (permissions)
"""

# Tables that take nothing more for an erased account, as those of 0002.
OWNED = ("review_votes", "reviews", "stock_alerts", "wishlists")


def upgrade() -> None:
    op.create_table('reviews',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('product_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('rating', sa.SmallInteger(), nullable=False),
    sa.Column('title', sa.Text(), nullable=True),
    sa.Column('body', sa.Text(), nullable=True),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('held_because', sa.Text(), nullable=True),
    sa.Column('rejected_because', sa.Text(), nullable=True),
    sa.Column('helpful_count', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('unhelpful_count', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('score', sa.Integer(), sa.Computed('helpful_count - unhelpful_count', persisted=True), nullable=False),
    sa.Column('version', sa.Integer(), server_default=sa.text('1'), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('edited_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'pending') = (held_because IS NOT NULL)", name=op.f('ck_reviews_pending_has_reason')),
    sa.CheckConstraint("(state = 'rejected') = (rejected_because IS NOT NULL)", name=op.f('ck_reviews_rejected_has_reason')),
    sa.CheckConstraint("held_because IN ('links', 'shouting', 'words', 'rejected_before', 'every_review')", name=op.f('ck_reviews_known_held_because')),
    sa.CheckConstraint("state IN ('pending', 'published', 'rejected')", name=op.f('ck_reviews_known_state')),
    sa.CheckConstraint("user_id IS NOT NULL OR (title IS NULL AND state = 'published')", name=op.f('ck_reviews_forgotten_is_bare')),
    sa.CheckConstraint('(user_id IS NULL) = (body IS NULL)', name=op.f('ck_reviews_text_has_author')),
    sa.CheckConstraint('least(helpful_count, unhelpful_count) >= 0', name=op.f('ck_reviews_counts_not_negative')),
    sa.CheckConstraint('rating BETWEEN 1 AND 5', name=op.f('ck_reviews_rating_in_range')),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_reviews_product_id_products')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_reviews_user_id_users')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reviews'))
    )
    op.create_index('ix_reviews_newest', 'reviews', ['product_id', 'id'], unique=False, postgresql_where=sa.text("state = 'published'"))
    op.create_index('ix_reviews_rating', 'reviews', ['product_id', 'rating', 'id'], unique=False, postgresql_where=sa.text("state = 'published'"))
    op.create_index('ix_reviews_score', 'reviews', ['product_id', 'score', 'id'], unique=False, postgresql_where=sa.text("state = 'published'"))
    op.create_index('ix_reviews_state', 'reviews', ['state', 'id'], unique=False)
    op.create_index('ix_reviews_user_id', 'reviews', ['user_id'], unique=False)
    op.create_index('uq_reviews_author', 'reviews', ['product_id', 'user_id'], unique=True)
    op.create_table('wishlists',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.LargeBinary(), nullable=False),
    sa.Column('is_default', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('shared', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('share_number', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('price_alerts', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('updated_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_wishlists_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_wishlists'))
    )
    op.create_index('ix_wishlists_user_id', 'wishlists', ['user_id', 'id'], unique=False)
    op.create_index('uq_wishlists_default', 'wishlists', ['user_id'], unique=True, postgresql_where=sa.text('is_default'))
    op.create_table('review_votes',
    sa.Column('review_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=False),
    sa.Column('helpful', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['review_id'], ['reviews.id'], name=op.f('fk_review_votes_review_id_reviews'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_review_votes_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('review_id', 'user_id', name=op.f('pk_review_votes'))
    )
    op.create_index('ix_review_votes_user_id', 'review_votes', ['user_id'], unique=False)
    op.create_table('stock_alerts',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('variant_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.Uuid(), nullable=True),
    sa.Column('person_id', sa.Uuid(), nullable=True),
    sa.Column('email', sa.LargeBinary(), nullable=True),
    sa.Column('email_index', sa.LargeBinary(), nullable=True),
    sa.Column('token_hash', sa.LargeBinary(), nullable=True),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('asked_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('told_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint("(state = 'told') = (told_at IS NOT NULL)", name=op.f('ck_stock_alerts_told_has_time')),
    sa.CheckConstraint("(state = 'unconfirmed') = (token_hash IS NOT NULL)", name=op.f('ck_stock_alerts_unconfirmed_has_token')),
    sa.CheckConstraint("state IN ('unconfirmed', 'waiting', 'told')", name=op.f('ck_stock_alerts_known_state')),
    sa.CheckConstraint("user_id IS NULL OR state <> 'unconfirmed'", name=op.f('ck_stock_alerts_members_are_confirmed')),
    sa.CheckConstraint('(person_id IS NULL) = (email IS NULL) AND (person_id IS NULL) = (email_index IS NULL)', name=op.f('ck_stock_alerts_guest_has_address')),
    sa.CheckConstraint('num_nonnulls(user_id, person_id) = 1', name=op.f('ck_stock_alerts_member_or_guest')),
    sa.ForeignKeyConstraint(['person_id'], ['persons.id'], name=op.f('fk_stock_alerts_person_id_persons')),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_stock_alerts_user_id_users'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['variant_id'], ['variants.id'], name=op.f('fk_stock_alerts_variant_id_variants'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stock_alerts')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_stock_alerts_token_hash'))
    )
    op.create_index('ix_stock_alerts_asked_at', 'stock_alerts', ['asked_at'], unique=False, postgresql_where=sa.text("state <> 'waiting'"))
    op.create_index('ix_stock_alerts_person_id', 'stock_alerts', ['person_id'], unique=False, postgresql_where=sa.text('person_id IS NOT NULL'))
    op.create_index('ix_stock_alerts_user_id', 'stock_alerts', ['user_id'], unique=False, postgresql_where=sa.text('user_id IS NOT NULL'))
    op.create_index('ix_stock_alerts_waiting', 'stock_alerts', ['variant_id', 'id'], unique=False, postgresql_where=sa.text("state = 'waiting'"))
    op.create_index('uq_stock_alerts_guest', 'stock_alerts', ['email_index', 'variant_id'], unique=True, postgresql_where=sa.text("email_index IS NOT NULL AND state <> 'told'"))
    op.create_index('uq_stock_alerts_member', 'stock_alerts', ['user_id', 'variant_id'], unique=True, postgresql_where=sa.text("user_id IS NOT NULL AND state <> 'told'"))
    op.create_table('wishlist_items',
    sa.Column('wishlist_id', sa.Uuid(), nullable=False),
    sa.Column('variant_id', sa.Uuid(), nullable=False),
    sa.Column('price_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('added_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['variant_id'], ['variants.id'], name=op.f('fk_wishlist_items_variant_id_variants'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['wishlist_id'], ['wishlists.id'], name=op.f('fk_wishlist_items_wishlist_id_wishlists'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('wishlist_id', 'variant_id', name=op.f('pk_wishlist_items'))
    )
    op.create_index('ix_wishlist_items_variant_id', 'wishlist_items', ['variant_id'], unique=False)
    op.execute(GRANT)
    for table in OWNED:
        op.execute(
            f"CREATE TRIGGER {table}_erased BEFORE INSERT ON {table} FOR EACH ROW"
            " WHEN (NEW.user_id IS NOT NULL) EXECUTE FUNCTION refuse_erased()"
        )


def downgrade() -> None:
    raise RuntimeError("what people wrote into these tables would be lost: restore a backup instead")
