"""The narrowest screens, and letters twice their size: nothing sticks out, everything can be reached."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserType, expect

from e2e.test_journey import begin

ONE_LONG_WORD = "/title/13433/"
PAGES = ("/", "/start/", "/search/?q=bebop", ONE_LONG_WORD, "/activity/", "/profile/", "/accounts/signup/")


@pytest.mark.parametrize("width", [320, 360])
def test_nothing_sticks_out_on_a_small_phone(browser: Browser, base_url: str, width: int):
    with browser.new_context(
        base_url=base_url, viewport={"width": width, "height": 640}, has_touch=True, is_mobile=True
    ) as context:
        page = context.new_page()
        page.goto("/")  # a visitor has most in the header
        assert page.evaluate("document.documentElement.scrollWidth") == width
        begin(page)
        for address in PAGES:
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth") == width, address
        page.locator("summary", has_text="More pages").tap()
        menu = page.get_by_role("banner").locator(".menu__panel")
        menu.get_by_role("button", name="theme").tap()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        menu.get_by_role("link", name="The map").tap()
        expect(page.get_by_role("heading", level=1)).to_have_text("The map")


def test_letters_twice_their_size_fit_a_phone(
    browser_type: BrowserType, browser_type_launch_args: dict[str, object], base_url: str, tmp_path: Path
):
    profile = tmp_path / "Default"
    profile.mkdir()
    (profile / "Preferences").write_text('{"webkit": {"webprefs": {"default_font_size": 32}}}')
    with browser_type.launch_persistent_context(
        tmp_path, base_url=base_url, viewport={"width": 390, "height": 844}, **browser_type_launch_args
    ) as context:
        page = context.new_page()
        for address in PAGES:
            page.goto(address)
            assert page.evaluate("getComputedStyle(document.documentElement).fontSize") == "32px"
            assert page.evaluate("document.documentElement.scrollWidth") == 390, address
