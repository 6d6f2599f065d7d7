"""What `python -m benchmark list …` prints."""

from __future__ import annotations

from benchmark.setting_files import load_preset, preset_names
from datasets.base import DATASETS
from datasets.errors import UnknownName
from methods.base import METHODS

KINDS = ("methods", "datasets", "backbones", "features", "presets")


def listing(kind: str) -> str:
    """One line for each name of a kind; raises `UnknownName` for an unknown kind."""
    if kind not in KINDS:
        raise UnknownName("list", kind, KINDS)
    return _aligned({"methods": _methods, "datasets": _datasets, "presets": _presets}.get(kind, _backbones)())


def _methods() -> list[tuple[str, ...]]:
    facts = [(name, METHODS[name]) for name in METHODS]
    return [(name, f"{plugin.title} ({plugin.paper})", _switches(plugin.components)) for name, plugin in facts]


def _switches(components: tuple[str, ...]) -> str:
    return f"components: {','.join(components)}" if components else ""


def _datasets() -> list[tuple[str, ...]]:
    facts = [(name, DATASETS[name]) for name in DATASETS]
    return [(name, plugin.title, plugin.source, plugin.licence) for name, plugin in facts]


def _backbones() -> list[tuple[str, ...]]:
    """Any backbone gives features, and any features can be a backbone."""
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


def _aligned(lines: list[tuple[str, ...]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))] if lines else []
    padded = ("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded)
