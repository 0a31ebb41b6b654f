"""What people type into the shop's forms, checked before the core sees it; the same limits as the API's."""

from __future__ import annotations

import re
from typing import Any

from wtforms import Field, Form, IntegerField, PasswordField, StringField, ValidationError
from wtforms.validators import AnyOf, DataRequired, InputRequired, Length, Optional, Regexp

from quickshop.accounts.countries import NAMES

_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]").search
_EMAIL = re.compile(
    r"[^@\s\x00-\x1f\"(),:;<>\\\[\].]+(\.[^@\s\x00-\x1f\"(),:;<>\\\[\].]+)*@"
    r"([^\W_]([\w-]{0,61}[^\W_])?\.)+[^\W_]([\w-]{0,61}[^\W_])?"
).fullmatch
MISSING = "Please fill this in."


def strip(value: Any) -> Any:
    """Typed text without the space around it."""
    return value.strip() if isinstance(value, str) else value


def no_control(_form: Form, field: Field) -> None:
    """Refuses characters that nobody types and no text column holds."""
    if field.data and _CONTROL(field.data):
        raise ValidationError("There is a character in here that cannot be used.")


def email_form(_form: Form, field: Field) -> None:
    """Refuses what cannot be an e-mail address."""
    if field.data and not (_EMAIL(field.data) and len(field.data.partition("@")[0]) <= 64):
        raise ValidationError("That is not an e-mail address.")


def _text(longest: int, *more: Any, required: bool = True) -> StringField:
    must = [DataRequired(MISSING)] if required else []  # blanks alone are nothing
    return StringField(
        filters=[strip],
        validators=[*must, Length(max=longest, message=f"{longest} characters at most."), no_control, *more],
    )


def _password(longest: int = 1024) -> PasswordField:
    # Not stripped and not cut: a password is taken as it is.
    return PasswordField(validators=[InputRequired(MISSING), Length(max=longest, message="That is too long.")])


def _phone() -> StringField:
    """A telephone number, or None."""
    form = Regexp(r"\+?[0-9][0-9 ()./-]{4,30}\Z", message="That is not a telephone number.")
    return StringField(filters=[strip, lambda typed: typed or None], validators=[Optional(), form])


def _code() -> StringField:
    """A code of the second factor, or None: only who has one is asked for it."""
    longest = Length(max=40, message="40 characters at most.")
    return StringField(filters=[strip, lambda typed: typed or None], validators=[Optional(), longest, no_control])


class AddressForm(Form):
    """A postal address. What else a country asks for is the core's to say."""

    name = _text(120)
    line1 = _text(200)
    line2 = _text(200, required=False)
    city = _text(120, required=False)
    region = _text(120, required=False)
    postal_code = _text(20, required=False)
    country = StringField(validators=[InputRequired(MISSING), AnyOf(NAMES, message="Please choose a country.")])
    phone = _text(40, required=False)

    def address(self) -> dict[str, str]:
        """The address as the core takes it."""
        return {name: self[name].data or "" for name in AddressForm()._fields}


class ChoicesForm(Form):
    """The checkout of a member who sends the parcel to an address of their book."""

    shipping_method = _text(60)
    payment = StringField(filters=[strip])  # whether a card is needed depends on what is due: the core's to say
    idempotency_key = _text(255)


class CheckoutForm(AddressForm, ChoicesForm):
    """The checkout with an address that is typed."""


class GuestCheckoutForm(CheckoutForm):
    """The checkout of a guest, who says where the receipt goes."""

    email = _text(254, email_form)


class SignInForm(Form):
    """Who somebody says they are."""

    login = _text(254)
    password = _password()


class CodeForm(Form):
    """A code of the second factor."""

    code = _text(40)


class ProofForm(Form):
    """The present password once more, and a code where two-factor is on."""

    password = _password()
    code = _code()


class PasskeyForm(ProofForm):
    """What it takes to make a passkey; a name for it may be given."""

    name = _text(60, required=False)


class EmailForm(Form):
    """One e-mail address."""

    email = _text(254, email_form)


class NameForm(Form):
    """The name of a list."""

    name = _text(80)


class NewPasswordForm(Form):
    """A new password."""

    password = _password()


class SignUpForm(EmailForm):
    """What it takes to open an account; the password's rules are the core's."""

    first_name = _text(100)
    last_name = _text(100)
    username = _text(
        32, Regexp(r"[A-Za-z0-9_.-]{3,32}\Z", message="3 to 32 letters, digits, dots, dashes or underscores.")
    )
    password = _password()
    phone = _phone()


class ProfileForm(Form):
    """Who somebody is to the shop, and which version of it they saw."""

    first_name = _text(100)
    last_name = _text(100)
    phone = _phone()
    locale = StringField(
        validators=[InputRequired(MISSING), Regexp(r"[a-z]{2,3}(-[A-Z]{2})?\Z", message="Please choose a language.")]
    )
    version = IntegerField(validators=[InputRequired(MISSING)])


class NewEmailForm(EmailForm, ProofForm):
    """A new address, with the proof that it is the owner who wants it."""


class ChangePasswordForm(Form):
    """A new password, with the same proof."""

    current_password = _password()
    new_password = _password()
    code = _code()
