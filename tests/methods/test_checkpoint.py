"""A checkpoint folder is complete, of the right family and identified by its content, or one line says why not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from datasets.errors import UserError
from methods.checkpoint_layout import MODELS, checkpoint_files
from methods.generator import Generator
from methods.plan import PlanRow
from methods.settings import GeneratorSettings
from tests.methods.plain_pipeline import difference

UNET = MODELS["unet"]
"""The file name, without suffix, of the weights of the UNet and the codec."""
ROW = PlanRow(0, 0, "a photo of a <word> on grass", "a", 0.7, 15.0, 10, seed=1)
WORD = {"a": np.random.default_rng(1).normal(0, 0.5, 16).astype(np.float32)}


@pytest.fixture
def folder(checkpoints: dict[str, Path], tmp_path: Path) -> Path:
    """A copy to modify."""
    return Path(shutil.copytree(checkpoints["ddim"], tmp_path / "copy"))


def _image(generator: Generator, guides: dict[int, Image.Image]) -> Image.Image:
    return next(generator.generate([ROW], WORD, guides))[1]


def _change(path: Path, **changes: Any) -> None:
    """Change entries of a JSON file; None removes an entry."""
    entries = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({name: value for name, value in entries.items() if value is not None}))


@pytest.mark.parametrize(
    "part",
    ["unet/diffusion_pytorch_model.safetensors", "vae/config.json", "text_encoder/model.safetensors",
     "tokenizer/tokenizer.json", "scheduler/scheduler_config.json", "model_index.json"],
)  # fmt: skip
def test_an_incomplete_folder_is_refused_by_the_missing_part(folder: Path, part: str) -> None:
    (folder / part).unlink()
    with pytest.raises(UserError, match=f"incomplete: {part} is missing"):
        Generator(GeneratorSettings(str(folder), 32, 4))


@pytest.mark.parametrize("parts", [["unet", "vae", "text_encoder"], ["vae"], ["unet"], ["text_encoder"]])
def test_parts_with_fp16_weights_only_are_opened_beside_plain_ones(
    folder: Path,
    checkpoints: dict[str, Path],
    make_generator: Callable[..., Generator],
    guides: dict[int, Image.Image],
    parts: list[str],
) -> None:
    for part in parts:
        weights = folder / part / f"{MODELS[part]}.safetensors"
        weights.rename(weights.with_suffix(".fp16.safetensors"))
    made, expected = (_image(make_generator(each), guides) for each in (folder, checkpoints["ddim"]))
    assert difference(made, expected) == 0


def test_plain_weights_are_read_where_a_part_has_both(
    folder: Path, checkpoints: dict[str, Path], make_generator: Callable[..., Generator]
) -> None:
    """Here the UNet's fp16 weights differ from the others, and the codec has only fp16 weights."""
    plain = make_generator(checkpoints["ddim"])
    _double_weights(folder / "unet" / f"{UNET}.safetensors", folder / "unet" / f"{UNET}.fp16.safetensors")
    assert make_generator(folder).fingerprint == plain.fingerprint
    (folder / "vae" / f"{UNET}.safetensors").rename(folder / "vae" / f"{UNET}.fp16.safetensors")
    files = {path.relative_to(folder).as_posix() for path in checkpoint_files(folder)}
    assert f"unet/{UNET}.safetensors" in files
    assert f"unet/{UNET}.fp16.safetensors" not in files
    read, expected = (generator.model.unet.conv_out.weight for generator in (make_generator(folder), plain))
    assert torch.equal(read, expected)


def test_a_part_without_any_weights_beside_fp16_ones_is_named(folder: Path) -> None:
    (folder / "unet" / f"{UNET}.safetensors").rename(folder / "unet" / f"{UNET}.fp16.safetensors")
    (folder / "vae" / f"{UNET}.safetensors").unlink()
    with pytest.raises(UserError, match=f"incomplete: vae/{UNET}.safetensors is missing"):
        Generator(GeneratorSettings(str(folder), 32, 4))


def _double_weights(source: Path, target: Path) -> None:
    save_file({name: 2 * tensor for name, tensor in load_file(source).items()}, target, {"format": "pt"})


def test_a_truncated_weight_file_is_refused_in_one_line(folder: Path, make_generator: Callable[..., Generator]) -> None:
    weights = folder / "vae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(UserError, match="cannot be opened") as caught:
        _ = make_generator(folder).model
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("part", "cut", "first"),
    [
        ("unet", "time_embedding.linear_1", "time_embedding.linear_1.bias and 1 more"),
        ("vae", "post_quant_conv.bias", "post_quant_conv.bias"),
        ("text_encoder", "layers.0.", r"[\w.]*layers.0.layer_norm1.bias and 15 more"),
    ],
)
def test_weights_that_lack_a_tensor_are_refused_rather_than_filled_with_random_numbers(
    folder: Path, make_generator: Callable[..., Generator], part: str, cut: str, first: str
) -> None:
    file = folder / part / f"{MODELS[part]}.safetensors"
    save_file({name: value for name, value in load_file(file).items() if cut not in name}, file, {"format": "pt"})
    with pytest.raises(UserError, match=f"the weights of {part} lack {first}: copy"):
        _ = make_generator(folder).model


