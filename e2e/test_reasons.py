"""Reasons: the dialog over the feed, ignoring a cause and taking that back, and "Why not ...?"."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from e2e.test_accessibility import violations
from e2e.test_journey import begin, ranking


@pytest.mark.parametrize("width", [390, 1280])
def test_a_cause_is_ignored_from_the_dialog_and_comes_back(page, width):
    page.set_viewport_size({"width": width, "height": 844})
    begin(page)
    before = ranking(page)
    page.locator("#feed .card").first.get_by_role("link", name="Why ").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("What speaks for it")
    page.set_viewport_size({"width": width, "height": 500})
    dialog.locator(".why__head").hover()
    page.mouse.wheel(0, 5000)
    expect(dialog.get_by_role("link", name="Why not another title?")).to_be_in_viewport()
    close = dialog.get_by_role("button", name="Close").bounding_box()
    scrolled = dialog.locator("#why").bounding_box()
    assert close["y"] + close["height"] <= scrolled["y"]  # nothing passes under the button
    page.set_viewport_size({"width": width, "height": 844})
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert ranking(page) == before

    page.locator("#feed .card").first.get_by_role("link", name="Why ").press("Enter")
    cause = dialog.locator(".cause").first.locator(".cause__name a").inner_text()
    dialog.get_by_role("button", name=f"Don’t count {cause}").click()
    expect(dialog).to_be_hidden()
    chip = page.locator("#feed-status").get_by_role("button", name=f"Count again: {cause}")
    expect(chip).to_be_visible()
    expect(page.locator("#feed-status")).to_contain_text("from 2 reactions")
    assert ranking(page) != before
    assert violations(page) == []

    page.locator(".toast", has_text=f"Not counted: {cause}").get_by_role("button", name="Undo").click()
    expect(chip).to_be_hidden()
    assert ranking(page) == before


def test_a_cause_is_ignored_from_its_card_with_one_click(page):
    page.set_viewport_size({"width": 390, "height": 844})
    begin(page)
    before = ranking(page)
    cross = page.locator("#feed .obi__drop").first
    box = cross.bounding_box()
    assert min(box["width"], box["height"]) >= 24
    name = cross.inner_text().removeprefix("Don’t count ").removesuffix(" for my recommendations")
    cross.click()
    chip = page.locator("#feed-status").get_by_role("button", name=f"Count again: {name}")
    expect(chip).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("button", name=f"Don’t count {name}")).to_have_count(0)
    expect(page.locator("#feed .card").first).to_be_focused()
    assert violations(page) == []
    chip.click()
    expect(chip).to_be_hidden()
    assert ranking(page) == before


def test_everything_works_without_javascript(browser, base_url):
    with browser.new_context(java_script_enabled=False, base_url=base_url) as context:
        page = context.new_page()
        page.goto("/title/1/")
        page.get_by_role("button", name="Love").first.click()
        page.goto("/")
        page.locator("#feed .card").first.get_by_role("link", name="Why ").click()
        page.wait_for_url("**/why/*/")
        page.get_by_role("button", name="Don’t count").first.click()
        expect(page.locator(".toast").first).to_contain_text("Not counted")
        page.goto("/preferences/")
        page.get_by_role("button", name="Count again").click()
        expect(page.locator(".toast").first).to_contain_text("Counted again")
        page.goto("/")
        page.locator("#feed .obi__drop").first.click()
        expect(page.locator("#feed-status")).to_contain_text("Not counted")

        page.goto("/why-not/")
        page.get_by_label("Title").fill("cowboy bebop")
        page.get_by_role("button", name="Search").click()
        expect(page.locator(".standing").first).to_contain_text("Already answered")
        page.get_by_role("button", name="Take it back").first.click()
        expect(page.locator(".standing").first).not_to_contain_text("Already answered")
