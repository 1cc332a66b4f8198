"""The controls above the feed: tuned, shared, kept, put away, without JavaScript too."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e.test_accessibility import violations
from e2e.test_journey import begin, ranking


def genres(page: Page) -> list[str]:
    return [card.inner_text() for card in page.locator("#feed .card .genres").all()]


@pytest.mark.parametrize("width", [390, 1280])
def test_a_guest_tunes_the_feed_shares_and_keeps_it(page: Page, browser: Browser, base_url: str, width: int):
    page.set_viewport_size({"width": width, "height": 844})
    begin(page)
    plain = ranking(page)
    page.locator("summary", has_text="Tune").click()
    panel = page.get_by_role("form", name="Tune the feed")
    with page.expect_response(re.compile(r"in=Romance")):
        panel.locator(".trio__in", has_text="Romance").click()
    with page.expect_response(re.compile(r"discovery=4")):
        panel.get_by_label("Discovery").press("End")
    expect(panel.locator("output[for=discovery]")).to_have_text("Hidden gems")
    expect(page).to_have_url(re.compile(r"/\?in=Romance&discovery=4$"))
    assert violations(page) == []
    if width < 640:
        panel.get_by_role("button", name="Show titles").click()
    else:
        page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(page.locator("#feed .card").first).to_be_visible()
    assert ranking(page) != plain
    assert all("Romance" in each for each in genres(page))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    before = ranking(page)
    with page.expect_response(re.compile(r"/\?.*shown=")):  # a reaction stays in the view
        page.locator("#feed .card").first.get_by_role("button", name=re.compile("^Love")).click()
    expect(page.locator(f"#card-{before[0]}")).to_have_count(0)
    assert all("Romance" in each for each in genres(page))

    shared = page.get_by_role("link", name="Link to this view").get_attribute("href")
    page.get_by_role("button", name="Keep for next time").click()
    page.goto("/")
    expect(page.locator(".tuned__kept")).to_have_text("Kept")
    assert all("Romance" in each for each in genres(page))
    page.get_by_role("link", name=re.compile("^Romance ?, remove$")).click()
    expect(page.get_by_role("link", name="Back to what I kept")).to_be_visible()

    visitor = browser.new_context(base_url=base_url, java_script_enabled=False)
    theirs = visitor.new_page()
    theirs.goto(shared)
    assert all("Romance" in each for each in genres(theirs))
    theirs.locator("summary", has_text="Tune").click()
    theirs.locator(".trio__out", has=theirs.get_by_label("No Comedy")).click()
    theirs.get_by_role("button", name="Show titles").click()
    expect(theirs).to_have_url(re.compile(r"out=Comedy"))
    assert not any("Comedy" in each for each in genres(theirs))
    theirs.get_by_role("link", name="A good cry", exact=True).click()
    expect(theirs.locator(".mood--on")).to_have_text(re.compile("A good cry"))
    visitor.close()