def test_a_checkpoint_with_the_files_of_2022_is_opened(
    folder: Path, checkpoints: dict[str, Path], make_generator: Callable[..., Generator], guides: dict[int, Image.Image]
) -> None:
    """These are the files on the hub for Stable Diffusion 1.4: old parameter names and a tokenizer in several files."""
    _rename_attention_as_in_2022(folder / "vae" / f"{UNET}.safetensors")
    _rename_text_as_in_2022(folder / "text_encoder" / "model.safetensors")
    _split_tokenizer_as_in_2022(folder / "tokenizer")
    made, expected = (_image(make_generator(each), guides) for each in (folder, checkpoints["ddim"]))
    assert difference(made, expected) == 0


def _rename_attention_as_in_2022(file: Path) -> None:
    former = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    weights = load_file(file)
    for name, old in former.items():
        weights = {key.replace(f".{name}.", f".{old}."): value for key, value in weights.items()}
    assert any(".query." in key for key in weights)
    save_file(weights, file, {"format": "pt"})


def _rename_text_as_in_2022(file: Path) -> None:
    weights = {f"text_model.{key.removeprefix('text_model.')}": value for key, value in load_file(file).items()}
    positions = len(weights["text_model.embeddings.position_embedding.weight"])
    weights["text_model.embeddings.position_ids"] = torch.arange(positions)[None]
    save_file(weights, file, {"format": "pt"})


def _split_tokenizer_as_in_2022(folder: Path) -> None:
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]))


def test_the_index_names_the_sampler_and_so_belongs_to_the_fingerprint(
    folder: Path, checkpoints: dict[str, Path], make_generator: Callable[..., Generator]
) -> None:
    _change(folder / "model_index.json", scheduler=["diffusers", "PNDMScheduler"])
    generator = make_generator(folder)
    assert type(generator.model.scheduler).__name__ == "PNDMScheduler"
    assert generator.fingerprint != make_generator(checkpoints["ddim"]).fingerprint
    with pytest.raises(UserError, match="PNDMScheduler has no η"):
        Generator(GeneratorSettings(str(folder), 32, 4, eta=0.5))


def test_the_tokenizers_merges_belong_to_the_fingerprint(
    folder: Path, make_generator: Callable[..., Generator]
) -> None:
    prints = set()
    for merge in ("a b", "a c"):
        (folder / "tokenizer/merges.txt").write_text(f"#version: 0.2\n{merge}\n")
        prints.add(make_generator(folder).fingerprint)
    assert len(prints) == 2


def test_a_sampler_of_another_kind_of_noise_is_refused(folder: Path, make_generator: Callable[..., Generator]) -> None:
    _change(folder / "model_index.json", scheduler=["diffusers", "FlowMatchEulerDiscreteScheduler"])
    with pytest.raises(UserError, match="sampler without a noise schedule of variances, FlowMatchEuler"):
        _ = make_generator(folder).model


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("unet/config.json", {"addition_embed_type": "text_time"}, "Stable Diffusion XL"),
        ("unet/config.json", {"in_channels": 9}, "UNet with 9 input channels"),
        ("unet/config.json", {"num_class_embeds": 1000}, "UNet with num_class_embeds"),
        ("unet/config.json", {"only_cross_attention": [False, True]}, "UNet with only_cross_attention"),
        ("text_encoder/config.json", {"hidden_size": 24}, "text encoder of width 24 to a UNet that expects 16"),
        ("scheduler/scheduler_config.json", {"prediction_type": "sample"}, "predicts 'sample'"),
        ("model_index.json", {"_class_name": "StableDiffusion3Pipeline", "unet": None}, "3Pipeline, with no unet"),
        (
            "model_index.json",
            {"_class_name": "StableDiffusionXLPipeline", "text_encoder_2": ["transformers", "CLIPTextModel"]},
            "a StableDiffusionXLPipeline, with a second text encoder",
        ),
    ],
)
def test_a_checkpoint_of_another_architecture_is_refused(
    folder: Path, file: str, change: dict[str, Any], message: str
) -> None:
    _change(folder / file, **change)
    with pytest.raises(UserError, match=f"{message}.*: Stable Diffusion 1.x or 2.x is needed"):
        Generator(GeneratorSettings(str(folder), 32, 4))


def test_settings_that_the_libraries_have_defaults_for_may_be_missing(
    folder: Path, checkpoints: dict[str, Path], make_generator: Callable[..., Generator], guides: dict[int, Image.Image]
) -> None:
    _change(folder / "unet/config.json", in_channels=None)
    _change(folder / "unet/config.json", only_cross_attention=[False, False])
    _change(folder / "tokenizer/tokenizer_config.json", model_max_length=int(1e30))
    made, expected = (_image(make_generator(each), guides) for each in (folder, checkpoints["ddim"]))
    assert difference(made, expected) == 0


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("unet/config.json", "[1]", "config.json contains no JSON object: copy"),
        ("unet/config.json", "{", r"config.json is not readable JSON \(JSONDecodeError\): copy"),
        (f"unet/{UNET}.safetensors.index.json", "{}", "index.json names no weights"),
    ],
)
def test_a_malformed_file_is_named(folder: Path, file: str, content: str, message: str) -> None:
    (folder / "unet" / f"{UNET}.safetensors").unlink()
    (folder / file).write_text(content)
    with pytest.raises(UserError, match=message):
        Generator(GeneratorSettings(str(folder), 32, 4))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (GeneratorSettings("no/such/folder"), "is neither a folder, nor a hub name"),
        (GeneratorSettings(resolution=60), "multiple of 8"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: GeneratorSettings, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Generator(settings)
