"""The typed settings of a run: what a user may set, checked before anything is loaded.

Precedence: command line over protocol over preset over default. Presets and protocols are YAML files of settings, in
`benchmark/presets` and `benchmark/protocols` or anywhere (`--preset path/to/file.yaml`); under `datasets: {<name>: …}`
stand those that they give for one dataset alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import suppress
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass, make_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import yaml
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
from datasets.errors import NOT_PARSED, UserError, reason_of
from datasets.home import path_of
from datasets.location import given_data_root
from datasets.plugins import code_of, told_in_a_line
from datasets.seeding import fingerprint
from evaluation.settings import ClassifierSettings, FeatureSettings, GuideClassifierSettings
from methods.base import ENABLED, METHODS, SERVICES, Method
from methods.prompts.sources import PROMPT_SOURCES
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
    """What to do about an unreadable image: `refuse`, or `skip` it with a count."""
    workers: int = -1
    """Threads that read and transform images ahead of a network; -1: one for each core, 8 at most; 0: none."""
    log_classifier: bool = True
    """Whether each cell's trained classifier is logged as an MLflow model."""
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
"""Settings that are given by an option, and by nothing else, with its name."""

WITHOUT_EFFECT = (
    "data_root",
    "log_classifier",
    "split_files",
    "plugins",
    "workers",
    "generator.batch_size",
    "textual_inversion.classes_per_batch",
    "textual_inversion.deterministic",
    "prompts.timeout_seconds",
    "prompts.retries",
)
"""Settings that change no figure but by rounding: where things lie, how they are batched, how long one waits."""


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

    `shots` and `seeds` are comma-separated whole numbers; `components` is `all` (also when empty),
    `none`, or names separated by commas; `split_files` and `plugins` are paths separated by commas; `overrides` are
    `key=value` texts (`diagen.strength=0.5`).

    Raises:
        UserError: anything unknown, malformed or out of range, with the nearest names.
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
    # It is tracked, and the photos are looked for there later, from whichever folder.
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
        UserError: hyper-parameters that it refuses, or a plugin's code that fails.
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
        UserError: a missing or broken folder, a setting of the dataset that it refuses, or a plugin's code that fails.
    """
    plugin: Any = DATASETS[settings.dataset]
    own = asdict(settings.dataset_settings[settings.dataset])
    try:
        with told_in_a_line(f"dataset {settings.dataset}", plugin):
            return plugin(data_root=given_data_root(settings.data_root), unreadable=settings.unreadable, **own)
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise UserError(f"dataset {settings.dataset} cannot be opened: {reason_of(error)}") from error


def dataset_schema(name: str) -> Any:
    """The dataset's own settings, from the keyword-only arguments of its constructor, checked by their types."""
    constructor = DATASETS[name].__init__
    hints = get_type_hints(constructor)
    own = [p for p in inspect.signature(constructor).parameters.values() if p.kind is p.KEYWORD_ONLY]
    items = [_setting(p.name, hints, p.default) for p in own]
    return make_dataclass(f"{name}_settings", items)()


def dataset_fingerprint(settings: RunSettings) -> str:
    """Equal for settings that open the same dataset in the same way."""
    own = asdict(settings.dataset_settings[settings.dataset])
    return fingerprint("dataset", settings.dataset, settings.data_root, settings.unreadable, own)


def checkpoint_content(settings: RunSettings) -> str:
    """What a checkpoint in a folder holds, which its name does not say; empty for one on the hub, whose name does."""
    from methods.checkpoint import checkpoint_fingerprint, local_folder

    folder = local_folder(settings.generator.checkpoint)
    return checkpoint_fingerprint(folder)[:16] if folder else ""


def flatten(settings: RunSettings) -> dict[str, Any]:
    """Dotted names and plain values; of the methods' and the datasets' settings only the run's own."""
    tree = asdict(settings)
    groups = {"methods": settings.method, "dataset_settings": settings.dataset}
    own = {f"{name}.": tree.pop(group)[name] for group, name in groups.items()}
    return leaves(tree) | {k: v for prefix, values in own.items() for k, v in leaves(values, prefix).items()}


def settable(settings: RunSettings) -> dict[str, Any]:
    """Every setting that `--set` reaches, those of all methods and datasets too, by the name that a user writes."""
    tree = asdict(settings)
    groups = tree.pop("methods") | tree.pop("dataset_settings")
    return {name: value for name, value in leaves(tree | groups).items() if name not in OPTIONS}


def settings_fingerprint(settings: RunSettings) -> str:
    """Address of everything that can change a figure, apart from the run's identity (`IDENTITY`).

    What a file of prompts holds is told beside it, as it is of a checkpoint in a folder (`job.Job.tags`).
    """
    # One source of prompts sends a request: runs with others have the address of those from before there was a choice.
    unread = ("prompts.file",) if settings.prompts.source == "openai" else ("prompts.file", "prompts.request")
    effective = {name: value for name, value in _effective(settings).items() if name not in unread}
    # The words of a job's first task are those of all its cells: another first task is another figure.
    of_first_task = effective.get("textual_inversion.words_of") == "first_task"
    code = _plugin_code(settings)
    return fingerprint(
        effective, [settings.seeds[0], settings.shots[0]] if of_first_task else [], *([code] if any(code) else [])
    )


