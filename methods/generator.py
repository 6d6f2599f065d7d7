"""Executes plans: image-to-image with a Stable Diffusion checkpoint, in batches whose rows do not affect each other.

Rounding depends on the size of a batch, but not on what else is in it.

Each row gives the image of `StableDiffusionImg2ImgPipeline` with `generator=torch.Generator().manual_seed(row.seed)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Generator as PythonGenerator
from contextlib import closing
from functools import cached_property, partial
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from datasets.errors import UserError
from datasets.plurals import counted
from datasets.seeding import fingerprint
from evaluation.device import default_device, dtype_named, multiplies_bfloat16, sent, torch_threads
from evaluation.loading import load_ahead, worker_count
from evaluation.memory import Shortage, attempt, does_not_fit, halved
from methods.checkpoint import checkpoint_fingerprint, checkpoint_folder
from methods.checkpoint_layout import config_name, read_config
from methods.compiled import compiling
from methods.groups import filled_up
from methods.guidance import guidance_embedding, guided
from methods.latent_diffusion import LatentDiffusion, Posterior
from methods.plan import PLACEHOLDER, PlanRow, Vector
from methods.prompt_tokenizer import PromptTokenizer, open_tokenizer
from methods.schedulers import FOR_LATENTS, fresh_scheduler, step_arguments, times_from
from methods.settings import GeneratorSettings
from methods.text_precision import fastest_products, takes_tf32

VERSION = 4
"""Part of the fingerprint; raised when a change here changes images."""

_ON_A_GPU, _ON_A_CPU = 32, 16
"""Batch sizes beyond which a device is hardly faster. The CPU's is for images of 64 pixels; larger ones get fewer.

