"""Random changes of images: within their limits, repeatable, none at strength 0."""

from __future__ import annotations

import torch

from pictree.training.affine import SHIFT, random_affine


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def dots(n: int, size: int = 41) -> torch.Tensor:
    """Images that are black but for a soft dot in the middle."""
    across = torch.arange(size) - size // 2
    dot = torch.exp(-(across[:, None] ** 2 + across[None] ** 2) / 8.0)
    return dot.expand(n, 1, size, size).contiguous()


def centres(images: torch.Tensor) -> torch.Tensor:
    """Centre of mass of each image, as shares of the side away from its middle."""
    size = images.shape[-1]
    across = (torch.arange(size) - size // 2).float()
    mass = images.sum(dim=(1, 2, 3))
    x = (images.sum(dim=(1, 2)) * across).sum(dim=1) / mass
    y = (images.sum(dim=(1, 3)) * across).sum(dim=1) / mass
    return torch.stack([x, y], dim=1) / size


def test_strength_0_changes_nothing() -> None:
    images = torch.rand(3, 2, 5, 7)
    assert random_affine(images, 0.0, generator()) is images


def test_the_middle_moves_no_farther_than_the_strongest_shift() -> None:
    moved = centres(random_affine(dots(500), 2.0, generator())).abs()
    # Scale and shear move the shifted dot a little farther than the shift alone.
    assert float(moved.max()) <= 2 * SHIFT * 1.35
    assert float(moved.max()) > 1.2 * SHIFT
    # Strengths are drawn from 0 up: half of the images move by less than a quarter of the limit.
    assert float(moved.median()) < 0.5 * SHIFT


def test_the_same_generator_gives_the_same_images() -> None:
    images = torch.rand(4, 1, 9, 6)
    once, again = (random_affine(images, 3.0, generator(5)) for _ in range(2))
    assert torch.equal(once, again)
    assert not torch.equal(once, random_affine(images, 3.0, generator(6)))


def test_each_image_is_changed_in_its_own_way() -> None:
    changed = random_affine(dots(8), 3.0, generator())
    assert len({tuple(image.flatten().tolist()) for image in changed}) == 8


def test_borders_repeat_the_edge() -> None:
    white = torch.ones(50, 3, 8, 8)
    torch.testing.assert_close(random_affine(white, 3.0, generator()), white)
