"""Pictures from the upload to the page: what is served, what is shown, what is refused, and what is tidied away."""

import hashlib
import io
import zlib

import pytest
from PIL import Image

from quickshop.catalog import pictures
from quickshop.catalog.renditions import LARGEST_BYTES
from quickshop.factory import create_app
from quickshop.kernel import db
from quickshop.kernel.unit_of_work import run_unit
from tests.factories.accounts import a_staff_account, an_account, execute, is_problem, rows
from tests.factories.pages import stock_shop
from tests.factories.uploads import drawn, form


@pytest.fixture
def staff(client):
    """A member of staff of a shop with one product."""
    account = a_staff_account(client)
    account.extra["variants"] = stock_shop(client.application)
    account.extra["product"] = str(rows(client, "SELECT id FROM products")[0].id)
    return account


def images(staff, path=""):
    return f"/api/v1/admin/products/{staff.extra['product']}/images{path}"


def upload(staff, raw=None, headers=None, **fields):
    data = form(drawn() if raw is None else raw, **fields)
    return staff.client.post(images(staff), data=data, headers=headers or staff.headers)


def product(staff):
    return staff.client.get("/api/v1/products/morning-mug").json


def sources(image):
    """Every address in a picture's document."""
    sets = [image["srcset"], *(source["srcset"] for source in image["sources"])]
    return {part.split()[0] for text in sets for part in text.split(", ")} | {image["src"]}


# --- end to end ----------------------------------------------------------------------------------------


def test_an_uploaded_picture_is_on_the_card_and_the_product_and_its_files_are_served(staff):
    answer = upload(staff, alt="A green mug")
    assert answer.status_code == 201, answer.text
    image = answer.json["image"]
    card = staff.client.get("/api/v1/products").json["items"][0]
    assert card["image"] == product(staff)["image"] == product(staff)["images"][0] == image
    assert (image["alt"], image["width"], image["height"]) == ("A green mug", 640, 498)
    assert [source["type"] for source in image["sources"]] == ["image/avif"]
    assert len(sources(image)) == 4  # two widths fit, in two formats
    for address in sources(image):
        file = staff.client.get(address)
        assert file.status_code == 200
        digest, kind = address.removeprefix("/media/").split(".")
        assert hashlib.sha256(file.data).hexdigest() == digest
        assert file.mimetype == f"image/{kind}"
        assert Image.open(io.BytesIO(file.data)).format == kind.upper()


def test_pages_show_it_with_what_weighs_less_first(staff):
    image = upload(staff).json["image"]
    page = staff.client.get("/products/morning-mug").text
    assert f'<source type="image/avif" srcset="{image["sources"][0]["srcset"]}"' in page
    assert f'src="{image["src"]}"' in page


def test_a_file_is_served_for_good_by_one_statement_and_none_where_it_is_known(staff):
    address = upload(staff).json["image"]["src"]
    told = []
    db.watchers.append(told.append)
    try:
        file = staff.client.get(address)
        assert len(told) == 1
        known = staff.client.get(address, headers={"If-None-Match": file.headers["ETag"]})
        assert (known.status_code, known.data, len(told)) == (304, b"", 1)
    finally:
        db.watchers.remove(told.append)
    for answer in (file, known):
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Set-Cookie" not in answer.headers
    head = staff.client.head(address)
    assert (head.status_code, head.data) == (200, b"")
    assert int(head.headers["Content-Length"]) == len(file.data)


@pytest.mark.parametrize("name", ["x.webp", "0" * 64 + ".webp", "0" * 64 + ".png", "0" * 64, "..%2f..%2fetc"])
def test_what_is_not_there_is_404(client, name):
    assert client.get(f"/media/{name}").status_code == 404


def test_a_file_is_not_served_under_another_type(staff):
    address = upload(staff).json["image"]["src"]
    assert staff.client.get(address.replace(".webp", ".avif")).status_code == 404


# --- order, words, variants ----------------------------------------------------------------------------


