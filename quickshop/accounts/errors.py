"""What accounts refuse."""

from __future__ import annotations

from typing import Any

from quickshop.kernel.errors import Conflict, Forbidden, ShopError, Unauthenticated


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


class MailedLately(ShopError):
    """A link was mailed a short while ago; the pause grows with each one."""

    status, code, title = 429, "mailed_lately", "A link was mailed already"

    def __init__(self, seconds: int) -> None:
        detail = f"We have mailed a link already; ask for another in {seconds} s."
        super().__init__(detail, headers={"Retry-After": str(seconds)})


class ChangedMeanwhile(Conflict):
    """The account was changed since the caller read it; `version` is the present one."""

    code, title = "changed_meanwhile", "Changed meanwhile"

    def __init__(self, version: int) -> None:
        super().__init__("The account was changed meanwhile; look at it again.", version=version)


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


class EmailNotVerified(Forbidden):
    """This needs an account whose e-mail address was proved to be its owner's."""

    code, title = "email_not_verified", "Verify your e-mail address first"


class SecondFactorNeeded(Forbidden):
    """Staff rights are asked for in a session that one factor opened."""

    code, title = "second_factor_needed", "Two-factor sign-in needed"

    def __init__(self) -> None:
        super().__init__("Staff work needs two-factor sign-in: turn it on under Security in your account.")


class TwoFactorRequired(Unauthenticated):
    """The password was right; the sign-in goes on with a code and this challenge, for five minutes."""

    code, title = "two_factor_required", "A second step is needed"

    def __init__(self, challenge: str, passkey: dict[str, Any] | None) -> None:
        more = {"passkey_options": passkey} if passkey else {}
        methods = ["totp", "recovery_code", *(["passkey"] if passkey else [])]
        super().__init__("Send a code with this challenge to go on.", challenge=challenge, methods=methods, **more)

    @property
    def challenge(self) -> str:
        """The token that the second step must bring."""
        return str(self.extra["challenge"])


class ChallengeInvalid(Unauthenticated):
    """A challenge is unknown, answered, or older than five minutes."""

    code, title = "challenge_invalid", "Begin again"

    def __init__(self) -> None:
        super().__init__("This step was answered already or took too long; begin again.")


class SignInCodeWrong(Unauthenticated):
    """The code of a sign-in's second step is wrong or was used."""

    code, title = "code_wrong", "Wrong code"

    def __init__(self) -> None:
        super().__init__("This code is not right, or was used already. Wait for the next one.")


class CodeWrong(Forbidden):
    """A change that needs a code was asked for with one that is wrong or was used."""

    code, title = "code_wrong", "Wrong code"

    def __init__(self) -> None:
        super().__init__("This code is not right, or was used already; nothing was changed.")


class CodeNeeded(Forbidden):
    """A change that needs a code, since two-factor is on, was asked for without."""

    code, title = "code_needed", "A code is needed"

    def __init__(self) -> None:
        super().__init__("Two-factor sign-in is on, so a code is needed beside the password.")


class TwoFactorIsOn(Conflict):
    """Two-factor is on already."""

    code, title = "two_factor_on", "Two-factor is on already"


class TwoFactorIsOff(Conflict):
    """Two-factor is not on."""

    code, title = "two_factor_off", "Two-factor is not on"


class SetUpFirst(Conflict):
    """There is no secret that waits for its first code, or it waited for longer than 30 minutes."""

    code, title = "set_up_first", "Set it up first"


class StaffNeedSecondFactor(Forbidden):
    """Staff may not turn their second factor off."""

    code, title = "staff_need_second_factor", "Staff need two-factor sign-in"

    def __init__(self) -> None:
        super().__init__("Staff work needs two-factor sign-in, so it stays on while you have a role.")


class PermissionNotHeld(Forbidden):
    """Somebody would give, or take, a permission that they do not hold themselves; `permissions` names which."""

    code, title = "permission_not_held", "You do not hold this permission yourself"

    def __init__(self, missing: list[str]) -> None:
        super().__init__(f"You do not hold {', '.join(missing)} yourself.", permissions=missing)


class RoleExists(Conflict):
    """A role of this name exists."""

    code, title = "role_exists", "This role exists already"


class RoleHeld(Conflict):
    """A role that somebody holds is not removed."""

    code, title = "role_held", "Somebody has this role"


class RoleBuiltIn(Conflict):
    """The shop's own roles stay."""

    code, title = "role_built_in", "This role is built in"


class LastKeeper(Conflict):
    """Afterwards nobody who can sign in would be able to give roles."""

    code, title = "last_roles_keeper", "Somebody must be able to give roles"

    def __init__(self) -> None:
        super().__init__("Nobody else who can sign in holds roles:write; give it to somebody first.")


class OwnAccount(Conflict):
    """Nobody closes their own account by way of the staff's pages."""

    code, title = "own_account", "This is your own account"

    def __init__(self) -> None:
        super().__init__("You cannot disable your own account.")


class ApiKeyInvalid(Unauthenticated):
    """The key is unknown, revoked, too old, or of somebody who has left: the same answer for all."""

    code, title = "api_key_invalid", "The API key is not valid"

    def __init__(self) -> None:
        super().__init__("This API key is not valid, or no longer.")


class MadeByPeople(Forbidden):
    """A key cannot make keys, or it could outlive its own end."""

    code, title = "made_by_people", "Keys are made by people"

    def __init__(self) -> None:
        super().__init__("An API key cannot make another; sign in.")


class PasskeyInvalid(Unauthenticated):
    """A passkey is not known here, or its signature does not fit what was asked."""

    code, title = "passkey_invalid", "That passkey was not accepted"

    def __init__(self) -> None:
        super().__init__("This passkey is not known here, or its answer does not fit; nothing was changed.")


class PasskeyCopied(Unauthenticated):
    """A passkey's own counter went back: somebody has a copy of it."""

    code, title = "passkey_copied", "That passkey was not accepted"

    def __init__(self) -> None:
        super().__init__("This passkey seems to have been copied. Sign in another way and remove it.")


class PasskeysOff(Conflict):
    """The shop's address is a number, for which there are no passkeys."""

    code, title = "passkeys_off", "No passkeys here"


class TooManyPasskeys(Conflict):
    """The account has as many passkeys as it may have."""

    code, title = "too_many_passkeys", "Too many passkeys"


class TooManyAddresses(Conflict):
    """The address book is full."""

    code, title = "too_many_addresses", "The address book is full"


class TooManyDevices(Conflict):
    """The account has as many push devices as it may."""

    code, title = "too_many_devices", "Too many devices"
