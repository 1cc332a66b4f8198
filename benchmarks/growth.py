"""How time and memory grow with the data: 0.5, 2 and 8 million rows; catalogues of up to a million titles.

    python -m benchmarks.growth --ratings rating.csv --out DIR [--rows 500000 2000000 8000000]

Larger files than the one given are synthetic: copies of its people under new ids, a tenth of their rows
swapped for titles drawn by popularity. Every point is a process of its own. Processor seconds hold on a busy
machine, wall seconds only on a quiet one. Writes growth.json, growth.md and growth.svg into DIR.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from ml import prepare, recommend
from ml.chart import STYLE
from ml.checkpoint import Checkpoint
from ml.config import PRESETS, SASRecConfig
from ml.data import Dataset
from ml.history import History
from ml.id_maps import IdMap
from ml.item_item import ItemItem
from ml.ranker import Ranker
from ml.sasrec import SASRec
from ml.training import run

ROWS = (500_000, 2_000_000, 8_000_000)
TITLES = (10_000, 100_000, 1_000_000)
SWAPPED = 0.1
WIDTH, KNOWN, ROUNDS = 128, 50, 15  # of the model whose catalogue grows; told titles; rankings timed
PANEL, HEIGHT = 300, 260  # size of a picture's panel


def main() -> None:
    """Measure every point and write the table and the picture."""
    options = parser().parse_args()
    if options.point:
        return print(json.dumps(POINTS[options.point](Path(options.folder), options.size)))
    options.out.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        figures = list(measured(options, Path(scratch)))
    (options.out / "growth.json").write_text(json.dumps(figures, indent=1) + "\n")
    (options.out / "growth.md").write_text(table(figures))
    (options.out / "growth.svg").write_text(picture(figures))
    print(table(figures))


def parser() -> argparse.ArgumentParser:
    """Define the command line; the last three options are for the processes it starts itself."""
    command = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    command.add_argument("--ratings", type=Path)
    command.add_argument("--out", type=Path)
    command.add_argument("--rows", type=int, nargs="+", default=ROWS)
    command.add_argument("--titles", type=int, nargs="+", default=TITLES)
    for name, kind in (("--point", str), ("--folder", str), ("--size", int)):
        command.add_argument(name, type=kind, help=argparse.SUPPRESS)
    return command


def measured(options: argparse.Namespace, scratch: Path) -> Iterator[dict[str, Any]]:
    """Yield the figures of every point, each measured in a fresh process."""
    source = pd.read_csv(options.ratings)
    for rows in options.rows:
        folder = scratch / str(rows)
        folder.mkdir()
        enlarged(source, rows).to_csv(folder / "ratings.csv", index=False)
        for name in ("prepare", "epoch", "recommend"):
            yield answer(name, folder, rows)
    for titles in options.titles:
        yield answer("catalogue", scratch, titles)


def answer(point: str, folder: Path, size: int) -> dict[str, Any]:
    """Run one point in a process of its own."""
    command = [sys.executable, __file__, "--point", point, "--folder", str(folder), "--size", str(size)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    printed = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    figures: dict[str, Any] = {"point": point, "size": size} | json.loads(printed.splitlines()[-1])
    print(figures, flush=True)
    return figures


def enlarged(source: pd.DataFrame, rows: int, seed: int = 0) -> pd.DataFrame:
    """Copy the people of a ratings table under new ids, with some titles swapped, up to a number of rows."""
    rng = np.random.default_rng(seed)
    items = source.columns[1]
    step = int(source["user_id"].max()) + 1
    copies = [source]
    for number in range(1, -(-rows // len(source))):
        copy = source.assign(user_id=source["user_id"] + number * step)
        swapped = rng.random(len(copy)) < SWAPPED
        copy.loc[swapped, items] = rng.choice(source[items], int(swapped.sum()))
        copies.append(copy)
    return pd.concat(copies).iloc[:rows]


def timed(work: Callable[[], Any]) -> dict[str, float]:
    """Run, and return wall seconds, processor seconds and the peak of memory."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    seconds = {"seconds": time.perf_counter() - wall, "processor_seconds": time.process_time() - processor}
    return seconds | {"peak_mb": peak()}


def peak() -> float:
    """Return the greatest resident set of this process in MB (Linux; getrusage would count the parent's)."""
    status = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024


def preparing(folder: Path, _size: int) -> dict[str, Any]:
    """Prepare the ratings file."""
    arguments = ["--ratings", str(folder / "ratings.csv"), "--out", str(folder / "data")]
    return timed(lambda: prepare.main(arguments))


def one_epoch(folder: Path, _size: int) -> dict[str, Any]:
    """Train the tiny model for an epoch, from random weights and without validation."""
    dataset = Dataset.load(folder / "data")
    preset = PRESETS["tiny"]
    once = replace(preset.training, epochs=1, split=replace(preset.training.split, validation=0.0))
    start = blank(dataset.id_map, SASRecConfig(n_items=dataset.n_items, **preset.model))
    figures = timed(lambda: run(start, dataset, once, "cpu").save(folder / "checkpoint"))
    return figures | {"people": dataset.n_users, "events": len(dataset.items)}


