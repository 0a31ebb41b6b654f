"""Tells the story of an order for its page: a headline, five steps, and what happened in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

Document = Mapping[str, Any]

SPOKEN = {"done": "done", "now": "in progress", "todo": "to come", "bad": "did not work", "hold": "waiting"}
MARKS = {"done": "check", "bad": "x", "hold": "hourglass"}
ICONS = {
    "placed": "receipt-text",
    "paid": "credit-card",
    "confirmed": "badge-check",
    "shipped": "truck",
    "delivered": "package-check",
}
PAID = {"authorized", "captured", "partially_refunded", "refunded"}
SENT = {"partially_shipped", "shipped", "out_for_delivery", "delivered", "partially_returned", "returned"}
ARRIVED = {"delivered", "partially_returned", "returned"}
DECLINES = {
    "card_declined": "The bank declined the card.",
    "insufficient_funds": "There is not enough money on the card.",
}
_ON_ITS_WAY = "Whatever was paid goes back to the card."
_MONEY_BACK = {
    "voided": "Nothing was charged.",
    "refunded": "The money has gone back; your bank may take a few days to show it.",
}
HOLDS = {
    "fraud_review": "We are looking at this order by hand. It usually takes less than an hour.",
    "shopper_confirmation": "Your things are kept for you; we go on once you have said that it is you.",
    "needs_review": "Something needs a person to look at it. You do not have to do anything.",
}


# What is told of each entry of the log; `{parcel}`, `{return}`, `{order}` and `{invoice}` stand for what it names.
TOLD = {
    "order.placed": "You placed the order",
    "order.on_hold": "We put it on hold to look at it",
    "order.held": "We put it on hold to look at it",
    "order.released": "It goes on",
    "order.risk_confirmed": "You said that it is yours",
    "order.payment_action_required": "Your bank asked you to confirm the payment",
    "order.payment_authorized": "Your bank said yes",
    "order.payment_failed": "The payment did not go through",
    "order.payment_retried": "You tried to pay again",
    "order.payment_voided": "The reserved money was let go",
    "order.confirmed": "Paid and confirmed",
    "order.edited": "The order was changed",
    "order.packed": "Parcel {parcel} was packed",
    "order.unpacked": "Parcel {parcel} was unpacked",
    "order.shipped": "Parcel {parcel} left the warehouse",
    "order.in_transit": "Parcel {parcel} is on its way",
    "order.out_for_delivery": "Parcel {parcel} is out for delivery",
    "order.delivered": "Parcel {parcel} was delivered",
    "order.delivery_exception": "The carrier reported a problem with parcel {parcel}",
    "order.parcel_lost": "Parcel {parcel} was lost",
    "order.delivery_delayed": "The delivery takes longer than we thought",
    "order.completed": "The order is complete",
    "order.cancellation_requested": "You asked us to cancel it",
    "order.cancellation_refused": "It could not be cancelled any more",
    "order.cancelled": "The order was cancelled",
    "order.refund_requested": "Money is being given back:",
    "order.refunded": "Money was given back:",
    "order.refund_failed": "Giving money back did not work; we look into it:",
    "order.return_requested": "You asked for return {return}",
    "order.return_approved": "Return {return} may be sent to us",
    "order.return_rejected": "Return {return} was turned down",
    "order.return_withdrawn": "You keep what return {return} was about",
    "order.return_received": "Return {return} arrived here",
    "order.return_refunded": "Return {return} is settled:",
    "order.exchanged": "Another one comes with order {order}",
    "order.invoiced": "The invoice {invoice} was made",
    "order.credited": "The credit note {invoice} was made",
}


@dataclass(frozen=True)
class Entry:
    """Something that happened, in words, with the amount it was about."""

    at: str
    words: str
    amount: Document | None = None


@dataclass(frozen=True)
class Step:
    """One point of the timeline; state is done, now, todo, bad or hold."""

    key: str
    label: str
    state: str = "todo"
    at: str | None = None
    detail: str | None = None

    @property
    def icon(self) -> str:
        return MARKS.get(self.state) or ICONS[self.key]

    @property
    def spoken(self) -> str:
        return SPOKEN[self.state]


@dataclass(frozen=True)
class Story:
    """What the page says: tone is '' while it moves, 'good' or 'bad'."""

    headline: str
    detail: str
    tone: str
    steps: tuple[Step, ...]


def tell(order: Document, events: Iterable[Document]) -> Story:
    """The story of an order from its present state and its event log (in seq order)."""
    log = list(events)
    times = {event["type"]: event["at"] for event in log}  # the last of each kind counts: a second payment overrides
    headline, detail, tone = _headline(order, log)
    return Story(headline, detail, tone, _steps(order, times))


def happened(events: Iterable[Document]) -> list[Entry]:
    """What a shopper is told of the log, the latest first; what is of no use to them is left out."""
    found = [_entry(event, TOLD[event["type"]]) for event in events if event["type"] in TOLD]
    return found[::-1]


def _entry(event: Document, words: str) -> Entry:
    data = event.get("data") or {}
    amount = data.get("amount")
    named = {name: data.get(name, "") for name in ("parcel", "return", "order", "invoice")}
    return Entry(event["at"], words.format(**named), amount if isinstance(amount, Mapping) else None)


def _headline(order: Document, log: list[Document]) -> tuple[str, str, str]:
    status, payment, sent = order["status"], order.get("payment_status"), order.get("fulfilment_status")
    if status == "payment_failed":
        return "The payment did not go through", f"{_decline(order, log)} Nothing was charged.", "bad"
    if status == "cancelled":
        return "Cancelled", f"This order will not be delivered. {_MONEY_BACK.get(payment or '', _ON_ITS_WAY)}", "bad"
    if status == "on_hold":
        if order.get("hold_reason") == "shopper_confirmation":
            return "Please confirm this order", HOLDS["shopper_confirmation"], ""
        return "On hold", HOLDS.get(order.get("hold_reason") or "", HOLDS["needs_review"]), ""
    if sent:
        found = _on_the_road(order, sent)
        if found:
            return found
    if status in {"confirmed", "completed"}:
        packed = order.get("packing_at")
        return (
            "Confirmed",
            "Paid and packed: it leaves soon." if packed else "Paid, and your things are being packed.",
            "good",
        )
    if payment == "requires_action":
        return "Your bank wants a word", "Confirm the payment with your bank to go on.", ""
    if status == "processing":
        return "Working on it", "We are asking your bank about the payment.", ""
    return "Placed", "We have your order.", ""


PARCELS = {
    "packed": "Packed",
    "label": "Packed",
    "in_transit": "On its way",
    "out_for_delivery": "With the driver today",
    "exception": "Held up on the way",
    "delivered": "Delivered",
    "lost": "Lost on the way; we look after it",
}


def parcel_words(parcel: Document) -> str:
    """Where a parcel is, in a shopper's words."""
    if parcel["carrier"] == "pickup" and parcel["state"] != "delivered":
        return "Ready to be fetched" if parcel["state"] == "out_for_delivery" else "Packed"
    return PARCELS[parcel["state"]]


