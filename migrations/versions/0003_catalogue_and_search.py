"""catalogue and search"""

from alembic import op
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


# Both are trusted extensions: the owner of the database may make them.
EXTENSIONS = ("pg_trgm", "unaccent")

# unaccent is declared STABLE, for its dictionary could be changed; ours never is.
FUNCTIONS = (
    """
    CREATE FUNCTION plain_words(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT regexp_replace(translate(lower(public.unaccent('public.unaccent', $1)), '\'\'’', ''),
                              '[^[:alnum:]]+', ' ', 'g')
    $$
    """,
    """
    CREATE FUNCTION word_fragments(text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
        SELECT array_agg(DISTINCT fragment) FROM (
            SELECT $1 UNION ALL SELECT left($1, i - 1) || substr($1, i + 1) FROM generate_series(1, length($1)) i
        ) AS f (fragment)
    $$
    """,
)

TSV = """setweight(to_tsvector('simple', plain_words(title || ' ' || codes)), 'A')
    || setweight(to_tsvector('english', plain_words(title)), 'A')
    || setweight(to_tsvector('simple', plain_words(labels)), 'B')
    || setweight(to_tsvector('english', plain_words(labels)), 'B')
    || setweight(to_tsvector('english', plain_words(body)), 'D')"""

# How many products are on show in each category: changes are added up later, so that nobody waits for a counter.
TALLIES = """
CREATE FUNCTION tally_added_listings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO category_tallies (category_id, products) SELECT category_id, count(*) FROM added GROUP BY 1;
    RETURN NULL;
END $$;
CREATE FUNCTION tally_removed_listings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO category_tallies (category_id, products) SELECT category_id, -count(*) FROM removed GROUP BY 1;
    RETURN NULL;
END $$;
CREATE FUNCTION tally_moved_listing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO category_tallies (category_id, products) VALUES (OLD.category_id, -1), (NEW.category_id, 1);
    RETURN NULL;
END $$;
CREATE TRIGGER listings_added AFTER INSERT ON listings REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION tally_added_listings();
CREATE TRIGGER listings_removed AFTER DELETE ON listings REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION tally_removed_listings();
CREATE TRIGGER listings_moved AFTER UPDATE OF category_id ON listings
    FOR EACH ROW WHEN (OLD.category_id <> NEW.category_id) EXECUTE FUNCTION tally_moved_listing();
"""

FIGURES = """
CREATE FUNCTION copy_product_figures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE listings SET rating = round(NEW.rating_average * 100), popularity = NEW.sold_count,
        rating_rank = round(NEW.rating_average * 100)::bigint * 10000000 + least(NEW.rating_count, 9999999)
    WHERE product_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER products_figures AFTER UPDATE OF rating_average, rating_count, sold_count ON products
    FOR EACH ROW WHEN ((OLD.rating_average, OLD.rating_count, OLD.sold_count)
                       IS DISTINCT FROM (NEW.rating_average, NEW.rating_count, NEW.sold_count))
    EXECUTE FUNCTION copy_product_figures();
"""

# Nothing happens unless a variant's availability crosses zero. Then its product is noted, and at the end of the
# transaction the noted products are locked in order and looked at anew: so two last units sold at once are both seen,
# and two carts with the same products cannot wait for each other.
AVAILABILITY = """
CREATE FUNCTION note_crossed_stock() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    noted text := coalesce(current_setting('quickshop.crossed', true), '');
    product text := (SELECT product_id FROM variants WHERE id = NEW.variant_id);
BEGIN
    IF right(noted, 36) IS DISTINCT FROM product THEN
        PERFORM set_config('quickshop.crossed', noted || ' ' || product, true);
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION settle_crossed_stock() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    crossed uuid[] := string_to_array(ltrim(coalesce(current_setting('quickshop.crossed', true), '')), ' ')::uuid[];
BEGIN
    IF cardinality(crossed) > 0 THEN
        PERFORM set_config('quickshop.crossed', '', true);
        PERFORM FROM products WHERE id = ANY(crossed) ORDER BY id FOR NO KEY UPDATE;
        UPDATE listings l SET in_stock = found.available FROM (
            SELECT v.product_id, bool_or(s.on_hand > s.held) AS available
            FROM variants v JOIN stock_items s ON s.variant_id = v.id WHERE v.product_id = ANY(crossed) GROUP BY 1
        ) found WHERE l.product_id = found.product_id AND l.in_stock <> found.available;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stock_items_note_added AFTER INSERT ON stock_items
    FOR EACH ROW WHEN (NEW.on_hand > NEW.held) EXECUTE FUNCTION note_crossed_stock();
CREATE TRIGGER stock_items_note_crossed AFTER UPDATE ON stock_items
    FOR EACH ROW WHEN ((OLD.on_hand > OLD.held) <> (NEW.on_hand > NEW.held)) EXECUTE FUNCTION note_crossed_stock();
CREATE CONSTRAINT TRIGGER stock_items_settle_added AFTER INSERT ON stock_items DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.on_hand > NEW.held) EXECUTE FUNCTION settle_crossed_stock();
CREATE CONSTRAINT TRIGGER stock_items_settle_crossed AFTER UPDATE ON stock_items DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN ((OLD.on_hand > OLD.held) <> (NEW.on_hand > NEW.held)) EXECUTE FUNCTION settle_crossed_stock();
"""

