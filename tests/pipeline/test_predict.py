"""New pictures: the fit's own come back exactly, others near their kind, odd ones unknown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from pictree.engine.base import Local
from pictree.errors import InputError
from pictree.pipeline.predict import predict
from pictree.store import Run


def table(found: dict) -> pl.DataFrame:
    return pl.read_csv(found["output"])


def test_the_fits_own_images_get_the_stored_clusters(
    small_run: Path, digits_npz: Path, tmp_path: Path
) -> None:
    found = predict(small_run, f"{digits_npz}:images", output=tmp_path / "p.csv")
    stored = Run.open(small_run).assignments()["cluster"].to_list()
    assert table(found)["cluster"].to_list() == stored
    assert table(found)["confidence"].unique().to_list() == [1.0]
    assert found["unknown"] == 0


def test_the_models_own_way_agrees_with_the_stored_clusters(small_run: Path) -> None:
    from pictree.clustering.flat import FlatClusters

    run = Run.open(small_run)
    model = FlatClusters.from_arrays(run.arrays(f"clusters/{run.clusters_name}/model.npz"))
    assert (model.predict(run.array("codes")[:]) == run.labels()).all()


def test_new_images_are_placed_with_their_kind(
    small_run: Path, digits_npz: Path, tmp_path: Path
) -> None:
    found = predict(
        small_run,
        f"{digits_npz}:fresh",
        output=tmp_path / "p.csv",
        known_labels="fresh_known",
    )
    assert found["images"] == 60
    assert found["acc"] > 0.25
    columns = ["path", "cluster", "label", "confidence", "nearest_path", "outcome", "reason"]
    assert table(found).columns == columns


def test_noise_is_unknown_and_digits_are_not(
    small_run: Path, digits_npz: Path, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (20, 28, 28), np.uint8)
    found = predict(small_run, noise, output=tmp_path / "noise.csv")
    assert found["unknown"] == 20
    fresh = predict(small_run, f"{digits_npz}:fresh", output=tmp_path / "fresh.csv")
    assert fresh["unknown"] <= 6


def test_broken_and_repeated_files_have_rows(small_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"")
    Image.fromarray(np.full((40, 30), 9, np.uint8)).save(folder / "b.png")
    (folder / "c.png").write_bytes((folder / "b.png").read_bytes())
    found = predict(small_run, folder, output=tmp_path / "p.csv")
    rows = table(found)
    assert rows["path"].to_list() == ["a.png", "b.png", "c.png"]
    assert rows["outcome"].to_list() == ["empty", "used", "duplicate"]
    assert rows["cluster"][0] is None
    assert rows["cluster"][1] == rows["cluster"][2]
    assert found["problems"] == {"empty": 1}
    assert found["used"] == 2


def test_a_file_of_the_users_is_not_overwritten(small_run: Path, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("mine")
    with pytest.raises(InputError) as caught:
        predict(small_run, tmp_path, output=tmp_path / "p.csv")
    assert str(caught.value) == (
        f"the output must be a new file; got {tmp_path / 'p.csv'}, which exists. "
        "Choose another name."
    )
    assert (tmp_path / "p.csv").read_text() == "mine"


def test_a_second_table_by_shards_is_as_the_first(
    small_run: Path, digits_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was placed for the first is forgotten, though the process has the run still open."""
    monkeypatch.setattr("pictree.pipeline.place_shards.files_at_once", lambda _: 25)
    monkeypatch.setattr("pictree.pipeline.predict.open_engine", lambda *_: Local())
    fresh = np.load(digits_npz)["fresh"]
    np.save(tmp_path / "new.npy", np.concatenate([fresh[:40], fresh[:3]]))
    tables = [tmp_path / "first.csv", tmp_path / "second.csv"]
    for out in tables:
        predict(small_run, str(tmp_path / "new.npy"), output=out, engine="processes")
    assert len(table({"output": tables[0]})) == 43
    assert tables[0].read_bytes() == tables[1].read_bytes()


def test_worker_processes_write_the_same_table(
    small_run: Path, digits_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With copies: of the fit's, beside each other, in another shard, and of such copies."""
    for module in ("predict", "place_shards"):
        monkeypatch.setattr(f"pictree.pipeline.{module}.files_at_once", lambda _: 25)
    of = np.load(digits_npz)
    piles = (of["fresh"], of["images"][[3, 3, 599]], of["fresh"][[0, 0, 30]], of["images"][3:4])
    np.save(tmp_path / "new.npy", np.concatenate(piles))
    for engine in ("local", "processes"):
        out = tmp_path / f"{engine}.csv"
        predict(small_run, str(tmp_path / "new.npy"), output=out, engine=engine)
    told = table({"output": out})
    assert told["outcome"][60:].unique().to_list() == ["duplicate"]
    assert told["reason"][60] == "same content as image 3"
    assert out.read_bytes() == (tmp_path / "local.csv").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "local.csv",
        "new.npy",
        "processes.csv",
    ]
