"""A first visit by the keyboard alone: from the front page to a personal feed and its first answer."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from e2e.test_journey import begin

MOST = 60  # presses of Tab until something is reached


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until what has the focus matches, and can be seen to have it."""
    for _ in range(MOST):
        page.keyboard.press("Tab")
        focus = page.locator(":focus")
        if focus.count() and focus.evaluate("(element, selector) => element.matches(selector)", selector):
            break
    else:
        pytest.fail(f"{MOST} presses of Tab never reached {selector}")
    assert focus.evaluate("element => getComputedStyle(element).outlineStyle") != "none"


def test_a_first_visit_needs_no_mouse(page):
    page.set_viewport_size({"width": 1280, "height": 844})
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.keyboard.press("Enter")
    tab_to(page, 'a[href="/start/"]')
    page.keyboard.press("Enter")
    page.wait_for_url("**/start/")
    progress = page.get_by_role("status").filter(has_text="picked")
    for place in range(3):
        tab_to(page, '.pick[aria-pressed="false"]')
        page.keyboard.press("Enter" if place else "Space")
        if place < 2:
            expect(progress).to_have_text(re.compile(f"{place + 1} of 3 picked"))
    page.wait_for_url(re.compile("/$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Foretold for you")
    expect(page.locator("#feed .card")).to_have_count(20)

    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Next card")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    tab_to(page, "#feed .action--love")
    loved = page.locator("#feed .card").first.get_attribute("data-card")
    page.keyboard.press("Enter")
    expect(page.locator(f"#card-{loved}")).to_have_count(0)
    expect(page.locator("#feed .card").first).to_be_focused()
    expect(page.locator("#feed-news")).to_contain_text("List redrawn")
    page.keyboard.press("u")
    expect(page.locator(f"#card-{loved}")).to_be_focused()


def press(page: Page, name: str) -> None:
    """Press the first button of a name with the keyboard."""
    page.get_by_role("button", name=re.compile(f"^{name}")).first.focus()
    page.keyboard.press("Enter")


def test_the_focus_is_handed_on_where_an_answer_takes_its_place_away(page):
    begin(page)
    page.goto("/activity/")
    rows = page.locator("#main article")
    expect(rows).to_have_count(3)
    press(page, "Take back")
    expect(rows).to_have_count(2)
    expect(rows.first).to_be_focused()
    press(page, "Undo")
    expect(rows).to_have_count(3)
    expect(page.get_by_role("main")).to_be_focused()

    page.goto("/profile/")
    rows = page.locator("#main article")
    press(page, "Don’t count")
    expect(page.get_by_role("button", name="Count again")).to_be_visible()
    expect(rows.first).to_be_focused()
    press(page, "Count again")
    expect(page.get_by_role("main")).to_be_focused()

    page.goto("/")
    press(page, "Don’t count")
    expect(page.get_by_role("button", name="Count again")).to_be_visible()
    press(page, "Count again")
    expect(page.get_by_role("button", name="Count again")).to_have_count(0)
    expect(page.get_by_role("main")).to_be_focused()


def test_a_search_sent_by_enter_asks_once(page):
    """Asked twice, the first request would be broken off, and the console would speak of an error."""
    page.goto("/search/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/search/?q=" in request.url else None)
    page.get_by_label("Title").fill("naruto")
    page.keyboard.press("Enter")
    expect(page.locator("#results")).to_contain_text("Naruto")
    page.keyboard.press("Tab")  # leaving the field changes nothing
    page.wait_for_timeout(500)
    assert len(asked) == 1
