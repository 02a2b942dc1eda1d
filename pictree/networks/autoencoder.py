"""The convolutional autoencoder: encoder, code, mirrored decoder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor, nn

from pictree.errors import InputError
from pictree.networks.contours import Contours
from pictree.networks.layers import (
    Conv,
    ConvPool,
    Dense,
    NormConvPool,
    UpConv,
    keras_start,
    pooled_sizes,
)

OUTPUTS = ("sigmoid", "linear")


@dataclass(frozen=True)
class Architecture:
    """All that must be known to build an autoencoder.

    Attributes
    ----------
    image_shape : (int, int, int)
        Height, width, channels of the images; each at least 1.
    encoder : tuple of int
        Channels of each stage "3×3 convolution, ReLU, 2×2 pooling", first to last. None makes
        the network linear: pixels to code to pixels, see `pictree.networks.linear`.
    decoder : tuple of int
        Channels of each stage "3×3 convolution, ReLU, upsampling", first to last; as many as
        in the encoder. One more convolution gives the image's channels.
    code : int
        Size of the dense code; 0 takes the last feature maps, flattened, as the code.
    output : {"sigmoid", "linear"}
        What makes pixels of the last convolution: its sigmoid, or itself cut to [0, 1].
    normalise : bool
        Batch normalisation (Ioffe & Szegedy 2015) in each stage of the encoder and on the code,
        which there must be.
    contours : bool
        Let a linear network's encoder see contours and tones in place of pixels: see
        `pictree.networks.contours`.

    Raises
    ------
    InputError
        When a number is below its limit, or the two lists differ in length.
    """

    image_shape: tuple[int, int, int]
    encoder: tuple[int, ...]
    decoder: tuple[int, ...]
    code: int = 0
    output: str = "sigmoid"
    normalise: bool = False
    contours: bool = False

    def __post_init__(self) -> None:
        if len(self.image_shape) != 3 or min(self.image_shape) < 1:
            raise InputError(
                "image_shape must be height, width and channels, each at least 1",
                got=str(self.image_shape),
                do="Pass for example (28, 28, 1)",
            )
        _check_widths("encoder", self.encoder)
        _check_widths("decoder", self.decoder)
        if len(self.encoder) != len(self.decoder):
            raise InputError(
                "encoder and decoder must have the same number of stages",
                got=f"{len(self.encoder)} and {len(self.decoder)}",
                do="Give the decoder one width for each pooling",
            )
        if self.code < 0 or (self.code == 0 and self.is_linear):
            least = "1 or more without convolutions" if self.is_linear else "0 or more"
            raise InputError(
                f"code must be {least}", got=str(self.code), do="Pass the size of the dense code"
            )
        if self.normalise and (self.code == 0 or self.is_linear):
            raise InputError(
                "a normalised network needs convolutions and a code",
                got=f"encoder {list(self.encoder)}, code {self.code}",
                do="Pass both, or normalise=False",
            )
        if self.contours and not self.is_linear:
            raise InputError(
                "contours are for a network without convolutions",
                got=f"encoder {list(self.encoder)}",
                do="Pass encoder=() and decoder=(), or contours=False",
            )
        if self.output not in OUTPUTS:
            raise InputError(
                f"output must be one of {', '.join(OUTPUTS)}",
                got=repr(self.output),
                do="Pass sigmoid unless the loss is mse",
            )

    @property
    def is_linear(self) -> bool:
        """Whether there is no convolution at all."""
        return not self.encoder

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Height and width before, between and after the poolings."""
        return pooled_sizes(self.image_shape[:2], len(self.encoder))

    @property
    def maps_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the encoder's last feature maps."""
        return (*self.sizes[-1], (*self.image_shape[2:], *self.encoder)[-1])

    @property
    def maps_size(self) -> int:
        """How many numbers the last feature maps hold for one image."""
        height, width, channels = self.maps_shape
        return height * width * channels

    @property
    def code_size(self) -> int:
        """How many numbers a code has."""
        return self.code or self.maps_size


def limited(architecture: Architecture, images: int) -> Architecture:
    """Shorten a linear network's code to what can be learnt: no more than pixels, or images.

    Parameters
    ----------
    architecture : Architecture
    images : int
        How many there are to learn from.

    Returns
    -------
    Architecture
        The same where it has convolutions.
    """
    if not architecture.is_linear:
        return architecture
    return replace(architecture, code=min(architecture.code, images, architecture.maps_size))


