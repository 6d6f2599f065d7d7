"""The typed settings of a run: what a user may set, checked before anything is loaded.

Precedence: command line over protocol over preset over default. Presets and protocols are YAML files of settings, in
`benchmark/presets` and `benchmark/protocols` or anywhere (`--preset path/to/file.yaml`); settings for one dataset alone
are under `datasets: {<name>: …}`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass, make_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from benchmark.setting_checks import (
    check_values,
    first_line,
    merge,
    parse_components,
    parse_numbers,
    parse_override,
    parts_of,
    refuse_those_with_options,
)
from benchmark.setting_files import preset_settings, protocol_settings
from datasets.base import DATASETS, Dataset
from datasets.errors import UserError, reason_of
from datasets.home import path_of
from datasets.location import given_data_root
from datasets.plugins import told_in_a_line
from evaluation.settings import ClassifierSettings, FeatureSettings, GuideClassifierSettings
from methods.base import ENABLED, METHODS, Method
from methods.settings import GeneratorSettings, PromptSettings, TextualInversionSettings


@dataclass
class RunSettings:
    """Every setting of a run."""

    method: str = "diagen"
    dataset: str = "mini_focus"
    data_root: str = ""
    """Folder that holds the datasets' folders, by its whole path; empty: the environment variable DIAGEN_DATA."""
    shots: list[int] = field(default_factory=lambda: [4])
    seeds: list[int] = field(default_factory=lambda: [0])
    preset: str = "mini"
    protocol: str = "paper"
    """What to do where the paper and its published code differ (docs/protocol.md)."""
    split_files: list[str] = field(default_factory=list)
    """Files of `python -m benchmark split` to replay; their shots and seeds are the run's."""
    plugins: list[str] = field(default_factory=list)
    """Python files that register what the run uses; they are loaded already, and are kept for the record."""
    components: list[str] = field(default_factory=list)
    """The method's components that are on, in the method's order."""
    unreadable: str = "refuse"
    """What to do about an unreadable image file: `refuse` to run, or `skip` such files and say how many."""
    workers: int = -1
    """Threads that load and transform images ahead of a network; -1: one per core, but at most 8; 0: none."""
    log_classifier: bool = True
    """Whether to log the trained classifier of each cell as an MLflow model."""
    classifier: ClassifierSettings = field(default_factory=ClassifierSettings)
    features: FeatureSettings = field(default_factory=FeatureSettings)
    guide_classifier: GuideClassifierSettings = field(default_factory=GuideClassifierSettings)
    generator: GeneratorSettings = field(default_factory=GeneratorSettings)
    textual_inversion: TextualInversionSettings = field(default_factory=TextualInversionSettings)
    prompts: PromptSettings = field(default_factory=PromptSettings)
    methods: dict[str, Any] = field(default_factory=dict)
    """Per registered method its hyper-parameters; a user writes `diagen.strength`, without `methods.`."""
    dataset_settings: dict[str, Any] = field(default_factory=dict)
    """Per registered dataset its own settings; a user writes `coco.crowd`, without `dataset_settings.`."""


IDENTITY = ("method", "dataset", "shots", "seeds", "preset", "protocol", "components")
"""Settings that name a run: each has an option and a tag of its own."""

OPTIONS = {name: name for name in IDENTITY} | {
    "data_root": "data-root",
    "split_files": "split-file",
    "plugins": "plugins",
}
"""Settings that can only be given by an option, and its name."""


def resolve_settings(
    *,
    method: str = "diagen",
    dataset: str = "mini_focus",
    data_root: str = "",
    shots: str = "4",
    seeds: str = "0",
    preset: str = "mini",
    protocol: str = "paper",
    components: str = "",
    split_files: str = "",
    plugins: str = "",
    overrides: tuple[str, ...] = (),
) -> RunSettings:
    """The run's settings from the command line's texts.

    `shots` and `seeds` are comma-separated whole numbers; `components` is `all` (also when empty), `none`, or names
    separated by commas; `split_files` and `plugins` are paths separated by commas; `overrides` are `key=value` texts
    (`diagen.strength=0.5`).

    Raises:
        UserError: something is unknown (the message gives the nearest names), malformed or out of range.
    """
    plugin = METHODS[method]
    _ = DATASETS[dataset]
    config = _defaults()
    given = [(part, f"preset '{preset}'") for part in preset_settings(preset, dataset)]
    given += [(part, f"protocol '{protocol}'") for part in protocol_settings(protocol, dataset)]
    given += [(parse_override(override), "--set") for override in overrides]
    for part, where in given:
        refuse_those_with_options(part, OPTIONS, where)
        merge(config, _in_groups(part), where)
    # An absolute path: it is tracked, and later commands look for the photos there from any folder.
    whole = str(path_of(data_root).absolute()) if data_root else ""
    config.update(method=method, dataset=dataset, data_root=whole, preset=preset, protocol=protocol)
    config.split_files, config.plugins = parts_of(split_files), parts_of(plugins)
    config.shots = parse_numbers("shots", shots, minimum=1)
    config.seeds = parse_numbers("seeds", seeds, minimum=0)
    config.components = parse_components(components, method, plugin.components)
    settings: Any = OmegaConf.to_object(config)
    check_values(flatten(settings), method)
    return settings