def _plugin_code(settings: RunSettings) -> list[str]:
    """Of the plugins that the run uses: an edited one makes other figures. Empty texts for the project's own, and for
    what the method does not use."""
    from evaluation.backbones import BACKBONES

    method, (classifier, features) = METHODS[settings.method], (settings.classifier.backbone, settings.features.name)
    code = [code_of(method), code_of(DATASETS[settings.dataset])]
    for name, used in ((classifier, True), (features, "features" in method.services)):
        if name in BACKBONES:
            code.append(code_of(BACKBONES[name]) if used else "")
    if "prompts" in method.services and settings.prompts.source in PROMPT_SOURCES:
        own = code_of(PROMPT_SOURCES[settings.prompts.source].write)
        code += [own] if own else []
    return code


def overrides_of(settings: RunSettings) -> str:
    """What the run sets apart from its preset, as `key=value` texts; empty for a plain run."""
    plain = resolve_settings(
        method=settings.method, dataset=settings.dataset, preset=settings.preset, protocol=settings.protocol
    )
    default = _effective(plain)
    changed = {name: value for name, value in _effective(settings).items() if default[name] != value}
    return " ".join(as_override(name, value) for name, value in sorted(changed.items()))


def as_override(name: str, value: Any) -> str:
    """`key=value`, as `--set` takes it: in quotes a text that YAML would read as something else, as it does `no`."""
    if isinstance(value, (list, tuple)):
        return f"{name}=[{','.join(_quoted(one, f'[{one}]', [one]) for one in value)}]"
    return f"{name}={_quoted(value, str(value), value)}"


def _quoted(value: Any, written: str, meant: Any) -> str:
    """A value as it stands, or in quotes where it is a text and what would be `written` is not read as `meant`."""
    if not isinstance(value, str):
        return str(value)
    with suppress(*NOT_PARSED):
        if yaml.safe_load(written) == meant:
            return value
    return "'" + value.replace("'", "''") + "'"


def components_label(settings: RunSettings) -> str:
    """`noise,prompts`, or `none` when all are off; empty for a method without components."""
    known = METHODS[settings.method].components
    return (",".join(settings.components) or "none") if known else ""


def _defaults() -> DictConfig:
    config: DictConfig = OmegaConf.structured(RunSettings)
    for name in METHODS:
        if name in config or name in DATASETS:
            raise UserError(f"method '{name}' needs another name: settings under this one are not a method's")
        config.methods[name] = _structured(f"method '{name}'", _hyper_parameter_schema, name)
    for name in DATASETS:
        if name in config:
            raise UserError(f"dataset '{name}' needs another name: settings under this one are not a dataset's")
        config.dataset_settings[name] = _structured(f"dataset '{name}'", dataset_schema, name)
    OmegaConf.set_struct(config, True)
    return config


def _structured(plugin: str, schema: Callable[[str], Any], name: str) -> DictConfig:
    """The settings of a plugin with their types; raises `UserError` for one that cannot be a setting."""
    try:
        return OmegaConf.structured(schema(name))
    except (OmegaConfBaseException, TypeError, NameError) as error:
        raise UserError(
            f"{plugin}: one of its own settings cannot be one ({first_line(error)}): each has an annotation and a "
            "default, and is a number, a text, true or false, or a tuple of them"
        ) from error


def _setting(name: str, hints: dict[str, Any], default: Any) -> tuple[str, Any, Any]:
    """A field of a schema; raises TypeError for one without annotation or default."""
    if name not in hints or default is MISSING or default is inspect.Parameter.empty:
        raise TypeError(f"'{name}' lacks its {'default' if name in hints else 'annotation'}")
    if hints[name] is Path:  # OmegaConf would take it; it cannot be tracked
        raise TypeError(f"'{name}' is a Path: make it a text")
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
    """`diagen: {…}` stands for `methods: {diagen: {…}}`, `coco: {…}` for `dataset_settings: {coco: {…}}`."""
    grouped: dict[str, Any] = {}
    for key, value in content.items():
        group = "methods" if key in METHODS else "dataset_settings" if key in DATASETS else ""
        if group:
            grouped.setdefault(group, {})[key] = value
        else:
            grouped[key] = value
    return grouped


def _effective(settings: RunSettings) -> dict[str, Any]:
    """The settings that can change a figure, apart from the run's identity."""
    unused = tuple(f"{service}." for service in SERVICES if service not in METHODS[settings.method].services)
    no_part = {*IDENTITY, *WITHOUT_EFFECT}
    return {k: v for k, v in flatten(settings).items() if k not in no_part and not k.startswith(unused)}


def leaves(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted names and plain values of nested ones."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
