"""The API's pages in a browser: unfolded, authorized and tried out, with nothing fetched from elsewhere."""

from __future__ import annotations

import secrets

from playwright.sync_api import Page, expect

from e2e.test_accessibility import violations


def a_token(page: Page) -> str:
    """Sign up, and make a token that reads."""
    page.goto("/accounts/signup/")
    page.get_by_label("Username").fill(f"reader-{secrets.token_hex(4)}")
    password = secrets.token_hex(12)
    page.get_by_label("Password").first.fill(password)
    page.locator("main").get_by_role("button", name="Sign up").click()
    page.goto("/tokens/")
    page.get_by_label("What is it for?").fill("the API's pages")
    page.get_by_role("button", name="Make the token").click()
    page.get_by_label("Password").first.fill(password)
    page.get_by_role("button", name="Go on").click()
    return page.locator("#secret").inner_text()


def test_it_works(page: Page):
    page.emulate_media(reduced_motion="reduce")
    token = a_token(page)
    page.goto("/api/docs/")
    popular, call = (
        page.locator(f"#operations-{name}") for name in ("recommendations-get_recommendations", "me-get_me")
    )

    for each in (popular, call):
        each.locator(".opblock-summary-control").click()
    expect(call).to_contain_text("Say who is acting")
    assert violations(page) == []
    for each in (popular, call):
        each.get_by_role("button", name="Try it out").click()
    with page.expect_request("**/api/v1/recommendations/**") as asked:
        popular.get_by_role("button", name="Execute").click()
    expect(popular.locator(".live-responses-table")).to_contain_text('"version": null')
    assert "cookie" not in asked.value.all_headers()  # who is logged in here does not act by chance

    page.locator(".auth-wrapper").get_by_role("button", name="Authorize").click()
    page.locator(".dialog-ux input").fill(token)
    page.locator(".dialog-ux").get_by_role("button", name="Apply credentials").click()
    page.locator(".dialog-ux .btn-done").click()
    call.get_by_role("button", name="Execute").click()
    expect(call.locator(".live-responses-table")).to_contain_text('"is_guest": false')
