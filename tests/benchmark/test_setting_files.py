"""Presets and protocols: settings files of the project and of users."""

from __future__ import annotations

import re
from errno import EACCES
from pathlib import Path
from typing import NoReturn

import pytest

import datasets  # noqa: F401
import methods  # noqa: F401
from benchmark.run_identity import overrides_of
from benchmark.setting_files import (
    PRESETS,
    load_protocol,
    preset_grid,
    preset_identity,
    preset_names,
    protocol_identity,
    protocol_names,
)
from benchmark.settings import flatten, resolve_settings
from datasets.base import DATASETS
from datasets.errors import UserError
from methods.base import METHODS


def resolve(*overrides: str, method: str = "diagen", **given: str):
    return resolve_settings(method=method, dataset="imagefolder", overrides=overrides, **given)


def test_a_preset_may_set_a_dataset_apart(tmp_path: Path):
    preset = tmp_path / "mine.yaml"
    preset.write_text(
        "classifier: {image_size: 224}\n"
        "datasets: {imagefolder: {classifier: {image_size: 64}}, custom_coco: {classifier: {image_size: 32}}}\n"
    )
    assert resolve(preset=str(preset)).classifier.image_size == 64


def test_a_preset_file_is_known_by_its_name_and_what_it_sets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    preset = tmp_path / "mine.yaml"
    preset.write_text("classifier: {epochs: 7}\ndiagen: {strength: 0.6}\n")
    known = preset_identity("mine.yaml")
    assert re.fullmatch(r"mine \([0-9a-f]{6}\)", known)
    assert {preset_identity(path) for path in ("./mine.yaml", f"../{tmp_path.name}/mine.yaml", str(preset))} == {known}
    preset.write_text("# the same\ndiagen:\n  strength: 0.6\nclassifier:\n  epochs: 7\n")
    assert preset_identity("mine.yaml") == known
    preset.write_text("classifier: {epochs: 8}\ndiagen: {strength: 0.6}\n")
    assert preset_identity("mine.yaml") != known


def test_a_preset_may_say_what_a_sweep_runs_and_sets_nothing_by_it(tmp_path: Path):
    preset = tmp_path / "mine.yaml"
    preset.write_text("classifier: {epochs: 7}\n")
    known, settings = preset_identity(str(preset)), flatten(resolve(preset=str(preset)))
    assert preset_grid(str(preset)) == {}
    preset.write_text("classifier: {epochs: 7}\nsweep: {datasets: [focus, coco], shots: [4]}\n")
    assert preset_grid(str(preset)) == {"datasets": "focus,coco", "shots": "4"}
    assert (preset_identity(str(preset)), flatten(resolve(preset=str(preset)))) == (known, settings)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sweep: focus", "write 'sweep' like this"),
        ("sweep: {shots: 4}", "write 'sweep' like this"),
        ("sweep: {dataset: [focus]}", "unknown option of sweep 'dataset'; did you"),
    ],
)
def test_what_is_no_grid_of_a_preset_is_a_line(text: str, says: str, tmp_path: Path):
    preset = tmp_path / "mine.yaml"
    preset.write_text(text)
    with pytest.raises(UserError, match=says):
        preset_grid(str(preset))


def test_a_preset_or_protocol_of_the_project_is_known_by_its_name():
    for path in ("mini", "./mini", str(PRESETS / "mini.yaml")):
        assert preset_identity(path) == "mini"
    assert protocol_identity("as_released") == "as_released"
    assert preset_identity("of an earlier run.yaml") == "of an earlier run.yaml"


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_is_valid_for_every_method(preset: str):
    for method in METHODS:
        assert resolve(method=method, preset=preset).preset == preset


