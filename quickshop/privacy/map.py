"""Every table and column of the shop, and what of it is personal. Export and erasure do what stands here.

A test compares this map with the models: a table or column that is not in it fails the suite. Who adds one says here
whose it is, whether the person gets a copy of it, and what becomes of it when they are erased.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# How the rows of a person are found. `:user` is the account (or NULL), `:persons` are whose keys seal it: the account's
# person and those of the guest orders placed with its proven address; `:orders` are the orders of all these.
OF_USER = "user_id = :user"
OF_PERSON = "person_id = ANY(:persons)"
OF_ORDER = "order_id = ANY(:orders)"
OF_RETURN = "return_id IN (SELECT id FROM returns WHERE order_id = ANY(:orders))"
OF_CART = "cart_id IN (SELECT id FROM carts WHERE user_id = :user AND state = 'active')"
OF_SESSION = "session_id IN (SELECT id FROM sessions WHERE user_id = :user)"
OF_CALLER = "caller = ANY(:callers)"
# What another transaction takes at this moment becomes a delivery to somebody erased, which is given up.
OF_FACT = (
    "id IN (SELECT id FROM pending_facts WHERE data->>'person_id' = ANY(:person_texts) ORDER BY id"
    " FOR UPDATE SKIP LOCKED)"
)


class Erasure(StrEnum):
    """What becomes of a person's rows."""

    DELETED = "deleted"
    CHANGED = "changed"  # the row stays, `blanked` says what its columns become
    KEPT = "kept"
    BY_VERB = "by a verb of its room"


