"""Imports end to end on a real database, done with the rights of a worker: what is taken, what is refused and why."""

import itertools

import pytest

from quickshop.catalog import changing, pricing
from quickshop.imports import exporting, queries, service, working
from quickshop.imports.errors import ColumnsRefused, FileRefused, ImportState, RowsFailed
from quickshop.imports.kinds import Kind
from quickshop.inventory import service as inventory
from quickshop.kernel import db
from quickshop.kernel.ids import new_id
from quickshop.kernel.unit_of_work import reading, run_unit
from quickshop.tax import service as taxes
from tests.factories import imports
from tests.factories.catalog import a_category, a_product, card_of, found
from tests.factories.shop import everything, look, stock_of

COLUMNS = "slug,sku,name,category,price,stock"


@pytest.fixture
def pans(core):
    a_category("Pans")


def sku_of(variant_id):
    return look("SELECT sku FROM variants WHERE id = :id", id=variant_id)[0].sku


@pytest.fixture
def pan(core):
    """A product of the shop with two variants, S at 10.00 and L at 12.00, five of each."""
    _, (small, large) = a_product(
        "Iron pan", prices=(1000, 1200), variant_options=[{"size": "S"}, {"size": "L"}], slug="iron-pan"
    )
    return [sku_of(small), sku_of(large)]


# --- what is done --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", service.MODES)
def test_new_products_are_made_with_variants_prices_stock_and_read_side(pans, mode):
    done = imports.run(
        "products",
        f"{COLUMNS},options,compare_at,attributes,description,weight",
        "steel-pan,SP-S,Steel pan,Pans,12.50,7,size=S,15.00,material=steel,<b>Good</b> pan,900",
        "steel-pan,SP-L,,,13,0,size=L,,,,1200",
        mode=mode,
    )
    assert (done["state"], done["rows"]) == ("done", {"read": 2, "good": 2, "bad": 0, "new": 2, "applied": 2})
    small, large = imports.catalogue()["SP-S"], imports.catalogue()["SP-L"]
    assert (small["price_minor"], small["compare_at_minor"], small["weight_grams"]) == (1250, 1500, 900)
    assert (small["on_hand"], small["movements"], small["prices"]) == (7, '{"(7,received)"}', [1250])
    assert (large["price_minor"], large["on_hand"], large["position"]) == (1300, 0, 1)
    assert small["offered"] == [{"name": "size", "values": ["S", "L"]}]
    assert small["description"] == "Good pan"
    assert found(q="steel") == ["Steel pan"]
    card = card_of(look("SELECT id FROM products WHERE slug = 'steel-pan'")[0].id)
    assert (card["price"]["amount"], card["in_stock"]) == (1250, True)


@pytest.mark.parametrize("mode", service.MODES)
def test_tax_classes_are_set_changed_and_set_back_to_the_standard_one(pans, mode):
    run_unit(lambda: taxes.set_class("reduced", "Reduced"))
    columns = f"{COLUMNS},Tax"
    rows = "book,BOOK,Book,Pans,9,1,reduced", "mug,MUG,Mug,Pans,9,1,", "pot,POT,Pot,Pans,9,1,Standard"

    def classes():
        return {sku: row["tax_class"] for sku, row in imports.catalogue().items()}

    assert imports.run("products", columns, *rows, mode=mode)["rows"]["bad"] == 0
    assert classes() == {"BOOK": "reduced", "MUG": None, "POT": None}
    file = "".join(exporting.export(Kind.PRODUCTS)).encode()
    before = imports.catalogue()
    imports.run("products", file, mode=mode)
    assert imports.catalogue() == before
    imports.run("products", columns, "book,BOOK,,,9,1,standard", "mug,MUG,,,9,1,reduced", "pot,POT,,,9,1,", mode=mode)
    assert classes() == {"BOOK": None, "MUG": "reduced", "POT": None}


