"""Warnings before a run: settings that are valid but unlikely to do what the user meant."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from benchmark.checks import check_access, check_services, warn_of_services
from benchmark.job import open_job
from benchmark.progress import Stages
from benchmark.runner import run_job
from benchmark.settings import RunSettings, build_method, resolve_settings
from benchmark.tracking import Tracker
from datasets.errors import UserError
from methods.base import METHODS
from methods.diagen import DIAGen

Settings = Callable[..., RunSettings]


def test_drawings_of_the_miniature_for_other_data_are_warned_of(world, small: Settings, tracking_uri: str, caplog):
    def run(settings: RunSettings) -> None:
        run_job(open_job(settings), Tracker(), Stages(quiet=True))

    run(small("standard"))
    assert not caplog.records
    run(small("da_fusion", overrides=("prompts.base_url=http://localhost:8000/v1", "prompts.file=prompts.csv")))
    drawings, unused, unread = caplog.messages
    assert drawings.startswith("mini_sd can draw only the ten classes of mini_focus: for squares set")
    assert unused.startswith("prompts.base_url is ignored")
    assert unread == "prompts.file is ignored: only prompts.source=file reads it, but it is template"


def test_images_that_train_nothing_are_made_and_so_need_what_makes_them(monkeypatch):
    """With α = 0 the images are only measured."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    settings = resolve_settings(overrides=("diagen.synthetic_probability=0", "prompts.source=openai"))
    with pytest.raises(UserError, match="OPENAI_API_KEY"):
        check_access(settings, build_method(settings))


@pytest.mark.parametrize(
    ("services", "override", "complaint"),
    [
        (("generator",), "generator.checkpoint=nowhere/at all", "nowhere"),
        (("prompts",), "prompts.word_list=nowhere", "nowhere"),
        (("features",), "features.name=dinov3", "unknown features 'dinov3'"),
    ],
)
def test_every_service_that_a_method_declares_is_looked_at(monkeypatch, services, override: str, complaint: str):
    """Each service is checked, whichever others the method declares."""
    mine = type("Mine", (DIAGen,), {"services": services, "components": ()})
    monkeypatch.setattr(METHODS, "_plugins", {**METHODS._plugins, "mine": mine})
    settings = resolve_settings(method="mine", overrides=("prompts.source=template", override))
    with pytest.raises(UserError, match=complaint):
        check_services(settings, mine(enabled=()))


def test_large_images_on_a_cpu_are_warned_of(world, small: Settings, monkeypatch, caplog):
    settings = small("da_fusion", overrides=("generator.checkpoint=some/model", "generator.resolution=512"))
    for device in ("cuda", "cpu"):
        monkeypatch.setattr("evaluation.device.default_device", lambda device=device: torch.device(device))
        warn_of_services(settings, build_method(settings))
    (slow,) = caplog.messages
    assert slow.startswith("PyTorch finds no GPU that it can use; on a CPU, an image of 512 pixels takes minutes")
