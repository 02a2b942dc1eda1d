"""Photographs: images per second, part by part, beside a plain loop; and a whole run.

    python benchmarks/photos.py make FOLDER [--images 5000]
    python benchmarks/photos.py speed FOLDER [--plain 300]
    python benchmarks/photos.py fit FOLDER
    python benchmarks/photos.py choice [DATA] [--only usps ...]

`make` cuts photographs of 1280×960 out of scikit-image's and scikit-learn's sample pictures; a kind
is the picture they come from. The plain loop is what timm's inference script does: the whole JPEG
decoded, resized, centre crop, float32, batches of 64 by a DataLoader of two workers. The network is
timm's, or where timm is absent the one of the package `efficientnet_lite_pytorch`. `choice`
compares pixels with features, and scores both by the known labels.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from pictree.clustering.instant import instant_tree
from pictree.device import choose_device
from pictree.evaluation.agreement import score
from pictree.features.extract import SMALL, extract
from pictree.features.packaged import _file, open_packaged
from pictree.images.format import choose_format
from pictree.images.inventory import look_at_some
from pictree.images.sources import open_source
from pictree.pipeline.choice import SAMPLE, decide
from pictree.pipeline.fit import fit
from pictree.pipeline.judge import small_rows
from pictree.recipes.recipe import change, load_recipe

PICTURES = (
    *("astronaut", "brick", "camera", "cell", "chelsea", "coffee", "coins", "grass", "gravel"),
    *("hubble_deep_field", "immunohistochemistry", "moon", "retina", "rocket", "china", "flower"),
)
SIZE = (1280, 960)


def sample(name: str) -> Image.Image:
    """Return one of the packaged pictures."""
    import skimage.data
    from sklearn.datasets import load_sample_images

    if name in ("china", "flower"):
        return Image.fromarray(load_sample_images().images[name == "flower"])
    return Image.fromarray(getattr(skimage.data, name)()).convert("RGB")


def make(folder: Path, images: int) -> None:
    """Write JPEGs cut out of the sample pictures, lighter or darker, some mirrored."""
    rng, pictures = np.random.default_rng(0), {name: sample(name) for name in PICTURES}
    jobs = []
    for number in range(images):
        name = PICTURES[number % len(PICTURES)]
        image = pictures[name]
        share = rng.uniform(0.35, 0.7)
        width, height = round(image.width * share), round(image.height * share)
        left, top = rng.integers(image.width - width), rng.integers(image.height - height)
        box = (left, top, left + width, top + height)
        jobs.append((image, box, rng.uniform(0.7, 1.3, 3), folder / name / f"{number:05}.jpg"))
    for name in PICTURES:
        (folder / name).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, *zip(*jobs, strict=True)))


def write(image: Image.Image, box: tuple[int, ...], light: np.ndarray, file: Path) -> None:
    """Write one photograph."""
    part = np.asarray(image.crop(box).resize(SIZE, Image.Resampling.BICUBIC), np.float32)
    Image.fromarray((part * light).clip(0, 255).astype(np.uint8)).save(file, quality=90)


def rate(count: int, work: Callable[[], Any]) -> float:
    """Return images per second."""
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)


class Plain(torch.utils.data.Dataset):
    """Photographs as timm's evaluation prepares them."""

    def __init__(self, files: list[Path]) -> None:
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, number: int) -> torch.Tensor:
        image = Image.open(self.files[number]).convert("RGB")
        scale = 256 / min(image.size)
        image = image.resize([round(s * scale) for s in image.size], Image.Resampling.BICUBIC)
        left, top = (image.width - 224) // 2, (image.height - 224) // 2
        pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32) / 255
        return torch.from_numpy((pixels - 0.5) / 0.5).permute(2, 0, 1).contiguous()


def plain_network() -> Callable[[torch.Tensor], torch.Tensor]:
    """Return timm's network, or the package's."""
    try:
        import timm

        return timm.create_model("tf_efficientnet_lite0", num_classes=0).eval()
    except (ImportError, RuntimeError):
        from efficientnet_lite_pytorch import EfficientNet

        model = EfficientNet.from_name("efficientnet-lite0").eval()
        model.load_state_dict(torch.load(_file(), weights_only=True))
        return model.extract_features


