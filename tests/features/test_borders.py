"""What lies around a picture in its frame is not shown to the network."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from pictree.features.extract import without_border
from pictree.images.decode import ImageFormat, decode, inner_boxes

FRAME = ImageFormat(24, 24, 3, "")
SIDES = st.integers(1, 60)


@given(SIDES, SIDES)
def test_boxes_are_where_decoding_puts_the_picture(width: int, height: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    box = inner_boxes(np.array([width]), np.array([height]), FRAME)[0]
    top, left, high, wide = box.tolist()
    assert 0 <= top <= 12
    assert 0 <= left <= 12
    assert (max(high, wide), top + high <= 24, left + wide <= 24) == (24, True, True)
    is_border = np.ones((24, 24), bool)
    is_border[top : top + high, left : left + wide] = False
    pixels, _ = decode(picture, FRAME)
    assert len(np.unique(pixels[is_border], axis=0)) <= 1


def test_a_picture_is_stretched_from_its_box_to_the_frame() -> None:
    tall = np.zeros((40, 20, 3), np.uint8)
    tall[:20] = 200
    pixels, header = decode(tall, FRAME)
    boxes = inner_boxes(np.array([header.width] * 2), np.array([header.height] * 2), FRAME)
    assert boxes[0].tolist() == [0, 6, 24, 12]
    boxes[1] = 0, 0, 24, 24
    images = torch.from_numpy(np.stack([pixels, pixels])).permute(0, 3, 1, 2) / 255
    framed, whole = without_border(images, boxes)
    assert torch.equal(whole, images[1])
    assert torch.allclose(framed[:, :11], torch.tensor(200 / 255), atol=0.02)
    assert framed[:, 13:].max() < 0.02
