"""Drawing the learned spaces in two dimensions."""

import numpy as np
import pytest
import torch

from ml.map import draw, fitted, neighbourhoods, pca, tsne
from ml.tests.conftest import MECHA, ROMANCE


def clusters(n: int = 40, width: int = 16, seed: int = 0) -> np.ndarray:
    """Three groups of unit vectors, far from each other."""
    rng = np.random.default_rng(seed)
    centres = np.eye(3, width)
    vectors = np.repeat(centres, n, axis=0) + 0.15 * rng.normal(size=(3 * n, width))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def test_it_works(trained):
    found = draw(trained, steps=30)
    assert sorted(found.item_ids) == sorted(trained.id_map.ids)
    assert set(found.item_ids) == {*ROMANCE, *MECHA}
    for points in (found.pca, found.tsne):
        assert points.shape == (len(found.item_ids), 2)
        assert np.abs(points).max() == pytest.approx(1, abs=1e-5)
        assert np.isfinite(points).all()
    assert found.feedback.shape == (4, 2)
    again = draw(trained, steps=30)
    assert np.array_equal(found.tsne, again.tsne)


def test_tsne_keeps_neighbours_together():
    vectors = clusters()
    points = tsne(vectors, pca(vectors), steps=250)
    group = np.repeat(range(3), 40)
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (group[distances.argmin(1)] == group).mean() > 0.98


def test_neighbourhoods_are_chances_of_an_even_perplexity():
    chances = neighbourhoods(torch.from_numpy(clusters()), 10.0)
    assert float(chances.sum()) == pytest.approx(1, abs=1e-4)
    assert torch.equal(chances, chances.T)
    assert not chances.diagonal().any()


def test_pca_finds_the_main_directions():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(200, 5)).astype(np.float32) * np.array([9, 4, 1, 0.1, 0.1], dtype=np.float32)
    plane = pca(vectors)
    assert abs(np.corrcoef(plane[:, 0], vectors[:, 0])[0, 1]) > 0.98
    assert abs(np.corrcoef(plane[:, 1], vectors[:, 1])[0, 1]) > 0.98


@pytest.mark.parametrize("n", [0, 1, 2])
def test_hardly_any_points_are_no_problem(n):
    vectors = np.ones((n, 4), dtype=np.float32)
    assert fitted(tsne(vectors, pca(vectors))).shape == (n, 2)
