"""Invoices and credit notes: issued once, frozen, adding up, the same bytes for ever, closed to strangers."""

import hashlib

import pytest
from sqlalchemy.exc import DBAPIError

from quickshop.invoices import issuing, printing, queries
from quickshop.invoices.errors import NoInvoice
from quickshop.kernel import db, facts
from quickshop.kernel.errors import NotFound
from quickshop.kernel.money import Money
from quickshop.kernel.unit_of_work import run_unit
from quickshop.orders import refunding
from quickshop.orders.viewers import Viewer
from quickshop.privacy import erasing
from quickshop.shop import service as shop
from quickshop.shop.rules import DETAILS
from quickshop.tax import service as tax
from tests.factories import invoices, promotions
from tests.factories.invoices import STAFF, an_invoiced_order, issue, papers, print_due, text_of
from tests.factories.returns import deliver
from tests.factories.shop import (
    ADDRESS,
    a_cart,
    a_confirmed_order,
    a_declined_order,
    a_member,
    a_variant,
    an_order,
    cancel,
    log_of,
    look,
    order_cart,
    refund,
)

pytestmark = pytest.mark.usefixtures("core", "gateway")


def document(order, kind="invoice"):
    sql = "SELECT document FROM invoices WHERE order_id = :id AND kind = :kind ORDER BY number"
    return look(sql, id=order.id, kind=kind)[-1].document


def file_of(order):
    return printing.invoice_file(order.number, STAFF)


def named(**details):
    run_unit(lambda: shop.set_value(DETAILS, {"name": "Nordlicht", **details}))


def adds_up(paper):
    """What is printed sums to the total: lines and what follows, what was paid, and the tax by rate."""
    lines = sum(line["minor"] for line in paper["lines"])
    sums = {s["kind"]: s["minor"] for s in paper["sums"] if s["kind"] != "discount"}
    off = sum(s["minor"] for s in paper["sums"] if s["kind"] == "discount")
    if paper["kind"] == "invoice":
        assert lines == sums.pop("subtotal")
    assert lines + sum(sums.values()) + off == paper["total_minor"] == sum(p["minor"] for p in paper["paid"])
    assert sum(t["minor"] for t in paper["tax"]) == paper["tax_minor"]


# --- issuing -------------------------------------------------------------------------------------------


def test_a_confirmed_order_gets_one_invoice_and_its_log_tells():
    order = a_confirmed_order(caller=a_member())
    assert issue() == 1
    (paper,) = papers(order)
    assert paper["number"].startswith("INV-") and paper["number"].endswith("-000001")
    assert (paper["kind"], paper["total"]["amount"]) == ("invoice", order.total)
    assert log_of(order)[-1] == "order.invoiced"
    assert issue() == 0


def test_a_fact_that_comes_again_issues_nothing_more():
    order = an_invoiced_order()
    run_unit(lambda: facts.leave("invoices", "order.confirmed", {"order_id": str(order.id)}))
    assert issue() == 0
    assert len(papers(order)) == 1


@pytest.mark.parametrize("make", [an_order, a_declined_order])
def test_an_order_that_was_not_paid_gets_none(make):
    order = make()
    assert issue() == 0
    with pytest.raises(NoInvoice):
        file_of(order)


def test_numbers_of_a_series_follow_each_other_and_so_do_their_times():
    for _ in range(3):
        a_confirmed_order()
    assert issue() == 3
    rows = look("SELECT number, issued_at FROM invoices ORDER BY number")
    assert [r.number for r in rows] == [1, 2, 3]
    assert sorted(r.issued_at for r in rows) == [r.issued_at for r in rows]
    assert [(s["last_number"], s["whole"]) for s in queries.series()] == [(3, True)]


def test_an_order_that_cannot_be_invoiced_keeps_nobody_else_from_theirs(monkeypatch):
    broken, fine = a_confirmed_order(), a_confirmed_order()
    one_by_one = issuing.bring_up_to_date

    def refuses(order_id):
        if order_id == broken.id:
            raise ZeroDivisionError
        return one_by_one(order_id)

    with monkeypatch.context() as patch:
        patch.setattr(issuing, "bring_up_to_date", refuses)
        assert issue() == 1
    assert (papers(broken), len(papers(fine))) == ([], 1)
    assert issue() == 1
    assert papers(broken)[0]["number"].endswith("-000002")


def test_a_number_whose_issue_fails_is_given_to_the_next(monkeypatch):
    broken = a_confirmed_order()

    def tell(*_args):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(issuing.order_log, "tell", tell)
        assert issue() == 0
    assert queries.series() == []
    assert issue() == 1
    assert papers(broken)[0]["number"].endswith("-000001")


