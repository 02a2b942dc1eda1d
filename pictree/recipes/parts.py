"""The sections of a recipe as frozen dataclasses, every value checked."""

from __future__ import annotations

from dataclasses import dataclass

from pictree.errors import RecipeError
from pictree.recipes.checks import (
    check_choice,
    check_k,
    check_number,
    check_switch,
    check_widths,
)

MAP_METHODS = ("pca", "tsne", "umap")
OPTIMIZERS = ("adam", "adamw", "adadelta", "closed-form")
CLUSTERING_METHODS = ("kmeans", "gmm", "hdbscan", "tree")


@dataclass(frozen=True)
class ImagesPart:
    """How pictures become arrays, and which of them are held out and clustered.

    Attributes
    ----------
    size : "auto" or (int, int)
        Height and width in pixels, 1 to 4,096; "auto" is chosen from the data.
    channels : {"auto", "grey", "colour"}
    validation : float
        Share held out from the training, in [0, 1).
    split_seed : int
        Seed of that split, at least 0.
    cluster : {"all", "train", "validation"}
        Images that the clusters are fitted on; the clusters of the others are predicted.
    """

    size: str | tuple[int, int] = "auto"
    channels: str = "auto"
    validation: float = 0.0
    split_seed: int = 42
    cluster: str = "all"

    def __post_init__(self) -> None:
        if self.size != "auto":
            check_widths("images.size", self.size, most=4096, length=2)
        check_choice("images.channels", self.channels, ("auto", "grey", "colour"))
        check_number("images.validation", self.validation, float, 0, 1, below=True)
        check_number("images.split_seed", self.split_seed, int, 0)
        check_choice("images.cluster", self.cluster, ("all", "train", "validation"))


@dataclass(frozen=True)
class NetworkPart:
    """The autoencoder's shape; see `pictree.networks.autoencoder.Architecture`.

    Attributes
    ----------
    encoder, decoder : tuple of int
        Channels of each stage, 1 to 4,096; equally many. None makes the network linear, which
        needs a code and the "closed-form" optimiser.
    code : int
        Size of the dense code, 0 (the flattened maps) to 65,536.
    output : {"sigmoid", "linear"}
        What makes pixels of the last convolution: its sigmoid, or itself cut to [0, 1].
    contours : bool
        Whether a linear network's encoder sees contours and tones in place of pixels.
    """

    encoder: tuple[int, ...] = (32, 32)
    decoder: tuple[int, ...] = (32, 32)
    code: int = 0
    output: str = "sigmoid"
    contours: bool = False

    def __post_init__(self) -> None:
        check_widths("network.encoder", self.encoder, most=4096)
        check_widths("network.decoder", self.decoder, most=4096)
        check_number("network.code", self.code, int, 0, 65_536)
        check_choice("network.output", self.output, ("sigmoid", "linear"))
        check_switch("network.contours", self.contours)
        if len(self.encoder) != len(self.decoder):
            raise RecipeError(
                "network.encoder and network.decoder must be equally long",
                got=f"{len(self.encoder)} and {len(self.decoder)} widths",
                do="Give the decoder one width for each pooling",
            )


@dataclass(frozen=True)
class FeaturesPart:
    """Features of a network that was trained elsewhere, in place of an autoencoder's codes.

    Attributes
    ----------
    network : str
        "" (none), "efficientnet-lite0", "timm:NAME", or a .safetensors or .onnx file; see
        `pictree.features.open.open_features`.
    side : "auto" or int
        Pixels of the longest side in which images are shown to it, 32 to 1,024.
    """

    network: str = ""
    side: str | int = "auto"

    def __post_init__(self) -> None:
        if not isinstance(self.network, str):
            raise RecipeError(
                "features.network must be text", got=repr(self.network), do="Write it in quotes"
            )
        if self.side != "auto":
            check_number("features.side", self.side, int, 32, 1024)


