from __future__ import annotations

import gzip

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score

from pictree.clustering import instant
from pictree.clustering.instant import instant_tree
from pictree.errors import InputError
from pictree.evaluation.agreement import accuracy, score
from pictree.evaluation.baselines import baselines
from pictree.neighbors import nearest


@pytest.fixture(scope="module")
def small():
    return load_digits(return_X_y=True)


@pytest.fixture(scope="module")
def found(small):
    return instant_tree(small[0], k=10)


def test_digits_far_better_than_kmeans(small, found):
    rows, known = small
    plain = baselines(rows, 10, known)[0].scores["acc"]
    assert accuracy(found.clusters, known) > max(0.94, plain + 0.1)
    sure = found.confidence > 0.8
    assert sure.mean() > 0.85
    assert accuracy(found.clusters[sure], known[sure]) > accuracy(found.clusters, known)


def test_the_trees_cut_at_k_is_the_vote(found):
    assert found.k == 10
    assert found.tree.n_leaves > 20
    np.testing.assert_array_equal(found.tree.cut(10), found.clusters)
    assert (np.diff(np.bincount(found.clusters)) <= 0).all()
    assert found.clusters.dtype == np.int32
    assert 0 < found.confidence.min() <= found.confidence.max() <= 1
    assert 0.8 < found.agreement < 1


def test_one_seed_gives_the_same_bytes(small, found):
    again = instant_tree(small[0], k=10)
    assert again.clusters.tobytes() == found.clusters.tobytes()
    assert again.confidence.tobytes() == found.confidence.tobytes()
    assert again.tree.children.tobytes() == found.tree.children.tobytes()
    assert again.shortlist == found.shortlist


def test_shortlist_finds_the_number_of_blobs():
    rng = np.random.default_rng(0)
    known = np.repeat(np.arange(7), 60)
    found = instant_tree(rng.normal(size=(420, 5)) + 9 * rng.normal(size=(7, 5))[known])
    assert found.k == found.shortlist[0].k == 7
    assert accuracy(found.clusters, known) == 1
    assert found.shortlist[0].reason.startswith("agreement 1.00, information 1.9")
    jumps = {c.k: float(c.reason.split("would lose ")[1].split()[0]) for c in found.shortlist}
    assert max(jumps, key=jumps.get) == 7


def test_two_kinds_and_unequal_sizes(small):
    rows, known = small
    zeros, ones = np.flatnonzero(known == 0), np.flatnonzero(known == 6)[:18]
    chosen = np.concatenate([zeros, ones])  # 10:1
    found = instant_tree(rows[chosen], k=2)
    assert score(found.clusters, known[chosen])["ari"] > 0.9


@pytest.mark.parametrize("n", [2, 3, 4, 6, 12, 30])
def test_few_rows(n, recwarn):
    rows = np.random.default_rng(n).normal(size=(n, 3))
    found = instant_tree(rows)
    assert len(found.clusters) == n
    np.testing.assert_array_equal(found.tree.cut(found.k), found.clusters)
    for k in {1, 2, n}:
        fixed = instant_tree(rows, k=k)
        assert 1 <= fixed.k <= k
        assert fixed.tree.n_leaves <= n
    assert not recwarn.list


def test_copies_change_nothing_but_sizes(small):
    rows = small[0][:400]
    copies = np.random.default_rng(0).integers(0, 400, 900)
    chosen = np.concatenate([np.arange(400), copies])
    once, often = instant_tree(rows, k=8), instant_tree(rows[chosen], k=8)
    assert adjusted_rand_score(once.clusters[chosen], often.clusters) == 1
    np.testing.assert_array_equal(once.confidence[chosen], often.confidence)
    assert (np.diff(np.bincount(often.clusters)) <= 0).all()
    np.testing.assert_array_equal(often.tree.cut(8), often.clusters)


def test_n_leaves_are_as_many_as_asked_for(small, found):
    usual = found.tree.n_leaves
    for n_leaves in (12, usual + 50, 500):
        other = instant_tree(small[0], k=10, n_leaves=n_leaves)
        assert other.tree.n_leaves == n_leaves
        np.testing.assert_array_equal(other.clusters, found.clusters)
        np.testing.assert_array_equal(other.tree.cut(10), found.clusters)
    few = instant_tree(small[0][:30], k=3, n_leaves=200)
    assert few.tree.n_leaves == 30
    chosen = instant_tree(small[0], n_leaves=7)
    assert chosen.k <= max(candidate.k for candidate in chosen.shortlist) == 7