def test_a_tax_class_that_is_not_there_is_a_bad_row(pans):
    done = imports.run("products", f"{COLUMNS},tax_class", "x,X,X,Pans,1.00,1,luxury", "y,Y,Y,Pans,1.00,1,standard")
    assert imports.errors(done) == [(2, "tax_class", "unknown_tax_class")]
    assert set(imports.catalogue()) == {"Y"}


@pytest.mark.parametrize("mode", service.MODES)
def test_what_the_file_does_not_say_stays(pan, mode):
    before = imports.catalogue()
    imports.run("products", "slug,sku,name,category,price", f"iron-pan,{pan[0]},,,10.00", mode=mode)
    assert imports.catalogue() == before


@pytest.mark.parametrize("mode", service.MODES)
def test_products_are_changed_and_new_variants_stand_behind_the_old(pan, mode):
    imports.run(
        "products",
        f"{COLUMNS},options",
        f"iron-pan,{pan[0]},Iron skillet,,11.00,3,",
        "iron-pan,IP-XL,,,20.00,1,size=XL",
        mode=mode,
    )
    after = imports.catalogue()
    assert (after[pan[0]]["prices"], after[pan[0]]["on_hand"]) == ([1000, 1100], 3)
    assert after[pan[0]]["movements"] == '{"(5,received)","(-2,corrected)"}'
    assert after["IP-XL"]["position"] == 2
    assert after["IP-XL"]["card"]["price"]["amount"] == 1100
    assert found(q="skillet") == ["Iron skillet"]


@pytest.mark.parametrize("mode", service.MODES)
def test_prices_and_sales_are_changed_with_their_history(pan, mode):
    done = imports.run(
        "prices",
        "sku;price;compare_at;sale_price;from;to",
        f"{pan[0]};9.00;12.00;8.00;2020-01-01;2199-01-01T00:00:00+01:00",
        f"{pan[1]};12.00;;;;",
        mode=mode,
    )
    assert done["state"] == "done"
    after = imports.catalogue()
    assert (after[pan[0]]["sale_price_minor"], after[pan[0]]["compare_at_minor"]) == (800, 1200)
    assert after[pan[0]]["card"]["price"]["amount"] == 800
    assert after[pan[0]]["prices"] == [1000, 900]
    assert after[pan[1]]["prices"] == [1200]  # as it was: no new row


@pytest.mark.parametrize("mode", service.MODES)
def test_stock_is_set_and_added_with_movements_and_lists_follow(pan, mode):
    imports.run("stock", "sku,quantity,mode", f"{pan[0]},0,", f"{pan[1]},-5,add", mode=mode)
    after = imports.catalogue()
    assert [after[sku]["on_hand"] for sku in pan] == [0, 0]
    assert after[pan[1]]["movements"] == '{"(5,received)","(-5,corrected)"}'
    assert found(in_stock=True) == []
    imports.run("stock", "sku,quantity,mode", f"{pan[0]},4,add", mode=mode)
    assert found(in_stock=True) == ["Iron pan"]


@pytest.mark.parametrize("mode", service.MODES)
def test_who_waits_for_a_price_or_for_stock_is_told(pan, mode):
    imports.run("stock", "sku,quantity", f"{pan[0]},0", f"{pan[1]},6", mode=mode)
    imports.run("stock", "sku,quantity", f"{pan[0]},3", f"{pan[1]},7", mode=mode)
    imports.run("prices", "sku,price", f"{pan[0]},8.00", f"{pan[1]},12.00", mode=mode)
    ids = {row.sku: str(row.id) for row in look("SELECT sku, id FROM variants")}
    told = [(row.type, row.data) for row in look("SELECT type, data FROM pending_facts WHERE consumer = 'wishlists'")]
    back = ("inventory.back_in_stock", {"variant_id": ids[pan[0]]})
    price = {"variant_id": ids[pan[0]], "before_minor": 1000, "after_minor": 800, "currency": "USD"}
    assert told.count(back) == 2  # when the fixture stocked it, and by the import
    assert [data for kind, data in told if kind == "catalog.price_changed"] == [price]


