"""Tables of what staff set for the whole shop; what is not in them has the value the program came with."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, LargeBinary, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from quickshop.extensions import Base
from quickshop.kernel.models import TIMESTAMPTZ


class ShopSetting(Base):
    """One setting; `version` goes up with each change. What each means and may be is in `shop.rules`."""

    __tablename__ = "shop_settings"
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[dict[str, Any]] = mapped_column(JSONB)
    version: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    changed_by: Mapped[uuid.UUID | None]
    changed_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (
        CheckConstraint("name ~ '^[a-z]+(-[a-z]+)*$'", name="name_form"),
        CheckConstraint("version > 0", name="version_positive"),
    )


class ShopLogo(Base):
    """A picture of the shop's mark as PNG, by the SHA-256 of its file. Kept for good: papers that show it name it."""

    __tablename__ = "shop_logos"
    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    added_at: Mapped[datetime] = mapped_column(TIMESTAMPTZ, server_default=func.now())
    __table_args__ = (CheckConstraint("digest = sha256(body)", name="named_by_content"),)
