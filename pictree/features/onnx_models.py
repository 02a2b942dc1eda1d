"""Features by an ONNX file, computed by onnxruntime on the CPU."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pictree.device import Device
from pictree.errors import InputError
from pictree.features.base import IMAGENET_DEVIATION, IMAGENET_MEAN, About, Extractor, pooled
from pictree.files import sha256_of
from pictree.images.base import printable
from pictree.images.extras import need

_USUAL_SIDE = 224


class OnnxExtractor(Extractor):
    """A session of onnxruntime.

    Its one input is float32 (n, 3, h, w), normalised; the first output is (n, d), or maps or
    tokens that are averaged over their places.
    """

    def __init__(self, about: About, session: Any) -> None:
        self.about, self._session = about, session
        self._input = session.get_inputs()[0]

    def prepare(self, device: Device) -> None:
        """Do nothing: the session has its own ways."""

    def features(self, images: Tensor) -> Tensor:
        """See `Extractor.features`."""
        shown = np.ascontiguousarray(images.cpu().numpy())
        most = self._input.shape[0]
        parts = np.split(shown, range(most, len(shown), most)) if isinstance(most, int) else [shown]
        return torch.cat([self._run(part, most) for part in parts])

    def _run(self, part: np.ndarray, most: Any) -> Tensor:
        missing = most - len(part) if isinstance(most, int) else 0
        filled = np.concatenate([part, np.repeat(part[-1:], missing, axis=0)]) if missing else part
        found = self._session.run([self._session.get_outputs()[0].name], {self._input.name: filled})
        return pooled(torch.from_numpy(found[0]))[: len(part)]


def open_onnx(path: Path) -> OnnxExtractor:
    """Open an ONNX file as a source of features.

    The file's own metadata may say ``mean`` and ``std`` (JSON lists of three) and ``side``;
    otherwise they are ImageNet's and the input's own size, or 224.

    Raises
    ------
    MissingExtraError
        If onnxruntime is absent.
    InputError
        If the file can't be read, or takes or gives something else.
    """
    runtime = need("onnxruntime", path.name)
    name = printable(str(path))
    try:
        session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
        told = session.get_modelmeta().custom_metadata_map
        shape = session.get_inputs()[0].shape
        is_fixed = len(shape) == 4 and all(isinstance(side, int) for side in shape[2:])
        side = int(shape[2]) if is_fixed else int(told.get("side", _USUAL_SIDE))
        mean, deviation = (
            tuple(float(v) for v in json.loads(told.get(key, json.dumps(usual))))
            for key, usual in (("mean", IMAGENET_MEAN), ("std", IMAGENET_DEVIATION))
        )
        about = About(name, 0, side, is_fixed, mean, deviation, sha256_of(path))
        width = _width(OnnxExtractor(about, session))
    except Exception as error:  # onnxruntime raises types of its own
        raise InputError(
            "an ONNX file must take float images (n, 3, h, w) and give numbers for each",
            got=f"{name}: {type(error).__name__}: {str(error).splitlines()[0][:200]}",
            do="Export it with one input and the features as the first output",
        ) from error
    about = About(name, width, side, is_fixed, mean, deviation, about.sha256)
    return OnnxExtractor(about, session)


def _width(extractor: OnnxExtractor) -> int:
    side = extractor.about.side
    return int(extractor.features(torch.zeros(1, 3, side, side)).shape[1])
