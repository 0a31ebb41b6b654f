"""Imports and exports by REST: from the upload to the errors, as an integration would."""

import io
import json

from tests.factories import imports
from tests.factories.accounts import a_staff_account, is_problem
from tests.factories.catalog import a_product
from tests.factories.shop import everything, look

URL = "/api/v1/admin/imports"


def send(staff, content, **fields):
    """POST a file."""
    data = {"file": (io.BytesIO(content), "../../Prices März.csv"), "kind": "prices", **fields}
    return staff.client.post(URL, data=data, headers=staff.headers)


def work(client, import_id):
    with client.application.app_context():
        return imports.work(import_id)


def a_pan(client):
    with client.application.app_context():
        a_product("Pan", prices=(1000,))
        return look("SELECT sku FROM variants")[0].sku


def test_a_file_is_checked_started_and_done(client):
    staff, sku = a_staff_account(client), a_pan(client)
    sent = send(staff, f"sku,price,note\n{sku},9.00,x\nNONE,1.00,x\n".encode(), dry_run="true")
    assert sent.status_code == 202, sent.text
    assert (sent.json["state"], sent.json["unknown_columns"]) == ("checking", ["note"])
    assert sent.json["name"].endswith(" Prices März.csv")
    address = sent.headers["Location"]
    work(client, sent.json["id"])
    assert staff.client.get(address, headers=staff.headers).json["state"] == "checked"
    errors = staff.client.get(f"{address}/errors?limit=1", headers=staff.headers).json
    assert [(e["row"], e["column"], e["reason"]) for e in errors["items"]] == [(3, "sku", "unknown_sku")]
    file = staff.client.get(f"{address}/errors.csv", headers=staff.headers)
    assert file.mimetype == "text/csv"
    assert file.get_data(as_text=True).splitlines()[1].startswith("3,sku,unknown_sku,")
    started = staff.client.post(f"{address}/start", headers=staff.headers)
    assert (started.status_code, started.json["state"]) == (202, "applying")
    assert work(client, sent.json["id"])["state"] == "done"
    assert staff.get("/admin/imports").json["items"][0]["rows"]["applied"] == 1
    assert is_problem(staff.client.post(f"{address}/start", headers=staff.headers), 409, "import_state")


def test_an_import_is_stopped_and_resumed(client):
    staff, sku = a_staff_account(client), a_pan(client)
    address = send(staff, f"sku,price\n{sku},9.00\n".encode()).headers["Location"]
    assert staff.client.post(f"{address}/stop", headers=staff.headers).json["state"] == "stopped"
    assert is_problem(staff.client.post(f"{address}/stop", headers=staff.headers), 409, "import_state")
    resumed = staff.client.post(f"{address}/resume", headers=staff.headers)
    assert (resumed.status_code, resumed.json["state"]) == (202, "checking")


def test_what_cannot_be_imported_is_refused_and_nothing_is_kept(client):
    staff = a_staff_account(client)
    with client.application.app_context():
        before = everything()["imports"]
    assert is_problem(send(staff, b""), 422, "file_refused")
    assert send(staff, "sku,price\n".encode("utf-16")).json["reason"] == "utf_16"
    refused = send(staff, b"sku,amount\nA,1\n")
    assert is_problem(refused, 422, "columns_refused")
    assert refused.json["missing"] == ["price"]
    assert is_problem(send(staff, b"sku,price\n", kind="people"), 422, "validation_failed")
    assert is_problem(send(staff, b"sku,price\n", mode="some"), 422, "validation_failed")
    assert is_problem(send(staff, b"sku,price\n", colour="red"), 422, "validation_failed")
    assert is_problem(send(staff, b"sku,price\n", mapping='{"sku": 1}'), 422, "validation_failed")
    assert is_problem(send(staff, b"sku,price\n", mapping="{"), 400, "invalid_json")
    no_file = client.post(URL, data={"kind": "prices"}, headers=staff.headers)
    assert is_problem(no_file, 422, "validation_failed")
    assert is_problem(client.post(URL, json={"kind": "prices"}, headers=staff.headers), 422, "validation_failed")
    with client.application.app_context():
        assert everything()["imports"] == before


def test_columns_are_mapped_by_the_caller(client):
    staff, sku = a_staff_account(client), a_pan(client)
    mapping = json.dumps({"Nummer": "sku", "Preis": "price", "price": None})
    sent = send(staff, f"Nummer,Preis,price\n{sku},9.00,x\n".encode(), mapping=mapping)
    assert sent.json["columns"] == {"Nummer": "sku", "Preis": "price", "price": None}
    assert work(client, sent.json["id"])["rows"]["applied"] == 1


def test_files_may_be_larger_than_other_bodies_and_no_larger_than_said(client, monkeypatch):
    staff = a_staff_account(client)
    row = b"NONE,1.00\n"
    assert send(staff, b"sku,price\n" + row * 300_000, dry_run="true").status_code == 202
    monkeypatch.setattr("quickshop.imports.uploading.LARGEST_BYTES", 1000)
    assert is_problem(send(staff, b"sku,price\n" + row * 200), 413, "file_too_large")


def test_exports_are_files_that_can_be_imported(client):
    staff, sku = a_staff_account(client), a_pan(client)
    for kind, column in (("products", 1), ("prices", 0), ("stock", 0)):
        file = staff.get(f"/admin/exports/{kind}.csv")
        assert (file.status_code, file.mimetype) == (200, "text/csv")
        assert file.headers["Cache-Control"] == "no-store"
        assert file.headers["Content-Disposition"] == f'attachment; filename="{kind}.csv"'
        assert file.get_data().startswith(b"\xef\xbb\xbf")
        assert file.get_data(as_text=True).splitlines()[1].split(",")[column] == sku
        sent = send(staff, file.get_data(), kind=kind)
        assert work(client, sent.json["id"])["rows"]["bad"] == 0
    assert is_problem(staff.get("/admin/exports/people.csv"), 404, "not_found")


def test_what_does_not_exist_is_not_found(client):
    staff = a_staff_account(client)
    for address in ("nonsense", "0198c0de-0000-7000-8000-000000000000"):
        assert is_problem(staff.get(f"/admin/imports/{address}"), 404, "not_found")
        assert is_problem(staff.get(f"/admin/imports/{address}/errors"), 404, "not_found")
        assert is_problem(staff.get(f"/admin/imports/{address}/errors.csv"), 404, "not_found")
        answer = client.post(f"{URL}/{address}/start", headers=staff.headers)
        assert is_problem(answer, 404, "not_found")
    assert is_problem(staff.get("/admin/imports?cursor=x"), 422, "validation_failed")
