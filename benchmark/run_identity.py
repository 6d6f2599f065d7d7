"""What a run is known by: fingerprints of all that can change its figures, and what it sets apart from its preset."""

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
"""Settings that change no figure but by rounding: where things lie, how they are batched, how long one waits."""


def dataset_fingerprint(settings: RunSettings) -> str:
    """Equal for settings that open the same dataset in the same way."""
    own = asdict(settings.dataset_settings[settings.dataset])
    return fingerprint("dataset", settings.dataset, settings.data_root, settings.unreadable, own)


def checkpoint_content(settings: RunSettings) -> str:
    """What a checkpoint in a folder holds, which its name does not say; empty for one on the hub, whose name does."""
    from methods.checkpoint import checkpoint_fingerprint, local_folder

    folder = local_folder(settings.generator.checkpoint)
    return checkpoint_fingerprint(folder)[:16] if folder else ""


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


def _effective(settings: RunSettings) -> dict[str, Any]:
    """The settings that can change a figure, apart from the run's identity."""
    unused = settings_without_part(METHODS[settings.method])
    no_part = {*IDENTITY, *WITHOUT_EFFECT}
    return {k: v for k, v in flatten(settings).items() if k not in no_part and not k.startswith(unused)}
