"""Orders, parts, leftovers and pictures of real digits."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pictree.clustering.tree import ClusterTree
from pictree.errors import InputError
from pictree.label.leftovers import PRECISION, cluster_again, spread
from pictree.label.parts import down_the_tree, in_two
from pictree.label.pictures import COLUMNS, large, sheet
from pictree.label.pile import Pile
from pictree.pipeline.fit import fit
from pictree.recipes.recipe import change, load_recipe
from pictree.store import Run


@pytest.fixture(scope="module")
def pile(fitted: Path) -> Pile:
    return Pile(Run.open(fitted))


def majority(known: np.ndarray) -> float:
    return float(np.unique(known, return_counts=True)[1].max() / len(known))


def test_the_middle_comes_first_and_doubt_last(pile: Pile, known_digits: np.ndarray) -> None:
    """The first tenth of each cluster is purer than the last, over all clusters."""
    first, last = [], []
    for cluster in range(10):
        rows = np.flatnonzero(pile.clusters == cluster)
        order = pile.from_the_middle(rows)
        assert sorted(order) == rows.tolist()
        codes = pile.codes[rows]
        assert order[0] == rows[((codes - codes.mean(0)) ** 2).sum(1).argmin()]
        name = np.bincount(known_digits[rows]).argmax()
        tenth = len(rows) // 10
        first.append((known_digits[order[:tenth]] == name).mean())
        last.append((known_digits[order[-tenth:]] == name).mean())
    assert np.mean(first) > np.mean(last) + 0.1


def test_mixed_groups_look_mixed(pile: Pile) -> None:
    whole = pile.clusters == 0
    torn = np.where(whole & (np.arange(len(whole)) % 2 == 0), 99, pile.clusters)
    rows = np.flatnonzero(whole)
    assert pile.cohesion(rows, pile.clusters) > pile.cohesion(rows, torn) + 0.2


def test_down_the_tree_is_one_merge_undone(pile: Pile, fitted: Path) -> None:
    tree = ClusterTree.from_arrays(Run.open(fitted).arrays("tree.npz"))
    both = [tree.cut(k) for k in (10, 11)]
    for cluster in range(10):
        rows = np.flatnonzero(both[0] == cluster)
        inside = np.unique(both[1][rows])
        parts = down_the_tree(pile, rows)
        if len(inside) == 2:
            assert parts is not None
            assert {tuple(p) for p in parts} == {tuple(rows[both[1][rows] == i]) for i in inside}
        assert parts is None or len(parts[0]) >= len(parts[1]) > 0
    leaf = np.flatnonzero(pile.leaves == pile.leaves[0])
    assert down_the_tree(pile, leaf) is None


def test_in_two_parts_two_kinds(pile: Pile, known_digits: np.ndarray) -> None:
    rows = np.flatnonzero(np.isin(known_digits, [0, 1]))
    parts = in_two(pile, rows)
    assert sorted(np.concatenate(parts)) == rows.tolist()
    assert all(majority(known_digits[part]) > 0.95 for part in parts)
    with pytest.raises(InputError, match="two different pictures"):
        in_two(pile, rows[:1])


def test_leftovers_cluster_again(pile: Pile, known_digits: np.ndarray) -> None:
    rows = np.flatnonzero(np.isin(known_digits, [0, 1, 6]))
    parts = cluster_again(pile, rows)
    assert sorted(np.concatenate(parts)) == rows.tolist()
    pure = sum(majority(known_digits[part]) * len(part) for part in parts) / len(rows)
    assert pure > 0.95
    few = cluster_again(pile, rows[:20])
    assert len(few) == 2


def test_spread_names_the_near_and_leaves_strangers(pile: Pile, known_digits: np.ndarray) -> None:
    """Nines and fours have no name: hardly any of them gets one."""
    is_stranger = np.isin(known_digits, [4, 9])
    chosen = np.random.default_rng(0).random(len(known_digits)) < 0.5
    named = np.flatnonzero(chosen & ~is_stranger)
    rows = np.flatnonzero(~chosen | is_stranger)
    names = [str(kind) for kind in known_digits[named]]
    found = spread(pile, rows, named, names)
    taken = np.concatenate(found.parts)
    given = np.concatenate(
        [[name] * len(p) for name, p in zip(found.names, found.parts, strict=True)]
    )
    assert found.precision >= PRECISION
    assert len(taken) > 50
    assert (given == known_digits[taken].astype(str)).mean() > 0.95
    assert is_stranger[taken].sum() < 0.05 * is_stranger.sum()
    with pytest.raises(InputError, match="three names"):
        spread(pile, rows, named[:5], ["a", "b", "a", "b", "a"])


def test_a_sheet_holds_each_picture_in_its_place(pile: Pile) -> None:
    data, kind = sheet(pile.pixels[np.arange(30)])
    whole = np.asarray(Image.open(io.BytesIO(data)))
    assert kind == "image/png"
    assert whole.shape == (3 * 28, COLUMNS * 28)
    for i in range(30):
        y, x = i // COLUMNS * 28, i % COLUMNS * 28
        assert np.array_equal(whole[y : y + 28, x : x + 28], pile.pixels[i][..., 0])


def test_a_large_picture_is_the_file_while_it_is_the_same(
    tmp_path: Path, digits: tuple[np.ndarray, np.ndarray]
) -> None:
    """The run has 8 pixels a side, the files have 28."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i, image in enumerate(digits[0][:60]):
        Image.fromarray(image).save(folder / f"{i:02}.png")
    recipe = change(load_recipe("quick"), **{"maps.methods": [], "clustering.k": "3"})
    recipe = change(recipe, **{"images.size": (8, 8)})
    fit(str(folder), tmp_path / "run", recipe=recipe)
    run = Run.open(tmp_path / "run")
    pile = Pile(run)

    def seen() -> tuple[int, int]:
        data, kind = large(run, pile, 0)
        assert kind == "image/png"
        return Image.open(io.BytesIO(data)).size

    assert seen() == (18 * 28, 18 * 28)  # its own file, enlarged by whole pixels
    file = folder / pile.paths[0]
    file.write_bytes((folder / pile.paths[1]).read_bytes())
    assert seen() == (64 * 8, 64 * 8)  # another picture by now: the run's own pixels
    file.unlink()
    assert seen() == (64 * 8, 64 * 8)
    with pytest.raises(KeyError):
        large(run, pile, 10_000)
