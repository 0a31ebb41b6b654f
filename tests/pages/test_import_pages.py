"""The staff's pages of imports, walked without scripts: upload, columns, check, import, errors."""

import io
import re

from tests.factories import imports
from tests.factories.accounts import a_staff_account, an_account
from tests.factories.catalog import a_product
from tests.factories.pages import csrf, submit
from tests.factories.shop import look


def signed_in(client, role="admin"):
    staff = a_staff_account(client, role)
    client.set_cookie("access", staff.access_token)
    return staff


def upload(client, content, kind="prices"):
    data = {"file": (io.BytesIO(content), "file.csv"), "kind": kind, "csrf_token": csrf(client)}
    return client.post("/admin/imports", data=data)


def work(client, address):
    with client.application.app_context():
        return imports.work(address.rsplit("/", 1)[1])


def test_a_file_is_uploaded_mapped_checked_and_imported(client):
    signed_in(client)
    with client.application.app_context():
        a_product("Pan", prices=(1000,))
        sku = look("SELECT sku FROM variants")[0].sku
    address = upload(client, f"Nummer,price,note\n{sku},9.00,x\nNONE,1.00,x\n".encode()).location
    page = client.get(address).text
    assert "What do the columns hold?" in page
    assert re.search(r'name="column-1".*?value="price" selected', page, re.DOTALL)

    unfit = submit(client, f"{address}/begin", {"column-1": "price", "mode": "skip_bad", "then": "check"})
    assert unfit.status_code == 422
    assert "No column gives sku" in unfit.text
    chosen = {"column-0": "sku", "column-1": "price", "mode": "skip_bad", "then": "check"}
    assert submit(client, f"{address}/begin", chosen).location == address
    assert 'data-state="checking"' in client.get(address).text
    assert work(client, address)["state"] == "checked"
    page = client.get(address).text
    assert "nothing is changed yet" in page
    assert "Import 1 rows" in page
    assert "Unknown sku" in page
    assert "Columns that are not read: note" in page
    assert client.get(f"{address}/errors.csv").mimetype == "text/csv"

    assert submit(client, f"{address}/start").location == address
    assert work(client, address)["state"] == "done"
    assert "Imported" in client.get(address).text
    assert "file.csv" in client.get("/admin/imports").text


def test_stopping_and_going_on(client):
    signed_in(client)
    address = upload(client, b"sku,quantity\nA,1\n", "stock").location
    submit(client, f"{address}/begin", {"column-0": "sku", "column-1": "quantity", "then": "import"})
    submit(client, f"{address}/stop")
    assert "Go on" in client.get(address).text
    submit(client, f"{address}/resume")
    assert 'data-state="checking"' in client.get(address).text
    assert submit(client, f"{address}/start").status_code == 409


def test_refusals_stand_on_the_page(client):
    signed_in(client)
    refused = upload(client, "sku,price\n".encode("utf-16"))
    assert refused.status_code == 422
    assert "UTF-16" in refused.text
    assert upload(client, b"sku,price\n", "people").status_code == 422
    assert submit(client, "/admin/imports", {"kind": "prices"}).status_code == 422
    assert client.get("/admin/imports/nonsense").status_code == 404
    assert client.get("/admin/exports/people.csv").status_code == 404


def test_exports_are_downloaded(client):
    signed_in(client)
    for kind in ("products", "prices", "stock"):
        assert client.get(f"/admin/exports/{kind}.csv").mimetype == "text/csv"


def test_a_large_file_needs_the_token_and_somebody_who_is_signed_in(client):
    large = b"sku,price\n" + b"NONE,1.00\n" * 150_000
    data = {"file": (io.BytesIO(large), "file.csv"), "kind": "prices"}
    assert client.post("/admin/imports", data=data).status_code == 413
    signed_in(client)
    data = {"file": (io.BytesIO(large), "file.csv"), "kind": "prices"}
    assert client.post("/admin/imports", data=data).status_code == 400
    assert upload(client, large).status_code == 303


def test_without_the_permission_there_are_no_imports(client):
    signed_in(client, "support")
    assert client.get("/admin/imports").status_code == 403
    assert upload(client, b"sku,price\n").status_code == 403
    assert client.get("/admin/exports/products.csv").status_code == 403
    shopper = an_account(client)
    client.set_cookie("access", shopper.access_token)
    assert client.get("/admin/imports").status_code == 403