def _on_the_road(order: Document, sent: str) -> tuple[str, str, str] | None:
    """The headline of goods that have left; None where nothing has."""
    if sent in ARRIVED:
        back = {"partially_returned": "A part of it came back to us.", "returned": "All of it came back to us."}
        return "Returned" if sent == "returned" else "Delivered", back.get(sent, "It has arrived. Enjoy it."), "good"
    if sent not in SENT:
        return None
    parcels = order.get("parcels") or ()
    if any(parcel["state"] == "exception" for parcel in parcels):
        return "Held up on the way", "The carrier needs a little longer; the new day is below.", ""
    if order.get("shipping_method", {}).get("kind") == "pickup":
        return "Ready for you", "Your things wait to be fetched.", "good"
    if sent == "out_for_delivery":
        return "Out for delivery", "The driver has it: it should be with you today.", "good"
    if sent == "partially_shipped":
        return "Partly on its way", "A part of it has left the warehouse; the rest follows.", "good"
    return "On its way", "Your parcel has left the warehouse.", "good"


def _decline(order: Document, log: list[Document]) -> str:
    failures = [event for event in log if event["type"] == "order.payment_failed"]
    code = (failures[-1].get("data") or {}).get("code") if failures else None
    return DECLINES.get(code or "", "The payment could not be taken.")


def _steps(order: Document, times: Mapping[str, str]) -> tuple[Step, ...]:
    status, sent = order["status"], order.get("fulfilment_status")
    confirmed = status in {"confirmed", "completed"}
    placed = Step("placed", "Placed", "done", order.get("placed_at") or times.get("order.placed"))
    ready = Step("confirmed", "Confirmed", "done" if confirmed else "todo", times.get("order.confirmed"))
    shipped = Step("shipped", "Shipped", "done" if sent in SENT else "todo", times.get("order.shipped"))
    arrived = Step("delivered", "Delivered", "done" if sent in ARRIVED else "todo", times.get("order.delivered"))
    if sent == "partially_shipped":
        shipped, arrived = replace(shipped, state="now", detail="A part of it"), replace(arrived, state="todo")
    elif confirmed and shipped.state == "todo":
        shipped = replace(shipped, state="now", detail="Packed" if order.get("packing_at") else "Being packed")
    elif shipped.state == "done" and arrived.state == "todo":
        arrived = replace(arrived, state="now", detail="Today" if sent == "out_for_delivery" else "On the road")
    steps = (placed, _payment_step(order, times), ready, shipped, arrived)
    return _cut_off(steps) if status == "cancelled" else steps


def _payment_step(order: Document, times: Mapping[str, str]) -> Step:
    status, payment = order["status"], order.get("payment_status")
    at = times.get("order.payment_captured") or times.get("order.payment_authorized") or times.get("order.confirmed")
    if status == "payment_failed":
        return Step("paid", "Payment", "bad", times.get("order.payment_failed"), "Declined")
    if payment in PAID:
        return Step("paid", "Paid", "done", at)
    if status == "on_hold":
        return Step("paid", "Payment", "hold", times.get("order.on_hold"), "Waiting")
    if payment == "requires_action":
        return Step("paid", "Payment", "now", None, "Waiting for your bank")
    if status == "processing":
        return Step("paid", "Payment", "now", times.get("order.processing"), "Asking the bank")
    return Step("paid", "Payment", "now" if status == "placed" else "todo")


def _cut_off(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return (*(step for step in steps if step.state == "done"), Step("cancelled", "Cancelled", "bad"))
