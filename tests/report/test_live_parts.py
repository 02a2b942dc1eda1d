"""What the page's scripts read, against results worked out otherwise."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from report_runs import build_run, chain_tree

from pictree.clustering.instant import instant_tree
from pictree.clustering.tree import ClusterTree
from pictree.evaluation.agreement import accuracy, purity
from pictree.images.batches import Stacked
from pictree.report.gather import Findings, gather
from pictree.report.live import atlas, cuts, images, near, pack, tables
from pictree.report.page import write_report
from pictree.report.script import MODULES, packaged, script


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, small_digits) -> Findings:
    """600 digits in a tree of some 30 leaves, a tenth of them not in it."""
    pixels, known = small_digits
    tree = instant_tree(pixels[:540].reshape(540, -1), k=8).tree
    labels = np.concatenate([tree.cut(8), np.zeros(60, np.int32)])
    folder = tmp_path_factory.mktemp("live") / "run"
    run = build_run(folder, pixels, known, labels=labels, maps=("pca", "tsne"))
    run.write_arrays("tree.npz", tree.to_arrays() | {"rows": np.arange(540)})
    return gather(run)


def unpacked(blob: pack.Blob) -> bytes:
    return zlib.decompress(base64.b64decode(blob.body))


@given(st.lists(st.integers(-1, 70_000), min_size=1))
@settings(max_examples=50, deadline=None)
def test_numbers_come_back_and_none_is_the_largest(values: list[int]) -> None:
    small = pack.smallest(np.array(values))
    blob = pack.numbers("x", small)
    again = np.frombuffer(unpacked(blob), blob.kind).astype(np.int64)
    again[again == np.iinfo(small.dtype).max] = -1
    assert again.tolist() == values
    assert re.fullmatch(r"[\w+/=]*", blob.body)


def test_the_smallest_kind_leaves_room_for_none() -> None:
    assert [pack.smallest(np.array([top])).dtype.name for top in (254, 255, 65_534, 65_535)] == [
        "uint8", "uint16", "uint16", "uint32"
    ]  # fmt: skip


def test_leaves_of_images_outside_the_tree_are_those_of_the_nearest(found: Findings) -> None:
    tree = found.tree
    leaves = cuts.leaf_of_images(found, tree)
    assert leaves[:540].tolist() == tree.leaves.tolist()
    codes = found.codes[:]
    for row in (540, 571, 599):
        nearest = ((codes[:540] - codes[row]) ** 2).sum(1).argmin()
        assert leaves[row] == tree.leaves[nearest]


def test_figures_of_each_cut_are_those_of_its_labels(found: Findings) -> None:
    tree = found.tree
    leaves = cuts.leaf_of_images(found, tree)
    got = cuts.figures(found, tree, leaves)
    assert sorted(map(int, got)) == list(range(1, cuts.largest_cut(tree) + 1))
    for k in (1, 2, 8, 20):
        labels = tree.cut(k)[np.unique(tree.leaves, return_index=True)[1]][leaves]
        assert got[str(k)]["acc"] == pytest.approx(accuracy(labels, found.known))
        assert got[str(k)]["purity"] == pytest.approx(purity(labels, found.known))


def test_every_cluster_of_every_cut_has_pictures_of_its_own(found: Findings) -> None:
    tree = found.tree
    leaves = cuts.leaf_of_images(found, tree)
    about = cuts.describe(found, tree, leaves)
    for k in range(1, about["most"] + 1):
        labels = tree.cut(k)
        for cluster, node in enumerate(tree.nodes_of_cut(k)):
            nearest, typical, border = about["pictures"][about["nodes"].index(int(node))]
            rows = [row for row in (*nearest, *typical, *border) if row < 540]
            assert rows
            assert (labels[rows] == cluster).all()
    between = np.array(about["between"])
    assert between.shape == (len(about["nodes"]),) * 2
    assert (np.diag(between) == 0).all()


def test_the_page_cuts_into_sixty_at_most() -> None:
    assert cuts.largest_cut(chain_tree(500, 100)) == 60
    nodes = cuts.nodes_of_cuts(chain_tree(500, 100))
    assert nodes[0] == 198
    assert len(nodes) == 2 * 60 - 1
    assert cuts.largest_cut(chain_tree(5, 3)) == 3


def test_near_duplicates_are_found_and_others_are_not(tmp_path: Path, small_digits) -> None:
    pixels = small_digits[0].copy()
    twins = {3: 501, 44: 502, 260: 503}
    for row, twin in twins.items():
        pixels[twin] = np.clip(pixels[row].astype(int) + 3, 0, 255)  # a little brighter
    pixels[504] = pixels[7]
    result = near.near_duplicates(gather(build_run(tmp_path / "run", pixels, k=5)))
    pairs = set(map(tuple, result.pairs[:4].tolist()))
    assert pairs == {(7, 504), *twins.items()}  # the rest are ones, as alike as ones are
    assert result.pairs[0].tolist() == [7, 504]
    assert result.differences[0] == 0
    assert (np.diff(result.differences) >= 0).all()
    plain = near.near_duplicates(gather(build_run(tmp_path / "plain", small_digits[0], k=5)))
    assert len(plain.pairs) <= len(result.pairs) - 4
    assert plain.limit < plain.usual / 2


def test_the_limit_is_tukeys_outer_fence_of_the_logarithms() -> None:
    usual = np.exp(np.arange(1.0, 10.0))  # quartiles at 3 and 7
    assert near.limit_of(usual) == (pytest.approx(np.exp(3 - 3 * 4)), pytest.approx(np.exp(5)))
    assert near.limit_of(np.array([0.0, 0.1])) == (0.0, 0.05)
    assert near.limit_of(np.empty(0)) == (0.0, 0.0)


def test_large_clusters_are_compared_in_parts(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (2500, 6, 6, 1), np.uint8)
    pixels[2400] = pixels[11]
    run = build_run(tmp_path / "run", pixels, k=1)
    groups = list(near._groups(gather(run)))
    assert max(map(len, groups)) <= 1024
    assert np.sort(np.concatenate(groups)).tolist() == list(range(2500))
    assert near.near_duplicates(gather(run)).pairs.tolist() == [[11, 2400]]


def test_places_keep_their_shape() -> None:
    points = np.array([[0, 10], [5, 10], [10, 12.5]], np.float32)
    assert images.quantised(points).tolist() == [[0, 0], [32768, 0], [65535, 16384]]
    assert images.quantised(np.ones((2, 2), np.float32)).tolist() == [[0, 0], [0, 0]]


def test_order_along_the_map_keeps_near_images_together() -> None:
    points = np.random.default_rng(0).random((4000, 2)).astype(np.float32)
    order = images.along_map(points)
    assert np.sort(order).tolist() == list(range(4000))
    steps = np.linalg.norm(np.diff(points[order], axis=0), axis=1)
    assert steps.mean() < np.linalg.norm(np.diff(points, axis=0), axis=1).mean() / 15


@pytest.mark.parametrize("shape", [(28, 28, 1), (12, 30, 3), (100, 60, 3), (3, 3, 1), (1, 1, 1)])
def test_tiles_show_their_images(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    shades = np.linspace(0, 255, 300).round().astype(np.uint8)
    pixels = np.broadcast_to(shades[:, None, None, None], (300, *shape))
    order = np.random.default_rng(0).permutation(300)
    made = atlas.make_atlas(Stacked([pixels]), order, 300, tmp_path)
    assert made.beside == []
    assert max(made.width, made.height) <= max(shape[:2])
    each = made.columns * made.rows
    for place in (0, 17, 299):
        kind, data = made.inside[place // each].split(",")
        assert kind == "data:image/webp;base64"
        with Image.open(io.BytesIO(base64.b64decode(data))) as sheet:
            line, column = divmod(place % each, made.columns)
            box = column * made.width, line * made.height
            tile = sheet.convert("L").crop((*box, box[0] + made.width, box[1] + made.height))
        # A tile of one or few pixels takes colour from its neighbours in the same block.
        near_enough = 8 if min(shape[:2]) > 3 else 130
        assert abs(np.asarray(tile, int).mean() - int(shades[order[place]])) < near_enough


def test_a_large_pile_has_smaller_tiles_and_then_atlases_beside_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_digits
) -> None:
    pixels, order = Stacked([small_digits[0]]), np.arange(600)
    whole = atlas.make_atlas(pixels, order, 600, tmp_path)
    assert (whole.width, whole.beside) == (28, [])
    size = sum(len(base64.b64decode(uri.split(",")[1])) for uri in whole.inside)
    monkeypatch.setattr(atlas, "BYTES_INSIDE", size // 2)
    smaller = atlas.make_atlas(pixels, order, 600, tmp_path)
    assert smaller.width < 28
    assert sum(len(base64.b64decode(uri.split(",")[1])) for uri in smaller.inside) < size * 0.6
    monkeypatch.setattr(atlas, "BYTES_INSIDE", size)
    monkeypatch.setattr(atlas, "_WIDE", 168)  # 36 tiles in an atlas
    monkeypatch.setattr(atlas, "MOST_INSIDE", 500)
    split = atlas.make_atlas(pixels, order, 40, tmp_path / "pictures")
    assert len(split.inside) == 2
    assert split.beside[0] == "pictures/atlas-000.webp"
    assert len(split.beside) == 15
    with Image.open(tmp_path / split.beside[0]) as sheet:
        assert sheet.size == (168, 168)


def csv_rows(table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.write_csv())))


def test_tables_hold_what_the_page_shows(found: Findings) -> None:
    kept = csv_rows(tables.reconstructions(found))
    assert len(kept) == 24
    errors = [float(row["error"]) for row in kept]
    assert errors == sorted(errors)
    worst = csv_rows(tables.badly_restored(found))
    assert len(worst) == 600
    row = int(found.errors.argmax())
    assert (worst[0]["path"], worst[0]["known_label"]) == (found.path(row), found.known[row])
    assert [r["epoch"] for r in csv_rows(tables.loss(found))] == ["1", "2", "3"]
    far = csv_rows(tables.far(found))
    assert float(far[0]["times_the_median_distance"]) == pytest.approx(
        max(float(r["times_the_median_distance"]) for r in far)
    )


def test_tables_keep_odd_names_whole(digit_run, page) -> None:
    del page
    found = gather(digit_run)
    copies = csv_rows(tables.duplicates(found))
    assert [(row["path"], row["of"]) for row in copies] == [
        ("copies/<b>3</b>.png", "digits/00003.png")
    ]
    blobs = tables.table_blobs(found, near.near_duplicates(found))
    left = next(blob for blob in blobs if blob.name == "csv-left-out")
    rows = list(csv.DictReader(io.StringIO(unpacked(left).decode(), newline="")))
    assert [row["path"] for row in rows] == [
        "<script>alert(1)</script>.png", "a\nb\u202egnp.exe", "nothing.png"
    ]  # fmt: skip


def test_confidence_is_in_steps_of_half_a_percent() -> None:
    values = np.array([0.0, 0.5, 0.9951, 1.0, np.nan], np.float32)
    assert images.shares(values).tolist() == [0, 100, 199, 200, 255]


def test_scripts_are_one_text_whose_names_are_its_own() -> None:
    names = []
    for module in MODULES:
        names += re.findall(
            r"^(?:export )?(?:async )?(?:const|let|function|class) (\w+)",
            packaged(f"assets/{module}.js"),
            re.MULTILINE,
        )
    assert len(names) > 60
    assert len(names) == len(set(names))
    whole = script()
    assert not re.search(r"^(import|export) ", whole, re.MULTILINE)
    assert "</script" not in whole


def test_imports_of_the_scripts_name_what_is_there_and_came_before() -> None:
    exported: dict[str, set[str]] = {}
    for module in MODULES:
        source = packaged(f"assets/{module}.js")
        for wanted, other in re.findall(r'^import \{ (.*?) \} from "\./(\w+)\.js";', source, re.M):
            assert set(wanted.split(", ")) <= exported[other], f"{module} imports {wanted}"
        exported[module] = set(
            re.findall(r"^export (?:async )?(?:const|function|class) (\w+)", source, re.M)
        )


def test_no_script_runs_text(found: Findings) -> None:
    del found
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", script())
    for module in MODULES:
        assert len(packaged(f"assets/{module}.js").splitlines()) <= 250


def test_the_page_of_70_000_digits_keeps_below_its_limit(small_digits) -> None:
    """A tile of a digit takes some 125 bytes: 70,000 take 9 MB, before base64 12 MB."""
    made = atlas.make_atlas(Stacked([small_digits[0]]), np.arange(600), 600, Path())
    assert made.width == 28
    assert sum(map(len, made.inside)) / 600 * 70_000 < 18e6


def test_the_first_report_has_few_thumbnails(tmp_path: Path, small_digits) -> None:
    tree = chain_tree(600, 6)
    run = build_run(tmp_path / "run", small_digits[0], tree=tree, k=3, maps=(), waiting=("maps",))
    html = write_report(run).read_text(encoding="utf-8")
    data = re.search(r'id="data-tile" data-kind="(\w+)">([\w+/=]+)<', html)
    tile = np.frombuffer(zlib.decompress(base64.b64decode(data[2])), data[1])
    with_one = (tile != np.iinfo(tile.dtype).max).sum()
    assert 20 < with_one < 280
    facts = re.search(r'id="data-facts" data-kind="json">([\w+/=]+)<', html)[1]
    assert json.loads(zlib.decompress(base64.b64decode(facts)))["tree"]["most"] == 6


def test_added_and_unknown_images_have_outcomes_of_their_own(found: Findings) -> None:
    assert images.outcome(found).tolist() == [0] * 600
    held_out = found.inventory.with_columns(
        split=found.inventory["split"].replace("train", "validation")
    )
    assert images.outcome(replace(found, inventory=held_out)).tolist() == [1] * 600


def test_a_tree_of_one_leaf_has_nothing_to_cut(tmp_path: Path, small_digits) -> None:
    alone = ClusterTree(np.zeros(9, np.int32), np.empty((0, 2), np.int32), np.empty(0))
    run = build_run(tmp_path / "run", small_digits[0][:9], tree=alone, k=1)
    html = write_report(run).read_text(encoding="utf-8")
    facts = re.search(r'id="data-facts" data-kind="json">([\w+/=]+)<', html)[1]
    assert json.loads(zlib.decompress(base64.b64decode(facts)))["tree"] is None
