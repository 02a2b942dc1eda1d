"""Rounds of learning: poor before, good after, kept only where the runs agree better."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from pictree.clustering.instant import InstantTree, instant_tree
from pictree.device import choose_device
from pictree.errors import RunError
from pictree.evaluation.agreement import purity, score
from pictree.training import evidence, naming, rounds
from pictree.training.learned import Learned
from pictree.training.round_files import RoundFiles
from pictree.training.rounds import images_shown, learn_rounds, plan


@dataclass(frozen=True)
class Short:
    """Rounds of seconds."""

    count: int = 2
    code: int = 64
    images: int = 30_000
    growth: float = 0.0
    batch_size: int = 256
    learning_rate: float = 0.003
    change: float = 3.0


@pytest.fixture(scope="module")
def small() -> tuple[np.ndarray, list[str]]:
    """1,797 digits of 8×8, three of them twice."""
    found = load_digits()
    pixels = np.rint(found.images * 255 / 16).astype(np.uint8)[..., None]
    again = [5, 6, 7]
    known = [str(label) for label in found.target]
    return np.concatenate([pixels, pixels[again]]), known + [known[i] for i in again]


@pytest.fixture(scope="module")
def before(small: tuple) -> InstantTree:
    rows = small[0].reshape(len(small[0]), -1) / 255
    return instant_tree(rows, k=10)


@pytest.fixture(scope="module")
def after(small: tuple, before: InstantTree) -> Learned:
    return learn_rounds(small[0], before.start, Short(), choose_device("float32"), k=10)


def test_good_before_better_after(small: tuple, before: InstantTree, after: Learned) -> None:
    known = small[1]
    assert after.is_better
    assert after.agreement > after.started
    assert score(after.clusters, known)["nmi"] > score(before.clusters, known)["nmi"]
    assert purity(after.tree.leaves, known) > purity(before.tree.leaves, known)
    assert len(after.history) == 2
    assert [row["round"] for row in after.history] == [1, 2]


def test_the_tree_has_the_clusters_as_a_cut(after: Learned) -> None:
    assert np.array_equal(after.tree.cut(10), after.clusters)
    sizes = np.bincount(after.clusters)
    assert len(sizes) == 10
    assert (np.diff(sizes) <= 0).all()


def test_a_network_that_has_hardly_learned_names_nothing(
    small: tuple, before: InstantTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    def learn(least: float) -> Learned:
        monkeypatch.setattr(rounds, "LEARNED", least)
        few = replace(Short(), images=4_000)
        return learn_rounds(small[0], before.start, few, choose_device("float32"), k=10)

    network, looks = learn(-1.0), learn(0.9)
    known = small[1]
    assert score(network.clusters, known)["nmi"] < 0.8
    assert score(looks.clusters, known)["nmi"] > 0.9
    assert network.confidence.mean() < 0.5 < looks.confidence.mean()


def test_copies_go_together(after: Learned) -> None:
    for i, row in enumerate([5, 6, 7]):
        assert after.tree.leaves[1797 + i] == after.tree.leaves[row]
        assert after.confidence[1797 + i] == after.confidence[row]


def test_one_seed_gives_the_same_clusters(small: tuple, before: InstantTree) -> None:
    few = Short(count=1, images=512)
    device = choose_device("float32")
    one, two = (learn_rounds(small[0], before.start, few, device, k=10) for _ in range(2))
    assert np.array_equal(one.tree.leaves, two.tree.leaves)
    assert np.array_equal(one.confidence, two.confidence)


def test_the_history_tells_what_was_asked_beside_the_codes(
    small: tuple, before: InstantTree, after: Learned, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert after.history[-1]["evidence"] == ["pixels", "codes"]
    monkeypatch.setattr(evidence, "TRUST", 1.0)
    monkeypatch.setattr(evidence, "KINSHIP", 1.0)
    few = Short(count=1, images=512)
    found = learn_rounds(small[0], before.start, few, choose_device("float32"), k=10)
    assert found.history[0]["evidence"] == ["codes"]


def test_stopped_rounds_go_on_after_the_last_finished_one(
    tmp_path: Path, small: tuple, before: InstantTree
) -> None:
    few, device = Short(images=512), choose_device("float32")
    words: dict[str, Any] = {"k": 10, "checkpoint": tmp_path}

    def stop(row: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn_rounds(small[0], before.start, few, device, on_round=stop, **words)
    shown: list[int] = []
    again = learn_rounds(small[0], before.start, few, device, on_batch=shown.append, **words)
    whole = learn_rounds(small[0], before.start, few, device, k=10)
    assert shown[0] == naming.images_shown(1797, few)
    assert sum(shown) == images_shown(1797, few)
    assert np.array_equal(again.tree.leaves, whole.tree.leaves)
    assert again.confidence.tobytes() == whole.confidence.tobytes()
    assert again.history == whole.history


def test_rounds_of_other_settings_or_damaged_are_refused(
    tmp_path: Path, small: tuple, before: InstantTree
) -> None:
    few, device = Short(images=512), choose_device("float32")
    links = np.zeros((1797, 10), np.int32)
    RoundFiles(tmp_path, few, seed=1, images=1797, k=10).write(1, links, 0.5)
    with pytest.raises(RunError) as caught:
        learn_rounds(small[0], before.start, few, device, k=10, checkpoint=tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} must hold rounds of this training; got others in round-1.npz. "
        "Use the same values, or another run folder."
    )
    (tmp_path / "round-1.npz").write_bytes(b"PK")
    with pytest.raises(RunError, match=r"round-1\.npz must be a whole round; got "):
        learn_rounds(small[0], before.start, few, device, k=10, checkpoint=tmp_path)


def test_what_agrees_less_than_the_start_is_not_better(after: Learned) -> None:
    assert not replace(after, agreement=0.899, started=0.9).is_better
    assert replace(after, agreement=0.9, started=0.9).is_better


@pytest.mark.parametrize(
    ("shape", "widths"),
    [
        ((8, 8, 1), (64,)),
        ((3, 3, 1), (64,)),
        ((1, 1, 3), (64,)),
        ((16, 16, 1), (32, 64)),
        ((28, 28, 1), (16, 32, 64)),
        ((32, 48, 3), (16, 32, 64)),
        ((128, 128, 3), (16, 16, 16, 32, 64)),
    ],
)
def test_the_network_is_planned_by_the_size(shape: tuple, widths: tuple) -> None:
    found = plan(shape, 32)
    assert found.encoder == widths
    assert found.decoder == widths[::-1]
    assert found.normalise


@pytest.mark.slow
def test_digits_out_of_place_are_found_after_learning(digits: tuple) -> None:
    rng = np.random.default_rng(0)
    pixels = np.zeros((3000, 36, 36, 1), np.uint8)
    for i, (down, right) in enumerate(rng.integers(0, 9, (3000, 2))):
        pixels[i, down : down + 28, right : right + 28] = digits[0][i].reshape(28, 28, 1)
    known = [str(label) for label in digits[1][:3000]]
    before = instant_tree(pixels.reshape(3000, -1) / 255, k=10)
    settings = Short(count=3, code=128, images=100_000)
    after = learn_rounds(pixels, before.start, settings, choose_device("auto", (64,)), k=10)
    assert score(before.clusters, known)["acc"] < 0.35
    assert score(after.clusters, known)["acc"] > 0.55
