"""Command: turn ratings files into a clean dataset directory."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ml.content import ItemContent, read_items
from ml.data import clean, describe
from ml.ratings import DataError, read_ratings


def parser() -> argparse.ArgumentParser:
    """Define the command line."""
    command = argparse.ArgumentParser(prog="python -m ml.prepare", description=__doc__)
    command.add_argument(
        "--ratings", type=Path, action="append", required=True, help="ratings CSV; repeatable"
    )
    command.add_argument(
        "--items", type=Path, action="append", help="CSV of titles: genre, type, name, year, …; repeatable"
    )
    command.add_argument("--out", type=Path, required=True, help="dataset directory to make")
    command.add_argument("--min-item-count", type=int, default=10, help="drop titles with fewer ratings")
    command.add_argument("--min-user-count", type=int, default=2, help="drop people with fewer titles")
    command.add_argument("--rating-scale", type=float, default=10.0, help="the best rating in the files")
    return command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = parser().parse_args(arguments)
    try:
        tables = [read_ratings(path, options.rating_scale) for path in options.ratings]
        dataset = clean(tables, options.min_item_count, options.min_user_count)
        if options.items:
            content = ItemContent.of(read_items(*options.items))
            dataset = replace(dataset, content=content.ordered(dataset.id_map))
        stats = describe(dataset)
        settings = {"min_item_count": options.min_item_count, "min_user_count": options.min_user_count}
        dataset.save(options.out, stats | settings)
    except (DataError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(
        f"{options.out}: {stats['users']} people, {stats['items']} titles, {stats['events']} events, "
        f"{stats['events_with_time']} with a time.\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
