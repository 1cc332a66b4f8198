"""A plain form is sent once, however often its button is pressed, and works again after Back or an error."""

from __future__ import annotations

import re
import uuid

from playwright.sync_api import Page, Request, expect

from e2e.test_journey import PASSWORD, begin


def posts(page: Page) -> list[Request]:
    """Collect the forms that are sent from now on."""
    found: list[Request] = []
    page.on("request", lambda request: found.append(request) if request.method == "POST" else None)
    return found


def fill(page: Page, name: str) -> None:
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").first.fill(PASSWORD)


def test_signing_up_twice_sends_one_form(page: Page) -> None:
    sent = posts(page)
    page.goto("/accounts/signup/")
    fill(page, "guest-of-honour")  # refused: the button works again on the page that says so
    page.get_by_role("main").get_by_role("button", name="Sign up").click()
    expect(page.locator(".field__error")).to_contain_text("kept for visitors")
    fill(page, f"person-{uuid.uuid4().hex[:10]}")
    page.get_by_role("main").get_by_role("button", name="Sign up").dblclick()
    expect(page.locator(".menu__name")).to_contain_text("person-")
    assert len(sent) == 2


def test_a_button_that_was_pressed_rests_and_going_back_wakes_it(page: Page) -> None:
    page.goto("/preferences/")
    button = page.get_by_role("button", name="Save preferences")
    # An answer without content leaves the page where it is.
    page.route("**/preferences/", lambda route: route.fulfill(status=204))
    sent = posts(page)
    button.click(no_wait_after=True)
    expect(button).to_be_disabled()
    button.evaluate("each => each.form.requestSubmit()")
    assert len(sent) == 1
    button.evaluate("() => dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    expect(button).to_be_enabled()


def test_a_reaction_that_is_pressed_twice_is_announced_once(page: Page) -> None:
    begin(page)
    page.goto("/")  # without the notices of the beginning
    card = page.locator("#feed .card").nth(2)
    gone, sent = card.get_attribute("data-card"), posts(page)
    card.get_by_role("button", name=re.compile("^Like")).dblclick()
    expect(page.locator(f'#feed [data-card="{gone}"]')).to_have_count(0)
    page.wait_for_load_state("networkidle")
    assert len(sent) == 2  # HTMX sends the second press after the first
    expect(page.locator(".toast", has_text="Liked")).to_have_count(1)
