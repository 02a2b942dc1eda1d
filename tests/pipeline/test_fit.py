"""The whole chain on real digits: complete, repeatable, resumable, and honest in words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pictree.errors import RunError, SourceError
from pictree.pipeline import fit as flow
from pictree.pipeline.fit import fit
from pictree.pipeline.verdict import verdict
from pictree.progress import Progress
from pictree.recipes.recipe import change
from pictree.store import Run
from tests.pipeline.conftest import small_recipe

SAME_BYTES = ("model", "codes", "errors", "clusters", "images", "maps", "pixels")


def bytes_of(run: Path) -> dict[str, bytes]:
    """Every file that a seed fixes."""
    files = (p for kind in SAME_BYTES for p in sorted((run / kind).rglob("*")) if p.is_file())
    found = {str(p.relative_to(run)): p.read_bytes() for p in files}
    return found | {"reconstructions.npz": (run / "reconstructions.npz").read_bytes()}


def test_the_run_folder_is_complete(small_run: Path) -> None:
    run = Run.open(small_run)
    assert len(run.inventory()) == 600
    assert len(run.used()) == len(run.array("codes")) == len(run.labels()) == 599
    assert len(run.assignments()) == 600  # the duplicate has its original's cluster
    assert run.array("codes").shape == (599, 98)
    assert [row["epoch"] for row in run.log()] == [1, 2]
    assert sorted(run.maps()) == ["pca"]
    assert (small_run / "report.html").stat().st_size > 10_000
    assert np.load(run.clusters_path("centres.npy")).shape == (10, 28, 28, 1)


def test_the_duplicate_is_with_its_original(small_run: Path) -> None:
    table = Run.open(small_run).assignments()
    clusters = dict(zip(table["id"], table["cluster"], strict=True))
    assert clusters[599] == clusters[0]


def test_the_manifest_agrees_with_the_files(small_run: Path) -> None:
    from pictree.files import sha256_of

    manifest = json.loads((small_run / "manifest.json").read_text())
    assert {"report.html", "codes/00000.npy", "model/encoder.safetensors"} <= set(manifest)
    assert all(sha256_of(small_run / name) == digest for name, digest in manifest.items())


def test_clusters_are_numbered_by_size(small_run: Path) -> None:
    table = pl.read_csv(Run.open(small_run).clusters_path("clusters.csv"))
    assert table["cluster"].to_list() == list(range(10))
    assert table["size"].sum() == 599


def test_clusters_beat_chance(small_run: Path) -> None:
    scores = Run.open(small_run).metrics["scores"]
    assert scores["acc"] > 0.25  # ten kinds: chance is about 0.15 after the best match


def test_one_seed_gives_the_same_bytes(small_run: Path, digits_npz: Path, tmp_path: Path) -> None:
    fit(f"{digits_npz}:images", tmp_path / "b", recipe=small_recipe(), known_labels="known")
    assert bytes_of(tmp_path / "b") == bytes_of(small_run)


class StopAt(Progress):
    """Interrupts at the n-th word that the pipeline says to its progress."""

    def __init__(self, n: int) -> None:
        self.left = n

    def _count(self, *_: object) -> None:
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt

    say = start = note = _count  # type: ignore[assignment]


@pytest.mark.parametrize("n", [3, 5, 7, 9, 11, 13, 15])
def test_a_stopped_run_resumes_to_the_same_bytes(
    small_run: Path, digits_npz: Path, tmp_path: Path, n: int
) -> None:
    arguments = {"recipe": small_recipe(), "known_labels": "known"}
    source = f"{digits_npz}:images"
    with pytest.raises(KeyboardInterrupt):
        fit(source, tmp_path / "b", progress=StopAt(n), **arguments)
    assert not (tmp_path / "b" / "manifest.json").exists()
    fit(source, tmp_path / "b", resume=True, **arguments)
    assert bytes_of(tmp_path / "b") == bytes_of(small_run)


class StopAtMaps(Progress):
    """Keeps what is said, and interrupts when the maps begin."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def start(self, label: str, total: int) -> None:
        if label == "drawing maps":
            raise KeyboardInterrupt


def test_the_first_report_comes_before_the_maps_and_leaves_nothing_behind(
    small_run: Path, digits_npz: Path, tmp_path: Path
) -> None:
    arguments = {"recipe": small_recipe(), "known_labels": "known"}
    source, out, progress = f"{digits_npz}:images", tmp_path / "b", StopAtMaps()
    with pytest.raises(KeyboardInterrupt):
        fit(source, out, progress=progress, **arguments)
    assert progress.said[-1] == f"first report: {out / 'report.html'}"
    states = {name: stage["state"] for name, stage in Run.open(out).info["stages"].items()}
    done = dict.fromkeys(("stock", "learn", "encode", "group", "judge"), "done")
    assert states == {**done, "maps": "running"}
    first = (out / "report.html").read_text(encoding="utf-8")
    assert "First report: the maps are still to be drawn;" in first
    assert not (out / "pictures").exists()
    fit(source, out, resume=True, **arguments)
    assert "First report" not in (out / "report.html").read_text(encoding="utf-8")
    drawn = {file.name: file.read_bytes() for file in (out / "pictures").iterdir()}
    plain = {file.name: file.read_bytes() for file in (small_run / "pictures").iterdir()}
    assert drawn == plain
    assert len(drawn) == 10 + 3 + 2  # clusters, the PCA map, loss and reconstructions


