"""What the shop holds of what happened and what was said: logs, messages, support."""

from __future__ import annotations

from collections.abc import Mapping

from quickshop.privacy.holding import (
    BY_VERB,
    CHANGED,
    DELETED,
    EMPTY,
    OF_CALLER,
    OF_FACT,
    OF_PERSON,
    OF_USER,
    Holding,
    cols,
)

HOLDINGS: Mapping[str, Holding] = {
    # --- what happened -----------------------------------------------------------------------------------------
    "account_events": Holding(
        "The account's log",
        OF_USER,
        DELETED,
        "as long as the account",
        section="account_log",
        shown=cols("seq type at data request_id"),
        plain=cols("user_id"),
    ),
    "login_failures": Holding(
        "Counters of failed sign-ins under keyed digests of accounts and addresses",
        None,
        BY_VERB,
        "15 minutes after the last failure; security.lockout clears those of an erased account",
        secret=cols("subject"),
        plain=cols("failures last_at"),
    ),
    "idempotency_keys": Holding(
        "Answers that a repeated call gets again, under the caller's id",
        OF_CALLER,
        DELETED,
        "72 hours",
        secret=cols("caller key request_hash body"),
        plain=cols("route status key_id created_at"),
    ),
    "pending_facts": Holding(
        "Facts that wait to be told to somebody, tokens of cards to be forgotten; what is personal is sealed",
        OF_FACT,
        DELETED,
        "seconds; a token until its provider has forgotten the card, a month at most",
        secret=cols("data"),
        plain=cols("id consumer type created_at"),
    ),
    "deliveries": Holding(
        "Messages that were sent, or wait to be; address and content are sealed",
        OF_PERSON,
        CHANGED,
        "that a message went out stays known, without its words or address",
        section="messages",
        shown=cols("channel kind order_id context locale state happened_at created_at sent_at"),
        secret=cols("sealed device"),
        plain=cols("id fact_key person_id attempts next_run_at last_error resend_of"),
        blanked={
            "sealed": EMPTY,
            "state": "CASE WHEN state = 'pending' THEN 'given_up' ELSE state END",
            "context": "'{}'::jsonb",
            "locale": "'en'",
        },
        kept=dict.fromkeys(
            cols("channel kind order_id happened_at created_at sent_at"),
            "that a message went out, to nobody in particular",
        )
        | {"device": "a keyed digest of a device that is forgotten"},
    ),
    "inbox_messages": Holding(
        "Messages in a member's inbox; names in them are sealed",
        OF_USER,
        DELETED,
        section="inbox",
        shown=cols("id kind order_id context at read_at"),
        sealed={"sealed": "content"},
        plain=cols("user_id fact_key"),
    ),
    "channel_pauses": Holding(
        "Since when a mail server or the like is away", plain=cols("channel failures since try_at reason")
    ),
    # --- conversations with support ----------------------------------------------------------------------------
    "ticket_attachments": Holding(
        "Files that were sent to support; their contents are sealed, and fetched at the ticket's own address",
        OF_PERSON,
        DELETED,
        "two years after the conversation was closed, a day where they were never sent",
        section="ticket_files",
        shown=cols("id ticket_id message_id side type size created_at"),
        sealed={"name": "name"},
        secret=cols("body"),
        plain=cols("person_id"),
    ),
    "ticket_messages": Holding(
        "What was said to support and by it, and what staff noted about it",
        OF_PERSON,
        DELETED,
        "two years after the conversation was closed",
        section="ticket_messages",
        shown=cols("id ticket_id side at"),
        sealed={"body": "text"},
        plain=cols("seq person_id author_id"),
    ),
    "tickets": Holding(
        "Conversations with support",
        OF_PERSON,
        DELETED,
        "two years after they were closed",
        section="tickets",
        shown=cols("id number order_id state created_at moved_at closed_at"),
        sealed={"subject": "subject", "email": "email"},
        secret=cols("email_index"),
        plain=cols("person_id user_id assignee_id message_count version"),
    ),
}