@dataclass(frozen=True)
class Training:
    """The objective and its optimiser.

    Attributes
    ----------
    loss : {"bce", "mse"}
        Binary cross-entropy, or mean squared error.
    optimizer : {"adam", "adamw", "adadelta", "closed-form"}
        "closed-form" is for a linear network, whose best weights are known: see
        `pictree.training.linear`. It leaves the keys below unread.
    learning_rate : float
        Above 0, at most 10.
    rho : float
        Adadelta's decay, in [0, 1).
    eps : float
        The optimiser's small constant, above 0, at most 1; Keras' 1e-7 by default.
    epochs : int
        1 to 100,000.
    batch_size : int
        1 to 1,048,576.
    precision : {"auto", "float32", "bfloat16"}
        See `pictree.device.choose_device`.
    change : float
        Greatest strength of random changes of the images, 0 (none) to 10; see
        `pictree.training.affine`.
    """

    loss: str = "bce"
    optimizer: str = "adam"
    learning_rate: float = 0.001
    rho: float = 0.95
    eps: float = 1e-7
    epochs: int = 20
    batch_size: int = 256
    precision: str = "auto"
    change: float = 0.0

    def __post_init__(self) -> None:
        check_choice("training.loss", self.loss, ("bce", "mse"))
        check_choice("training.optimizer", self.optimizer, OPTIMIZERS)
        check_number("training.learning_rate", self.learning_rate, float, 0, 10, above=True)
        check_number("training.rho", self.rho, float, 0, 1, below=True)
        check_number("training.eps", self.eps, float, 0, 1, above=True)
        check_number("training.epochs", self.epochs, int, 1, 100_000)
        check_number("training.batch_size", self.batch_size, int, 1, 1 << 20)
        check_choice("training.precision", self.precision, ("auto", "float32", "bfloat16"))
        check_number("training.change", self.change, float, 0, 10)


@dataclass(frozen=True)
class ClusteringPart:
    """How codes become clusters.

    Attributes
    ----------
    method : {"kmeans", "gmm", "hdbscan", "tree"}
    k : "auto", int or "low:high"
        Number of clusters, at least 2, or the range to choose it from.
    starts : int
        Random starts, of which the best counts; 1 to 1,000.
    standardise : bool
        Bring each code dimension to mean 0 and deviation 1 first.
    seed : int or None
        None takes the run's seed.
    """

    method: str = "kmeans"
    k: str | int = "auto"
    starts: int = 10
    standardise: bool = False
    seed: int | None = None

    def __post_init__(self) -> None:
        check_choice("clustering.method", self.method, CLUSTERING_METHODS)
        check_k("clustering.k", self.k)
        check_number("clustering.starts", self.starts, int, 1, 1000)
        check_switch("clustering.standardise", self.standardise)
        if self.seed is not None:
            check_number("clustering.seed", self.seed, int, 0)


@dataclass(frozen=True)
class RoundsPart:
    """Rounds of learning after the instant tree; see `pictree.training.rounds`.

    Attributes
    ----------
    count : int
        0 (none) to 100. Rounds need clustering.method "tree".
    code : int
        Size of the learned code, 1 to 65,536.
    images : int
        Images that a round shows at least, each counted as often as it is shown.
    growth : float
        Or this many times the square root of their number, where that is more; from 0.
    batch_size : int
        2 to 1,048,576.
    learning_rate : float
        Highest step size, above 0, at most 10.
    change : float
        Greatest strength of the random changes, 0 to 10; see `pictree.training.affine`.
    """

    count: int = 0
    code: int = 128
    images: int = 15_000
    growth: float = 700.0
    batch_size: int = 256
    learning_rate: float = 0.003
    change: float = 3.0

    def __post_init__(self) -> None:
        check_number("rounds.count", self.count, int, 0, 100)
        check_number("rounds.code", self.code, int, 1, 65_536)
        check_number("rounds.images", self.images, int, 1)
        check_number("rounds.growth", self.growth, float, 0)
        check_number("rounds.batch_size", self.batch_size, int, 2, 1 << 20)
        check_number("rounds.learning_rate", self.learning_rate, float, 0, 10, above=True)
        check_number("rounds.change", self.change, float, 0, 10)