def test_prefixes_name_the_series_and_a_series_counts_one_kind():
    named(invoice_prefix="RE", credit_prefix="GS")
    order = an_invoiced_order()
    assert papers(order)[0]["number"].startswith("RE-")
    named(invoice_prefix="GS", credit_prefix="RE")
    other = a_confirmed_order()
    assert issue() == 1  # no credit note was issued yet: GS is free
    assert papers(other)[0]["number"].startswith("GS-")


def test_a_prefix_that_once_counted_the_other_kind_issues_nothing_until_it_is_changed():
    order = an_invoiced_order()
    named(invoice_prefix="RE", credit_prefix="INV")
    refund(order, 100)
    assert issue() == 0
    named()
    assert issue() == 1
    assert papers(order)[1]["number"].startswith("CN-")


# --- what it says --------------------------------------------------------------------------------------


def taxed_with_codes():
    """A cart in which all happens: two rates contained in the prices, a percentage off, a gift card."""
    mug, book = a_variant(price=2999), a_variant(price=1250)

    def set_up():
        tax.set_tax_settings(prices_include_tax=True, shipping_class="standard")
        tax.set_class("reduced", "Reduced")
        for name, tax_class, rate in (("VAT", "standard", 200_000), ("VAT, reduced", "reduced", 50_000)):
            tax.set_rate(None, tax_class=tax_class, country="GB", region="", name=name, millionths=rate)
        db.run(
            "UPDATE products SET tax_class = 'reduced' WHERE id = (SELECT product_id FROM variants WHERE id = :v)",
            v=book,
        )

    run_unit(set_up)
    promotions.a_promotion(rate=1000, code="AUTUMN")
    _, code = promotions.a_gift_card(1200)
    return promotions.with_codes(a_cart({mug: 2, book: 3}), "AUTUMN", code)


def test_an_invoice_sums_to_what_was_paid_and_its_tax_by_rate():
    named(tax_id="GB 123", legal_name="Nordlicht Ltd", address="1 Quay\nLeeds")
    order = order_cart(taxed_with_codes())
    invoices.confirm(order)
    issue()
    paper = document(order)
    adds_up(paper)
    assert {t["rate"] for t in paper["tax"]} == {"20", "5"}
    assert {p["kind"]: p["minor"] for p in paper["paid"]}["credit"] == 1200
    said = text_of(file_of(order).body)
    for words in ("Label ", "VAT 20% GB", "VAT, reduced 5% GB", "Paid with gift card or store credit 12.00",
                  "GB 123", "Nordlicht Ltd", "Robin Ashdown", "LS1 4AB", order.number):  # fmt: skip
        assert words in said


def test_each_refund_gets_a_credit_note_that_sums_to_it():
    order = order_cart(taxed_with_codes())
    invoices.confirm(order)
    run_unit(lambda: refunding.refund(order.number, None, None, None, lines={1: 1}))
    run_unit(lambda: refunding.refund(order.number, None, None, None, shipping=Money(500, "USD")))
    refund(order, 300)
    assert issue() == 4
    assert [p["kind"] for p in papers(order)] == ["invoice"] + ["credit_note"] * 3
    sql = "SELECT i.document, r.amount_minor, r.tax_minor FROM invoices i JOIN refunds r ON r.id = i.refund_id"
    for row in look(sql):
        adds_up(row.document)
        assert (row.document["total_minor"], row.document["tax_minor"]) == (row.amount_minor, row.tax_minor)
    code = papers(order)[1]["number"]
    said = text_of(printing.paper_file(order.number, code, STAFF).body)
    assert "Credit note" in said and papers(order)[0]["number"] in said
    assert log_of(order)[-4:] == ["order.invoiced"] + ["order.credited"] * 3


def test_an_order_cancelled_before_its_invoice_was_issued_gets_both_papers():
    order = a_confirmed_order()
    cancel(order)
    assert issue() == 2
    invoice, note = papers(order)
    assert invoice["total"] == note["total"]
    assert document(order, "credit_note")["cause"] == "cancellation"


def test_what_staff_change_later_changes_no_paper(monkeypatch):
    named(legal_name="Before Ltd")
    order = an_invoiced_order()
    named(legal_name="After Ltd")
    assert "Before Ltd" in text_of(file_of(order).body)


# --- the file ------------------------------------------------------------------------------------------


def test_the_file_is_made_once_whoever_makes_it_first():
    first, second = an_invoiced_order(), an_invoiced_order()
    asked = file_of(first)  # by somebody who could not wait
    assert print_due() == 1
    assert print_due() == 0
    for order, body in ((first, asked.body), (second, file_of(second).body)):
        assert file_of(order).body == body
        assert papers(order)[0]["sha256"] == hashlib.sha256(body).hexdigest()