def test_publishing_now_later_and_not(pans):
    columns = "slug,sku,name,category,price,publish"
    imports.run("products", columns, "a,A,A,Pans,1,yes", "b,B,B,Pans,1,no", "c,C,C,Pans,1,2199-01-01", "d,D,D,Pans,1,")
    assert sorted(found()) == ["A", "D"]
    imports.run("products", columns, "a,A,,,1,no", "b,B,,,1,yes", mode="all_or_nothing")
    assert sorted(found()) == ["B", "D"]


# --- dry runs and columns ------------------------------------------------------------------------------


def test_a_dry_run_changes_nothing_and_can_be_started_afterwards(pan):
    before = imports.catalogue()
    waiting = imports.begin("prices", imports.a_file("sku,price", f"{pan[0]},5.00", "NONE,1.00"), dry_run=True)
    checked = imports.work(waiting)
    assert (checked["state"], checked["rows"]["good"], checked["rows"]["bad"]) == ("checked", 1, 1)
    assert imports.catalogue() == before
    run_unit(lambda: service.start(waiting))
    assert imports.work(waiting)["state"] == "done"
    assert imports.catalogue()[pan[0]]["price_minor"] == 500


def test_all_or_nothing_with_a_bad_row_cannot_be_started(pan):
    waiting = imports.begin(
        "prices", imports.a_file("sku,price", f"{pan[0]},5.00", "NONE,1.00"), dry_run=True, mode="all_or_nothing"
    )
    imports.work(waiting)
    with pytest.raises(RowsFailed):
        run_unit(lambda: service.start(waiting))


def test_columns_are_mapped_and_unknown_ones_named(pan):
    done = imports.run(
        "prices", "Artikel,Preis,Notiz", f"{pan[0]},5.00,x", mapping={"Artikel": "sku", "Preis": "price"}
    )
    assert (done["state"], done["unknown_columns"]) == ("done", ["Notiz"])
    assert imports.catalogue()[pan[0]]["price_minor"] == 500


def test_files_without_the_needed_columns_are_refused(core):
    waiting = imports.upload("prices", b"sku,amount\nA,1\n")
    with pytest.raises(ColumnsRefused):
        run_unit(lambda: service.begin(waiting))
    assert imports.view(waiting)["state"] == "uploaded"


@pytest.mark.parametrize("content", [b"", b"\n\n", "sku,price\n".encode("utf-16"), b"PK\x03\x04"])
def test_files_that_are_no_csv_leave_nothing(core, content):
    before = everything()
    with pytest.raises(FileRefused):
        imports.upload("prices", content)
    assert everything() == before


def test_a_file_of_nothing_but_names_is_refused(core):
    done = imports.run("prices", b"sku,price\n\n,\n")
    assert (done["state"], done["failure"]) == ("refused", "no_rows")


# --- what is wrong -------------------------------------------------------------------------------------

GOOD = "new-pan,NP,New pan,Pans,1.00,1"

