from __future__ import annotations

import pytest
import torch

from pictree.errors import InputError
from pictree.networks.autoencoder import Architecture, build
from pictree.networks.summary import layer_table, render

SMALL = Architecture((28, 28, 1), (16, 2), (2, 16))


@pytest.mark.parametrize("size", [(3, 3), (5, 7), (28, 28), (31, 47), (32, 32), (1, 1)])
@pytest.mark.parametrize(("channels", "code"), [(1, 0), (3, 2)])
def test_reconstructions_have_the_input_size(size, channels, code):
    architecture = Architecture((*size, channels), (16, 8, 8), (8, 8, 16), code)
    model = build(architecture, seed=0)
    x = torch.rand(2, channels, *size)
    assert model(x).shape == x.shape
    assert model.encode(x).shape == (2, model.code_size)
    assert model.code_size == architecture.code_size


def test_small_98_has_the_published_layers():
    rows = [row for row in layer_table(build(SMALL, 0)) if row.parameters]
    assert [row.parameters for row in rows] == [160, 290, 38, 304, 145]
    assert sum(row.parameters for row in rows) == 937
    assert SMALL.code_size == 98


def test_layer_table_is_shown_as_text():
    architecture = Architecture((5, 7, 3), (4,), (6,), 2)
    assert render(layer_table(build(architecture, 0))).splitlines() == [
        "layer       output shape  parameters",
        "------------------------------------",
        "conv 1      5 × 7 × 4            112",
        "pool 1      3 × 4 × 4              0",
        "code        2                     98",
        "dense       48                   144",
        "conv 2      3 × 4 × 6            222",
        "upsample 1  5 × 7 × 6              0",
        "conv 3      5 × 7 × 3            165",
        "------------------------------------",
        "total                            741",
    ]


def test_layer_table_counts_every_parameter():
    model = build(Architecture((28, 28, 1), (16, 8, 8), (8, 8, 16), 2), 0)
    assert sum(row.parameters for row in layer_table(model)) == sum(
        p.numel() for p in model.parameters()
    )


def test_the_flattened_code_is_in_row_column_channel_order():
    model = build(Architecture((4, 6, 1), (3,), (3,)), seed=0)
    x = torch.rand(2, 1, 4, 6)
    maps = model.encoder.stages[0](x)  # (2, 3, 2, 3)
    assert model.encode(x)[0, 4] == maps[0, 1, 0, 1]


def test_one_seed_one_start_and_the_global_generator_is_left_alone():
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first, second, other = (build(SMALL, seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["encoder.stages.0.weight"], other["encoder.stages.0.weight"])


def test_linear_outputs_are_cut_to_the_range_of_pixels():
    raw = torch.tensor([-1.0, 0.25, 3.0])
    linear = build(Architecture((4, 4, 1), (2,), (2,), output="linear"), 0)
    assert linear.to_pixels(raw).tolist() == [0, 0.25, 1]
    assert torch.equal(build(SMALL, 0).to_pixels(raw), torch.sigmoid(raw))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"image_shape": (0, 3, 1)},
            "image_shape must be height, width and channels, each at least 1; got (0, 3, 1). "
            "Pass for example (28, 28, 1).",
        ),
        (
            {"encoder": (0,)},
            "encoder must be widths of at least 1; got [0]. Pass for example [32, 32].",
        ),
        (
            {"decoder": (2, 2)},
            "encoder and decoder must have the same number of stages; got 1 and 2. "
            "Give the decoder one width for each pooling.",
        ),
        (
            {"code": -1},
            "code must be 0 or more; got -1. Pass the size of the dense code.",
        ),
        (
            {"encoder": (), "decoder": ()},
            "code must be 1 or more without convolutions; got 0. Pass the size of the dense code.",
        ),
        (
            {"output": "tanh"},
            "output must be one of sigmoid, linear; got 'tanh'. "
            "Pass sigmoid unless the loss is mse.",
        ),
    ],
)
def test_wrong_architectures_are_refused_in_whole(values, message):
    good = {"image_shape": (3, 3, 1), "encoder": (2,), "decoder": (2,)}
    with pytest.raises(InputError) as caught:
        Architecture(**(good | values))
    assert str(caught.value) == message
