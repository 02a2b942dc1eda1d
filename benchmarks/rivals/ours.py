"""Pictree's sides of the rows, and what all sides of a row read."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.rivals.data import digits, known


def _network(recipe: str, seed: int = 0) -> tuple[Any, Any]:
    from pictree.networks.autoencoder import Architecture, build
    from pictree.recipes.recipe import load_recipe

    found = load_recipe(recipe)
    part = found.network
    shape = Architecture((28, 28, 1), part.encoder, part.decoder, part.code, part.output)
    return found, build(shape, seed)


def _train(recipe: str, pixels: np.ndarray, epochs: int, seed: int) -> tuple[Any, list[dict]]:
    from dataclasses import replace

    from pictree.device import keep_pages
    from pictree.pipeline.learn import device_for
    from pictree.training.loop import train

    keep_pages()
    found, model = _network(recipe, seed)
    settings = replace(found.training, epochs=epochs)
    return model, train(model, pixels, settings, device_for(found), seed=seed)


def epoch(data: Path, work: Path, recipe: str, seed: int = 0) -> dict:
    """Train an epoch, after some steps of another network to warm up."""
    pixels = np.ascontiguousarray(digits(data)[..., None])
    _train(recipe, pixels[:3_200], 1, seed)
    start = time.process_time()
    _, history = _train(recipe, pixels, 1, seed)
    return {
        "seconds": history[0]["seconds"],
        "processor": round(time.process_time() - start, 1),
        "result": {"loss": round(history[0]["loss"], 4)},
    }


def chain(data: Path, work: Path, images: int) -> dict:
    """`pictree fit` with the recipe, as a whole process."""
    import json
    import tempfile

    with tempfile.TemporaryDirectory(dir=work) as folder:
        pile, labels = Path(folder) / "digits.npy", Path(folder) / "known.npz"
        np.save(pile, digits(data, "all")[-images:])
        np.savez(labels, images=digits(data, "all")[-images:], known=known(data, "all")[-images:])
        command = [sys.executable, "-m", "pictree.cli", "fit", f"{labels}:images"]
        command += ["--known-labels", "known", "--recipe", "large-1568", "--k", "10", "--json"]
        start = time.perf_counter()
        done = subprocess.run(
            [*command, "-o", str(Path(folder) / "run")], capture_output=True, check=True
        )
        seconds = time.perf_counter() - start
    found = json.loads(done.stdout)
    result = {key: round(found[key], 3) for key in ("silhouette", "ari", "nmi")}
    return {"seconds": seconds, "result": result}


def tree(data: Path, work: Path) -> dict:
    """From pixels to clusters: the linear autoencoder's codes, then the instant tree."""
    from pictree.clustering.instant import instant_tree
    from pictree.evaluation.agreement import score

    pixels = digits(data, "all").reshape(-1, 784)
    start = time.perf_counter()
    found = instant_tree(pixels)
    seconds = time.perf_counter() - start
    ari = score(found.clusters, known(data, "all").tolist())["ari"]
    return {"seconds": seconds, "result": {"k": found.k, "ARI": round(ari, 3)}}


def principal(data: Path, work: Path) -> dict:
    """Make principal-50.npy: 70,000 digits on their first 50 axes; and the true neighbours."""
    from sklearn.neighbors import NearestNeighbors

    from pictree.neighbors import in_few_numbers

    if not (work / "nearest-10.npy").exists():
        rows = in_few_numbers(digits(data, "all").reshape(-1, 784) / np.float32(255))
        np.save(work / "principal-50.npy", rows)
        found = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(rows).kneighbors()
        np.save(work / "nearest-10.npy", found[1].astype(np.int32))
    return {}


def neighbours(data: Path, work: Path) -> dict:
    """Find the 10 nearest other rows of each row."""
    from pictree.neighbors import nearest

    return _neighbours(work, nearest)


def nearly(data: Path, work: Path) -> dict:
    """Find nearly all of them, in the nearest cells."""
    from pictree.neighbors import nearly_nearest

    return _neighbours(work, nearly_nearest)


def _neighbours(work: Path, find: Callable[[np.ndarray, int], tuple]) -> dict:
    from benchmarks.rivals.by_neighbours import recall

    rows = np.load(work / "principal-50.npy")
    find(rows[:20_000], 10)  # what is imported once is not counted
    start = time.perf_counter()
    found, _ = find(rows, 10)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "result": {"recall": recall(work, found)}}


def wide_codes(data: Path, work: Path) -> dict:
    """Make codes-1568.npy: codes of 70,000 digits by `large-1568` after one epoch."""
    from pictree.device import choose_device
    from pictree.networks.inference import encode

    if not (work / "codes-1568.npy").exists():
        pixels = np.ascontiguousarray(digits(data, "all")[..., None])
        model, _ = _train("large-1568", pixels[:60_000], 1, 0)
        np.save(work / "codes-1568.npy", encode(model, pixels, choose_device("float32")))
    return {}


