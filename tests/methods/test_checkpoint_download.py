"""Only the files that are read come from the hub; a folder acts as the hub, and requested files are copied from it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub.utils import filter_repo_objects

from datasets.errors import UserError
from methods.checkpoint_layout import MODELS, checkpoint_files
from methods.generator import Generator
from methods.settings import GeneratorSettings

NAME = "somebody/something"


@pytest.fixture
def hub(checkpoints: dict[str, Path], tmp_path: Path) -> Path:
    """The checkpoint as on the hub, with weights in both precisions and files that are not needed."""
    folder = Path(shutil.copytree(checkpoints["ddim"], tmp_path / "hub"))
    for part, stem in MODELS.items():
        plain = folder / part / f"{stem}.safetensors"
        shutil.copy(plain, plain.with_suffix(".fp16.safetensors"))
        shutil.copy(plain, plain.with_suffix(".non_ema.safetensors"))
        shutil.copy(plain, plain.with_suffix(".bin"))
    (folder / "safety_checker").mkdir()
    shutil.copy(plain, folder / "safety_checker" / "model.safetensors")
    return folder


@pytest.fixture
def fetched(hub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The weights in the hub's cache."""
    cache = tmp_path / "cache"

    def download(name: str, allow_patterns: list[str], ignore_patterns: list[str], **_: object) -> str:
        assert name == NAME
        names = [path.relative_to(hub).as_posix() for path in hub.rglob("*") if path.is_file()]
        for wanted in filter_repo_objects(names, allow_patterns=allow_patterns, ignore_patterns=ignore_patterns):
            (cache / wanted).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(hub / wanted, cache / wanted)
        return str(cache)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    weights = {".safetensors", ".bin"}
    return lambda: sorted(path.relative_to(cache).as_posix() for path in cache.rglob("*") if path.suffix in weights)


def test_plain_weights_are_fetched_and_no_others(hub: Path, fetched: Callable[[], list[str]]) -> None:
    generator = Generator(GeneratorSettings(NAME, 32, 4))
    assert fetched() == sorted(f"{part}/{stem}.safetensors" for part, stem in MODELS.items())
    assert generator.fingerprint == Generator(GeneratorSettings(str(hub), 32, 4)).fingerprint


def test_weights_in_half_precision_are_fetched_of_a_part_without_others(
    hub: Path, fetched: Callable[[], list[str]]
) -> None:
    (hub / "unet" / f"{MODELS['unet']}.safetensors").unlink()
    files = checkpoint_files(Generator(GeneratorSettings(NAME, 32, 4)).folder)
    assert [path.name for path in files if path.suffix == ".safetensors"] == [
        "model.safetensors", "diffusion_pytorch_model.fp16.safetensors", "diffusion_pytorch_model.safetensors"
    ]  # fmt: skip
    assert len(fetched()) == len(MODELS)


def test_shards_in_half_precision_are_fetched_too(hub: Path, fetched: Callable[[], list[str]]) -> None:
    """Their index is a JSON file, which is downloaded before the weights."""
    stem = MODELS["unet"]
    shard = f"{stem}.fp16-00001-of-00001.safetensors"
    (hub / "unet" / f"{stem}.safetensors").rename(hub / "unet" / shard)
    (hub / "unet" / f"{stem}.fp16.safetensors").unlink()
    index = {"metadata": {}, "weight_map": {"conv_in.weight": shard}}
    (hub / "unet" / f"{stem}.safetensors.index.fp16.json").write_text(json.dumps(index))
    Generator(GeneratorSettings(NAME, 32, 4))
    assert f"unet/{shard}" in fetched()


def test_no_weights_of_another_architecture_are_fetched(hub: Path, fetched: Callable[[], list[str]]) -> None:
    index = hub / "model_index.json"
    parts = {**json.loads(index.read_text()), "text_encoder_2": ["transformers", "CLIPTextModelWithProjection"]}
    index.write_text(json.dumps(parts))
    with pytest.raises(UserError, match="second text encoder"):
        Generator(GeneratorSettings(NAME, 32, 4))
    assert fetched() == []


def test_a_download_is_told_before_it_begins_and_not_again(
    hub: Path, fetched: Callable[[], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        Generator(GeneratorSettings(NAME, 32, 4))
    (message,) = caplog.messages
    assert message.startswith(f"downloading the weights of {NAME} from the hub")


def test_what_lies_in_the_cache_is_not_asked_for_again(
    hub: Path, fetched: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only its small files are requested again, because they show whether the weights on the hub have changed."""
    Generator(GeneratorSettings(NAME, 32, 4))
    asked: list[object] = []
    download = huggingface_hub.snapshot_download

    def counted(*names: str, **how: object) -> str:
        asked.append(how["allow_patterns"])
        return download(*names, **how)

    monkeypatch.setattr("huggingface_hub.snapshot_download", counted)
    Generator(GeneratorSettings(NAME, 32, 4))
    assert asked == [["*.json", "tokenizer/*"]]


def test_weights_in_half_precision_that_lie_in_the_cache_do_not_stand_for_plain_ones(
    hub: Path, fetched: Callable[[], list[str]]
) -> None:
    """Another program may have fetched them; the words learned from a checkpoint must not depend on that."""
    for part, stem in MODELS.items():
        half = hub.parent / "cache" / part / f"{stem}.fp16.safetensors"
        half.parent.mkdir(parents=True)
        shutil.copy(hub / part / half.name, half)
    Generator(GeneratorSettings(NAME, 32, 4))
    assert {f"{part}/{stem}.safetensors" for part, stem in MODELS.items()} <= set(fetched())


def test_a_hub_that_cannot_be_reached_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_arguments: object, **_named: object) -> str:
        raise ConnectionError("Name or service\nnot known")

    monkeypatch.setattr("huggingface_hub.snapshot_download", fails)
    with pytest.raises(UserError, match="fetched from the hub: Name or service not known; check the name and the net"):
        Generator(GeneratorSettings(NAME, 32, 4))