CHECKS = (
    ("products", "withdrawn_after_published", "withdrawn_at > published_at"),
    ("variants", "sale_below_price", "sale_price_minor >= 0 AND sale_price_minor < price_minor"),
    ("variants", "sale_ends_after_it_begins", "sale_until > sale_from"),
    ("variants", "sale_times_need_price", "sale_price_minor IS NOT NULL OR (sale_from IS NULL AND sale_until IS NULL)"),
)

JOBS = [("catalog.tidy", "system", 300)]


def _category_paths() -> None:
    op.add_column("categories", sa.Column("path", postgresql.ARRAY(sa.Uuid()), nullable=True))
    op.execute(
        """
        WITH RECURSIVE tree AS (
            SELECT id, ARRAY[id] AS path FROM categories WHERE parent_id IS NULL
            UNION ALL SELECT c.id, t.path || c.id FROM categories c JOIN tree t ON c.parent_id = t.id
        )
        UPDATE categories c SET path = t.path FROM tree t WHERE t.id = c.id
        """
    )
    op.alter_column("categories", "path", nullable=False)
    op.create_check_constraint("path_ends_here", "categories", "path[cardinality(path)] = id")
    op.create_check_constraint("path_fits_parent", "categories", "(parent_id IS NULL) = (cardinality(path) = 1)")
    op.create_index('ix_categories_path', 'categories', ['path'], unique=False, postgresql_using='gin')


