"""The shop's protections, each with a way to take it away and the tests that must then fail.

A suite proves a protection only if it turns red without it.
"""

import contextlib
import importlib
from dataclasses import dataclass, replace
from unittest import mock

from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import steps, undoing
from quickshop.payments.gateways.port import Answer, AnswerState
from quickshop.payments.rules import Outcome
from quickshop.support.states import Side


@dataclass(frozen=True)
class Guard:
    """A protection: what it is, how it is taken away (patched attributes, SQL), how SQL is undone, whom it fails.

    A patch is (module, attribute, how the new value is made from the old one).
    """

    what: str
    tests: tuple[str, ...]
    patches: tuple = ()
    sql: str = ""
    undo: str = ""


def _without(*conditions):
    """Statements in which the conditions are always true; their parameters stay."""

    def weaken(sql):
        for condition in conditions:
            assert condition in sql, f"the guard has moved: {condition!r} is not in the statement"
            sql = sql.replace(condition, f"({condition} OR true)")
        return sql

    return weaken


def _instead(value):
    return lambda _: value


def _forgotten(work):
    """A void that asks nobody."""
    steps.own(work)
    undoing._nothing_reserved(work)


_LEASE = _without("lease_token = :lease")
_TWO_FACTOR = "tests/api/test_two_factor.py::"
_PLACING = "tests/services/test_placing.py::"
_PROCESSING = "tests/services/test_processing.py::"
_TICKETS = "tests/api/test_tickets.py::"