def recommending(folder: Path, size: int) -> dict[str, Any]:
    """Write 20 titles for each person of the file."""
    arguments = ["--checkpoint", str(folder / "checkpoint"), "--histories", str(folder / "ratings.csv")]
    return timed(
        lambda: recommend.main([*arguments, "--k", "20", "--out", str(folder / f"lists-{size}.csv")])
    )


def catalogue(folder: Path, size: int) -> dict[str, Any]:
    """Save a model of many titles, load it and rank the whole catalogue, on one thread."""
    torch.set_num_threads(1)
    path = folder / f"catalogue-{size}"
    blank(IdMap(range(1, size + 1)), SASRecConfig(n_items=size, width=WIDTH)).save(path)
    megabytes = sum(file.stat().st_size for file in path.iterdir()) / 1e6
    ranker = Ranker(Checkpoint.load(path))
    draws = np.random.default_rng(0)
    taken = []
    for _ in range(ROUNDS):
        history = History.of((draws.permutation(size)[:KNOWN] + 1).tolist())
        taken.append(1000 * timed(partial(ranker.rank, history, 20))["processor_seconds"])
    return {"peak_mb": peak(), "checkpoint_mb": megabytes, "rank_ms": float(np.median(taken))}


def blank(id_map: IdMap, config: SASRecConfig) -> Checkpoint:
    """Make an untrained checkpoint without an item-item term."""
    counts = torch.ones(config.n_items + 1, dtype=torch.int64)
    return Checkpoint(config, id_map, SASRec(config).state_dict(), counts, ItemItem.nothing(config.n_items))


POINTS: dict[str, Callable[[Path, int], dict[str, Any]]] = {
    "prepare": preparing,
    "epoch": one_epoch,
    "recommend": recommending,
    "catalogue": catalogue,
}


def table(figures: Sequence[dict[str, Any]]) -> str:
    """Write the figures as two tables."""
    lines = ["| rows | step | wall s | processor s | peak MB |", "| --- | --- | --- | --- | --- |"]
    for f in figures:
        if f["point"] != "catalogue":
            cells = f"{f['seconds']:.1f} | {f['processor_seconds']:.1f} | {f['peak_mb']:,.0f}"
            lines.append(f"| {f['size']:,} | {f['point']} | {cells} |")
    lines += [
        "",
        "| titles | checkpoint MB | rank, median processor ms | peak MB |",
        "| --- | --- | --- | --- |",
    ]
    for f in figures:
        if f["point"] == "catalogue":
            cells = f"{f['checkpoint_mb']:.1f} | {f['rank_ms']:.1f} | {f['peak_mb']:,.0f}"
            lines.append(f"| {f['size']:,} | {cells} |")
    return "\n".join(lines) + "\n"


def picture(figures: Sequence[dict[str, Any]]) -> str:
    """Draw a panel a step: processor time against size, both axes logarithmic."""
    panels = [
        (
            name,
            [(f["size"], f.get("rank_ms") or f["processor_seconds"]) for f in figures if f["point"] == name],
        )
        for name in POINTS
    ]
    body = "".join(
        panel(name, points, PANEL * place) for place, (name, points) in enumerate(panels) if points
    )
    width = PANEL * len(panels)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {HEIGHT}" width="{width}" '
        f'height="{HEIGHT}" role="img" aria-label="Time against size, for each step">'
        f'<style>{STYLE}</style><rect width="{width}" height="{HEIGHT}" fill="#fff"/>{body}</svg>\n'
    )


def panel(name: str, points: Sequence[tuple[int, float]], left: float) -> str:
    """Draw one step's curve, each point with its size and time; growth in proportion climbs at 45 degrees."""
    sizes, times = np.log10([p[0] for p in points]), np.log10([p[1] for p in points])
    span = max(
        float(np.ptp(sizes)), float(np.ptp(times)), 1.0
    )  # one scale on both axes: proportion is 45 degrees
    xs = left + 50 + (sizes - sizes.min()) / span * (PANEL - 110)
    ys = HEIGHT - 60 - (times - times.min()) / span * (PANEL - 160)
    unit = "ms" if name == "catalogue" else "s"
    title = "rank, by titles" if name == "catalogue" else f"{name}, by rows"
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))
    parts = [
        f'<text class="label" x="{left + 40}" y="30">{escape(title)}</text>',
        f'<polyline points="{line}" fill="none" stroke="#0b6e99" stroke-width="2.5"/>',
    ]
    for (size, taken), x, y in zip(points, xs, ys, strict=True):
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#0b6e99"/>')
        parts.append(f'<text x="{x:.1f}" y="{y - 12:.1f}" text-anchor="middle">{taken:.3g} {unit}</text>')
        parts.append(f'<text class="note" x="{x:.1f}" y="{HEIGHT - 24}" text-anchor="middle">{size:,}</text>')
    return "".join(parts)


if __name__ == "__main__":
    main()
