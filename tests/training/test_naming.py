"""Learning the names of images: what counts, what is repeatable, what comes out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from pictree.device import choose_device
from pictree.errors import InputError
from pictree.networks import inference
from pictree.networks.autoencoder import Autoencoder, build
from pictree.networks.heads import Heads, build_heads, with_room
from pictree.training.naming import Names, images_shown, learn_names
from pictree.training.rounds import plan


@dataclass(frozen=True)
class Few:
    """A short round."""

    images: int = 8_000
    growth: float = 0.0
    batch_size: int = 64
    learning_rate: float = 0.003
    change: float = 1.0
    count: int = 1
    code: int = 16


def names_of(known: np.ndarray, confidence: float = 1.0) -> Names:
    halves = (known * 2 + np.arange(len(known)) % 2).astype(np.int32)
    sure = np.full(len(known), confidence, np.float32)
    return Names(np.arange(len(known)), [halves], known.astype(np.int32), sure)


def learned(pixels: np.ndarray, names: Names, **changes: float) -> tuple[Autoencoder, Heads, float]:
    settings = Few(**changes)
    model = build(plan((28, 28, 1), settings.code), 0)
    device = choose_device("float32")
    return model, *learn_names(model, pixels, names, settings, device, seed=0)


def grey(digits: tuple, n: int) -> tuple[np.ndarray, np.ndarray]:
    return digits[0][:n].reshape(n, 28, 28, 1), digits[1][:n].astype(int)


def accuracy(model: Autoencoder, heads: Heads, pixels: np.ndarray, known: np.ndarray) -> float:
    codes = inference.encode(model, pixels, choose_device("float32"))
    with torch.inference_mode():
        named = heads(torch.from_numpy(codes))[-1].argmax(dim=1).numpy()
    return float((named == known).mean())


@pytest.fixture(scope="module")
def taught(digits: tuple) -> tuple[Autoencoder, Heads, float]:
    """By the names of 1,000 digits."""
    pixels, known = grey(digits, 1000)
    return learned(pixels, names_of(known))


def test_names_are_learned_and_carry_over_to_new_images(digits: tuple, taught: tuple) -> None:
    pixels, known = grey(digits, 1500)
    model, heads, loss = taught
    assert np.isfinite(loss)
    assert accuracy(model, heads, pixels[1000:], known[1000:]) > 0.9


def test_images_of_no_confidence_do_not_count(digits: tuple) -> None:
    pixels, known = grey(digits, 500)
    wrong = (known + 1) % 10
    names = names_of(known)
    half = np.arange(500) % 2 == 0
    mixed = Names(
        names.rows,
        names.leaves,
        np.where(half, known, wrong).astype(np.int32),
        half.astype(np.float32),
    )
    model, heads, _ = learned(pixels, mixed)
    assert accuracy(model, heads, pixels[~half], known[~half]) > 0.8


def test_it_stays_an_autoencoder(digits: tuple, taught: tuple) -> None:
    pixels, _ = grey(digits, 500)
    errors = inference.reconstruction_errors(taught[0], pixels, choose_device("float32"))
    spread = (pixels / 255 - (pixels / 255).mean(axis=0)) ** 2
    assert errors.mean() < 0.8 * spread.mean()  # better than always drawing the mean image


def test_one_seed_gives_the_same_network(digits: tuple) -> None:
    pixels, known = grey(digits, 200)
    (one, _, _), (two, _, _) = (learned(pixels, names_of(known), images=640) for _ in range(2))
    for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_network_that_has_learned_goes_on_with_other_clusters(digits: tuple) -> None:
    pixels, known = grey(digits, 500)
    names = names_of(known)
    glued = replace(names, clusters=np.where(known == 9, 4, known).astype(np.int32))
    model, heads, _ = learned(pixels, glued)
    assert accuracy(model, heads, pixels, known) < 0.92  # no nine is called a nine
    heads, shown, device = with_room(heads, 10, 0), [], choose_device("float32")
    words = {"seed": 0, "heads": heads, "on_batch": shown.append}
    again, _ = learn_names(model, pixels, names, Few(images=24_000), device, **words)
    assert again is heads
    assert accuracy(model, heads, pixels, known) > 0.95
    assert sum(shown) == 8_000


def test_a_round_shows_what_it_says(digits: tuple) -> None:
    pixels, known = grey(digits, 100)
    shown: list[int] = []
    settings = Few(images=300, growth=32.0, batch_size=64)
    model = build(plan((28, 28, 1), 16), 0)
    learn_names(
        model,
        pixels,
        names_of(known),
        settings,
        choose_device("float32"),
        seed=0,
        on_batch=shown.append,
    )
    assert shown == [64] * 5
    assert sum(shown) == images_shown(100, settings)
    assert images_shown(1000, settings) == 1024  # 32 times the root is more than 300 images
    assert images_shown(3, settings) == 300  # batches are no larger than the pile


def test_a_learning_rate_that_explodes_is_said(digits: tuple) -> None:
    pixels = np.full((40, 28, 28, 1), np.nan, np.float32)
    with pytest.raises(InputError) as caught:
        learned(pixels, names_of(np.arange(40) % 4), images=40)
    assert str(caught.value) == "the loss must stay finite; got nan. Lower rounds.learning_rate."


def test_heads_name_each_clustering_by_itself() -> None:
    heads = build_heads(6, [3, 2], seed=1)
    with torch.inference_mode():
        first, second = heads(torch.randn(5, 6, generator=torch.Generator().manual_seed(0)))
    assert (first.shape, second.shape) == ((5, 3), (5, 2))
    assert torch.equal(heads.dense.weight, build_heads(6, [3, 2], seed=1).dense.weight)


def test_heads_with_more_room_say_the_same_of_the_groups_that_were() -> None:
    heads = build_heads(6, [3, 2], seed=1)
    assert with_room(heads, 2, seed=5) is heads
    wider, codes = with_room(heads, 4, seed=5), torch.rand(7, 6)
    assert [logits.shape for logits in wider(codes)] == [(7, 3), (7, 4)]
    torch.testing.assert_close(wider(codes)[0], heads(codes)[0])
    torch.testing.assert_close(wider(codes)[1][:, :2], heads(codes)[1])
