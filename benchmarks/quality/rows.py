"""The data sets: whole ones, and subsets that the seed draws; each written as one .npz."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pictree.images.idx import read_idx

Pictures = tuple[np.ndarray, np.ndarray]
"""Images uint8 (n, h, w[, 3]) and their known labels int64 (n,)."""

LARGEST, SMALLEST = 1_223, 122
"""Of the unbalanced classes: ten sizes from the one down to the other make some 5,000 images."""
TINT = (1.0, 0.8, 0.6)
"""Share of the grey value that red, green and blue get: one warm light for all objects."""


@dataclass(frozen=True)
class Row:
    """A data set: its numbers of images and kinds, and how the data folder and a seed make it."""

    images: int
    k: int
    about: str
    make: Callable[[Path, np.random.Generator], Pictures]
    drawn: bool = False


def idx(folder: Path, parts: tuple[str, ...] = ("train", "t10k")) -> Pictures:
    """Read an IDX data set, in its original order."""
    images = [read_idx(str(folder / f"{part}-images-idx3-ubyte.gz")) for part in parts]
    known = [read_idx(str(folder / f"{part}-labels-idx1-ubyte.gz")) for part in parts]
    return np.concatenate(images), np.concatenate(known).astype(np.int64)


def npz(file: Path, images: tuple[str, ...], known: tuple[str, ...]) -> Pictures:
    """Read keys of an .npz, one after the other."""
    with np.load(file, allow_pickle=False) as held:
        return (
            np.concatenate([held[key] for key in images]),
            np.concatenate([held[key] for key in known]).astype(np.int64),
        )


def small_digits() -> Pictures:
    """Return scikit-learn's 1,797 digits, their 0..16 brought to 0..255."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return np.rint(found.images * (255 / 16)).astype(np.uint8), found.target.astype(np.int64)


def draw(pictures: Pictures, n: int, rng: np.random.Generator) -> Pictures:
    """Draw n images, whatever their kinds."""
    rows = rng.choice(len(pictures[0]), n, replace=False)
    return pictures[0][rows], pictures[1][rows]


def draw_kinds(pictures: Pictures, sizes: dict[int, int], rng: np.random.Generator) -> Pictures:
    """Draw so many images of each kind, and shuffle them."""
    drawn = [
        rng.choice(np.flatnonzero(pictures[1] == kind), n, replace=False)
        for kind, n in sizes.items()
    ]
    rows = rng.permutation(np.concatenate(drawn))
    return pictures[0][rows], pictures[1][rows]


def falling_sizes(k: int, largest: int, smallest: int) -> list[int]:
    """Return k sizes that fall geometrically."""
    return np.rint(np.geomspace(largest, smallest, k)).astype(int).tolist()


def unbalanced(pictures: Pictures, rng: np.random.Generator) -> Pictures:
    """Draw classes of falling size; which class gets which size is drawn too."""
    kinds = rng.permutation(np.unique(pictures[1])).tolist()
    sizes = falling_sizes(len(kinds), LARGEST, SMALLEST)
    return draw_kinds(pictures, dict(zip(kinds, sizes, strict=True)), rng)


def two_kinds(pictures: Pictures, n: int, rng: np.random.Generator) -> Pictures:
    """Draw two kinds, and n images of each."""
    kinds = rng.choice(np.unique(pictures[1]), 2, replace=False).tolist()
    return draw_kinds(pictures, dict.fromkeys(kinds, n), rng)


def moved(pictures: Pictures, most: int, rng: np.random.Generator) -> Pictures:
    """Put each image somewhere in a black frame that leaves `most` pixels on either side."""
    images, known = pictures
    height, width = images.shape[1:]
    frames = np.zeros((len(images), height + 2 * most, width + 2 * most), np.uint8)
    for frame, image, (top, left) in zip(
        frames, images, rng.integers(0, 2 * most + 1, (len(images), 2)), strict=True
    ):
        frame[top : top + height, left : left + width] = image
    return frames, known


def tinted(pictures: Pictures) -> Pictures:
    """Make grey images colour ones by `TINT`, the same for all: it tells nothing of the kind."""
    colour = np.rint(pictures[0][..., None] * np.array(TINT)).astype(np.uint8)
    return colour, pictures[1]


def coil(data: Path) -> Pictures:
    """Read COIL-20."""
    return npz(data / "coil20.npz", ("images",), ("labels",))


ROWS = {
    "mnist-70000": Row(70_000, 10, "MNIST, both parts", lambda data, _: idx(data / "mnist")),
    "mnist-10000": Row(
        10_000, 10, "MNIST's test part", lambda data, _: idx(data / "mnist", ("t10k",))
    ),
    "fashion-70000": Row(
        70_000, 10, "Fashion-MNIST, both parts", lambda data, _: idx(data / "fashion-mnist")
    ),
    "usps-9298": Row(
        9_298,
        10,
        "USPS, both parts",
        lambda data, _: npz(data / "usps.npz", ("x_train", "x_test"), ("y_train", "y_test")),
    ),
    "coil20": Row(1_440, 20, "COIL-20, 32×32", lambda data, _: coil(data)),
    "digits": Row(1_797, 10, "scikit-learn's digits, 8×8", lambda *_: small_digits()),
    "mnist-300": Row(
        300, 10, "300 MNIST digits", lambda data, rng: draw(idx(data / "mnist"), 300, rng), True
    ),
    "mnist-1000": Row(
        1_000,
        10,
        "1,000 MNIST digits",
        lambda data, rng: draw(idx(data / "mnist"), 1000, rng),
        True,
    ),
    "fashion-1000": Row(
        1_000,
        10,
        "1,000 pieces of Fashion-MNIST",
        lambda data, rng: draw(idx(data / "fashion-mnist"), 1000, rng),
        True,
    ),
    "mnist-unbalanced": Row(
        4_996,
        10,
        f"MNIST, class sizes from {LARGEST:,} down to {SMALLEST}",
        lambda data, rng: unbalanced(idx(data / "mnist"), rng),
        True,
    ),
    "mnist-two": Row(
        2_000,
        2,
        "1,000 each of two MNIST digits",
        lambda data, rng: two_kinds(idx(data / "mnist"), 1000, rng),
        True,
    ),
    "mnist-moved": Row(
        4_000,
        10,
        "4,000 MNIST digits, each moved by up to 4 pixels",
        lambda data, rng: moved(draw(idx(data / "mnist"), 4000, rng), 4, rng),
        True,
    ),
    "coil20-colour": Row(
        1_440, 20, "COIL-20, tinted: a colour input", lambda data, _: tinted(coil(data))
    ),
}


def write(name: str, data: Path, seed: int, folder: Path) -> Path:
    """Write a row's images and labels, unless they are there; return the .npz.

    Its keys are ``images`` and ``labels``.
    """
    row = ROWS[name]
    file = folder / (f"{name}-{seed}.npz" if row.drawn else f"{name}.npz")
    if not file.exists():
        images, known = row.make(data, np.random.default_rng(seed))
        begun = file.with_suffix(".begun.npz")
        np.savez(begun, images=images, labels=known)
        os.replace(begun, file)  # noqa: PTH105
    return file
