"""Every page, in both themes, has no serious or critical accessibility violation (axe-core)."""

from __future__ import annotations

import uuid

import pytest
from axe_playwright_python.sync_playwright import Axe

from e2e.test_journey import PASSWORD, begin

GUEST_PAGES = (
    "/",
    "/start/?more=1",
    "/search/?q=bebop",
    "/title/1/",
    "/saved/",
    "/activity/",
    "/preferences/",
    "/profile/",
    "/why/1/",
    "/why-not/?q=bebop",
    "/map/",
)
VISITOR_PAGES = (
    "/",
    "/start/",
    "/profile/",
    "/accounts/login/",
    "/accounts/signup/",
    "/accounts/password/reset/",
    "/privacy/",
)
MEMBER_PAGES = (
    "/lists/",
    "/lists/import/",
    "/tokens/",
    "/accounts/email/",
    "/accounts/password/change/",
    "/accounts/reauthenticate/",
    "/accounts/logout/",
    "/accounts/delete/",
)


def violations(page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{page.url} {each['id']}: {each['nodes'][0]['html'][:160]}"
        for each in found
        if each["impact"] in {"serious", "critical"}
    ]


def violations_in_both_themes(page) -> list[str]:
    """Look at the page as it stands in the light and in the dark."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += [f"{scheme}: {each}" for each in violations(page)]
    return found


def in_both_themes(page, address: str) -> list[str]:
    page.goto(address)
    return violations_in_both_themes(page)


@pytest.mark.usefixtures("_drawn")  # the map
@pytest.mark.parametrize("width", [390, 1280])
def test_pages_are_accessible(page, base_url, width):
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(reduced_motion="reduce")  # what is still fading in has too little contrast
    found = [each for address in VISITOR_PAGES for each in in_both_themes(page, address)]
    begin(page)
    found += [each for address in GUEST_PAGES for each in in_both_themes(page, address)]
    assert found == []


def test_the_pages_of_members_are_accessible(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/accounts/signup/")
    page.get_by_label("Username").fill(f"person-{uuid.uuid4().hex[:10]}")
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_role("main").get_by_role("button", name="Sign up").click()
    page.wait_for_url("**/")
    assert [each for address in MEMBER_PAGES for each in in_both_themes(page, address)] == []


def test_refusals_are_accessible(browser, base_url):
    with browser.new_context(base_url=base_url, viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        for address in ("/nowhere/", "/lists/import/0/", "/accounts/confirm-email/no/"):
            assert in_both_themes(page, address) == []
