from __future__ import annotations

import pytest
import torch

pytest.importorskip("numba")

from pictree.training.adadelta import Adadelta


def test_steps_and_states_are_torchs():
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(5, 3, generator=generator)
    ours, theirs = (torch.nn.Parameter(start.clone()) for _ in range(2))
    own = Adadelta([ours], lr=0.5, rho=0.9, eps=1e-6)
    other = torch.optim.Adadelta([theirs], lr=0.5, rho=0.9, eps=1e-6)
    for i in range(40):
        ours.grad = torch.randn(5, 3, generator=generator)
        theirs.grad = ours.grad.clone()
        own.step()
        other.step()
        if i == 20:  # on from a state that was saved
            own.load_state_dict(own.state_dict())
    torch.testing.assert_close(ours, theirs)
    assert own.state[ours].keys() == other.state[theirs].keys()
    for key, value in other.state[theirs].items():
        torch.testing.assert_close(own.state[ours][key], value)


def test_a_parameter_without_gradient_stays():
    still = torch.nn.Parameter(torch.ones(3))
    Adadelta([still]).step()
    assert torch.equal(still, torch.ones(3))
