"""Count the clicks and time each step from somebody new to their first personal feed, on a running site.

    GUEST_RATE=1000/h/ip python manage.py run
    python -m benchmarks.arriving http://127.0.0.1:8000 [--rounds 9]

Each round is somebody new in a Chromium of their own. A step ends when what it leads to is there: the wall's
first posters, the lit star, the first card of the personal feed.
"""

from __future__ import annotations

import argparse
import csv
import lzma
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

SIZES = {"phone": (390, 844), "desktop": (1280, 844)}
PERSONAL = "Foretold for you"
STARTER = Path(__file__).resolve().parent.parent / "catalog" / "starter" / "items.csv.xz"
LIST_ROWS = 2_000
Step = tuple[str, bool, Callable[[], None]]  # what happens, whether it is a click, how


def main() -> None:
    """Arrive again and again, on both ways and both sizes, and print medians with quartiles."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("base_url", help="address of a running Nostrade with its checkpoint loaded")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--browser", default="/usr/bin/chromium", help="a Chromium to drive")
    options = parser.parse_args()
    print("| way | step | clicks so far | phone, ms | desktop, ms |\n| --- | --- | --- | --- | --- |")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.browser, args=["--no-sandbox"])
        for way, steps in WAYS.items():
            taken = {
                size: rounds(browser, options.base_url, steps, SIZES[size], options.rounds) for size in SIZES
            }
            for (step, clicks), phone in taken["phone"].items():
                desktop = taken["desktop"][step, clicks]
                print(f"| {way} | {step} | {clicks} | {words(phone)} | {words(desktop)} |", flush=True)
        browser.close()


def rounds(
    browser: Browser, base_url: str, steps: Callable[[Page], Iterator[Step]], size: tuple[int, int], n: int
) -> dict[tuple[str, int], list[float]]:
    """Return the milliseconds of each step; the first round only warms up."""
    taken: dict[tuple[str, int], list[float]] = defaultdict(list)
    for number in range(n + 1):
        context = browser.new_context(
            base_url=base_url, viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce"
        )
        page, clicks, whole = context.new_page(), 0, 0.0
        for step, is_click, happen in steps(page):
            page.wait_for_load_state("networkidle")  # a person looks before they choose
            began = time.perf_counter()
            happen()
            passed = 1000 * (time.perf_counter() - began)
            clicks, whole = clicks + is_click, whole + passed
            if number:
                taken[step, clicks].append(passed)
        if number:
            taken["all of it", clicks].append(whole)
        context.close()
    return taken


def by_the_wall(page: Page) -> Iterator[Step]:
    """Open the wall and pick its first three titles."""
    picks = page.locator(".pick")

    def open_wall() -> None:
        page.goto("/start/", wait_until="commit")
        picks.nth(5).wait_for()

    def pick(place: int) -> Callable[[], None]:
        def happen() -> None:
            picks.nth(place).click()
            if place < 2:
                expect(page.locator(".progress__words")).to_have_text(f"{place + 1} of 3 picked")
            else:
                personal(page)

        return happen

    yield "open /start/", False, open_wall
    for place, name in enumerate(("first pick", "second pick", "third pick, to the feed")):
        yield name, True, pick(place)


def by_the_front_page(page: Page) -> Iterator[Step]:
    """Open the site and love the first card that is there."""

    def open_feed() -> None:
        page.goto("/", wait_until="commit")
        page.locator("#feed .card").first.wait_for()

    def love() -> None:
        page.locator("#feed .action--love").first.click()
        personal(page)

    yield "open /", False, open_feed
    yield "Love on the first card, to the personal feed", True, love


def by_a_list(page: Page) -> Iterator[Step]:
    """Upload a long list and go on to the feed; choosing the file is the person's own time."""

    def open_upload() -> None:
        page.goto("/lists/import/", wait_until="commit")
        page.locator("#list").wait_for()

    def press(button: str, heading: str) -> Callable[[], None]:
        def happen() -> None:
            page.get_by_role("button", name=button).click()
            page.get_by_role("heading", name=heading).wait_for()

        return happen

    def preview() -> None:
        page.set_input_files("#list", {"name": "list.csv", "mimeType": "text/csv", "buffer": a_list()})
        press("See what would change", "What would change")()

    def show() -> None:
        page.get_by_role("link", name="Show my feed").click()
        personal(page)

    yield "open /lists/import/", False, open_upload
    yield "choose the file, See what would change", True, preview
    yield f"Bring in {LIST_ROWS:,} titles", True, press("Bring in", "Your list is in")
    yield "Show my feed", True, show


@cache
def a_list() -> bytes:
    """Return a CSV list of the best-known titles of the starter catalogue, with scores and dates."""
    with lzma.open(STARTER, "rt", encoding="utf-8", newline="") as file:
        titles = sorted(csv.DictReader(file), key=lambda row: -int(row["members"] or 0))[:LIST_ROWS]
    lines = (
        f"{row['anime_id']},{place % 10 + 1},2020-01-{place % 28 + 1:02}" for place, row in enumerate(titles)
    )
    return "\n".join(["anime_id,score,date", *lines]).encode()


def personal(page: Page) -> None:
    """Wait until the personal feed can be read."""
    expect(page.get_by_role("heading", level=1)).to_have_text(PERSONAL)
    page.locator("#feed .card").first.wait_for()


WAYS = {
    "three from the wall": by_the_wall,
    "one Love on the front page": by_the_front_page,
    "a list": by_a_list,
}


def words(values: list[float]) -> str:
    """Say the median and the quartiles."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.0f} [{low:.0f}, {high:.0f}]"


if __name__ == "__main__":
    main()