class Encoder(nn.Module):
    """Images to codes: one `ConvPool` for each width, then a `Dense` where a code is asked.

    Or `Contours`, then a `Dense`.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        widths = (architecture.image_shape[2], *architecture.encoder)
        self.stages = nn.ModuleList(
            (NormConvPool if architecture.normalise else ConvPool)(inputs, outputs)
            for inputs, outputs in pairwise(widths)
        )
        self.contours = Contours(architecture.image_shape) if architecture.contours else None
        inputs = architecture.maps_size if self.contours is None else self.contours.size
        self.dense = Dense(inputs, architecture.code) if architecture.code else None
        self.norm = nn.BatchNorm1d(architecture.code) if architecture.normalise else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Float (n, c, h, w) in [0, 1] to codes, float (n, code size)."""
        flat = self.flat(x)
        return self.norm(self.dense(flat)) if self.dense is not None else flat

    def flat(self, x: Tensor) -> Tensor:
        """Float (n, c, h, w) in [0, 1] to what the code is made of, float (n, numbers)."""
        if self.contours is not None:
            return self.contours(x)
        for stage in self.stages:
            x = stage(x)
        # Row, column, channel: Keras' order, and free of copies in the channels-last layout.
        return x.permute(0, 2, 3, 1).flatten(1)


class Decoder(nn.Module):
    """Codes to images: `Conv`, then an `UpConv` for each size on the way back."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.maps_shape = architecture.maps_shape
        self.dense = (
            Dense(architecture.code, architecture.maps_size, relu=not architecture.is_linear)
            if architecture.code
            else None
        )
        self.stages = nn.ModuleList()
        if architecture.is_linear:
            return
        widths = (*architecture.decoder, architecture.image_shape[2])
        sizes = architecture.sizes[-2::-1]
        self.stages.append(Conv(self.maps_shape[2], widths[0]))
        for i, size in enumerate(sizes):
            last = i == len(sizes) - 1
            self.stages.append(UpConv(widths[i], widths[i + 1], size, relu=not last))

    def forward(self, z: Tensor) -> Tensor:
        """Codes, float (n, code size), to raw outputs, float (n, c, h, w)."""
        flat = self.dense(z) if self.dense is not None else z
        x = flat.reshape(-1, *self.maps_shape).permute(0, 3, 1, 2)
        for stage in self.stages:
            x = stage(x)
        return x


class Autoencoder(nn.Module):
    """Encoder and decoder of one architecture.

    Parameters
    ----------
    architecture : Architecture

    Attributes
    ----------
    architecture : Architecture
    code_size : int
    encoder : Encoder
    decoder : Decoder
        Two parts with state dicts of their own (prefixes ``encoder.`` and ``decoder.``).
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.code_size = architecture.code_size
        self.encoder = Encoder(architecture)
        self.decoder = Decoder(architecture)

    def encode(self, x: Tensor) -> Tensor:
        """Float (n, c, h, w) in [0, 1] to codes, float (n, code_size)."""
        return self.encoder(x)

    def decode(self, z: Tensor) -> Tensor:
        """Codes, float (n, code_size), to raw outputs, float (n, c, h, w); see `to_pixels`."""
        return self.decoder(z)

    def forward(self, x: Tensor) -> Tensor:
        """Float (n, c, h, w) in [0, 1] to raw outputs of the same shape."""
        return self.decode(self.encode(x))

    def to_pixels(self, raw: Tensor) -> Tensor:
        """Raw outputs (logits where the output is a sigmoid) to pixels in [0, 1]."""
        return torch.sigmoid(raw) if self.architecture.output == "sigmoid" else raw.clamp(0, 1)


def build(architecture: Architecture, seed: int) -> Autoencoder:
    """Build an autoencoder with Keras' starting weights.

    Parameters
    ----------
    architecture : Architecture
    seed : int
        Same seed, same weights. torch's global random state is neither read nor changed.

    Returns
    -------
    Autoencoder
        On the CPU, float32.
    """
    model = Autoencoder(architecture)
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, Conv | Dense):
            keras_start(module, generator)
    return model


def _check_widths(name: str, widths: tuple[int, ...]) -> None:
    if min(widths, default=1) < 1:
        raise InputError(
            f"{name} must be widths of at least 1",
            got=str(list(widths)),
            do="Pass for example [32, 32]",
        )
