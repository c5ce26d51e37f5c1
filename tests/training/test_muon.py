import copy

import pytest
import torch

from training.muon import FullPrecisionMuon, orthogonalise


@pytest.mark.parametrize("shape", [(8, 8), (6, 20), (20, 6)])
def test_singular_values_come_near_one_and_directions_stay(shape):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    found = orthogonalise(matrix)
    assert found.shape == shape
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.3
    assert values.max() < 1.3
    aligned = left.T @ found @ right.T  # diagonal where the singular vectors are the same
    assert torch.allclose(aligned, torch.diag(aligned.diagonal()), atol=1e-4)


def test_steps_are_those_of_torch_up_to_its_rounding():
    torch.manual_seed(2)
    theirs = torch.nn.ParameterList([torch.randn(12, 30), torch.randn(30, 12)])
    ours = copy.deepcopy(theirs)
    settings = {"lr": 0.02, "weight_decay": 0.05, "adjust_lr_fn": "match_rms_adamw"}
    optimizers = (torch.optim.Muon(theirs, **settings), FullPrecisionMuon(ours, **settings))
    for step in range(4):
        torch.manual_seed(step)
        gradients = [torch.randn_like(p) for p in theirs]
        for parameters, optimizer in zip((theirs, ours), optimizers, strict=True):
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient.clone()
            optimizer.step()
    moved = torch.cat([(a - b).flatten() for a, b in zip(theirs, ours, strict=True)]).abs().max()
    assert moved < 0.01  # steps are about 0.004 a number each; bfloat16 rounds to a hundredth of that


def test_parameters_without_gradient_stay():
    parameter = torch.nn.Parameter(torch.ones(3, 4))
    FullPrecisionMuon([parameter], lr=0.1).step()
    assert torch.equal(parameter.detach(), torch.ones(3, 4))
