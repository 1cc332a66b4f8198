"""After logging out, Back shows nothing that was somebody's; else it finds the feed as it was left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserType, Page, expect

from e2e.test_journey import begin, ranking
from e2e.test_other_tab import log_out, sign_up

PERSONAL = (
    "/activity/",
    "/saved/",
    "/preferences/",
    "/profile/",
    "/lists/",
    "/tokens/",
    "/accounts/email/",
    "/",
)


@pytest.fixture(params=["remembers pages", "does not"])
def either_page(
    request: pytest.FixtureRequest, browser_type: BrowserType, browser_type_launch_args: dict, base_url: str
) -> Iterator[Page]:
    """Open a page in a browser with and in one without the memory of pages that Back takes them from.

    Playwright's own browsers have none.
    """
    args = browser_type_launch_args | (
        {"ignore_default_args": ["--disable-back-forward-cache"]}
        if request.param == "remembers pages"
        else {}
    )
    browser: Browser = browser_type.launch(**args)
    yield browser.new_context(base_url=base_url, viewport={"width": 1280, "height": 844}).new_page()
    browser.close()


@pytest.mark.parametrize("address", PERSONAL)
def test_back_after_logging_out_shows_nothing_of_the_account(either_page: Page, address: str) -> None:
    page = either_page
    name = sign_up(page)
    page.goto(address)
    expect(page.locator(".menu__name")).to_have_text(name)
    log_out(page)
    for _ in range(2):  # past the page that asked, to the one before
        page.go_back()
        expect(page.locator(".menu__name")).to_have_count(0)
        assert name not in page.content()
    storage = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert name not in storage
    assert "<" not in storage  # no copies of pages either (htmx keeps none: historyCacheSize)


def test_back_after_logging_out_in_another_tab_neither(either_page: Page) -> None:
    page = either_page
    name = sign_up(page)
    page.goto("/")
    page.goto("/privacy/")
    log_out(page.context.new_page())
    page.go_back()
    expect(page.locator(".menu__login")).to_be_visible()
    assert name not in page.content()


def test_back_finds_the_feed_where_it_was_left(either_page: Page) -> None:
    page = either_page
    begin(page)
    while page.locator("#feed .card").count() < 60:
        with page.expect_response("**/?page=*"):
            page.locator(".more__link").scroll_into_view_if_needed()
        page.wait_for_timeout(100)
    before = ranking(page)
    card = page.locator("#feed .card").nth(50)
    card.scroll_into_view_if_needed()
    place = card.bounding_box()
    key = card.get_attribute("data-card")
    card.locator(".card__title a").click()
    page.wait_for_url("**/title/*/")
    page.go_back()
    expect(page.locator("#feed .card")).to_have_count(len(before))
    assert ranking(page) == before
    again = page.locator(f"#card-{key}")
    expect(again).to_be_in_viewport()
    now = again.bounding_box()
    assert place is not None
    assert now is not None
    assert abs(now["y"] - place["y"]) < 60
