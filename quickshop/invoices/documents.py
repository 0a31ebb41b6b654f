"""What an invoice or a credit note says, frozen when it is issued: rows of the order in, one document out. Pure.

Amounts are minor units. Nothing in the document is personal; the buyer has a document of their own, which is sealed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from quickshop.accounts.address_rules import postal_lines
from quickshop.kernel.clock import rfc3339
from quickshop.kernel.money import allocate
from quickshop.shop.details import TEXTS
from quickshop.tax.rules import percent

FORMAT = 1
Row = Mapping[str, Any]


class Kind(StrEnum):
    """What is numbered, each in series of its own."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


def series_name(kind: Kind, shop: Row, year: int) -> str:
    """The series that a paper of this year belongs to, such as INV-2026."""
    return f"{shop['invoice_prefix' if kind is Kind.INVOICE else 'credit_prefix']}-{year}"


def invoice_document(shop: Row, order: Row) -> dict[str, Any]:
    """What the invoice of an order says. `order` has the columns of its table, its `lines` and its `discounts`."""
    return {
        **_head(Kind.INVOICE, shop, order),
        "lines": [
            {
                **_article(line),
                "unit_minor": line["unit_price_minor"],
                "minor": line["quantity"] * line["unit_price_minor"],
            }
            for line in order["lines"]
        ],
        "sums": _sums(order),
        "total_minor": order["total_minor"],
        "tax_minor": order["tax_minor"] + order["tax_included_minor"],
        "tax": [_tax(t, t["taxable"]["amount"], t["tax"]["amount"]) for t in order["tax_lines"]],
        "paid": _amounts(card=order["total_minor"] - order["credit_minor"], credit=order["credit_minor"]),
    }


def credit_document(shop: Row, order: Row, refund: Row, credits: Row) -> dict[str, Any]:
    """What the credit note of a refund says. `refund` has its `lines`; `credits` is the invoice: code and issued_at."""
    lines = {line["id"]: line for line in order["lines"]}
    parts = [(lines[part["line_id"]], part) for part in refund["lines"] or ()]
    rest = refund["amount_minor"] - refund["shipping_minor"] - sum(part["amount_minor"] for _, part in parts)
    return {
        **_head(Kind.CREDIT_NOTE, shop, order),
        "credits": {"code": credits["code"], "issued_at": credits["issued_at"]},
        "cause": refund["cause"],
        "lines": [
            {**_article(line), "quantity": part["quantity"], "unit_minor": None, "minor": part["amount_minor"]}
            for line, part in parts
        ],
        "sums": _amounts(delivery=refund["shipping_minor"], goodwill=rest),
        "total_minor": refund["amount_minor"],
        "tax_minor": refund["tax_minor"],
        "tax": _credited_tax(order["tax_lines"], parts, refund),
        "paid": _amounts(
            card=refund["card_minor"], credit=refund["credit_minor"], store_credit=refund["store_credit_minor"]
        ),
    }


def buyer_document(address: Row, billing: Row | None, email: str | None) -> dict[str, Any]:
    """Who buys: the lines of the address that the bill goes to, and of the parcel's where it is another."""
    bill, parcel = postal_lines(billing or address), postal_lines(address)
    return {"bill_to": bill, "ship_to": parcel if parcel != bill else None, "email": email}


def _head(kind: Kind, shop: Row, order: Row) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "kind": str(kind),
        "locale": order["locale"],
        "timezone": order["timezone"],
        "shop": {name: shop[name] for name in (*TEXTS, "logo")},
        "order": {"number": order["number"], "placed_at": rfc3339(order["placed_at"])},
        "currency": order["currency"],
    }


def _article(line: Row) -> dict[str, Any]:
    options = " · ".join(str(value) for value in (line["options"] or {}).values())
    shown = {"name": line["name"], "options": options, "sku": line["sku"], "quantity": line["quantity"]}
    return {**shown, "rate": percent(line["tax_rate"])}


def _amounts(**found: int) -> list[dict[str, Any]]:
    return [{"kind": kind, "minor": minor} for kind, minor in found.items() if minor]


def _sums(order: Row) -> list[dict[str, Any]]:
    """From the lines to the total: each discount by what it is called, delivery, and tax on top of the prices."""
    taken: dict[tuple[int, str], int] = {}
    for row in order["discounts"] or ():
        key = (row["position"], row["label"])
        taken[key] = taken.get(key, 0) + row["amount_minor"]
    discounts = [{"kind": "discount", "label": label, "minor": -minor} for (_, label), minor in sorted(taken.items())]
    subtotal = {"kind": "subtotal", "minor": order["subtotal_minor"]}
    return [
        subtotal,
        *discounts,
        {"kind": "delivery", "label": order["shipping_method"].get("name"), "minor": order["shipping_minor"]},
        *_amounts(tax=order["tax_minor"]),
    ]


def _tax(line: Row, net_minor: int, minor: int) -> dict[str, Any]:
    place = "-".join(part for part in (line.get("country"), line.get("region")) if part)
    return {"name": line["name"], "rate": line["rate"], "place": place, "net_minor": net_minor, "minor": minor}


def _credited_tax(tax_lines: Sequence[Row], parts: Sequence[tuple[Row, Row]], refund: Row) -> list[dict[str, Any]]:
    """The refund's tax by rate. A line's goes to the rate it was taxed by; what belongs to no single rate, such as that
    of delivery, goes to all of them as the order's did. The sum is the refund's tax.
    """
    if not refund["tax_minor"] or not tax_lines:
        return []
    net, tax = [0] * len(tax_lines), [0] * len(tax_lines)
    rest_net, rest_tax = refund["amount_minor"] - refund["tax_minor"], refund["tax_minor"]
    for line, part in parts:
        own = [i for i, t in enumerate(tax_lines) if t["rate"] == percent(line["tax_rate"])]
        part_net = part["amount_minor"] - part["tax_minor"]
        if len(own) == 1:
            net[own[0]] += part_net
            tax[own[0]] += part["tax_minor"]
            rest_tax -= part["tax_minor"]
        if len(own) == 1 or not line["tax_rate"]:
            rest_net -= part_net
    shares = allocate(max(0, rest_net), [t["taxable"]["amount"] for t in tax_lines])
    tax_shares = allocate(rest_tax, [t["tax"]["amount"] for t in tax_lines])
    found = zip(tax_lines, net, shares, tax, tax_shares, strict=True)
    return [_tax(t, a + b, c + d) for t, a, b, c, d in found if a + b or c + d]
