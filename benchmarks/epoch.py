"""Seconds per epoch of `large-1568` on the 60,000 MNIST images: plain, fast and compiled forms.

    python benchmarks/epoch.py DATA [--epochs 1] [--images 60000] [--seeds 1]

DATA holds mnist/train-images-idx3-ubyte.gz. Each form trains from the same start with the same
batches, in parts, a thread each; the table gives seconds, the ratio to the plain form in the same
run, and the loss.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from pictree.device import Device, choose_device, keep_pages
from pictree.images.idx import read_idx
from pictree.networks import fused, layers
from pictree.networks.autoencoder import Architecture, build
from pictree.recipes.recipe import change, load_recipe
from pictree.training.loop import train

FAST = {kind: kind.forward for kind in (layers.Conv, layers.ConvPool, layers.UpConv)}


COMPILED = fused.is_here()


def seconds_and_loss(
    pixels: np.ndarray, epochs: int, device: Device, form: str, seed: int
) -> tuple[float, float]:
    """Train; return the median epoch's seconds and the last loss."""
    for kind, fast in FAST.items():
        kind.forward = getattr(kind, "plain", fast) if form == "plain" else fast
    fused.is_here = lambda: COMPILED and form == "compiled"
    recipe = change(load_recipe("large-1568"), **{"training.epochs": epochs})
    network = recipe.network
    model = build(
        Architecture(pixels.shape[1:], network.encoder, network.decoder, network.code), seed
    )
    history = train(model, pixels, recipe.training, device, seed=seed)
    return float(np.median([row["seconds"] for row in history])), history[-1]["loss"]


def main() -> None:
    """Run the forms and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, default=1)
    asked = parser.parse_args()
    keep_pages()
    images = read_idx(str(asked.data / "mnist" / "train-images-idx3-ubyte.gz"))[: asked.images]
    pixels = np.ascontiguousarray(images)[..., None]
    forms = {
        f"{form}, {precision}": (choose_device(precision), form)
        for precision in dict.fromkeys(("float32", choose_device().precision))
        for form in ("plain", "fast", *["compiled"] * COMPILED)
    }
    print(choose_device().reason)
    print("| form | seconds per epoch | times as fast as plain | loss by seed |")
    print("| --- | --- | --- | --- |")
    first = None
    for name, (device, form) in forms.items():
        found = [
            seconds_and_loss(pixels, asked.epochs, device, form, seed)
            for seed in range(asked.seeds)
        ]
        seconds = float(np.median([seconds for seconds, _ in found]))
        losses = ", ".join(f"{loss:.4f}" for _, loss in found)
        first = first or seconds
        print(f"| {name} | {seconds:.1f} | {first / seconds:.1f} | {losses} |", flush=True)


if __name__ == "__main__":
    main()
