"""Regions of the map: which titles stand in one, the few that stand for it, and the sky divided into them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.http import urlencode
from numpy.typing import NDArray

from recommender.catalogue import Catalogue, Mask, Rows
from recommender.moods import MOST_NEAR

Plane = NDArray[np.float64]  # (N, 2)
Box = tuple[float, float, float, float]  # a corner and the one across from it
LAYOUTS = ("tsne", "pca")

N_REGIONS = 12
ROUNDS = 15  # of k-means
N_NAMED, N_GENRES = 2, 2  # said of a region


@dataclass(frozen=True)
class Region:
    """A neighbourhood: the genres that set it apart, its best-known titles, and a few all over it."""

    genres: tuple[str, ...]
    names: tuple[str, ...]
    size: int
    near: tuple[int, ...]

    @property
    def query(self) -> str:
        return near_query(self.near)


def near_query(anime_ids: Sequence[int]) -> str:
    """Return the query string that steers the feed to these titles."""
    return urlencode([("near", anime_id) for anime_id in anime_ids])


def region_within(points: Mapping[str, Any], layout: str, box: Box, visible: Collection[int]) -> list[int]:
    """Return a few titles all over a rectangle of a map's layout; none where it is empty."""
    places = [place for place, pk in enumerate(points["ids"]) if pk in visible]
    plane = np.array([points[layout][place] for place in places], dtype=np.float64).reshape(-1, 2)
    low, high = np.minimum(box[:2], box[2:]), np.maximum(box[:2], box[2:])
    inside = np.flatnonzero(((plane >= low) & (plane <= high)).all(1))
    return [points["ids"][places[place]] for place in inside[representatives(plane[inside])]]


def representatives(plane: Plane) -> list[int]:
    """Return the places of a few points all over a plane, the one nearest to its middle first."""
    if not len(plane):
        return []
    middle = int(_far(plane, plane.mean(0)[None])[:, 0].argmin())
    centres, _ = k_means(plane, MOST_NEAR)
    nearest = _far(plane, centres).argmin(0).tolist()
    return [*dict.fromkeys([middle, *nearest])][:MOST_NEAR]


def k_means(plane: Plane, k: int) -> tuple[Plane, Rows]:
    """Return k centres (fewer of fewer points) and the one that each point belongs to; the same each time."""
    first = [int(_far(plane, plane.mean(0)[None])[:, 0].argmax())]
    while len(first) < min(k, len(plane)):
        first.append(int(_far(plane, plane[first]).min(1).argmax()))
    centres = plane[first]
    for _ in range(ROUNDS):
        of = _far(plane, centres).argmin(1)
        sums = np.stack([np.bincount(of, axis) for axis in plane.T], axis=1)
        counts = np.bincount(of)
        centres = sums[counts > 0] / counts[counts > 0, None]
    return centres, _far(plane, centres).argmin(1)


def regions_of(points: Mapping[str, Any], catalogue: Catalogue, visible: Mask) -> list[Region]:
    """Divide the t-SNE of what a reader may see into neighbourhoods, the largest first."""
    drawn = dict(zip(points["ids"], points["tsne"], strict=True))
    rows = catalogue.rows_of(drawn)
    rows = rows[visible[rows]]
    plane = np.array([drawn[pk] for pk in catalogue.ids[rows].tolist()], dtype=np.float64).reshape(-1, 2)
    if not len(plane):
        return []
    _, of = k_means(plane, N_REGIONS)
    found = [_region(catalogue, rows, plane, of == each) for each in np.unique(of)]
    return sorted(found, key=lambda region: -region.size)


def _region(catalogue: Catalogue, rows: Rows, plane: Plane, here: Mask) -> Region:
    own = rows[here]
    apart = catalogue.has_genre[own].mean(0) - catalogue.has_genre[rows].mean(0)
    most = [place for place in np.argsort(-apart, kind="stable")[:N_GENRES] if apart[place] > 0]
    best_known = own[np.argsort(-catalogue.members[own], kind="stable")]
    _, first_of_series = np.unique(catalogue.group[best_known], return_index=True)
    known = best_known[np.sort(first_of_series)[:N_NAMED]]
    return Region(
        genres=tuple(catalogue.genres[place] for place in most),
        names=tuple(catalogue.names[row] for row in known),
        size=len(own),
        near=tuple(catalogue.ids[own[representatives(plane[here])]].tolist()),
    )


def _far(plane: Plane, others: Plane) -> Plane:
    """Return the squared distances (N, K) of points from others, but for rounding."""
    lengths = [(each**2).sum(1) for each in (plane, others)]
    return np.asarray(lengths[0][:, None] - 2 * (plane @ others.T) + lengths[1][None])
