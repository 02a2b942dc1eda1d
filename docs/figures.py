"""Make the pictures of method.md from 3,000 packaged digits: `python docs/figures.py`."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.offsetbox import AnnotationBbox, OffsetImage

import pictree
from pictree.clustering.instant import instant_tree
from pictree.clustering.tree import ClusterTree
from pictree.device import choose_device
from pictree.images.idx import read_idx
from pictree.networks import inference
from pictree.projection import project
from pictree.recipes.recipe import load_recipe
from pictree.training.affine import random_affine
from pictree.training.rounds import learn_rounds

OUT = Path(__file__).parent / "pictures"
DATA = Path(pictree.__file__).parent / "data"
COLOURS = np.array(plt.get_cmap("tab20").colors)[[0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 1, 3, 5, 7, 9]]


def main() -> None:
    """Cluster the digits and draw each step."""
    images = read_idx(str(DATA / "t10k-images-idx3-ubyte.gz"))[:3000]
    rows = images.reshape(len(images), -1).astype(np.float32) / 255
    found = instant_tree(rows, k=10)
    before = project(rows, "tsne")
    draw_leaves(images, before, found.start.look.trees[0])
    draw_tree(images, found.tree, found.k, rows)
    draw_votes(images, before, found.clusters, found.confidence)
    draw_changes(images)
    rounds = load_recipe("tree").rounds
    device = choose_device()
    learned = learn_rounds(images[..., None], found.start, rounds, device, k=10)
    codes = inference.encode(learned.model, images[..., None], device)
    draw_learned(before, found.clusters, project(codes, "tsne"), learned.clusters)


def sheet(*shape: int, size: tuple[float, float]) -> tuple[plt.Figure, np.ndarray]:
    """Return a figure of empty axes."""
    figure, axes = plt.subplots(*shape, figsize=size, squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    return figure, axes


def save(figure: plt.Figure, name: str) -> None:
    """Write a figure, with little margin."""
    OUT.mkdir(exist_ok=True)
    figure.savefig(OUT / f"{name}.png", dpi=110, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)


def show(axis: Axes, image: np.ndarray, at: tuple[float, float], zoom: float = 0.7) -> None:
    """Put a small picture at a place."""
    box = OffsetImage(255 - image, cmap="gray", zoom=zoom)
    axis.add_artist(AnnotationBbox(box, at, pad=0.08, bboxprops={"lw": 0.4}))


def dots(axis: Axes, places: np.ndarray, colours: np.ndarray, title: str) -> None:
    """Draw one dot for each picture."""
    axis.scatter(*places.T, c=colours, s=4, linewidths=0)
    axis.set_title(title, fontsize=11)


def middle(rows: np.ndarray, members: np.ndarray) -> int:
    """Return the member that is nearest to the members' mean."""
    return int(members[((rows[members] - rows[members].mean(axis=0)) ** 2).sum(axis=1).argmin()])


def draw_leaves(images: np.ndarray, places: np.ndarray, tree: ClusterTree) -> None:
    """Draw the leaves of one run, each with the picture in its middle."""
    figure, axes = sheet(1, 1, size=(9, 6.5))
    colours = plt.get_cmap("tab20")(tree.leaves % 20)
    dots(axes[0, 0], places, colours, f"{tree.n_leaves} leaves of 3,000 digits, no label seen")
    for leaf in range(tree.n_leaves):
        one = middle(places, np.flatnonzero(tree.leaves == leaf))
        show(axes[0, 0], images[one], tuple(places[one]))
    save(figure, "leaves")


def draw_tree(images: np.ndarray, tree: ClusterTree, k: int, rows: np.ndarray) -> None:
    """Draw the last 20 merges, and the cut into k."""
    from scipy.cluster.hierarchy import dendrogram

    top = tree.coarsened(20)
    sizes = np.concatenate([np.ones(20), np.zeros(19)])
    for i, pair in enumerate(top.children):
        sizes[20 + i] = sizes[pair].sum()
    order = np.arange(1.0, 20.0)  # the order of the merges; their losses need not rise
    linkage = np.column_stack([top.children, order, sizes[20:]]).astype(float)
    figure, axes = sheet(1, 1, size=(9, 4.2))
    axis = axes[0, 0]
    drawn = dendrogram(linkage, ax=axis, no_labels=True, link_color_func=lambda _: "#456")
    axis.axhline(len(order) - k + 1.5, color="#c33", lw=1, ls="--")
    axis.text(axis.get_xlim()[1], len(order) - k + 1.7, f"cut: {k}", color="#c33", ha="right")
    for i, leaf in enumerate(drawn["leaves"]):
        show(axis, images[middle(rows, np.flatnonzero(top.leaves == leaf))], (10 * i + 5, -1), 0.85)
    axis.set_ylim(-2, 20)
    save(figure, "tree")


def draw_votes(
    images: np.ndarray, places: np.ndarray, clusters: np.ndarray, confidence: np.ndarray
) -> None:
    """Draw which pictures the trees agree on, and those that they agree on least."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.4), width_ratios=(3, 2))
    for axis in axes:
        axis.axis("off")
    shades = COLOURS[clusters] * confidence[:, None] ** 2 + 0.88 * (1 - confidence[:, None] ** 2)
    dots(axes[0], places, shades, "12 trees vote: pale where they disagree")
    least = confidence.argsort()[:48].reshape(8, 6)
    axes[1].imshow(255 - np.block([[images[i] for i in line] for line in least]), cmap="gray")
    axes[1].set_title("the least sure 48", fontsize=11)
    save(figure, "votes")


def draw_changes(images: np.ndarray) -> None:
    """Draw what the network is shown in place of a picture."""
    generator = torch.Generator().manual_seed(0)
    chosen = torch.from_numpy(images[:4, None].astype(np.float32))
    copies = [chosen, *(random_affine(chosen, 3.0, generator) for _ in range(11))]
    lines = [np.hstack([copy[i, 0].numpy() for copy in copies]) for i in range(4)]
    figure, axes = sheet(1, 1, size=(9, 3.2))
    axes[0, 0].imshow(255 - np.vstack(lines), cmap="gray", vmin=0, vmax=255)
    axes[0, 0].axvline(27.5, color="#c33", lw=1.5)
    axes[0, 0].set_title("the picture, and eleven random changes of it", fontsize=11)
    save(figure, "changes")


def draw_learned(
    before: np.ndarray, clusters: np.ndarray, after: np.ndarray, learned: np.ndarray
) -> None:
    """Draw the map of the pixels beside that of the learned codes."""
    figure, axes = sheet(1, 2, size=(9, 4.4))
    dots(axes[0, 0], before, COLOURS[clusters], "pixels, and the instant tree's clusters")
    dots(axes[0, 1], after, COLOURS[learned], "learned codes, and their clusters")
    save(figure, "learned")


if __name__ == "__main__":
    main()
