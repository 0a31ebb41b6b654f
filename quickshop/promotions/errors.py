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
