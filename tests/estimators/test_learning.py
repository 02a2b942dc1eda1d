"""Poor before, good after: training and clustering are worth their time on real digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pictree import ConvAutoencoder, ImageClusterer
from pictree.evaluation.agreement import accuracy

Digits = tuple[np.ndarray, np.ndarray]


def test_training_restores_digits_better(digits: Digits, quick: Path) -> None:
    X, unseen = digits[0][:1000], digits[0][1000:1200]
    start = ConvAutoencoder(quick, epochs=1, random_state=0).fit(X[:1])  # one step from its start
    good = ConvAutoencoder(quick, random_state=0).fit(X)
    assert good.reconstruction_error(unseen).mean() < start.reconstruction_error(unseen).mean() / 8
    assert good.score(unseen) > start.score(unseen)
    losses = [row["loss"] for row in good.history_]
    assert len(losses) == 4
    assert losses[-1] < losses[0] / 2


def test_the_error_is_that_of_the_images_that_come_back(digits: Digits) -> None:
    X = digits[0][:50]
    model = ConvAutoencoder("small-98", epochs=1, random_state=0).fit(X)
    restored = model.inverse_transform(model.transform(X))
    by_hand = ((restored / 255 - X / 255) ** 2).mean(axis=(1, 2))
    np.testing.assert_allclose(model.reconstruction_error(X), by_hand, rtol=1e-4)


def test_clusters_of_digits_beat_chance(digits: Digits) -> None:
    X, known = digits[0][:2000], digits[1][:2000]
    model = ImageClusterer(10, recipe="small-98", epochs=2, random_state=0).fit(X)
    assert accuracy(model.labels_, known) > 0.4
    shuffled = np.random.default_rng(0).permutation(known)
    assert accuracy(model.labels_, shuffled) < 0.2
    assert model.n_clusters_ == 10
    assert model.inverse_transform(model.cluster_centers_).shape == (10, 28, 28)
    unseen = model.predict(digits[0][2000:3000])
    assert accuracy(unseen, digits[1][2000:3000]) > 0.4


def test_the_number_of_clusters_is_chosen_and_explained(digits: Digits) -> None:
    X = digits[0][:400]
    model = ImageClusterer("2:6", recipe="small-98", epochs=1, random_state=0).fit(X)
    assert model.n_clusters_ == model.shortlist_[0].k
    assert 2 <= model.n_clusters_ <= 6
    assert all(candidate.reason for candidate in model.shortlist_)
    assert np.unique(model.labels_).tolist() == list(range(model.n_clusters_))


def test_a_given_number_is_its_own_shortlist(digits: Digits) -> None:
    model = ImageClusterer(4, recipe="small-98", epochs=1, random_state=0).fit(digits[0][:50])
    assert [(c.k, c.reason) for c in model.shortlist_] == [(4, "asked for")]


def test_a_recipe_names_the_method(digits: Digits, tmp_path: Path) -> None:
    recipe = tmp_path / "density.toml"
    recipe.write_text('[training]\nepochs = 1\n[clustering]\nmethod = "hdbscan"\n')
    model = ImageClusterer(recipe=recipe, random_state=0).fit(digits[0][:300])
    assert model.clusters_.method == "hdbscan"
    assert model.shortlist_ == []
    assert model.predict(digits[0][:300]).tolist() == model.labels_.tolist()


def test_code_size_sets_the_codes(digits: Digits) -> None:
    model = ConvAutoencoder("small-98", code_size=5, epochs=1, random_state=0)
    assert model.fit_transform(digits[0][:40]).shape == (40, 5)


def test_the_instant_tree_beats_k_means_on_the_same_images(digits):
    X, known = digits[0][:3000], digits[1][:3000]
    tree = ImageClusterer(n_clusters=10, recipe="quick", random_state=0).fit(X)
    assert accuracy(tree.labels_, known) > 0.75  # k-means on these pixels: about .53
    assert tree.n_clusters_ == 10
    assert (tree.predict(X[:100]) == tree.labels_[:100]).all()
    assert tree.transform(X[:5]).shape == (5, 50)
