"""The typed settings of a run: what a user may set, checked before anything is loaded.

Precedence: command line over preset over default. A preset is a YAML file of settings, in
`benchmark/presets` or anywhere (`--preset path/to/file.yaml`); under `datasets: {<name>: …}` stand those that it
gives for one dataset alone.
"""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass, make_dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_type_hints

import yaml
from omegaconf import DictConfig, OmegaConf

from benchmark.setting_checks import check_values, first_line, merge, parse_components, parse_numbers, parse_override
from datasets.base import DATASETS
from datasets.errors import UnknownName, UserError
from datasets.seeding import fingerprint
from evaluation.settings import ClassifierSettings, FeatureSettings, GuideClassifierSettings
from methods.base import METHODS, Method
from methods.settings import GeneratorSettings, PromptSettings, TextualInversionSettings

PRESETS = Path(__file__).parent / "presets"

COMPONENTS_FIELD = "enabled"
"""The field of a method that takes its enabled components; `components` sets it."""


@dataclass
class RunSettings:
    """Every setting of a run."""

    method: str = "diagen"
    dataset: str = "mini_focus"
    data_root: str = ""
    """Folder that holds the datasets' folders; empty: the environment variable DIAGEN_DATA."""
    shots: list[int] = field(default_factory=lambda: [4])
    seeds: list[int] = field(default_factory=lambda: [0])
    preset: str = "mini"
    components: list[str] = field(default_factory=list)
    """The method's components that are on, in the method's order."""
    unreadable: str = "refuse"
    """What to do about an unreadable image: `refuse`, or `skip` it with a count."""
    classifier: ClassifierSettings = field(default_factory=ClassifierSettings)
    features: FeatureSettings = field(default_factory=FeatureSettings)
    guide_classifier: GuideClassifierSettings = field(default_factory=GuideClassifierSettings)
    generator: GeneratorSettings = field(default_factory=GeneratorSettings)
    textual_inversion: TextualInversionSettings = field(default_factory=TextualInversionSettings)
    prompts: PromptSettings = field(default_factory=PromptSettings)
    methods: dict[str, Any] = field(default_factory=dict)
    """Per registered method its hyper-parameters; a user writes `diagen.strength`, without `methods.`."""


IDENTITY = ("method", "dataset", "shots", "seeds", "preset", "components")
"""Settings that name a run: each has an option and a tag of its own."""

WITHOUT_EFFECT = (
    "data_root",
    "generator.batch_size",
    "textual_inversion.classes_per_batch",
    "prompts.timeout_seconds",
    "prompts.retries",
)
"""Settings that change no figure: where things lie, how they are batched, how long one waits."""


def resolve_settings(
    *,
    method: str = "diagen",
    dataset: str = "mini_focus",
    data_root: str = "",
    shots: str = "4",
    seeds: str = "0",
    preset: str = "mini",
    components: str = "",
    overrides: tuple[str, ...] = (),
) -> RunSettings:
    """The run's settings from the command line's texts.

    `shots` and `seeds` are comma-separated whole numbers; `components` is `all` (also when empty),
    `none`, or names separated by commas; `overrides` are `key=value` texts (`diagen.strength=0.5`).

    Raises:
        UserError: anything unknown, malformed or out of range, with the nearest names.
    """
    plugin = METHODS[method]
    _ = DATASETS[dataset]
    config = _defaults()
    for part in preset_settings(preset, dataset):
        merge(config, _under_methods(part), f"preset '{preset}'")
    for override in overrides:
        merge(config, _under_methods(parse_override(override, IDENTITY)), "--set")
    config.update(method=method, dataset=dataset, data_root=data_root, preset=preset)
    config.shots = parse_numbers("shots", shots, minimum=1)
    config.seeds = parse_numbers("seeds", seeds, minimum=0)
    config.components = parse_components(components, method, plugin.components)
    settings: Any = OmegaConf.to_object(config)
    check_values(flatten(settings))
    return settings


