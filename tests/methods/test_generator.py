"""The generator makes, for each row, what diffusers' own pipeline makes."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from datasets.errors import UserError
from methods import latent_diffusion
from methods.generator import Generator
from methods.group_norm import ChannelsLastGroupNorm
from methods.inversion_samples import views_of
from methods.latent_diffusion import Posterior
from methods.plan import PlanRow
from methods.settings import GeneratorSettings
from tests.methods.conftest import RESOLUTION
from tests.methods.plain_pipeline import difference, pipeline_image
from tests.methods.traced import traced

TOLERANCE = 1
"""In grey levels, of 255: batching may change how a level is rounded."""
MEAN_TOLERANCE = 0.1
"""The mean over an image: grey levels that were truncated instead of rounded would be half a level darker."""

ROWS = (
    PlanRow(0, 0, "a photo of a <word> on grass", "a", 0.7, 15.0, 10, seed=1),
    PlanRow(1, 0, "a photo of a <word> at night", "b", 0.7, 7.5, 10, seed=2),
    PlanRow(0, 0, "a photo of a <word> on grass", "b", 0.5, 7.5, 10, seed=3),
    PlanRow(2, 1, "a photo of a <word> in snow", "a", 0.7, 3.0, 10, seed=4),
    PlanRow(2, 1, "a photo of a <word>", "b", 0.7, 1.0, 10, seed=5),
)


@pytest.fixture(scope="module")
def words() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {name: rng.normal(0, 0.5, 16).astype(np.float32) for name in "ab"}


def test_rows_equal_the_pipelines_images(
    checkpoint: Path, make_generator: Callable[..., Generator], words: dict[str, Any], guides: dict[int, Image.Image]
) -> None:
    made = dict(make_generator(checkpoint).generate(ROWS, words, guides))
    assert sorted(made) == list(range(len(ROWS)))
    for i, row in enumerate(ROWS):
        expected = pipeline_image(checkpoint, row, words[row.word], guides[row.guide])
        assert made[i].size == guides[row.guide].size
        assert difference(made[i], expected) <= TOLERANCE
        assert np.abs(np.asarray(made[i], float) - np.asarray(expected, float)).mean() < MEAN_TOLERANCE


def test_a_guide_full_of_detail_is_resized_as_the_pipelines(
    checkpoints: dict[str, Path], make_generator: Callable[..., Generator], words: dict[str, Any]
) -> None:
    """Smooth guides look the same with any interpolation."""
    pixels = np.random.default_rng(3).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    guide, row = Image.fromarray(pixels), replace(ROWS[0], strength=0.1)
    ((_, made),) = make_generator().generate([row], words, {0: guide})
    assert difference(made, pipeline_image(checkpoints["ddim"], row, words["a"], guide)) <= TOLERANCE


def test_rows_equal_the_pipelines_images_by_what_a_gpu_does_otherwise(
    checkpoint: Path,
    make_generator: Callable[..., Generator],
    words: dict[str, Any],
    guides: dict[int, Image.Image],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The GPU's layouts, text projections, halves of guidance and order of work, on whatever device runs the tests."""
    monkeypatch.setattr(latent_diffusion, "_is_gpu", lambda _device: True)
    monkeypatch.setattr(Generator, "_side_by_side", Generator._one_after_the_other)
    monkeypatch.setattr(latent_diffusion, "CompiledNetwork", traced)
    generator = make_generator(checkpoint)
    generator.settings.compile = "always"
    assert generator.model.guided_unet is not generator.model.unet
    assert any(isinstance(layer, ChannelsLastGroupNorm) for layer in generator.model.guided_unet.modules())
    made = dict(generator.generate(ROWS, words, guides))
    for i, row in enumerate(ROWS):
        assert difference(made[i], pipeline_image(checkpoint, row, words[row.word], guides[row.guide])) <= TOLERANCE


