"""Wildcards: exactly as many marked cards on a page as the person chose."""

from __future__ import annotations

from playwright.sync_api import expect

from e2e.test_journey import begin


def test_there_are_as_many_as_the_person_chose(page):
    page.set_viewport_size({"width": 390, "height": 844})
    begin(page)
    wild = page.locator("#feed .card", has=page.get_by_text("Wildcard", exact=True))
    expect(wild).to_have_count(1)  # unless somebody chose
    for label, count in (("None", 0), ("Two", 2), ("Three", 3)):
        page.goto("/preferences/")
        page.get_by_label("Wildcards on a page").select_option(label=label)
        page.get_by_role("button", name="Save preferences").click()
        page.goto("/")
        expect(page.locator("#feed .card")).to_have_count(20)
        expect(wild).to_have_count(count)
        expect(wild.filter(has_text="From beyond your list")).to_have_count(count)
