"""Tables of the catalogue. What is true stands in categories, products and variants; what is read stands beside it.

The read side is kept by catalog.indexing: `products.card` (the ready list item), `listings` (a narrow row for filters
and orders, there only while the product is on show), `product_texts` (what is searched) and `catalog_words`.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base
from quickshop.kernel.models import TIMESTAMPTZ

# Title and codes weigh most, then categories and attributes, then the description. Words stand as written and, so that
# plural finds singular, as their English stems.
_TSV = """setweight(to_tsvector('simple', plain_words(title || ' ' || codes)), 'A')
    || setweight(to_tsvector('english', plain_words(title)), 'A')
    || setweight(to_tsvector('simple', plain_words(labels)), 'B')
    || setweight(to_tsvector('english', plain_words(labels)), 'B')
    || setweight(to_tsvector('english', plain_words(body)), 'D')"""


class Category(Base):
    """A node of the category tree. `path` are the ids from its root down to itself."""

    __tablename__ = "categories"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    parent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("categories.id"))
    path: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Uuid))
    slug: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    __table_args__ = (
        CheckConstraint("parent_id <> id", name="not_its_own_parent"),
        CheckConstraint("path[cardinality(path)] = id", name="path_ends_here"),
        CheckConstraint("(parent_id IS NULL) = (cardinality(path) = 1)", name="path_fits_parent"),
        Index("ix_categories_parent_id", "parent_id"),
        Index("ix_categories_path", "path", postgresql_using="gin"),
    )


class CategorySlug(Base):
    """A slug that a category had before; its address leads to the present one."""

    __tablename__ = "category_slugs"
    slug: Mapped[str] = mapped_column(Text, primary_key=True)
    category_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("categories.id", ondelete="CASCADE"))
    replaced_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (Index("ix_category_slugs_category_id", "category_id"),)


class CategoryTally(Base):
    """By how many the products directly in a category became more or fewer; their sum is how many are on show.

    Rows are only added, by triggers of `listings`, so that nobody waits for a counter; upkeep sums them up.
    """

    __tablename__ = "category_tallies"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    category_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("categories.id", ondelete="CASCADE"))
    products: Mapped[int] = mapped_column(Integer)
    __table_args__ = (Index("ix_category_tallies_category_id", "category_id"),)


class Product(Base):
    """Something sold in one or more variants, on show from `published_at` until `withdrawn_at`.

    `description` is safe HTML: it is cleaned when it is written. `images` are its uploaded pictures as shown, in order,
    and `image` the first of them, or one that the shop came with. `price_minor` is the lowest price now.
    `tax_class` null is the standard one.
    `next_change_at` is when the clock alone changes what is shown: a sale or the show itself begins or ends.
    """

    __tablename__ = "products"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(Text, unique=True)
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, server_default="")
    category_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("categories.id"))
    tax_class: Mapped[str | None] = mapped_column(ForeignKey("tax_classes.code"))
    attributes: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    options: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"))
    image: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    images: Mapped[list[Any]] = mapped_column(JSONB, server_default=text("'[]'"))
    card: Mapped[dict[str, Any]] = mapped_column(JSONB)
    price_minor: Mapped[int] = mapped_column(BigInteger)
    rating_average: Mapped[Any] = mapped_column(Numeric(3, 2), server_default=text("0"))
    rating_count: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    sold_count: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    published_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    withdrawn_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    next_change_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("price_minor >= 0", name="price_not_negative"),
        CheckConstraint("withdrawn_at > published_at", name="withdrawn_after_published"),
        Index("ix_products_category_id", "category_id"),
        Index("ix_products_next_change_at", "next_change_at", postgresql_where=text("next_change_at IS NOT NULL")),
    )


class ProductSlug(Base):
    """A slug that a product had before; its address leads to the present one."""

    __tablename__ = "product_slugs"
    slug: Mapped[str] = mapped_column(Text, primary_key=True)
    product_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"))
    replaced_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (Index("ix_product_slugs_product_id", "product_id"),)


class ProductRelation(Base):
    """A product that staff put beside another one, in order."""

    __tablename__ = "product_relations"
    product_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    related_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    __table_args__ = (
        CheckConstraint("product_id <> related_id", name="not_with_itself"),
        Index("ix_product_relations_related_id", "related_id"),
    )


class Picture(Base):
    """An uploaded picture of a product; its files are in `picture_files`. `alt` says what it shows."""

    __tablename__ = "pictures"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    product_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    alt: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("position >= 0", name="position_not_negative"),
        UniqueConstraint("product_id", "position", deferrable=True, initially="DEFERRED"),
    )


class MediaFile(Base):
    """A file that anybody may fetch, named by the SHA-256 of its content, so that equal files are kept once.

    `wanted_at` is when a picture last took it or let go of it: upkeep deletes what none has had for a day since.
    """

    __tablename__ = "media_files"
    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    format: Mapped[str] = mapped_column(Text)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    wanted_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("digest = encode(sha256(body), 'hex')", name="digest_of_body"),
        CheckConstraint("format IN ('avif', 'webp')", name="known_format"),
    )


class PictureFile(Base):
    """A picture at one width in one format."""

    __tablename__ = "picture_files"
    picture_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pictures.id", ondelete="CASCADE"), primary_key=True)
    format: Mapped[str] = mapped_column(Text, primary_key=True)
    width: Mapped[int] = mapped_column(Integer, primary_key=True)
    height: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str] = mapped_column(ForeignKey("media_files.digest"))
    __table_args__ = (
        CheckConstraint("width > 0 AND height > 0", name="has_a_size"),
        Index("ix_picture_files_digest", "digest"),
    )


class Variant(Base):
    """One buyable form of a product, with its SKU and price.

    `sale_price_minor` is charged instead of `price_minor` from `sale_from` until `sale_until` (open where null).
    """

    __tablename__ = "variants"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    product_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("products.id"))
    sku: Mapped[str] = mapped_column(Text, unique=True)
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    currency: Mapped[str] = mapped_column(Text)
    price_minor: Mapped[int] = mapped_column(BigInteger)
    compare_at_minor: Mapped[int | None] = mapped_column(BigInteger)
    sale_price_minor: Mapped[int | None] = mapped_column(BigInteger)
    sale_from: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    sale_until: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    image: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    picture_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("pictures.id", ondelete="SET NULL"))
    weight_grams: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    position: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    __table_args__ = (
        CheckConstraint("price_minor >= 0", name="price_not_negative"),
        CheckConstraint("compare_at_minor > price_minor", name="compare_at_above_price"),
        CheckConstraint("sale_price_minor >= 0 AND sale_price_minor < price_minor", name="sale_below_price"),
        CheckConstraint("sale_until > sale_from", name="sale_ends_after_it_begins"),
        CheckConstraint(
            "sale_price_minor IS NOT NULL OR (sale_from IS NULL AND sale_until IS NULL)", name="sale_times_need_price"
        ),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_form"),
        CheckConstraint("weight_grams >= 0", name="weight_not_negative"),
        Index("ix_variants_product_id", "product_id"),
        Index("ix_variants_picture_id", "picture_id", postgresql_where=text("picture_id IS NOT NULL")),
    )


class VariantPrice(Base):
    """What a variant costs in another currency than its own; without a row it cannot be bought in that one.

    `sale_price_minor` is charged while the variant's own sale runs.
    """

    __tablename__ = "variant_prices"
    variant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("variants.id", ondelete="CASCADE"), primary_key=True)
    currency: Mapped[str] = mapped_column(Text, primary_key=True)
    price_minor: Mapped[int] = mapped_column(BigInteger)
    compare_at_minor: Mapped[int | None] = mapped_column(BigInteger)
    sale_price_minor: Mapped[int | None] = mapped_column(BigInteger)
    updated_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_form"),
        CheckConstraint("price_minor >= 0", name="price_not_negative"),
        CheckConstraint("compare_at_minor > price_minor", name="compare_at_above_price"),
        CheckConstraint("sale_price_minor >= 0 AND sale_price_minor < price_minor", name="sale_below_price"),
    )


class PriceChange(Base):
    """What a variant's prices became at a time; the last row is what they are."""

    __tablename__ = "price_changes"
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    variant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("variants.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    price_minor: Mapped[int] = mapped_column(BigInteger)
    compare_at_minor: Mapped[int | None] = mapped_column(BigInteger)
    sale_price_minor: Mapped[int | None] = mapped_column(BigInteger)
    sale_from: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    sale_until: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    __table_args__ = (Index("ix_price_changes_variant_id", "variant_id", "id"),)


class Attribute(Base):
    """A name that products describe themselves by; `facetable` ones can be filtered and counted by."""

    __tablename__ = "attributes"
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    label: Mapped[str] = mapped_column(Text)
    facetable: Mapped[bool] = mapped_column(server_default=text("true"))
    position: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))