BAD_PRODUCTS = {
    "too few cells": ("a,b", [(3, None, "too_few_cells")]),
    "too many cells": ("x,X,X,Pans,1,1,1", [(3, None, "too_many_cells")]),
    "nothing of a new product": ("x,X,,,1.00,1", [(3, "name", "required"), (3, "category", "required")]),
    "no price": ("x,X,X,Pans,,1", [(3, "price", "required")]),
    "a category that is not there": ("x,X,X,Pots,1.00,1", [(3, "category", "unknown_category")]),
    "a comma": ('x,X,X,Pans,"1,00",1', [(3, "price", "price_has_comma")]),
    "a currency": ("x,X,X,Pans,€1.00,1", [(3, "price", "price_has_currency")]),
    "below zero": ("x,X,X,Pans,-1,-1", [(3, "price", "negative"), (3, "stock", "negative")]),
    "too many decimals": ("x,X,X,Pans,1.001,1", [(3, "price", "too_many_decimals")]),
    "a formula": ("x,X,=1+1,Pans,1.00,1", [(3, "name", "formula")]),
    "a tab in front": ("x,X,\t1,Pans,1.00,1", [(3, "name", "formula")]),
    "a NUL byte": ("x,X,a\0b,Pans,1.00,1", [(3, "name", "nul_byte")]),
    "a line break": ('x,X,"a\nb",Pans,1.00,1', [(3, "name", "line_break")]),
    "an open quote": ('x,X,"a,Pans,1.00,1', [(3, None, "unterminated_quote")]),
    "text after a quote": ('x,X,"a"b,Pans,1.00,1', [(3, None, "bad_quotes")]),
    "an endless name": (f"x,X,{'x' * 201},Pans,1.00,1", [(3, "name", "too_long")]),
    "an absurd cell": (f"x,X,{'x' * 40_000},Pans,1.00,1", [(3, None, "cell_too_long")]),
    "a SKU twice": ("x,NP,X,Pans,1.00,1", [(3, "sku", "duplicate_sku")]),
    "another product's SKU": ("x,OLD,X,Pans,1.00,1", [(3, "sku", "sku_of_other_product")]),
    "two names for one product": ("new-pan,N2,Other,,1.00,1", [(3, "name", "rows_differ")]),
    "no slug": ("No Slug,X,X,Pans,1.00,1", [(3, "slug", "bad_slug")]),
    "Latin-1": ("x,X,Caf\udce9,Pans,1.00,1", [(3, "name", "not_utf8")]),
}


@pytest.mark.parametrize("case", BAD_PRODUCTS)
def test_a_bad_row_is_named_and_the_others_are_imported(pans, case):
    line, expected = BAD_PRODUCTS[case]
    imports.run("products", COLUMNS, "old-pan,OLD,Old pan,Pans,1.00,1")
    content = "\n".join([COLUMNS, GOOD, line, "last,LAST,Last,Pans,1.00,1", ""]).encode("utf-8", "surrogateescape")
    done = imports.run("products", content)
    assert imports.errors(done) == expected
    assert (done["state"], done["rows"]["good"], done["rows"]["applied"]) == ("done", 2, 2)
    assert set(imports.catalogue()) == {"OLD", "NP", "LAST"}


@pytest.mark.parametrize("case", BAD_PRODUCTS)
def test_all_or_nothing_leaves_nothing_of_a_file_with_a_bad_row(pans, case):
    line, expected = BAD_PRODUCTS[case]
    imports.run("products", COLUMNS, "old-pan,OLD,Old pan,Pans,1.00,1")
    before = imports.catalogue()
    content = "\n".join([COLUMNS, GOOD, line, ""]).encode("utf-8", "surrogateescape")
    done = imports.run("products", content, mode="all_or_nothing")
    assert (done["state"], done["failure"]) == ("refused", "rows_failed")
    assert imports.errors(done) == expected
    assert imports.catalogue() == before


def test_options_must_fit_those_of_the_sisters(pan):
    done = imports.run(
        "products",
        "slug,sku,name,category,price,options",
        "iron-pan,X1,,,1.00,size=L",
        "iron-pan,X2,,,1.00,colour=red",
        "iron-pan,X3,,,1.00,size=M",
        "iron-pan,X4,,,1.00,size=M",
    )
    assert imports.errors(done) == [
        (2, "options", "options_taken"),
        (3, "options", "options_differ"),
        (5, "options", "options_taken"),
    ]


