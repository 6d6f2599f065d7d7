"""The loop of the training scripts resumes exactly, and Muon's update has the claimed properties."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from methods.mini_sd.muon import Muon, optimizers, orthogonalize
from methods.mini_sd.training import generator_of, schedule, train


def _train(folder: Path, stops: list[int], steps: int = 12) -> list[torch.Tensor]:
    """Train a small net in sessions divided at `stops`; return the weights of the net and of its average."""
    for stop in [*stops, steps]:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Flatten(), nn.Linear(16, 3))
        average = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Flatten(), nn.Linear(16, 3))
        average.load_state_dict(net.state_dict())

        def loss_of_step(step: int, net: nn.Module = net, stop: int = stop) -> torch.Tensor:
            if step == stop:
                raise KeyboardInterrupt
            return net(torch.randn(5, 2, 4, 4, generator=generator_of(1, step))).square().mean()

        try:
            train(
                folder, [net], optimizers([net], 0.02, 1e-3), loss_of_step, steps, lambda: "", [average], save_every=3
            )
        except KeyboardInterrupt:
            continue
    return [*net.parameters(), *average.parameters()]


def test_an_interrupted_training_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    whole, cut = _train(tmp_path / "whole", []), _train(tmp_path / "cut", [4, 7])
    for expected, actual in zip(whole, cut, strict=True):
        assert torch.equal(expected, actual)


def test_schedule_warms_up_stays_and_ends_at_zero() -> None:
    rates = [schedule(step, 1000, 0.3) for step in range(1001)]
    assert rates[0] == pytest.approx(1 / 50)
    assert rates[500] == 1.0
    assert rates[1000] == 0.0
    assert max(rates) == 1.0


@pytest.mark.parametrize("shape", [(2, 8, 27), (3, 40, 8), (1, 16, 16)])
def test_orthogonalized_updates_have_the_gradients_singular_vectors(shape: tuple[int, ...]) -> None:
    """Compared with the singular value decomposition: singular values of 0.6 to 1.3, and the same directions."""
    gradients = torch.randn(shape, generator=generator_of(3))
    for gradient, update in zip(gradients, orthogonalize(gradients), strict=True):
        left, _, right = torch.linalg.svd(gradient, full_matrices=False)
        values = torch.linalg.svdvals(update)
        assert values.min() > 0.6
        assert values.max() < 1.3
        assert torch.nn.functional.cosine_similarity(update.flatten(), (left @ right).flatten(), dim=0) > 0.97


def test_a_matrix_moves_alone_as_it_does_among_others() -> None:
    """Matrices of equal shape are orthogonalised in one batch: the results are the same, up to bfloat16's rounding."""
    gradients = [torch.randn(6, 4, 3, 3, generator=generator_of(i)) for i in range(3)]

    def moved(chosen: list[torch.Tensor]) -> list[torch.Tensor]:
        parameters = [nn.Parameter(torch.zeros_like(gradient)) for gradient in chosen]
        for parameter, gradient in zip(parameters, chosen, strict=True):
            parameter.grad = gradient
        Muon(parameters, 0.1).step()
        return [parameter.detach() for parameter in parameters]

    for together, gradient in zip(moved(gradients), gradients, strict=True):
        torch.testing.assert_close(together, moved([gradient])[0], rtol=0, atol=1e-3)
