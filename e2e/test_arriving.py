"""Somebody new: three clicks or three keys to a first personal feed, and what it says about them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect


@pytest.mark.parametrize(("width", "by_key"), [(390, False), (1280, True)])
def test_three_picks_lead_to_a_personal_feed(page, width, by_key):
    page.set_viewport_size({"width": width, "height": 844})
    page.goto("/start/")
    progress = page.get_by_role("status").filter(has_text="picked")
    expect(progress).to_have_text(re.compile("0 of 3 picked"))
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for place in range(3):
        pick = page.locator(".pick").nth(2 * place)
        assert pick.get_attribute("aria-pressed") == "false"
        if by_key:
            pick.focus()
            page.keyboard.press("Enter")
        else:
            pick.click()
        if place < 2:
            expect(progress).to_have_text(re.compile(f"{place + 1} of 3 picked"))
            expect(pick).to_have_attribute("aria-pressed", "true")
            if by_key:
                expect(pick).to_be_focused()  # the wall was drawn anew, the reader is where they were
    page.wait_for_url(re.compile("/$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Foretold for you")
    expect(page.locator("#feed .card")).to_have_count(20)

    page.locator("summary", has_text="More pages").click()  # the footer is far away
    page.get_by_role("banner").get_by_role("link", name="Your taste", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your taste")
    expect(page.get_by_role("main")).to_contain_text("3 reactions: 3 loved")
    expect(page.get_by_role("main")).to_contain_text("Too few to say")
    assert page.evaluate("document.documentElement.scrollWidth") == width
