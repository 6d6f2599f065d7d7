"""The training scripts' loop resumes exactly, and Muon's update is what it claims to be."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from methods.mini_sd.muon import optimizers, orthogonalize
from methods.mini_sd.training import Replica, generator_of, schedule, shared_copy, train


def _train(folder: Path, stops: list[int], steps: int = 12) -> list[torch.Tensor]:
    """Train a small net in the sessions that `stops` cuts it into; the weights of the net and its average."""
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
                folder, [net], optimizers([net], 0.02, 1e-3), loss_of_step, steps, lambda _: "", [average], save_every=3
            )
        except KeyboardInterrupt:
            continue
    return [*net.parameters(), *average.parameters()]


def test_an_interrupted_training_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    whole, cut = _train(tmp_path / "whole", []), _train(tmp_path / "cut", [4, 7])
    for expected, actual in zip(whole, cut, strict=True):
        assert torch.equal(expected, actual)


def test_replicas_descend_the_mean_of_the_losses(tmp_path: Path) -> None:
    """Two halves in two threads, against the mean of both losses in one graph; equal to 1e-6."""

    def half(net: nn.Module, part: int) -> Callable[[int], torch.Tensor]:
        return lambda step: net(torch.randn(4, 3, generator=generator_of(step, part))).square().mean()

    weights = []
    for split in (False, True):
        torch.manual_seed(0)
        net = nn.Linear(3, 2)
        if split:
            copy = shared_copy(net)
            loss, replicas = half(net, 0), [Replica([copy], half(copy, 1))]
        else:
            halves = [half(net, part) for part in (0, 1)]
            loss, replicas = (lambda step, halves=halves: (halves[0](step) + halves[1](step)) / 2), []
        adam = torch.optim.AdamW(net.parameters(), 1e-2)
        train(tmp_path / str(split), [net], [adam], loss, 5, lambda _: "", replicas=replicas)
        weights.append(net.weight.detach())
    torch.testing.assert_close(weights[0], weights[1], rtol=0, atol=1e-6)


def test_schedule_warms_up_stays_and_ends_at_zero() -> None:
    rates = [schedule(step, 1000, 0.3) for step in range(1001)]
    assert rates[0] == pytest.approx(1 / 50)
    assert rates[500] == 1.0
    assert rates[1000] == 0.0
    assert max(rates) == 1.0


@pytest.mark.parametrize("shape", [(8, 3, 3, 3), (40, 8), (16, 16)])
def test_orthogonalized_update_has_the_gradients_singular_vectors(shape: tuple[int, ...]) -> None:
    """Against the singular value decomposition: all singular values between 0.6 and 1.3, directions kept."""
    gradient = torch.randn(shape, generator=generator_of(3))
    update = orthogonalize(gradient).flatten(1)
    left, _, right = torch.linalg.svd(gradient.flatten(1), full_matrices=False)
    values = torch.linalg.svdvals(update)
    assert values.min() > 0.6
    assert values.max() < 1.3
    assert torch.nn.functional.cosine_similarity(update.flatten(), (left @ right).flatten(), dim=0) > 0.97
