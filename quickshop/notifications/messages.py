"""The words of every message: kind and context in, subject and text out. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from quickshop.kernel.money import exponent

Words = tuple[str, list[str], tuple[str, str] | None]  # subject, paragraphs, (link text, link)

_LONGEST_NAME = 60
# What a mail program makes a link of: an address of a page or a mailbox, or anything with a domain in it.
_LINK = re.compile(r"[/\\@:]|\w\.\w").search
_REASONS = {
    "card_declined": "The card was declined.",
    "insufficient_funds": "There was not enough money on the card.",
    "not_found": "The payment did not go through.",
}


def amount_text(amount: Mapping[str, Any]) -> str:
    """An amount for people: `USD 19.99`."""
    digits = exponent(amount["currency"])
    whole, part = divmod(amount["amount"], 10**digits)
    return f"{amount['currency']} {whole:,}" + (f".{part:0{digits}d}" if digits else "")


def _hello(name: str) -> str:
    """The greeting, without a name that is no name: whoever types one may not mail others their own text or link."""
    return f"Hello {name}," if len(name) <= _LONGEST_NAME and name.isprintable() and not _LINK(name) else "Hello,"


def _order(subject: str, sentence: str) -> Callable[[Mapping[str, Any]], Words]:
    def words(c: Mapping[str, Any]) -> Words:
        return (
            subject.format(number=c["number"]),
            [_hello(c["name"]), sentence.format(total=amount_text(c["total"]), number=c["number"])],
            ("See your order", c["link"]),
        )

    return words


def _payment_failed(c: Mapping[str, Any]) -> Words:
    reason = _REASONS.get(c["data"].get("code", ""), "The payment did not go through.")
    sentence = f"{reason} Nothing was charged. Your order {c['number']} waits: open it to try another card."
    return f"Payment for order {c['number']} failed", [_hello(c["name"]), sentence], ("Try again", c["link"])


def _on_hold(c: Mapping[str, Any]) -> Words:
    number = c["number"]
    if c["data"].get("reason") == "shopper_confirmation":
        sentence = (
            f"Something about your order {number} is unusual. Nothing is charged before you say that it is yours: "
            "please open it and confirm. Not you? Then cancel it there; without your word it is cancelled by itself."
        )
        return f"Is order {number} yours?", [_hello(c["name"]), sentence], ("Confirm it", c["link"])
    sentence = "A colleague looks at your order and comes back to you."
    return f"Order {number} is being looked at", [_hello(c["name"]), sentence], ("See your order", c["link"])


def _refunded(c: Mapping[str, Any]) -> Words:
    amount = amount_text(c["data"]["amount"])
    sentence = f"We have given back {amount}. It is on your card within a few days, as your bank takes them."
    return f"{amount} back for order {c['number']}", [_hello(c["name"]), sentence], ("See your order", c["link"])


def _verify(c: Mapping[str, Any]) -> Words:
    link = f"{c['public_url']}/verify-email?token={c['token']}"
    sentence = "Please confirm that this address is yours. The link works for 24 hours, once."
    return "Confirm your e-mail address", [_hello(c["first_name"]), sentence], ("Confirm", link)


def _already(c: Mapping[str, Any]) -> Words:
    sentence = "Somebody tried to sign up with this address, which has an account already. If it was you, sign in."
    return (
        "You already have an account",
        [_hello(c["first_name"]), sentence],
        (
            "Sign in",
            f"{c['public_url']}/sign-in",
        ),
    )


def _reset(c: Mapping[str, Any]) -> Words:
    link = f"{c['public_url']}/reset-password?token={c['token']}"
    sentence = "Somebody asked to set a new password. The link works for 15 minutes, once. Not you? Do nothing."
    return "Set a new password", [_hello(c["first_name"]), sentence], ("Set a new password", link)


def _new_address(c: Mapping[str, Any]) -> Words:
    link = f"{c['public_url']}/confirm-email?token={c['token']}"
    sentence = (
        "You asked to use this address for your account from now on. Confirm it; the link works for 24 hours, once. "
        "Until then nothing changes. Not you? Do nothing."
    )
    return "Confirm your new e-mail address", [_hello(c["first_name"]), sentence], ("Confirm", link)


def _changed_address(c: Mapping[str, Any]) -> Words:
    sentence = (
        "Your account has another e-mail address from now on, and nothing will come to this one any more. "
        "Not you? Write to us at once."
    )
    return "Your e-mail address was changed", [_hello(c["first_name"]), sentence], ("To the shop", c["public_url"])


def _security(subject: str, sentence: str) -> Callable[[Mapping[str, Any]], Words]:
    """A notice that something happened which only the owner should do, and what to do if it was somebody else."""

    def words(c: Mapping[str, Any]) -> Words:
        paragraphs = [_hello(c["first_name"]), sentence, "Not you? Set a new password at once."]
        return subject, paragraphs, ("Set a new password", f"{c['public_url']}/forgot-password")

    return words


def _product_link(c: Mapping[str, Any]) -> str:
    return f"{c['public_url']}/products/{c['slug']}?variant={c['variant_id']}"


def _greeting(c: Mapping[str, Any]) -> str:
    return f"Hello {c['first_name']}," if c.get("first_name") else "Hello,"


def _alert_asked(c: Mapping[str, Any]) -> Words:
    link = f"{c['public_url']}/stock-alerts/confirm?token={c['token']}"
    sentence = (
        f"Somebody, probably you, wants us to write to this address once {c['product']} is back in stock."
        " Please confirm it; the link works for 48 hours. Not you? Do nothing, and you will not hear of it again."
    )
    return f"Shall we tell you when {c['product']} is back?", ["Hello,", sentence], ("Yes, tell me", link)


def _back_in_stock(c: Mapping[str, Any]) -> Words:
    sentence = (
        f"You asked us to tell you: {c['product']} is back in stock, at {amount_text(c['price'])}."
        " We cannot hold it for you, and this is the only message about it."
    )
    return f"{c['product']} is back in stock", [_greeting(c), sentence], ("See it", _product_link(c))


def _price_dropped(c: Mapping[str, Any]) -> Words:
    sentence = (
        f"{c['product']} on your wishlist now costs {amount_text(c['price'])} instead of {amount_text(c['before'])}."
    )
    how = f"You can turn these messages off on the list: {c['public_url']}/account/wishlists"
    return f"{c['product']} costs less now", [_greeting(c), sentence, how], ("See it", _product_link(c))


def _stock_low(c: Mapping[str, Any]) -> Words:
    named = [f"{i['name']} ({i['sku']}): {i['on_hand']} left" for i in c["items"]]
    more = c["count"] - len(named)
    paragraphs = [f"Hello {c['first_name']},", f"{c['count']} variants run low since we last looked:", "; ".join(named)]
    if more:
        paragraphs.append(f"And {more} more.")
    subject = f"{c['items'][0]['name']} runs low" if c["count"] == 1 else f"{c['count']} variants run low"
    if c["count"] == 1:
        paragraphs[1] = "This runs low since we last looked:"
    return subject, paragraphs, ("See the stock", f"{c['public_url']}/admin/stock")


def _support(subject: str, sentence: str) -> Callable[[Mapping[str, Any]], Words]:
    """A message about a conversation; what was said in it stands behind the link only."""

    def words(c: Mapping[str, Any]) -> Words:
        return subject.format(ticket=c["ticket"]), [_greeting(c), sentence], ("Open the conversation", c["page"])

    return words


KINDS: dict[str, Callable[[Mapping[str, Any]], Words]] = {
    "order.placed": _order(
        "We have your order {number}", "Thank you. We have your order over {total} and are working on it."
    ),
    "order.confirmed": _order("Order {number} is confirmed", "Your payment of {total} went through. We pack it next."),
    "order.payment_failed": _payment_failed,
    "order.payment_action_required": _order(
        "Order {number} needs you", "Your bank asks you to confirm the payment of {total}."
    ),
    "order.on_hold": _on_hold,
    "order.cancelled": _order(
        "Order {number} is cancelled",
        "Your order over {total} is cancelled and will not be delivered. Whatever was paid goes back to the card.",
    ),
    "order.refunded": _refunded,
    "account.verification_requested": _verify,
    "account.already_registered": _already,
    "account.password_reset_requested": _reset,
    "account.password_changed": _security(
        "Your password was changed", "The password of your account was changed, and other devices were signed out."
    ),
    "account.email_change_requested": _new_address,
    "account.email_change_notice": _security(
        "Somebody asked to change your e-mail address",
        "Somebody who knows your password asked to use another e-mail address for your account. "
        "It changes when the link that we sent there is opened. If it was you, there is nothing to do here.",
    ),
    "account.email_changed": _changed_address,
    "account.two_factor_changed": _security(
        "Your two-factor sign-in was changed", "Two-factor sign-in, or a passkey, of your account was changed."
    ),
    "account.session_reuse": _security(
        "We signed a device out",
        "An old sign-in of one of your devices came back to us, which should never happen. It may have been copied, "
        "so we have ended that sign-in.",
    ),
    "wishlist.alert_asked": _alert_asked,
    "wishlist.back_in_stock": _back_in_stock,
    "wishlist.price_dropped": _price_dropped,
    "stock.low_found": _stock_low,
    "support.received": _support(
        "We have your question #{ticket}", "Thank you for writing. A colleague reads it and answers you there."
    ),
    "support.answered": _support("An answer to your question #{ticket}", "A colleague has answered your question."),
}


def render(kind: str, context: Mapping[str, Any]) -> tuple[str, str, str]:
    """Subject, text and HTML of a message."""
    subject, paragraphs, link = KINDS[kind](context)
    text = "\n\n".join([*paragraphs, *([f"{link[0]}: {link[1]}"] if link else []), "QuickShop"])
    body = "".join(f"<p>{escape(p)}</p>" for p in paragraphs)
    if link:
        body += f'<p><a href="{escape(link[1])}">{escape(link[0])}</a></p>'
    return subject, text, f"<!doctype html><html><body>{body}<p>QuickShop</p></body></html>"
