"""A list comes in, is taken back, goes out, and all of it is deleted: as a person does it, in Chromium."""

from __future__ import annotations

import csv
import lzma
from pathlib import Path

import pytest
from playwright.sync_api import expect

from e2e.test_accessibility import violations

STARTER = Path(__file__).resolve().parent.parent / "catalog" / "starter" / "items.csv.xz"


def table(count: int, score: int) -> bytes:
    """Return a CSV list of as many titles of the starter catalogue, with a date each."""
    with lzma.open(STARTER, "rt", encoding="utf-8", newline="") as file:
        titles = [row["anime_id"] for _, row in zip(range(count), csv.DictReader(file), strict=False)]
    lines = (f"{pk},{score},2020-01-{number % 28 + 1:02}" for number, pk in enumerate(titles))
    return "\n".join(["anime_id,score,date", *lines, ",,"]).encode()


def upload(page, content: bytes) -> None:
    page.goto("/lists/import/")
    page.set_input_files("#list", {"name": "list.csv", "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name="See what would change").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_list_comes_in_and_everything_goes_again(page, scheme):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": 390 if scheme == "light" else 1280, "height": 844})
    found = []

    def look() -> None:
        found.extend(violations(page))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.goto("/start/")
    page.get_by_role("link", name="Import it").click()
    look()
    upload(page, table(3, 9))
    expect(page.get_by_role("heading", name="What would change")).to_be_visible()
    look()
    page.get_by_role("button", name="Bring in 3 titles").click()
    expect(page.get_by_role("heading", name="Your list is in")).to_be_visible()
    look()

    upload(page, table(1500, 3))  # long enough for the workers, who report while it goes on
    expect(page.get_by_role("heading", name="What would change")).to_be_visible(timeout=30_000)
    page.get_by_label("Take what the list says").check()
    look()
    page.get_by_role("button", name="Bring in 1,497 titles").click()
    expect(page.get_by_role("heading", name="Your list is in")).to_be_visible(timeout=30_000)
    expect(page.locator("main")).to_contain_text("1,500 reactions")
    page.get_by_role("button", name="Undo this import").click()
    expect(page.get_by_role("heading", name="As it was before")).to_be_visible(timeout=30_000)

    page.goto("/lists/")
    expect(page.locator("main")).to_contain_text("3 reactions and 0 saved titles")
    look()
    with page.expect_download() as download:
        page.get_by_role("link", name="For MyAnimeList").click()
    assert b"<my_score>10</my_score>" in download.value.path().read_bytes()

    page.get_by_role("link", name="Delete everything about me").click()
    look()
    page.get_by_role("button", name="Delete everything").click()
    expect(page.get_by_text("Nothing about you is left here")).to_be_visible()
    page.goto("/privacy/")
    look()
    assert found == []
