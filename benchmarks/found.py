"""How well `pictree find` finds what was put there: copies, wrong labels, strangers, blur.

    python benchmarks/found.py --data shared/data --recipe quick

Digits and clothes with injected truth, a run of each fitted with the recipe, and what the
command's rows say against the truth. One JSON object a line.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from pictree.pipeline.find import find
from pictree.pipeline.fit import fit
from pictree.recipes.recipe import change, load_recipe


def load(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the 10,000 test images of MNIST or Fashion-MNIST and their labels."""
    raw = gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes())
    said = gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())
    images = np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 28, 28)
    return images, np.frombuffer(said, np.uint8, offset=8).astype(int)


def encoded(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """JPEG of quality 30 to 79."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=int(rng.integers(30, 80)))
    return np.asarray(Image.open(file))


def shifted(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """By 1 or 2 pixels along each side, the rest black."""
    down, right = rng.choice([-2, -1, 1, 2], 2)
    padded = np.pad(image, 2)
    return padded[2 - down : 30 - down, 2 - right : 30 - right]


def rescaled(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """To 60 to 80 % and back."""
    side = round(28 * rng.uniform(0.6, 0.8))
    return np.asarray(Image.fromarray(image).resize((side, side)).resize((28, 28)))


def zoomed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Content 90 to 110 % as large, in the same frame."""
    side = round(28 * rng.uniform(0.9, 1.1))
    canvas = Image.new("L", (28, 28))
    canvas.paste(Image.fromarray(image).resize((side, side)), ((28 - side) // 2,) * 2)
    return np.asarray(canvas)


def blurred(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gaussian blur of 1.2 to 2 pixels."""
    small = Image.fromarray(image).filter(ImageFilter.GaussianBlur(rng.uniform(1.2, 2.0)))
    return np.asarray(small)


def fitted(images: np.ndarray, known: np.ndarray | None, recipe: str, folder: Path) -> Path:
    """Fit a run on an array."""
    file = folder / "images.npz"
    np.savez(file, images=images, **({} if known is None else {"known": known}))
    chosen = change(load_recipe(recipe), **{"maps.methods": ["pca"]})
    spec = None if known is None else "known"
    fit(f"{file}:images", folder / "run", recipe=chosen, known_labels=spec)
    return folder / "run"


def score(found: set, true: set) -> dict[str, float]:
    """Recall and precision of a set of answers."""
    hits = len(found & true)
    precision = hits / len(found) if found else None
    return {"found": len(found), "recall": hits / len(true), "precision": precision}


def copies(images: np.ndarray, recipe: str, folder: Path) -> dict:
    """100 changed copies among 2,000."""
    rng = np.random.default_rng(0)
    pile = images[rng.permutation(len(images))[:2000]]
    of = rng.choice(2000, 100, replace=False)
    kinds = [encoded, shifted, rescaled, zoomed]
    made = [kinds[i % 4](pile[at], rng) for i, at in enumerate(of)]
    run = fitted(np.concatenate([pile, np.stack(made)]), None, recipe, folder)
    began = time.perf_counter()
    rows = find(run, "duplicates")["rows"]
    seconds = time.perf_counter() - began
    true = {(int(at), 2000 + i) for i, at in enumerate(of)}
    pairs = {(row["id"], row["other"]) for row in rows}
    each = {
        kind.__name__: sum((int(at), 2000 + i) in pairs for i, at in enumerate(of) if i % 4 == k)
        / 25
        for k, kind in enumerate(kinds)
    }
    return {**score(pairs, true), "recall of": each, "seconds": round(seconds, 1)}


def wrong_labels(images: np.ndarray, known: np.ndarray, recipe: str, folder: Path) -> dict:
    """200 labels of 10,000 changed at random."""
    rng = np.random.default_rng(0)
    at = rng.choice(len(known), 200, replace=False)
    said = known.copy()
    said[at] = (known[at] + rng.integers(1, 10, 200)) % 10
    run = fitted(images, said, recipe, folder)
    rows = [row["id"] for row in find(run, "label-errors")["rows"]]
    first = len(set(rows[:100]) & set(at.tolist()))
    return {**score(set(rows), set(at.tolist())), "right among the first 100": first}


def strangers(images: np.ndarray, others: np.ndarray, recipe: str, folder: Path) -> dict:
    """30 pictures of another kind among 3,000."""
    run = fitted(np.concatenate([images[:3000], others[:30]]), None, recipe, folder)
    rows = [row["id"] for row in find(run, "outliers")["rows"]]
    first = len(set(rows[:30]) & set(range(3000, 3030)))
    return {**score(set(rows), set(range(3000, 3030))), "right among the first 30": first}


def blur(images: np.ndarray, recipe: str, folder: Path) -> dict:
    """100 blurred pictures among 2,000 sharp ones."""
    rng = np.random.default_rng(0)
    made = np.stack([blurred(image, rng) for image in images[2000:2100]])
    run = fitted(np.concatenate([images[:2000], made]), None, recipe, folder)
    return score({row["id"] for row in find(run, "blurred")["rows"]}, set(range(2000, 2100)))


def main() -> None:
    """Print a line for each data set and kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--recipe", default="quick")
    options = parser.parse_args()
    sets = {name: load(options.data / name) for name in ("mnist", "fashion-mnist")}
    for name, (images, known) in sets.items():
        others = next(pair[0] for other, pair in sets.items() if other != name)
        jobs = {
            "copies": lambda f, i=images: copies(i, options.recipe, f),
            "wrong labels": lambda f, i=images, k=known: wrong_labels(i, k, options.recipe, f),
            "strangers": lambda f, i=images, o=others: strangers(i, o, options.recipe, f),
            "blur": lambda f, i=images: blur(i, options.recipe, f),
        }
        for job, work in jobs.items():
            with tempfile.TemporaryDirectory() as folder:
                row = {"data": name, "recipe": options.recipe, "job": job, **work(Path(folder))}
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
