"""Conversations of shoppers with staff, and files as they send them. Needs an active application context."""

from quickshop.kernel.unit_of_work import run_unit
from quickshop.support import answering, rules, service
from quickshop.support.holders import Holder
from quickshop.support.messages import Said
from quickshop.support.service import Wish
from tests.factories import shop
from tests.factories.uploads import drawn

PICTURE = rules.file("photo.png", drawn(40, 30, "PNG"))


def a_wish(body="Where is it?", *, subject="My parcel", order=None, files=()):
    """What a conversation begins with."""
    return Wish(subject, Said(body, files=files), order)


def a_ticket(caller=None, body="Where is it?", **more):
    """A conversation of a member (a new one, where none is given); its id."""
    user_id = (caller or shop.a_member()).user_id
    return run_unit(lambda: service.open_as_member(user_id, a_wish(body, **more)))


def a_guests_ticket(order, body="Where is it?"):
    """A conversation of the guest of an order; its id."""
    return run_unit(lambda: service.open_for_order(order.document["token"], a_wish(body)))


def said(ticket_id, user_id, body, **more):
    """The member writes."""
    return run_unit(lambda: service.say(ticket_id, Holder(user_id), Said(body, **more)))


def answered(ticket_id, by, body="It is on its way.", **more):
    """Staff answer."""
    return run_unit(lambda: answering.reply(ticket_id, by, Said(body, **more)))


def noted(ticket_id, by, body="Ask the carrier.", **more):
    """Staff note something."""
    return run_unit(lambda: answering.note(ticket_id, by, Said(body, **more)))