def test_a_gpu_begins_a_batch_before_the_images_of_the_one_before_are_finished(
    make_generator: Callable[..., Generator],
    words: dict[str, Any],
    guides: dict[int, Image.Image],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [replace(ROWS[0], seed=seed) for seed in range(3)]
    generator = make_generator(batch_size=1)
    expected = dict(generator.generate(rows, words, guides))
    decode, begun = generator.model.decode, [threading.Event() for _ in range(4)]
    begun[3].set()  # nothing is waited for after the last image
    batches = iter(range(3))

    def watched(latents: torch.Tensor) -> Callable[[], list[Image.Image]]:
        images, number = decode(latents), next(batches)
        begun[number].set()

        def fetch() -> list[Image.Image]:
            assert begun[number + 1].wait(60)
            return images()

        return fetch

    monkeypatch.setattr(Generator, "_side_by_side", Generator._one_after_the_other)
    monkeypatch.setattr(generator.model, "decode", watched)
    made = dict(generator.generate(rows, words, guides))
    assert all(difference(made[i], expected[i]) == 0 for i in range(3))


def test_the_word_the_prompt_the_seed_and_the_guide_all_matter(
    make_generator: Callable[..., Generator], words: dict[str, Any], guides: dict[int, Image.Image]
) -> None:
    row = ROWS[0]
    rows = [
        row,
        replace(row, word="b"),
        replace(row, prompt="a <word> at night"),
        replace(row, seed=9),
        replace(row, guide=2),
    ]
    first, *others = (image for _, image in make_generator().generate(rows, words, guides))
    assert all(difference(first, other) > TOLERANCE for other in others)


@pytest.mark.parametrize(
    ("device", "resolution", "size"), [("cuda", 64, 32), ("cuda", 512, 32), ("cpu", 32, 16), ("cpu", 64, 16),
                                       ("cpu", 128, 4), ("cpu", 512, 1)]
)  # fmt: skip
def test_the_batch_size_is_what_pays_on_the_device_unless_one_is_given(
    checkpoints: dict[str, Path], monkeypatch: pytest.MonkeyPatch, device: str, resolution: int, size: int
) -> None:
    """The settings and the performance page state these sizes."""
    monkeypatch.setattr("methods.generator.default_device", lambda: torch.device(device))
    folder = str(checkpoints["ddim"])
    sizes = [Generator(GeneratorSettings(folder, resolution, given, "float32")).batch_size for given in (0, 3)]
    assert sizes == [size, 3]


def test_an_image_does_not_depend_on_its_batch(
    checkpoint: Path, make_generator: Callable[..., Generator], words: dict[str, Any], guides: dict[int, Image.Image]
) -> None:
    generator = make_generator(checkpoint, batch_size=3)
    together = dict(generator.generate(ROWS, words, guides))
    reversed_rows = dict(generator.generate(ROWS[::-1], words, guides))
    for i, row in enumerate(ROWS):
        ((_, alone),) = generator.generate([row], words, guides)
        assert difference(together[i], alone) == 0
        assert difference(together[i], reversed_rows[len(ROWS) - 1 - i]) == 0


def test_each_guide_and_each_prompt_is_encoded_once(
    make_generator: Callable[..., Generator],
    words: dict[str, Any],
    guides: dict[int, Image.Image],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    generator = make_generator(batch_size=2)
    rows = [replace(ROWS[0], guide=i % 2, seed=i) for i in range(8)]
    encoded: list[str] = []
    posterior, encode = generator.model.posterior, generator.model.encoder.encode
    monkeypatch.setattr(generator.model, "posterior", lambda image: (encoded.append("guide"), posterior(image))[1])
    monkeypatch.setattr(generator.model.encoder, "encode", lambda *a: (encoded.append("prompts"), encode(*a))[1])
    assert len(list(generator.generate(rows, words, guides))) == 8
    assert encoded.count("guide") == 2
    assert encoded.count("prompts") == 1  # the empty prompt and the only other prompt fill one batch


def test_guides_are_encoded_as_the_images_of_words_are(
    make_generator: Callable[..., Generator],
    words: dict[str, Any],
    guides: dict[int, Image.Image],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A different mode would compile the encoder a second time."""
    generator = make_generator()
    modes: list[bool] = []
    posterior = generator.model.posterior

    def noted(image: Image.Image) -> Posterior:
        modes.append(torch.is_inference_mode_enabled())
        return posterior(image)

    monkeypatch.setattr(generator.model, "posterior", noted)
    assert list(generator.generate(ROWS[:1], words, guides))
    views_of(generator.model, [guides[0]], RESOLUTION)
    assert len(modes) == 3
    assert len(set(modes)) == 1


def test_half_precision_leaves_the_text_encoder_in_float32(
    checkpoints: dict[str, Path], words: dict[str, Any], guides: dict[int, Image.Image]
) -> None:
    half, full = (
        Generator(GeneratorSettings(str(checkpoints["ddim"]), 32, 4, name, compile="never"))
        for name in ("bfloat16", "float32")
    )
    model = half.model
    assert (model.unet.dtype, model.vae.dtype) == (torch.bfloat16, torch.bfloat16)
    assert model.encoder.text_encoder.dtype == torch.float32
    assert half.fingerprint != full.fingerprint
    (_, image), (_, exact) = (next(iter(generator.generate(ROWS[:1], words, guides))) for generator in (half, full))
    assert np.abs(np.asarray(image, dtype=int) - np.asarray(exact, dtype=int)).mean() < 5


def test_a_codec_that_overflows_half_precision_goes_on_in_float32(
    checkpoints: dict[str, Path],
    words: dict[str, Any],
    guides: dict[int, Image.Image],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One layer's weights are a thousand times too large and the next one's too small: only float32 copes with it."""
    full, half = (
        Generator(GeneratorSettings(str(checkpoints["ddim"]), 32, 4, name, compile="never"))
        for name in ("float32", "float16")
    )
    for generator in (full, half):
        generator.model.vae.decoder.conv_norm_out.weight.mul_(2.0**15)
        generator.model.vae.decoder.conv_out.weight.mul_(2.0**-15)
    (_, exact), (_, image) = (next(iter(generator.generate(ROWS[:1], words, guides))) for generator in (full, half))
    assert np.abs(np.asarray(image, dtype=int) - np.asarray(exact, dtype=int)).mean() < 5
    assert half.model.vae.dtype == torch.float16
    assert [record.message for record in caplog.records] == [
        "the codec overflows in float16: images for which it does are computed in float32"
    ]


def test_a_strength_without_a_step_is_refused(
    make_generator: Callable[..., Generator], words: dict[str, Any], guides: dict[int, Image.Image]
) -> None:
    with pytest.raises(UserError, match=r"strength 0\.05 of 10 steps"):
        list(make_generator().generate([replace(ROWS[0], strength=0.05)], words, guides))


def test_a_word_that_is_no_vector_of_the_text_encoders_is_refused(
    make_generator: Callable[..., Generator], guides: dict[int, Image.Image]
) -> None:
    with pytest.raises(
        UserError, match=r"word 'a' is a vector of shape \(1,\), but the text encoder's have 16 numbers"
    ):
        list(make_generator().generate([replace(ROWS[0], prompt="a <word>", word="a")], {"a": np.zeros(1)}, guides))


def test_a_prompt_whose_class_word_is_cut_off_is_refused(
    make_generator: Callable[..., Generator], words: dict[str, Any], guides: dict[int, Image.Image]
) -> None:
    with pytest.raises(UserError, match="too long"):
        list(make_generator().generate([replace(ROWS[0], prompt="a " * 20 + "<word>")], words, guides))


def test_whether_a_prompt_fits_is_told_without_a_model(make_generator: Callable[..., Generator]) -> None:
    """Sixteen tokens: the start token, fourteen of text, and the end token."""
    generator = make_generator()
    assert generator.fits("a " * 13 + "<word>" + " a" * 20)
    assert not generator.fits("a " * 14 + "<word>")
    assert generator.fits("a " * 20)
    assert "model" not in generator.__dict__


def test_a_broken_tokenizer_is_named(checkpoints: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoints["ddim"], tmp_path / "copy")
    (folder / "tokenizer/tokenizer.json").write_text("{")
    with pytest.raises(UserError, match=r"the tokenizer of checkpoint folder .* cannot be opened: .*; copy"):
        Generator(GeneratorSettings(str(folder), 32, 4)).fits("a <word>")


def test_the_fingerprint_follows_content_and_settings_and_not_the_path(
    checkpoints: dict[str, Path], make_generator: Callable[..., Generator], tmp_path: Path
) -> None:
    original = make_generator(checkpoints["ddim"])
    moved = shutil.copytree(checkpoints["ddim"], tmp_path / "moved")
    assert make_generator(moved, batch_size=1).fingerprint == original.fingerprint
    assert make_generator(moved, resolution=64).fingerprint != original.fingerprint
    assert make_generator(checkpoints["pndm"]).fingerprint != original.fingerprint
    weights = moved / "unet" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert make_generator(moved).fingerprint != original.fingerprint


def test_what_a_gpu_or_a_compiler_rounds_otherwise_has_an_address_of_its_own(
    checkpoints: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fingerprint(device: str, compile: str) -> str:
        monkeypatch.setattr("methods.generator.default_device", lambda: torch.device(device))
        return Generator(GeneratorSettings(str(checkpoints["ddim"]), 32, 4, "float16", compile=compile)).fingerprint

    assert len({fingerprint(device, compile) for device in ("cpu", "cuda") for compile in ("never", "always")}) == 4


def test_facts_about_the_text_encoder_need_no_model(make_generator: Callable[..., Generator]) -> None:
    generator = make_generator()
    assert generator.word_dimension == 16
    assert "model" not in generator.__dict__
    table = generator.model.encoder._embedding.table.weight
    token = generator.model.encoder.tokenizer("car", add_special_tokens=False).input_ids
    assert len(token) == 1
    np.testing.assert_array_equal(generator.noun_embedding("car"), table[token[0]].detach().cpu().numpy())


def test_a_noun_of_several_tokens_is_their_mean(make_generator: Callable[..., Generator]) -> None:
    car, bird, both = map(make_generator().noun_embedding, ("car", "bird", "car bird"))
    np.testing.assert_allclose(both, (car + bird) / 2, atol=1e-6)


def test_tokens_that_the_tokenizer_does_not_know_are_no_part_of_a_noun(
    make_generator: Callable[..., Generator],
) -> None:
    generator = make_generator()
    np.testing.assert_array_equal(generator.noun_embedding("car ☃"), generator.noun_embedding("car"))
    for unknown in ("☃", ""):
        with pytest.raises(UserError, match=f"does not know the word '{unknown}'"):
            generator.noun_embedding(unknown)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"amx_bf16": True, "avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": False, "avx512_bf16": True}, torch.bfloat16),
        ({"avx512_f": True}, torch.float32),
    ],
)
def test_a_processor_computes_in_bfloat16_where_it_has_instructions_for_it(
    monkeypatch: pytest.MonkeyPatch, checkpoints: dict[str, Path], known: dict[str, bool], expected: torch.dtype
) -> None:
    monkeypatch.setattr("methods.generator.default_device", lambda: torch.device("cpu"))
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: known, raising=False)
    assert Generator(GeneratorSettings(str(checkpoints["ddim"]), dtype="auto")).dtype == expected
