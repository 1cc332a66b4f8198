"""Made-up requests at a really running site, by the thousand, every check on each answer: `make test-api`.

    python benchmarks/fuzz_api.py [--requests 20000] [--seed 1] [--database postgres://...] [--attack]

It starts the site as people do, in an empty folder, with the starter catalogue and the starter model; lifts
the limits; hides all but thirty titles, so that it is known which exist; and goes on until so many were sent.
It ends with an error where anything was found. With `--attack` 200 slow clients hold on meanwhile.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from nostrade_site.tests.fuzzing import fuzz, narrowed
from nostrade_site.tests.site import Site, free_port
from nostrade_site.tests.slow_clients import SlowClients, large_file

UNLIMITED = {f"API_{scope}_RATE": "1000000/s" for scope in ("ANON", "READ", "WRITE", "SCORE")}
PREPARE = """
import json
from django.contrib.auth.models import User
from catalog.models import Genre, Item
from nostrade_site.tokens.models import ApiToken

titles = list(Item.objects.visible().popular().values_list("pk", flat=True)[:30])
Item.objects.exclude(pk__in=titles).update(is_hidden=True)
Item.objects.get(pk=titles[0]).save()  # so that the site sees that the catalogue changed
owner = User.objects.create_user("fuzz", password="made up for this run")
token = ApiToken(label="fuzz", reads=True, writes=True, scores=True).issue(owner)
genres = list(Genre.objects.visible().values_list("name", flat=True))
print(json.dumps({"token": token, "titles": titles, "genres": genres}))
"""


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory(prefix="nostrade-fuzz-") as name:
        folder = Path(name)
        site = Site(folder / "site", free_port())
        site.environ |= UNLIMITED | ({"DATABASE_URL": options.database} if options.database else {})
        site.start().wait_until_ready()
        try:
            slow = SlowClients(site.port, large_file(site.folder / "static"))
            with slow if options.attack else nullcontext():
                return _rounds(site, folder, options)
        finally:
            site.stop()


def _rounds(site: Site, folder: Path, options: argparse.Namespace) -> int:
    """Go round, each time with another seed, until so many requests were sent; return how many failed."""
    known = json.loads(site.shell(PREPARE).splitlines()[-1])
    token, address = known.pop("token"), f"http://127.0.0.1:{site.port}"
    status, text = site.get("/api/v1/schema/?format=json")
    assert status == 200, text
    document, sent, failed, start = narrowed(json.loads(text), **known), 0, 0, time.monotonic()
    seed = options.seed
    while sent < options.requests and not failed:
        found = fuzz(address, token, document, folder, "-n", str(options.examples), "--seed", str(seed))
        cases = found["test_cases"]
        sent, failed, seed = sent + cases["generated"], cases["with_failures"] + cases["errored"], seed + 1
        print(f"seed {seed - 1}: {cases['generated']:,} requests, {failed} failed", flush=True)
        if failed or found["exit"]:
            print(found["text"])
            failed = failed or 1
    broken = [line for line in site.log.splitlines() if "ERROR" in line]
    print(*broken[:20], sep="\n")
    took = time.monotonic() - start
    print(f"{sent:,} requests in {took:.0f} s: {failed} failed, {len(broken)} errors logged")
    return min(failed + len(broken), 1)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Send made-up requests to the API of a real site.")
    parser.add_argument("--requests", type=int, default=20_000, help="send at least so many")
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    parser.add_argument("--examples", type=int, default=400, help="for each call in one round of a seed")
    parser.add_argument("--database", default="", help="DATABASE_URL of an empty database; SQLite without it")
    parser.add_argument("--attack", action="store_true", help="200 slow clients hold on meanwhile")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