On two cores mini_sd took 0.48, 0.45 and 0.51 s per image of 256 pixels in batches of 1, 4 and 16, and 0.089 and 0.081 s
per image of 128 pixels in batches of 4 and 16.
"""

_Conditions = dict[tuple[str, str], Tensor]
_Group = tuple[float, int, bool]
_Images = Callable[[], list[Image.Image]]
_Make = Callable[[_Group, Sequence[int]], _Images]
_Item = TypeVar("_Item")
_Made = TypeVar("_Made")
_Batches = PythonGenerator[tuple[Sequence[int], list[Image.Image]], None, None]


class Generator:
    """Makes the images of plan rows. The model is opened when it is first needed; the fingerprint does not need it.

    Latents, noise and the sampler's steps are float32 even if the UNet computes in less: in bfloat16 the first times of
    the noise schedule would round to no noise at all.
    """

    def __init__(self, settings: GeneratorSettings) -> None:
        """Check the settings and find the checkpoint; raises `UserError` if it is missing or incomplete."""
        self.settings = settings
        self.folder = checkpoint_folder(settings)
        self.device = default_device()
        self.dtype = _dtype(settings.dtype, self.device)
        self.batch_size = settings.batch_size or as_many_as_pay(self.device, settings.resolution, _ON_A_GPU, _ON_A_CPU)
        """Images made together; halved if they do not fit into memory."""
        self.most_samples: int | None = None
        """Most samples in a step of textual inversion, over all classes; None until more did not fit into memory."""

    @cached_property
    def fingerprint(self) -> str:
        """Identifies everything that an image depends on besides its row: weights, scheduler, resolution, dtype etc."""
        content = checkpoint_fingerprint(self.folder)
        what: list[object] = ["generator", VERSION, content, self.settings.resolution, str(self.dtype)]
        if self.settings.scheduler != "checkpoint":
            what += [self.settings.scheduler, *FOR_LATENTS.get(self.settings.scheduler, {}).items()]
        if self.settings.eta:
            what.append(["eta", self.settings.eta])
        if self.compiled:
            what.append("compiled UNet and codec")  # a compiled network rounds differently
        if takes_tf32(self.device, self.dtype):
            what.append("text in TF32")
        return fingerprint(*what)

    @property
    def compiled(self) -> bool:
        """Whether UNet and codec are compiled (anew for each batch size)."""
        return compiling(self.settings.compile, self.device, self.settings.resolution)

    @cached_property
    def word_dimension(self) -> int:
        """Length of a learned word's vector: the width of the text encoder."""
        return int(read_config(self.folder, config_name("text_encoder"))["hidden_size"])

    @cached_property
    def _tokenizer(self) -> PromptTokenizer:
        return open_tokenizer(self.folder)

    def fits(self, prompt: str) -> bool:
        """Whether the text encoder reads the prompt at least up to its class word; needs no model."""
        return self._tokenizer.fits(prompt)

    @cached_property
    def model(self) -> LatentDiffusion:
        """The opened checkpoint; raises `UserError` if it does not fit the settings."""
        model = LatentDiffusion(self.folder, self.device, self.dtype, self.settings.scheduler, self.compiled)
        if self.settings.resolution % model.pixels_per_latent:
            raise UserError(
                f"generator.resolution {self.settings.resolution} is not a multiple of {model.pixels_per_latent}, "
                "as this checkpoint's codec needs"
            )
        return model

    def noun_embedding(self, noun: str) -> Vector:
        """The text encoder's own vector for a noun, shape (word_dimension,)."""
        return self.model.encoder.word_vector(noun)

    def generate(
        self,
        rows: Sequence[PlanRow],
        words: Mapping[str, Vector],
        guides: Mapping[int, Image.Image],
    ) -> Iterator[tuple[int, Image.Image]]:
        """Make every row's image; yields (index into `rows`, RGB image of the guide's size) as batches end.

        Args:
            rows: what to make, in any order; rows with the same strength, steps and use of guidance share batches.
            words: the vectors that rows name, each float32 (word_dimension,).
            guides: the RGB images that rows name; each is encoded once.

        Raises:
            UserError: a row whose strength × steps is below one step, or whose prompt is too long; or a GPU whose
                memory cannot hold even one image, guide or prompt.
        """
        self.model.encoder.tokenize(sorted({row.prompt for row in rows}))  # refuses long prompts before hours of work
        posteriors, conditions = self._posteriors(rows, guides), self._conditions(rows, words)
        make = partial(self._batch, rows=rows, guides=guides, posteriors=posteriors, conditions=conditions)
        batches = self._side_by_side if self.device.type == "cpu" else self._one_after_the_other
        with closing(batches(rows, make)) as made:
            for members, images in made:
                yield from zip(members, images, strict=True)

    def _one_after_the_other(self, rows: Sequence[PlanRow], make: _Make) -> _Batches:
        """For a GPU, whose memory limits a batch. A thread finishes one batch's images while the GPU makes the next."""
        begun = chain.from_iterable(
            self._in_batches(members, partial(make, group), "images") for group, members in _groups(rows).items()
        )
        with closing(load_ahead(_finished, begun, workers=1, ahead=1)) as made:
            yield from made

    def _in_batches(
        self, items: Sequence[_Item], make: Callable[[Sequence[_Item]], _Made], what: str
    ) -> PythonGenerator[tuple[Sequence[_Item], _Made], None, None]:
        """Yield (batch of items, its result); if memory runs out, this and all later batches are halved."""
        while items:
            batch = items[: self.batch_size]
            made = attempt(partial(make, batch))
            if isinstance(made, Shortage):
                self.batch_size = halved(self.batch_size, made, what, "generator.resolution", "generator.batch_size")
                continue
            yield batch, made
            items = items[len(batch) :]

    def _side_by_side(self, rows: Sequence[PlanRow], make: _Make) -> _Batches:
        """For a CPU: one thread per core makes a batch of its own, twice as fast as all cores sharing each operation.

        This way an image does not depend on the number of cores either.
        """
        threads, size = torch.get_num_threads(), self.batch_size
        groups = _groups(rows).items()
        batches = [(group, members[at : at + size]) for group, members in groups for at in range(0, len(members), size)]
        with torch_threads(1), closing(load_ahead(lambda each: make(*each)(), batches, threads, threads)) as made:
            for (_, batch), images in zip(batches, made, strict=True):
                yield batch, images

    def _posteriors(self, rows: Sequence[PlanRow], guides: Mapping[int, Image.Image]) -> dict[int, Posterior]:
        """The codec's posterior of each guide that a row names.

        Not in inference mode: the encoder, which textual inversion compiles without it, would be compiled again.
        """
        size = (self.settings.resolution, self.settings.resolution)

        def posterior(guide: int) -> Posterior:
            return self.model.posterior(guides[guide].convert("RGB").resize(size, Image.Resampling.BILINEAR))

        found = {}
        for guide in sorted({row.guide for row in rows}):
            encoded = attempt(partial(posterior, guide))
            if isinstance(encoded, Shortage):
                raise does_not_fit(encoded, "guides", "generator.resolution")
            found[guide] = encoded
        return found

    @torch.inference_mode()
    def _conditions(self, rows: Sequence[PlanRow], words: Mapping[str, Vector]) -> _Conditions:
        """The text encoder's states of each prompt with its word, and of the empty prompt."""
        conditions: _Conditions = {}
        pairs = list(dict.fromkeys([("", ""), *((row.prompt, row.word) for row in rows)]))
        with fastest_products(self.device, self.dtype):
            for some, states in self._in_batches(pairs, partial(self._encoded, words=words), "prompts"):
                conditions.update(zip(some, states, strict=True))
        return conditions

    def _encoded(self, pairs: Sequence[tuple[str, str]], words: Mapping[str, Vector]) -> Tensor:
        """The text encoder's states of at most `batch_size` pairs of prompt and word."""
        full = filled_up(pairs, self.batch_size)
        tokens = self.model.encoder.tokenize([prompt for prompt, _ in full])
        states = self.model.encoder.encode(tokens, self._vectors([self._word(pair, words) for pair in full]))
        return states[: len(pairs)].to(self.dtype)

    def _word(self, pair: tuple[str, str], words: Mapping[str, Vector]) -> Vector:
        prompt, word = pair
        if PLACEHOLDER not in prompt:
            return np.zeros(self.word_dimension, np.float32)
        if words[word].shape != (self.word_dimension,):
            raise UserError(
                f"the plan's word '{word}' is a vector of shape {words[word].shape}, but the text encoder's have "
                f"{self.word_dimension} numbers: tools.textual_inversion learns words that fit"
            )
        return words[word]

    def _vectors(self, vectors: Sequence[Vector]) -> Tensor:
        return torch.from_numpy(np.stack(vectors).astype(np.float32, copy=False)).to(self.device)

    @torch.inference_mode()
    def _batch(
        self,
        group: _Group,
        members: Sequence[int],
        rows: Sequence[PlanRow],
        guides: Mapping[int, Image.Image],
        posteriors: Mapping[int, Posterior],
        conditions: _Conditions,
    ) -> _Images:
        """Begin the images of some rows, filled up to a full batch so that rounding does not depend on their number.

        The returned function finishes the images; only it waits for a GPU.
        """
        strength, steps, with_guidance = group
        full = filled_up([rows[i] for i in members], self.batch_size)
        generators = [torch.Generator().manual_seed(row.seed) for row in full]
        scheduler = fresh_scheduler(self.model.scheduler, steps)
        times = times_from(scheduler, strength, steps)
        latents = self._start(scheduler, times[0], full, posteriors, generators)
        context = torch.stack([conditions[row.prompt, row.word] for row in full])
        scale = sent(torch.tensor([row.guidance_scale for row in full]), self.device)
        predict = self._guided if with_guidance and not self.model.guidance_dimension else self._conditional
        arguments = step_arguments(scheduler, generators, self.settings.eta)
        if predict == self._guided:
            context = torch.cat([conditions["", ""].expand_as(context), context])
        context = self.model.project_text(context)
        for time, seen in zip(times, sent(times, self.device), strict=True):
            prediction = predict(scheduler.scale_model_input(latents, time), seen, context, scale)
            latents = scheduler.step(prediction, time, latents, **arguments, return_dict=False)[0]
        return partial(_resized, self.model.decode(latents), [guides[rows[i].guide].size for i in members])

    def _guided(self, latents: Tensor, time: Tensor, context: Tensor, scale: Tensor) -> Tensor:
        """The UNet's prediction under classifier-free guidance, both halves in one pass."""
        doubled = torch.cat([latents, latents])
        prediction = self._predicted(self.model.predict_guided, doubled, time, context)
        return guided(prediction, scale[:, None, None, None])

    def _conditional(self, latents: Tensor, time: Tensor, context: Tensor, scale: Tensor) -> Tensor:
        """The UNet's prediction for the prompts; a distilled UNet also receives the guidance scale."""
        arguments = {}
        if self.model.guidance_dimension:
            arguments["timestep_cond"] = guidance_embedding(scale, self.model.guidance_dimension).to(self.dtype)
        return self._predicted(self.model.predict, latents, time, context, **arguments)

    def _predicted(
        self, predict: Callable[..., Any], latents: Tensor, time: Tensor, context: Tensor, **arguments: Tensor
    ) -> Tensor:
        """The UNet's output; input and output are float32, whatever the UNet computes in."""
        states = {"encoder_hidden_states": context, **arguments}
        prediction: Tensor = predict(latents.to(self.dtype), time, return_dict=False, **states)[0]
        return prediction.float()

    def _start(
        self,
        scheduler: Any,
        time: Tensor,
        rows: Sequence[PlanRow],
        posteriors: Mapping[int, Posterior],
        generators: Sequence[torch.Generator],
    ) -> Tensor:
        """The guides' latents with the noise of the first time: SDEdit (Meng et al. 2022).

        Each row's generator draws the codec's noise first and the schedule's second, as in diffusers.
        """
        pairs = zip(rows, generators, strict=True)
        latents = self.model.scaling * torch.cat([posteriors[row.guide].sample(generator) for row, generator in pairs])
        shape = (1, *latents.shape[1:])
        noise = torch.cat([torch.randn(shape, generator=generator) for generator in generators])
        # Sent here, because the scheduler would wait for the GPU when sending it.
        scheduler.alphas_cumprod = sent(scheduler.alphas_cumprod, self.device)
        times = sent(time.repeat(len(rows)), self.device)
        start: Tensor = scheduler.add_noise(latents, sent(noise, self.device), times)
        return start