GUARDS = {
    "lease-fence": Guard(
        "a worker writes only while it owns the step",
        (
            _PROCESSING + "test_a_worker_whose_step_was_only_taken_over_hits_no_row",
            _PROCESSING + "test_a_stale_lease_moves_nothing_even_where_the_state_fits",
        ),
        (
            ("quickshop.orders.log", "_FENCED", _LEASE),
            ("quickshop.orders.log", "_STEP", _LEASE),
            ("quickshop.orders.steps", "own", _instead(lambda work: None)),
        ),
    ),
    "lease": Guard(
        "a step that somebody owns is not taken",
        (
            _PROCESSING + "test_a_step_that_somebody_owns_is_left_alone",
            "tests/races/test_order_races.py::test_an_order_processed_by_ten_at_once_is_charged_once",
        ),
        (("quickshop.orders.steps", "_TAKE", _without("(lease_until IS NULL OR lease_until < now())")),),
    ),
    "conditional-stock": Guard(
        "units are promised only while there are some",
        (
            _PLACING + "test_every_shortage_is_told_in_one_refusal",
            "tests/races/test_stock_races.py::test_units_taken_while_a_buyer_waits_are_gone",
            "tests/races/test_http_races.py::test_a_hundred_shoppers_of_ten_units_hear_202_ten_times_and_out_of_stock_"
            "ninety_times",
        ),
        (
            ("quickshop.inventory.service", "_HOLD", _without("l.on_hand - l.held >= l.quantity")),
            ("quickshop.inventory.service", "refuse_shortage", _instead(lambda wanted: None)),
        ),
    ),
    "stock-checks": Guard(
        "no more is held than there is, whoever writes",
        ("tests/services/test_transitions_in_database.py::test_sums_that_do_not_hold_cannot_be_written",),
        sql="ALTER TABLE stock_items DROP CONSTRAINT ck_stock_items_held_within_on_hand",
        undo="ALTER TABLE stock_items ADD CONSTRAINT ck_stock_items_held_within_on_hand"
        " CHECK (held >= 0 AND held <= on_hand)",
    ),
    "idempotency-constraint": Guard(
        "a key is bound once",
        ("tests/services/test_idempotency_keys.py::test_a_key_is_bound_once_even_past_the_lock",),
        sql="ALTER TABLE idempotency_keys DROP CONSTRAINT pk_idempotency_keys",
        undo="DELETE FROM idempotency_keys; ALTER TABLE idempotency_keys"
        " ADD CONSTRAINT pk_idempotency_keys PRIMARY KEY (caller, route, key)",
    ),
    "idempotency": Guard(
        "a key that was used gives its answer again",
        (
            "tests/races/test_http_races.py::test_fifty_posts_with_one_key_make_one_order",
            "tests/races/test_http_races.py::test_a_key_that_comes_with_another_body_is_refused_and_changes_nothing",
        ),
        (("quickshop.kernel.idempotency", "enter", _instead(lambda place: None)),),
    ),
    "client-reference": Guard(
        "a reference makes one order",
        ("tests/races/test_order_races.py::test_one_reference_makes_one_order_from_many_carts",),
        sql="DROP INDEX uq_orders_client_reference",
        undo="CREATE UNIQUE INDEX uq_orders_client_reference ON orders (caller, client_reference)"
        " WHERE client_reference IS NOT NULL",
    ),
    "cart-claim": Guard(
        "a cart becomes one order",
        (
            "tests/races/test_order_races.py::test_twenty_clicks_on_one_cart_make_one_order",
            _PLACING + "test_a_second_click_returns_the_same_order_and_changes_nothing",
        ),
        (("quickshop.checkout.service", "_claim_cart", _instead(lambda ref, order_id: True)),),
        sql="ALTER TABLE orders DROP CONSTRAINT uq_orders_cart_id",
        undo="ALTER TABLE orders ADD CONSTRAINT uq_orders_cart_id UNIQUE (cart_id)",
    ),
    "price-check": Guard(
        "nobody pays another total than the one they saw",
        (_PLACING + "test_another_total_than_the_shopper_saw_is_refused_with_both",),
        (("quickshop.checkout.service", "_check_total", _instead(lambda expected, totals: None)),),
    ),
    "payment-key": Guard(
        "a call to the gateway keeps its key through every crash",
        (_PROCESSING + "test_a_worker_cut_around_a_call_is_followed_by_one_that_charges_once",),
        (
            (
                "quickshop.payments.service",
                "_BEGIN",
                lambda sql: sql.replace(":key, :order_id", ":key || random(), :order_id"),
            ),
        ),
    ),
    "attempt-cap": Guard(
        "trouble without end has an end",
        (_PROCESSING + "test_five_tries_without_progress_put_the_order_on_hold_for_a_person",),
        (("quickshop.orders.steps", "MOST_ATTEMPTS", _instead(10**9)),),
    ),
    "refund-limit": Guard(
        "no more is given back than was taken, whoever writes",
        ("tests/services/test_cancelling.py::test_the_database_refuses_to_give_back_more_than_was_taken",),
        sql="ALTER TABLE payments DROP CONSTRAINT ck_payments_refunded_within_captured",
        undo="ALTER TABLE payments ADD CONSTRAINT ck_payments_refunded_within_captured CHECK (least(refunded_minor,"
        " refunding_minor) >= 0 AND refunded_minor + refunding_minor <= captured_minor)",
    ),
    "late-challenge": Guard(
        "what the shopper did not confirm in time is let go",
        ("tests/services/test_cancelling.py::test_a_challenge_that_is_over_is_voided_before_its_payment_fails",),
        (
            (
                "quickshop.orders.processing",
                "_expire",
                _instead(lambda work, answer, gateway: (Answer(AnswerState.DECLINED), Outcome.REFUSED)),
            ),
        ),
    ),
    "looked-before-undone": Guard(
        "money of a cancelled order is undone as the provider knows it, not as we do",
        ("tests/races/test_money_races.py::test_cancel_while_a_worker_stands_in_a_call",),
        (("quickshop.orders.undoing", "_let_go", _instead(lambda work, gateway: run_unit(lambda: _forgotten(work)))),),
    ),
    "webhook-once": Guard(
        "a provider's event told twice has one effect",
        ("tests/services/test_unknown_outcomes.py::test_a_webhook_told_twice_has_one_effect",),
        sql="ALTER TABLE payment_webhooks DROP CONSTRAINT pk_payment_webhooks",
        undo="DELETE FROM payment_webhooks; ALTER TABLE payment_webhooks"
        " ADD CONSTRAINT pk_payment_webhooks PRIMARY KEY (provider, event_id)",
    ),
    "ownership": Guard(
        "an order is shown to those it concerns",
        (
            _PLACING + "test_an_order_is_shown_to_its_guest_its_member_and_staff_only",
            "tests/services/test_paying_again_refused.py::test_somebody_elses_order_does_not_exist",
        ),
        (("quickshop.orders.viewers:Viewer", "may_see", _instead(lambda self, order_id, owner: True)),),
    ),
    "transitions": Guard(
        "the database refuses moves that are not in its table",
        ("tests/services/test_transitions_in_database.py::test_the_trigger_allows_the_moves_and_refuses_all_others",),
        sql="DROP TRIGGER orders_moves ON orders",
        undo="CREATE TRIGGER orders_moves BEFORE UPDATE ON orders FOR EACH ROW"
        " WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.payment_status IS DISTINCT FROM NEW.payment_status"
        " OR OLD.fulfilment_status IS DISTINCT FROM NEW.fulfilment_status) EXECUTE FUNCTION check_order_moves()",
    ),
    "code-once": Guard(
        "a code of an authenticator signs in once",
        (
            _TWO_FACTOR + "test_a_code_that_was_used_is_refused_and_the_next_one_is_taken",
            _TWO_FACTOR + "test_twenty_uses_of_one_code_have_one_winner",
        ),
        (("quickshop.accounts.second_factor", "_USE_STEP", _without("last_step < :step")),),
    ),
    "recovery-code-once": Guard(
        "a recovery code signs in once",
        (_TWO_FACTOR + "test_a_recovery_code_signs_in_once_however_it_is_typed",),
        (("quickshop.accounts.second_factor", "_USE_RECOVERY", _without("used_at IS NULL")),),
    ),
    "challenge-once": Guard(
        "a passkey's signature signs in once",
        ("tests/api/test_passkeys.py::test_twenty_uses_of_one_signature_have_one_winner",),
        (("quickshop.accounts.challenges", "_CLOSE", _without("used_at IS NULL")),),
    ),
    "passkey-counter": Guard(
        "a copied passkey is noticed",
        ("tests/api/test_passkeys.py::test_a_counter_that_goes_back_is_refused_and_audited",),
        (("quickshop.accounts.passkeys", "_USE", _without("sign_count < :count")),),
    ),
    "one-delivery": Guard(
        "a fact is told once",
        ("tests/services/test_telling_people.py::test_a_fact_given_twice_is_told_once",),
        (
            (
                "quickshop.notifications.taking",
                "_rows",
                lambda usual: lambda n, *rest: usual(replace(n, fact_key=f"{n.fact_key}:{next(_serial)}"), *rest),
            ),
        ),
    ),
    "conversation-is-ones-own": Guard(
        "a conversation with support is its shopper's",
        (
            _TICKETS + "test_the_guest_of_an_order_asks_by_its_token_and_nobody_else_reads_it",
            _TICKETS + "test_a_members_conversation_is_opened_by_no_token",
            "tests/pages/test_support_pages.py::test_nobody_reads_the_conversation_of_another",
        ),
        (("quickshop.support.holders:Holder", "may_see", _instead(lambda self, ticket: True)),),
    ),
    "notes-are-for-staff": Guard(
        "a note of staff reaches no shopper",
        (_TICKETS + "test_notes_reach_no_shopper_on_any_way",),
        (("quickshop.support.queries", "PUBLIC", _instead(tuple(Side))),),
    ),
    "files-by-content": Guard(
        "a file is what its content says",
        (_TICKETS + "test_hostile_files_are_refused_and_leave_nothing",),
        (("quickshop.support.rules", "sniff", _instead(lambda raw: "text/plain")),),
    ),
    "webhook-addresses": Guard(
        "webhooks reach no network that they may not",
        (
            "tests/services/test_webhook_wire.py::test_other_ways_to_write_this_machine_lead_nowhere",
            "tests/services/test_outbound_webhooks.py::test_private_addresses_are_refused_where_the_operator_has_not_"
            "allowed_them",
        ),
        (("quickshop.webhooks.wire", "refused", _instead(lambda address, private: False)),),
    ),
    "webhook-claim": Guard(
        "an endpoint is sent to by one worker at a time",
        (
            "tests/services/test_outbound_webhooks.py::test_what_a_dying_worker_had_claimed_comes_again_under_the_same_"
            "id",
        ),
        (
            (
                "quickshop.webhooks.delivering",
                "_CLAIM",
                _without("(e.lease_until IS NULL OR e.lease_until < now())"),
            ),
        ),
    ),
}
_serial = iter(range(10**9))


def _owner(path):
    module, _, name = path.partition(":")
    found = importlib.import_module(module)
    return getattr(found, name) if name else found


@contextlib.contextmanager
def removed(guard, servers):
    """The shop without this protection; it is back afterwards."""
    with contextlib.ExitStack() as stack:
        for path, attribute, change in guard.patches:
            owner = _owner(path)
            stack.enter_context(mock.patch.object(owner, attribute, change(getattr(owner, attribute))))
        if guard.sql:
            servers.run(guard.sql)
            stack.callback(servers.run, guard.undo)
            stack.callback(servers.empty)
        yield
