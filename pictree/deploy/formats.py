"""The two forms of an exported model, and how each is written."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from pictree.deploy.network import OUTPUTS, Predictor
from pictree.errors import InputError, MissingExtraError

FILES = {"onnx": "model.onnx", "torch-export": "model.pt2"}
"""What ``--to`` takes, and the file that it gives."""

OPSET = 20
_MOST_IN_ONE_FILE = 1_800_000_000
"""Bytes. An ONNX file can't pass 2 GB; larger weights lie beside it."""


def refuse_format(to: str) -> None:
    """Refuse an unknown format, and one whose packages are absent, before any work is done."""
    if to not in FILES:
        raise InputError(
            f"--to must be one of {', '.join(FILES)}", got=repr(to), do="Choose one of these"
        )
    if to == "onnx":
        need_onnx()


def need_onnx() -> None:
    """Raise `MissingExtraError` where a package that ONNX needs is absent or broken."""
    for package in ("onnx", "onnxscript"):
        try:
            import_module(package)
        except ImportError as error:
            raise MissingExtraError(
                f"--to onnx needs the package {package} in working order",
                got=f"{type(error).__name__}: {error}",
                do="Run pip install 'pictree[onnx]'",
            ) from error


def write_model(model: Predictor, shape: tuple[int, int, int], to: str, folder: Path) -> Path:
    """Write the model, which takes any number of images at a time.

    Parameters
    ----------
    model : Predictor
    shape : (int, int, int)
        Height, width, channels of the images.
    to : str
        A key of `FILES`.
    folder : Path

    Returns
    -------
    Path
        The file.
    """
    height, width, channels = shape
    file = folder / FILES[to]
    # Two, not one: a size of one would be taken for a constant.
    example = (torch.zeros(2, channels, height, width),)
    batch: Any = {"pixels": {0: torch.export.Dim("batch", min=1)}}
    with _quiet():
        if to == "torch-export":
            program = torch.export.export(model, example, dynamic_shapes=batch)
            packed = io.BytesIO()  # on a full disk, torch's own writer ends the process
            torch.export.save(program, packed)
            file.write_bytes(packed.getbuffer())
            return file
        size = sum(t.numel() * t.element_size() for t in model.state_dict().values())
        torch.onnx.export(
            model,
            example,
            str(file),
            dynamic_shapes=batch,
            input_names=["pixels"],
            output_names=list(OUTPUTS),
            opset_version=OPSET,
            external_data=size > _MOST_IN_ONE_FILE,
            verbose=False,
        )
    return file


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters' remarks, meant for torch's own developers, from the user."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "torch.export")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
