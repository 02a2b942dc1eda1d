"""The layer table: what each layer gives and how many parameters it has."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from pictree.networks.autoencoder import Autoencoder


@dataclass(frozen=True)
class LayerRow:
    """One line of the layer table.

    Attributes
    ----------
    name : str
        For example "conv 1".
    output_shape : tuple of int
        (height, width, channels), or (numbers,) for a dense layer.
    parameters : int
        Trained numbers: weights and biases.
    """

    name: str
    output_shape: tuple[int, ...]
    parameters: int


def layer_table(model: Autoencoder) -> list[LayerRow]:
    """List a model's layers, from the image to its reconstruction.

    Parameters
    ----------
    model : Autoencoder

    Returns
    -------
    list of LayerRow
        Convolutions, poolings, dense layers and upsamplings in the order of computation.
    """
    return _encoder_rows(model) + _decoder_rows(model)


def render(rows: list[LayerRow]) -> str:
    """Write the layer table as plain text, with the total below.

    Parameters
    ----------
    rows : list of LayerRow

    Returns
    -------
    str
        Lines joined by newlines, none at the end.
    """
    cells = [("layer", "output shape", "parameters")]
    cells += [
        (row.name, " × ".join(map(str, row.output_shape)), f"{row.parameters:,}") for row in rows
    ]
    cells.append(("total", "", f"{sum(row.parameters for row in rows):,}"))
    names, shapes, counts = (max(map(len, column)) for column in zip(*cells, strict=True))
    lines = [f"{a:<{names}}  {b:<{shapes}}  {c:>{counts}}" for a, b, c in cells]
    rule = "-" * len(lines[0])
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def _encoder_rows(model: Autoencoder) -> list[LayerRow]:
    architecture, rows = model.architecture, []
    sizes = architecture.sizes
    for i, (width, stage) in enumerate(
        zip(architecture.encoder, model.encoder.stages, strict=True)
    ):
        rows.append(LayerRow(f"conv {i + 1}", (*sizes[i], width), _count(stage)))
        rows.append(LayerRow(f"pool {i + 1}", (*sizes[i + 1], width), 0))
    if model.encoder.contours is not None:
        rows.append(LayerRow("contours", (model.encoder.contours.size,), 0))
    if model.encoder.dense is not None:
        rows.append(LayerRow("code", (architecture.code,), _count(model.encoder.dense)))
    return rows


def _decoder_rows(model: Autoencoder) -> list[LayerRow]:
    architecture, rows = model.architecture, []
    if model.decoder.dense is not None:
        rows.append(LayerRow("dense", (architecture.maps_size,), _count(model.decoder.dense)))
    if architecture.is_linear:
        return rows
    widths = (*architecture.decoder, architecture.image_shape[2])
    first = len(architecture.encoder) + 1
    for i, (size, stage) in enumerate(
        zip(architecture.sizes[::-1], model.decoder.stages, strict=True)
    ):
        if i:
            rows.append(LayerRow(f"upsample {i}", (*size, widths[i - 1]), 0))
        rows.append(LayerRow(f"conv {first + i}", (*size, widths[i]), _count(stage)))
    return rows


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
