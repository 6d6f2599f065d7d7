"""After `--fetch-only` the same run needs no network: its models are downloaded and its prompts are in the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import evaluation.backbones
import methods.generator
from benchmark.cli import main
from benchmark.fetch import fetch_grid
from benchmark.job import open_job
from benchmark.progress import Stages
from benchmark.runner import run_job
from benchmark.settings import RunSettings
from benchmark.tracking import CHECKPOINT, Tracker
from methods.base import METHODS
from methods.prompts import sources
from tests.benchmark.augmented import write_photos
from tests.benchmark.conftest import SMALL

Settings = Callable[..., RunSettings]

QUIET = Stages(quiet=True)


@pytest.fixture
def asked(world, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what was requested from the network, in order."""
    found: list[str] = []

    def noted(name: str, work: Callable) -> Callable:
        def ask(*arguments: object, **named: object) -> object:
            found.append(name if name != "backbone" else str(arguments[0]))
            return work(*arguments, **named)

        return ask

    def write(noun: str, count: int, *_: object) -> list[str]:
        return [f"a photo of a <word> {i}" for i in range(count)]

    source = sources.PromptSource(check=lambda settings: None, write=noted("language model", write))
    monkeypatch.setitem(sources.PROMPT_SOURCES._plugins, "openai", source)
    for module, name, called in (
        (evaluation.backbones, "load_backbone", "backbone"),
        (methods.generator, "Generator", "checkpoint"),
    ):
        monkeypatch.setattr(module, name, noted(called, getattr(module, name)))
    return found


def test_networks_and_prompts_are_had_once(asked: list[str], small: Settings, tracking_uri: str):
    overrides = ("prompts.source=openai", "features.name=dinov2_vits14")
    settings = small("diagen", seeds="0,1", shots="2,4", overrides=overrides)
    fetch_grid([settings], QUIET)
    seeds, classes = 2, 3
    assert asked == ["efficientnet_lite0", "dinov2_vits14", "checkpoint", *["language model"] * seeds * classes]
    assert Tracker().finished_cells() == []
    asked.clear()
    run_job(open_job(settings), Tracker(), QUIET)
    assert "language model" not in asked


def test_prompts_of_a_source_of_ones_own_are_had_too(asked: list[str], small: Settings, monkeypatch):
    monkeypatch.setitem(sources.PROMPT_SOURCES._plugins, "own", sources.PROMPT_SOURCES["openai"])
    fetch_grid([small("diagen", overrides=("prompts.source=own",))], QUIET)
    assert asked.count("language model") == 3


@pytest.mark.parametrize("overrides", [(), ("prompts.source=openai",)])
def test_no_more_is_asked_for_than_the_run_needs(overrides: tuple[str, ...], asked: list[str], small: Settings):
    """Each network of a grid is requested once."""
    grid = [("standard", ""), ("da_fusion", ""), ("diagen", "noise")]
    fetch_grid([small(method, components=components, overrides=overrides) for method, components in grid], QUIET)
    assert asked == ["efficientnet_lite0", "checkpoint"]


def test_images_that_train_nothing_need_the_generator_all_the_same(asked: list[str], small: Settings):
    """With α = 0 the images are only measured."""
    settings = small("da_fusion", overrides=("da_fusion.synthetic_probability=0",))
    fetch_grid([settings], QUIET)
    assert asked == ["efficientnet_lite0", "checkpoint"]
    assert open_job(settings).tags[CHECKPOINT]


def test_a_generator_is_had_for_a_method_without_measured_images(asked: list[str], small: Settings, monkeypatch):
    monkeypatch.setattr(METHODS["da_fusion"], "services", ("generator",))
    fetch_grid([small("da_fusion")], QUIET)
    assert asked == ["efficientnet_lite0", "checkpoint"]


def test_what_is_embedded_is_there(capsys: pytest.CaptureFixture[str], tmp_path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DIAGEN_STORE", str(tmp_path / "store"))
    expected = ["classifier: efficientnet_lite0", "features: efficientnet_lite0", "generator: mini_sd, in "]
    for command in ("run", "sweep", "ablation"):
        assert main([command, "--fetch-only"]) == 0
        said = capsys.readouterr().err.splitlines()
        assert [line[: len(begin)] for line, begin in zip(said, expected, strict=True)] == expected


def test_what_augment_needs_is_had_once(asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """It trains and measures nothing: without weights no classifier is needed, and never the features' network."""
    write_photos(tmp_path / "photos", 2, 3)
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    sets = [f"--set={setting}" for setting in (*SMALL, "prompts.source=openai", "features.name=dinov2_vits14")]
    augment = ["augment", "--preset", "mini", "--data-root", "photos", *sets]
    assert main([*augment, "--components", "prompts", "--fetch-only"]) == 0
    assert asked == ["checkpoint", "language model", "language model"]
    asked.clear()
    assert main([*augment, "--fetch-only"]) == 0
    assert asked == ["efficientnet_lite0", "checkpoint"]
    assert not (tmp_path / "augmented").exists()
    asked.clear()
    assert main(augment) == 0
    assert asked == ["efficientnet_lite0", "checkpoint"]
