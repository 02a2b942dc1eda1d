"""timm's own models, by a name whose weights lie in the hub's cache, and by a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from pictree.device import Device
from pictree.errors import InputError
from pictree.features.extract import extract
from pictree.features.open import open_features
from pictree.features.packaged import _file, open_packaged
from pictree.networks.weights import to_cpu
from pictree.pipeline.fit import fit
from pictree.pipeline.predict import predict
from pictree.recipes.recipe import change, load_recipe
from pictree.store import Run
from tests.features.operators import import_timm
from tests.features.photographs import picture, write_crops

pytestmark = pytest.mark.slow
PLAIN = Device("cpu", "float32", 1, "asked for")
NAME = "vit_tiny_patch16_224.augreg_in21k_ft_in1k"


@pytest.fixture(scope="module")
def timm() -> Any:
    return import_timm()


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    names = ("china", "flower")
    return np.stack([np.asarray(picture(name).resize((224, 224))) for name in names])


@pytest.fixture(scope="module")
def tensors(timm: Any) -> dict[str, torch.Tensor]:
    """Weights of a small vision transformer: random ones, since none can be loaded here."""
    torch.manual_seed(0)
    return to_cpu(timm.create_model(NAME.partition(".")[0]).state_dict())


@pytest.fixture
def cached(
    timm: Any, tensors: dict[str, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A cache of the hub's client with these weights under the model's name."""
    top = tmp_path / "hub" / f"models--timm--{NAME}"
    there = top / "snapshots" / ("0" * 40)
    there.mkdir(parents=True)
    (top / "refs").mkdir()
    (top / "refs" / "main").write_text("0" * 40)
    save_file(tensors, there / "model.safetensors")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return there / "model.safetensors"


def by_hand(timm: Any, tensors: dict[str, torch.Tensor], pixels: np.ndarray) -> np.ndarray:
    """Return what timm's model gives for pictures that its own transform prepared."""
    model = timm.create_model(NAME.partition(".")[0], num_classes=0).eval()
    model.load_state_dict({k: v for k, v in tensors.items() if not k.startswith("head.")})
    config = timm.data.resolve_model_data_config(timm.create_model(NAME))
    mean, std = (torch.tensor(config[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    images = torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        return model((images - mean) / std).numpy()


def test_a_name_whose_weights_are_cached(
    timm: Any, cached: Path, tensors: dict[str, torch.Tensor], pixels: np.ndarray
) -> None:
    found = extract(open_features(f"timm:{NAME}"), pixels, PLAIN)
    assert found.shape == (2, 192)
    np.testing.assert_allclose(found, by_hand(timm, tensors, pixels), atol=1e-4)


def test_a_file_as_it_lies_on_a_hub(
    timm: Any, tensors: dict[str, torch.Tensor], tmp_path: Path, pixels: np.ndarray
) -> None:
    save_file(tensors, tmp_path / "model.safetensors")
    about = {"architecture": NAME.partition(".")[0]}
    (tmp_path / "config.json").write_text(json.dumps(about))
    found = extract(open_features(str(tmp_path / "model.safetensors")), pixels, PLAIN)
    assert found.shape == (2, 192)


def test_a_run_of_a_named_model_and_new_pictures(timm: Any, cached: Path, tmp_path: Path) -> None:
    folder = write_crops(tmp_path / "photos", 6, 0)
    changes = {"features.network": f"timm:{NAME}", "maps.methods": [], "clustering.k": 2}
    out = tmp_path / "run"
    fit(folder, out, recipe=change(load_recipe("photos"), **changes))
    assert Run.open(out).array("codes").shape == (24, 192)
    predict(out, folder, output=tmp_path / "known.csv")
    assert len((tmp_path / "known.csv").read_text().splitlines()) == 25


@pytest.mark.parametrize("name", ["no_such_model", NAME])
def test_names_and_weights_that_are_not_there(
    name: str, timm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError) as caught:
        open_features(f"timm:{name}")
    assert str(caught.value).startswith(
        "timm:NAME must be a model of timm whose weights this machine has or can load; got "
        f"{name!r}: "
    )


def test_timm_gives_what_our_own_network_gives(
    timm: Any, tmp_path: Path, pixels: np.ndarray
) -> None:
    """The same weights in timm's own EfficientNet-Lite0."""
    file = tmp_path / "model.safetensors"
    model = timm.create_model("tf_efficientnet_lite0", num_classes=0)
    theirs = [n for n in model.state_dict() if "num_batches" not in n]
    packaged = torch.load(_file(), weights_only=True)
    ours = [n for n in packaged if "num_batches" not in n and not n.startswith("_fc")]
    ours.sort(key=lambda name: name.startswith(("_conv_head", "_bn1")))  # it stands last in timm's
    renamed = {t: packaged[o] for t, o in zip(theirs, ours, strict=True)}
    save_file(to_cpu(renamed), file)
    (tmp_path / "config.json").write_text('{"architecture": "tf_efficientnet_lite0"}')
    found = extract(open_features(str(file)), pixels, PLAIN)
    expected = extract(open_packaged(), pixels, PLAIN)
    # timm normalises by .5, the weights were trained with 127 and 128 of 255
    np.testing.assert_allclose(found, expected, atol=0.2)
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.999