def test_bad_prices(pan):
    done = imports.run(
        "prices",
        "sku,price,currency,compare_at,sale_price,sale_from,sale_until",
        f"{pan[0]},10,USD,10,,,",
        f"{pan[0]},10,USD,,10,,",
        f"{pan[0]},10,EUR,,,,",
        f"{pan[0]},10,ABC,,,,",
        f"{pan[0]},10,,,,2026-01-01,",
        f"{pan[0]},10,,,9,2026-01-02,2026-01-01",
        "NONE,10,,,,,",
        f"{pan[1]},10,,,,tomorrow,",
    )
    assert [error for error in imports.errors(done) if error[2] != "duplicate_sku"] == [
        (2, "compare_at", "compare_at_not_above"),
        (3, "sale_price", "sale_not_below"),
        (4, "currency", "currency_differs"),
        (5, "currency", "unknown_currency"),
        (6, "sale_price", "sale_without_price"),
        (7, "sale_until", "sale_ends_before"),
        (8, "sku", "unknown_sku"),
        (9, "sale_from", "not_a_time"),
    ]


def test_a_price_that_would_not_be_above_its_sale_is_refused(pan):
    variant = look("SELECT id FROM variants WHERE sku = :sku", sku=pan[0])[0].id
    run_unit(lambda: pricing.schedule_sale(variant, 800))
    done = imports.run("prices", "sku,price", f"{pan[0]},7.00")
    assert imports.errors(done) == [(2, "sale_price", "sale_not_below")]


def test_bad_stock(pan):
    variant = look("SELECT id FROM variants WHERE sku = :sku", sku=pan[0])[0].id
    run_unit(lambda: inventory.reserve(new_id(), {variant: 3}))
    done = imports.run(
        "stock",
        "sku,quantity,mode",
        f"{pan[0]},2,set",
        f"{pan[1]},-1,set",
        "NONE,1,",
        f"{pan[1]},1.5,",
        f"{pan[1]},1,sell",
    )
    assert [error for error in imports.errors(done) if error[2] != "duplicate_sku"] == [
        (2, "quantity", "below_promised"),
        (3, "quantity", "negative"),
        (4, "sku", "unknown_sku"),
        (5, "quantity", "not_a_number"),
        (6, "mode", "unknown_mode"),
    ]


# --- what changes between checking and doing -----------------------------------------------------------


@pytest.mark.parametrize(("mode", "applied"), [("skip_bad", 1), ("all_or_nothing", 0)])
def test_units_promised_meanwhile_are_not_taken_away(pan, mode, applied):
    content = imports.a_file("sku,quantity", f"{pan[0]},2", f"{pan[1]},9")
    waiting = imports.begin("stock", content, dry_run=True, mode=mode)
    imports.work(waiting)
    variant = look("SELECT id FROM variants WHERE sku = :sku", sku=pan[0])[0].id
    run_unit(lambda: inventory.reserve(new_id(), {variant: 3}))
    run_unit(lambda: service.start(waiting))
    done = imports.work(waiting)
    assert done["rows"]["applied"] == applied
    assert imports.errors(done) == [(2, "stock", "below_promised")]
    assert stock_of(variant) == (5, 3)


@pytest.mark.parametrize("mode", service.MODES)
def test_a_sku_that_is_gone_meanwhile_is_named(pan, mode):
    content = imports.a_file("sku,price", f"{pan[0]},2", f"{pan[1]},9")
    waiting = imports.begin("prices", content, dry_run=True, mode=mode)
    imports.work(waiting)
    variant = look("SELECT id FROM variants WHERE sku = :sku", sku=pan[0])[0].id
    run_unit(lambda: changing.change_variant(variant, {"sku": "RENAMED"}))
    run_unit(lambda: service.start(waiting))
    done = imports.work(waiting)
    assert imports.errors(done) == [(2, "sku", "changed_meanwhile")]
    assert imports.catalogue()[pan[1]]["price_minor"] == (900 if mode == "skip_bad" else 1200)


# --- stopping, resuming, being killed ------------------------------------------------------------------


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr("quickshop.imports.checking.BATCH", 3)
    monkeypatch.setattr("quickshop.imports.applying.BATCH", 3)
    monkeypatch.setattr("quickshop.imports.applying.BATCH_AT_ONCE", 4)
    monkeypatch.setattr("quickshop.imports.uploading.CHUNK", 50)
    monkeypatch.setattr("quickshop.imports.checking.CHUNK", 50)


