"""Make a folder of 1,000 JPEG and PNG of many sizes and modes from the larger data sets.

    python benchmarks/mixed_folder.py DATA FOLDER

Digits, clothes and things, in folders by kind; some grey, some colour, some with alpha, some
turned by EXIF, some twice, some broken.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from pictree.images.idx import read_idx


def pictures(data: Path) -> list[tuple[str, np.ndarray]]:
    """Return kind and image, 1,000 of them in a fixed order."""
    found = []
    for kind in ("mnist", "fashion-mnist"):
        images = read_idx(str(data / kind / "t10k-images-idx3-ubyte.gz"))[:330]
        found += [(kind, image) for image in images]
    with np.load(data / "coil20.npz", allow_pickle=False) as stored:
        found += [("coil20", image) for image in stored["images"][:: 1440 // 339][:340]]
    return found[:1000]


def save(number: int, image: np.ndarray, folder: Path, rng: np.random.Generator) -> None:
    """Save one image in one of many ways."""
    size = (int(rng.integers(20, 400)), int(rng.integers(20, 400)))
    picture = Image.fromarray(image).resize(size)
    mode = ("L", "RGB", "RGBA", "P", "CMYK")[number % 5]
    name = f"{number:04}.{'jpg' if mode in ('L', 'RGB', 'CMYK') and number % 2 else 'png'}"
    if mode == "CMYK" and name.endswith("png"):
        mode = "RGB"
    exif = Image.Exif()
    exif[0x0112] = 1 + number % 8
    picture.convert(mode).save(folder / name, exif=exif)


def main() -> None:
    """Write the folder."""
    data, target = Path(sys.argv[1]), Path(sys.argv[2])
    rng = np.random.default_rng(0)
    for number, (kind, image) in enumerate(pictures(data)):
        (target / kind).mkdir(parents=True, exist_ok=True)
        save(number, image, target / kind, rng)
    files = sorted(target.rglob("*.png"))
    for number, file in enumerate(files[:20]):
        (target / f"again-{number}.png").write_bytes(file.read_bytes())
        (target / f"broken-{number}.png").write_bytes(files[-number - 1].read_bytes()[:100])


if __name__ == "__main__":
    main()
