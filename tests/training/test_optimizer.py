"""AdamW whose steps are made in float32."""

from __future__ import annotations

import torch

from adjudge.training.optimizer import MasterAdamW


def test_steps_too_small_for_bfloat16_add_up() -> None:
    plain = torch.nn.Parameter(torch.ones(4, dtype=torch.bfloat16))
    kept = torch.nn.Parameter(torch.ones(4, dtype=torch.bfloat16))
    optimizers = (torch.optim.AdamW([plain], lr=1e-4, weight_decay=0), MasterAdamW([kept], lr=1e-4, weight_decay=0))
    for _ in range(100):
        for parameter, optimizer in zip((plain, kept), optimizers, strict=True):
            parameter.grad = torch.ones_like(parameter)
            optimizer.step()
            optimizer.zero_grad()
    assert plain.tolist() == [1.0] * 4  # every step was rounded away
    assert torch.allclose(kept.float(), torch.full((4,), 0.99), atol=0.004)
    assert kept.grad is None


def test_in_float32_it_is_adamw() -> None:
    torch.manual_seed(0)
    start = torch.randn(5)
    parameters = [torch.nn.Parameter(start.clone()) for _ in range(2)]
    optimizers = (torch.optim.AdamW([parameters[0]], lr=0.1), MasterAdamW([parameters[1]], lr=0.1))
    for step in range(10):
        for parameter, optimizer in zip(parameters, optimizers, strict=True):
            parameter.grad = torch.sin(start * step)
            optimizer.step()
    assert torch.equal(parameters[0], parameters[1])


def test_it_goes_on_from_the_weights_of_a_checkpoint() -> None:
    parameter = torch.nn.Parameter(torch.zeros(3))
    optimizer = MasterAdamW([parameter], lr=0.1)
    parameter.grad = torch.ones(3)
    optimizer.step()
    state = optimizer.state_dict()
    other = torch.nn.Parameter(parameter.detach().clone())
    resumed = MasterAdamW([other], lr=0.1)
    resumed.load_state_dict(state)
    for one, steps in ((parameter, optimizer), (other, resumed)):
        one.grad = torch.ones(3)
        steps.step()
    assert torch.allclose(parameter, other, atol=1e-6)