def as_many_as_pay(device: torch.device, resolution: int, on_a_gpu: int, on_a_cpu: int) -> int:
    """The largest batch that pays: `on_a_gpu` on a GPU; on a CPU `on_a_cpu` at 64 pixels, and less at larger sizes."""
    if device.type == "cuda":
        return on_a_gpu
    return max(1, on_a_cpu * 64**2 // max(64, resolution) ** 2)


def _dtype(name: str, device: torch.device) -> torch.dtype:
    if name == "auto" and device.type == "cpu":
        name = "bfloat16" if multiplies_bfloat16(device) else "float32"
    return dtype_named(name, device)


def _groups(rows: Sequence[PlanRow]) -> dict[_Group, list[int]]:
    """Indices of the rows that can share a batch, by strength, steps and whether guidance is on."""
    groups: dict[_Group, list[int]] = {}
    for i, row in enumerate(rows):
        if not 1 <= int(row.steps * row.strength) <= row.steps:
            raise UserError(
                f"strength {row.strength} of {counted(row.steps, 'step')} gives no denoising step, or more than there "
                "are: choose a strength in (0, 1] that gives at least one"
            )
        groups.setdefault((row.strength, row.steps, row.guidance_scale > 1), []).append(i)
    return groups


def _finished(begun: tuple[Sequence[int], _Images]) -> tuple[Sequence[int], list[Image.Image]]:
    members, images = begun
    return members, images()


def _resized(images: _Images, sizes: Sequence[tuple[int, int]]) -> list[Image.Image]:
    """Resize images in several threads, one for each size; images that only filled the batch up are left out."""
    pairs = zip(images(), sizes, strict=False)
    with closing(load_ahead(_resize, pairs, worker_count(-1), ahead=len(sizes))) as resized:
        return list(resized)


def _resize(pair: tuple[Image.Image, tuple[int, int]]) -> Image.Image:
    image, size = pair
    return image.resize(size, Image.Resampling.BILINEAR)