def test_two_who_print_at_once_get_the_same_file(monkeypatch):
    order = an_invoiced_order()
    mine = []

    def slower(paper):
        mine.append(file_of(order).body)  # somebody else was quicker
        return b"%PDF other bytes"

    assert printing.invoice_file(order.number, STAFF, slower).body == mine[0]


def test_a_file_that_cannot_be_made_is_tried_again_and_says_why():
    order = an_invoiced_order()

    def broken(paper):
        raise ZeroDivisionError

    with invoices.as_worker():
        assert printing.print_due(broken) == 0
        assert printing.print_due(broken) == 0  # not at once
    (row,) = look("SELECT attempts, last_error, due_at > now() AS later FROM invoice_files")
    assert tuple(row) == (1, "ZeroDivisionError", True)
    assert file_of(order).body.startswith(b"%PDF")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE invoices SET total_minor = total_minor + 1",
        "UPDATE invoices SET document = document || '{\"total_minor\": 1}'",
        "UPDATE invoices SET number = number + 1",
        "UPDATE invoice_series SET last_number = last_number + 2",
        "UPDATE invoice_series SET last_number = last_number",
        "UPDATE invoice_files SET sealed = 'other'",
        "UPDATE invoice_files SET sha256 = 'other'",
    ],
)
def test_the_database_lets_nobody_change_what_was_issued(change, servers):
    an_invoiced_order()
    print_due()
    with pytest.raises(Exception, match="does not change"):
        servers.run(change)


@pytest.mark.parametrize("table", ["invoices", "invoice_series", "invoice_files"])
def test_no_process_of_the_web_may_delete_papers(table):
    an_invoiced_order()
    with pytest.raises(DBAPIError, match="permission denied"):
        run_unit(lambda: db.run(f"DELETE FROM {table}"))


# --- who may see it ------------------------------------------------------------------------------------


def test_a_paper_is_for_its_buyer_and_staff():
    member = a_member()
    order, other = an_invoiced_order(caller=member), an_invoiced_order()
    code = papers(order)[0]["number"]
    assert printing.paper_file(order.number, code, Viewer(user_id=member.user_id)).code == code
    with pytest.raises(NotFound):
        printing.paper_file(order.number, code, Viewer(user_id=a_member().user_id))
    guest = Viewer(order_token=other.document["token"])
    assert printing.invoice_file(other.number, guest).body
    with pytest.raises(NotFound):
        printing.paper_file(other.number, code, guest)  # of another order
    with pytest.raises(NotFound):
        queries.order_invoices(order.number, guest)


def test_staff_find_papers_by_number_order_and_kind():
    order, other = an_invoiced_order(), an_invoiced_order()
    refund(order, 100)
    issue()
    found = lambda **asked: [p["order"] for p in queries.list_invoices(**asked)["items"]]  # noqa: E731
    assert found() == [order.number, other.number, order.number]
    assert found(kind="credit_note") == [order.number]
    assert found(q=other.number) == [other.number]
    assert found(q="inv-") == [other.number, order.number]
    assert found(q="%") == []
    page = queries.list_invoices(limit=2)
    assert [p["order"] for p in queries.list_invoices(limit=2, cursor=page["next_cursor"])["items"]] == [order.number]


# --- erasure -------------------------------------------------------------------------------------------


def test_an_erasure_takes_the_buyer_and_the_file_and_leaves_number_amounts_and_digest():
    member = a_member()
    printed, unprinted = an_invoiced_order(caller=member), an_invoiced_order(caller=member)
    before = file_of(printed).body
    for order in (printed, unprinted):
        deliver(order)
    run_unit(lambda: db.run("UPDATE order_processing SET step = 'done', next_run_at = NULL, ended_at = now(),"
                            " lease_token = NULL, lease_until = NULL"))  # fmt: skip
    erasing.erase_account(member.user_id)
    assert print_due() == 0
    for order in (printed, unprinted):
        said = text_of(file_of(order).body)
        assert ADDRESS["name"] not in said and "erased" in said
        assert papers(order)[0]["total"]["amount"] == order.total
    assert papers(printed)[0]["sha256"] == hashlib.sha256(before).hexdigest()
    assert look("SELECT count(*) AS n FROM invoice_files WHERE sealed IS NOT NULL")[0].n == 0
    assert look("SELECT count(*) AS n FROM invoices WHERE buyer <> ''")[0].n == 0


def test_an_order_of_somebody_erased_before_its_invoice_gets_one_without_a_buyer():
    order = a_confirmed_order()
    run_unit(lambda: db.run("UPDATE persons SET wrapped_key = NULL, key_id = NULL, erased_at = now()"))
    assert issue() == 1
    assert "erased" in text_of(file_of(order).body)
