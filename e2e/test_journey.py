"""The main journey: a guest picks favourites, tilts the feed, takes it back and signs up."""

from __future__ import annotations

import re
import uuid

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

FAVOURITES = ("Death Note", "Fullmetal Alchemist: Brotherhood", "Steins;Gate")
ROMANCE = "Kimi ni Todoke"
PASSWORD = "constellation-of-three"


def begin(page: Page) -> None:
    """Become a guest with three favourites, picked by their names, and land on the feed."""
    page.goto("/start/")
    for name in FAVOURITES:
        with page.expect_response(re.compile(r"/start/\?q=")):
            page.get_by_label("Search a title").fill(name)
        pick = page.get_by_role("button", name=name, exact=True)
        with page.expect_response(re.compile(r"/start/")):  # where the answer to the pick leads
            pick.click()
    page.wait_for_url(re.compile(r"/$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Foretold for you")


def ranking(page: Page) -> list[str]:
    """Return the ids of the feed's cards, in their order."""
    return [str(card.get_attribute("data-card")) for card in page.locator("#feed .card").all()]


def whole_ranking(page: Page) -> list[str]:
    """Return the ids of a feed of twenty that a plain form has just loaded, once it is all there."""
    page.wait_for_load_state()
    expect(page.locator("#feed .card")).to_have_count(20)
    return ranking(page)


def romances(page: Page) -> int:
    """Count the romances among the first twenty cards."""
    first = page.locator("#feed .card").all()[:20]
    return sum("Romance" in card.locator(".genres").inner_text() for card in first)


def love_from_its_page(page: Page, name: str) -> Locator:
    """Find a title by search, love it on its page, and return the toast that says so."""
    page.goto(f"/search/?q={name}")
    page.locator("#results").get_by_role("link", name=name, exact=True).first.click()
    page.get_by_role("button", name=f"Love {name}", exact=True).first.click()
    toast = page.locator(".toast", has_text=f"Loved {name}")
    expect(toast).to_be_visible()
    return toast


@pytest.mark.parametrize("width", [390, 1280])
def test_a_guest_tilts_the_feed_takes_it_back_and_signs_up(page, width):
    page.set_viewport_size({"width": width, "height": 844})
    begin(page)
    before, romances_before = ranking(page), romances(page)
    assert len(before) >= 20

    toast = love_from_its_page(page, ROMANCE)
    with page.context.expect_page() as other:
        page.evaluate("window.open('/')")
    feed = other.value
    feed.wait_for_load_state()
    assert romances(feed) >= romances_before + 2
    expect(feed.locator("#feed")).to_contain_text(f"loved {ROMANCE}")

    toast.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name=f"Love {ROMANCE}").first).to_have_attribute(
        "aria-pressed", "false"
    )
    page.goto("/")
    assert ranking(page) == before

    page.goto("/accounts/signup/")
    page.get_by_label("Username").fill(f"person-{uuid.uuid4().hex[:10]}")
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign up").click()
    page.goto("/")
    assert ranking(page) == before
    page.goto("/activity/")
    for name in FAVOURITES:
        expect(page.get_by_role("main")).to_contain_text(name)


def test_a_reaction_takes_its_card_away_and_undo_brings_it_back(page):
    begin(page)
    before = ranking(page)
    reacted = page.locator("#feed .card").nth(2)
    reacted.get_by_role("button", name=re.compile("^Like")).click()
    expect(page.locator(f'#feed [data-card="{before[2]}"]')).to_have_count(0)
    assert before[2] not in ranking(page)
    page.locator(".toast", has_text="Liked").get_by_role("button", name="Undo").click()
    expect(page.locator(f'#feed [data-card="{before[2]}"]')).to_have_count(1)
    assert ranking(page) == before


def test_scrolling_goes_on_without_repeating_a_title(page):
    begin(page)
    cards = page.locator("#feed .card")
    for wanted in (40, 60):
        cards.last.scroll_into_view_if_needed()
        page.mouse.wheel(0, 4000)
        expect(cards.nth(wanted - 1)).to_be_attached()
    shown = ranking(page)
    assert len(shown) == len(set(shown))

    # A reaction far down re-ranks as many cards as were there: the reader stays where they were.
    before = len(shown)
    cards.nth(50).get_by_role("button", name=re.compile("^Dislike")).click()
    expect(page.locator(f'#feed [data-card="{shown[50]}"]')).to_have_count(0)
    assert len(ranking(page)) >= before


def test_who_comes_to_the_end_first_stays_there_while_more_comes(page):
    """The footer in sight must not carry its reader along, past page after page."""
    begin(page)
    page.goto("/")
    last = page.locator("#feed .card").nth(19)
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(page.locator("#feed .card")).to_have_count(40)
    page.wait_for_timeout(1000)
    expect(page.locator("#feed .card")).to_have_count(40)
    expect(last).to_be_in_viewport()


def test_scrolling_across_a_new_checkpoint_ranks_the_whole_list_anew(page):
    begin(page)
    before = ranking(page)
    # As if the cards on the page were by a checkpoint that was replaced since.
    page.route(
        "**/?page=2*",
        lambda route: route.continue_(url=re.sub("below=[^&]+", "below=replaced", route.request.url)),
    )
    cards = page.locator("#feed .card")
    page.evaluate("document.querySelector('#feed .card').dataset.old = 'yes'")
    cards.last.scroll_into_view_if_needed()
    page.mouse.wheel(0, 4000)
    expect(page.locator("#feed .card[data-old]")).to_have_count(0)
    assert ranking(page)[:20] == before
    assert len(set(ranking(page))) == len(ranking(page)) >= 40
    assert page.evaluate("scrollY") > 0


def test_an_undo_offer_leaves_after_eight_seconds(page):
    begin(page)
    page.locator("#feed .card").first.get_by_role("button", name=re.compile("^Like")).click()
    toast = page.locator(".toast", has_text="Liked")
    expect(toast).to_be_visible()
    page.mouse.move(0, 0)  # a toast under the pointer waits for its reader
    timer = toast.locator("[data-toast-timer]")
    assert timer.evaluate("timer => timer.getAnimations()[0].effect.getComputedTiming().duration") == 8000
    timer.evaluate("timer => timer.getAnimations()[0].finish()")  # instead of eight seconds of a busy machine
    expect(toast).to_have_count(0)


def test_it_works_without_javascript(browser: Browser, base_url: str):
    context = browser.new_context(base_url=base_url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/start/")
    for _ in range(3):
        page.locator('.pick[aria-pressed="false"]').first.click()
        page.wait_for_load_state()
    expect(page).to_have_url(re.compile(r"/$"))
    before = whole_ranking(page)
    page.locator("#feed .card").first.get_by_role("button", name=re.compile("^Love")).click()
    page.wait_for_url(re.compile("shown=20"))
    assert before[0] not in whole_ranking(page)
    page.get_by_role("button", name="Undo").last.click()
    expect(page.locator(f'[data-card="{before[0]}"]')).to_have_count(1)
    assert whole_ranking(page) == before
    page.locator(".more .button").click()
    page.wait_for_url(re.compile("page=2"))
    assert not set(before) & set(whole_ranking(page))
    page.locator("#feed .card").first.get_by_role("button", name=re.compile("^Save")).click()
    page.goto("/saved/")
    expect(page.get_by_role("main").locator("article")).to_have_count(1)
    context.close()
