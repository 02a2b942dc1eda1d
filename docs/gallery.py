"""Make docs/gallery/ from real pictures by Pictree itself: `python docs/gallery.py [NAME …]`.

Each part is one fit and takes minutes; a finished run in build/gallery/ is taken as it is.
Fashion-MNIST is looked for in $PICTREE_DATA.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import pictree
from pictree.pipeline.fit import fit, summary
from pictree.progress import for_people
from pictree.recipes.recipe import change, load_recipe
from pictree.store import Run

OUT = Path(__file__).parent / "gallery"
WORK = Path(__file__).parent.parent / "build" / "gallery"
PACKAGED = Path(pictree.__file__).parent / "data"
_COLOURS = 256


@dataclass(frozen=True)
class Show:
    """One part of the gallery.

    Attributes
    ----------
    name, title, about : str
    pictures : callable
        Makes what there is to make, and returns what `fit` takes: pictures and known labels.
    recipe, k : str
    maps : tuple of str
    shown : dict of str to (int, str)
        File of the run's pictures/ to its width in the gallery and what stands under it.
    """

    name: str
    title: str
    about: str
    pictures: Callable[[], tuple[Any, Any]]
    recipe: str
    k: str
    maps: tuple[str, ...]
    shown: dict[str, tuple[int, str]]


def digits() -> tuple[str, str]:
    """Return the 10,000 packaged MNIST digits."""
    names = ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz")
    images, labels = (str(PACKAGED / name) for name in names)
    return images, labels


def clothes() -> tuple[str, str]:
    """Return the 10,000 pictures of Fashion-MNIST's test part."""
    folder = Path(os.environ["PICTREE_DATA"]) / "fashion-mnist"
    images, labels = (folder / f"t10k-{what}-ubyte.gz" for what in ("images-idx3", "labels-idx1"))
    return str(images), str(labels)


def patches() -> tuple[str, None]:
    """Cut two photographs that scikit-learn ships into squares of 32 pixels, every 12 pixels."""
    from sklearn.datasets import load_sample_images

    found = [
        image[y : y + 32, x : x + 32]
        for image in load_sample_images().images
        for y in range(0, image.shape[0] - 31, 12)
        for x in range(0, image.shape[1] - 31, 12)
    ]
    np.save(WORK / "patches.npy", np.stack(found))
    return str(WORK / "patches.npy"), None


SHOWS = [
    Show(
        "digits",
        "Handwritten digits",
        "The 10,000 digits of `pictree demo` (MNIST's test part, CC BY-SA 3.0), cut into ten.",
        digits,
        "tree",
        "10",
        ("pca", "tsne", "umap"),
        {
            "tree.png": (1000, "The tree. Left the whole pile, right the clusters."),
            "map-tsne-thumbnails.png": (760, "The map of the learned codes, made of pictures."),
            "cluster-001.png": (
                600,
                "One cluster: its middle, typical digits, and its border, where mistakes are.",
            ),
            "reconstructions.png": (600, "Originals above what the decoder makes of their codes."),
        },
    ),
    Show(
        "clothes",
        "Clothes",
        "The 10,000 pictures of Fashion-MNIST's test part (MIT), cut into ten. Looks are not "
        "kinds: what has sleeves shares clusters, whatever a shop calls it.",
        clothes,
        "tree",
        "10",
        (),
        {
            "tree.png": (1000, "The tree."),
            "cluster-000.png": (600, "The largest cluster."),
        },
    ),
    Show(
        "patches",
        "Squares of two photographs",
        "Two photographs (a temple and a flower, CC BY, shipped with scikit-learn), cut into "
        "overlapping squares of 32 pixels.",
        patches,
        "quick",
        "8",
        ("tsne",),
        {"map-tsne-thumbnails.png": (760, "Leaves and dark, roof, petals, sky.")},
    ),
]


def main(names: list[str]) -> None:
    """Make the parts that are named, all by default, then the page."""
    OUT.mkdir(exist_ok=True)
    WORK.mkdir(parents=True, exist_ok=True)
    for show in SHOWS:
        if not names or show.name in names:
            make(show)
    (OUT / "index.md").write_text(page(), encoding="utf-8")


def make(show: Show) -> None:
    """Keep the pictures and the figures of one part, after its fit."""
    run = WORK / show.name
    if not (run / "report.html").exists() or not Run(run).is_finished:
        images, known = show.pictures()
        changes = {"maps.methods": list(show.maps), "clustering.k": show.k}
        recipe, shown = change(load_recipe(show.recipe), **changes), for_people()
        fit(images, run, recipe=recipe, known_labels=known, resume=True, progress=shown)
    (OUT / f"{show.name}.txt").write_text(figures(summary(Run(run))), encoding="utf-8")
    for name, (width, _) in show.shown.items():
        keep(run / "pictures" / name, OUT / f"{show.name}-{name}", width)


def figures(found: dict[str, Any]) -> str:
    """Return the figures of a fit in one sentence."""
    told = f"{found['used']:,} pictures, {found['k']} clusters, agreement {found['agreement']:.2f}"
    if "acc" in found:
        told += f", matched accuracy {found['acc']:.3f} (labels for scoring alone)"
    return f"{told}.\n"


def keep(file: Path, to: Path, width: int) -> None:
    """Write a picture on white, no wider than `width`, in few colours."""
    with Image.open(file) as opened:
        picture = Image.new("RGB", opened.size, "white")
        rgba = opened.convert("RGBA")
        picture.paste(rgba, mask=rgba.getchannel("A"))
    if picture.width > width:
        height = round(picture.height * width / picture.width)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    small = picture.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    small.save(to, optimize=True)


def page() -> str:
    """Return the gallery's page."""
    parts = [
        "# Gallery",
        "Made by Pictree from real pictures, and by nothing else: `python docs/gallery.py`, "
        "2026-11-22. No label was seen while clustering.",
    ]
    for show in SHOWS:
        if not (OUT / f"{show.name}.txt").exists():  # not made yet
            continue
        told = (OUT / f"{show.name}.txt").read_text(encoding="utf-8").strip()
        parts += [f"## {show.title}", f"{show.about} {told}"]
        parts += [f"Recipe `{show.recipe}`, k = {show.k}, seed 0."]
        for name, (_, words) in show.shown.items():
            parts.append(f"![{words}]({show.name}-{name})\n\n*{words}*")
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
