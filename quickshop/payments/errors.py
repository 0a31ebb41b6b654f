"""What payments refuse."""

from __future__ import annotations

from quickshop.kernel.errors import Conflict


class AlreadySaved(Conflict):
    """The same card is kept already."""

    code, title = "already_saved", "This card is saved already"


class TooManyMethods(Conflict):
    """The account keeps as many cards as it may."""

    code, title = "too_many_payment_methods", "Too many saved cards"
