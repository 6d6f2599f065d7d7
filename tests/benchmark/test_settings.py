"""Settings: precedence, refusals with the nearest names, fingerprints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import datasets  # noqa: F401
import methods  # noqa: F401
from benchmark.setting_checks import parse_override
from benchmark.setting_files import (
    PRESETS,
    load_protocol,
    preset_identity,
    preset_names,
    protocol_identity,
    protocol_names,
)
from benchmark.settings import (
    as_override,
    build_method,
    components_label,
    flatten,
    open_dataset,
    overrides_of,
    resolve_settings,
    settings_fingerprint,
)
from datasets.base import DATASETS
from datasets.errors import UserError
from methods.base import METHODS
from tests.benchmark.conftest import Squares


def resolve(*overrides: str, method: str = "diagen", **given: str):
    return resolve_settings(method=method, dataset="imagefolder", overrides=overrides, **given)


def test_the_command_line_beats_the_preset_which_beats_the_default(tmp_path: Path):
    preset = tmp_path / "mine.yaml"
    preset.write_text("classifier: {epochs: 7, iterations: 9}\ndiagen: {strength: 0.6}\n")
    settings = resolve("classifier.iterations=11", preset=str(preset))
    assert settings.classifier.epochs == 7
    assert settings.classifier.iterations == 11
    assert settings.classifier.batch_size == 32
    assert build_method(settings).strength == 0.6


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
        "prompts": {"source": "openai", "model": "gpt-6.1-sol"},  # the paper's GPT-4 was shut down
        "da_fusion": {"strength": 0.5, "guidance_scale": 7.5, "synthetic_probability": 0.5},
        "diagen": {
            "strength": 0.7, "guidance_scale": 15.0, "synthetic_probability": 0.7, "steps": 50,
            "images_per_example": 10, "prompts_per_class": 10, "noise_std": (0.0, 0.005, 0.01, 0.025),
            "weight": "min(1, 2c)",
        },
    }  # fmt: skip
    for group, values in expected.items():
        assert {name: settings[f"{group}.{name}"] for name in values} == values


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("nonsense.key=3", "unknown setting 'nonsense.key'"),
        ("classifier.epoch=3", "classifier.epochs"),
        ("diagen.strenght=0.5", "diagen.strength"),
        ("classifier=3", "group of settings"),
        ("classifier.epochs=many", "classifier.epochs"),
        ("classifier.epochs=[1", "no valid value"),
        ("diagen.noise_std=0.1", "takes a list"),
        ("diagen.noise_std=[[1]]", "'diagen.noise_std' takes a list such as [1,2], not '[[1]]'"),
        ("diagen.noise_std=[a]", "'diagen.noise_std': ['a'] is of another type than [0.0, "),
        ("classifier.epochs=", "'classifier.epochs' is given no value"),
        ("prompts.model.name=2", "single setting"),
        ("unreadable=ignore", "refuse, skip"),
        ("features.dtype=bf16", "unknown features.dtype 'bf16'; did you mean bfloat16"),
        ("classifier.dtype=double", "known: auto, bfloat16, float16, float32"),
        ("classifier.epochs=-1", "above 0"),
        ("workers=-2", "must be -1 or 0 or above 0"),
        ("generator.dtype=float8", "unknown generator.dtype 'float8'"),
        ("generator.scheduler=euler2", "known: checkpoint, ddim"),
        ("generator.compile=perhaps", "known: always, auto, never"),
        ("generator.batch_size=-1", "'generator.batch_size' is -1: it must be 0 or above 0"),
        ("generator.eta=1.5", "'generator.eta' is 1.5: it must be at least 0 and at most 1"),
        ("prompts.timeout_seconds=0", "'prompts.timeout_seconds' is 0.0: it must be above 0"),
        ("prompts.retries=-1", "'prompts.retries' is -1: it must be at least 0"),
        ("classifier.learning_rate=.nan", "learning_rate"),
        ("diagen.synthetic_probability=1.5", "at most 1"),
        ("diagen.strength=1.5", "'diagen.strength' is 1.5: it must be above 0 and at most 1"),
        ("shots=3", "--shots"),
        ("data_root=photos", "--data-root"),
        ("split_files=[a.json]", "--split-file"),
        ("classifier.epochs=???", "'???' is no value"),
        ("classifier.backbone=${features.name}", "'${features.name}' is no value"),
        ("prompts.model=2024-13-45", "no valid value"),
        ("prompts.base_url=http://user:secret@localhost/v1", "holds a password in its address"),
        ("prompts.base_url=http://user:secret@[::1/v1", "holds a password in its address"),
        ("prompts.base_url=http://user:se/cret@localhost/v1", "without a password or a query"),
        ("prompts.base_url=user:secret@localhost/v1", "without a password or a query"),
        ("prompts.base_url=http:user:secret@localhost/v1", "without a password or a query"),
        ("prompts.base_url=http://localhost/v1?api_key=secret", "without a password or a query"),
        ("prompts.base_url=http://localhost?api_key=secret", "without a password or a query"),
        ("prompts.base_url=http://localhost/v1#secret", "without a password or a query"),
        ("prompts.base_url=localhost:8000/v1", "must be an address such as http://localhost:8000/v1"),
        ("epochs", "key=value"),
        ("=3", "key=value"),
        ("a..b=3", "key=value"),
    ],
)
def test_a_bad_setting_is_refused_with_one_line_that_helps(override: str, says: str):
    with pytest.raises(UserError) as refusal:
        resolve(override)
    assert says in str(refusal.value)
    assert not any(unwanted in str(refusal.value) for unwanted in ("\n", "secret", "cret@"))


@pytest.mark.parametrize("address", ["", "http://localhost:8000/v1", "https://[::1]:8000/v1/", "https://example.org"])
def test_an_address_without_a_secret_is_taken(address: str):
    assert resolve(f"prompts.base_url='{address}'").prompts.base_url == address


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"shots": "four"}, "whole numbers"),
        ({"shots": "0"}, "at least 1"),
        ({"shots": "2,,4"}, "whole numbers"),
        ({"seeds": "-1"}, "at least 0"),
        ({"preset": "mimi"}, "mini"),
        ({"components": "nois"}, "noise"),
        ({"components": "noise,none"}, "none"),
    ],
)
def test_a_bad_option_is_refused(given: dict[str, str], says: str):
    with pytest.raises(UserError, match=says):
        resolve(**given)


def test_a_broken_preset_file_is_refused(tmp_path: Path):
    for content, says in (
        ("[1, 2]", "mapping"),
        ("a: 1\nb: [", "YAML: .* in line 2"),
        ("classifier: {epochs: 3}\nclassifier: {iterations: 9}", "'classifier' stands there twice in line 2"),
        ("typo: 1", "unknown setting"),
        ("classifier.epochs: 2", r"'classifier\.epochs' is written nested in a file: 'classifier: {epochs: 2}'$"),
        ("diagen.noise_std: [1, 2]", r"'diagen: {noise_std: \[1, 2\]}'$"),
        ("clasifier.epochs: 2", r"unknown setting 'clasifier\.epochs'; did you mean classifier\.epochs"),
        ("prompts: {model: 2024-13-45}", "YAML"),
        ("shots: [2]", "'shots' has an option of its own: --shots"),
        ("components: [noise]", "--components"),
        ("datasets: {mini_focsu: {}}", "unknown dataset 'mini_focsu'; did you mean mini_focus"),
        ("datasets: {mini_focus: [1]}", "'datasets: mini_focus' must be a mapping"),
    ):
        (tmp_path / "bad.yaml").write_text(content)
        with pytest.raises(UserError, match=says):
            resolve(preset=str(tmp_path / "bad.yaml"))
    (tmp_path / "bad.yaml").write_text("datasets: {my_plugins_data: {folds: 3}}")
    resolve(preset=str(tmp_path / "bad.yaml"))  # of a plugin that is not loaded now
    with pytest.raises(UserError, match=r"other\.yaml': no such file"):
        resolve(preset=str(tmp_path / "other.yaml"))


def test_lists_keep_their_order_and_lose_repeats():
    settings = resolve(shots="8,2,2", seeds="2,0")
    assert (settings.shots, settings.seeds) == ([8, 2], [2, 0])


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("", "noise,prompts,weights"),
        ("all", "noise,prompts,weights"),
        ("none", "none"),
        ("weights,noise", "noise,weights"),
    ],
)
def test_any_subset_of_the_components_can_be_on(text: str, label: str):
    settings = resolve(components=text)
    assert components_label(settings) == label
    assert ",".join(build_method(settings).enabled) == label.replace("none", "")


def test_a_method_without_components_refuses_them_and_has_no_label():
    assert components_label(resolve(method="standard")) == ""
    with pytest.raises(UserError, match="none to switch"):
        resolve(method="standard", components="noise")


def test_a_data_root_is_known_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert resolve(data_root="photos").data_root == str(tmp_path / "photos")
    assert resolve(data_root="~/photos").data_root == str(Path.home() / "photos")
    assert resolve().data_root == ""


def test_only_what_can_change_a_figure_is_part_of_the_fingerprint():
    plain = settings_fingerprint(resolve())
    same = [
        resolve("generator.batch_size=3"),
        resolve("da_fusion.strength=0.9"),
        resolve(data_root="/elsewhere"),
        resolve(shots="8", seeds="5"),
        resolve("classifier.epochs=20"),
    ]
    assert {settings_fingerprint(settings) for settings in same} == {plain}
    other = [
        "classifier.image_size=64",
        "classifier.views_per_image=3",
        "diagen.strength=0.9",
        "features.neighbours=5",
        "generator.dtype=float32",
        "generator.scheduler=ddim",
        "guide_classifier.patience=9",
        "prompts.model=other",
        "textual_inversion.steps=3",
        "unreadable=skip",
    ]
    assert len({settings_fingerprint(resolve(override)) for override in other} | {plain}) == len(other) + 1


def test_where_the_first_tasks_words_are_everybodys_that_task_is_part_of_the_fingerprint():
    def fingerprint(*overrides: str, shots: str, seeds: str) -> str:
        return settings_fingerprint(resolve(*overrides, shots=shots, seeds=seeds))

    shared = "textual_inversion.words_of=first_task"
    cells = [{"shots": shots, "seeds": seeds} for shots in ("2,4", "4,2") for seeds in ("0,1", "1,0")]
    assert len({fingerprint(shared, **given) for given in cells}) == 4
    assert fingerprint(shared, shots="2", seeds="0") == fingerprint(shared, shots="2,4", seeds="0,1")
    assert len({fingerprint(**given) for given in cells}) == 1


def test_settings_that_a_method_does_not_use_make_no_other_runs_of_it():
    of_words, of_prompts = "textual_inversion.steps=20", "prompts.model=other"
    for method, changes in (("standard", 0), ("da_fusion", 1), ("diagen", 2)):
        plain = resolve(method=method)
        others = [resolve(override, method=method) for override in (of_words, of_prompts)]
        assert len({settings_fingerprint(each) for each in [plain, *others]}) == 1 + changes
        assert len({overrides_of(each) for each in [plain, *others]}) == 1 + changes


def test_overrides_name_what_differs_from_the_preset():
    assert overrides_of(resolve("classifier.epochs=20", "generator.batch_size=2")) == ""
    assert overrides_of(resolve("diagen.noise_std=[0,0.1]", "classifier.epochs=3")) == (
        "classifier.epochs=3 diagen.noise_std=[0.0,0.1]"
    )


@pytest.mark.parametrize(
    "text",
    ["", "no", "010", "12:30", "x #1", "a: b", "null", "2024-01-02", "it's", "[", "min(1, 2c)", "llama3:8b"],
)
def test_an_override_is_read_as_the_text_that_it_was(text: str):
    written = as_override("prompts.model", text)
    assert parse_override(written) == {"prompts": {"model": text}}
    assert parse_override(as_override("squares.tests", [text, "b"])) == {"squares": {"tests": [text, "b"]}}
    assert written == f"prompts.model={text}" or text not in ("min(1, 2c)", "llama3:8b")  # no quotes where none help


def test_flattened_settings_hold_the_runs_own_hyper_parameters_only():
    flat = flatten(resolve(method="da_fusion"))
    assert flat["da_fusion.strength"] == 0.5
    assert not any(name.startswith(("diagen.", "methods")) for name in flat)


class TestADatasetsOwnSettings:
    """Keyword-only arguments of a dataset's constructor are its settings."""

    def test_they_are_set_like_a_methods(self, squares: None):
        settings = resolve_settings(method="standard", dataset="squares", overrides=("squares.tests=[test]",))
        assert flatten(settings)["squares.tests"] == ("test",)
        assert list(open_dataset(settings).splits(0).tests) == ["test"]

    def test_only_the_runs_own_dataset_counts(self, squares: None):
        plain, other = (resolve_settings(method="standard", overrides=o) for o in ((), ("squares.tests=[test]",)))
        assert settings_fingerprint(plain) == settings_fingerprint(other)

    def test_a_file_that_its_constructor_misses_is_named(self, squares: None, monkeypatch: pytest.MonkeyPatch):
        def missing(self: object, data_root: Path | None = None, unreadable: str = "refuse") -> None:
            Path("no/labels.csv").read_text(encoding="utf-8")

        monkeypatch.setattr(Squares, "__init__", missing)
        settings = resolve_settings(method="standard", dataset="squares")
        with pytest.raises(UserError, match=r"dataset squares cannot be opened: .*'no/labels.csv'"):
            open_dataset(settings)

    def test_an_unknown_one_is_refused_with_the_nearest(self, squares: None):
        with pytest.raises(UserError, match=r"squares\.test.*did you mean squares\.tests"):
            resolve_settings(method="standard", dataset="squares", overrides=("squares.test=[test]",))

    @pytest.fixture
    def squares(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(DATASETS, "_plugins", {**DATASETS._plugins, "squares": Squares})


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


def test_workers_may_be_chosen_by_the_program_or_none():
    assert [resolve(f"workers={n}").workers for n in (-1, 0, 3)] == [-1, 0, 3]
    with pytest.raises(UserError, match="workers"):
        resolve("workers=-2")
    assert settings_fingerprint(resolve("workers=0")) == settings_fingerprint(resolve())
