"""Make docs/gallery/ from real pictures by Pictree itself: `python docs/gallery.py [NAME …]`.

Each part is one fit and takes minutes. Fashion-MNIST is looked for in $PICTREE_DATA.
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
from pictree.images.idx import read_idx
from pictree.pipeline.fit import fit
from pictree.progress import for_people
from pictree.recipes.recipe import change, load_recipe

OUT = Path(__file__).parent / "gallery"
WORK = Path(__file__).parent.parent / "build" / "gallery"
"""Runs; an interrupted one goes on."""
PACKAGED = Path(pictree.__file__).parent / "data"
_COLOURS = 48


@dataclass(frozen=True)
class Show:
    """One part of the gallery.

    Attributes
    ----------
    name, title, about : str
    pictures : callable
        Returns the images, uint8 (n, h, w[, c]), and their known labels or None.
    recipe, k : str
    shown : dict of str to (int, str)
        File of the run's pictures/ to its width in the gallery and what stands under it.
    """

    name: str
    title: str
    about: str
    pictures: Callable[[], tuple[np.ndarray, list[str] | None]]
    recipe: str
    k: str
    shown: dict[str, tuple[int, str]]


def digits() -> tuple[np.ndarray, list[str]]:
    """Return the 10,000 packaged MNIST digits."""
    images = read_idx(str(PACKAGED / "t10k-images-idx3-ubyte.gz"))
    labels = read_idx(str(PACKAGED / "t10k-labels-idx1-ubyte.gz"))
    return images, [str(label) for label in labels]


def clothes() -> tuple[np.ndarray, list[str]]:
    """Return the 10,000 test pictures of Fashion-MNIST."""
    folder = Path(os.environ["PICTREE_DATA"]) / "fashion-mnist"
    names = [
        "top",
        "trousers",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "boot",
    ]
    labels = read_idx(str(folder / "t10k-labels-idx1-ubyte.gz"))
    return read_idx(str(folder / "t10k-images-idx3-ubyte.gz")), [names[i] for i in labels]


def patches() -> tuple[np.ndarray, None]:
    """Cut two photographs that scikit-learn ships into squares of 32 pixels, every 12 pixels."""
    from sklearn.datasets import load_sample_images

    found = [
        image[y : y + 32, x : x + 32]
        for image in load_sample_images().images
        for y in range(0, image.shape[0] - 31, 12)
        for x in range(0, image.shape[1] - 31, 12)
    ]
    return np.stack(found), None


SHOWS = [
    Show(
        "digits",
        "Handwritten digits",
        "The 10,000 digits of the demo (MNIST's test part, CC BY-SA 3.0), cut into ten.",
        digits,
        "tree",
        "10",
        {
            "tree.png": (1100, "The tree. Left the finest groups, right the clusters."),
            "map-tsne-thumbnails.png": (760, "The map of the learned codes, made of pictures."),
            "cluster-001.png": (560, "One cluster: its middle, typical digits, and its border, "
                                "where the mistakes are."),
            "reconstructions.png": (560, "Originals above what the decoder makes of their codes."),
        },
    ),
    Show(
        "clothes",
        "Clothes",
        "10,000 pictures of Fashion-MNIST (MIT), cut into ten. Looks are not kinds: pullovers, "
        "coats and shirts share groups.",
        clothes,
        "tree",
        "10",
        {
            "tree.png": (1000, "Shoes part from the rest first."),
            "map-tsne-thumbnails.png": (760, "Shoes, bags, trousers stand apart; what has "
                                        "sleeves does not."),
        },
    ),
    Show(
        "patches",
        "Squares of two photographs",
        "Two photographs (a temple and a flower, CC BY, shipped with scikit-learn) cut into "
        "overlapping squares of 32 pixels; nobody named anything.",
        patches,
        "quick",
        "8",
        {
            "map-tsne-thumbnails.png": (760, "Sky, roof, red walls, leaves and petals."),
        },
    ),
]  # fmt: skip


def main(names: list[str]) -> None:
    """Make the parts that are named, all by default, then the page."""
    OUT.mkdir(exist_ok=True)
    for show in SHOWS:
        if not names or show.name in names:
            make(show)
    (OUT / "index.md").write_text(page(), encoding="utf-8")


def make(show: Show) -> None:
    """Fit, and keep the pictures and the figures of one part."""
    images, known = show.pictures()
    recipe = change(load_recipe(show.recipe), **{"maps.methods": ["tsne"], "clustering.k": show.k})
    WORK.mkdir(parents=True, exist_ok=True)
    file, run = WORK / f"{show.name}.npz", WORK / show.name
    labels = {} if known is None else {"known": np.array(known)}
    np.savez(file, images=images, **labels)
    found = fit(
        f"{file}:images",
        run,
        recipe=recipe,
        known_labels="known" if known else None,
        resume=True,
        progress=for_people(),
    )
    (OUT / f"{show.name}.txt").write_text(figures(found), encoding="utf-8")
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
    small = picture.quantize(_COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    small.save(to, optimize=True)


def page() -> str:
    """Return the gallery's page."""
    parts = [
        "# Gallery",
        "Made by Pictree from real pictures, and by nothing else: `python docs/gallery.py`. No "
        "label was seen while clustering.",
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