def test_resuming_a_finished_run_changes_no_result(small_run: Path, digits_npz: Path) -> None:
    before = bytes_of(small_run)
    found = fit(
        f"{digits_npz}:images",
        small_run,
        recipe=small_recipe(),
        known_labels="known",
        resume=True,
    )
    assert found["used"] == 599
    assert bytes_of(small_run) == before


def test_resuming_with_other_settings_names_them(small_run: Path, digits_npz: Path) -> None:
    with pytest.raises(RunError) as caught:
        fit(
            f"{digits_npz}:images",
            small_run,
            recipe=small_recipe(**{"training.batch_size": 16}),
            known_labels="known",
            seed=5,
            resume=True,
        )
    assert str(caught.value) == (
        "A run can only be resumed with the settings it was begun with; got other seed, recipe "
        f"than in {small_run}. Repeat the first command with --resume, or choose another folder "
        "with -o."
    )


def test_validation_pictures_are_not_trained_on_and_can_be_clustered(
    digits_npz: Path, tmp_path: Path
) -> None:
    recipe = change(small_recipe(), **{"images.cluster": "validation"})
    found = fit(
        f"{digits_npz}:images",
        tmp_path / "run",
        recipe=recipe,
        validation=f"{digits_npz}:fresh",
        known_labels=["known", "fresh_known"],
    )
    run = Run.open(tmp_path / "run")
    split = run.inventory()["split"].to_list()
    assert split == ["train"] * 600 + ["validation"] * 60
    assert run.metrics["clustered"] == "validation"
    assert run.log()[-1]["validation_loss"] is not None
    # 60 images are scored as clustered; the others, which are only predicted, apart.
    assert sum(held["size"] for held in run.metrics["contents"]) == 60
    assert run.metrics["held_out"]["acc"] > 0.2
    assert found["images"] == 660


def test_flat_2_holds_out_a_fifth_as_scikit_learn_splits(tmp_path: Path) -> None:
    from sklearn.model_selection import train_test_split

    from pictree.recipes.recipe import change, load_recipe

    arrays = [np.random.default_rng(i).integers(0, 256, (3, 3), np.uint8) for i in range(50)]
    fit(arrays, tmp_path / "run", recipe=change(load_recipe("flat-2"), **{"maps.methods": []}))
    run = Run.open(tmp_path / "run")
    held_out = run.used().filter(pl.col("split") == "validation")["id"].to_list()
    assert held_out == sorted(train_test_split(range(50), test_size=0.2, random_state=42)[1])
    assert run.array("codes").shape == (50, 2)
    assert run.metrics["k"] == 2


def test_a_run_with_nothing_usable_ends_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(b"")
    (tmp_path / "pictures" / "b.jpg").write_bytes(b"hello")
    with pytest.raises(SourceError, match="usable"):
        fit(tmp_path / "pictures", tmp_path / "run", recipe=small_recipe())
    assert not (tmp_path / "run" / "run.json").exists()


def test_no_picture_of_the_users_is_touched(digits_npz: Path, small_run: Path) -> None:
    assert [p.name for p in digits_npz.parent.iterdir()] == ["digits.npz"]


def test_known_labels_change_nothing_but_the_scores(
    small_run: Path, digits_npz: Path, tmp_path: Path
) -> None:
    fit(f"{digits_npz}:images", tmp_path / "b", recipe=small_recipe())
    seen, blind = bytes_of(small_run), bytes_of(tmp_path / "b")
    del seen["images/00000.parquet"], blind["images/00000.parquet"]  # has the column itself
    assert blind == seen
    assert Run.open(tmp_path / "b").metrics["scores"] is None


def test_verdict_says_better_worse_and_no_better() -> None:
    plain = [
        {"name": "k-means on pixels", "scores": {"acc": 0.5}},
        {"name": "k-means on PCA-50 of pixels", "scores": {"acc": 0.605}},
        {"name": "guessing", "scores": {"acc": 0.8}},
    ]
    assert verdict({"acc": 0.6}, plain, 0.45) == [
        "Better than k-means on pixels by 0.100: matched accuracy 0.600.",
        "No better than k-means on PCA-50 of pixels: matched accuracy 0.600 against 0.605.",
        "Worse than guessing by 0.200: matched accuracy 0.600.",
        "Agreement 0.45: clusterings from different seeds find other clusters each time; these are "
        "not to be believed as kinds.",
    ]


def test_a_trees_verdict_speaks_of_its_runs() -> None:
    assert verdict(None, [], 0.75, is_tree=True) == [
        "Agreement 0.75: the tree's runs find partly the same clusters; look at their borders with "
        "care."
    ]


def test_summary_has_what_scripts_rely_on(small_run: Path) -> None:
    found = flow.summary(Run.open(small_run))
    promised = (
        "run recipe chosen images used k k_shortlist silhouette agreement seconds peak_mb acc ari "
        "nmi leaf_purity leaves"
    )
    assert set(promised.split()) <= set(found)
    json.dumps(found, allow_nan=False)


def test_a_deleted_shard_is_made_again(small_run: Path, digits_npz: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(small_run, copy)
    (copy / "codes" / "00000.npy").unlink()
    fit(f"{digits_npz}:images", copy, recipe=small_recipe(), known_labels="known", resume=True)
    assert bytes_of(copy) == bytes_of(small_run)