LARGE = imports.a_file(
    f"{COLUMNS},options,description",
    *(f'p-{n // 3},S-{n},P {n // 3},Pans,{n + 1}.00,{n},size={n % 3},"two\nlines {n // 3}"' for n in range(20)),
    "bad,S-1,Bad,Pans,1.00,1,,",
    "bad,S-99,Bad,Nowhere,1.00,1,,",
)


class Killed(BaseException):
    """Nothing of the worker's process runs on."""


def kill_after(monkeypatch, statements):
    """Let a worker die in the middle of its n-th statement from now, and count them; its lease lives on."""
    left = [statements]

    def die(_sql):
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    monkeypatch.setattr(db, "watchers", [*db.watchers, die])
    return left


def lease_runs_out(import_id):
    run_unit(lambda: db.run("UPDATE imports SET lease_until = now() WHERE id = :id", id=import_id))


@pytest.mark.parametrize("mode", service.MODES)
@pytest.mark.parametrize("deaths", [(5,), (30,), (70,), (120,), (160,), (15, 90), (60, 60), (100, 8)])
def test_whenever_the_worker_is_killed_the_catalogue_becomes_the_same(pans, monkeypatch, small_batches, mode, deaths):
    content = LARGE if mode == "skip_bad" else imports.a_file(*LARGE.decode().rsplit("\n", 3)[0].split("\n"))
    waiting = imports.begin("products", content, mode=mode)
    for statements in deaths:
        with monkeypatch.context() as patch:
            left = kill_after(patch, statements)
            with_death = False
            try:
                imports.turn(waiting, 60)
            except Killed:
                with_death = True
        assert with_death == (left[0] <= 0)
        with reading():
            waits = queries.due() == []
        assert waits or not with_death  # its lease keeps others away
        lease_runs_out(waiting)
    done = imports.work(waiting)
    assert (done["state"], done["rows"]["applied"]) == ("done", 20)
    assert len(imports.errors(done)) == (2 if mode == "skip_bad" else 0)
    resumed = imports.catalogue(moments=False)
    assert len(resumed) == 20
    assert all(row["prices"] == [row["price_minor"]] and row["card"] and row["listing"] for row in resumed.values())
    expected = {f"S-{n}": (f'{{"({n},received)"}}' if n else None) for n in range(20)}
    assert {sku: row["movements"] for sku, row in resumed.items()} == expected
    assert [resumed[f"S-{n}"]["position"] for n in range(6)] == [0, 1, 2, 0, 1, 2]


def test_staff_stop_it_and_let_it_go_on(pans, small_batches):
    waiting = imports.begin("products", LARGE)
    imports.turn(waiting, 0)
    run_unit(lambda: service.stop(waiting))
    stopped = imports.work(waiting)
    assert (stopped["state"], stopped["rows"]["read"]) == ("stopped", 3)
    with pytest.raises(ImportState):
        run_unit(lambda: service.start(waiting))
    run_unit(lambda: service.resume(waiting))
    while imports.view(waiting)["state"] == "checking":
        imports.turn(waiting, 0)
    imports.turn(waiting, 0)
    run_unit(lambda: service.stop(waiting))
    assert 0 < imports.view(waiting)["rows"]["applied"] < 20
    run_unit(lambda: service.resume(waiting))
    assert imports.work(waiting)["rows"]["applied"] == 20


def test_a_worker_whose_import_was_stopped_keeps_nothing_of_its_batch(pans, small_batches, monkeypatch):
    waiting = imports.begin("products", LARGE, mode="skip_bad")

    def stop(sql):
        if "INSERT INTO variants" in sql:
            monkeypatch.setattr(db, "watchers", [])
            db.run("UPDATE imports SET lease_token = NULL WHERE id = :id", id=waiting)  # as if `stop` had come between

    monkeypatch.setattr(db, "watchers", [stop])
    imports.turn(waiting, 60)
    assert imports.catalogue() == {}


