"""Tables of tax. Orders copy what they were charged, so a later change of a rate touches none of them."""

from __future__ import annotations

import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base

STANDARD = "standard"  # the class of whatever has no other; it is always there


class TaxClass(Base):
    """A kind of goods that is taxed alike. A class without a rate for a place is not taxed there."""

    __tablename__ = "tax_classes"
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    __table_args__ = (CheckConstraint("code ~ '^[a-z0-9][a-z0-9-]{0,39}$'", name="code_form"),)


class TaxRate(Base):
    """A rate of a class in a country, or in one region of it (`region` empty: the whole country), in millionths.

    A region's rate comes on top of the country's, or, with `replaces`, in place of it.
    """

    __tablename__ = "tax_rates"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    tax_class: Mapped[str] = mapped_column(ForeignKey("tax_classes.code"))
    country: Mapped[str] = mapped_column(Text)
    region: Mapped[str] = mapped_column(Text, server_default="")
    name: Mapped[str] = mapped_column(Text)
    millionths: Mapped[int] = mapped_column(Integer)
    replaces: Mapped[bool] = mapped_column(server_default=text("false"))
    __table_args__ = (
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_form"),
        CheckConstraint("millionths BETWEEN 0 AND 1000000", name="rate_in_range"),
        CheckConstraint("region <> '' OR NOT replaces", name="only_regions_replace"),
        Index("uq_tax_rates_place", "country", "region", "tax_class", "name", unique=True),
        Index("ix_tax_rates_tax_class", "tax_class"),
    )


class TaxSettings(Base):
    """How the shop taxes, in at most one row; without it prices include tax and shipping is of the standard class."""

    __tablename__ = "tax_settings"
    id: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    prices_include_tax: Mapped[bool] = mapped_column(server_default=text("true"))
    shipping_class: Mapped[str] = mapped_column(ForeignKey("tax_classes.code"), server_default=STANDARD)
    __table_args__ = (CheckConstraint("id", name="one_row"),)
