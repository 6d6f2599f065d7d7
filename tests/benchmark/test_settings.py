"""Settings: precedence, errors that suggest the nearest names, fingerprints."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import datasets  # noqa: F401
import methods  # noqa: F401
from benchmark.run_identity import as_override, components_label, overrides_of, settings_fingerprint
from benchmark.setting_checks import parse_override
from benchmark.settings import build_method, flatten, open_dataset, resolve_settings
from datasets.base import DATASETS
from datasets.errors import UserError
from evaluation.backbones import check_backbone
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


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("nonsense.key=3", "unknown setting 'nonsense.key'; `python -m benchmark list settings` shows all of them"),
        ("classifier.epoch=3", "classifier.epochs"),
        ("diagen.strenght=0.5", "diagen.strength"),
        ("classifier=3", "group of settings"),
        ("classifier.epochs=many", "classifier.epochs"),
        ("classifier.epochs=[1", "not a valid value"),
        ("diagen.noise_std=0.1", "takes a list"),
        ("diagen.noise_std=[[1]]", "'diagen.noise_std' takes a list such as [1,2], not '[[1]]'"),
        ("diagen.noise_std=[a]", "'diagen.noise_std': ['a'] has another type than [0.0, "),
        ("classifier.epochs=", "'classifier.epochs' has no value"),
        ("prompts.model.name=2", "single setting"),
        ("unreadable=ignore", "refuse, skip"),
        ("features.real_set=uncommon", "unknown features.real_set 'uncommon'; known: all_tests, test"),
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
        ("prompts.request=unusual", "unknown prompts.request 'unusual'"),
        ("prompts.retries=-1", "'prompts.retries' is -1: it must be at least 0"),
        ("classifier.learning_rate=.nan", "learning_rate"),
        ("diagen.synthetic_probability=1.5", "at most 1"),
        ("diagen.strength=1.5", "'diagen.strength' is 1.5: it must be above 0 and at most 1"),
        ("shots=3", "--shots"),
        ("data_root=photos", "--data-root"),
        ("split_files=[a.json]", "--split-file"),
        ("classifier.epochs=???", "'???' is not a value"),
        ("classifier.backbone=${features.name}", "'${features.name}' is not a value"),
        ("prompts.model=2024-13-45", "not a valid value"),
        ("prompts.base_url=http://user:secret@localhost/v1", "contains a password in its address"),
        ("prompts.base_url=http://user:secret@[::1/v1", "contains a password in its address"),
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
        ("diagen.strength=" + "1" * 400, "'diagen.strength': int too large to convert to float"),
        ("diagen.strength=[0.5,0.7]", "'diagen.strength' takes one value, not a list"),
        ("diagen.strength=&a [*a]", "--set: a setting is nested too deeply, or contains itself"),
        ("diagen.noise_std=" + "[" * 3000, "is not a valid value: "),
        (".".join("a" * 3000) + "=1", "--set: a setting is nested too deeply, or contains itself"),
    ],
)
def test_a_bad_setting_is_refused_with_one_line_that_helps(override: str, says: str):
    with pytest.raises(UserError) as refusal:
        resolve(override)
    assert says in str(refusal.value)
    assert not any(unwanted in str(refusal.value) for unwanted in ("\n", "secret", "cret@"))


def test_a_name_that_may_be_a_plugins_is_refused_with_the_option_that_loads_it():
    for override in ("random_strength.steps=3", "random_strength.own.size=3"):
        with pytest.raises(UserError, match=r"unknown setting 'random_strength\..*; a plugin's needs --plugins$"):
            resolve(override)
    for override in ("classifier.epoch=3", "workerss=3"):
        with pytest.raises(UserError) as refusal:
            resolve(override)
        assert "--plugins" not in str(refusal.value)
    own = "one of your own needs --plugins FILE$"
    with pytest.raises(UserError, match=rf"unknown method 'xyz'; known: .*; {own}"):
        resolve(method="xyz")
    with pytest.raises(UserError, match=rf"unknown dataset 'xyz'; known: .*; {own}"):
        resolve_settings(dataset="xyz")
    with pytest.raises(UserError, match=rf"unknown backbone 'xyz'; known: .*; {own}"):
        check_backbone("xyz")


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
    with pytest.raises(UserError, match="no components at all"):
        resolve(method="standard", components="noise")


def test_a_data_root_is_known_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert resolve(data_root="photos").data_root == str(tmp_path / "photos")
    assert resolve(data_root="~/photos").data_root == str(Path.home() / "photos")
    assert resolve().data_root == ""


@pytest.mark.parametrize("name", ["data_root", "plugins", "split_files"])
def test_a_path_that_is_no_utf8_is_refused(name: str):
    """Such a path could not be tracked."""
    with pytest.raises(
        UserError, match=rf"^{name} is '.*caf\\udce9.*', which is not valid UTF-8: rename the file or folder$"
    ):
        resolve(**{name: os.fsdecode(b"/caf\xe9")})


def test_only_what_can_change_a_figure_is_part_of_the_fingerprint():
    plain = settings_fingerprint(resolve())
    same = [
        resolve("generator.batch_size=3"),
        resolve("textual_inversion.classes_per_batch=2"),
        resolve("textual_inversion.deterministic=true"),
        resolve("prompts.timeout_seconds=5", "prompts.retries=1"),
        resolve("log_classifier=false"),
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


def test_a_request_that_no_language_model_is_sent_makes_no_other_runs():
    def fingerprints(source: str) -> set[str]:
        requests = ("plain", "uncommon")
        return {settings_fingerprint(resolve(f"prompts.source={source}", f"prompts.request={r}")) for r in requests}

    assert len(fingerprints("openai")) == 2
    assert fingerprints("template") == {settings_fingerprint(resolve())}


def test_overrides_name_what_differs_from_the_preset():
    assert overrides_of(resolve("classifier.epochs=20", "generator.batch_size=2")) == ""
    assert overrides_of(resolve("diagen.noise_std=[0,0.1]", "classifier.epochs=3")) == (
        "classifier.epochs=3 diagen.noise_std=[0.0,0.1]"
    )


def test_what_a_protocol_sets_is_no_override():
    assert overrides_of(resolve(protocol="as_released")) == ""
    assert overrides_of(resolve("classifier.epochs=3", protocol="as_released")) == "classifier.epochs=3"


@pytest.mark.parametrize(
    "text",
    ["", "no", "010", "12:30", "x #1", "it's: so", "null", "2024-01-02", "it's", "[", "min(1, 2c)", "llama3:8b"],
)
def test_an_override_is_read_as_the_text_that_it_was(text: str):
    assert parse_override(as_override("prompts.model", text)) == {"prompts": {"model": text}}
    assert parse_override(as_override("squares.tests", [text, "b"])) == {"squares": {"tests": [text, "b"]}}


@pytest.mark.parametrize("text", ["min(1, 2c)", "llama3:8b"])
def test_an_override_has_no_quotes_where_none_help(text: str):
    assert as_override("prompts.model", text) == f"prompts.model={text}"


def test_flattened_settings_hold_the_runs_own_hyper_parameters_only():
    flat = flatten(resolve(method="da_fusion"))
    assert flat["da_fusion.strength"] == 0.5
    assert not any(name.startswith(("diagen.", "methods")) for name in flat)


class TestADatasetsOwnSettings:
    """The keyword-only arguments of a dataset's constructor are its settings."""

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


def test_workers_may_be_chosen_by_the_program_or_none():
    assert [resolve(f"workers={n}").workers for n in (-1, 0, 3)] == [-1, 0, 3]
    with pytest.raises(UserError, match="workers"):
        resolve("workers=-2")
    assert settings_fingerprint(resolve("workers=0")) == settings_fingerprint(resolve())
