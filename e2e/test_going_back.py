"""The back button: after an answer, a filter or a title's page the feed is as it was left, and up to date."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from e2e.test_journey import begin, ranking


def open_card(page: Page, place: int) -> None:
    page.locator("#feed .card").nth(place).locator(".card__title a").click()
    page.wait_for_url("**/title/*/")


def test_going_back_shows_the_feed_as_it_was_left(page):
    page.set_viewport_size({"width": 1280, "height": 844})
    begin(page)
    before = ranking(page)
    open_card(page, 3)
    page.go_back()
    expect(page.locator("#feed .card")).to_have_count(20)
    assert ranking(page) == before

    page.locator("#feed .card").nth(1).get_by_role("button", name=re.compile("^Like")).click()
    expect(page.locator(f"#card-{before[1]}")).to_have_count(0)
    liked = ranking(page)
    open_card(page, 3)
    loved = page.url.split("/")[-2]
    with page.expect_response("**/title/*/"):  # where the answer leads
        page.get_by_role("button", name=re.compile("^Love")).first.click()
    with page.expect_response(re.compile(r"/(\?shown=20)?$")):  # what was kept is asked for anew
        page.go_back()
    expect(page.locator(f"#card-{loved}")).to_have_count(0)
    expect(page.locator("#feed .card")).to_have_count(20)
    now = ranking(page)
    assert len({*now}) == 20
    assert not {before[1], loved} & {*now}
    assert now != liked

    page.locator("summary", has_text="Tune").click()
    with page.expect_response(re.compile("in=Romance")):
        page.locator("#tune .trio__in", has_text="Romance").click()
    expect(page).to_have_url(re.compile("in=Romance"))
    expect(page.locator(".tuned__chips")).to_contain_text("Romance")
    romances = ranking(page)
    page.keyboard.press("Escape")
    open_card(page, 2)
    page.go_back()
    expect(page.locator(".tuned__chips")).to_contain_text("Romance")
    assert ranking(page) == romances
    page.go_back()
    expect(page).to_have_url(re.compile("/$"))
    expect(page.locator(".tuned__chips")).to_have_count(0)
    expect(page.locator(f"#card-{now[0]}")).to_have_count(1)
    assert ranking(page) == now
    assert page.locator("#tune").get_by_label("Romance", exact=True).is_checked() is False
