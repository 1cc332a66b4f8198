"""Weigh a first visit, on a running site: what the browser transfers, by kind, and whom it asks.

    python manage.py run
    python -m benchmarks.weight http://127.0.0.1:8000

A Chromium with an empty cache opens each page on a phone. Bytes are those on the wire, with headers and
compression, as Chromium reports them.
"""

from __future__ import annotations

import argparse
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, sync_playwright

PAGES = {"the feed": "/", "the wall": "/start/", "a title": "/title/1/"}
KINDS = {
    "Document": "page",
    "Stylesheet": "styles",
    "Script": "scripts",
    "Font": "fonts",
    "Image": "pictures",
}


def main() -> None:
    """Open each page anew and print a row for it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("base_url", help="address of a running Nostrade")
    parser.add_argument("--browser", default="/usr/bin/chromium", help="a Chromium to drive")
    options = parser.parse_args()
    columns = [*KINDS.values(), "other", "without pictures", "requests", "elsewhere"]
    print(f"| KB | {' | '.join(columns)} |\n| --- |{' --- |' * len(columns)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=options.browser, args=["--no-sandbox"])
        for name, path in PAGES.items():
            weights, hosts = weigh(browser, options.base_url, path)
            cells = [f"{weights[kind] / 1000:.1f}" for kind in (*KINDS.values(), "other")]
            light = sum(weights.values()) - weights["pictures"]
            elsewhere = sum(n for host, n in hosts.items() if host != urlsplit(options.base_url).netloc)
            print(
                f"| {name} | {' | '.join(cells)} | {light / 1000:.1f} | {sum(hosts.values())} | {elsewhere} |"
            )
        browser.close()


def weigh(browser: Browser, base_url: str, path: str) -> tuple[Counter[str], Counter[str]]:
    """Return the bytes of each kind, and how many requests went to each host."""
    context = browser.new_context(base_url=base_url, viewport={"width": 390, "height": 844})
    page = context.new_page()
    session = context.new_cdp_session(page)
    kinds: dict[str, str] = {}
    weights: Counter[str] = Counter()
    hosts: Counter[str] = Counter()

    def answered(event: dict[str, Any]) -> None:
        kinds[event["requestId"]] = KINDS.get(event["type"], "other")
        hosts[urlsplit(event["response"]["url"]).netloc] += 1

    session.on("Network.responseReceived", answered)
    session.on(
        "Network.loadingFinished",
        lambda event: weights.update(
            {kinds.get(event["requestId"], "other"): int(event["encodedDataLength"])}
        ),
    )
    session.send("Network.enable")
    page.goto(path, wait_until="networkidle")
    context.close()
    return weights, hosts


if __name__ == "__main__":
    main()
