"""Keras 3 with TensorFlow in float32, and the chain with scikit-learn and umap-learn."""

from __future__ import annotations

import os
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.rivals.data import digits, known
from benchmarks.rivals.plain_torchvision import let_import

os.environ.setdefault("KERAS_BACKEND", "tensorflow")


def _network(recipe: str) -> tuple[Any, Any, int]:
    """Return the autoencoder, its encoder and the batch size."""
    import keras
    from keras import layers as make

    encoder, code, decoder, batch = {
        "large-1568": ((32, 32), 0, (32, 32), 256),
        "small-98": ((16, 2), 0, (2, 16), 32),
        "flat-2": ((16, 8, 8), 2, (8, 8, 16), 32),
    }[recipe]
    seen = x = keras.Input((28, 28, 1))
    for width in encoder:
        x = make.Conv2D(width, 3, activation="relu", padding="same")(x)
        x = make.MaxPooling2D(2, padding="same")(x)
    coded = x
    if code:
        maps = x.shape[1:]
        coded = make.Dense(code)(make.Flatten()(x))
        x = make.Reshape(maps)(make.Dense(int(np.prod(maps)), activation="relu")(coded))
    for width in decoder:
        x = make.Conv2D(width, 3, activation="relu", padding="same")(x)
        x = make.UpSampling2D(2)(x)
    if x.shape[1] > 28:
        x = make.Cropping2D(((0, x.shape[1] - 28), (0, x.shape[2] - 28)))(x)
    last = "linear" if recipe == "flat-2" else "sigmoid"
    drawn = make.Conv2D(1, 3, activation=last, padding="same")(x)
    model = keras.Model(seen, drawn)
    optimizer = {"small-98": keras.optimizers.Adadelta(1.0)}.get(recipe, "adam")
    loss = "mse" if recipe == "flat-2" else "binary_crossentropy"
    model.compile(optimizer=optimizer, loss=loss)
    return model, keras.Model(seen, coded), batch


def epoch(data: Path, work: Path, recipe: str, seed: int = 0) -> dict:
    """Train an epoch, after some steps to warm up that are then forgotten."""
    import keras

    keras.utils.set_random_seed(seed)
    images = digits(data)[..., None].astype(np.float32) / 255
    model, _, batch = _network(recipe)
    weights = model.get_weights()
    model.fit(images[:3_200], images[:3_200], batch_size=batch, epochs=1, verbose=0)
    model.set_weights(weights)
    for state in model.optimizer.variables:
        if "learning_rate" not in state.path:
            state.assign(state * 0)
    start, worked = time.perf_counter(), time.process_time()
    found = model.fit(images, images, batch_size=batch, epochs=1, verbose=0)
    return {
        "seconds": time.perf_counter() - start,
        "processor": round(time.process_time() - worked, 1),
        "result": {"loss": round(found.history["loss"][0], 4)},
    }


def predict(data: Path, work: Path, images: int) -> dict:
    """Codes of images by a loaded model; of one: the median of 50."""
    _, encoder, _ = _network("large-1568")
    pixels = digits(data, "t10k")[:images, ..., None].astype(np.float32) / 255
    seconds = []
    encoder.predict(pixels, verbose=0, batch_size=1024)
    for _ in range(3 if images > 1 else 50):
        start = time.perf_counter()
        encoder.predict(pixels, verbose=0, batch_size=1024)
        seconds.append(time.perf_counter() - start)
    return {"seconds": median(seconds)}


def chain(data: Path, work: Path, images: int) -> dict:
    """20 epochs, codes, k-means, silhouette of 10,000, ARI, NMI, PCA, t-SNE, UMAP, pictures."""
    start = time.perf_counter()
    let_import()
    import keras
    import umap
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from sklearn.metrics import (
        adjusted_rand_score,
        normalized_mutual_info_score,
        silhouette_score,
    )

    keras.utils.set_random_seed(0)
    pixels = digits(data, "all")[-images:][..., None].astype(np.float32) / 255
    model, encoder, batch = _network("large-1568")
    model.fit(pixels, pixels, batch_size=batch, epochs=20, verbose=0)
    codes = encoder.predict(pixels, verbose=0).reshape(images, -1)
    labels = KMeans(10, n_init=10, random_state=0).fit_predict(codes)
    apart = silhouette_score(codes, labels, sample_size=min(10_000, images), random_state=0)
    names = known(data, "all")[-images:]
    two = PCA(2, random_state=0).fit_transform(codes)
    few = PCA(50, random_state=0).fit_transform(codes)
    maps = [two, TSNE(random_state=0, n_jobs=-1).fit_transform(few)]
    maps.append(umap.UMAP(random_state=0).fit_transform(few))
    _draw(work, maps, labels, pixels[:36], model.predict(pixels[:36], verbose=0))
    result = {
        "silhouette": round(float(apart), 3),
        "ari": round(adjusted_rand_score(names, labels), 3),
        "nmi": round(normalized_mutual_info_score(names, labels), 3),
    }
    return {"seconds": time.perf_counter() - start, "result": result}


def _draw(
    work: Path, maps: list, labels: np.ndarray, before: np.ndarray, after: np.ndarray
) -> None:
    from PIL import Image

    from benchmarks.rivals.data import scatter

    for i, points in enumerate(maps):
        Image.fromarray(scatter(points, labels)).save(work / f"keras-map-{i}.png")
    rows = np.concatenate([before, after])[..., 0].reshape(2, 36 * 28, 28)
    Image.fromarray((np.hstack(rows) * 255).astype(np.uint8)).save(work / "keras-restored.png")