def a_few(staff):
    """Three pictures; their ids in order."""
    return [upload(staff, drawn(colour=(n * 70, 0, 0)), alt=f"Number {n}").json["id"] for n in range(3)]


def alts(staff):
    return [image["alt"] for image in product(staff)["images"]]


def test_pictures_are_moved_described_and_taken_away(staff):
    first, second, third = a_few(staff)
    change = staff.client.patch(images(staff, f"/{third}"), json={"position": 0}, headers=staff.headers)
    assert change.status_code == 200
    assert alts(staff) == ["Number 2", "Number 0", "Number 1"]
    assert product(staff)["image"]["alt"] == "Number 2"
    staff.client.patch(images(staff, f"/{first}"), json={"alt": "The first", "position": 9}, headers=staff.headers)
    assert alts(staff) == ["Number 2", "Number 1", "The first"]
    gone = staff.client.delete(images(staff, f"/{third}"), headers=staff.headers)
    assert gone.status_code == 204
    assert alts(staff) == ["Number 1", "The first"]
    assert [p.position for p in rows(staff.client, "SELECT position FROM pictures ORDER BY 1")] == [0, 1]
    for left in (first, second):
        staff.client.delete(images(staff, f"/{left}"), headers=staff.headers)
    assert (product(staff)["image"], product(staff)["images"]) == (None, [])


def test_without_words_the_product_name_says_what_it_shows(staff):
    assert upload(staff).json["image"]["alt"] == "Morning Mug"


def test_a_variant_has_a_picture_until_that_is_taken_away(staff):
    _, second, _ = a_few(staff)
    red = staff.extra["variants"]["MUG-RED"]
    path = f"/api/v1/admin/variants/{red}"
    assert staff.client.patch(path, json={"image_id": second}, headers=staff.headers).status_code == 200
    cart = staff.client.post("/api/v1/cart/items", json={"variant_id": str(red)})
    assert product(staff)["variants"][0]["image"]["alt"] == "Number 1"
    assert cart.status_code == 200
    staff.client.patch(images(staff, f"/{second}"), json={"alt": "Red"}, headers=staff.headers)
    assert product(staff)["variants"][0]["image"]["alt"] == "Red"
    staff.client.delete(images(staff, f"/{second}"), headers=staff.headers)
    assert product(staff)["variants"][0]["image"] is None


def test_a_picture_of_another_product_is_not_found(staff):
    [first, *_] = a_few(staff)
    body = {
        "slug": "lamp",
        "name": "Lamp",
        "category_id": product(staff)["categories"][0]["id"],
        "currency": "USD",
        "variants": [{"sku": "LAMP", "price": {"amount": 1, "currency": "USD"}}],
    }
    made = staff.client.post("/api/v1/admin/products", json=body, headers=staff.headers).json
    there = f"/api/v1/admin/products/{made['id']}/images/{first}"
    assert is_problem(staff.client.patch(there, json={"alt": "X"}, headers=staff.headers), 404, "not_found")
    assert is_problem(staff.client.delete(there, headers=staff.headers), 404, "not_found")
    variant = f"/api/v1/admin/variants/{made['variants']['LAMP']}"
    assert is_problem(staff.client.patch(variant, json={"image_id": first}, headers=staff.headers), 404, "not_found")
    assert len(alts(staff)) == 3


# --- refusals ------------------------------------------------------------------------------------------


def png_that_claims(width, height):
    """A small PNG whose header claims any size: what a pixel bomb looks like."""
    made = bytearray(drawn(200, 200, format="PNG"))
    made[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    made[29:33] = zlib.crc32(bytes(made[12:29])).to_bytes(4, "big")
    return bytes(made)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"GIF89a" + b"\0" * 100, "not_a_picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_a_picture"),
        (b"<?php echo 1;", "not_a_picture"),
        (drawn()[:2000], "damaged"),
        (drawn(150, 150), "too_small"),
        (png_that_claims(50_000, 50_000), "too_many_pixels"),
        (b"\xff\xd8" + b"\0" * LARGEST_BYTES, "too_large"),
        (b"\xff\xd8" + b"\0" * (LARGEST_BYTES + 200_000), "too_large"),
    ],
    ids=["gif", "svg", "script", "cut off", "tiny", "bomb", "a byte too large", "far too large"],
)
def test_what_is_no_picture_for_a_shop_is_refused(staff, raw, reason):
    answer = upload(staff, raw)
    assert is_problem(answer, 422, "picture_refused")
    assert answer.json["reason"] == reason
    assert rows(staff.client, "SELECT 1 FROM media_files") == []


