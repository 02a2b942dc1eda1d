"""Random windows and colours: within their limits, repeatable, none where none is asked for."""

from __future__ import annotations

import math

import pytest
import torch

from pictree.training.colours import LIGHT, _mixing, random_colours, random_crop

GREY = torch.tensor([0.299, 0.587, 0.114])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def plain(n: int, colour: tuple[float, float, float], size: int = 6) -> torch.Tensor:
    return torch.tensor(colour)[None, :, None, None].expand(n, 3, size, size).contiguous()


def test_nothing_is_changed_where_nothing_is_asked_for() -> None:
    colour, grey = torch.rand(3, 3, 5, 7), torch.rand(3, 1, 5, 7)
    assert random_colours(colour, 0.0, generator()) is colour
    assert random_colours(grey, 2.0, generator()) is grey
    assert random_crop(colour, 1.0, generator()) is colour


def test_the_same_generator_gives_the_same_images() -> None:
    images = torch.rand(4, 3, 9, 6)
    for change in (lambda g: random_colours(images, 1.0, g), lambda g: random_crop(images, 0.3, g)):
        once, again, other = (change(generator(seed)) for seed in (5, 5, 6))
        assert torch.equal(once, again)
        assert not torch.equal(once, other)


def test_a_turn_of_the_whole_circle_changes_no_colour() -> None:
    mixed = _mixing(torch.tensor([1.0, 1.0]), torch.tensor([0.0, 2 * math.pi]))
    torch.testing.assert_close(mixed, torch.eye(3).expand(2, 3, 3), atol=1e-5, rtol=0)


def test_mixing_keeps_the_brightness_and_what_is_grey() -> None:
    mixed = _mixing(torch.tensor([0.3, 1.7, 0.0]), torch.tensor([1.0, -2.0, 0.5]))
    torch.testing.assert_close(GREY @ mixed, GREY.expand(3, 3), atol=1e-5, rtol=0)
    torch.testing.assert_close(mixed.sum(dim=2), torch.ones(3, 3), atol=3e-3, rtol=0)
    red = mixed[2] @ torch.tensor([1.0, 0.0, 0.0])  # without saturation
    torch.testing.assert_close(red, torch.full((3,), 0.299), atol=1e-3, rtol=0)


def test_grey_pictures_stay_grey_and_change_their_light_within_the_limits() -> None:
    changed = random_colours(plain(400, (0.5, 0.5, 0.5)), 1.0, generator())
    assert float((changed.amax(dim=1) - changed.amin(dim=1)).max()) < 2e-3
    light = changed.mean(dim=(1, 2, 3))  # a picture of one grey has no contrast
    assert 0.5 * (1 + LIGHT) > float(light.max()) > 0.5 * (1 + LIGHT / 2)
    assert 0.5 * (1 - LIGHT) < float(light.min()) < 0.5 * (1 - LIGHT / 2)


def test_some_pictures_lose_their_colours_and_no_value_leaves_its_range() -> None:
    changed = random_colours(plain(1000, (0.9, 0.3, 0.1)), 1.0, generator())
    spread = (changed.amax(dim=1) - changed.amin(dim=1))[:, 0, 0]
    assert 0.15 < float((spread < 1e-2).float().mean()) < 0.25
    assert (float(changed.min()), float(changed.max())) >= (0.0, 0.0)
    assert float(changed.max()) <= 1.0


def slopes(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """How fast the first channel grows to the right, the second downwards, beside the picture's."""
    size = images.shape[-1] - 1
    right = (images[:, 0, 5, 20] - images[:, 0, 5, 10]) / 10 * size
    down = (images[:, 1, 20, 5] - images[:, 1, 10, 5]) / 10 * size
    return right, down


@pytest.mark.parametrize("least", [0.3, 0.8])
def test_windows_have_the_share_of_the_area_that_was_asked_for(least: float) -> None:
    across = torch.linspace(0, 1, 32)
    image = torch.stack([across.expand(32, 32), across[:, None].expand(32, 32)])
    shown = random_crop(image.expand(500, 2, 32, 32).contiguous(), least, generator())
    wide, high = slopes(shown)
    assert 0.4 < float((wide < 0).float().mean()) < 0.6  # mirrored
    area = wide.abs() * high
    assert float(area.min()) > 0.9 * least  # a window that is too wide is cut
    assert float(area.max()) < 1.01
    assert float(area.median()) == pytest.approx((1 + least) / 2, abs=0.06)
    assert float(shown.min()) >= 0
    assert float(shown.max()) <= 1
    left = shown[:, 0].amin(dim=(1, 2))
    assert float(left.max()) > 0.5 * (1 - least**0.5)  # they lie anywhere in it
