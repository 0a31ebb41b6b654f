"""Tables of shipping, as staff set them: methods and their bands, zones, days without work, and the shop's day."""

from __future__ import annotations

from datetime import date, datetime, time

from sqlalchemy import BigInteger, CheckConstraint, Date, ForeignKey, Index, Integer, SmallInteger, Text, Time, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base
from quickshop.kernel.models import TIMESTAMPTZ


class ShippingZone(Base):
    """A part of the world that ways of shipping serve alike."""

    __tablename__ = "shipping_zones"
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    position: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    __table_args__ = (CheckConstraint("code ~ '^[a-z0-9][a-z0-9-]{0,59}$'", name="code_form"),)


class ShippingZonePlace(Base):
    """What lies in a zone: a country, a region of one, or `*`, which is everywhere else. A place is in one zone."""

    __tablename__ = "shipping_zone_places"
    country: Mapped[str] = mapped_column(Text, primary_key=True)
    region: Mapped[str] = mapped_column(Text, primary_key=True, server_default="")
    zone_code: Mapped[str] = mapped_column(ForeignKey("shipping_zones.code", ondelete="CASCADE"))
    __table_args__ = (
        CheckConstraint("country ~ '^[A-Z]{2}$' OR (country = '*' AND region = '')", name="place_form"),
        Index("ix_shipping_zone_places_zone_code", "zone_code"),
    )


class ShippingMethod(Base):
    """A way to deliver: its price, the value of goods from which it is free, its window in working days after packing.

    It serves `zone_code`, or every place where that is null; carts within its limits of weight and value. `priced_by`
    says whether its price follows bands of weight (grams) or value (minor units); before the first band, and without
    bands, it is `price_minor`. `pickup` is fetched at the shop, `note` says where and when.
    """

    __tablename__ = "shipping_methods"
    code: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text, server_default="delivery")
    zone_code: Mapped[str | None] = mapped_column(ForeignKey("shipping_zones.code"))
    currency: Mapped[str] = mapped_column(Text)
    price_minor: Mapped[int] = mapped_column(BigInteger)
    priced_by: Mapped[str] = mapped_column(Text, server_default="flat")
    free_from_minor: Mapped[int | None] = mapped_column(BigInteger)
    min_weight_grams: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    max_weight_grams: Mapped[int | None] = mapped_column(BigInteger)
    min_value_minor: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    max_value_minor: Mapped[int | None] = mapped_column(BigInteger)
    min_days: Mapped[int] = mapped_column(Integer)
    max_days: Mapped[int] = mapped_column(Integer)
    note: Mapped[str] = mapped_column(Text, server_default="")
    position: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    active: Mapped[bool] = mapped_column(server_default=text("true"))
    __table_args__ = (
        CheckConstraint("price_minor >= 0", name="price_not_negative"),
        CheckConstraint("free_from_minor >= 0", name="free_from_not_negative"),
        CheckConstraint("min_days >= 0 AND min_days <= max_days", name="window_in_order"),
        CheckConstraint("kind IN ('delivery', 'pickup')", name="known_kind"),
        CheckConstraint("priced_by IN ('flat', 'weight', 'value')", name="known_priced_by"),
        CheckConstraint("min_weight_grams >= 0 AND min_weight_grams <= max_weight_grams", name="weights_in_order"),
        CheckConstraint("min_value_minor >= 0 AND min_value_minor <= max_value_minor", name="values_in_order"),
        Index("ix_shipping_methods_zone_code", "zone_code"),
    )


class ShippingBand(Base):
    """What a method costs from a weight in grams or a value in minor units on, until the next band."""

    __tablename__ = "shipping_bands"
    method_code: Mapped[str] = mapped_column(
        ForeignKey("shipping_methods.code", ondelete="CASCADE", onupdate="CASCADE"), primary_key=True
    )
    starts_at: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    price_minor: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (CheckConstraint("starts_at > 0 AND price_minor >= 0", name="amounts_in_range"),)


class Holiday(Base):
    """A day on which nothing is packed or delivered."""

    __tablename__ = "holidays"
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    name: Mapped[str] = mapped_column(Text)


class ShippingSettings(Base):
    """The shop's working day and home, in at most one row; without it rules.Calendar's own values hold.

    `working_days` count 1 (Monday) to 7. An order before `cut_off`, by the clock of `timezone`, is packed
    `handling_days` later, and a day later still for each `orders_per_day` of the `waiting_orders` counted at
    `waiting_at` (null: the queue is not counted). Who gave no address yet is quoted for the home.
    """

    __tablename__ = "shipping_settings"
    id: Mapped[bool] = mapped_column(primary_key=True, server_default=text("true"))
    timezone: Mapped[str] = mapped_column(Text, server_default="UTC")
    cut_off: Mapped[time] = mapped_column(Time, server_default="14:00")
    handling_days: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    working_days: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger), server_default=text("'{1,2,3,4,5}'"))
    orders_per_day: Mapped[int | None] = mapped_column(Integer)
    waiting_orders: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    waiting_at: Mapped[datetime | None] = mapped_column(TIMESTAMPTZ)
    home_country: Mapped[str] = mapped_column(Text, server_default="US")
    home_region: Mapped[str] = mapped_column(Text, server_default="")
    __table_args__ = (
        CheckConstraint("id", name="one_row"),
        CheckConstraint("handling_days BETWEEN 0 AND 90", name="handling_in_range"),
        CheckConstraint(
            "cardinality(working_days) > 0 AND working_days <@ ARRAY[1, 2, 3, 4, 5, 6, 7]::smallint[]",
            name="known_working_days",
        ),
        CheckConstraint("orders_per_day > 0", name="orders_per_day_positive"),
        CheckConstraint("waiting_orders >= 0", name="waiting_not_negative"),
        CheckConstraint("home_country ~ '^[A-Z]{2}$'", name="home_country_form"),
    )