class AttributeValue(Base):
    """One value of an attribute, with a small number that stands for the pair in `listings`."""

    __tablename__ = "attribute_values"
    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    attribute: Mapped[str] = mapped_column(ForeignKey("attributes.name"))
    value: Mapped[str] = mapped_column(Text)
    __table_args__ = (UniqueConstraint("attribute", "value"),)


class Listing(Base):
    """What lists filter and sort by, of a product that is on show. Narrow, for it is scanned.

    `published_us` are microseconds since 1970, `price_minor` is the lowest price now, `rating` the average in
    hundredths of a star (0 without reviews); `rating_rank` sorts by average, then by how many;
    `popularity` are units sold. `in_stock` is true while any variant has units after holds: triggers keep it.
    """

    __tablename__ = "listings"
    product_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    category_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("categories.id"))
    published_us: Mapped[int] = mapped_column(BigInteger)
    price_minor: Mapped[int] = mapped_column(BigInteger)
    rating_rank: Mapped[int] = mapped_column(BigInteger)
    popularity: Mapped[int] = mapped_column(BigInteger)
    rating: Mapped[int] = mapped_column(SmallInteger)
    in_stock: Mapped[bool]
    attribute_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    __table_args__ = (
        # Also counts categories under other filters without a look at the rows.
        Index("ix_listings_category_facts", "category_id", "price_minor", "rating", "in_stock"),
        Index("ix_listings_published_us", "published_us", "product_id"),
        Index("ix_listings_price_minor", "price_minor", "product_id"),
        Index("ix_listings_rating_rank", "rating_rank", "product_id"),
        Index("ix_listings_popularity", "popularity", "product_id"),
        Index("ix_listings_attribute_ids", "attribute_ids", postgresql_using="gin"),
    )