def test_the_paper_preset_has_the_papers_hyper_parameters():
    settings = flatten(resolve(preset="paper")) | flatten(resolve(preset="paper", method="da_fusion"))
    training = {"epochs": 50, "iterations": 200, "batch_size": 32, "learning_rate": 1e-4}
    expected = {
        "classifier": {**training, "image_size": 256},
        "guide_classifier": {**training, "weight_decay": 1e-2, "patience": 6, "confidence_views": 5},
        "features": {"neighbours": 3, "density_neighbours": 5},
        "textual_inversion": {
            "steps": 1000, "batch_size": 4, "learning_rate": 2e-3, "weight_decay": 1e-2, "initial_word": "the",
        },
        "generator": {"checkpoint": "CompVis/stable-diffusion-v1-4", "resolution": 512, "scheduler": "checkpoint"},
        "prompts": {"source": "openai", "model": "gpt-6.1-sol"},  # the paper's GPT-4 is no longer available
        "da_fusion": {"strength": 0.5, "guidance_scale": 7.5, "synthetic_probability": 0.5},
        "diagen": {
            "strength": 0.7, "guidance_scale": 15.0, "synthetic_probability": 0.7, "steps": 50,
            "images_per_example": 10, "prompts_per_class": 10, "noise_std": (0.0, 0.005, 0.01, 0.025),
            "weight": "min(1, 2c)",
        },
    }  # fmt: skip
    for group, values in expected.items():
        assert {name: settings[f"{group}.{name}"] for name in values} == values


def test_a_broken_preset_file_is_refused(tmp_path: Path):
    for content, says in (
        ("[1, 2]", "mapping"),
        ("a: 1\nb: [", "YAML: .* in line 2"),
        ("classifier: {epochs: 3}\nclassifier: {iterations: 9}", "'classifier' occurs twice in line 2"),
        ("[" * 3000, "is not valid YAML: .*recursion"),
        ("diagen: &a\n  b: *a\n", "a setting is nested too deeply, or contains itself"),
        ("diagen: {strength: &a [*a]}", "a setting is nested too deeply, or contains itself"),
        ("typo: 1", "unknown setting"),
        ("classifier.epochs: 2", r"'classifier\.epochs' nested: 'classifier: {epochs: 2}'$"),
        ("diagen.noise_std: [1, 2]", r"'diagen: {noise_std: \[1, 2\]}'$"),
        ("clasifier.epochs: 2", r"unknown setting 'clasifier\.epochs'; did you mean classifier\.epochs"),
        ("prompts: {model: 2024-13-45}", "YAML"),
        ("shots: [2]", "'shots' has an option of its own; use --shots"),
        ("components: [noise]", "--components"),
        ("datasets: {mini_focsu: {}}", "unknown dataset 'mini_focsu'; did you mean mini_focus"),
        ("datasets: {mini_focus: [1]}", "'datasets: mini_focus' must be a mapping"),
    ):
        (tmp_path / "bad.yaml").write_text(content)
        with pytest.raises(UserError, match=says):
            resolve(preset=str(tmp_path / "bad.yaml"))
    (tmp_path / "bad.yaml").write_text("datasets: {my_plugins_data: {folds: 3}}")
    resolve(preset=str(tmp_path / "bad.yaml"))  # settings of a plugin that is not loaded now
    with pytest.raises(UserError, match=r"other\.yaml': no such file"):
        resolve(preset=str(tmp_path / "other.yaml"))


def test_a_preset_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "mine.yaml").write_text("")
    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(UserError, match=r"mine\.yaml' cannot be read \(Permission denied\)"):
        resolve(preset=str(tmp_path / "mine.yaml"))


def refuse(*_arguments: object, **_named: object) -> NoReturn:
    raise PermissionError(EACCES, "Permission denied")


class TestProtocols:
    @pytest.mark.parametrize("protocol", protocol_names())
    def test_every_protocol_fits_every_dataset_and_method(self, protocol: str):
        for dataset in DATASETS:
            for method in METHODS:
                resolve_settings(method=method, dataset=dataset, protocol=protocol)

    def test_the_papers_is_the_default_of_every_setting(self):
        assert overrides_of(resolve()) == ""
        assert load_protocol("paper") == {}

    def test_an_unknown_one_is_refused(self):
        with pytest.raises(UserError, match="unknown protocol 'papr'; did you mean paper"):
            resolve(protocol="papr")

    def test_a_setting_of_the_command_line_beats_the_protocols(self, tmp_path: Path):
        protocol = tmp_path / "mine.yaml"
        protocol.write_text("classifier: {epochs: 7, iterations: 9}\n")
        settings = resolve("classifier.iterations=11", protocol=str(protocol))
        assert (settings.classifier.epochs, settings.classifier.iterations) == (7, 11)