def kmeans(data: Path, work: Path) -> dict:
    """Fit the clusters as the recipe does."""
    from benchmarks.rivals.by_sklearn import inertia
    from pictree.clustering.flat import fit_clusters

    codes = np.load(work / "codes-1568.npy")
    start = time.perf_counter()
    found = fit_clusters(codes, "kmeans", 10, starts=10, seed=0)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "result": {"inertia": inertia(codes, found.centres)}}


def jpegs(data: Path, work: Path) -> dict:
    """Make jpegs/: 20,000 files of 500×375, crops of scikit-learn's two photographs."""
    from PIL import Image
    from sklearn.datasets import load_sample_images

    folder = work / "jpegs"
    if (folder / "19999.jpg").exists():
        return {}
    folder.mkdir(exist_ok=True)
    photos = [Image.fromarray(image) for image in load_sample_images().images]
    rng = np.random.default_rng(0)
    for i in range(20_000):
        width = int(rng.integers(250, 500))
        left, top = int(rng.integers(0, 640 - width)), int(rng.integers(0, 427 - width * 3 // 4))
        box = (left, top, left + width, top + width * 3 // 4)
        photo = photos[i % 2].resize((500, 375), Image.Resampling.BILINEAR, box=box)
        photo.save(folder / f"{i:05d}.jpg", quality=85)
    return {}


def decode(data: Path, work: Path) -> dict:
    """Scan and decode: inventory, checksums and duplicates too, as `pictree fit` does."""
    from pictree.images.decode import ImageFormat
    from pictree.images.inventory import take_stock
    from pictree.images.sources import open_source

    start = time.perf_counter()
    source = open_source(str(work / "jpegs"))
    fmt = ImageFormat(64, 64, 3, "as the others")
    table, _ = take_stock(source, range(len(source)), fmt, first_id=0, seen={})
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "result": {"files a second": round(len(table) / seconds)}}


def predict(data: Path, work: Path, images: int) -> dict:
    """Codes of images by a loaded model; of one: the median of 200."""
    from pictree.device import choose_device
    from pictree.networks.inference import encode

    _, model = _network("large-1568")
    pixels = np.ascontiguousarray(digits(data, "t10k")[:images, ..., None])
    device, seconds = choose_device("float32"), []
    for _ in range(3 if images > 1 else 200):
        start = time.perf_counter()
        encode(model, pixels, device)
        seconds.append(time.perf_counter() - start)
    return {"seconds": median(seconds)}


def placed(data: Path, work: Path) -> dict:
    """Make place-run/: 70,000 digits by `quick`, without maps; and its codes as one file."""
    from pictree.store import Run

    run = work / "place-run"
    if not (work / "place-codes.npy").exists():
        recipe = work / "place.toml"
        command = [sys.executable, "-m", "pictree.cli"]
        said = subprocess.run(
            [*command, "recipes", "quick"], capture_output=True, text=True, check=True
        )
        recipe.write_text(said.stdout.replace('["pca", "tsne", "umap"]', '["pca"]'))
        piles = [str(data / "mnist" / f"{part}-images-idx3-ubyte.gz") for part in ("train", "t10k")]
        fit = [*command, "fit", *piles, "-o", str(run), "--recipe", str(recipe), "--k", "10"]
        subprocess.run([*fit, "--resume"], check=True)
        np.save(work / "place-codes.npy", Run.open(run).array("codes")[:])
    return {}


def place(data: Path, work: Path) -> dict:
    """Code, cluster, confidence and ten nearest of one picture by a loaded run; median of 200."""
    import polars as pl

    from pictree.pipeline.place import Placer
    from pictree.store import Run

    placer = Placer(Run.open(work / "place-run"))
    about = {"id": [0], "outcome": ["used"], "width": [28], "height": [28]}
    table = pl.DataFrame(about, schema_overrides={"id": pl.UInt32})
    pixels = np.ascontiguousarray(255 - digits(data, "t10k")[:200, ..., None])  # not in the run
    seconds = []
    for i in range(200):
        start = time.perf_counter()
        placer.judge(table, pixels[i : i + 1])
        seconds.append(time.perf_counter() - start)
    return {"seconds": median(seconds)}


def idec(data: Path, work: Path) -> dict:
    """Do an epoch of pretraining, k-means, one of IDEC, by a network of dense layers."""
    from benchmarks.rivals.dense import idec as learn

    pixels = np.ascontiguousarray(digits(data)[..., None])
    start = time.perf_counter()
    labels = learn(pixels)
    return {"seconds": time.perf_counter() - start, "result": _ari(labels, known(data))}


def _ari(found: np.ndarray, labels: np.ndarray) -> dict:
    from pictree.evaluation.agreement import score

    return {"ARI": round(score(found, labels.tolist())["ari"], 3)}


def starts(data: Path, work: Path, what: str) -> dict:
    """Start a process and wait for it, or for its first answer; the median of 5."""
    from benchmarks.rivals.starts import seconds_to

    return {"seconds": median(seconds_to(what, data, work) for _ in range(5))}
