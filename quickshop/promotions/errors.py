"""What promotions, codes and credit refuse."""

from __future__ import annotations

from quickshop.kernel.errors import Conflict, ShopError


class CodeUnknown(ShopError):
    """No promotion, no gift card: nothing that could be used now goes by this code."""

    status, code, title = 422, "coupon_unknown", "This code is not valid"


class CodeNotApplicable(ShopError):
    """The code is known and takes nothing off this cart; `reason` is a machine word."""

    status, code, title = 422, "coupon_not_applicable", "This code does not apply"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail, reason=reason)


class CodeEnded(ShopError):
    """The code was one once, or will be: it stopped, ended, has not begun, or its gift card is empty (`reason`)."""

    status, code, title = 422, "coupon_not_in_force", "This code cannot be used now"

    def __init__(self, reason: str) -> None:
        super().__init__(_ENDED[reason], reason=reason)


_ENDED = {
    "stopped": "This code cannot be used any more.",
    "ended": "This code has run out.",
    "not_begun": "This code cannot be used yet.",
    "empty": "Nothing is left on this gift card.",
}


class TooManyCodes(Conflict):
    """A cart has room for so many codes."""

    code, title = "too_many_coupons", "Too many codes"


class UsedUp(Conflict):
    """A promotion was used as often as it may be, in all or by this person."""

    code, title = "coupon_used_up", "This offer has been used up"


class CreditSpent(Conflict):
    """A gift card or the store credit does not have any more what the shopper saw on it."""

    code, title = "credit_spent", "This credit has been spent"


class CodeTaken(Conflict):
    """Another promotion has this code."""

    code, title = "already_exists", "This code exists already"


class ChangedMeanwhile(Conflict):
    """Somebody else changed the promotion since the caller looked at it; `version` is the present one."""

    code, title = "changed_meanwhile", "Changed meanwhile"

    def __init__(self, version: int) -> None:
        super().__init__("Somebody else has changed this since you looked; look at it again.", version=version)
