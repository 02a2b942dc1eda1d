"""What is measured: the rows of the table and the sides of each."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Side:
    """One way to do a row's work.

    Attributes
    ----------
    name : str
        In the table.
    call : str
        module:function, of benchmarks.rivals.
    is_ours : bool
        Whether it runs in Pictree's environment, or in the rivals'.
    arguments : dict
        For the function.
    """

    name: str
    call: str
    is_ours: bool = False
    arguments: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """Work that several sides do; the first is Pictree.

    `prepare`, of Pictree's environment, makes once what all sides read.
    """

    work: str
    sides: list[Side]
    prepare: str = ""


def ours(call: str, name: str = "Pictree", **arguments: object) -> Side:
    """Make Pictree's side."""
    return Side(name, f"ours:{call}", True, arguments)


def rival(name: str, call: str, **arguments: object) -> Side:
    """Make a rival's side."""
    return Side(name, call, False, arguments)


def epochs(recipe: str, **arguments: object) -> list[Side]:
    """Both sides of one recipe's training."""
    return [
        ours("epoch", recipe=recipe, **arguments),
        rival("Keras 3 + TensorFlow", "by_keras:epoch", recipe=recipe, **arguments),
    ]


ROWS = {
    "epoch": Row("`large-1568`, an epoch of 60,000 digits", epochs("large-1568")),
    "small-98": Row("`small-98`, an epoch of 60,000 digits, batch 32", epochs("small-98")),
    "flat-2": Row("`flat-2`, an epoch of 60,000 digits, batch 32", epochs("flat-2")),
    "chain-10000": Row(
        "`large-1568`, the whole chain, 20 epochs, 10,000 digits",
        [
            ours("chain", images=10_000),
            rival("Keras, scikit-learn, umap-learn", "by_keras:chain", images=10_000),
        ],
    ),
    "chain": Row(
        "`large-1568`, the whole chain, 20 epochs, 70,000 digits",
        [
            ours("chain", images=70_000),
            rival("Keras, scikit-learn, umap-learn", "by_keras:chain", images=70_000),
        ],
    ),
    "tree": Row(
        "instant tree, 70,000 digits, k found",
        [ours("tree"), rival("UMAP + HDBSCAN", "by_umap:clusters")],
    ),
    "neighbours": Row(
        "all 10 nearest of 70,000 × 50",
        [
            ours("neighbours"),
            rival("scikit-learn", "by_neighbours:sklearn"),
            rival("faiss, flat", "by_neighbours:flat"),
        ],
        prepare="ours:principal",
    ),
    "nearly": Row(
        "nearly all of them: 10 nearest of 70,000 × 50",
        [
            ours("nearly"),
            rival("faiss, HNSW", "by_neighbours:hnsw"),
            rival("faiss, IVF", "by_neighbours:ivf"),
            rival("pynndescent", "by_neighbours:descent"),
        ],
        prepare="ours:principal",
    ),
    "kmeans": Row(
        "k-means, 10 starts, 70,000 × 1,568",
        [ours("kmeans"), rival("scikit-learn", "by_sklearn:kmeans")],
        prepare="ours:wide_codes",
    ),
    "decode": Row(
        "20,000 JPEG of 500×375 to 64×64",
        [
            ours("decode"),
            rival("PIL in a loop", "by_pictures:loop"),
            rival("torchvision's way, 2 workers", "by_pictures:loader"),
            rival("JPEG decoding alone, at 1/4, 2 threads", "by_pictures:limit"),
        ],
        prepare="ours:jpegs",
    ),
    "idec": Row(
        "IDEC, 500-500-2000-10, 60,000 digits, 1 + 1 epochs",
        [ours("idec"), rival("ClustPy's IDEC", "by_clustpy:idec")],
    ),
    "predict-one": Row(
        "code of one digit, `large-1568`, after load",
        [ours("predict", images=1), rival("Keras predict", "by_keras:predict", images=1)],
    ),
    "predict-10000": Row(
        "codes of 10,000 digits, `large-1568`, after load",
        [
            ours("predict", images=10_000),
            rival("Keras predict", "by_keras:predict", images=10_000),
        ],
    ),
    "place-one": Row(
        "place one digit among 70,000: code, cluster, ten nearest; after load",
        [ours("place"), rival("scikit-learn: the ten nearest alone", "by_sklearn:place")],
        prepare="ours:placed",
    ),
    "help": Row("`pictree --help`", [ours("starts", what="help")]),
    "import": Row("`import pictree`", [ours("starts", what="import")]),
    "label": Row("`pictree label`, to its first answer", [ours("starts", what="label")]),
}
