"""What the shop holds of orders and of what came after the payment."""

from __future__ import annotations

from collections.abc import Mapping

from quickshop.privacy.holding import (
    CHANGED,
    DELETED,
    EMPTY,
    NOBODY_LEFT,
    OF_ORDER,
    OF_PERSON,
    OF_RETURN,
    TAX,
    Holding,
    cols,
)

HOLDINGS: Mapping[str, Holding] = {
    # --- orders ------------------------------------------------------------------------------------------------
    "return_photos": Holding(
        "Pictures that show why something came back",
        OF_RETURN,
        DELETED,
        section="return_photos",
        shown=cols("id return_id position width height created_at"),
        sealed={"body": "webp"},
        plain=cols("person_id"),
    ),
    "return_lines": Holding(
        "What came back of an order, and why",
        OF_RETURN,
        why=TAX,
        section="return_lines",
        shown=cols("return_id line_id quantity reason exchange_variant_id received restocked refunded_minor"),
        kept=dict.fromkeys(
            cols("return_id line_id quantity reason exchange_variant_id received restocked refunded_minor"), TAX
        ),
    ),
    "returns": Holding(
        "Returns of orders; what their shopper wrote is sealed",
        OF_ORDER,
        CHANGED,
        "what came back and what was given for it: " + TAX,
        section="returns",
        shown=cols(
            "id order_id number state resolution answer carrier refund_id replacement_id requested_at decided_at "
            "received_at ended_at"
        ),
        sealed={"note": "note"},
        secret=cols("tracking label"),
        plain=cols("person_id decided_by"),
        blanked={"note": "NULL", "tracking": "NULL", "label": "NULL"},
        kept=dict.fromkeys(
            cols(
                "id order_id number state resolution answer carrier refund_id replacement_id requested_at decided_at "
                "received_at ended_at"
            ),
            TAX,
        ),
    ),
    "cancellation_requests": Holding(
        "Wishes to cancel what was packed already, and what was answered",
        OF_ORDER,
        why=TAX,
        section="cancellation_requests",
        under="orders",
        shown=cols("id state answer requested_at decided_at"),
        plain=cols("order_id decided_by"),
        kept=dict.fromkeys(cols("id state answer requested_at decided_at"), "states and times, never names"),
    ),
    "order_discounts": Holding(
        "What was taken off, and by which rule",
        OF_ORDER,
        why=TAX,
        section="discounts",
        under="orders",
        shown=cols("position line rule label code amount_minor"),
        plain=cols("order_id promotion_id"),
        kept=dict.fromkeys(cols("position line rule label code amount_minor"), TAX),
    ),
    "promotion_uses": Holding(
        "Offers that orders used",
        OF_ORDER,
        CHANGED,
        "limits go on counting",
        secret=cols("caller"),
        plain=cols("id promotion_id order_id code number at given_back_at"),
        blanked={"caller": "'erased:' || id"},
    ),
    "credit_entries": Holding(
        "Movements of what the shop owed",
        "credit_id IN (SELECT id FROM credits WHERE user_id = :user)",
        why=TAX,
        section="credit_entries",
        shown=cols("id delta_minor cause note at"),
        plain=cols("credit_id order_id"),
        kept=dict.fromkeys(cols("id delta_minor cause note at"), TAX),
    ),
    "credits": Holding(
        "What the shop owes; gift cards belong to whoever has the code",
        "user_id = :user",
        why=TAX,
        section="credits",
        shown=cols("id kind currency balance_minor created_at"),
        secret=cols("code_digest last4"),
        plain=cols("user_id expires_at active"),
        kept={
            **dict.fromkeys(cols("id kind currency balance_minor created_at"), TAX),
            **dict.fromkeys(cols("code_digest last4"), "of gift cards, which are nobody's"),
        },
    ),
    "order_signals": Holding(
        "What tries to pay for an order have in common with others, as keyed digests",
        OF_ORDER,
        DELETED,
        "eight days",
        secret=cols("account card fingerprint address device"),
        plain=cols("order_id round card_country countries declined at"),
    ),
    "order_risks": Holding(
        "How risky an order was, and who let it go on",
        OF_ORDER,
        why="decisions about orders are kept as long as these",
        section="risk",
        under="orders",
        shown=cols("score outcome scored_at expires_at decided decided_at"),
        plain=cols("order_id round reasons decided_by"),
        kept=dict.fromkeys(cols("score outcome scored_at expires_at decided decided_at"), NOBODY_LEFT),
    ),
    "order_notes": Holding(
        "What staff wrote about an order; sealed",
        OF_PERSON,
        CHANGED,
        "that something was written",
        section="order_notes",
        shown=cols("at"),
        sealed={"body": "note"},
        plain=cols("id order_id person_id author_id"),
        blanked={"body": EMPTY},
        kept={"at": NOBODY_LEFT},
    ),
    "order_drafts": Holding(
        "Orders that staff prepared; e-mail and address are sealed",
        OF_PERSON,
        CHANGED,
        "that there was one",
        section="draft_orders",
        shown=cols("number state created_at"),
        sealed={"email": "email", "shipping_address": "shipping_address"},
        plain=cols(
            "id cart_id user_id person_id shipping_method free_shipping for_order_id order_id created_by expires_at"
        ),
        blanked={
            "email": EMPTY,
            "shipping_address": EMPTY,
            "state": "CASE WHEN state = 'open' THEN 'cancelled' ELSE state END",
        },
        kept=dict.fromkeys(cols("number created_at"), NOBODY_LEFT),
    ),
    "order_lines": Holding(
        "What was bought, at which price",
        OF_ORDER,
        why=TAX,
        section="lines",
        under="orders",
        shown=cols(
            "position variant_id sku name options quantity unit_price_minor discount_minor total_minor "
            "tax_minor tax_rate tax_included"
        ),
        plain=cols("id order_id"),
        kept=dict.fromkeys(
            cols(
                "position variant_id sku name options quantity unit_price_minor discount_minor total_minor "
                "tax_minor tax_rate tax_included"
            ),
            TAX,
        ),
    ),
    "order_events": Holding(
        "The order's log",
        OF_ORDER,
        why=TAX,
        section="events",
        under="orders",
        shown=cols("seq type at data request_id"),
        plain=cols("order_id"),
        kept=dict.fromkeys(cols("seq type at data request_id"), "it holds states and amounts, never names"),
    ),
    "invoice_files": Holding(
        "The printed invoices, sealed",
        "invoice_id IN (SELECT id FROM invoices WHERE person_id = ANY(:persons))",
        CHANGED,
        "a digest of the file, to prove what was once printed",
        secret=cols("sealed"),
        plain=cols("invoice_id due_at attempts last_error sha256 size made_at"),
        blanked={"sealed": "NULL"},
    ),
    "invoices": Holding(
        "Invoices and credit notes; who bought is sealed",
        OF_PERSON,
        CHANGED,
        "number, amounts, tax and date: " + TAX,
        section="invoices",
        shown=cols("id order_id code kind currency total_minor tax_minor document issued_at"),
        sealed={"buyer": "buyer"},
        plain=cols("series number refund_id person_id"),
        blanked={"buyer": EMPTY},
        kept=dict.fromkeys(cols("id order_id code kind currency total_minor tax_minor document issued_at"), TAX),
    ),
    "payments": Holding(
        "Rounds of paying for an order, and how far the money came",
        OF_ORDER,
        why=TAX,
        section="payments",
        under="orders",
        shown=cols(
            "round provider provider_ref currency amount_minor authorized_minor captured_minor "
            "refunded_minor refunding_minor voided_at created_at"
        ),
        plain=cols("order_id"),
        kept=dict.fromkeys(
            cols(
                "round provider provider_ref currency amount_minor authorized_minor captured_minor "
                "refunded_minor refunding_minor voided_at created_at"
            ),
            TAX,
        ),
    ),
    "orders": Holding(
        "Orders; e-mail and addresses are sealed",
        "id = ANY(:orders)",
        CHANGED,
        "number, amounts, tax, country and dates: " + TAX,
        section="orders",
        shown=cols(
            "id number client_reference country status payment_status fulfilment_status "
            "hold_reason failure_code priority priority_reason currency subtotal_minor "
            "discount_minor shipping_minor tax_minor tax_included_minor shipping_tax_minor tax_lines "
            "total_minor credit_minor shipping_method deliver_from "
            "deliver_to placed_at confirmed_at packing_at delivered_at expected_from expected_to"
        ),
        sealed={"email": "email", "shipping_address": "shipping_address", "billing_address": "billing_address"},
        secret=cols("caller payment_token payment_token_sealed next_action"),
        plain=cols("user_id person_id cart_id payment_method_id payment_round event_seq request_id digest"),
        blanked={
            "email": EMPTY,
            "shipping_address": EMPTY,
            "billing_address": "NULL",
            "caller": "'erased:' || id",
            "client_reference": "NULL",
            "payment_token": "NULL",
            "payment_token_sealed": "NULL",
            "next_action": "NULL",
            "payment_method_id": "NULL",
        },
        kept={
            "country": "VAT is owed by country",
            **dict.fromkeys(
                cols(
                    "id number status payment_status fulfilment_status hold_reason failure_code priority "
                    "priority_reason currency subtotal_minor discount_minor shipping_minor tax_minor "
                    "tax_included_minor shipping_tax_minor tax_lines total_minor credit_minor "
                    "shipping_method deliver_from deliver_to placed_at confirmed_at packing_at delivered_at "
                    "expected_from expected_to"
                ),
                TAX,
            ),
        },
    ),
    # --- after the payment -------------------------------------------------------------------------------------
    "line_progress": Holding(
        "How far each line has come, and what of its money went back",
        OF_ORDER,
        why=TAX,
        section="progress",
        under="orders",
        shown=cols("line_id ordered cancelled packed shipped delivered returned announced paid_minor given_back_minor"),
        plain=cols("order_id"),
        kept=dict.fromkeys(
            cols("line_id ordered cancelled packed shipped delivered returned announced paid_minor given_back_minor"),
            TAX,
        ),
    ),
    "order_given_back": Holding(
        "How much of an order's money went back",
        OF_ORDER,
        why=TAX,
        plain=cols("order_id total_minor shipping_minor given_minor shipping_given_minor refunds"),
    ),
    "refunds": Holding(
        "Money given back",
        OF_ORDER,
        why=TAX,
        section="refunds",
        under="orders",
        shown=cols(
            "number cause currency amount_minor card_minor credit_minor store_credit_minor shipping_minor tax_minor at"
        ),
        plain=cols("id order_id by"),
        kept=dict.fromkeys(
            cols(
                "number cause currency amount_minor card_minor credit_minor store_credit_minor shipping_minor "
                "tax_minor at"
            ),
            TAX,
        ),
    ),
    "refund_lines": Holding(
        "What of a refund was for which line",
        "refund_id IN (SELECT id FROM refunds WHERE order_id = ANY(:orders))",
        why=TAX,
        plain=cols("refund_id line_id quantity amount_minor tax_minor"),
    ),
    "parcels": Holding(
        "Parcels; what the carrier calls them and their labels are sealed",
        OF_ORDER,
        CHANGED,
        "that a parcel went out stays known, not under which number",
        section="parcels",
        under="orders",
        shown=cols("number carrier state deliver_from deliver_to packed_at shipped_at delivered_at"),
        secret=cols("tracking label"),
        plain=cols("id order_id exception_code told_at send_at attempts last_error"),
        blanked={"tracking": "NULL", "label": "NULL"},
        kept=dict.fromkeys(
            cols("number carrier state deliver_from deliver_to packed_at shipped_at delivered_at"), NOBODY_LEFT
        ),
    ),
    "parcel_lines": Holding(
        "What is in a parcel",
        "parcel_id IN (SELECT id FROM parcels WHERE order_id = ANY(:orders))",
        why=TAX,
        plain=cols("parcel_id line_id quantity"),
    ),
    "parcel_events": Holding(
        "What carriers said of parcels, without places and names",
        "parcel_id IN (SELECT id FROM parcels WHERE order_id = ANY(:orders))",
        why=TAX,
        plain=cols("parcel_id key state code at taken noted_at"),
    ),
    "carrier_cursors": Holding("Up to where carriers' events were read", plain=cols("carrier cursor read_at")),
}