@dataclass(frozen=True)
class PairsPart:
    """Learning from pairs after the instant tree; see `pictree.training.pairs`.

    Attributes
    ----------
    epochs : int
        0 (none) to 10,000. They need clustering.method "tree".
    self_epochs : int
        Epochs of learning the clusters of the sure images that follow, 1 to 10,000.
    code : int
        Size of the learned code, 1 to 65,536.
    images : int
        Images that an epoch shows at least, each counted as often as it is shown.
    batch_size : int
        Pairs in a batch, 2 to 1,048,576.
    learning_rate : float
        Highest step size, above 0, at most 10.
    change : float
        Greatest strength of the random changes, 0 to 10; see `pictree.training.affine`.
    crop : float
        Smallest share of an image's area that is shown, 0.05 to 1; below 1 images are shown in
        windows, each second one mirrored. See `pictree.training.colours`.
    colour : float
        Greatest strength of the random changes of colour, 0 (none) to 10; grey images have none.
    entropy : float
        Weight of the marginal entropies, 1 to 100.
    neighbours : int
        An image's partner is itself or one of its so many nearest, 0 to 10.
    sure : float
        Share of the votes, 0 to 1, from which on an image's cluster is learned; so is that of
        the surer half of each cluster.
    """

    epochs: int = 0
    self_epochs: int = 4
    code: int = 128
    images: int = 10_000
    batch_size: int = 256
    learning_rate: float = 0.003
    change: float = 3.0
    crop: float = 1.0
    colour: float = 0.0
    entropy: float = 1.5
    neighbours: int = 5
    sure: float = 0.8

    def __post_init__(self) -> None:
        check_number("pairs.epochs", self.epochs, int, 0, 10_000)
        check_number("pairs.self_epochs", self.self_epochs, int, 1, 10_000)
        check_number("pairs.code", self.code, int, 1, 65_536)
        check_number("pairs.images", self.images, int, 1)
        check_number("pairs.batch_size", self.batch_size, int, 2, 1 << 20)
        check_number("pairs.learning_rate", self.learning_rate, float, 0, 10, above=True)
        check_number("pairs.change", self.change, float, 0, 10)
        check_number("pairs.crop", self.crop, float, 0.05, 1)
        check_number("pairs.colour", self.colour, float, 0, 10)
        check_number("pairs.entropy", self.entropy, float, 1, 100)
        check_number("pairs.neighbours", self.neighbours, int, 0, 10)
        check_number("pairs.sure", self.sure, float, 0, 1)


@dataclass(frozen=True)
class DecPart:
    """Deep embedded clustering after k-means; see `pictree.training.dec`.

    Attributes
    ----------
    updates : int
        Most updates of the target, 0 (none) to 100,000. They need clustering.method "kmeans",
        not standardised, and a network with convolutions.
    interval : int
        Steps between two updates, at least 1.
    batch_size : int
        1 to 1,048,576.
    learning_rate : float
        Above 0, at most 10.
    gamma : float
        Weight of the clustering loss beside the reconstruction loss, above 0, at most 1,000.
    tolerance : float
        Learning ends when a smaller share of the images changes its cluster, 0 to 1.
    change : float
        Greatest strength of the random changes, 0 to 10; see `pictree.training.affine`.
    """

    updates: int = 0
    interval: int = 140
    batch_size: int = 256
    learning_rate: float = 0.001
    gamma: float = 0.1
    tolerance: float = 0.001
    change: float = 2.0

    def __post_init__(self) -> None:
        check_number("dec.updates", self.updates, int, 0, 100_000)
        check_number("dec.interval", self.interval, int, 1)
        check_number("dec.batch_size", self.batch_size, int, 1, 1 << 20)
        check_number("dec.learning_rate", self.learning_rate, float, 0, 10, above=True)
        check_number("dec.gamma", self.gamma, float, 0, 1000, above=True)
        check_number("dec.tolerance", self.tolerance, float, 0, 1)
        check_number("dec.change", self.change, float, 0, 10)


@dataclass(frozen=True)
class MapsPart:
    """The 2-D maps to draw.

    Attributes
    ----------
    methods : tuple of {"pca", "tsne", "umap"}
        May be empty.
    """

    methods: tuple[str, ...] = MAP_METHODS

    def __post_init__(self) -> None:
        if not isinstance(self.methods, tuple):
            raise RecipeError(
                "maps.methods must be a list", got=repr(self.methods), do='Write ["pca"]'
            )
        for method in self.methods:
            check_choice("maps.methods", method, MAP_METHODS)