def upgrade() -> None:
    for extension in EXTENSIONS:
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension} SCHEMA public")
    for function in FUNCTIONS:
        op.execute(function)
    op.create_table('attributes',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('label', sa.Text(), nullable=False),
    sa.Column('facetable', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('position', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_attributes'))
    )
    op.create_table('catalog_words',
    sa.Column('word', sa.Text(), nullable=False),
    sa.Column('fragments', postgresql.ARRAY(sa.Text()), sa.Computed('word_fragments(word)', persisted=True), nullable=False),
    sa.PrimaryKeyConstraint('word', name=op.f('pk_catalog_words'))
    )
    op.create_index('ix_catalog_words_fragments', 'catalog_words', ['fragments'], unique=False, postgresql_using='gin')
    op.create_index('ix_catalog_words_word', 'catalog_words', ['word'], unique=False, postgresql_using='gin', postgresql_ops={'word': 'gin_trgm_ops'})
    op.create_table('attribute_values',
    sa.Column('id', sa.Integer(), sa.Identity(always=False), nullable=False),
    sa.Column('attribute', sa.Text(), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['attribute'], ['attributes.name'], name=op.f('fk_attribute_values_attribute_attributes')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_attribute_values')),
    sa.UniqueConstraint('attribute', 'value', name=op.f('uq_attribute_values_attribute'))
    )
    op.create_table('category_slugs',
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('category_id', sa.Uuid(), nullable=False),
    sa.Column('replaced_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['category_id'], ['categories.id'], name=op.f('fk_category_slugs_category_id_categories'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('slug', name=op.f('pk_category_slugs'))
    )
    op.create_index('ix_category_slugs_category_id', 'category_slugs', ['category_id'], unique=False)
    op.create_table('category_tallies',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('category_id', sa.Uuid(), nullable=False),
    sa.Column('products', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['category_id'], ['categories.id'], name=op.f('fk_category_tallies_category_id_categories'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_category_tallies'))
    )
    op.create_index('ix_category_tallies_category_id', 'category_tallies', ['category_id'], unique=False)
    op.create_table('listings',
    sa.Column('product_id', sa.Uuid(), nullable=False),
    sa.Column('category_id', sa.Uuid(), nullable=False),
    sa.Column('published_us', sa.BigInteger(), nullable=False),
    sa.Column('price_minor', sa.BigInteger(), nullable=False),
    sa.Column('rating_rank', sa.BigInteger(), nullable=False),
    sa.Column('popularity', sa.BigInteger(), nullable=False),
    sa.Column('rating', sa.SmallInteger(), nullable=False),
    sa.Column('in_stock', sa.Boolean(), nullable=False),
    sa.Column('attribute_ids', postgresql.ARRAY(sa.Integer()), nullable=False),
    sa.ForeignKeyConstraint(['category_id'], ['categories.id'], name=op.f('fk_listings_category_id_categories')),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_listings_product_id_products'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('product_id', name=op.f('pk_listings'))
    )
    op.create_index('ix_listings_attribute_ids', 'listings', ['attribute_ids'], unique=False, postgresql_using='gin')
    op.create_index('ix_listings_category_id', 'listings', ['category_id'], unique=False)
    op.create_index('ix_listings_popularity', 'listings', ['popularity', 'product_id'], unique=False)
    op.create_index('ix_listings_price_minor', 'listings', ['price_minor', 'product_id'], unique=False)
    op.create_index('ix_listings_published_us', 'listings', ['published_us', 'product_id'], unique=False)
    op.create_index('ix_listings_rating_rank', 'listings', ['rating_rank', 'product_id'], unique=False)
    op.create_table('product_relations',
    sa.Column('product_id', sa.Uuid(), nullable=False),
    sa.Column('related_id', sa.Uuid(), nullable=False),
    sa.Column('position', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint('product_id <> related_id', name=op.f('ck_product_relations_not_with_itself')),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_product_relations_product_id_products'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['related_id'], ['products.id'], name=op.f('fk_product_relations_related_id_products'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('product_id', 'related_id', name=op.f('pk_product_relations'))
    )
    op.create_index('ix_product_relations_related_id', 'product_relations', ['related_id'], unique=False)
    op.create_table('product_slugs',
    sa.Column('slug', sa.Text(), nullable=False),
    sa.Column('product_id', sa.Uuid(), nullable=False),
    sa.Column('replaced_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_product_slugs_product_id_products'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('slug', name=op.f('pk_product_slugs'))
    )
    op.create_index('ix_product_slugs_product_id', 'product_slugs', ['product_id'], unique=False)
    op.create_table('product_texts',
    sa.Column('product_id', sa.Uuid(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('codes', sa.Text(), nullable=False),
    sa.Column('labels', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('tsv', postgresql.TSVECTOR(), sa.Computed(TSV, persisted=True), nullable=False),
    sa.ForeignKeyConstraint(['product_id'], ['products.id'], name=op.f('fk_product_texts_product_id_products'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('product_id', name=op.f('pk_product_texts'))
    )
    op.create_index('ix_product_texts_tsv', 'product_texts', ['tsv'], unique=False, postgresql_using='gin')
    op.create_table('price_changes',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('variant_id', sa.Uuid(), nullable=False),
    sa.Column('at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('price_minor', sa.BigInteger(), nullable=False),
    sa.Column('compare_at_minor', sa.BigInteger(), nullable=True),
    sa.Column('sale_price_minor', sa.BigInteger(), nullable=True),
    sa.Column('sale_from', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('sale_until', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['variant_id'], ['variants.id'], name=op.f('fk_price_changes_variant_id_variants'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_price_changes'))
    )
    op.create_index('ix_price_changes_variant_id', 'price_changes', ['variant_id', 'id'], unique=False)
    _category_paths()
    op.add_column('products', sa.Column('withdrawn_at', postgresql.TIMESTAMP(timezone=True), nullable=True))
    # What is there already is due at once: the relay has its read side made.
    op.add_column(
        'products',
        sa.Column('next_change_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=True),
    )
    op.alter_column('products', 'next_change_at', server_default=None)
    op.add_column('variants', sa.Column('sale_price_minor', sa.BigInteger(), nullable=True))
    op.add_column('variants', sa.Column('sale_from', postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.add_column('variants', sa.Column('sale_until', postgresql.TIMESTAMP(timezone=True), nullable=True))
    op.add_column('variants', sa.Column('image', postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    for table, name, condition in CHECKS:
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_{name} CHECK ({condition}) NOT VALID")
    for triggers in (TALLIES, FIGURES, AVAILABILITY):
        op.execute(triggers)
    jobs = sa.table("periodic_jobs", sa.column("name"), sa.column("queue"), sa.column("every_seconds"))
    op.bulk_insert(jobs, [{"name": n, "queue": q, "every_seconds": e} for n, q, e in JOBS])
    # The locks of what follows last as long as a statement, not as long as the migration.
    with op.get_context().autocommit_block():
        for table, name, _ in CHECKS:
            op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT ck_{table}_{name}")
        op.create_index(
            "ix_products_next_change_at",
            "products",
            ["next_change_at"],
            unique=False,
            postgresql_where=sa.text("next_change_at IS NOT NULL"),
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.create_index(
            "ix_stock_movements_at",
            "stock_movements",
            ["at"],
            unique=False,
            postgresql_using="brin",
            postgresql_concurrently=True,
            if_not_exists=True,
        )
        op.drop_index("ix_products_newest", table_name="products", postgresql_concurrently=True, if_exists=True)
        op.drop_index("ix_products_price", table_name="products", postgresql_concurrently=True, if_exists=True)


def downgrade() -> None:
    raise RuntimeError("price history and old addresses would be lost: restore a backup instead")
