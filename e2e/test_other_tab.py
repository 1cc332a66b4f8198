"""Logging in and out in another tab: what the first tab sends is kept, and another account is asked first."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from e2e.test_journey import PASSWORD, begin, ranking


def sign_up(page: Page) -> str:
    """Sign up, or let a guest become a member; return the name."""
    name = f"person-{uuid.uuid4().hex[:10]}"
    page.goto("/accounts/signup/")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign up").click()
    expect(page.locator(".menu__name")).to_have_text(name)
    return name


def log_out(page: Page) -> None:
    page.goto("/accounts/logout/")
    page.get_by_role("main").get_by_role("button", name=re.compile("Log out")).click()
    expect(page.locator(".menu__login")).to_be_visible()


def log_in(page: Page, name: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Login").fill(name)
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Log in").click()
    expect(page.locator(".menu__name")).to_have_text(name)


@pytest.fixture
def clean_page(context: BrowserContext) -> Page:
    """Open a page whose console may name refusals: they are what these tests are about."""
    return context.new_page()


def test_a_guest_who_signs_up_in_another_tab_goes_on_in_the_first(clean_page: Page) -> None:
    """The same person: the token is renewed and the reaction sent, without a question."""
    page = clean_page
    begin(page)
    first = ranking(page)[0]
    other = page.context.new_page()
    sign_up(other)
    page.locator(f"#love-{first}").click()
    expect(page.locator(".toast", has_text="Loved")).to_be_visible()
    expect(page.locator(f"#card-{first}")).to_have_count(0)
    expect(page.locator("[data-stale]")).to_have_count(0)
    second = ranking(page)[0]
    page.locator(f"#love-{second}").click()  # and the other forms have the new token too
    expect(page.locator(f"#card-{second}")).to_have_count(0)


def test_another_account_is_asked_about_in_place_and_one_press_sends_it(clean_page: Page) -> None:
    page = clean_page
    name = sign_up(page)
    page.goto("/")
    log_out(other := page.context.new_page())
    begin(other)  # a guest meanwhile
    liked = ranking(page)[1]
    page.locator(f"#love-{liked}").click()
    notice = page.locator("[data-stale]")
    expect(notice).to_contain_text("in another tab")
    expect(notice).to_contain_text("Love “")
    log_in(other, name)  # back as before: and the notice, older still, is asked about again
    notice.get_by_role("button", name="Send without an account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Send it after all?")
    expect(page.get_by_role("main")).to_contain_text(name)
    page.get_by_role("button", name=f"Send as {name}").click()
    expect(page.locator(".toast", has_text="Loved")).to_be_visible()
    page.goto("/activity/")
    expect(page.locator(".ledger__row")).not_to_have_count(0)


def test_more_cards_for_another_reader_load_the_whole_page_again(clean_page: Page) -> None:
    page = clean_page
    sign_up(page)
    page.goto("/")
    log_out(page.context.new_page())
    page.locator(".more__link").scroll_into_view_if_needed()
    expect(page.locator(".menu__login")).to_be_visible()
    expect(page.locator(".menu__name")).to_have_count(0)


def test_the_browser_names_its_time_zone(clean_page: Page) -> None:
    page = clean_page
    page.goto("/")
    zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    kept = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert kept["time_zone"]["value"] == zone
    assert kept["time_zone"]["sameSite"] == "Lax"
    page.goto("/preferences/")
    expect(page.get_by_label("Time zone").locator("option").first).to_have_text(
        f"As my browser says ({zone})"
    )
