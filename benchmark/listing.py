"""The output of `python -m benchmark list …`."""

from __future__ import annotations

from benchmark.records import as_text
from benchmark.setting_files import load_preset, load_protocol, preset_names, protocol_names
from benchmark.setting_list import list_settings
from benchmark.settings import RunSettings, leaves
from datasets.base import DATASETS
from datasets.errors import UnknownName, UserError
from methods.base import METHODS

SETTINGS = "settings"
KINDS = ("methods", "datasets", "backbones", "features", "presets", "protocols", SETTINGS)


def listing(kind: str, preset: str = "", dataset: str = "") -> str:
    """One line for each name of a kind, or the settings with their defaults for a preset and dataset.

    Raises:
        UnknownName: the kind is unknown.
        UserError: the preset or dataset is unknown, or is given for a list other than that of the settings.
    """
    if kind not in KINDS:
        raise UnknownName("list", kind, KINDS)
    if kind == SETTINGS:
        return list_settings(preset or RunSettings.preset, dataset or RunSettings.dataset)
    if preset or dataset:
        raise UserError(
            f"--preset and --dataset say whose defaults `list {SETTINGS}` shows: leave them out of `list {kind}`"
        )
    kinds = {"methods": _methods, "datasets": _datasets, "presets": _presets, "protocols": _protocols}
    return _aligned(kinds.get(kind, _backbones)())


def _methods() -> list[tuple[str, ...]]:
    facts = [(name, METHODS[name]) for name in METHODS]
    return [(name, f"{plugin.title} ({plugin.paper})", _switches(plugin.components)) for name, plugin in facts]


def _switches(components: tuple[str, ...]) -> str:
    return f"components: {','.join(components)}" if components else ""


def _datasets() -> list[tuple[str, ...]]:
    facts = [(name, DATASETS[name]) for name in DATASETS]
    return [(name, plugin.title, plugin.source, plugin.licence) for name, plugin in facts]


def _backbones() -> list[tuple[str, ...]]:
    """The networks for both `backbones` and `features`: each can serve as either."""
    from evaluation.backbones import BACKBONES

    return [(name,) for name in [*BACKBONES, "timm/<any of timm's models>"]]


def _presets() -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = []
    for name in preset_names():
        content = load_preset(name)
        parts = {
            "backbone": ("classifier", "backbone"),
            "features": ("features", "name"),
            "generator": ("generator", "checkpoint"),
        }
        told = (f"{title} {content.get(group, {}).get(key, '–')}" for title, (group, key) in parts.items())
        lines.append((name, ", ".join(told)))
    return lines


def _protocols() -> list[tuple[str, ...]]:
    """Each protocol with the settings that it changes, without those for single datasets, which its file shows."""
    contents = {name: load_protocol(name) for name in protocol_names()}
    for content in contents.values():
        content.pop("datasets", None)
    return [(name, as_text(leaves(content))) for name, content in contents.items()]


def _aligned(lines: list[tuple[str, ...]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))] if lines else []
    padded = ("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded)