def test_all_or_nothing_can_be_stopped_in_its_middle_and_nothing_is_there(pans, small_batches, monkeypatch):
    content = imports.a_file(*LARGE.decode().rsplit("\n", 3)[0].split("\n"))
    waiting = imports.begin("products", content, mode="all_or_nothing")
    left = [3]

    def stop(sql):
        left[0] -= "INSERT INTO variants" in sql
        if left[0] == 0:
            left[0] = -1
            db.run_aside("UPDATE imports SET state = 'stopped', stopped_in = state, lease_token = NULL")

    with monkeypatch.context() as patch:
        patch.setattr(db, "watchers", [stop])
        imports.turn(waiting, 60)
    assert left == [-1]
    assert imports.view(waiting)["state"] == "stopped"
    assert imports.catalogue() == {}
    run_unit(lambda: service.resume(waiting))
    assert imports.work(waiting)["rows"]["applied"] == 20


def test_a_long_transaction_keeps_its_lease_and_shows_that_its_queue_is_served(pans, small_batches, monkeypatch):
    waiting = imports.begin("products", imports.a_file(COLUMNS, GOOD), mode="all_or_nothing")
    seen = []

    def look_in(sql):
        if "INSERT INTO variants" in sql:
            found = "SELECT lease_until > now() + interval '20 seconds' AS leased FROM imports"
            canaries = "SELECT queue FROM worker_canaries WHERE seen_at > now() - interval '10 seconds'"
            seen.append((db.run_aside(found).scalar(), db.run_aside(canaries).scalar()))

    monkeypatch.setattr(db, "watchers", [look_in])
    imports.turn(waiting, 60)
    assert seen == [(True, "system")]


def test_what_goes_wrong_again_and_again_is_given_up(pans, monkeypatch):
    waiting = imports.begin("products", imports.a_file(COLUMNS, GOOD))
    monkeypatch.setattr("quickshop.imports.rules.read", lambda *_: 1 / 0)
    for _ in range(working.MOST_ATTEMPTS + 1):
        imports.turn(waiting)
        run_unit(lambda: db.run("UPDATE imports SET next_run_at = now() WHERE id = :id", id=waiting))
    assert (imports.view(waiting)["state"], imports.view(waiting)["failure"]) == ("failed", "needs_review")


def test_an_import_tells_of_its_steps_and_wakes_a_worker(pan):
    imports.run("prices", "sku,price", f"{pan[0]},5.00")
    about = "frames::text LIKE '%import%' OR tasks::text LIKE '%import%'"
    rows = look(f"SELECT frames, tasks FROM outbox WHERE {about} ORDER BY id")
    told = [frame["data"]["state"] for row in rows for frame in row.frames if frame["type"] == "import.changed"]
    assert told == ["checking", "applying", "done"]
    assert {frame["topic"] for row in rows for frame in row.frames} == {"admin:imports"}
    assert [task["name"] for row in rows for task in row.tasks] == ["imports.process"]


def test_progress_is_told_at_most_once_a_second(pans, small_batches):
    imports.run("products", LARGE)
    rows = look("SELECT frames, created_at FROM outbox ORDER BY id")
    at = [row.created_at for row in rows for frame in row.frames if frame["type"] == "import.progress"]
    assert all((later - before).total_seconds() >= 0.9 for before, later in itertools.pairwise(at))


def test_what_was_read_is_forgotten_at_the_end_and_the_errors_stay(pans):
    done = imports.run("products", COLUMNS, GOOD, "bad")
    for table in ("import_chunks", "import_rows", "import_products", "import_touched"):
        assert look(f"SELECT count(*) AS n FROM {table}")[0].n == 0
    assert imports.errors(done) == [(3, None, "too_few_cells")]
