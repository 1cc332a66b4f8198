"""Remake the pictures of the README from a running site: `python docs/screenshots.py http://127.0.0.1:8000`.

It plays a newcomer (three favourites, then the feed) and photographs what they see.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

IMAGES = Path(__file__).parent / "images"
FAVOURITES = ("Steins;Gate", "Mononoke Hime", "Mushishi")
REACTIONS = ("like", "love", "dislike")
TITLE = "/title/5114/"
PHONE, DESKTOP = (390, 844), (1280, 1290)
Theme = Literal["light", "dark"]


def main() -> None:
    """Photograph each page in both themes, on a desk and in a hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base_url", help="address of a running Nostrade with its checkpoint loaded")
    parser.add_argument("--browser", default="/usr/bin/chromium", help="a Chromium to drive")
    arguments = parser.parse_args()
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=arguments.browser, args=["--no-sandbox"])
        newcomer(browser, arguments.base_url)
        state = taste(browser, arguments.base_url)
        for theme in ("dark", "light"):
            for name, size in (("phone", PHONE), ("desktop", DESKTOP)):
                with opened(browser, arguments.base_url, size, theme, state) as context:
                    page = context.new_page()
                    take(page, "/", f"feed-{name}-{theme}")
                    if (name, theme) in {("desktop", "light"), ("phone", "dark")}:
                        take(page, TITLE, f"title-{name}-{theme}")
        browser.close()


def newcomer(browser: Browser, base_url: str) -> None:
    """Photograph the first visit, two favourites picked."""
    with opened(browser, base_url, PHONE, "light") as context:
        page = context.new_page()
        page.goto("/start/")
        for place in (1, 5):
            page.locator(".pick").nth(place).click()
            page.locator('.pick[aria-pressed="true"]').nth(0 if place == 1 else 1).wait_for()
        page.evaluate("scrollTo(0, 0)")
        take(page, None, "start-phone-light")


def taste(browser: Browser, base_url: str) -> StorageState:
    """Pick favourites, react in the feed, and return the guest's cookies."""
    with opened(browser, base_url, DESKTOP, "dark") as context:
        page = context.new_page()
        for name in FAVOURITES:
            page.goto("/start/?more=1")
            page.get_by_label("Search a title").fill(name)
            page.get_by_role("button", name=name, exact=True).click()
            page.locator(".toast", has_text=name).wait_for()
        page.goto("/")
        for reaction in REACTIONS:
            card = page.locator("#feed .card").nth(2)
            reacted = card.get_attribute("data-card")
            card.locator(f".action--{reaction}").click()
            page.locator(f'#feed [data-card="{reacted}"]').wait_for(state="detached")
        return context.storage_state()


def opened(
    browser: Browser, base_url: str, size: tuple[int, int], theme: Theme, state: StorageState | None = None
) -> BrowserContext:
    """Open a window of that size; a phone has twice the pixels."""
    return browser.new_context(
        base_url=base_url,
        viewport={"width": size[0], "height": size[1]},
        device_scale_factor=2 if size == PHONE else 1,
        color_scheme=theme,
        storage_state=state,
        reduced_motion="reduce",
    )


def take(page: Page, address: str | None, name: str) -> None:
    """Photograph a page without its notices, once its posters are drawn."""
    if address:
        page.goto(address)
    page.locator("[data-toast-close]:visible").first.or_(page.locator("body")).first.wait_for()
    for notice in page.locator("[data-toast-close]:visible").all():
        notice.click()
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(400)
    page.screenshot(path=IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
