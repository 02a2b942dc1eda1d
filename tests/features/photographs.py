"""Real photographs that packages bring, and crops of them: a kind is what they are cut from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image
from sklearn.datasets import load_sample_images

KINDS = ("astronaut", "chelsea", "coffee", "rocket")
"""A woman, a cat, a cup, a launch: scikit-image's."""


def picture(name: str) -> Image.Image:
    """Return one of scikit-image's pictures, or scikit-learn's china or flower."""
    if name in ("china", "flower"):
        return Image.fromarray(load_sample_images().images[name == "flower"])
    return Image.fromarray(getattr(skimage.data, name)())


def crop(name: str, rng: np.random.Generator) -> Image.Image:
    """Cut half of a picture out, at some place and of some shape, lighter or darker."""
    image = picture(name)
    width, height = (round(side * rng.uniform(0.5, 0.7)) for side in image.size)
    left, top = rng.integers(image.width - width + 1), rng.integers(image.height - height + 1)
    part = image.crop((left, top, left + width, top + height))
    if rng.random() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    values = np.asarray(part, np.float32) * rng.uniform(0.7, 1.2, 3)
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def write_crops(folder: Path, each: int, seed: int, kinds: tuple[str, ...] = KINDS) -> Path:
    """Write so many crops of each kind as JPEG, in a folder of its name."""
    rng = np.random.default_rng(seed)
    for kind in kinds:
        (folder / kind).mkdir(parents=True)
        for number in range(each):
            crop(kind, rng).save(folder / kind / f"{number:03}.jpg", quality=90)
    return folder
