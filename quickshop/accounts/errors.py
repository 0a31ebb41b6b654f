"""What accounts refuse."""

from __future__ import annotations

from quickshop.kernel.errors import Forbidden, ShopError, Unauthenticated


class WrongCredentials(Unauthenticated):
    """No such account, or not its password: the same answer for both."""

    code, title = "wrong_credentials", "Wrong sign-in details"

    def __init__(self) -> None:
        super().__init__("The e-mail address, username or password is not right.")


class AccountDisabled(Forbidden):
    """The password was right, but staff have closed the account."""

    code, title = "account_disabled", "This account is closed"


class ProofWrong(Forbidden):
    """A change that needs the present password was asked for with another."""

    code, title = "proof_wrong", "That is not your password"

    def __init__(self) -> None:
        super().__init__("The present password is not right; nothing was changed.")


class TooManyAttempts(ShopError):
    """Too many failed sign-ins lately; the wait grows with each one and ends by itself."""

    status, code, title = 429, "too_many_attempts", "Too many attempts"

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many attempts; try again in {seconds} s.", headers={"Retry-After": str(seconds)})


class SessionEnded(Unauthenticated):
    """The session was signed out, revoked, or has reached its end."""

    code, title = "session_ended", "The session has ended"

    def __init__(self) -> None:
        super().__init__("This session has ended; sign in again.")


class RefreshReused(Unauthenticated):
    """A refresh token that was exchanged before came back: the whole session is ended."""

    code, title = "refresh_token_reused", "Refresh token used before"

    def __init__(self) -> None:
        super().__init__("This refresh token was used before, so its session has been ended; sign in again.")


class LinkInvalid(ShopError):
    """A mailed token is unknown, used or too old."""

    status, code, title = 400, "link_invalid", "The link is no longer valid"

    def __init__(self) -> None:
        super().__init__("This link was used already or is too old; ask for a new one.")


class SecondFactorNeeded(Forbidden):
    """Staff rights are asked for in a session that one factor opened."""

    code, title = "second_factor_needed", "Two-factor sign-in needed"

    def __init__(self) -> None:
        super().__init__(
            "Staff work needs two-factor sign-in: set it up under Security, then sign in again."
        )