@dataclass(frozen=True)
class Holding:
    """What one table holds of people.

    Each column is in exactly one of: `shown` (personal, in the export as it stands), `sealed` (personal, sealed with
    the person's key at "table/column/id", in the export under the given name), `secret` (personal, or good only to
    somebody who would be that person, and never shown: digests, tokens, blind indexes), `plain` (says nothing of a
    person). `blanked` are the SQL expressions that columns get. `why` says what is kept and why, or for how long.
    """

    about: str
    rows: str | None = None
    erasure: Erasure = Erasure.KEPT
    why: str = ""
    section: str | None = None  # where the export has it; rows of `under` stand inside its rows
    under: str | None = None
    shown: tuple[str, ...] = ()
    sealed: Mapping[str, str] = field(default_factory=dict)
    secret: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    blanked: Mapping[str, str] = field(default_factory=dict)
    # Personal columns that stay readable, each with the reason.
    kept: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is accounted for."""
        return (*self.shown, *self.sealed, *self.secret, *self.plain)


def _cols(names: str) -> tuple[str, ...]:
    """Column names written one after the other."""
    return tuple(names.split())


_DELETED, _CHANGED, _BY_VERB = Erasure.DELETED, Erasure.CHANGED, Erasure.BY_VERB
_EMPTY = "''::bytea"
_TAX = "books must show it for as long as tax law says; it names nobody once the key is gone"
_NOBODY_LEFT = "an id or class that says nothing of a person whose key is gone"

# In the order in which erasure goes through them: what refers to a row before that row.
MAP: Mapping[str, Holding] = {
    # --- the account's sessions and secrets -------------------------------------------------------------
    "refresh_tokens": Holding(
        "Digests of the tokens that renew a session",
        OF_SESSION,
        _DELETED,
        "30 days after the session's end at most",
        secret=_cols("token_hash"),
        plain=_cols("session_id expires_at rotated_at created_at"),
    ),
    "sessions": Holding(
        "Where and when somebody is signed in",
        OF_USER,
        _DELETED,
        "30 days after their end",
        section="sessions",
        shown=_cols(
            "id device kind network proved_at second_factor_at created_at last_used_at ends_at "
            "revoked_at revoked_reason"
        ),
        plain=_cols("user_id"),
    ),
    "email_tokens": Holding(
        "Digests of mailed links, and the new address while a change of e-mail waits",
        OF_USER,
        _DELETED,
        "7 days after they ran out",
        secret=_cols("token_hash sealed"),
        plain=_cols("user_id purpose expires_at used_at created_at"),
    ),
    "challenges": Holding(
        "Questions of a sign-in that wait for their answer",
        OF_USER,
        _DELETED,
        "until they ran out",
        secret=_cols("token_hash data"),
        plain=_cols("user_id purpose expires_at used_at"),
    ),
    "two_factors": Holding(
        "The secret of an authenticator app",
        OF_USER,
        _DELETED,
        section="two_factor",
        shown=_cols("enabled_at created_at"),
        secret=_cols("secret last_step"),
        plain=_cols("user_id"),
    ),
    "recovery_codes": Holding(
        "Digests of the codes that stand in for the second factor",
        OF_USER,
        _DELETED,
        secret=_cols("code_hash"),
        plain=_cols("user_id used_at"),
    ),
    "passkeys": Holding(
        "Public keys of a person's passkeys, with the names they gave them",
        OF_USER,
        _DELETED,
        section="passkeys",
        shown=_cols("id name transports backed_up created_at last_used_at"),
        secret=_cols("credential_id public_key sign_count"),
        plain=_cols("user_id"),
    ),
    "api_keys": Holding(
        "Keys for integrations that a member of staff made",
        "created_by = :user",
        _CHANGED,
        "the audit log names keys by id; they no longer work and lose their names",
        section="api_keys",
        shown=_cols("id name scopes created_at expires_at last_used_at revoked_at"),
        secret=_cols("key_hash hint"),
        plain=_cols("created_by"),
        blanked={
            "name": "'erased'",
            "hint": "''",
            "key_hash": "uuid_send(gen_random_uuid())",
            "revoked_at": "coalesce(revoked_at, now())",
        },
        kept=dict.fromkeys(_cols("id scopes created_at expires_at last_used_at"), _NOBODY_LEFT),
    ),
    "user_roles": Holding(
        "Which roles staff have", OF_USER, _DELETED, section="roles", shown=_cols("role"), plain=_cols("user_id")
    ),
    # --- what they told us ------------------------------------------------------------------------------
    "addresses": Holding(
        "The address book",
        OF_USER,
        _DELETED,
        section="addresses",
        shown=_cols("id country default_shipping default_billing created_at updated_at"),
        sealed={"sealed": "address"},
        plain=_cols("user_id"),
    ),
    "preferences": Holding(
        "Which messages somebody agreed to, and when",
        OF_USER,
        _DELETED,
        section="preferences",
        shown=_cols("topic channel enabled changed_at"),
        plain=_cols("user_id"),
    ),
    "quiet_hours": Holding(
        "When somebody does not want to be woken",
        OF_USER,
        _DELETED,
        section="quiet_hours",
        shown=_cols("begins ends timezone changed_at"),
        plain=_cols("user_id"),
    ),
    "push_devices": Holding(
        "Devices that may get push messages",
        OF_USER,
        _DELETED,
        section="devices",
        shown=_cols("platform name created_at"),
        secret=_cols("token_index token"),
        plain=_cols("user_id"),
    ),
    "search_words": Holding(
        "Blind indexes of words, by which staff find people",
        OF_USER,
        _DELETED,
        secret=_cols("word"),
        plain=_cols("user_id"),
    ),
    "payment_methods": Holding(
        "Cards kept at the payment provider",
        OF_USER,
        _DELETED,
        section="payment_methods",
        shown=_cols("id provider brand last4 exp_month exp_year is_default created_at"),
        secret=_cols("token token_index"),
        plain=_cols("user_id"),
    ),
    "cart_items": Holding(
        "What lies in the cart",
        OF_CART,
        _DELETED,
        "items of a cart that became an order stay with the order",
        section="cart",
        shown=_cols("variant_id quantity added_at"),
        plain=_cols("id cart_id seen_price_minor seen_problem"),
    ),
    "cart_asides": Holding(
        "What was saved for later, and what was taken out of the cart a moment ago",
        OF_USER,
        _DELETED,
        section="saved_for_later",
        shown=_cols("variant_id kind quantity price_minor currency at"),
        plain=_cols("id user_id cart_id"),
    ),
    "cart_codes": Holding(
        "Codes on a cart",
        OF_CART,
        _DELETED,
        section="cart_codes",
        shown=_cols("code added_at"),
        plain=_cols("cart_id credit_id"),
    ),
    "cart_reminders": Holding(
        "That the owner of a cart was reminded of it",
        "cart_id IN (SELECT id FROM carts WHERE user_id = :user)",
        _DELETED,
        section="cart_reminders",
        shown=_cols("cart_id at"),
    ),
    "carts": Holding(
        "Carts; an order keeps the one it was made from",
        "user_id = :user AND state = 'active'",
        _DELETED,
        "the carts of orders stay as the orders do",
        plain=_cols("id user_id state order_id currency followed uses_credit held_since created_at updated_at"),
    ),
    "wishlist_items": Holding(
        "What stands on wishlists",
        "wishlist_id IN (SELECT id FROM wishlists WHERE user_id = :user)",
        _DELETED,
        section="wishlist_items",
        shown=_cols("wishlist_id variant_id price_minor currency added_at"),
    ),
    "wishlists": Holding(
        "Wishlists; their names are sealed",
        OF_USER,
        _DELETED,
        section="wishlists",
        shown=_cols("id is_default shared price_alerts created_at updated_at"),
        sealed={"name": "name"},
        plain=_cols("user_id share_number"),
    ),
    "stock_alerts": Holding(
        "What somebody waits to be back in stock; a guest's address is sealed",
        OF_USER,
        _DELETED,
        "30 days after it was told, 48 hours where a guest did not confirm it; wishlists.alerts forgets those that the"
        " account's proven address asked for as a guest",
        section="stock_alerts",
        shown=_cols("id variant_id state asked_at told_at"),
        secret=_cols("email email_index token_hash"),
        plain=_cols("user_id person_id"),
    ),
    "review_votes": Holding(
        "Which reviews somebody found helpful",
        OF_USER,
        _BY_VERB,
        "reviews.service.forget_author takes them out of the counts",
        section="review_votes",
        shown=_cols("review_id helpful"),
        plain=_cols("user_id"),
    ),
    "reviews": Holding(
        "Reviews that somebody wrote",
        OF_USER,
        _BY_VERB,
        "reviews.service.forget_author deletes text and author; the stars of a published one stay, and are nobody's",
        section="reviews",
        shown=_cols(
            "id product_id rating title body state rejected_because helpful_count unhelpful_count created_at edited_at"
        ),
        plain=_cols("user_id held_because score version"),
    ),
    # --- what happened ----------------------------------------------------------------------------------
    "account_events": Holding(
        "The account's log",
        OF_USER,
        _DELETED,
        "as long as the account",
        section="account_log",
        shown=_cols("seq type at data request_id"),
        plain=_cols("user_id"),
    ),
    "login_failures": Holding(
        "Counters of failed sign-ins under keyed digests of accounts and addresses",
        None,
        _BY_VERB,
        "15 minutes after the last failure; security.lockout clears those of an erased account",
        secret=_cols("subject"),
        plain=_cols("failures last_at"),
    ),
    "idempotency_keys": Holding(
        "Answers that a repeated call gets again, under the caller's id",
        OF_CALLER,
        _DELETED,
        "72 hours",
        secret=_cols("caller key request_hash body"),
        plain=_cols("route status key_id created_at"),
    ),
    "pending_facts": Holding(
        "Facts that wait to be told to somebody, tokens of cards to be forgotten; what is personal is sealed",
        OF_FACT,
        _DELETED,
        "seconds; a token until its provider has forgotten the card, a month at most",
        secret=_cols("data"),
        plain=_cols("id consumer type created_at"),
    ),
    "deliveries": Holding(
        "Messages that were sent, or wait to be; address and content are sealed",
        OF_PERSON,
        _CHANGED,
        "that a message went out stays known, without its words or address",
        section="messages",
        shown=_cols("channel kind order_id context locale state happened_at created_at sent_at"),
        secret=_cols("sealed device"),
        plain=_cols("id fact_key person_id attempts next_run_at last_error resend_of"),
        blanked={
            "sealed": _EMPTY,
            "state": "CASE WHEN state = 'pending' THEN 'given_up' ELSE state END",
            "context": "'{}'::jsonb",
            "locale": "'en'",
        },
        kept=dict.fromkeys(
            _cols("channel kind order_id happened_at created_at sent_at"),
            "that a message went out, to nobody in particular",
        )
        | {"device": "a keyed digest of a device that is forgotten"},
    ),
    "inbox_messages": Holding(
        "Messages in a member's inbox; names in them are sealed",
        OF_USER,
        _DELETED,
        section="inbox",
        shown=_cols("id kind order_id context at read_at"),
        sealed={"sealed": "content"},
        plain=_cols("user_id fact_key"),
    ),
    "channel_pauses": Holding(
        "Since when a mail server or the like is away", plain=_cols("channel failures since try_at reason")
    ),
    # --- conversations with support -----------------------------------------------------------------------
    "ticket_attachments": Holding(
        "Files that were sent to support; their contents are sealed, and fetched at the ticket's own address",
        OF_PERSON,
        _DELETED,
        "two years after the conversation was closed, a day where they were never sent",
        section="ticket_files",
        shown=_cols("id ticket_id message_id side type size created_at"),
        sealed={"name": "name"},
        secret=_cols("body"),
        plain=_cols("person_id"),
    ),
    "ticket_messages": Holding(
        "What was said to support and by it, and what staff noted about it",
        OF_PERSON,
        _DELETED,
        "two years after the conversation was closed",
        section="ticket_messages",
        shown=_cols("id ticket_id side at"),
        sealed={"body": "text"},
        plain=_cols("seq person_id author_id"),
    ),
    "tickets": Holding(
        "Conversations with support",
        OF_PERSON,
        _DELETED,
        "two years after they were closed",
        section="tickets",
        shown=_cols("id number order_id state created_at moved_at closed_at"),
        sealed={"subject": "subject", "email": "email"},
        secret=_cols("email_index"),
        plain=_cols("person_id user_id assignee_id message_count version"),
    ),
    # --- orders -----------------------------------------------------------------------------------------
    "return_photos": Holding(
        "Pictures that show why something came back",
        OF_RETURN,
        _DELETED,
        section="return_photos",
        shown=_cols("id return_id position width height created_at"),
        sealed={"body": "webp"},
        plain=_cols("person_id"),
    ),
    "return_lines": Holding(
        "What came back of an order, and why",
        OF_RETURN,
        why=_TAX,
        section="return_lines",
        shown=_cols("return_id line_id quantity reason exchange_variant_id received restocked refunded_minor"),
        kept=dict.fromkeys(
            _cols("return_id line_id quantity reason exchange_variant_id received restocked refunded_minor"), _TAX
        ),
    ),
    "returns": Holding(
        "Returns of orders; what their shopper wrote is sealed",
        OF_ORDER,
        _CHANGED,
        "what came back and what was given for it: " + _TAX,
        section="returns",
        shown=_cols(
            "id order_id number state resolution answer carrier refund_id replacement_id requested_at decided_at "
            "received_at ended_at"
        ),
        sealed={"note": "note"},
        secret=_cols("tracking label"),
        plain=_cols("person_id decided_by"),
        blanked={"note": "NULL", "tracking": "NULL", "label": "NULL"},
        kept=dict.fromkeys(
            _cols(
                "id order_id number state resolution answer carrier refund_id replacement_id requested_at decided_at "
                "received_at ended_at"
            ),
            _TAX,
        ),
    ),
    "cancellation_requests": Holding(
        "Wishes to cancel what was packed already, and what was answered",
        OF_ORDER,
        why=_TAX,
        section="cancellation_requests",
        under="orders",
        shown=_cols("id state answer requested_at decided_at"),
        plain=_cols("order_id decided_by"),
        kept=dict.fromkeys(_cols("id state answer requested_at decided_at"), "states and times, never names"),
    ),
    "order_discounts": Holding(
        "What was taken off, and by which rule",
        OF_ORDER,
        why=_TAX,
        section="discounts",
        under="orders",
        shown=_cols("position line rule label code amount_minor"),
        plain=_cols("order_id promotion_id"),
        kept=dict.fromkeys(_cols("position line rule label code amount_minor"), _TAX),
    ),
    "promotion_uses": Holding(
        "Offers that orders used",
        OF_ORDER,
        _CHANGED,
        "limits go on counting",
        secret=_cols("caller"),
        plain=_cols("id promotion_id order_id code number at given_back_at"),
        blanked={"caller": "'erased:' || id"},
    ),
    "credit_entries": Holding(
        "Movements of what the shop owed",
        "credit_id IN (SELECT id FROM credits WHERE user_id = :user)",
        why=_TAX,
        section="credit_entries",
        shown=_cols("id delta_minor cause note at"),
        plain=_cols("credit_id order_id"),
        kept=dict.fromkeys(_cols("id delta_minor cause note at"), _TAX),
    ),
    "credits": Holding(
        "What the shop owes; gift cards belong to whoever has the code",
        "user_id = :user",
        why=_TAX,
        section="credits",
        shown=_cols("id kind currency balance_minor created_at"),
        secret=_cols("code_digest last4"),
        plain=_cols("user_id expires_at active"),
        kept={
            **dict.fromkeys(_cols("id kind currency balance_minor created_at"), _TAX),
            **dict.fromkeys(_cols("code_digest last4"), "of gift cards, which are nobody's"),
        },
    ),
    "order_signals": Holding(
        "What tries to pay for an order have in common with others, as keyed digests",
        OF_ORDER,
        _DELETED,
        "eight days",
        secret=_cols("account card fingerprint address device"),
        plain=_cols("order_id round card_country countries declined at"),
    ),
    "order_risks": Holding(
        "How risky an order was, and who let it go on",
        OF_ORDER,
        why="decisions about orders are kept as long as these",
        section="risk",
        under="orders",
        shown=_cols("score outcome scored_at expires_at decided decided_at"),
        plain=_cols("order_id round reasons decided_by"),
        kept=dict.fromkeys(_cols("score outcome scored_at expires_at decided decided_at"), _NOBODY_LEFT),
    ),
    "order_notes": Holding(
        "What staff wrote about an order; sealed",
        OF_PERSON,
        _CHANGED,
        "that something was written",
        section="order_notes",
        shown=_cols("at"),
        sealed={"body": "note"},
        plain=_cols("id order_id person_id author_id"),
        blanked={"body": _EMPTY},
        kept={"at": _NOBODY_LEFT},
    ),
    "order_drafts": Holding(
        "Orders that staff prepared; e-mail and address are sealed",
        OF_PERSON,
        _CHANGED,
        "that there was one",
        section="draft_orders",
        shown=_cols("number state created_at"),
        sealed={"email": "email", "shipping_address": "shipping_address"},
        plain=_cols(
            "id cart_id user_id person_id shipping_method free_shipping for_order_id order_id created_by expires_at"
        ),
        blanked={
            "email": _EMPTY,
            "shipping_address": _EMPTY,
            "state": "CASE WHEN state = 'open' THEN 'cancelled' ELSE state END",
        },
        kept=dict.fromkeys(_cols("number created_at"), _NOBODY_LEFT),
    ),
    "order_lines": Holding(
        "What was bought, at which price",
        OF_ORDER,
        why=_TAX,
        section="lines",
        under="orders",
        shown=_cols(
            "position variant_id sku name options quantity unit_price_minor discount_minor total_minor "
            "tax_minor tax_rate tax_included"
        ),
        plain=_cols("id order_id"),
        kept=dict.fromkeys(
            _cols(
                "position variant_id sku name options quantity unit_price_minor discount_minor total_minor "
                "tax_minor tax_rate tax_included"
            ),
            _TAX,
        ),
    ),
    "order_events": Holding(
        "The order's log",
        OF_ORDER,
        why=_TAX,
        section="events",
        under="orders",
        shown=_cols("seq type at data request_id"),
        plain=_cols("order_id"),
        kept=dict.fromkeys(_cols("seq type at data request_id"), "it holds states and amounts, never names"),
    ),
    "invoice_files": Holding(
        "The printed invoices, sealed",
        "invoice_id IN (SELECT id FROM invoices WHERE person_id = ANY(:persons))",
        _CHANGED,
        "a digest of the file, to prove what was once printed",
        secret=_cols("sealed"),
        plain=_cols("invoice_id due_at attempts last_error sha256 size made_at"),
        blanked={"sealed": "NULL"},
    ),
    "invoices": Holding(
        "Invoices and credit notes; who bought is sealed",
        OF_PERSON,
        _CHANGED,
        "number, amounts, tax and date: " + _TAX,
        section="invoices",
        shown=_cols("id order_id code kind currency total_minor tax_minor document issued_at"),
        sealed={"buyer": "buyer"},
        plain=_cols("series number refund_id person_id"),
        blanked={"buyer": _EMPTY},
        kept=dict.fromkeys(_cols("id order_id code kind currency total_minor tax_minor document issued_at"), _TAX),
    ),
    "payments": Holding(
        "Rounds of paying for an order, and how far the money came",
        OF_ORDER,
        why=_TAX,
        section="payments",
        under="orders",
        shown=_cols(
            "round provider provider_ref currency amount_minor authorized_minor captured_minor "
            "refunded_minor refunding_minor voided_at created_at"
        ),
        plain=_cols("order_id"),
        kept=dict.fromkeys(
            _cols(
                "round provider provider_ref currency amount_minor authorized_minor captured_minor "
                "refunded_minor refunding_minor voided_at created_at"
            ),
            _TAX,
        ),
    ),
    "orders": Holding(
        "Orders; e-mail and addresses are sealed",
        "id = ANY(:orders)",
        _CHANGED,
        "number, amounts, tax, country and dates: " + _TAX,
        section="orders",
        shown=_cols(
            "id number client_reference country status payment_status fulfilment_status "
            "hold_reason failure_code priority priority_reason currency subtotal_minor "
            "discount_minor shipping_minor tax_minor tax_included_minor shipping_tax_minor tax_lines "
            "total_minor credit_minor shipping_method deliver_from "
            "deliver_to placed_at confirmed_at packing_at delivered_at expected_from expected_to"
        ),
        sealed={"email": "email", "shipping_address": "shipping_address", "billing_address": "billing_address"},
        secret=_cols("caller payment_token payment_token_sealed next_action"),
        plain=_cols("user_id person_id cart_id payment_method_id payment_round event_seq request_id digest"),
        blanked={
            "email": _EMPTY,
            "shipping_address": _EMPTY,
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
                _cols(
                    "id number status payment_status fulfilment_status hold_reason failure_code priority "
                    "priority_reason currency subtotal_minor discount_minor shipping_minor tax_minor "
                    "tax_included_minor shipping_tax_minor tax_lines total_minor credit_minor "
                    "shipping_method deliver_from deliver_to placed_at confirmed_at packing_at delivered_at "
                    "expected_from expected_to"
                ),
                _TAX,
            ),
        },
    ),
    # --- after the payment ------------------------------------------------------------------------------
    "line_progress": Holding(
        "How far each line has come, and what of its money went back",
        OF_ORDER,
        why=_TAX,
        section="progress",
        under="orders",
        shown=_cols(
            "line_id ordered cancelled packed shipped delivered returned announced paid_minor given_back_minor"
        ),
        plain=_cols("order_id"),
        kept=dict.fromkeys(
            _cols("line_id ordered cancelled packed shipped delivered returned announced paid_minor given_back_minor"),
            _TAX,
        ),
    ),
    "order_given_back": Holding(
        "How much of an order's money went back",
        OF_ORDER,
        why=_TAX,
        plain=_cols("order_id total_minor shipping_minor given_minor shipping_given_minor refunds"),
    ),
    "refunds": Holding(
        "Money given back",
        OF_ORDER,
        why=_TAX,
        section="refunds",
        under="orders",
        shown=_cols(
            "number cause currency amount_minor card_minor credit_minor store_credit_minor shipping_minor tax_minor at"
        ),
        plain=_cols("id order_id by"),
        kept=dict.fromkeys(
            _cols(
                "number cause currency amount_minor card_minor credit_minor store_credit_minor shipping_minor "
                "tax_minor at"
            ),
            _TAX,
        ),
    ),
    "refund_lines": Holding(
        "What of a refund was for which line",
        "refund_id IN (SELECT id FROM refunds WHERE order_id = ANY(:orders))",
        why=_TAX,
        plain=_cols("refund_id line_id quantity amount_minor tax_minor"),
    ),
    "parcels": Holding(
        "Parcels; what the carrier calls them and their labels are sealed",
        OF_ORDER,
        _CHANGED,
        "that a parcel went out stays known, not under which number",
        section="parcels",
        under="orders",
        shown=_cols("number carrier state deliver_from deliver_to packed_at shipped_at delivered_at"),
        secret=_cols("tracking label"),
        plain=_cols("id order_id exception_code told_at send_at attempts last_error"),
        blanked={"tracking": "NULL", "label": "NULL"},
        kept=dict.fromkeys(
            _cols("number carrier state deliver_from deliver_to packed_at shipped_at delivered_at"), _NOBODY_LEFT
        ),
    ),
    "parcel_lines": Holding(
        "What is in a parcel",
        "parcel_id IN (SELECT id FROM parcels WHERE order_id = ANY(:orders))",
        why=_TAX,
        plain=_cols("parcel_id line_id quantity"),
    ),
    "parcel_events": Holding(
        "What carriers said of parcels, without places and names",
        "parcel_id IN (SELECT id FROM parcels WHERE order_id = ANY(:orders))",
        why=_TAX,
        plain=_cols("parcel_id key state code at taken noted_at"),
    ),
    "carrier_cursors": Holding("Up to where carriers' events were read", plain=_cols("carrier cursor read_at")),
    # --- the account and the key ------------------------------------------------------------------------
    "users": Holding(
        "The account",
        "id = :user",
        _CHANGED,
        "a row under a random name stays, so that orders and the audit log still refer to something",
        section="account",
        shown=_cols(
            "id username locale email_verified_at vip tax_exempt segment order_count spent_minor spent disabled_at "
            "created_at"
        ),
        sealed={"email": "email", "first_name": "first_name", "last_name": "last_name", "phone": "phone"},
        secret=_cols("email_index password_hash"),
        plain=_cols("person_id event_seq version erased_at"),
        blanked={
            "username": "'erased-' || left(replace(CAST(gen_random_uuid() AS text), '-', ''), 24)",
            "email": _EMPTY,
            "email_index": "uuid_send(gen_random_uuid())",
            "first_name": _EMPTY,
            "last_name": _EMPTY,
            "phone": "NULL",
            "locale": "'en'",
            "segment": "NULL",
            "password_hash": "'!'",
            "email_verified_at": "NULL",
            "vip": "false",
            "tax_exempt": "false",
            "event_seq": "0",
            "version": "version + 1",
            "disabled_at": "coalesce(disabled_at, now())",
            "erased_at": "now()",
        },
        kept={
            "id": _NOBODY_LEFT,
            "order_count": "the sum of orders that are kept",
            "spent_minor": "the sum of orders that are kept",
            "spent": "the sums of orders that are kept, by currency",
            "created_at": _NOBODY_LEFT,
        },
    ),
    "persons": Holding(
        "The key that seals everything else, wrapped by a master key",
        "id = ANY(:persons)",
        _CHANGED,
        "an id without a key",
        secret=_cols("key_id wrapped_key"),
        plain=_cols("id created_at erased_at"),
        blanked={"key_id": "NULL", "wrapped_key": "NULL", "erased_at": "now()"},
    ),
    # --- kept for the shop's own account ----------------------------------------------------------------
    "audit_log": Holding(
        "Who did what to what: ids and names of fields, and the network a request came from",
        why="nobody can change it, so nothing personal may stand in it; the ids in it name nobody after an erasure",
        plain=_cols("chain seq at actor action target outcome data network request_id previous mac"),
    ),
    "audit_heads": Holding("The last entry of each chain", plain=_cols("chain seq mac written_at")),
    # --- work on orders and payments: ids, amounts and states ------------------------------------------------
    "order_processing": Holding(
        "Work on orders",
        plain=_cols(
            "order_id queue step attempt lease_token lease_until next_run_at hinted_at "
            "waiting_since started_at ended_at last_error position entered_at taken_at tries retries "
            "stopped_at stopped_why"
        ),
    ),
    "order_stages": Holding(
        "Stages of work that orders have passed",
        plain=_cols(
            "order_id position stage entered_at started_at ended_at attempts outcome error wait_reason retries"
        ),
    ),
    "order_transitions": Holding("Moves the database allows", plain=_cols("field before after")),
    "payment_attempts": Holding(
        "Calls to the payment provider, by order",
        plain=_cols("key order_id round kind amount_minor state code look_ups number reason created_at resolved_at"),
    ),
    "payment_books": Holding(
        "Up to when the books of payment providers were compared", plain=_cols("provider look checked_until")
    ),
    "payment_breaks": Holding(
        "Where the books of the payment provider, of payments and of orders differ",
        plain=_cols(
            "id kind provider subject provider_ref order_id currency expected_minor found_minor detail state opened_at"
            " seen_at closed_at closed_by note"
        ),
    ),
    "payment_webhooks": Holding(
        "Events of the payment provider, which name charges and amounts",
        plain=_cols("provider event_id payload received_at"),
    ),
    "stock_holds": Holding(
        "Units promised to carts and orders",
        plain=_cols("id cart_id order_id state expires_at warned_at created_at"),
    ),
    "stock_hold_lines": Holding("How many units", plain=_cols("hold_id variant_id quantity")),
    "stock_movements": Holding("Movements of stock", plain=_cols("id variant_id delta cause order_id note at")),
    # --- of nobody ------------------------------------------------------------------------------------------
    "promotions": Holding(
        "Offers",
        plain=_cols(
            "id name label kind automatic active exclusive priority rate amounts tiers buy get minimums category_ids "
            "product_ids segments first_order starts_at ends_at total_limit person_limit used version created_at"
        ),
    ),
    "promotion_codes": Holding("Codes of offers", plain=_cols("code promotion_id active total_limit used created_at")),
    "stock_items": Holding("Stock", plain=_cols("variant_id on_hand held low_at")),
    "low_stock": Holding("What runs low", plain=_cols("variant_id since")),
    "categories": Holding("The catalogue", plain=_cols("id parent_id path slug name position version")),
    "products": Holding(
        "The catalogue",
        plain=_cols(
            "id slug name description category_id tax_class attributes options image images card price_minor "
            "rating_average rating_count sold_count published_at withdrawn_at next_change_at created_at "
            "updated_at"
        ),
    ),
    "variants": Holding(
        "The catalogue",
        plain=_cols(
            "id product_id sku options currency price_minor compare_at_minor sale_price_minor sale_from sale_until "
            "image picture_id weight_grams position"
        ),
    ),
    "pictures": Holding("Pictures of products", plain=_cols("id product_id position alt created_at")),
    "picture_files": Holding("Which files a picture has", plain=_cols("picture_id format width height digest")),
    "media_files": Holding(
        "The files of pictures, without what came with them: place, time, camera",
        why="a day after no picture has them any more",
        plain=_cols("digest format body wanted_at"),
    ),
    "attributes": Holding("The catalogue", plain=_cols("name label facetable position version")),
    "attribute_values": Holding("The catalogue", plain=_cols("id attribute value")),
    "category_slugs": Holding("The catalogue's old addresses", plain=_cols("slug category_id replaced_at")),
    "category_tallies": Holding("How much each category holds", plain=_cols("id category_id products")),
    "product_slugs": Holding("The catalogue's old addresses", plain=_cols("slug product_id replaced_at")),
    "product_relations": Holding("What goes with what", plain=_cols("product_id related_id position")),
    "variant_prices": Holding(
        "Prices in other currencies",
        plain=_cols("variant_id currency price_minor compare_at_minor sale_price_minor updated_at"),
    ),
    "cart_shares": Holding(
        "What lay in a cart that was shared, without whose it was",
        why="30 days",
        plain=_cols("id items created_at expires_at"),
    ),
    "price_changes": Holding(
        "What prices were",
        plain=_cols("id variant_id at price_minor compare_at_minor sale_price_minor sale_from sale_until"),
    ),
    "listings": Holding(
        "What lists of products filter and sort by",
        plain=_cols(
            "product_id category_id published_us price_minor rating_rank popularity rating in_stock attribute_ids"
        ),
    ),
    "listing_prices": Holding(
        "What products cost in other currencies", plain=_cols("product_id currency price_minor was_minor variant_id")
    ),
    "product_texts": Holding("What is searched of products", plain=_cols("product_id title codes labels body tsv")),
    "catalog_words": Holding("Words of products", plain=_cols("word fragments")),
    "imports": Holding(
        "Files of products, prices and stock on their way in",
        why="30 days after their end",
        plain=_cols(
            "id kind name state stopped_in mode dry_run header columns delimiter line_end size_bytes position "
            "next_row rows_read rows_good rows_bad rows_new rows_applied applied_row attempt lease_token lease_until "
            "next_run_at told_at created_at changed_at ended_at failure last_error"
        ),
    ),
    "import_chunks": Holding("Such a file, until its import ends", plain=_cols("import_id number body")),
    "import_rows": Holding("What was read of it, until then", plain=_cols("import_id row sku slug data")),
    "import_products": Holding("What was read of it, until then", plain=_cols("import_id slug said")),
    "import_touched": Holding("What it changed, until then", plain=_cols("import_id product_id")),
    "import_errors": Holding("What is wrong with its rows", plain=_cols("id import_id row field reason detail")),
    "shipping_methods": Holding(
        "Ways of shipping",
        plain=_cols(
            "code name kind zone_code currency price_minor priced_by free_from_minor min_weight_grams max_weight_grams "
            "min_value_minor max_value_minor min_days max_days note position active"
        ),
    ),
    "shipping_bands": Holding("What they cost", plain=_cols("method_code starts_at price_minor")),
    "shipping_zones": Holding("Where they go", plain=_cols("code name position")),
    "shipping_zone_places": Holding("Where they go", plain=_cols("country region zone_code")),
    "holidays": Holding("Days without work", plain=_cols("day name")),
    "shipping_settings": Holding(
        "The shop's working day and home",
        plain=_cols(
            "id timezone cut_off handling_days working_days orders_per_day waiting_orders waiting_at home_country "
            "home_region"
        ),
    ),
    "tax_classes": Holding("Goods that are taxed alike", plain=_cols("code name position")),
    "tax_rates": Holding("Rates of tax", plain=_cols("id tax_class country region name millionths replaces")),
    "tax_settings": Holding("How the shop taxes", plain=_cols("id prices_include_tax shipping_class")),
    "canned_replies": Holding("Words that staff use often", plain=_cols("id title body version created_at")),
    "roles": Holding("Sets of permissions", plain=_cols("name permissions description built_in")),
    "outbox": Holding(
        "Live frames and task hints on their way: ids, states and amounts",
        why="10 minutes after they were sent",
        plain=_cols("id frames tasks created_at lease_until sent_at"),
    ),
    "invoice_series": Holding("Numbers of invoices", plain=_cols("name kind last_number last_at")),
    "shop_logos": Holding("The shop's mark", plain=_cols("digest body added_at")),
    "shop_settings": Holding("What staff set", plain=_cols("name value version changed_by changed_at")),
    "fact_listeners": Holding("Who wants to know of every fact", plain=_cols("consumer task queue")),
    "webhook_endpoints": Holding(
        "Other systems of the shop that are told of events; their secrets stand sealed",
        plain=_cols(
            "id name url events state secret previous_secret previous_until failures failing_since open_until "
            "lease_token lease_until version created_by created_at"
        ),
    ),
    "webhook_events": Holding(
        "What they are told: ids, states and amounts",
        why="30 days",
        plain=_cols("seq id source type data at noted_at"),
    ),
    "webhook_deliveries": Holding(
        "What became of telling them",
        why="as long as the event",
        plain=_cols("id endpoint_id event_seq state attempts next_run_at created_at ended_at"),
    ),
    "webhook_attempts": Holding(
        "Each try to tell them",
        why="as long as the event",
        plain=_cols("id delivery_id at status error milliseconds"),
    ),
    "periodic_jobs": Holding("Upkeep", plain=_cols("name queue every_seconds next_run_at")),
    "worker_canaries": Holding("Signs of life", plain=_cols("queue seen_at")),
    "relay_beats": Holding("Signs of life", plain=_cols("name seen_at")),
}
