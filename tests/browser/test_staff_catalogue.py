"""Staff keep a product in a browser, and a shopper sees it."""

from playwright.sync_api import expect

from tests.factories.uploads import drawn


def test_a_new_product_gets_a_picture_a_price_and_an_audience(visitors, admin_state):
    staff = visitors.open(storage_state=admin_state)
    staff.goto("/admin")
    staff.get_by_role("link", name="Products").click()
    staff.get_by_role("link", name="New product").click()
    staff.get_by_label("Name").fill("Porch Lantern")
    staff.get_by_label("Address").fill("porch-lantern")
    staff.get_by_label("Category").select_option(index=1)
    staff.get_by_label("SKU of the first variant").fill("LANTERN")
    staff.get_by_label("Price in USD").fill("31.50")
    staff.get_by_label("Units in the house").fill("12")
    staff.get_by_role("button", name="Make a draft").click()
    expect(staff.get_by_role("heading", name="Porch Lantern")).to_be_visible()

    staff.get_by_label("New picture").set_input_files(
        {"name": "lantern.jpg", "mimeType": "image/jpeg", "buffer": drawn(1400, 1100)}
    )
    staff.get_by_label("What it shows (optional)").fill("A lantern on a porch")
    staff.get_by_role("button", name="Upload").click()
    expect(staff.get_by_text("Shown first")).to_be_visible()

    staff.locator("summary", has_text="LANTERN").click()
    staff.get_by_label("Price in USD").first.fill("29.00")
    staff.get_by_role("button", name="Set the price").click()
    expect(staff.locator("summary", has_text="LANTERN")).to_contain_text("$29.00")
    staff.get_by_role("button", name="Publish now").click()
    expect(staff.get_by_role("link", name="See it in the shop")).to_be_visible()

    shopper = visitors.open()
    shopper.goto("/products/porch-lantern")
    expect(shopper.get_by_text("$29.00").first).to_be_visible()
    picture = shopper.get_by_role("img", name="A lantern on a porch")
    expect(picture).to_be_visible()
    loaded = picture.evaluate("image => image.decode().then(() => [image.naturalWidth > 0, image.currentSrc])")
    assert loaded[0] and loaded[1].endswith(".avif")
