"""The order as clients get it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from quickshop.kernel.clock import rfc3339
from quickshop.kernel.money import money
from quickshop.tax.rules import percent

_UNITS = ("cancelled", "packed", "shipped", "delivered", "returned")
_UNTOUCHED = dict.fromkeys(_UNITS, 0)


def line_document(line: Mapping[str, Any], currency: str, progress: Mapping[str, Any] = _UNTOUCHED) -> dict[str, Any]:
    """One line of an order; `line` counts from 1, the units tell how far it has come."""
    return {
        "line": line["position"] + 1,
        "variant_id": str(line["variant_id"]),
        "sku": line["sku"],
        "name": line["name"],
        "options": line["options"],
        "quantity": line["quantity"],
        "unit_price": money(line["unit_price_minor"], currency),
        "discount": money(line["discount_minor"], currency),
        "total": money(line["total_minor"], currency),
        "tax": money(line["tax_minor"], currency),
        "tax_rate": percent(line["tax_rate"]),
        "tax_included": line["tax_included"],
        "units": {name: progress[name] for name in _UNITS},
    }


def totals_document(order: Mapping[str, Any]) -> dict[str, Any]:
    """The sums of an order."""
    names = ("subtotal", "discount", "shipping", "tax", "tax_included", "total", "credit")
    due = money(order["total_minor"] - order["credit_minor"], order["currency"])
    return {name: money(order[f"{name}_minor"], order["currency"]) for name in names} | {"due": due}


def discount_documents(rows: Sequence[Mapping[str, Any]], currency: str) -> list[dict[str, Any]]:
    """What each rule took off an order, from its rows in order_discounts; `line` counts the items from 1."""
    found: dict[int, dict[str, Any]] = {}
    for row in rows:
        about = {"rule": row["rule"], "label": row["label"], "code": row["code"]}
        entry = found.setdefault(row["position"], {**about, "amount": money(0, currency), "shares": []})
        entry["amount"] = money(entry["amount"]["amount"] + row["amount_minor"], currency)
        share = {"line": row["line"] or None, "target": "line" if row["line"] else "shipping"}
        entry["shares"].append({**share, "amount": money(row["amount_minor"], currency)})
    return [found[position] for position in sorted(found)]


def estimate_document(order: Mapping[str, Any]) -> dict[str, str]:
    """When the whole order is expected by now: what was promised, until that changes."""
    first, last = order.get("expected_from") or order["deliver_from"], order.get("expected_to") or order["deliver_to"]
    return {"from": first.isoformat(), "to": last.isoformat()}


def order_document(
    order: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    *,
    shipping_address: Mapping[str, Any] | None,
    email: str | None,
    token: str | None = None,
) -> dict[str, Any]:
    """The whole order. `order` and `lines` have the columns of their tables; `token` only for the guest who ordered."""
    number = order["number"]
    progress = {p["line_id"]: p for p in order.get("progress") or ()}
    document = {
        "id": str(order["id"]),
        "number": number,
        "status": order["status"],
        "payment_status": order["payment_status"],
        "fulfilment_status": order["fulfilment_status"],
        "hold_reason": order["hold_reason"],
        "failure_code": order["failure_code"],
        "priority": order["priority"],
        "priority_reason": order["priority_reason"],
        "items": [line_document(line, order["currency"], progress.get(line.get("id"), _UNTOUCHED)) for line in lines],
        "totals": totals_document(order),
        "discounts": discount_documents(order["discounts"] or (), order["currency"]),
        "tax_lines": order["tax_lines"],
        "shipping_tax": money(order["shipping_tax_minor"], order["currency"]),
        "shipping_method": order["shipping_method"],
        "shipping_address": dict(shipping_address) if shipping_address else None,
        "email": email,
        "estimated_delivery": estimate_document(order),
        "parcels": [],
        "payment": {
            "next_action": order["next_action"],
            "refunded": money(order.get("refunded_minor", 0), order["currency"]),
            "given_back": money(order.get("given_minor") or 0, order["currency"]),
        },
        "client_reference": order["client_reference"],
        "placed_at": rfc3339(order["placed_at"]),
        "confirmed_at": rfc3339(order["confirmed_at"]),
        "packing_at": rfc3339(order.get("packing_at")),
        "delivered_at": rfc3339(order.get("delivered_at")),
        "last_seq": order["event_seq"],
        "events_url": f"/api/v1/orders/{number}/events",
        "topic": f"order:{number}",
    }
    if token is not None:
        document["token"] = token
    return document