def build_method(settings: RunSettings) -> Method:
    """The run's method with its hyper-parameters and enabled components."""
    plugin: Any = METHODS[settings.method]
    values = _hyper_parameters(settings)
    if plugin.components:
        values[COMPONENTS_FIELD] = settings.components
    return plugin(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def load_preset(name: str) -> dict[str, Any]:
    """The content of a preset: one of `benchmark/presets`, or the path of a YAML file.

    Raises:
        UserError: no such preset, or the file is not a YAML mapping.
    """
    path = Path(name) if name.endswith((".yaml", ".yml")) else PRESETS / f"{name}.yaml"
    if not path.is_file():
        raise UnknownName("preset", name, preset_names())
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"preset '{name}' is no valid YAML: {first_line(error)}") from error
    if not isinstance(content, dict):
        raise UserError(f"preset '{name}' must be a mapping of settings, not a {type(content).__name__}")
    return content


def preset_settings(name: str, dataset: str) -> list[dict[str, Any]]:
    """What a preset sets for a dataset: its settings, then those under `datasets: {<name>: …}` for this one alone."""
    content = load_preset(name)
    by_dataset = content.pop("datasets", None) or {}
    if not isinstance(by_dataset, dict):
        raise UserError(f"preset '{name}': 'datasets' must map a dataset's name to its settings")
    return [content, by_dataset.get(dataset) or {}]


def preset_names() -> list[str]:
    return sorted(path.stem for path in PRESETS.glob("*.yaml"))


def flatten(settings: RunSettings) -> dict[str, Any]:
    """Dotted names and plain values; of the methods' hyper-parameters only the run's own."""
    tree = asdict(settings)
    del tree["methods"]
    own = {f"{settings.method}.{name}": value for name, value in _hyper_parameters(settings).items()}
    return _leaves(tree) | own


def settings_fingerprint(settings: RunSettings) -> str:
    """Address of everything that can change a figure, apart from the run's identity (`IDENTITY`)."""
    return fingerprint(_effective(settings))


def overrides_of(settings: RunSettings) -> str:
    """What the run sets apart from its preset, as `key=value` texts; empty for a plain run."""
    plain = resolve_settings(method=settings.method, dataset=settings.dataset, preset=settings.preset)
    default = _effective(plain)
    changed = {name: value for name, value in _effective(settings).items() if default[name] != value}
    return " ".join(f"{name}={_compact(value)}" for name, value in sorted(changed.items()))


def components_label(settings: RunSettings) -> str:
    """`noise,prompts`, or `none` when all are off; empty for a method without components."""
    known = METHODS[settings.method].components
    return (",".join(settings.components) or "none") if known else ""


def _defaults() -> DictConfig:
    config: DictConfig = OmegaConf.structured(RunSettings)
    for name in METHODS:
        config.methods[name] = OmegaConf.structured(_hyper_parameter_schema(name))
    OmegaConf.set_struct(config, True)
    return config


def _hyper_parameter_schema(name: str) -> Any:
    """A mutable copy of the method's fields, so that OmegaConf can hold them and check their types."""
    plugin: Any = METHODS[name]
    hints = get_type_hints(plugin)
    items = []
    for item in fields(plugin) if is_dataclass(plugin) else ():
        if item.init and item.name != COMPONENTS_FIELD:
            value = item.default_factory() if item.default_factory is not MISSING else item.default
            items.append((item.name, hints[item.name], field(default_factory=partial(_same, value))))
    return make_dataclass(f"{name}_settings", items)()


def _same(value: Any) -> Any:
    return value


def _hyper_parameters(settings: RunSettings) -> dict[str, Any]:
    return asdict(settings.methods[settings.method])


def _under_methods(content: dict[str, Any]) -> dict[str, Any]:
    """`diagen: {…}` stands for `methods: {diagen: {…}}`."""
    own = {key: value for key, value in content.items() if key in METHODS}
    rest = {key: value for key, value in content.items() if key not in METHODS}
    return {**rest, "methods": own} if own else rest


def _effective(settings: RunSettings) -> dict[str, Any]:
    return {k: v for k, v in flatten(settings).items() if k not in IDENTITY and k not in WITHOUT_EFFECT}


def _leaves(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _leaves(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _compact(value: Any) -> str:
    return f"[{','.join(map(str, value))}]" if isinstance(value, (list, tuple)) else str(value)