class ListingPrice(Base):
    """The lowest price now of a product in another currency than the shop's own, and of which variant it is.

    Lists in that currency hold what has a row here. Kept while the shop takes other currencies at all.
    """

    __tablename__ = "listing_prices"
    product_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    currency: Mapped[str] = mapped_column(Text, primary_key=True)
    price_minor: Mapped[int] = mapped_column(BigInteger)
    was_minor: Mapped[int | None] = mapped_column(BigInteger)
    variant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("variants.id", ondelete="CASCADE"))
    __table_args__ = (
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_form"),
        CheckConstraint("price_minor >= 0", name="price_not_negative"),
        Index("ix_listing_prices_currency", "currency", "price_minor", "product_id"),
        Index("ix_listing_prices_variant_id", "variant_id"),
    )


class ProductText(Base):
    """What is searched of a product: its name, its SKUs, the names of its categories and attributes, its description.

    `body` is HTML without tags. `plain_words` lowers, takes accents off and keeps letters and digits.
    """

    __tablename__ = "product_texts"
    product_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    title: Mapped[str] = mapped_column(Text)
    codes: Mapped[str] = mapped_column(Text)
    labels: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    tsv: Mapped[Any] = mapped_column(TSVECTOR, Computed(_TSV, persisted=True))
    __table_args__ = (Index("ix_product_texts_tsv", "tsv", postgresql_using="gin"),)


class CatalogWord(Base):
    """A word that products have, by which a misspelt word or a part of one is understood.

    `fragments` are the word and what is left of it without any one of its letters: two words that differ by one
    mistake share one.
    """

    __tablename__ = "catalog_words"
    word: Mapped[str] = mapped_column(Text, primary_key=True)
    fragments: Mapped[list[str]] = mapped_column(ARRAY(Text), Computed("word_fragments(word)", persisted=True))
    __table_args__ = (
        Index("ix_catalog_words_fragments", "fragments", postgresql_using="gin"),
        Index("ix_catalog_words_word", "word", postgresql_using="gin", postgresql_ops={"word": "gin_trgm_ops"}),
    )
