"""Only the networks use half precision: latents, noise and sampler steps stay in float32, to keep small noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from methods.generator import Generator
from methods.inversion_loss import InversionLoss
from methods.inversion_samples import Draws
from methods.latent_diffusion import Posterior
from methods.plan import PlanRow
from methods.settings import GeneratorSettings

ROW = PlanRow(0, 0, "a photo of a car", "", 0.7, 7.5, 10, seed=1)
SHAPE = (1, 4, 8, 8)
FIRST_TIMES = [0, 1, 5]
"""At the first two, the image's share rounds to 1 in bfloat16, and that of the noise to 0."""


@pytest.fixture(params=["bfloat16", "float16"])
def half(request: pytest.FixtureRequest, checkpoints: dict[str, Path]) -> Generator:
    return Generator(GeneratorSettings(str(checkpoints["ddim"]), 32, 1, request.param, compile="never"))


def _deviation(generator: Generator, time: int) -> float:
    return float((1 - generator.model.scheduler.alphas_cumprod[time].double()).sqrt())


@pytest.mark.parametrize("time", FIRST_TIMES)
def test_a_guide_gets_the_noise_of_the_time(half: Generator, time: int) -> None:
    empty = Posterior(*(torch.zeros(SHAPE, device=half.device) for _ in range(2)))
    draws = torch.Generator().manual_seed(ROW.seed)
    start = half._start(half.model.scheduler, torch.tensor(time, device=half.device), [ROW], {0: empty}, [draws])
    again = torch.Generator().manual_seed(ROW.seed)
    _, noise = (torch.randn(SHAPE, generator=again) for _ in range(2))
    torch.testing.assert_close(start.cpu(), _deviation(half, time) * noise, rtol=1e-4, atol=0)


@pytest.mark.parametrize("time", FIRST_TIMES)
def test_samples_to_learn_from_get_the_noise_of_the_time(
    half: Generator, time: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The UNet's input is rounded: 2 ** -8 is bfloat16's last digit."""
    noise = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0)).to(half.device)
    draws = Draws(torch.zeros_like(noise), noise, torch.tensor([time]), torch.tensor([0]))
    seen: list[torch.Tensor] = []
    monkeypatch.setattr(half.model, "predict", lambda latents, *_a, **_k: (seen.append(latents), (latents,))[1])
    word = torch.zeros(1, half.word_dimension, device=half.device)
    (loss,) = InversionLoss(half.model)([draws], word)
    assert (seen[0].dtype, loss.dtype) == (half.dtype, torch.float32)
    torch.testing.assert_close(seen[0].float(), _deviation(half, time) * noise, rtol=2**-8, atol=0)


def test_the_sampler_steps_in_float32(
    half: Generator, guides: dict[int, Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    predict, decode, seen = half.model.predict, half.model.decode, []

    def recorded(latents: torch.Tensor, *arguments: Any, **named: Any) -> Any:
        seen.append(latents.dtype)
        return predict(latents, *arguments, **named)

    monkeypatch.setattr(half.model, "predict", recorded)
    monkeypatch.setattr(half.model, "decode", lambda latents: (seen.append(latents.dtype), decode(latents))[1])
    assert len(list(half.generate([ROW], {}, guides))) == 1
    assert seen == [half.dtype] * 7 + [torch.float32]
