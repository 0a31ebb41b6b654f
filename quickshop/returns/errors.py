"""What returns refuse."""

from __future__ import annotations

from quickshop.kernel.errors import Conflict


class NotReturnable(Conflict):
    """Some of it cannot come back: it was not delivered, is on its way back or back already, or its time is over.

    `lines` says which and why.
    """

    code, title = "not_returnable", "This cannot be returned"


class PhotoMissing(Conflict):
    """What is said to be broken has to be seen first."""

    code, title = "photo_missing", "A picture is missing"


class TooManyPhotos(Conflict):
    """There are as many pictures as a return may have."""

    code, title = "too_many_photos", "No more pictures"


class NothingCame(Conflict):
    """Nothing of the return arrived, so there is nothing to give for it."""

    code, title = "nothing_came", "Nothing came back"
