"""The methods: Pictree through its command line, and rivals as their users run them.

A rival runs by ``python -m benchmarks.quality.methods NAME FILE K SEED OUT``; it reads the images
of the .npz, never the labels, and writes a cluster's number, or -1 for noise, for each image.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from pictree.recipes.recipe import change, load_recipe, recipe_names, to_toml

Clustering = Callable[[np.ndarray, int, int], np.ndarray]
"""Rows float32 (n, pixels) in [0, 1], k and the seed to n clusters."""


def kmeans(rows: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Cluster the rows, the best of ten starts."""
    from sklearn.cluster import KMeans

    return KMeans(k, n_init=10, random_state=seed).fit_predict(rows)


def pca(rows: np.ndarray, seed: int) -> np.ndarray:
    """Return the first 50 principal components."""
    from sklearn.decomposition import PCA

    return PCA(min(50, *rows.shape), random_state=seed).fit_transform(rows)


def ward(rows: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Merge by Ward's criterion."""
    from sklearn.cluster import AgglomerativeClustering

    return AgglomerativeClustering(k).fit_predict(pca(rows, seed))


def spectral(rows: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Cluster the spectrum of the ten-neighbour graph."""
    from sklearn.cluster import SpectralClustering

    model = SpectralClustering(k, affinity="nearest_neighbors", random_state=seed)
    return model.fit_predict(pca(rows, seed))


def umap(rows: np.ndarray, seed: int) -> np.ndarray:
    """Lay the rows out in ten dimensions."""
    from umap import UMAP

    model = UMAP(n_neighbors=15, n_components=10, min_dist=0.0, random_state=seed, n_jobs=1)
    return model.fit_transform(rows)


def umap_hdbscan(rows: np.ndarray, _: int, seed: int) -> np.ndarray:
    """Find dense regions of the layout; a kind has at least a hundredth of the images."""
    from sklearn.cluster import HDBSCAN

    size = max(5, len(rows) // 100)
    return HDBSCAN(min_cluster_size=size, min_samples=10, copy=True).fit_predict(umap(rows, seed))


def umap_mixture(rows: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Fit k Gaussians to the layout, as N2D does to that of an autoencoder's code."""
    from sklearn.mixture import GaussianMixture

    return GaussianMixture(k, random_state=seed).fit_predict(umap(rows, seed))


def evoc(rows: np.ndarray, _: int, seed: int) -> np.ndarray:
    """Return the layer that EVoC itself chooses."""
    from evoc import EVoC

    return EVoC(random_state=seed).fit_predict(rows)


def evoc_layer(rows: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Return EVoC's layer whose number of clusters is nearest to k, the finer of two."""
    from evoc import EVoC

    layers = EVoC(random_state=seed).fit(rows).cluster_layers_
    return min(layers, key=lambda layer: abs(int(layer.max()) + 1 - k))


def evoc_k(rows: np.ndarray, k: int, seed: int) -> np.ndarray:
    """Ask EVoC for k clusters."""
    from evoc import EVoC

    return EVoC(random_state=seed, approx_n_clusters=k).fit_predict(rows)


@dataclass(frozen=True)
class Ours:
    """A recipe through ``pictree fit``, without its maps, which change no figure here."""

    about: str
    recipe: str
    k_is_told: bool = True
    packages: tuple[str, ...] = ("torch",)
    most: int | None = None

    def missing(self) -> str | None:
        """Say why it can't run here, or None."""
        known = self.recipe in recipe_names()
        return None if known else f"this Pictree has no recipe {self.recipe!r}"

    def command(self, file: Path, k: int, seed: int, scratch: Path) -> list[str]:
        """Return the words to run; writes the recipe into `scratch`."""
        recipe = scratch / "recipe.toml"
        recipe.write_text(to_toml(change(load_recipe(self.recipe), **{"maps.methods": []})))
        words = ["-m", "pictree.cli", "fit", f"{file}:images", "--known-labels", "labels", "--json"]
        words += ["--recipe", str(recipe), "--k", str(k) if self.k_is_told else "auto"]
        return [sys.executable, *words, "--seed", str(seed), "-o", str(scratch / "run")]


@dataclass(frozen=True)
class Rival:
    """Somebody else's method, on the pixels."""

    about: str
    cluster: Clustering
    packages: tuple[str, ...] = ("scikit-learn",)
    most: int | None = None

    def missing(self) -> str | None:
        """Say which packages are absent and how to get them, or None."""
        absent = [name for name in self.packages if package_version(name) is None]
        return f"pip install {' '.join(absent)}" if absent else None

    def command(self, file: Path, k: int, seed: int, scratch: Path) -> list[str]:
        """Return the words to run."""
        name = next(name for name, method in METHODS.items() if method is self)
        words = ["-m", "benchmarks.quality.methods", name, str(file), str(k), str(seed)]
        return [sys.executable, *words, str(scratch / "clusters.npy")]


def package_version(name: str) -> str | None:
    """Return the version of an installed package, None where it is absent."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


_UMAP = ("umap-learn", "scikit-learn")
METHODS: dict[str, Ours | Rival] = {
    "tree": Ours("`pictree fit --recipe tree`, k told", "tree"),
    "tree-auto": Ours("the same, k not told", "tree", k_is_told=False),
    "quick": Ours("`pictree fit --recipe quick`, k told", "quick"),
    "quick-auto": Ours("the same, k not told", "quick", k_is_told=False),
    "pairs": Ours("`pictree fit --recipe pairs`, k told", "pairs"),
    "dec": Ours("`pictree fit --recipe dec`, k told", "dec"),
    "large-1568": Ours("`pictree fit --recipe large-1568`: autoencoder + k-means", "large-1568"),
    "kmeans": Rival("k-means on the pixels, best of 10 starts", kmeans),
    "pca-kmeans": Rival(
        "PCA-50, then k-means", lambda rows, k, seed: kmeans(pca(rows, seed), k, seed)
    ),
    "ward": Rival("PCA-50, then Ward; 10,000 images at most", ward, most=10_000),
    "spectral": Rival(
        "PCA-50, then spectral clustering of 10 neighbours; 10,000 images at most",
        spectral,
        most=10_000,
    ),
    "umap-hdbscan": Rival(
        "UMAP (15 neighbours, 10-d, min_dist 0), then HDBSCAN "
        "(min_cluster_size n/100, min_samples 10); finds its own k",
        umap_hdbscan,
        _UMAP,
    ),
    "umap-mixture": Rival("the same UMAP, then k Gaussians", umap_mixture, _UMAP),
    "evoc": Rival("EVoC, the layer that it chooses", evoc, ("evoc",)),
    "evoc-layer": Rival("EVoC, the layer nearest to k clusters", evoc_layer, ("evoc",)),
    "evoc-k": Rival("EVoC, asked for k clusters", evoc_k, ("evoc",)),
}


def main() -> None:
    """Run one rival on one file."""
    name, file, k, seed, out = sys.argv[1:]
    with np.load(file, allow_pickle=False) as held:
        images = held["images"]
    rows = images.reshape(len(images), -1).astype(np.float32) / 255
    np.save(out, np.asarray(METHODS[name].cluster(rows, int(k), int(seed)), np.int64))


if __name__ == "__main__":
    main()
