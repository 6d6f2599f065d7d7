"""Faster samplers make what diffusers' pipeline makes with them; a distilled UNet receives its guidance scale."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from PIL import Image

from datasets.errors import UserError
from methods.generator import Generator
from methods.guidance import guidance_embedding
from methods.plan import PlanRow
from methods.schedulers import SCHEDULERS, fresh_scheduler, times_from
from methods.settings import GeneratorSettings
from tests.methods.plain_pipeline import difference, pipeline_image

ROW = PlanRow(0, 0, "a photo of a <word> on grass", "a", 0.7, 7.5, 10, seed=1)
WORD = {"a": np.random.default_rng(1).normal(0, 0.5, 16).astype(np.float32)}
FASTER = sorted(SCHEDULERS.keys() - {"checkpoint"})


def _generator(folder: Path, scheduler: str, eta: float = 0.0) -> Generator:
    return Generator(GeneratorSettings(str(folder), 32, 4, "float32", scheduler, eta, compile="never"))


def _only(generator: Generator, guides: dict[int, Image.Image]) -> Image.Image:
    ((_, image),) = generator.generate([ROW], WORD, guides)
    return image


@pytest.mark.parametrize("name", FASTER)
def test_a_sampler_of_choice_equals_the_pipelines(checkpoint: Path, guides: dict[int, Image.Image], name: str) -> None:
    settings = {"ddim": {"clip_sample": False}, "pndm": {"skip_prk_steps": True}}.get(name, {})
    sampler = getattr(diffusers, SCHEDULERS[name])
    expected = pipeline_image(checkpoint, ROW, WORD["a"], guides[0], sampler, **settings)
    assert difference(_only(_generator(checkpoint, name), guides), expected) <= 1


@pytest.mark.parametrize("name", ["EulerDiscreteScheduler", "HeunDiscreteScheduler"])
def test_a_sampler_of_the_checkpoints_own_equals_the_pipelines(
    checkpoints: dict[str, Path], guides: dict[int, Image.Image], tmp_path: Path, name: str
) -> None:
    """Euler scales the UNet's input; Heun calls the UNet twice at most times."""
    folder = Path(shutil.copytree(checkpoints["pndm"], tmp_path / "copy"))
    for file, change in (
        ("model_index.json", {"scheduler": ["diffusers", name]}),
        ("scheduler/scheduler_config.json", {"_class_name": name}),
    ):
        (folder / file).write_text(json.dumps({**json.loads((folder / file).read_text()), **change}))
    expected = pipeline_image(folder, ROW, WORD["a"], guides[0])
    assert difference(_only(_generator(folder, "checkpoint"), guides), expected) <= 1


@pytest.mark.parametrize("name", FASTER)
@pytest.mark.parametrize("steps", [8, 20, 50])
def test_every_sampler_begins_at_the_strengths_time(checkpoint: Path, name: str, steps: int) -> None:
    """It also makes the strength's share of the steps; PNDM repeats one."""
    scheduler = fresh_scheduler(_generator(checkpoint, name).model.scheduler, steps)
    times = times_from(scheduler, 0.5, steps)
    assert len(times) == steps // 2 + (name == "pndm")
    assert abs(int(times[0]) - 500) <= 1.5 * 1000 / steps


def test_half_a_step_is_not_made(checkpoint: Path) -> None:
    """As in diffusers' pipeline, strength 0.5 makes 7 of 15 steps."""
    assert len(times_from(fresh_scheduler(_generator(checkpoint, "ddim").model.scheduler, 15), 0.5, 15)) == 7


def test_each_batch_has_a_sampler_of_its_own(checkpoint: Path) -> None:
    """A sampler keeps a history, and threads process batches side by side."""
    own = _generator(checkpoint, "dpm_solver").model.scheduler
    first, second = fresh_scheduler(own, 8), fresh_scheduler(own, 20)
    assert [len(each.timesteps) for each in (first, second)] == [8, 20]


def test_more_steps_than_a_sampler_has_are_refused(checkpoint: Path) -> None:
    with pytest.raises(UserError, match=r"LCMScheduler cannot make 60 steps: .*50"):
        fresh_scheduler(_generator(checkpoint, "lcm").model.scheduler, 60)


def test_fresh_noise_at_each_step_equals_the_pipelines(checkpoint: Path, guides: dict[int, Image.Image]) -> None:
    expected = pipeline_image(checkpoint, ROW, WORD["a"], guides[0], diffusers.DDIMScheduler, 0.5, clip_sample=False)
    made = _only(_generator(checkpoint, "ddim", eta=0.5), guides)
    assert difference(made, expected) <= 1
    assert difference(made, _only(_generator(checkpoint, "ddim"), guides)) > 1


def test_fresh_noise_belongs_to_the_fingerprint(checkpoint: Path) -> None:
    prints = {_generator(checkpoint, "ddim", eta).fingerprint for eta in (0.0, 0.5, 1.0)}
    assert len(prints) == 3


@pytest.mark.parametrize(
    ("scheduler", "sampler"), [("checkpoint", "PNDMScheduler"), ("unipc", "UniPCMultistepScheduler")]
)
def test_a_sampler_without_eta_is_refused_with_one_that_has_it(
    checkpoints: dict[str, Path], scheduler: str, sampler: str
) -> None:
    with pytest.raises(
        UserError, match=f"eta is 0.5, but {sampler} has no η: set generator.scheduler=ddim or generator.eta=0"
    ):
        _generator(checkpoints["pndm"], scheduler, eta=0.5)


def test_the_sampler_belongs_to_the_fingerprint(checkpoint: Path) -> None:
    prints = {_generator(checkpoint, name).fingerprint for name in SCHEDULERS}
    assert len(prints) == len(SCHEDULERS)


def test_a_distilled_checkpoint_equals_the_pipelines(
    checkpoints: dict[str, Path], guides: dict[int, Image.Image], tmp_path: Path
) -> None:
    """The UNet embeds the guidance scale, as in latent consistency models, and needs no second, unconditional half."""
    folder = shutil.copytree(checkpoints["ddim"], tmp_path / "distilled")
    config = json.loads((folder / "unet" / "config.json").read_text())
    torch.manual_seed(0)
    UNet2DConditionModel.from_config({**config, "time_cond_proj_dim": 8}).save_pretrained(folder / "unet")
    expected = pipeline_image(folder, ROW, WORD["a"], guides[0], diffusers.LCMScheduler)
    assert difference(_only(_generator(folder, "lcm"), guides), expected) <= 1


@pytest.mark.parametrize("dimension", [8, 9])
def test_guidance_embedding_is_diffusers(dimension: int) -> None:
    """Equal to within 1e-4, for sines and cosines of angles up to 14,000."""
    scales = torch.tensor([1.0, 7.5, 15.0])
    embed = diffusers.StableDiffusionPipeline.get_guidance_scale_embedding
    expected = embed(None, scales - 1, embedding_dim=dimension)  # type: ignore[arg-type]
    torch.testing.assert_close(guidance_embedding(scales, dimension), expected, rtol=0, atol=1e-4)
