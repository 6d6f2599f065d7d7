"""What identifies a run: fingerprints of all that can change its figures, and how it differs from its preset."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import Any

import yaml

from benchmark.settings import IDENTITY, RunSettings, flatten, resolve_settings
from datasets.base import DATASETS
from datasets.errors import NOT_PARSED
from datasets.plugins import code_of
from datasets.seeding import fingerprint
from methods.base import METHODS, settings_without_part
from methods.prompts.sources import PROMPT_SOURCES

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
"""Settings that change no figure except by rounding: where files are, how work is batched, how long to wait."""


def dataset_fingerprint(settings: RunSettings) -> str:
    """Equal for settings that open the same dataset in the same way."""
    own = asdict(settings.dataset_settings[settings.dataset])
    return fingerprint("dataset", settings.dataset, settings.data_root, settings.unreadable, own)


def checkpoint_content(settings: RunSettings) -> str:
    """Fingerprint of a checkpoint in a folder, whose name says nothing about its content; empty for one on the hub."""
    from methods.checkpoint import checkpoint_fingerprint, local_folder

    folder = local_folder(settings.generator.checkpoint)
    return checkpoint_fingerprint(folder)[:16] if folder else ""


def settings_fingerprint(settings: RunSettings) -> str:
    """Fingerprint of everything that can change a figure, apart from the run's identity (`IDENTITY`).

    The contents of a prompt file and of a checkpoint in a folder have tags of their own (`job.Job.tags`).
    """
    # Only `openai` sends a request. Elsewhere it is left out, to keep fingerprints from before this setting existed.
    unread = ("prompts.file",) if settings.prompts.source == "openai" else ("prompts.file", "prompts.request")
    effective = {name: value for name, value in _effective(settings).items() if name not in unread}
    # All cells of the job use the words learned for its first task, so another first task changes the figures.
    of_first_task = effective.get("textual_inversion.words_of") == "first_task"
    code = _plugin_code(settings)
    return fingerprint(
        effective, [settings.seeds[0], settings.shots[0]] if of_first_task else [], *([code] if any(code) else [])
    )


def _plugin_code(settings: RunSettings) -> list[str]:
    """Digests of the plugins that the run uses, since an edited plugin changes the figures.

    They are empty for the project's own code and for what the method does not use.
    """
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
    """Settings in which the run differs from its preset, as `key=value` texts; empty for a plain run."""
    plain = resolve_settings(
        method=settings.method, dataset=settings.dataset, preset=settings.preset, protocol=settings.protocol
    )
    default = _effective(plain)
    changed = {name: value for name, value in _effective(settings).items() if default[name] != value}
    return " ".join(as_override(name, value) for name, value in sorted(changed.items()))


def as_override(name: str, value: Any) -> str:
    """`key=value`, as `--set` takes it; a text that YAML would read as something else, such as `no`, is quoted."""
    if isinstance(value, (list, tuple)):
        return f"{name}=[{','.join(_quoted(one, f'[{one}]', [one]) for one in value)}]"
    return f"{name}={_quoted(value, str(value), value)}"


def _quoted(value: Any, written: str, meant: Any) -> str:
    """The value as it is, or in quotes if it is a text and YAML would not read `written` as `meant`."""
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


def _effective(settings: RunSettings) -> dict[str, Any]:
    """The settings that can change a figure, apart from the run's identity."""
    unused = settings_without_part(METHODS[settings.method])
    no_part = {*IDENTITY, *WITHOUT_EFFECT}
    return {k: v for k, v in flatten(settings).items() if k not in no_part and not k.startswith(unused)}
