"""The map: moved by hand, finger and key, coloured, asked about; and a region of it steers the feed."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from e2e.test_accessibility import violations_in_both_themes
from e2e.test_journey import begin, ranking

pytestmark = pytest.mark.usefixtures("_drawn")


def view(page: Page) -> list[float]:
    """Return what part of the sky is in view, as the chart itself says."""
    scales = "(({ x, y }) => [x.min, x.max, y.min, y.max])(Chart.getChart('map-sky').scales)"
    return [round(side, 3) for side in page.evaluate(scales)]


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag over the sky, in shares of its width and height."""
    box = page.locator("#map-frame").bounding_box()
    (x, y), *rest = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in (start, end)]
    page.mouse.move(x, y)
    page.mouse.down()
    for x, y in rest:
        page.mouse.move(x, y, steps=5)
    page.mouse.up()


def test_the_sky_moves_and_a_region_of_it_steers_the_feed(page, base_url):
    page.set_viewport_size({"width": 1280, "height": 1200})
    page.emulate_media(reduced_motion="reduce")
    begin(page)
    before = ranking(page)
    page.goto("/map/")
    expect(page.locator("#map")).to_be_visible()
    whole = view(page)
    drag(page, (0.5, 0.5), (0.7, 0.6))
    moved = view(page)
    assert moved != whole
    page.get_by_role("button", name="Closer").click()
    assert view(page)[1] - view(page)[0] < whole[1] - whole[0]
    page.get_by_role("button", name="Whole sky").click()
    assert view(page) == whole
    page.locator("#map-frame").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("+")
    assert view(page) != whole
    page.get_by_role("button", name="Whole sky").click()

    page.get_by_label("Find a title").fill("Cowboy Bebop")
    page.keyboard.press("Enter")
    title = page.locator("#map-title")
    expect(title).to_contain_text("Cowboy Bebop")
    for colour, legend in (("score", r"^\d\.\d"), ("genre", "Comedy")):
        page.get_by_label("Colour by").select_option(colour)
        expect(page.locator("#map-legend li").first).to_have_text(re.compile(legend))
    page.get_by_label("Layout").select_option("pca")

    page.get_by_role("button", name="Whole sky").click()
    select = page.get_by_role("button", name="Select a region")
    select.press("Enter")
    expect(title).to_contain_text("selected")  # the middle of the view, for who does not draw
    first = title.inner_text()
    drag(page, (0.2, 0.2), (0.45, 0.55))
    expect(title).not_to_have_text(first)
    assert view(page) == whole  # a finger that draws moves nothing
    assert violations_in_both_themes(page) == []
    page.get_by_role("link", name="Show me these", exact=True).click()
    page.wait_for_url(re.compile("near="))
    expect(page.locator("#feed .card")).to_have_count(20)
    assert ranking(page) != before
    page.locator("#mood-near").click()
    page.wait_for_url(re.compile("/$"))
    assert ranking(page) == before


def test_fingers_move_the_sky_and_draw_a_region_on_a_phone(browser, base_url):
    with browser.new_context(
        base_url=base_url, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    ) as context:
        page = context.new_page()
        page.goto("/map/")
        expect(page.locator("#map")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        frame = page.locator("#map-frame")
        frame.scroll_into_view_if_needed()
        box, touch = frame.bounding_box(), context.new_cdp_session(page)
        left, top = box["x"], box["y"]

        def fingers(*ways: tuple[tuple[float, float], tuple[float, float]]) -> None:
            """Draw each finger from one place to another, in pixels of the sky."""
            for kind, share in (("touchStart", 0), ("touchMove", 0.3), ("touchMove", 0.7), ("touchMove", 1)):
                at = [
                    {
                        "x": box["x"] + x + share * (to - x),
                        "y": box["y"] + y + share * (low - y),
                        "id": number,
                    }
                    for number, ((x, y), (to, low)) in enumerate(ways)
                ]
                touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
            touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

        scrolled, whole = page.evaluate("scrollY"), view(page)
        fingers(((120, 200), (180, 220)))
        assert view(page) != whole
        for _ in range(10):  # the plugin takes its time to know that the finger left
            page.wait_for_timeout(600)
            page.touchscreen.tap(left + 180, top + 220)
            if "Open it" in page.locator("#map-title").inner_text():
                break
        expect(page.locator("#map-title")).to_contain_text("Open it")
        fingers(((130, 200), (60, 200)), ((220, 200), (300, 200)))
        west, east, south, north = view(page)
        assert east - west == pytest.approx(north - south, abs=0.01)  # the sky keeps its shape
        assert east - west < whole[1] - whole[0]

        page.locator("#map-select").tap()
        fingers(((78, 60), (234, 180)))
        drawn = page.locator("#map-box").bounding_box()
        assert drawn["width"] == pytest.approx(156, abs=3)
        assert page.evaluate("scrollY") == scrolled
        page.keyboard.press("Escape")
        expect(page.locator("#map-box")).to_be_hidden()

        page.get_by_role("link", name="Show me these around").first.tap()  # the same in words
        page.wait_for_url(re.compile("near="))
        expect(page.locator("#mood-near")).to_be_visible()


def test_the_page_keeps_the_place_of_the_drawing_and_of_a_title_that_is_not_there(page):
    page.route("**/map/*.json", lambda route: (page.wait_for_timeout(300), route.continue_()))
    page.goto("/map/")
    regions = page.get_by_role("heading", name="Regions of the sky")
    before = regions.bounding_box()["y"]
    expect(page.locator("#map")).to_be_visible()
    assert regions.bounding_box()["y"] == pytest.approx(before, abs=60)  # the line of colours is new
    page.get_by_label("Find a title").fill("Nothing begins so")
    page.keyboard.press("Enter")
    expect(page.locator("#map-title")).to_contain_text("No title on the map begins with “Nothing begins so”")