def build_method(settings: RunSettings) -> Method:
    """The run's method with its hyper-parameters and enabled components.

    Raises:
        UserError: the method refuses a hyper-parameter, or a plugin's code fails.
    """
    plugin: Any = METHODS[settings.method]
    values = _hyper_parameters(settings)
    if plugin.components:
        values[ENABLED] = settings.components
    with told_in_a_line(f"method {settings.method}", plugin):
        return plugin(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def open_dataset(settings: RunSettings) -> Dataset:
    """The run's dataset, from the data root that is given or that DIAGEN_DATA names.

    Raises:
        UserError: a folder is missing or broken, the dataset refuses one of its settings, or a plugin's code fails.
    """
    plugin: Any = DATASETS[settings.dataset]
    own = asdict(settings.dataset_settings[settings.dataset])
    try:
        with told_in_a_line(f"dataset {settings.dataset}", plugin):
            return plugin(data_root=given_data_root(settings.data_root), unreadable=settings.unreadable, **own)
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise UserError(f"dataset {settings.dataset} cannot be opened: {reason_of(error)}") from error


def dataset_schema(name: str) -> Any:
    """The dataset's own settings, type-checked, from the keyword-only arguments of its constructor."""
    constructor = DATASETS[name].__init__
    hints = get_type_hints(constructor)
    own = [p for p in inspect.signature(constructor).parameters.values() if p.kind is p.KEYWORD_ONLY]
    items = [_setting(p.name, hints, p.default) for p in own]
    return make_dataclass(f"{name}_settings", items)()


def flatten(settings: RunSettings) -> dict[str, Any]:
    """Settings by dotted name, as plain values; only those of the run's own method and dataset, not of the others."""
    tree = asdict(settings)
    groups = {"methods": settings.method, "dataset_settings": settings.dataset}
    own = {f"{name}.": tree.pop(group)[name] for group, name in groups.items()}
    return leaves(tree) | {k: v for prefix, values in own.items() for k, v in leaves(values, prefix).items()}


def settable(settings: RunSettings) -> dict[str, Any]:
    """Every setting that `--set` reaches, also those of other methods and datasets, by the name that a user writes."""
    tree = asdict(settings)
    groups = tree.pop("methods") | tree.pop("dataset_settings")
    return {name: value for name, value in leaves(tree | groups).items() if name not in OPTIONS}


def _defaults() -> DictConfig:
    config: DictConfig = OmegaConf.structured(RunSettings)
    for name in METHODS:
        if name in config or name in DATASETS:
            raise UserError(f"method '{name}' needs another name: this one already stands for other settings")
        config.methods[name] = _structured(f"method '{name}'", _hyper_parameter_schema, name)
    for name in DATASETS:
        if name in config:
            raise UserError(f"dataset '{name}' needs another name: this one already stands for other settings")
        config.dataset_settings[name] = _structured(f"dataset '{name}'", dataset_schema, name)
    OmegaConf.set_struct(config, True)
    return config


def _structured(plugin: str, schema: Callable[[str], Any], name: str) -> DictConfig:
    """A plugin's settings with their types; raises `UserError` if one of them is not allowed as a setting."""
    try:
        return OmegaConf.structured(schema(name))
    except (OmegaConfBaseException, TypeError, NameError) as error:
        raise UserError(
            f"{plugin}: one of its settings is not allowed ({first_line(error)}): each needs an annotation and a "
            "default, and must be a number, a string, a bool, or a tuple of these"
        ) from error


def _setting(name: str, hints: dict[str, Any], default: Any) -> tuple[str, Any, Any]:
    """A field of a schema; raises TypeError if its annotation or default is missing, or if it is a Path."""
    if name not in hints or default is MISSING or default is inspect.Parameter.empty:
        raise TypeError(f"'{name}' lacks its {'default' if name in hints else 'annotation'}")
    if hints[name] is Path:  # OmegaConf accepts it, but it cannot be tracked
        raise TypeError(f"'{name}' is a Path: make it a string")
    return name, hints[name], field(default_factory=lambda: default)


def _hyper_parameter_schema(name: str) -> Any:
    """A mutable copy of the method's fields, so that OmegaConf can hold them and check their types."""
    plugin: Any = METHODS[name]
    hints = get_type_hints(plugin)
    items = []
    for item in fields(plugin) if is_dataclass(plugin) else ():
        if item.init and item.name != ENABLED:
            value = item.default_factory() if item.default_factory is not MISSING else item.default
            items.append(_setting(item.name, hints, value))
    return make_dataclass(f"{name}_settings", items)()


def _hyper_parameters(settings: RunSettings) -> dict[str, Any]:
    return asdict(settings.methods[settings.method])


def _in_groups(content: dict[str, Any]) -> dict[str, Any]:
    """Move `diagen: {…}` to `methods: {diagen: {…}}`, and `coco: {…}` to `dataset_settings: {coco: {…}}`."""
    grouped: dict[str, Any] = {}
    for key, value in content.items():
        group = "methods" if key in METHODS else "dataset_settings" if key in DATASETS else ""
        if group:
            grouped.setdefault(group, {})[key] = value
        else:
            grouped[key] = value
    return grouped


def leaves(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flatten a nested mapping to dotted names and plain values."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
