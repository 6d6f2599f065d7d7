"""A consistency model of mini_sd: the targets of its training, and that the generator can use its weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import LCMScheduler
from PIL import Image

from methods.generator import Generator
from methods.guidance import guidance_embedding
from methods.mini_sd import WEIGHTS, train_consistency, train_denoiser
from methods.mini_sd.architecture import NOISE_SCHEDULE
from methods.mini_sd.corpus import main as render_corpus
from methods.mini_sd.sampling import open_pipeline
from methods.mini_sd.train_consistency import EMBEDDING_WIDTH, consistent, told_its_guidance
from methods.mini_sd.train_denoiser import Noised, predicted_velocities
from methods.mini_sd.training import generator_of
from methods.plan import PlanRow
from methods.settings import GeneratorSettings

SCALES = torch.tensor([1.0, 4.0])


def _noised(*times: int) -> Noised:
    """Noised latents at these times, each with its own text."""
    draw = generator_of(7)
    latents, tokens = torch.randn(2, 16, 8, 8, generator=draw), torch.randint(100, (2, 32), generator=draw)
    return Noised(latents, latents, torch.tensor(times), tokens)


@torch.no_grad()
def test_a_student_begins_as_its_teacher_whatever_guidance_it_is_told() -> None:
    pipeline, noised = open_pipeline(WEIGHTS), _noised(300, 900)
    student, told = told_its_guidance(pipeline.unet), guidance_embedding(SCALES, EMBEDDING_WIDTH)
    ours = predicted_velocities(student, pipeline.text_encoder, noised, timestep_cond=told)
    assert torch.equal(ours, predicted_velocities(pipeline.unet, pipeline.text_encoder, noised))


@torch.no_grad()
def test_at_time_0_latents_are_consistent_as_they_are() -> None:
    pipeline, noised = open_pipeline(WEIGHTS), _noised(0, 0)
    clean = consistent(told_its_guidance(pipeline.unet), pipeline.text_encoder, noised, SCALES)
    torch.testing.assert_close(clean, noised.latents)


@torch.no_grad()
def test_clean_latents_are_those_of_the_sampler_that_draws_with_the_student() -> None:
    pipeline, noised = open_pipeline(WEIGHTS), _noised(259, 759)
    student, told = told_its_guidance(pipeline.unet), guidance_embedding(SCALES, EMBEDDING_WIDTH)
    ours = consistent(student, pipeline.text_encoder, noised, SCALES)
    velocities = predicted_velocities(student, pipeline.text_encoder, noised, timestep_cond=told)
    for i, time in enumerate(noised.times):
        scheduler, row = LCMScheduler(**NOISE_SCHEDULE, prediction_type="v_prediction"), slice(i, i + 1)
        scheduler.set_timesteps(4)
        theirs = scheduler.step(velocities[row], int(time), noised.latents[row]).denoised
        torch.testing.assert_close(ours[row], theirs, atol=1e-5, rtol=1e-5)


def test_training_writes_a_checkpoint_that_heeds_the_guidance_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (train_consistency, train_denoiser):
        monkeypatch.setattr(module, "VALIDATION_SIZE", 4)
    monkeypatch.setattr("torch.nn.Module.compile", lambda self, **options: None)  # takes longer than the test
    render_corpus(tmp_path / "corpus", count=12)
    train_consistency.main(tmp_path / "corpus", WEIGHTS, tmp_path / "out", steps=2, batch_size=2)
    rows = [PlanRow(0, 0, "a photo of a bird", "", 0.7, scale, 3, seed=1) for scale in (2.0, 4.0)]
    guides = {0: Image.fromarray(np.full((64, 64, 3), 90, np.uint8))}
    settings = GeneratorSettings(str(tmp_path / "out" / "weights"), 64, 2, "float32", "lcm")
    generator = Generator(settings)
    assert generator.model.guidance_dimension == EMBEDDING_WIDTH
    low, high = (np.asarray(image, int) for _, image in generator.generate(rows, {}, guides))
    assert low.std() > 0
    assert np.abs(low - high).max() > 0