def test_messages(small):
    with pytest.raises(InputError) as caught:
        instant_tree(small[0], k=251)
    assert str(caught.value) == (
        "k must be from 1 to 250 for a tree of 1797 different images; got 251. Pass another k."
    )
    with pytest.raises(InputError) as caught:
        instant_tree(np.ones((5, 3)))
    assert str(caught.value) == (
        "there must be at least two different codes; got 5 codes, all equal. "
        "Check that the images differ and that the network has been trained."
    )
    with pytest.raises(InputError) as caught:
        instant_tree(small[0][:10], candidates=[40])
    assert str(caught.value).startswith("a k to try must be from 2 to ")
    for arguments, least in (({"k": 10}, 10), ({}, 2), ({"candidates": [5, 6]}, 5)):
        for n_leaves in (least - 1, 501, 20.5):
            with pytest.raises(InputError) as caught:
                instant_tree(small[0][:100], n_leaves=n_leaves, **arguments)
            assert str(caught.value) == (
                f"n_leaves must be a whole number from {least} to 500; got {n_leaves}. "
                "Pass another number, or leave it out."
            )


def test_packaged_mnist_reaches_its_mark(digits):
    images, known = digits
    found = instant_tree(images.reshape(len(images), -1), k=10)
    assert accuracy(found.clusters, known) > 0.93
    assert 10 in [candidate.k for candidate in found.shortlist[:3]]


@pytest.mark.slow
def test_usps_coil_and_clothes_reach_their_marks(data_dir):
    usps, coil = np.load(data_dir / "usps.npz"), np.load(data_dir / "coil20.npz")
    rows = np.concatenate([usps["x_train"], usps["x_test"]]).reshape(-1, 256)
    known = np.concatenate([usps["y_train"], usps["y_test"]])
    found = instant_tree(rows, k=10)
    assert accuracy(found.clusters, known) > 0.96
    assert 10 in [candidate.k for candidate in found.shortlist[:3]]
    found = instant_tree(coil["images"].reshape(1440, -1), k=20)
    assert accuracy(found.clusters, coil["labels"]) > 0.98
    assert 20 in [candidate.k for candidate in found.shortlist[:3]]
    folder = data_dir / "fashion-mnist"
    raw = [
        gzip.decompress((folder / f"t10k-{name}-ubyte.gz").read_bytes())
        for name in ("images-idx3", "labels-idx1")
    ]
    images = np.frombuffer(raw[0], np.uint8, offset=16).reshape(10_000, -1)
    found = instant_tree(images, k=10)
    assert accuracy(found.clusters, np.frombuffer(raw[1], np.uint8, offset=8)) > 0.58


def test_of_very_many_rows_some_make_the_tree(small, found, monkeypatch):
    rows, known = (
        np.concatenate([small[0], small[0][:10]]),
        np.concatenate([small[1], small[1][:10]]),
    )
    monkeypatch.setattr(instant, "WHOLE", 1700)
    monkeypatch.setattr(instant, "DRAWN", 1500)
    part = instant_tree(rows, k=10)
    assert np.array_equal(part.clusters, part.tree.cut(10))
    drawn, stands_for = part.start.rows, part.start.copy_of
    assert len(np.unique(drawn)) == len(part.start.links) == 1500
    assert np.array_equal(stands_for[drawn], np.arange(1500))
    assert np.array_equal(part.clusters[1797:], part.clusters[:10])
    assert accuracy(part.clusters, known) > accuracy(found.clusters, small[1]) - 0.1
    # A row that was not drawn goes where most of the five nearest drawn ones go.
    others = np.setdiff1d(np.arange(1797), drawn)
    near, _ = nearest(rows[drawn], 5, queries=rows[others])
    votes = (part.clusters[drawn][near] == part.clusters[others][:, None]).sum(axis=1)
    assert (votes >= 3).mean() > 0.95
