"""An import as staff see it: uploaded, checked, done, with a page that moves by itself."""

import re

from playwright.sync_api import expect

PATIENCE_MS = 60_000


def test_staff_import_stock_and_see_it_happen(visitors, admin_state, tmp_path):
    staff = visitors.open(storage_state=admin_state)
    staff.goto("/admin/imports")
    with staff.expect_download() as download:
        staff.get_by_role("main").get_by_role("link", name="Stock").click()
    file = tmp_path / "stock.csv"
    download.value.save_as(file)
    file.write_text(file.read_text("utf-8") + "NO-SUCH-SKU,1,set\n", "utf-8")

    staff.get_by_label("What it holds").select_option("stock")
    staff.get_by_label("CSV file").set_input_files(file)
    staff.get_by_role("button", name="Upload").click()
    expect(staff.get_by_label("quantity")).to_have_value("quantity")
    staff.get_by_role("button", name="Check first").click()
    expect(staff.get_by_role("heading", name="nothing is changed yet")).to_be_visible(timeout=PATIENCE_MS)
    expect(staff.get_by_role("cell", name="Unknown sku")).to_be_visible()
    staff.get_by_role("button", name=re.compile(r"^Import \d+ rows$")).click()
    expect(staff.get_by_role("heading", name="Imported")).to_be_visible(timeout=PATIENCE_MS)
