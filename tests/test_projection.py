from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.decomposition import PCA

from pictree import projection
from pictree.errors import InputError, MissingExtraError
from pictree.neighbors import nearest
from pictree.projection import METHODS, Maps, project


def neighbour_agreement(layout: np.ndarray, known: np.ndarray) -> float:
    indices, _ = nearest(layout, 10)
    return float((known[indices] == known[:, None]).mean())


@pytest.fixture(scope="module")
def thousand(digits):
    images, known = digits
    return images[:1000].reshape(1000, -1) / 255.0, known[:1000]


def test_maps_keep_kinds_together_poor_before_good_after(thousand):
    codes, known = thousand
    random = neighbour_agreement(np.random.default_rng(0).normal(size=(1000, 2)), known)
    pca, tsne, umap = (neighbour_agreement(project(codes, m), known) for m in METHODS)
    assert random < 0.15
    assert pca > 0.3
    assert tsne > pca + 0.3
    assert umap > pca + 0.3


def test_pca_is_scikit_learns_up_to_sign():
    codes = np.random.default_rng(0).normal(size=(40, 5)) * [5, 3, 1, 1, 1]
    expected = PCA(2, svd_solver="full").fit_transform(codes)
    np.testing.assert_allclose(np.abs(project(codes, "pca")), np.abs(expected), rtol=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_one_seed_gives_the_same_bytes(thousand, method):
    codes = thousand[0][:200]
    first = project(codes, method, seed=3)
    assert first.dtype == np.float32
    assert first.shape == (200, 2)
    assert first.tobytes() == project(codes, method, seed=3).tobytes()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 10, 20])
def test_few_rows(method, n, recwarn):
    layout = project(np.random.default_rng(0).normal(size=(n, 7)), method)
    assert layout.shape == (n, 2)
    assert np.isfinite(layout).all()
    assert len(np.unique(layout, axis=0)) == n
    assert not recwarn.list


@pytest.mark.parametrize("method", METHODS)
def test_equal_rows_are_all_at_zero(method):
    np.testing.assert_array_equal(project(np.full((30, 4), 0.1), method), np.zeros((30, 2)))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [1e-30, 1e17])
def test_tiny_and_huge_codes(method, scale, recwarn):
    layout = project(np.random.default_rng(0).normal(size=(60, 3)) * scale, method)
    assert np.isfinite(layout).all()
    assert np.ptp(layout, axis=0).all()
    assert not recwarn.list


@pytest.mark.parametrize("method", METHODS)
def test_many_duplicates_and_one_column(method):
    codes = np.repeat(np.arange(4.0), 30)[:, None]
    assert np.isfinite(project(codes, method)).all()


def test_rows_beyond_the_limit_are_placed_near_their_kind(thousand, monkeypatch):
    codes, known = thousand
    monkeypatch.setattr(projection, "LARGEST_FIT", 600)
    layout = project(codes, "tsne")
    assert neighbour_agreement(layout, known) > 0.6


def test_forces_from_a_grid_keep_kinds_together_and_give_the_same_bytes(thousand, monkeypatch):
    codes, known = thousand
    by_tree = neighbour_agreement(project(codes[:300], "tsne"), known[:300])
    monkeypatch.setattr(projection, "BY_GRID_FROM", 100)
    layout = project(codes[:300], "tsne")
    assert neighbour_agreement(layout, known[:300]) > by_tree - 0.05
    assert layout.tobytes() == project(codes[:300], "tsne").tobytes()


@pytest.mark.parametrize("order", [METHODS, METHODS[::-1]])
def test_maps_that_share_their_neighbours_are_those_made_alone(thousand, order):
    codes = thousand[0][:60]
    together = Maps(codes, seed=1)
    for method in order:
        np.testing.assert_array_equal(together.project(method), project(codes, method, seed=1))


def test_what_umap_compiles_is_kept_for_the_next_start():
    project(np.random.default_rng(0).normal(size=(30, 3)), "umap")
    for module, name in projection.COMPILED_ANEW:
        stats = getattr(sys.modules[module], name).stats
        assert sum(stats.cache_hits.values()) + sum(stats.cache_misses.values()) > 0, name


def test_unknown_method():
    with pytest.raises(InputError) as caught:
        project(np.zeros((3, 2)), "mds")
    assert str(caught.value) == (
        "the map must be one of pca, tsne, umap; got mds. Pass one of them."
    )


def test_absent_umap_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingExtraError) as caught:
        project(np.zeros((3, 2)), "umap")
    assert str(caught.value) == (
        "the umap map needs the package umap-learn in working order; got ModuleNotFoundError: "
        "import of umap halted; None in sys.modules. "
        "Run pip install 'pictree[umap]', or leave umap out of the maps."
    )
