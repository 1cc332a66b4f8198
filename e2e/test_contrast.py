"""Forced colours: what is pressed or chosen is told apart though the page's own colours are gone."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from e2e.test_journey import begin, love_from_its_page


def ground(element: Locator) -> str:
    return str(element.evaluate("each => getComputedStyle(each).backgroundColor"))


def test_what_is_pressed_stands_out_in_forced_colours(page):
    begin(page)
    page.emulate_media(forced_colors="active")
    love_from_its_page(page, "Kimi ni Todoke")
    love, like = (page.locator(f".hero .action--{each}") for each in ("love", "like"))
    expect(love).to_have_attribute("aria-pressed", "true")
    page.mouse.move(0, 0)
    assert ground(love) != ground(like)

    page.goto("/?in=Comedy&out=Ecchi")
    page.get_by_text("Tune", exact=True).click()
    wanted, unwanted, neither = (
        page.locator("#tune").get_by_role("checkbox", name=name, exact=True).locator("..")
        for name in ("Comedy", "No Ecchi", "Drama")
    )
    assert ground(wanted) != ground(neither)
    assert ground(unwanted) != ground(neither)

    page.goto("/activity/")
    chips = page.locator(".chips .chip")
    assert ground(chips.nth(0)) != ground(chips.nth(1))
