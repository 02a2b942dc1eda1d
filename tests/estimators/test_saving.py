"""What is saved gives the same codes and clusters to the bit, and nothing is pickled."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from pictree import ConvAutoencoder, ImageClusterer, RunError

SUFFIXES = {".json", ".safetensors", ".npz", ".parquet"}


@pytest.fixture
def clusterer() -> ImageClusterer:
    X = load_digits().images[:200]
    return ImageClusterer("2:4", recipe="small-98", epochs=1, random_state=0).fit(X)


def test_a_loaded_clusterer_gives_the_same(clusterer: ImageClusterer, tmp_path: Path) -> None:
    X = load_digits().images[:300]
    clusterer.save(tmp_path / "saved")
    loaded = ImageClusterer.load(tmp_path / "saved")
    assert loaded.get_params() == clusterer.get_params()
    assert loaded.predict(X).tobytes() == clusterer.predict(X).tobytes()
    assert loaded.transform(X).tobytes() == clusterer.transform(X).tobytes()
    assert loaded.labels_.tobytes() == clusterer.labels_.tobytes()
    assert loaded.cluster_centers_.tobytes() == clusterer.cluster_centers_.tobytes()
    assert loaded.shortlist_ == clusterer.shortlist_
    assert loaded.n_clusters_ == clusterer.n_clusters_
    assert {p.suffix for p in (tmp_path / "saved").rglob("*.*")} <= SUFFIXES


def test_a_loaded_tree_gives_the_same(tmp_path: Path) -> None:
    X = load_digits().images[:300]
    recipe = Path(__file__).with_name("short-tree.toml")
    learned = ImageClusterer(10, recipe=recipe, random_state=0).fit(X)
    learned.save(tmp_path / "saved")
    loaded = ImageClusterer.load(tmp_path / "saved")
    assert loaded.tree_.cut(20).tobytes() == learned.tree_.cut(20).tobytes()
    assert loaded.predict(X).tobytes() == learned.predict(X).tobytes()
    assert learned.tree_.cut(10).tobytes() == learned.labels_.tobytes()


def test_a_loaded_autoencoder_gives_the_same(tmp_path: Path) -> None:
    frame = pl.DataFrame(load_digits().data[:100], schema=[f"pixel {i}" for i in range(64)])
    model = ConvAutoencoder(image_shape=(8, 8), epochs=np.int64(1), random_state=3).fit(frame)
    model.save(tmp_path)
    loaded = ConvAutoencoder.load(tmp_path)
    codes = model.transform(frame)
    assert loaded.get_params() == model.get_params()
    assert loaded.transform(frame).tobytes() == codes.tobytes()
    assert loaded.inverse_transform(codes).tobytes() == model.inverse_transform(codes).tobytes()
    assert loaded.history_ == model.history_
    assert loaded.feature_names_in_.tolist() == frame.columns
    assert loaded.input_format_ == model.input_format_


def test_what_became_of_the_files_is_saved(tmp_path: Path) -> None:
    paths = []
    for i, image in enumerate(load_digits().images[:10]):
        paths.append(tmp_path / f"{i}.png")
        Image.fromarray((image * 15).astype(np.uint8)).save(paths[-1])
    model = ImageClusterer(2, recipe="small-98", epochs=1, random_state=0).fit(paths)
    model.save(tmp_path / "saved")
    loaded = ImageClusterer.load(tmp_path / "saved")
    assert loaded.outcomes_.equals(model.outcomes_)
    assert loaded.paths_ == [path.name for path in paths]
    assert loaded.predict(paths).tolist() == model.labels_.tolist()


def test_saving_again_replaces(clusterer: ImageClusterer, tmp_path: Path) -> None:
    clusterer.save(tmp_path)
    other = ImageClusterer(5, recipe="flat-2", epochs=1, random_state=1)
    other.fit(load_digits().images[:50]).save(tmp_path)
    assert ImageClusterer.load(tmp_path).labels_.tolist() == other.labels_.tolist()


def test_a_generator_and_a_path_are_saved_as_plain_values(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text("[training]\nepochs = 1\n")
    X = load_digits().images[:20]
    ConvAutoencoder(recipe, random_state=np.random.RandomState(0)).fit(X).save(tmp_path / "saved")
    recipe.unlink()
    loaded = ConvAutoencoder.load(tmp_path / "saved")
    assert (loaded.recipe, loaded.random_state) == (str(recipe), None)
    assert loaded.transform(X).shape == (20, 128)


@pytest.mark.parametrize("name", ["estimator.json", "clusters.npz"])
def test_a_damaged_file_is_named(clusterer: ImageClusterer, tmp_path: Path, name: str) -> None:
    clusterer.save(tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:20])
    with pytest.raises(RunError) as caught:
        ImageClusterer.load(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / name} must be as it was saved; got ")


def test_pickled_arrays_are_refused(clusterer: ImageClusterer, tmp_path: Path) -> None:
    clusterer.save(tmp_path)
    np.savez(tmp_path / "clusters.npz", labels=np.array([{}], dtype=object))
    with pytest.raises(RunError, match=r"clusters\.npz must be as it was saved"):
        ImageClusterer.load(tmp_path)


def test_another_estimator_is_refused(clusterer: ImageClusterer, tmp_path: Path) -> None:
    clusterer.save(tmp_path)
    with pytest.raises(RunError) as caught:
        ConvAutoencoder.load(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'estimator.json'} must be of ConvAutoencoder; got ImageClusterer. "
        "Use ImageClusterer.load."
    )


def test_a_newer_format_is_refused(clusterer: ImageClusterer, tmp_path: Path) -> None:
    clusterer.save(tmp_path)
    file = tmp_path / "estimator.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 2}))
    with pytest.raises(RunError) as caught:
        ImageClusterer.load(tmp_path)
    assert str(caught.value) == f"{file} must have format 1; got 2. Upgrade pictree."


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        ConvAutoencoder.load(tmp_path)
    file = tmp_path / "estimator.json"
    assert str(caught.value) == (
        f"{file} must be as it was saved; got FileNotFoundError: [Errno 2] No such file or "
        f"directory: '{file}'. Restore the folder from a copy, or fit and save again."
    )
