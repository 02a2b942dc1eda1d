from __future__ import annotations

import json

import pytest
import safetensors.torch
import torch

from pictree.errors import RunError
from pictree.networks.autoencoder import Architecture, build
from pictree.networks.weights import load, save

MODEL = build(Architecture((9, 7, 1), (4, 3), (3, 4), 2, "linear"), seed=3)


@pytest.fixture
def folder(tmp_path):
    save(MODEL, tmp_path / "model")
    return tmp_path / "model"


def test_a_model_comes_back_with_the_same_bytes(folder, tmp_path):
    again = load(folder)
    assert again.architecture == MODEL.architecture
    assert torch.equal(again(torch.ones(1, 1, 9, 7)), MODEL(torch.ones(1, 1, 9, 7)))
    save(again.to(memory_format=torch.channels_last), tmp_path / "second")
    for name in ("encoder.safetensors", "decoder.safetensors", "model.json"):
        assert (folder / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_encoder_and_decoder_are_files_of_their_own(folder):
    encoder = safetensors.torch.load_file(folder / "encoder.safetensors")
    assert sorted(encoder) == sorted(MODEL.encoder.state_dict())


@pytest.mark.parametrize("name", ["encoder.safetensors", "decoder.safetensors", "model.json"])
@pytest.mark.parametrize("content", [None, b"", b"\xff" * 40, b'{"a": 1}'])
def test_absent_and_damaged_files_are_named(folder, name, content):
    path = folder / name
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(RunError) as caught:
        load(folder)
    assert str(path) in str(caught.value)
    assert str(caught.value).endswith("Restore the file from a copy, or fit again.")


def test_weights_of_another_shape_are_refused_in_whole(folder):
    path = folder / "encoder.safetensors"
    tensors = safetensors.torch.load_file(path)
    tensors["dense.bias"] = torch.zeros(5)
    safetensors.torch.save_file(tensors, path)
    with pytest.raises(RunError) as caught:
        load(folder)
    assert str(caught.value) == (
        f"{path} must hold the weights that model.json describes; "
        "got other names, shapes or types for dense.bias. "
        "Restore the file from a copy, or fit again."
    )


def test_a_description_with_wrong_values_is_refused(folder):
    text = (folder / "model.json").read_text()
    value = json.loads(text)
    value["architecture"]["encoder"] = "many"
    (folder / "model.json").write_text(json.dumps(value))
    with pytest.raises(RunError, match=r"model.json must describe a model"):
        load(folder)


def test_a_description_that_asks_for_all_memory_takes_none(folder):
    """Its weights would be terabytes; those of the file are some."""
    value = json.loads((folder / "model.json").read_text())
    value["architecture"]["code"] = 10**11
    (folder / "model.json").write_text(json.dumps(value))
    with pytest.raises(RunError) as caught:
        load(folder)
    assert str(caught.value) == (
        f"{folder / 'encoder.safetensors'} must hold the weights that model.json describes; "
        "got other names, shapes or types for dense.bias, dense.weight. "
        "Restore the file from a copy, or fit again."
    )