def test_a_name_that_lies_changes_nothing(staff):
    assert upload(staff, drawn(format="PNG"), name="../../evil.php").status_code == 201


def test_a_large_picture_that_is_allowed_gets_in(staff):
    noise = Image.effect_noise((2600, 2600), 100)
    made = io.BytesIO()
    noise.save(made, "PNG")
    assert 2 * 1024**2 < len(made.getvalue()) < LARGEST_BYTES
    assert upload(staff, made.getvalue()).status_code == 201


def test_an_upload_without_a_file_is_refused(staff):
    for data in ({}, {"file": "text"}, {"file": (io.BytesIO(b""), "empty.jpg")}):
        answer = staff.client.post(images(staff), data=data, headers=staff.headers)
        assert is_problem(answer, 422, "validation_failed")


def test_other_bodies_keep_their_limit(staff):
    path = f"/api/v1/admin/products/{staff.extra['product']}"
    answer = staff.client.patch(path, json={"name": "x" * 1_100_000}, headers=staff.headers)
    assert is_problem(answer, 413, "body_too_large")


def test_a_product_has_no_more_than_24_pictures(staff):
    raw = drawn(200, 200)
    for _ in range(pictures.MOST):
        assert upload(staff, raw).status_code == 201
    assert is_problem(upload(staff, raw), 409, "too_many_pictures")
    assert len(rows(staff.client, "SELECT 1 FROM media_files")) == 2  # equal files are kept once


def test_shoppers_upload_nothing(staff):
    for headers, status in (({}, 401), (an_account(staff.client).headers, 403)):
        assert upload(staff, headers=headers or {"X-Nobody": "1"}).status_code == status
    assert rows(staff.client, "SELECT 1 FROM media_files") == []


def test_a_picture_of_what_changed_meanwhile_is_refused(staff):
    tag = staff.client.get(f"/api/v1/admin/products/{staff.extra['product']}", headers=staff.headers).headers["ETag"]
    assert upload(staff, headers=staff.headers | {"If-Match": tag}).status_code == 201
    assert is_problem(upload(staff, headers=staff.headers | {"If-Match": tag}), 409, "changed_meanwhile")


# --- tidying -------------------------------------------------------------------------------------------


@pytest.fixture
def prune(settings):
    """What a worker does by the clock."""

    def run():
        with create_app(role="worker", settings=settings).app_context():
            return run_unit(pictures.prune_media)

    return run


def test_files_that_no_picture_has_go_after_a_day_and_no_others(staff, prune):
    first, *_ = a_few(staff)
    kept = {part for image in product(staff)["images"][1:] for part in sources(image)}
    gone = sources(product(staff)["images"][0]) - kept
    staff.client.delete(images(staff, f"/{first}"), headers=staff.headers)
    assert prune() == 0
    assert {staff.client.get(address).status_code for address in gone | kept} == {200}
    execute(staff.client, "UPDATE media_files SET wanted_at = now() - interval '25 hours'")
    assert prune() == len(gone)
    assert {staff.client.get(address).status_code for address in gone} == {404}
    assert {staff.client.get(address).status_code for address in kept} == {200}


def test_a_picture_uploaded_again_keeps_its_files(staff, prune):
    first = upload(staff).json
    staff.client.delete(images(staff, f"/{first['id']}"), headers=staff.headers)
    execute(staff.client, "UPDATE media_files SET wanted_at = now() - interval '25 hours'")
    upload(staff)
    assert prune() == 0
    assert staff.client.get(first["image"]["src"]).status_code == 200
