"""Answers by key and by thumb: one tap each, taken back in place, told to screen readers."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from e2e.conftest import watch
from e2e.test_journey import begin, ranking

# Adds up the layout shifts that nobody's hand caused; a page is calm below 0.1.
MEASURE_SHIFTS = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


def place_of_focus(page: Page) -> str | None:
    return page.evaluate("document.activeElement.closest('[data-card]')?.dataset.card ?? null")


def gone(page: Page, card: str) -> None:
    expect(page.locator(f'#feed [data-card="{card}"]')).to_have_count(0)


def drag(page: Page, card: Locator, dx: int, dy: int = 0) -> None:
    """Touch a card, draw the finger away and hold it for a moment: a flick would scroll on by itself.

    While the list moves to its new order nothing in it can be touched, which takes long on a busy machine.
    """
    page.wait_for_function("() => !document.documentElement.matches(':active-view-transition')")
    box = card.bounding_box()
    assert box
    session = page.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + 60
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 11):
        point = {"x": x + dx * step / 10, "y": y + dy * step / 10}
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    page.wait_for_timeout(200)
    session.send(
        "Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x + dx, "y": y + dy}]}
    )
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_keys_answer_and_undo_in_place(page):
    begin(page)
    page.goto("/")  # without the notices of the picks
    before = ranking(page)
    news = page.locator("#feed-news")
    for key, said in (("x", "Seen"), ("n", "Not now"), ("f", "Hidden"), ("1", "Disliked"), ("v", "Loved")):
        page.locator(f'[data-card="{before[0]}"]').focus()
        for _ in range(3):
            page.keyboard.press("j")
        page.keyboard.press("k")
        assert place_of_focus(page) == before[2]
        page.keyboard.press(key)
        gone(page, before[2])
        expect(page.locator(".toast", has_text=said).last).to_be_visible()
        expect(news).to_contain_text("List redrawn")
        assert place_of_focus(page) == ranking(page)[2]  # the card that took the place
        page.keyboard.press("u")
        expect(page.locator(f'#feed [data-card="{before[2]}"]')).to_be_focused()
        assert ranking(page) == before
        expect(page.locator("[data-undo]")).to_have_count(0)

    page.keyboard.press("s")
    save = page.locator(f"#save-button-{before[2]}")
    expect(save).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("u")
    expect(save).to_have_attribute("aria-pressed", "false")
    assert ranking(page) == before

    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Not this franchise")
    page.keyboard.press("x")  # the dialog is open: no card is answered
    page.get_by_label("Use these keys").uncheck()
    page.keyboard.press("Escape")
    page.locator(f'[data-card="{before[0]}"]').focus()
    page.keyboard.press("x")
    page.wait_for_timeout(300)
    assert ranking(page) == before
    page.get_by_role("button", name="Keys ?").first.click()
    page.get_by_label("Use these keys").check()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.wait_for_url(re.compile("/search/"))


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_thumb_swipes_and_scrolls(browser: Browser, base_url: str, motion):
    context = browser.new_context(
        base_url=base_url,
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
        reduced_motion=motion,
    )
    context.add_init_script(MEASURE_SHIFTS)
    problems = watch(context, base_url)
    page = context.new_page()
    begin(page)
    page.goto("/")
    before, hint = ranking(page), page.get_by_text("Swipe a card")
    expect(hint).to_be_visible()
    card = page.locator("#feed .card").first

    drag(page, card, 60)  # not far enough
    page.wait_for_timeout(300)
    assert ranking(page) == before
    drag(page, card, 0, -300)
    page.wait_for_function("scrollY > 100")
    assert ranking(page) == before
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_function("scrollY === 0")
    page.wait_for_timeout(300)

    for dx, said in ((220, "Liked"), (-220, "Disliked")):
        drag(page, page.locator("#feed .card").first, dx)
        gone(page, before[0])
        toast = page.locator(".toast", has_text=said)
        expect(toast).to_be_visible()
        expect(hint).to_be_hidden()
        toast.get_by_role("button", name="Undo").tap()
        expect(page.locator("#feed .card").first).to_have_attribute("data-card", before[0])
        assert ranking(page) == before
        expect(page.locator("[data-undo]")).to_have_count(0)

    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate("window.shifted") < 0.1
    assert problems == []
    context.close()


def test_saving_leaves_the_page_and_its_name_as_they_are(page):
    begin(page)
    page.goto("/")
    name = page.title()
    card = page.locator("#feed .card").nth(1)
    card.get_by_role("button", name=re.compile("^Save")).click()
    expect(card.get_by_role("button", name=re.compile("^Saved"))).to_be_visible()
    assert page.title() == name

    page.goto("/saved/")
    card = page.locator("#main .card")
    card.get_by_role("button", name=re.compile("^Saved")).press("Enter")
    save = card.get_by_role("button", name=re.compile("^Save "))  # else it could not be saved again
    expect(save).to_be_focused()
    assert page.title().startswith("Saved")
    page.get_by_role("button", name="Undo").press("Enter")
    expect(card.get_by_role("button", name=re.compile("^Saved"))).to_be_focused()
    assert page.title().startswith("Saved")
