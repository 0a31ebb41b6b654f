"""A conversation in two browsers: what one side writes is seen by the other without touching the page."""

import re

from playwright.sync_api import expect

from tests.browser.test_accessibility import check
from tests.factories.browsing import buy, sign_in


def mark(page):
    page.evaluate("() => { window.untouched = true; }")


def untouched(page):
    return page.evaluate("() => window.untouched === true")


def live(page):
    expect(page.locator(".live-state")).to_have_text("Live")


def write(page, words, button):
    page.get_by_label(re.compile("^(Your message|Words)$")).fill(words)
    page.get_by_role("main").get_by_role("button", name=button, exact=True).click()


def test_a_member_and_staff_talk_live(visitors, live_shop, staff_state):
    shopper, staff = visitors.open(), visitors.open(storage_state=staff_state)
    sign_in(shopper, live_shop.demo["accounts"]["shopper"], then="/account/tickets")
    staff.goto("/admin/tickets")
    live(staff)
    mark(staff)
    shopper.get_by_role("link", name="Ask a question").click()
    shopper.get_by_label("What is it about?").fill("A radio without a voice")
    shopper.get_by_label("Your question").fill("It hums, and that is all it does.")
    shopper.get_by_label("Files").set_input_files({"name": "hum.txt", "mimeType": "text/plain", "buffer": b"mmmmmmm"})
    shopper.get_by_role("button", name="Send").click()
    live(shopper)

    row = staff.get_by_role("row", name=re.compile("A radio without a voice"))
    expect(row.first).to_be_visible()  # it came by itself
    assert untouched(staff)
    row.first.get_by_role("link", name="A radio without a voice").click()
    live(staff)
    with staff.expect_download() as download:
        staff.get_by_role("link", name=re.compile(r"hum\.txt")).first.click()
    assert download.value.suggested_filename == "hum.txt"
    staff.get_by_role("button", name="Take it").click()
    live(staff)

    mark(shopper)
    shopper.get_by_label("Your message").fill("half a sentence")
    write(staff, "Have you tried the other socket?", "Answer")
    expect(shopper.locator(".thread")).to_contain_text("Have you tried the other socket?")
    expect(shopper.locator("#announcer")).to_have_text(re.compile("answered your question|in your inbox"))
    expect(shopper.get_by_label("Your message")).to_have_value("half a sentence")
    expect(shopper.get_by_text("Answered", exact=True)).to_be_visible()
    assert untouched(shopper)

    live(staff)
    mark(staff)
    write(shopper, "Now it sings.", "Send")
    expect(staff.locator(".thread")).to_contain_text("Now it sings.")
    assert untouched(staff)
    mark(shopper)
    live(shopper)
    write(staff, "ZQ for colleagues", "Note")
    write(staff, "Enjoy it.", "Answer, solved")
    expect(shopper.locator(".thread")).to_contain_text("Enjoy it.")
    expect(shopper.locator(".thread")).not_to_contain_text("ZQ for colleagues")
    assert untouched(shopper)


def test_a_guest_asks_from_the_order_and_staff_insert_a_canned_reply(visitors, admin_state):
    guest, staff = visitors.open(), visitors.open(storage_state=admin_state)
    number = buy(guest, "asks@quickshop.example")
    guest.get_by_role("link", name="Contact us about this order").click()
    guest.get_by_label("What is it about?").fill(f"About {number}")
    guest.get_by_label("Your question").fill("May it come on Friday?")
    guest.get_by_role("button", name="Send").click()
    live(guest)
    mark(guest)

    staff.goto("/admin/canned-replies")
    staff.locator("#t-new").fill(f"Friday {number}")
    staff.locator("#b-new").fill("Hello {name}, {order} comes on Friday.")
    staff.get_by_role("button", name="Keep it").click()
    staff.goto(f"/admin/tickets?order={number}")
    staff.get_by_role("link", name=f"About {number}").click()
    live(staff)
    staff.get_by_label("Canned reply").select_option(f"Friday {number}")
    staff.get_by_role("button", name="Insert").click()
    expect(staff.get_by_label("Words")).to_have_value(f"Hello Ada, {number} comes on Friday.")
    staff.get_by_role("button", name="Answer", exact=True).click()
    expect(guest.locator(".thread")).to_contain_text(f"{number} comes on Friday.")
    assert untouched(guest)


def looks_well(page):
    """No violation and no scrolling sideways, in light on a wide screen and in dark on a phone."""
    for theme, width in (("light", 1280), ("dark", 390)):
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 900})
        page.reload()
        check(page)


def test_the_pages_of_support_are_accessible(visitors, live_shop, staff_state):
    shopper, staff = visitors.open(), visitors.open(storage_state=staff_state)
    for address in ("/support", "/support/sent"):
        shopper.goto(address)
        looks_well(shopper)
    sign_in(shopper, live_shop.demo["accounts"]["vip"], then="/account/tickets/new")
    looks_well(shopper)
    shopper.get_by_label("What is it about?").fill("How it looks")
    shopper.get_by_label("Your question").fill("Does it look well?")
    shopper.get_by_label("Files").set_input_files(
        {"name": f"{'a long name ' * 8}.txt", "mimeType": "text/plain", "buffer": b"x"}
    )
    shopper.get_by_role("button", name="Send").click()
    staff.goto("/admin/tickets")
    looks_well(staff)
    staff.get_by_role("link", name="How it looks").click()
    write(staff, "For colleagues: yes, it does.", "Note")
    write(staff, "Yes, it does.", "Answer")
    live(staff)
    looks_well(staff)
    staff.goto("/admin/canned-replies")
    looks_well(staff)
    live(shopper)
    expect(shopper.locator(".thread")).to_contain_text("Yes, it does.")
    looks_well(shopper)
    shopper.goto("/account/tickets")
    looks_well(shopper)