def speed(folder: Path, plain: int) -> None:
    """Print images per second."""
    source = open_source(folder)
    extractor, device = open_packaged(), choose_device()
    spread = np.unique(np.linspace(0, len(source) - 1, 2_000).astype(int)).tolist()
    print(f"{len(source):,} photographs; {device.reason}")
    for side in (224, 128):
        fmt = choose_format(source, longest=side)
        found: dict[str, Any] = {}
        decoded = rate(
            len(spread), lambda f=fmt, d=found: d.update(p=look_at_some(source, spread, f)[0])
        )
        pixels = found["p"]
        extract(extractor, pixels[:64], device)
        seen = rate(len(pixels), lambda p=pixels: extract(extractor, p, device))
        both = 1 / (1 / decoded + 1 / seen)
        print(f"ours, {side} px: decode {decoded:.0f}, features {seen:.0f}, both {both:.0f}")
    files = sorted(folder.rglob("*.jpg"))[:: max(1, len(source) // plain)][:plain]
    network = plain_network()
    batch = torch.stack([Plain(files)[i] for i in range(32)])
    with torch.inference_mode():
        alone = rate(96, lambda: [network(batch) for _ in range(3)])

        def loop() -> None:
            for part in torch.utils.data.DataLoader(Plain(files), 64, num_workers=2):
                network(part)

        print(f"plain, 224 px: features {alone:.0f}, both {rate(len(files), loop):.0f}")


def whole(folder: Path, maps: list[str]) -> None:
    """Print the seconds of each stage of a run."""
    with tempfile.TemporaryDirectory() as out:
        run = Path(out) / "run"
        recipe = change(load_recipe("photos"), **{"maps.methods": maps})
        found = fit(folder, run, recipe=recipe, known_labels="folders")
        stages = json.loads((run / "run.json").read_text())["stages"]
    print({name: round(stage["seconds"], 1) for name, stage in stages.items()})
    keys = ("used", "k", "agreement", "acc", "nmi", "seconds", "peak_mb")
    print({key: found[key] for key in keys})


def known(data: Path | None) -> Iterator[tuple[str, Any, Any, int]]:
    """Yield data sets with labels: name, images, labels, number of kinds."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    yield "8×8 digits", (digits.images * 15.9).astype(np.uint8), digits.target, 10
    if data is None:
        return
    from pictree.images.known_labels import read_known_labels

    for name in ("mnist", "fashion-mnist"):
        source = open_source(str(data / name / "t10k-images-idx3-ubyte.gz"))
        labels = read_known_labels(str(data / name / "t10k-labels-idx1-ubyte.gz"), source)
        yield f"{name}, test part", source, labels, 10
    usps = np.load(data / "usps.npz")
    for name, images, labels, k in (
        (
            "usps",
            np.concatenate([usps["x_train"], usps["x_test"]]),
            np.concatenate([usps["y_train"], usps["y_test"]]),
            10,
        ),
        (
            "coil20",
            np.load(data / "coil20.npz")["images"],
            np.load(data / "coil20.npz")["labels"],
            20,
        ),
    ):
        yield name, images, labels, k


def choice(data: Path | None, only: list[str] | None) -> None:
    """Print what the choice sees, at the known number of kinds and at its own."""
    extractor, device = open_packaged(), choose_device()
    print("| images | k | agreement: pixels, features | ACC: pixels, features | chosen |")
    print("| --- | --- | --- | --- | --- |")
    for name, images, labels, k in known(data):
        if only and not any(word in name for word in only):
            continue
        source = images if hasattr(images, "read") else open_source(images)
        rows = np.unique(np.linspace(0, len(source) - 1, min(SAMPLE, len(source))).astype(int))
        fmt = choose_format(source, longest=SMALL)
        pixels = np.stack([look_at_some(source, [row], fmt)[0][0] for row in rows.tolist()])
        tables = small_rows(pixels, np.arange(len(pixels))), extract(extractor, pixels, device)
        truth = [str(labels[row]) for row in rows]
        for asked in (k, None):
            trees = [instant_tree(np.asarray(t, np.float32), k=asked) for t in tables]
            found = decide(trees, "tree", "photos", len(rows))
            accs = ", ".join(f"{score(tree.clusters, truth)['acc']:.3f}" for tree in trees)
            said = k if asked else f"{trees[0].k}, {trees[1].k}: {found.k}"
            agree = f"{found.pixels:.3f}, {found.features:.3f}"
            print(
                f"| {name}, {len(rows):,} | {said} | {agree} | {accs} | {found.recipe} |",
                flush=True,
            )


def main() -> None:
    """Do what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("make", "speed", "fit", "choice"))
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--images", type=int, default=5_000)
    parser.add_argument("--plain", type=int, default=300)
    parser.add_argument("--maps", nargs="*", default=["pca", "tsne", "umap"])
    parser.add_argument("--only", nargs="*")
    asked = parser.parse_args()
    if asked.what == "make":
        make(asked.folder, asked.images)
    elif asked.what == "speed":
        speed(asked.folder, asked.plain)
    elif asked.what == "fit":
        whole(asked.folder, asked.maps)
    else:
        choice(asked.folder, asked.only)


if __name__ == "__main__":
    main()
